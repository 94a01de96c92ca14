//! The state machine, and payment over Lightning.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use jiff::{SignedDuration, Timestamp};

use super::machine::{Step, step};
use super::terms::tests::request;
use super::*;

pub(crate) const START: Timestamp = Timestamp::UNIX_EPOCH;
pub(crate) const TOTAL_SAT: u64 = 12_345;
const TOTAL_MSAT: u64 = TOTAL_SAT * 1_000;
const OFFER: [u8; 32] = [9; 32];

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
        paid_by: None,
        bolt11: Some(lightning(LightningKey::Invoice { payment_hash: [1; 32], preimage: [2; 32] })),
        bolt12: Some(lightning(LightningKey::Offer { id: OFFER })),
        onchain: Some(OnchainPayment {
            price: price(),
            state: OnchainState::ExpectPayment,
            address: String::new(),
            min_confirmations: 2,
            min_fee_for_0conf: None,
            coins: Vec::new(),
            taken: Vec::new(),
            refunds: Vec::new(),
        }),
        channel: None,
    }
}

fn lightning(key: LightningKey) -> LightningPayment {
    let price = price();
    let state = LightningState::ExpectPayment;
    LightningPayment { price, state, request: String::new(), key, held: None }
}

fn price() -> Price {
    Price { expires_at: at(3_600), fee_total_sat: TOTAL_SAT, order_total_sat: TOTAL_SAT }
}

/// A payment of the invoice.
fn htlc(amount_msat: u64, claim_deadline: Option<u32>) -> Htlc {
    Htlc { payment_hash: [1; 32], preimage: [2; 32], amount_msat, claim_deadline }
}

fn held(deadline: Option<u32>) -> Event {
    Event::PaymentHeld { option: PaymentOption::Bolt11, htlc: htlc(TOTAL_MSAT, deadline) }
}

/// A payment of the offer, with a hash of its own.
fn offer_paid(hash: u8) -> Event {
    let htlc = Htlc { payment_hash: [hash; 32], ..htlc(TOTAL_MSAT, None) };
    Event::PaymentHeld { option: PaymentOption::Bolt12, htlc }
}

pub(crate) fn published() -> Event {
    Event::Published { outpoint: outpoint() }
}

const CLAIMED: Event = Event::Claimed { payment_hash: [1; 32] };
const CLAIM: Action = Action::Claim { payment_hash: [1; 32], preimage: [2; 32] };
const FAIL: Action = Action::Fail { payment_hash: [1; 32] };
const CLOSE: Action = Action::CloseOffer { id: OFFER };

fn bolt11(order: &Order) -> LightningState {
    order.bolt11.as_ref().unwrap().state
}

fn bolt12(order: &Order) -> LightningState {
    order.bolt12.as_ref().unwrap().state
}

/// Walks an order through events at second 1, expecting all but the last to count.
fn walk(events: &[Event]) -> Step {
    let mut step = Step { order: order(), actions: Vec::new(), ignored: None };
    for event in events {
        assert_eq!(step.ignored, None, "before {event:?}");
        step = super::machine::step(step.order, event, at(1), Rules::default());
    }
    step
}

#[test]
fn a_purchase_goes_from_payment_to_channel_to_claim() {
    let step = walk(&[held(None)]);
    assert_eq!(step.actions, [CLOSE, Action::SeekPeer]);
    assert_eq!(
        (step.order.state, bolt11(&step.order)),
        (OrderState::Created, LightningState::Hold)
    );

    let step = walk(&[held(None), Event::PeerConnected]);
    assert_eq!(step.actions, [Action::Open]);

    let step = walk(&[held(None), Event::PeerConnected, published()]);
    assert_eq!(step.actions, [CLAIM]);
    assert_eq!(step.order.state, OrderState::Completed);
    assert_eq!(bolt11(&step.order).wire(), "HOLD");
    let channel = Channel { funded_at: at(1), outpoint: outpoint(), expires_at: at(6_001) };
    assert_eq!(step.order.channel, Some(channel));

    let step = walk(&[held(None), Event::PeerConnected, published(), CLAIMED]);
    assert_eq!(bolt11(&step.order), LightningState::Paid);
    assert!(step.order.has_ended());
}

#[test]
fn a_failed_open_sends_the_payment_back() {
    let step = walk(&[held(None), Event::PeerConnected, Event::OpenFailed]);
    assert_eq!(step.actions, [FAIL]);
    assert_eq!(
        (step.order.state, bolt11(&step.order)),
        (OrderState::Failed, LightningState::Refunded)
    );
    assert_eq!(step.order.channel, None);
}

