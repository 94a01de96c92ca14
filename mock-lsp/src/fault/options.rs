//! Payment options that the mock itself doesn't sell. Faults that are about them need them to be there: these are
//! beyond reproach, up to the one thing that the fault changes.

use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Address, Network, WitnessProgram, WitnessVersion};
use lightning::offers::offer::OfferBuilder;
use serde_json::{Value, json};

use super::Scene;
use super::edit::sat;
use crate::message::Object;

/// Adds payment on-chain, where a refund address was given.
pub(super) fn with_onchain(order: &mut Object, scene: &Scene) {
    let Some(refund_address) = &scene.refund_onchain_address else { return };
    insert_onchain(order, scene, Some(refund_address));
}

/// Adds payment on-chain to every order.
pub(super) fn with_onchain_always(order: &mut Object, scene: &Scene) {
    insert_onchain(order, scene, scene.refund_onchain_address.as_ref());
}

fn insert_onchain(order: &mut Object, scene: &Scene, refund_address: Option<&String>) {
    let address = address(order, WitnessVersion::V0, scene.network);
    let Some(mut onchain) = like_bolt11(order) else { return };
    onchain.insert("address".to_owned(), address.into());
    onchain.insert("min_onchain_payment_confirmations".to_owned(), 1.into());
    onchain.insert("min_fee_for_0conf".to_owned(), Value::Null);
    if let Some(refund_address) = refund_address {
        onchain.insert("refund_onchain_address".to_owned(), refund_address.as_str().into());
    }
    insert(order, "onchain", onchain);
}

/// An address of 20 bytes for version 0, of 32 for others. Nobody has its key.
pub(super) fn address(order: &Object, version: WitnessVersion, network: Network) -> String {
    let length = if version == WitnessVersion::V0 { 20 } else { 32 };
    let hash = order_hash(order);
    WitnessProgram::new(version, hash.get(..length).unwrap_or_default())
        .map(|program| Address::from_witness_program(program, network).to_string())
        .unwrap_or_default()
}

/// Adds payment by BOLT 12.
pub(super) fn with_bolt12(order: &mut Object, scene: &Scene) {
    let Some(mut bolt12) = like_bolt11(order) else { return };
    let total = bolt12.get("order_total_sat").and_then(sat).unwrap_or_default();
    let offer = offer(order, scene.network, total.saturating_mul(1_000), None);
    bolt12.insert("offer".to_owned(), offer.into());
    insert(order, "bolt12", bolt12);
}

/// An offer of that many msat, which ends so long after the Unix epoch, or never.
pub(super) fn offer(
    order: &Object,
    network: Network,
    amount_msat: u64,
    end: Option<Duration>,
) -> String {
    let Ok(key) = SecretKey::from_slice(&order_hash(order)) else { return String::new() };
    let builder = OfferBuilder::new(PublicKey::from_secret_key(&Secp256k1::new(), &key))
        .chain(network)
        .description("LSPS1 channel".to_owned())
        .amount_msats(amount_msat);
    let builder = match end {
        Some(end) => builder.absolute_expiry(end),
        None => builder,
    };
    builder.build().map(|offer| offer.to_string()).unwrap_or_default()
}

/// What is asked for by BOLT 12, in sat.
pub(super) fn bolt12_total(order: &Object) -> u64 {
    member(order, "bolt12", "order_total_sat").and_then(sat).unwrap_or_default()
}

/// A member of a payment option.
pub(super) fn member<'a>(order: &'a Object, option: &str, name: &str) -> Option<&'a Value> {
    order.get("payment")?.get(option)?.get(name)
}

/// What the options have in common: a new one, at the price of BOLT 11.
fn like_bolt11(order: &Object) -> Option<Object> {
    let bolt11 = order.get("payment")?.get("bolt11")?;
    let option = json!({
        "state": "EXPECT_PAYMENT",
        "expires_at": bolt11["expires_at"],
        "fee_total_sat": bolt11["fee_total_sat"],
        "order_total_sat": bolt11["order_total_sat"],
    });
    option.as_object().cloned()
}

fn insert(order: &mut Object, name: &str, option: Object) {
    if let Some(Value::Object(payment)) = order.get_mut("payment") {
        payment.insert(name.to_owned(), option.into());
    }
}

fn order_hash(order: &Object) -> [u8; 32] {
    let id = order.get("order_id").and_then(Value::as_str).unwrap_or_default();
    sha256::Hash::hash(id.as_bytes()).to_byte_array()
}

#[cfg(test)]
mod tests {
    use lightning::offers::offer::{Amount, Offer};

    use super::*;

    fn order() -> Object {
        let order = json!({
            "order_id": "a",
            "payment": {"bolt11": {
                "state": "HOLD", "expires_at": "2026-03-01T00:00:00.000Z", "fee_total_sat": "1",
                "order_total_sat": "3", "invoice": "lnbcrt1",
            }},
        });
        order.as_object().unwrap().clone()
    }

    #[test]
    fn onchain_is_offered_to_those_with_a_refund_address() {
        let mut scene = Scene::default();
        let mut order = order();
        with_onchain(&mut order, &scene);
        assert!(order["payment"].get("onchain").is_none());
        scene.refund_onchain_address = Some("bcrt1q".to_owned());
        with_onchain(&mut order, &scene);
        let onchain = &order["payment"]["onchain"];
        assert_eq!(onchain["state"], "EXPECT_PAYMENT");
        assert_eq!(onchain["refund_onchain_address"], "bcrt1q");
        assert!(onchain["address"].as_str().unwrap().starts_with("bcrt1q"));
    }

    #[test]
    fn an_offer_is_for_the_total() {
        let mut order = order();
        with_bolt12(&mut order, &Scene::default());
        let offer: Offer = order["payment"]["bolt12"]["offer"].as_str().unwrap().parse().unwrap();
        assert_eq!(offer.amount(), Some(Amount::Bitcoin { amount_msats: 3_000 }));
    }
}
