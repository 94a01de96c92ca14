//! How faults show paid orders otherwise than they are.

use serde_json::{Value, json};

use super::Scene;
use super::edit::change;
use super::options::member;
use crate::message::Object;
use crate::order::PaymentOption;

fn is_in_state(order: &Object, state: &str) -> bool {
    order.get("order_state").is_some_and(|found| found == state)
}

/// Shows the state of the payment by BOLT 11 otherwise.
fn change_payments(order: &mut Object, from: &str, to: &str) {
    change_state(order, "bolt11", from, to);
}

fn change_state(order: &mut Object, option: &str, from: &str, to: &str) {
    change(order, &format!("payment.{option}.state"), |state| {
        if state == from {
            *state = to.into();
        }
    });
}

pub(super) fn coins_as_hold(order: &mut Object, _: &Scene) {
    change_state(order, "onchain", "PAID", "HOLD");
}

pub(super) fn refund_of_coins_is_hidden(order: &mut Object, _: &Scene) {
    change_state(order, "onchain", "REFUNDED", "PAID");
}

pub(super) fn completion_is_hidden(order: &mut Object, _: &Scene) {
    if is_in_state(order, "COMPLETED") {
        order.insert("order_state".to_owned(), "CREATED".into());
        order.insert("channel".to_owned(), Value::Null);
        change_payments(order, "PAID", "HOLD");
    }
}

pub(super) fn failure_is_hidden(order: &mut Object, _: &Scene) {
    if is_in_state(order, "FAILED") {
        order.insert("order_state".to_owned(), "CREATED".into());
    }
}

pub(super) fn paid_as_hold(order: &mut Object, _: &Scene) {
    change_payments(order, "PAID", "HOLD");
}

pub(super) fn paid_as_expected(order: &mut Object, _: &Scene) {
    change_payments(order, "PAID", "EXPECT_PAYMENT");
}

pub(super) fn paid_as_refunded(order: &mut Object, _: &Scene) {
    change_payments(order, "PAID", "REFUNDED");
}

pub(super) fn refunded_as_hold(order: &mut Object, _: &Scene) {
    change_payments(order, "REFUNDED", "HOLD");
}

pub(super) fn refunded_as_expected(order: &mut Object, _: &Scene) {
    change_payments(order, "REFUNDED", "EXPECT_PAYMENT");
}

pub(super) fn refunded_as_paid(order: &mut Object, _: &Scene) {
    change_payments(order, "REFUNDED", "PAID");
}

/// A held payment shows as paid long before the channel.
pub(super) fn hold_as_paid(order: &mut Object, _: &Scene) {
    change_payments(order, "HOLD", "PAID");
}

/// A held payment shows as one that went back, and as paid afterwards.
pub(super) fn hold_as_refunded(order: &mut Object, _: &Scene) {
    if is_in_state(order, "CREATED") {
        change_payments(order, "HOLD", "REFUNDED");
    }
}

pub(super) fn offer_hold_is_hidden(order: &mut Object, _: &Scene) {
    if is_in_state(order, "CREATED") {
        change_state(order, "bolt12", "HOLD", "EXPECT_PAYMENT");
    }
}

pub(super) fn offer_hold_as_paid(order: &mut Object, _: &Scene) {
    change_state(order, "bolt12", "HOLD", "PAID");
}

pub(super) fn offer_paid_as_hold(order: &mut Object, _: &Scene) {
    change_state(order, "bolt12", "PAID", "HOLD");
}

pub(super) fn offer_refund_as_hold(order: &mut Object, scene: &Scene) {
    if scene.paid_by == Some(PaymentOption::Bolt12) {
        change_state(order, "bolt12", "REFUNDED", "HOLD");
    }
}

/// The offer shows what became of the invoice, too.
pub(super) fn offer_follows_invoice(order: &mut Object, scene: &Scene) {
    if scene.paid_by == Some(PaymentOption::Bolt11)
        && let Some(state) = member(order, "bolt11", "state").cloned()
    {
        change(order, "payment.bolt12.state", |shown| *shown = state);
    }
}

/// The offer of an order that was paid by invoice is void, until the channel is there.
pub(super) fn void_offer_is_paid(order: &mut Object, scene: &Scene) {
    if scene.paid_by == Some(PaymentOption::Bolt11) && is_in_state(order, "COMPLETED") {
        change_state(order, "bolt12", "REFUNDED", "PAID");
    }
}

