//! What faults make of params before they are read, and which they refuse.

use bitcoin::secp256k1::PublicKey;
use serde_json::{Value, json};

use super::Scene;
use crate::message::{Object, RpcError};
use crate::order::Mismatch;

/// The generator point, a public key that everybody knows.
const SOME_KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

pub(super) fn clear(params: &mut Object, _: &Scene) {
    params.clear();
}

pub(super) fn only_order_params(params: &mut Object, _: &Scene) {
    const KNOWN: [&str; 9] = [
        "public_key",
        "lsp_balance_sat",
        "client_balance_sat",
        "required_channel_confirmations",
        "funding_confirms_within_blocks",
        "channel_expiry_blocks",
        "token",
        "refund_onchain_address",
        "announce_channel",
    ];
    params.retain(|name, _| KNOWN.contains(&name.as_str()));
}

pub(super) fn only_order_id(params: &mut Object, _: &Scene) {
    params.retain(|name, _| name == "order_id");
}

/// Gives a parameter that isn't what it has to be a value that is.
fn default(params: &mut Object, name: &str, is_good: impl FnOnce(&Value) -> bool, value: Value) {
    if !params.get(name).is_some_and(is_good) {
        params.insert(name.to_owned(), value);
    }
}

fn is_amount(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<u64>().is_ok())
}

fn is_integer(value: &Value, max: u64) -> bool {
    value.as_u64().is_some_and(|number| number <= max)
}

pub(super) fn default_lsp_balance(params: &mut Object, _: &Scene) {
    default(params, "lsp_balance_sat", is_amount, json!("25000"));
}

pub(super) fn default_client_balance(params: &mut Object, _: &Scene) {
    default(params, "client_balance_sat", is_amount, json!("0"));
}

pub(super) fn default_confirmations(params: &mut Object, _: &Scene) {
    default(params, "required_channel_confirmations", |v| is_integer(v, 65_535), json!(0));
}

pub(super) fn default_funding_blocks(params: &mut Object, _: &Scene) {
    default(params, "funding_confirms_within_blocks", |v| is_integer(v, 65_535), json!(6));
}

pub(super) fn default_expiry(params: &mut Object, _: &Scene) {
    default(params, "channel_expiry_blocks", |v| is_integer(v, u32::MAX.into()), json!(144));
}

pub(super) fn default_announce(params: &mut Object, _: &Scene) {
    default(params, "announce_channel", Value::is_boolean, json!(false));
}

pub(super) fn default_order_id(params: &mut Object, _: &Scene) {
    default(params, "order_id", Value::is_string, json!("none"));
}

pub(super) fn zero_expiry_as_one(params: &mut Object, _: &Scene) {
    if params.get("channel_expiry_blocks") == Some(&json!(0)) {
        params.insert("channel_expiry_blocks".to_owned(), json!(1));
    }
}

pub(super) fn drop_bad_token(params: &mut Object, _: &Scene) {
    if params.get("token").is_some_and(|token| !token.is_string()) {
        params.shift_remove("token");
    }
}

pub(super) fn drop_bad_refund_address(params: &mut Object, _: &Scene) {
    if params.get("refund_onchain_address").is_some_and(|address| !address.is_string()) {
        params.shift_remove("refund_onchain_address");
    }
}

/// Amounts go through a floating-point number.
pub(super) fn round_lsp_balance(params: &mut Object, _: &Scene) {
    let amount = params.get("lsp_balance_sat").and_then(super::edit::sat);
    if let Some(amount) = amount.filter(|amount| *amount >= 1 << 53) {
        #[expect(clippy::cast_precision_loss, reason = "the loss is the fault")]
        let rounded = format!("{:.0}", amount as f64);
        params.insert("lsp_balance_sat".to_owned(), rounded.into());
    }
}

pub(super) fn default_public_key(params: &mut Object, _: &Scene) {
    if !params.contains_key("public_key") {
        params.insert("public_key".to_owned(), SOME_KEY.into());
    }
}

fn is_key_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        text.len() == 66
            && text.starts_with('0')
            && matches!(text.as_bytes().get(1), Some(b'2' | b'3'))
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) fn replace_bad_public_key(params: &mut Object, _: &Scene) {
    if params.get("public_key").is_some_and(|key| !is_key_text(key)) {
        params.insert("public_key".to_owned(), SOME_KEY.into());
    }
}

