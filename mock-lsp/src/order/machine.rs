//! How an order moves: bLIP-51 sections 3.1 and 4.1 as one function.
//!
//! ```text
//! CREATED / EXPECT_PAYMENT ── payment held ──> CREATED / HOLD ── published ──> COMPLETED / HOLD ── claimed ──> COMPLETED / PAID
//!            │                                       │
//!            └────────── expired, failed ────────────┴── expired, deadline near, open failed ──> FAILED / REFUNDED
//! ```
//!
//! Policy where bLIP-51 leaves the choice:
//! - An unpaid order that expires is FAILED, its invoice void (REFUNDED).
//! - An overpaid invoice counts as paid; an underpaid one is failed back and may be paid again.
//! - Any further payment of the same invoice is failed back. A payment is claimed once, and only after the channel's
//!   funding transaction is published.
//! - Expiry doesn't end an order whose open is underway: the open then decides. The claim deadline does, since a payment
//!   that can't be claimed any more must not be kept waiting.

use jiff::{SignedDuration, Timestamp};

use super::{Action, Channel, Event, Opening, Order, OrderState, PaymentState};

/// How many blocks before its claim deadline a held payment is failed back.
pub(crate) const CLAIM_MARGIN_BLOCKS: u32 = 6;

/// How long a block counts when a lease in blocks becomes a time.
const SECONDS_PER_BLOCK: i64 = 600;

/// Where the core departs from bLIP-51, for faults. The default is honest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Claims a payment as soon as it is held.
    pub(crate) claims_before_open: bool,
    /// Keeps the payment of a failed order on hold.
    pub(crate) keeps_payment_of_failed_order: bool,
}

/// What an event led to.
#[derive(Debug)]
pub(crate) struct Step {
    /// The order afterwards.
    pub(crate) order: Order,
    /// What is to be done, in this order.
    pub(crate) actions: Vec<Action>,
    /// Why the event changed nothing, if it didn't.
    pub(crate) ignored: Option<Ignored>,
}

/// Why an event has no effect on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ignored {
    /// The order has ended, or its channel is published.
    #[error("the order is beyond that")]
    Beyond,
    /// The order waits for its payment.
    #[error("the order isn't paid")]
    Unpaid,
    /// The order's payment is on hold already.
    #[error("the order is paid already")]
    PaidAlready,
    /// The payment is smaller than the order's total.
    #[error("the payment is too small")]
    Underpaid,
    /// The order has passed its expiry.
    #[error("the order has expired")]
    Expired,
    /// The channel is being opened, which has to end first.
    #[error("the channel is being opened; wait for that to end")]
    OpenUnderway,
    /// It is too early.
    #[error("it isn't time yet")]
    TooEarly,
}

/// Moves an order on.
pub(crate) fn step(order: Order, event: &Event, now: Timestamp, rules: Rules) -> Step {
    let mut order = order;
    let mut actions = Vec::new();
    let outcome = apply(&mut order, event, now, rules, &mut actions);
    Step { order, actions, ignored: outcome.err() }
}

fn apply(
    order: &mut Order,
    event: &Event,
    now: Timestamp,
    rules: Rules,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    match *event {
        Event::PaymentHeld { amount_msat, claim_deadline } => {
            payment_held(order, amount_msat, now, actions)?;
            order.bolt11.claim_deadline = claim_deadline;
            if rules.claims_before_open {
                claim(order, actions);
            }
            actions.push(Action::SeekPeer);
            Ok(())
        }
        Event::PeerConnected => {
            match order.opening {
                Opening::Unasked if order.state == OrderState::Created => {
                    return Err(Ignored::Unpaid);
                }
                Opening::Underway => return Err(Ignored::OpenUnderway),
                Opening::Unasked | Opening::Over => return Err(Ignored::Beyond),
                Opening::WaitingForPeer => {}
            }
            order.opening = Opening::Underway;
            actions.push(Action::Open);
            Ok(())
        }
        Event::Published { outpoint } => {
            underway(order)?;
            order.opening = Opening::Over;
            order.state = OrderState::Completed;
            let seconds = i64::from(order.request.channel_expiry_blocks) * SECONDS_PER_BLOCK;
            let lease = SignedDuration::from_secs(seconds);
            let expires_at = now.checked_add(lease).unwrap_or(Timestamp::MAX);
            order.channel = Some(Channel { funded_at: now, outpoint, expires_at });
            claim(order, actions);
            Ok(())
        }
        Event::OpenFailed => {
            underway(order)?;
            fail(order, rules, actions);
            Ok(())
        }
        Event::Claimed => {
            if order.bolt11.state != PaymentState::Claiming {
                return Err(Ignored::Beyond);
            }
            order.bolt11.state = PaymentState::Paid;
            Ok(())
        }
        Event::TimePassed => {
            if now < order.bolt11.expires_at {
                return Err(Ignored::TooEarly);
            }
            end(order, rules, actions)
        }
        Event::Tip { height } => {
            let deadline = order.bolt11.claim_deadline.ok_or(Ignored::TooEarly)?;
            if order.state != OrderState::Created || order.bolt11.state != PaymentState::Hold {
                return Err(Ignored::Beyond);
            }
            if height.saturating_add(CLAIM_MARGIN_BLOCKS) < deadline {
                return Err(Ignored::TooEarly);
            }
            fail(order, rules, actions);
            Ok(())
        }
        Event::Expire | Event::Fail => end(order, rules, actions),
    }
}

