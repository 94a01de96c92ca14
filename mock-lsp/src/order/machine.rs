//! How an order moves: bLIP-51 sections 3 and 4.1 as one function.
//!
//! ```text
//!                                                          Lightning
//! CREATED / EXPECT_PAYMENT ── payment held ──> CREATED / HOLD ── published ──> COMPLETED / HOLD ── claimed ──> COMPLETED / PAID
//!            │                                       │
//!            └────────── expired, failed ────────────┴── expired, deadline near, open failed ──> FAILED / REFUNDED
//!
//!                                                          on-chain
//! CREATED / EXPECT_PAYMENT ── coins confirmed ─> CREATED / PAID ── published ──> COMPLETED / PAID
//!            │                                       │
//!       expired, failed                     expired, open failed
//!            v                                       v
//! FAILED / EXPECT_PAYMENT ── late coins ──> FAILED / PAID ── refund broadcast ──> FAILED / REFUNDED
//! ```
//!
//! Policy where bLIP-51 leaves the choice, but for what [`Choice`](super::Choice) names:
//! - The first option that is paid in full is the order's; the others can't be paid any more. A later HTLC is failed
//!   back, later coins are sent back.
//! - An unpaid order that expires is FAILED, its invoice and offer void (REFUNDED). Its on-chain option stays at
//!   EXPECT_PAYMENT, since REFUNDED says that a refund is broadcast.
//! - An open that a restart interrupts goes on if the channel is there, else it has failed.
//! - Expiry doesn't end an order whose open is underway: the open then decides. The claim deadline does, since a payment
//!   that can't be claimed any more must not be kept waiting.
//!
//! Over Lightning:
//! - An overpaid invoice counts as paid; an underpaid one is failed back and may be paid again.
//! - Any further payment of the same invoice is failed back. A payment is claimed once, and only after the channel's
//!   funding transaction is published.
//!
//! On-chain:
//! - Each coin counts once it has the confirmations that the option asks for, at least one and at most six; where it asks
//!   for none, also without any if its transaction pays more than `min_fee_for_0conf`.
//! - Several payments add up. Less than the total isn't paid, and goes back when the order ends. More than the total is
//!   paid; the surplus is kept if the channel is opened.
//! - The payment counts when it counts in time: what is confirmed after the expiry is late, whenever it was seen.
//! - If a reorganisation or a double-spend takes the payment away before the open, the order stays PAID and waits for it
//!   until its expiry. Once the open is underway, the risk is the LSP's.
//! - What isn't, or no longer, the order's goes back once it is confirmed: all of it, less the refund's fee (virtual size
//!   times fee rate). A refund spends the very coins that it returns, so that none of its versions costs the LSP anything
//!   that it hasn't got. After six hours without a block its fee rate is doubled, up to ten times the first.
//! - Coins too small to pay for their own refund stay where they are.

use jiff::{SignedDuration, Timestamp};

use super::{
    Action, Channel, Event, Ignored, Opening, Order, OrderState, Rules, lightning, onchain,
};

/// How long a block counts when a lease in blocks becomes a time.
const SECONDS_PER_BLOCK: i64 = 600;

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

/// Moves an order on.
pub(crate) fn step(order: Order, event: &Event, now: Timestamp, rules: Rules) -> Step {
    let mut order = order;
    let mut actions = Vec::new();
    let outcome = apply(&mut order, event, now, rules, &mut actions);
    Step { order, actions, ignored: outcome.err() }
}

/// When the order next has to be told that time has passed, if nothing else happens.
pub(crate) fn next_wakeup(order: &Order) -> Option<Timestamp> {
    let may_expire = order.state == OrderState::Created && order.opening != Opening::Underway;
    let expiry = may_expire.then(|| order.expires_at());
    expiry.into_iter().chain(onchain::next_bump(order)).min()
}

fn apply(
    order: &mut Order,
    event: &Event,
    now: Timestamp,
    rules: Rules,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    match event {
        Event::PaymentHeld { option, htlc } => {
            lightning::held(order, *option, *htlc, now, rules, actions)?;
            // What came on-chain meanwhile wasn't first.
            onchain::give_back(order, rules, actions);
            Ok(())
        }
        Event::PaymentLost { payment_hash } => {
            if order.state != OrderState::Created || !lightning::holds(order, payment_hash) {
                return Err(Ignored::Beyond);
            }
            fail(order, rules, actions);
            Ok(())
        }
        Event::Claimed { payment_hash } => lightning::claimed(order, payment_hash),
        Event::Tip { height } => {
            lightning::is_due(order, *height)?;
            if order.state != OrderState::Created {
                return Err(Ignored::Beyond);
            }
            fail(order, rules, actions);
            Ok(())
        }

        Event::CoinsSeen { coins } => onchain::coins_seen(order, coins, now, rules, actions),
        Event::RefundSigned { refund, signed } => {
            onchain::refund_signed(order, *refund, signed, actions)
        }
        Event::RefundBroadcast { refund } => onchain::refund_broadcast(order, *refund, now),
        Event::RefundFailed { refund } => onchain::refund_failed(order, *refund),
        Event::RefundConfirmed { txid } => onchain::refund_confirmed(order, txid),

        Event::PeerConnected => {
            match order.opening {
                Opening::Unasked if order.state == OrderState::Created => {
                    return Err(Ignored::Unpaid);
                }
                Opening::Underway => return Err(Ignored::OpenUnderway),
                Opening::Unasked | Opening::Over => return Err(Ignored::Beyond),
                Opening::WaitingForPeer => onchain::check_covered(order)?,
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
            order.channel = Some(Channel { funded_at: now, outpoint: *outpoint, expires_at });
            lightning::claim(order, actions);
            onchain::give_back(order, rules, actions);
            Ok(())
        }
        Event::OpenFailed => {
            underway(order)?;
            order.opening = Opening::Over;
            fail(order, rules, actions);
            Ok(())
        }

        Event::TimePassed => {
            let bumped = onchain::bump(order, now, rules, actions);
            if now >= order.expires_at() {
                match end(order, rules, actions) {
                    Err(_) if bumped => Ok(()),
                    ended => ended,
                }
            } else if bumped {
                Ok(())
            } else {
                Err(Ignored::TooEarly)
            }
        }
        Event::Expire | Event::Fail => end(order, rules, actions),
        Event::Restarted => {
            lightning::resume(order, actions);
            onchain::resume(order, actions);
            match order.opening {
                Opening::WaitingForPeer => actions.push(Action::SeekPeer),
                Opening::Underway => actions.push(Action::ResumeOpen),
                Opening::Unasked | Opening::Over => {}
            }
            Ok(())
        }
    }
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

/// The order fails; what was paid goes back.
fn fail(order: &mut Order, rules: Rules, actions: &mut Vec<Action>) {
    order.state = OrderState::Failed;
    if order.opening == Opening::Underway {
        actions.push(Action::AbandonOpen);
    }
    order.opening = Opening::Over;
    lightning::give_back(order, rules, actions);
    onchain::give_back(order, rules, actions);
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
