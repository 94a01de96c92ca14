//! Payment on-chain, and refunds.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};

use super::machine::{Step, next_wakeup};
use super::machine_test::{TOTAL_SAT, at, order, published};
use super::*;

const SIX_HOURS: i64 = 6 * 3_600;

/// A coin at the order's address; `number` names its transaction.
fn coin(number: u8, amount_sat: u64, confirmations: u32) -> Coin {
    let outpoint = OutPoint { txid: Txid::from_byte_array([number; 32]), vout: 0 };
    Coin { outpoint, amount_sat, confirmations, sat_per_kwu: 1_000 }
}

fn seen(coins: &[Coin]) -> Event {
    Event::CoinsSeen { coins: coins.to_vec() }
}

fn signed(number: u8) -> SignedRefund {
    SignedRefund { txid: Txid::from_byte_array([number; 32]), hex: String::new() }
}

fn walk_from(order: Order, second: i64, events: &[Event]) -> Step {
    let mut step = Step { order, actions: Vec::new(), ignored: None };
    for event in events {
        step = super::machine::step(step.order, event, at(second), Rules::default());
    }
    step
}

/// The same where bLIP-51 leaves the choice.
fn walk_with(choice: Choice, order: Order, second: i64, events: &[Event]) -> Step {
    let rules = Rules { choices: Choices::new(&[choice]), ..Rules::default() };
    let mut step = Step { order, actions: Vec::new(), ignored: None };
    for event in events {
        step = super::machine::step(step.order, event, at(second), rules);
    }
    step
}

fn walk(events: &[Event]) -> Step {
    walk_from(order(), 1, events)
}

fn onchain(order: &Order) -> &OnchainPayment {
    order.onchain.as_ref().unwrap()
}

fn states(order: &Order) -> (OrderState, OnchainState) {
    (order.state, onchain(order).state)
}

#[test]
fn a_payment_counts_after_its_confirmations_and_before_the_open() {
    let step = walk(&[seen(&[coin(1, TOTAL_SAT, 1)])]);
    assert_eq!(
        (step.actions.len(), states(&step.order)),
        (0, (OrderState::Created, OnchainState::ExpectPayment))
    );
    let step = walk(&[seen(&[coin(1, TOTAL_SAT, 1)]), seen(&[coin(1, TOTAL_SAT, 2)])]);
    assert_eq!(states(&step.order), (OrderState::Created, OnchainState::Paid));
    assert_eq!(step.actions.last(), Some(&Action::SeekPeer));
    assert_eq!(step.order.bolt11.as_ref().unwrap().state, LightningState::Refunded);

    let step = walk(&[seen(&[coin(1, TOTAL_SAT, 2)]), Event::PeerConnected, published()]);
    assert_eq!(states(&step.order), (OrderState::Completed, OnchainState::Paid));
    assert_eq!((step.actions.as_slice(), step.order.has_ended()), ([].as_slice(), true));
}

#[test]
fn without_confirmations_only_the_fee_rate_counts() {
    let paid = |min_fee, coin| {
        let mut order = order();
        let onchain = order.onchain.as_mut().unwrap();
        (onchain.min_confirmations, onchain.min_fee_for_0conf) = (0, Some(min_fee));
        walk_from(order, 1, &[seen(&[coin])]).order.paid_by.is_some()
    };
    assert!(paid(999, coin(1, TOTAL_SAT, 0)));
    assert!(!paid(1_000, coin(1, TOTAL_SAT, 0)), "it has to be more");
    assert!(paid(1_000, coin(1, TOTAL_SAT, 1)));
}

#[test]
fn six_confirmations_are_always_enough() {
    let mut order = order();
    order.onchain.as_mut().unwrap().min_confirmations = 100;
    let paid =
        |depth| walk_from(order.clone(), 1, &[seen(&[coin(1, TOTAL_SAT, depth)])]).order.paid_by;
    assert_eq!((paid(5), paid(6)), (None, Some(PaymentOption::Onchain)));
}

#[test]
fn payments_add_up() {
    let (first, second) = (coin(1, TOTAL_SAT - 1_000, 2), coin(2, 1_000, 2));
    let step = walk(&[seen(&[first])]);
    assert_eq!(states(&step.order), (OrderState::Created, OnchainState::ExpectPayment));
    let step = walk(&[seen(&[first]), seen(&[first, second])]);
    assert_eq!(onchain(&step.order).taken, [first.outpoint, second.outpoint]);
}