#[test]
fn an_underpayment_goes_back_and_the_order_stays_payable() {
    let htlc = htlc(TOTAL_MSAT - 1, None);
    let event = Event::PaymentHeld { option: PaymentOption::Bolt11, htlc };
    let step = walk(&[event]);
    assert_eq!(
        (step.actions.as_slice(), step.ignored),
        ([FAIL].as_slice(), Some(Ignored::Underpaid))
    );
    assert_eq!(step.order, order());
}

#[test]
fn a_second_payment_after_the_claim_goes_back() {
    let step = walk(&[held(None), Event::PeerConnected, published(), CLAIMED, held(None)]);
    assert_eq!((step.actions.as_slice(), step.ignored), ([FAIL].as_slice(), Some(Ignored::Beyond)));
    assert_eq!(bolt11(&step.order), LightningState::Paid);
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
    assert_eq!(bolt11(&unpaid.order), LightningState::Refunded);
    assert_eq!(unpaid.actions, [CLOSE]);

    let waiting = expire(&[held(None)]);
    assert_eq!(waiting.order.state, OrderState::Failed);
    assert_eq!(waiting.actions, [FAIL]);

    let underway = expire(&[held(None), Event::PeerConnected]);
    assert_eq!(underway.ignored, Some(Ignored::OpenUnderway));
    assert_eq!(underway.order.state, OrderState::Created);
}

#[test]
fn a_payment_after_the_expiry_goes_back() {
    let late = step(order(), &held(None), at(3_600), Rules::default());
    assert_eq!(
        (late.actions.as_slice(), late.ignored),
        ([FAIL].as_slice(), Some(Ignored::Expired))
    );
}

#[test]
fn the_claim_deadline_ends_even_an_open_underway() {
    let events = [held(Some(200)), Event::PeerConnected];
    let early = walk(&[events.as_slice(), &[Event::Tip { height: 198 }]].concat());
    assert_eq!(early.ignored, Some(Ignored::TooEarly));
    let near = walk(&[events.as_slice(), &[Event::Tip { height: 199 }]].concat());
    assert_eq!(near.actions, [Action::AbandonOpen, FAIL]);
    assert_eq!(near.order.state, OrderState::Failed);
    let published = step(near.order, &published(), at(2), Rules::default());
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
    let step = step(long, &published(), at(1), Rules::default());
    assert_eq!(step.order.channel.unwrap().expires_at, Timestamp::MAX);
}

#[test]
fn the_first_payment_wins() {
    let step = walk(&[offer_paid(5), held(None)]);
    assert_eq!(
        (step.actions.as_slice(), step.ignored),
        ([FAIL].as_slice(), Some(Ignored::PaidAlready))
    );
    assert_eq!(
        (bolt11(&step.order), bolt12(&step.order), step.order.paid_by),
        (LightningState::Refunded, LightningState::Hold, Some(PaymentOption::Bolt12))
    );
    // A second invoice of the same offer has another hash.
    let step = walk(&[offer_paid(5), offer_paid(6)]);
    assert_eq!(step.actions, [Action::Fail { payment_hash: [6; 32] }]);
    let step = walk(&[offer_paid(5), Event::PeerConnected, published()]);
    assert_eq!(step.actions, [Action::Claim { payment_hash: [5; 32], preimage: [2; 32] }]);
}

#[test]
fn a_payment_that_is_lost_ends_its_order() {
    let step = walk(&[held(None), Event::PaymentLost { payment_hash: [1; 32] }]);
    assert_eq!(
        (step.order.state, bolt11(&step.order)),
        (OrderState::Failed, LightningState::Refunded)
    );
    let step = walk(&[held(None), Event::PaymentLost { payment_hash: [3; 32] }]);
    assert_eq!(step.ignored, Some(Ignored::Beyond));
}

#[test]
fn a_restart_repeats_what_may_not_have_been_done() {
    let repeated = |events: &[Event]| walk(&[events, &[Event::Restarted]].concat()).actions;
    assert_eq!(repeated(&[]), []);
    assert_eq!(repeated(&[held(None)]), [CLOSE, Action::SeekPeer]);
    assert_eq!(repeated(&[held(None), Event::PeerConnected]), [CLOSE, Action::ResumeOpen]);
    assert_eq!(repeated(&[held(None), Event::PeerConnected, published()]), [CLAIM, CLOSE]);
    assert_eq!(repeated(&[held(None), Event::Fail]), [FAIL, CLOSE]);
}
