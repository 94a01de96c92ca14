//! Whatever happens, in whatever order: orders move legally, and money is neither lost nor made.

use jiff::Timestamp;
use proptest::prelude::*;

use super::machine::tests::{TOTAL_MSAT, at, order, outpoint};
use super::machine::{Rules, step};
use super::{Action, Event, Opening, Order, OrderState, PaymentState};

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (TOTAL_MSAT - 1_500..TOTAL_MSAT + 1_500, prop::option::of(0..300_u32))
            .prop_map(|(amount_msat, claim_deadline)| Event::PaymentHeld { amount_msat, claim_deadline }),
        3 => Just(Event::PeerConnected),
        3 => Just(Event::Published { outpoint: outpoint() }),
        1 => Just(Event::OpenFailed),
        3 => Just(Event::Claimed),
        1 => Just(Event::TimePassed),
        1 => (0..300_u32).prop_map(|height| Event::Tip { height }),
        1 => Just(Event::Expire),
        1 => Just(Event::Fail),
    ]
}

/// The Lightning node's side: it holds at most one payment of the order's hash, and does as it is told.
#[derive(Default)]
struct Till {
    held_msat: Option<u64>,
    claimed: u32,
    returned: u32,
    opens: u32,
}

impl Till {
    /// What of an event could really happen now. A payment arrives only while none is held, an open ends only after it
    /// was asked for, and a claim is confirmed only after it was made.
    fn allows(&self, event: &Event, order: &Order) -> bool {
        match event {
            Event::PaymentHeld { .. } => self.held_msat.is_none(),
            Event::Published { .. } | Event::OpenFailed => self.opens > 0,
            Event::Claimed => self.claimed > 0 || order.bolt11.state == PaymentState::Claiming,
            _ => true,
        }
    }

    fn carry_out(&mut self, action: Action, order: &Order) {
        match action {
            Action::SeekPeer => assert_eq!(order.opening, Opening::WaitingForPeer),
            Action::Open => {
                self.opens += 1;
                assert!(self.held_msat.is_some(), "opened without a payment in hand");
            }
            Action::Claim => {
                assert!(self.held_msat.take().is_some(), "claimed what isn't held");
                assert!(order.channel.is_some(), "claimed without a channel");
                self.claimed += 1;
            }
            Action::Fail => {
                assert!(self.held_msat.take().is_some(), "failed what isn't held");
                self.returned += 1;
            }
        }
    }
}

/// The pairs that the catalogue's section 4.3 allows for BOLT 11.
fn is_legal(order: &Order) -> bool {
    use OrderState::{Completed, Created, Failed};
    use PaymentState::{Claiming, ExpectPayment, Hold, Paid, Refunded};
    matches!(
        (order.state, order.bolt11.state, order.channel.is_some()),
        (Created, ExpectPayment | Hold, false)
            | (Completed, Claiming | Paid, true)
            | (Failed, Refunded, false)
    )
}

/// Whether a payment may go from one state to the other.
fn is_legal_move(from: PaymentState, to: PaymentState) -> bool {
    use PaymentState::{Claiming, ExpectPayment, Hold, Paid, Refunded};
    from == to
        || matches!(
            (from, to),
            (ExpectPayment, Hold | Refunded) | (Hold, Claiming | Refunded) | (Claiming, Paid)
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn orders_move_legally_and_money_is_conserved(
        events in prop::collection::vec((event(), 0..400_i64), 0..40),
    ) {
        let mut order = order();
        let mut till = Till::default();
        let mut seconds = 0;
        for (event, wait) in events {
            seconds += wait;
            if !till.allows(&event, &order) {
                continue;
            }
            if let Event::PaymentHeld { amount_msat, .. } = event {
                till.held_msat = Some(amount_msat);
            }
            let before = order.clone();
            let step = step(order, &event, at(seconds), Rules::default());
            order = step.order;
            for action in step.actions {
                till.carry_out(action, &order);
            }

            prop_assert!(is_legal(&order), "{order:?}");
            prop_assert!(is_legal_move(before.bolt11.state, order.bolt11.state), "{before:?} -> {order:?}");
            if before.state != OrderState::Created {
                prop_assert_eq!(before.state, order.state);
                prop_assert_eq!(before.channel, order.channel);
            }
            if step.ignored.is_some() {
                prop_assert_eq!(&before, &order);
            }
            prop_assert!(till.claimed <= 1 && till.opens <= 1);
            prop_assert_eq!(till.claimed == 1, order.channel.is_some());
            let on_hold = order.bolt11.state == PaymentState::Hold;
            prop_assert_eq!(on_hold, till.held_msat.is_some(), "{:?}", order);
            prop_assert_eq!(&before.request, &order.request);
            prop_assert_eq!(&before.id, &order.id);
        }
    }

    #[test]
    fn every_order_ends_once_its_time_is_up_and_no_open_is_underway(
        events in prop::collection::vec(event(), 0..10),
    ) {
        let mut order = order();
        let mut till = Till::default();
        for event in events {
            if till.allows(&event, &order) {
                if matches!(event, Event::PaymentHeld { .. }) {
                    till.held_msat = Some(0);
                }
                let step = step(order, &event, at(1), Rules::default());
                order = step.order;
                for action in step.actions {
                    till.carry_out(action, &order);
                }
            }
        }
        let end: Timestamp = at(1_000_000);
        order = step(order, &Event::OpenFailed, end, Rules::default()).order;
        order = step(order, &Event::Claimed, end, Rules::default()).order;
        order = step(order, &Event::TimePassed, end, Rules::default()).order;
        prop_assert!(order.has_ended(), "{order:?}");
    }
}