#[test]
fn a_failed_open_sends_the_coins_back() {
    let coin = coin(1, TOTAL_SAT, 2);
    let events = [seen(&[coin]), Event::PeerConnected, Event::OpenFailed];
    let step = walk(&events);
    assert_eq!(states(&step.order), (OrderState::Failed, OnchainState::Paid));
    assert_eq!(
        step.actions,
        [Action::SignRefund { refund: 0, coins: vec![coin], sat_per_kwu: 500 }]
    );

    let step = walk_from(step.order, 2, &[Event::RefundSigned { refund: 0, signed: signed(9) }]);
    assert_eq!(step.actions, [Action::BroadcastRefund { refund: 0, signed: signed(9) }]);
    assert_eq!(
        states(&step.order),
        (OrderState::Failed, OnchainState::Paid),
        "not before it is broadcast"
    );
    let step = walk_from(step.order, 3, &[Event::RefundBroadcast { refund: 0 }]);
    assert_eq!(states(&step.order), (OrderState::Failed, OnchainState::Refunded));
    assert!(!step.order.has_ended());
    let step =
        walk_from(step.order, 4, &[seen(&[]), Event::RefundConfirmed { txid: signed(9).txid }]);
    assert!(step.order.has_ended());
}

#[test]
fn a_refund_that_waits_for_six_hours_pays_more() {
    let coin = coin(1, TOTAL_SAT, 2);
    let refunded = [
        seen(&[coin]),
        Event::Fail,
        Event::RefundSigned { refund: 0, signed: signed(9) },
        Event::RefundBroadcast { refund: 0 },
    ];
    let order = walk(&refunded).order;
    assert_eq!(next_wakeup(&order), Some(at(1 + SIX_HOURS)));
    assert!(walk_from(order.clone(), SIX_HOURS, &[Event::TimePassed]).ignored.is_some());
    let step = walk_from(order, 1 + SIX_HOURS, &[Event::TimePassed]);
    assert_eq!(
        step.actions,
        [Action::SignRefund { refund: 0, coins: vec![coin], sat_per_kwu: 1_000 }]
    );
    assert_eq!(states(&step.order).1, OnchainState::Refunded, "stays so meanwhile");

    // The first version is confirmed all the same.
    let events = [
        Event::RefundSigned { refund: 0, signed: signed(8) },
        Event::RefundConfirmed { txid: signed(9).txid },
    ];
    let order = walk_from(step.order, 2 + SIX_HOURS, &events).order;
    assert_eq!((next_wakeup(&order), order.has_ended()), (None, true));
}

#[test]
fn late_coins_and_surplus_coins_go_back() {
    let late = walk_from(order(), 3_600, &[Event::TimePassed, seen(&[coin(1, TOTAL_SAT, 0)])]);
    assert_eq!(
        (late.actions.as_slice(), states(&late.order)),
        ([].as_slice(), (OrderState::Failed, OnchainState::ExpectPayment))
    );
    let late = walk_from(late.order, 3_601, &[seen(&[coin(1, TOTAL_SAT, 1)])]);
    assert!(matches!(late.actions.as_slice(), [Action::SignRefund { .. }]));
    let late = walk_from(
        late.order,
        3_602,
        &[
            Event::RefundSigned { refund: 0, signed: signed(9) },
            Event::RefundBroadcast { refund: 0 },
        ],
    );
    assert_eq!(states(&late.order), (OrderState::Failed, OnchainState::Refunded));

    let (first, second) = (coin(1, TOTAL_SAT, 2), coin(2, TOTAL_SAT, 1));
    let step = walk(&[seen(&[first]), seen(&[first, second]), Event::PeerConnected, published()]);
    assert_eq!(
        step.actions,
        [Action::SignRefund { refund: 0, coins: vec![second], sat_per_kwu: 500 }]
    );
    let step = walk_from(
        step.order,
        2,
        &[
            Event::RefundSigned { refund: 0, signed: signed(9) },
            Event::RefundBroadcast { refund: 0 },
        ],
    );
    assert_eq!(states(&step.order), (OrderState::Completed, OnchainState::Paid));
}

#[test]
fn what_is_too_small_for_its_own_refund_stays() {
    let step = walk(&[seen(&[coin(1, 700, 2)]), Event::Fail]);
    assert_eq!(states(&step.order), (OrderState::Failed, OnchainState::ExpectPayment));
    assert!(step.actions.iter().all(|action| !matches!(action, Action::SignRefund { .. })));
}

#[test]
fn an_open_waits_for_a_payment_that_a_reorganisation_took() {
    let paid = coin(1, TOTAL_SAT, 2);
    let step = walk(&[seen(&[paid]), seen(&[]), Event::PeerConnected]);
    assert_eq!(
        (step.ignored, states(&step.order).1),
        (Some(Ignored::PaymentGone), OnchainState::Paid)
    );
    let step =
        walk(&[seen(&[paid]), seen(&[Coin { confirmations: 0, ..paid }]), Event::PeerConnected]);
    assert_eq!(step.ignored, Some(Ignored::PaymentGone));
    let other = coin(5, TOTAL_SAT, 2);
    let step = walk(&[seen(&[paid]), seen(&[]), seen(&[other])]);
    assert_eq!(
        (step.actions.as_slice(), onchain(&step.order).taken.as_slice()),
        ([Action::SeekPeer].as_slice(), [other.outpoint].as_slice())
    );

    let gone = walk(&[seen(&[paid]), seen(&[]), Event::Expire]);
    assert_eq!(
        states(&gone.order),
        (OrderState::Failed, OnchainState::Refunded),
        "nothing is left to refund"
    );
}