/// A payment has arrived: take it on hold, or say that it has to go back.
fn payment_held(
    order: &mut Order,
    amount_msat: u64,
    now: Timestamp,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    let refusal = match (order.state, order.bolt11.state) {
        // The engine holds at most one payment per hash, so this is the one that is held already.
        (OrderState::Created, PaymentState::Hold) => return Err(Ignored::PaidAlready),
        (OrderState::Created, PaymentState::ExpectPayment) if now >= order.bolt11.expires_at => {
            Ignored::Expired
        }
        (OrderState::Created, PaymentState::ExpectPayment)
            if amount_msat / 1_000 < order.bolt11.order_total_sat =>
        {
            Ignored::Underpaid
        }
        (OrderState::Created, PaymentState::ExpectPayment) => {
            order.bolt11.state = PaymentState::Hold;
            order.opening = Opening::WaitingForPeer;
            return Ok(());
        }
        _ => Ignored::Beyond,
    };
    actions.push(Action::Fail);
    Err(refusal)
}

/// Ends an order that has no channel, unless its open is underway.
fn end(order: &mut Order, rules: Rules, actions: &mut Vec<Action>) -> Result<(), Ignored> {
    if order.state != OrderState::Created {
        return Err(Ignored::Beyond);
    }
    if order.opening == Opening::Underway {
        return Err(Ignored::OpenUnderway);
    }
    fail(order, rules, actions);
    Ok(())
}

/// The order fails; what is held goes back.
fn fail(order: &mut Order, rules: Rules, actions: &mut Vec<Action>) {
    order.state = OrderState::Failed;
    order.opening = Opening::Over;
    match order.bolt11.state {
        PaymentState::ExpectPayment => order.bolt11.state = PaymentState::Refunded,
        PaymentState::Hold if !rules.keeps_payment_of_failed_order => {
            order.bolt11.state = PaymentState::Refunded;
            actions.push(Action::Fail);
        }
        // Claimed before the open, which only a fault does: there is nothing left to fail.
        PaymentState::Hold
        | PaymentState::Claiming
        | PaymentState::Paid
        | PaymentState::Refunded => {}
    }
}

/// Releases the preimage, once.
fn claim(order: &mut Order, actions: &mut Vec<Action>) {
    if order.bolt11.state == PaymentState::Hold {
        order.bolt11.state = PaymentState::Claiming;
        actions.push(Action::Claim);
    }
}

