//! Offers and addresses for faults that show others than the order's own.

use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Address, Network, WitnessProgram, WitnessVersion};
use lightning::offers::offer::OfferBuilder;
use serde_json::Value;

use super::edit::sat;
use crate::message::Object;

/// An address of 20 bytes for version 0, of 32 for others. Nobody has its key.
pub(super) fn address(order: &Object, version: WitnessVersion, network: Network) -> String {
    let length = if version == WitnessVersion::V0 { 20 } else { 32 };
    let hash = order_hash(order);
    WitnessProgram::new(version, hash.get(..length).unwrap_or_default())
        .map(|program| Address::from_witness_program(program, network).to_string())
        .unwrap_or_default()
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

fn order_hash(order: &Object) -> [u8; 32] {
    let id = order.get("order_id").and_then(Value::as_str).unwrap_or_default();
    sha256::Hash::hash(id.as_bytes()).to_byte_array()
}