#[test]
fn parts_that_do_not_add_up_go_back_when_the_order_ends() {
    let parts = [coin(1, TOTAL_SAT / 2, 2), coin(2, TOTAL_SAT - TOTAL_SAT / 2, 2)];
    let step = walk_with(Choice::PartsDontAddUp, order(), 1, &[seen(&parts)]);
    assert_eq!(states(&step.order), (OrderState::Created, OnchainState::ExpectPayment));
    let expired = walk_with(Choice::PartsDontAddUp, step.order.clone(), 2, &[Event::Expire]);
    let back = |step: &Step| match step.actions.as_slice() {
        [.., Action::SignRefund { coins, .. }] => coins.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(back(&expired), parts);

    // One that is enough by itself buys the channel.
    let whole = coin(3, TOTAL_SAT, 2);
    let events = [seen(&[parts[0], parts[1], whole]), Event::PeerConnected, published()];
    let served = walk_with(Choice::PartsDontAddUp, step.order, 2, &events);
    assert_eq!(onchain(&served.order).taken, [whole.outpoint]);
    assert_eq!(back(&served), parts);
}

#[test]
fn a_child_lifts_a_refund_that_waits() {
    let order = walk(&[
        seen(&[coin(1, TOTAL_SAT, 2)]),
        Event::Fail,
        Event::RefundSigned { refund: 0, signed: signed(9) },
        Event::RefundBroadcast { refund: 0 },
    ])
    .order;
    let lift = |sat_per_kwu| Action::LiftRefund { refund: 0, signed: signed(9), sat_per_kwu };
    let step = walk_with(Choice::ChildBumps, order, 1 + SIX_HOURS, &[Event::TimePassed]);
    assert_eq!(step.actions, [lift(1_000)]);
    let (again, broadcast) = (1 + 2 * SIX_HOURS, Event::RefundBroadcast { refund: 0 });
    let step = walk_with(Choice::ChildBumps, step.order, 1 + SIX_HOURS, &[broadcast]);
    assert_eq!(states(&step.order), (OrderState::Failed, OnchainState::Refunded));
    let step = walk_with(Choice::ChildBumps, step.order, again, &[Event::TimePassed]);
    assert_eq!(step.actions, [lift(2_000)]);
}

#[test]
fn a_refund_whose_coins_were_taken_back_is_void() {
    let step = walk(&[
        seen(&[coin(1, TOTAL_SAT, 2)]),
        Event::Fail,
        seen(&[]),
        Event::RefundFailed { refund: 0 },
    ]);
    assert_eq!(states(&step.order), (OrderState::Failed, OnchainState::Refunded));
    let step = walk_from(step.order, 2, &[seen(&[coin(1, TOTAL_SAT, 1)])]);
    assert!(
        matches!(step.actions.as_slice(), [Action::SignRefund { refund: 1, .. }]),
        "it is back"
    );
}

#[test]
fn coins_that_come_second_go_back_at_once() {
    let htlc = Htlc {
        payment_hash: [1; 32],
        preimage: [2; 32],
        amount_msat: TOTAL_SAT * 1_000,
        claim_deadline: None,
    };
    let held = Event::PaymentHeld { option: PaymentOption::Bolt11, htlc };
    let part = coin(1, TOTAL_SAT - 1, 2);
    let step = walk(&[seen(&[part]), held]);
    assert_eq!(
        step.actions.last(),
        Some(&Action::SignRefund { refund: 0, coins: vec![part], sat_per_kwu: 500 })
    );
}

#[test]
fn a_restart_repeats_refunds() {
    let coin = coin(1, TOTAL_SAT, 2);
    let mut events = vec![seen(&[coin]), Event::Fail];
    let repeated = |events: &[Event]| {
        let actions = walk(&[events, &[Event::Restarted]].concat()).actions;
        actions
            .into_iter()
            .filter(|action| !matches!(action, Action::CloseOffer { .. }))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        repeated(&events),
        [Action::SignRefund { refund: 0, coins: vec![coin], sat_per_kwu: 500 }]
    );
    events.push(Event::RefundSigned { refund: 0, signed: signed(9) });
    assert_eq!(repeated(&events), [Action::BroadcastRefund { refund: 0, signed: signed(9) }]);
    events.push(Event::RefundBroadcast { refund: 0 });
    assert_eq!(repeated(&events), [Action::BroadcastRefund { refund: 0, signed: signed(9) }]);
    events.push(Event::RefundConfirmed { txid: signed(9).txid });
    assert_eq!(repeated(&events), []);
}

#[test]
fn an_order_survives_being_written_down() {
    let order = walk(&[
        seen(&[coin(1, TOTAL_SAT, 2)]),
        Event::Fail,
        Event::RefundSigned { refund: 0, signed: signed(9) },
    ])
    .order;
    let text = serde_json::to_string(&order).unwrap();
    assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
}