/// Whether an open is being tried for the order.
fn underway(order: &Order) -> Result<(), Ignored> {
    match order.opening {
        Opening::Underway => Ok(()),
        Opening::Unasked if order.state == OrderState::Created => Err(Ignored::Unpaid),
        Opening::WaitingForPeer => Err(Ignored::TooEarly),
        Opening::Unasked | Opening::Over => Err(Ignored::Beyond),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use bitcoin::hashes::Hash;
    use bitcoin::{OutPoint, Txid};

    use super::super::terms::tests::request;
    use super::super::{Bolt11Payment, OrderRequest};
    use super::*;

    pub(crate) const START: Timestamp = Timestamp::UNIX_EPOCH;
    pub(crate) const TOTAL_MSAT: u64 = 1_234_000;

    pub(crate) fn at(seconds: i64) -> Timestamp {
        START + SignedDuration::from_secs(seconds)
    }

    pub(crate) fn outpoint() -> OutPoint {
        OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 1 }
    }

    /// A new order that expires after 3,600 s.
    pub(crate) fn order() -> Order {
        let secp = bitcoin::secp256k1::Secp256k1::new();
        let key = bitcoin::secp256k1::SecretKey::from_slice(&[1; 32]).unwrap();
        Order {
            id: "00000000-0000-4000-8000-000000000000".to_owned(),
            client: key.public_key(&secp),
            request: OrderRequest { channel_expiry_blocks: 10, ..request() },
            created_at: START,
            state: OrderState::Created,
            opening: Opening::Unasked,
            bolt11: Bolt11Payment {
                state: PaymentState::ExpectPayment,
                expires_at: at(3_600),
                fee_total_sat: TOTAL_MSAT / 1_000,
                order_total_sat: TOTAL_MSAT / 1_000,
                invoice: String::new(),
                payment_hash: [0; 32],
                preimage: [0; 32],
                claim_deadline: None,
            },
            channel: None,
        }
    }

    fn held(deadline: Option<u32>) -> Event {
        Event::PaymentHeld { amount_msat: TOTAL_MSAT, claim_deadline: deadline }
    }

    /// Walks an order through events at second 1, expecting all but the last to count.
    fn walk(events: &[Event]) -> Step {
        let mut step = Step { order: order(), actions: Vec::new(), ignored: None };
        for event in events {
            assert_eq!(step.ignored, None, "before {event:?}");
            step = super::step(step.order, event, at(1), Rules::default());
        }
        step
    }

    #[test]
    fn a_purchase_goes_from_payment_to_channel_to_claim() {
        let step = walk(&[held(None)]);
        assert_eq!(step.actions, [Action::SeekPeer]);
        assert_eq!(
            (step.order.state, step.order.bolt11.state),
            (OrderState::Created, PaymentState::Hold)
        );

        let step = walk(&[held(None), Event::PeerConnected]);
        assert_eq!(step.actions, [Action::Open]);

        let published = Event::Published { outpoint: outpoint() };
        let step = walk(&[held(None), Event::PeerConnected, published.clone()]);
        assert_eq!(step.actions, [Action::Claim]);
        assert_eq!(step.order.state, OrderState::Completed);
        assert_eq!(step.order.bolt11.state.wire(), "HOLD");
        let channel = Channel { funded_at: at(1), outpoint: outpoint(), expires_at: at(6_001) };
        assert_eq!(step.order.channel, Some(channel));

        let step = walk(&[held(None), Event::PeerConnected, published, Event::Claimed]);
        assert_eq!(step.order.bolt11.state, PaymentState::Paid);
        assert!(step.order.has_ended());
    }

    #[test]
    fn a_failed_open_sends_the_payment_back() {
        let step = walk(&[held(None), Event::PeerConnected, Event::OpenFailed]);
        assert_eq!(step.actions, [Action::Fail]);
        assert_eq!(
            (step.order.state, step.order.bolt11.state),
            (OrderState::Failed, PaymentState::Refunded)
        );
        assert_eq!(step.order.channel, None);
    }

    #[test]
    fn an_underpayment_goes_back_and_the_order_stays_payable() {
        let event = Event::PaymentHeld { amount_msat: TOTAL_MSAT - 1, claim_deadline: None };
        let step = walk(&[event]);
        assert_eq!(
            (step.actions.as_slice(), step.ignored),
            ([Action::Fail].as_slice(), Some(Ignored::Underpaid))
        );
        assert_eq!(step.order, order());
    }

    #[test]
    fn a_second_payment_after_the_claim_goes_back() {
        let published = Event::Published { outpoint: outpoint() };
        let step = walk(&[held(None), Event::PeerConnected, published, Event::Claimed, held(None)]);
        assert_eq!(
            (step.actions.as_slice(), step.ignored),
            ([Action::Fail].as_slice(), Some(Ignored::Beyond))
        );
        assert_eq!(step.order.bolt11.state, PaymentState::Paid);
    }

    #[test]
    fn expiry_ends_what_waits_but_not_an_open_underway() {
        let expire = |events: &[Event]| {
            let order = walk(events).order;
            step(order, &Event::TimePassed, at(3_600), Rules::default())
        };
        assert_eq!(
            step(order(), &Event::TimePassed, at(3_599), Rules::default()).ignored,
            Some(Ignored::TooEarly)
        );

        let unpaid = expire(&[]);
        assert_eq!(unpaid.order.bolt11.state, PaymentState::Refunded);
        assert_eq!(unpaid.actions, []);

        let waiting = expire(&[held(None)]);
        assert_eq!(waiting.order.state, OrderState::Failed);
        assert_eq!(waiting.actions, [Action::Fail]);

        let underway = expire(&[held(None), Event::PeerConnected]);
        assert_eq!(underway.ignored, Some(Ignored::OpenUnderway));
        assert_eq!(underway.order.state, OrderState::Created);
    }

    #[test]
    fn a_payment_after_the_expiry_goes_back() {
        let late = step(order(), &held(None), at(3_600), Rules::default());
        assert_eq!(
            (late.actions.as_slice(), late.ignored),
            ([Action::Fail].as_slice(), Some(Ignored::Expired))
        );
    }

    #[test]
    fn the_claim_deadline_ends_even_an_open_underway() {
        let events = [held(Some(200)), Event::PeerConnected];
        let early = walk(&[events.as_slice(), &[Event::Tip { height: 193 }]].concat());
        assert_eq!(early.ignored, Some(Ignored::TooEarly));
        let near = walk(&[events.as_slice(), &[Event::Tip { height: 194 }]].concat());
        assert_eq!(near.actions, [Action::Fail]);
        assert_eq!(near.order.state, OrderState::Failed);
        let published =
            step(near.order, &Event::Published { outpoint: outpoint() }, at(2), Rules::default());
        assert_eq!(
            (published.actions.as_slice(), published.ignored),
            ([].as_slice(), Some(Ignored::Beyond))
        );
    }

    #[test]
    fn the_longest_lease_ends_at_the_end_of_time() {
        let mut long = order();
        long.request.channel_expiry_blocks = u32::MAX;
        long.opening = Opening::Underway;
        long.bolt11.state = PaymentState::Hold;
        let step = step(long, &Event::Published { outpoint: outpoint() }, at(1), Rules::default());
        assert_eq!(step.order.channel.unwrap().expires_at, Timestamp::MAX);
    }
}