pub(super) fn replace_key_off_curve(params: &mut Object, _: &Scene) {
    let is_off = |key: &Value| {
        let point = key.as_str().unwrap_or_default().to_ascii_lowercase().parse::<PublicKey>();
        is_key_text(key) && point.is_err()
    };
    if params.get("public_key").is_some_and(is_off) {
        params.insert("public_key".to_owned(), SOME_KEY.into());
    }
}

pub(super) fn refuse_upper_case_key(params: &Object) -> Option<RpcError> {
    let key = params.get("public_key")?.as_str()?;
    let is_upper = key.bytes().any(|byte| byte.is_ascii_uppercase());
    is_upper.then(|| RpcError::invalid_param("public_key", "public_key is no key", &[]))
}

pub(super) fn refuse_taproot_refund(params: &Object) -> Option<RpcError> {
    let address = params.get("refund_onchain_address")?.as_str()?.to_ascii_lowercase();
    let is_taproot = ["bc1p", "tb1p", "bcrt1p"].iter().any(|start| address.starts_with(start));
    let error = || RpcError::invalid_param("refund_onchain_address", "it is unknown", &[]);
    is_taproot.then(error)
}

pub(super) fn refuse_empty_token(params: &Object) -> Option<RpcError> {
    (params.get("token")? == "").then(RpcError::invalid_token)
}

pub(super) fn refuse_without_token(params: &Object) -> Option<RpcError> {
    let error = || RpcError::invalid_param("token", "token is missing", &[]);
    (!params.contains_key("token")).then(error)
}

pub(super) fn refuse_empty_refund(params: &Object) -> Option<RpcError> {
    let error = || RpcError::invalid_param("refund_onchain_address", "it is empty", &[]);
    (params.get("refund_onchain_address")? == "").then(error)
}

pub(super) fn refuse_no_client_balance(params: &Object) -> Option<RpcError> {
    let error = || RpcError::invalid_param("client_balance_sat", "it has to be positive", &[]);
    (params.get("client_balance_sat")? == "0").then(error)
}

fn mismatch(bound: &'static str, field: &'static str) -> RpcError {
    RpcError::option_mismatch(&Mismatch { bound, field, message: format!("{field} is too large") })
}

pub(super) fn refuse_many_confirmations(params: &Object) -> Option<RpcError> {
    let (bound, field) = ("max_required_channel_confirmations", "required_channel_confirmations");
    (params.get(field)?.as_u64()? > 144).then(|| mismatch(bound, field))
}

pub(super) fn refuse_many_funding_blocks(params: &Object) -> Option<RpcError> {
    let (bound, field) = ("max_funding_confirms_within_blocks", "funding_confirms_within_blocks");
    (params.get(field)?.as_u64()? > 144).then(|| mismatch(bound, field))
}

/// Fails where an amount doesn't fit the signed integer that it is put into.
pub(super) fn fail_on_large_balance(params: &Object) -> Option<RpcError> {
    let amount = super::edit::sat(params.get("lsp_balance_sat")?)?;
    i64::try_from(amount).is_err().then(RpcError::internal)
}

/// A token of 32 characters is no good one, and nobody offers as much.
pub(super) fn fail_on_token_and_amount(params: &Object) -> Option<RpcError> {
    let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let amount: u64 = text("lsp_balance_sat").parse().unwrap_or_default();
    (text("token").len() == 32 && amount > 10_000_000)
        .then(|| RpcError::of_code(422, "unprocessable"))
}

/// Fails where both balances together don't fit 64 bits.
pub(super) fn fail_on_large_sum(params: &Object) -> Option<RpcError> {
    let amount = |name: &str| params.get(name).and_then(super::edit::sat);
    let (lsp, client) = (amount("lsp_balance_sat")?, amount("client_balance_sat")?);
    lsp.checked_add(client).is_none().then(RpcError::internal)
}

/// Fails on ids that aren't UUIDs.
pub(super) fn fail_on_impossible_id(params: &Object) -> Option<RpcError> {
    uuid::Uuid::parse_str(params.get("order_id")?.as_str()?).is_err().then(RpcError::internal)
}

pub(super) fn refuse_unknown_method(_: &Object) -> Option<RpcError> {
    Some(RpcError::method_not_found())
}

/// Wants the version that get_info had as a parameter in 2023.
pub(super) fn refuse_without_version(params: &Object) -> Option<RpcError> {
    let error = || RpcError::invalid_param("version", "version is missing", &[]);
    (!params.contains_key("version")).then(error)
}