pub(super) fn completed_while_held(order: &mut Object, _: &Scene) {
    if is_held(order) {
        order.insert("order_state".to_owned(), "COMPLETED".into());
    }
}

pub(super) fn failed_while_held(order: &mut Object, _: &Scene) {
    if is_held(order) {
        order.insert("order_state".to_owned(), "FAILED".into());
    }
}

pub(super) fn channel_while_held(order: &mut Object, scene: &Scene) {
    if is_held(order) {
        let now = crate::message::types::write_datetime(scene.now);
        let outpoint = format!("{}:0", "ab".repeat(32));
        let channel = json!({"funded_at": now, "funding_outpoint": outpoint, "expires_at": now});
        order.insert("channel".to_owned(), channel);
    }
}

fn is_held(order: &Object) -> bool {
    let payments = order.get("payment").and_then(Value::as_object);
    let mut options = payments.into_iter().flat_map(|payments| payments.values());
    is_in_state(order, "CREATED")
        && options.any(|option| option.get("state").is_some_and(|state| state == "HOLD"))
}

/// Every other answer shows a paid order as one whose payment is on hold.
pub(super) fn hold_comes_back(order: &mut Object, scene: &Scene) {
    if scene.serial.is_multiple_of(2) {
        change_payments(order, "PAID", "HOLD");
    }
}

/// Every other answer shows a completed order as one that failed.
pub(super) fn completed_fails(order: &mut Object, scene: &Scene) {
    if is_in_state(order, "COMPLETED") && scene.serial.is_multiple_of(2) {
        order.insert("order_state".to_owned(), "FAILED".into());
    }
}

/// Every other answer shows an order that failed as one that goes on.
pub(super) fn failed_goes_on(order: &mut Object, scene: &Scene) {
    if is_in_state(order, "FAILED") && scene.serial.is_multiple_of(2) {
        order.insert("order_state".to_owned(), "CREATED".into());
    }
}

pub(super) fn funded_at_moves(order: &mut Object, scene: &Scene) {
    let now = crate::message::types::write_datetime(scene.now);
    change(order, "channel.funded_at", |at| *at = now);
}

pub(super) fn outpoint_moves(order: &mut Object, scene: &Scene) {
    if scene.serial.is_multiple_of(2) {
        another_index(order, scene);
    }
}

/// The funding transaction, but another output of it.
pub(super) fn another_index(order: &mut Object, _: &Scene) {
    change(order, "channel.funding_outpoint", |outpoint| {
        let parts = outpoint.as_str().and_then(|text| text.split_once(':'));
        if let Some((txid, index)) = parts {
            let other = if index == "0" { 1 } else { 0 };
            *outpoint = format!("{txid}:{other}").into();
        }
    });
}

pub(super) fn another_transaction(order: &mut Object, _: &Scene) {
    change(order, "channel.funding_outpoint", |outpoint| {
        *outpoint = format!("{}:0", "ab".repeat(32)).into();
    });
}

pub(super) fn funded_before_created(order: &mut Object, _: &Scene) {
    change(order, "channel.funded_at", |at| *at = "2020-01-01T00:00:00.000Z".into());
}

pub(super) fn funded_with_offset(order: &mut Object, _: &Scene) {
    with_offset(order, "channel.funded_at");
}

pub(super) fn lease_with_offset(order: &mut Object, _: &Scene) {
    with_offset(order, "channel.expires_at");
}

fn with_offset(order: &mut Object, path: &str) {
    change(order, path, |at| {
        if let Some(text) = at.as_str() {
            *at = text.replace('Z', "+00:00").into();
        }
    });
}

/// The channel as its outpoint alone.
pub(super) fn bare_outpoint(order: &mut Object, _: &Scene) {
    change(order, "channel", |channel| {
        if let Some(outpoint) = channel.get("funding_outpoint").cloned() {
            *channel = outpoint;
        }
    });
}

/// What was ordered changes once it is delivered.
pub(super) fn completed_is_larger(order: &mut Object, _: &Scene) {
    if is_in_state(order, "COMPLETED") {
        order.insert("lsp_balance_sat".to_owned(), "1000001".into());
    }
}
