//! What faults do to results, errors and responses where an [`Edit`](super::edit::Edit) can't say it.

use bitcoin::WitnessVersion;
use bitcoin::bech32::{Bech32m, Hrp, segwit};
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use lightning_invoice::{Bolt11Invoice, Currency};
use serde_json::{Value, json};

use super::edit::{change, sat};
use super::{Scene, options};
use crate::message::types::write_datetime;
use crate::message::{Method, Object};

const INVOICE: &str = "payment.bolt11.invoice";

/// The options of get_info, in a nested object as LSPS1 of 2023 had them.
pub(super) fn nest_options(info: &mut Object, _: &Scene) {
    let options = std::mem::take(info);
    info.insert("options".to_owned(), options.into());
}

/// Makes the upper bound of a range smaller than the lower one.
fn turn_range(info: &mut Object, min: &str, max: &str) {
    let Some(least) = info.get(min).and_then(sat) else { return };
    match least.checked_sub(1) {
        Some(less) => info.insert(max.to_owned(), less.to_string().into()),
        None => {
            info.insert(min.to_owned(), "1".into());
            info.insert(max.to_owned(), "0".into())
        }
    };
}

pub(super) fn turn_client_range(info: &mut Object, _: &Scene) {
    turn_range(info, "min_initial_client_balance_sat", "max_initial_client_balance_sat");
}

pub(super) fn turn_lsp_range(info: &mut Object, _: &Scene) {
    turn_range(info, "min_initial_lsp_balance_sat", "max_initial_lsp_balance_sat");
}

pub(super) fn turn_channel_range(info: &mut Object, _: &Scene) {
    turn_range(info, "min_channel_balance_sat", "max_channel_balance_sat");
}

pub(super) fn moving_info(info: &mut Object, scene: &Scene) {
    if scene.serial % 2 == 1 {
        change(info, "max_initial_lsp_balance_sat", |value| {
            if let Some(max) = sat(value) {
                *value = max.saturating_sub(1).to_string().into();
            }
        });
    }
}

pub(super) fn moving_zero_reserve(info: &mut Object, scene: &Scene) {
    change(info, "supports_zero_channel_reserve", |value| {
        *value = (scene.serial % 2 == 1).into();
    });
}

pub(super) fn leading_zero_in_fee(order: &mut Object, _: &Scene) {
    change(order, "payment.bolt11.fee_total_sat", |value| {
        if let Some(text) = value.as_str() {
            *value = format!("0{text}").into();
        }
    });
}

pub(super) fn datetimes_without_millis(order: &mut Object, _: &Scene) {
    for path in
        ["created_at", "payment.bolt11.expires_at", "channel.funded_at", "channel.expires_at"]
    {
        change(order, path, |value| {
            if let Some((start, _)) = value.as_str().and_then(|text| text.split_once('.')) {
                *value = format!("{start}Z").into();
            }
        });
    }
}

pub(super) fn created_at_moves(order: &mut Object, scene: &Scene) {
    order.insert("created_at".to_owned(), write_datetime(scene.now));
}

/// The time at which it is read is that at which the payment option ends.
pub(super) fn expiry_moves(order: &mut Object, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        let serial = i64::try_from(scene.serial % 1_000).unwrap_or_default();
        super::edit::Edit::Shift("payment.bolt11.expires_at", 1 + serial).apply(order, scene);
    }
}

pub(super) fn channel_key_missing(order: &mut Object, _: &Scene) {
    if order.get("channel") == Some(&Value::Null) {
        order.shift_remove("channel");
    }
}

pub(super) fn early_channel(order: &mut Object, _: &Scene) {
    if order.get("channel") == Some(&Value::Null) {
        let created_at = order.get("created_at").cloned();
        let channel = json!({
            "funded_at": created_at, "funding_outpoint": format!("{}:0", "0".repeat(64)),
            "expires_at": created_at,
        });
        order.insert("channel".to_owned(), channel);
    }
}

pub(super) fn lower_case_order_state(order: &mut Object, _: &Scene) {
    change(order, "order_state", |value| {
        if let Some(text) = value.as_str() {
            *value = text.to_ascii_lowercase().into();
        }
    });
}

pub(super) fn pending_for_created(order: &mut Object, _: &Scene) {
    change(order, "order_state", |state| {
        if state == "CREATED" {
            *state = "PENDING".into();
        }
    });
}

pub(super) fn announce_flipped(order: &mut Object, _: &Scene) {
    change(order, "announce_channel", |announce| {
        *announce = (!announce.as_bool().unwrap_or_default()).into();
    });
}

/// The payment as it was before each option had its own object.
pub(super) fn flat_payment(order: &mut Object, _: &Scene) {
    change(order, "payment", |payment| {
        if let Some(Value::Object(mut bolt11)) = payment.get("bolt11").cloned() {
            if let Some(invoice) = bolt11.shift_remove("invoice") {
                bolt11.insert("bolt11_invoice".to_owned(), invoice);
            }
            *payment = bolt11.into();
        }
    });
}

/// One character of the invoice's checksum is another.
pub(super) fn invoice_checksum(order: &mut Object, _: &Scene) {
    change(order, INVOICE, |value| {
        if let Some(mut text) = value.as_str().map(str::to_owned)
            && let Some(last) = text.pop()
        {
            text.push(if last == 'q' { 'p' } else { 'q' });
            *value = text.into();
        }
    });
}

pub(super) fn invoice_too_long(order: &mut Object, _: &Scene) {
    change(order, INVOICE, |value| {
        if let Some(text) = value.as_str() {
            *value = format!("{text:q<2049}").into();
        }
    });
}

/// An invoice for mainnet, or for testnet on mainnet, signed by nobody's key.
pub(super) fn invoice_of_other_network(order: &mut Object, _: &Scene) {
    resign(order, |currency, _| {
        *currency = match currency {
            Currency::Bitcoin => Currency::BitcoinTestnet,
            _ => Currency::Bitcoin,
        };
    });
}

pub(super) fn invoice_without_amount(order: &mut Object, _: &Scene) {
    resign(order, |_, amount| *amount = None);
}

/// Changes the readable part of an invoice and signs it again.
fn resign(order: &mut Object, edit: impl FnOnce(&mut Currency, &mut Option<u64>)) {
    change(order, INVOICE, |value| {
        let invoice = value.as_str().and_then(|text| text.parse::<Bolt11Invoice>().ok());
        let Some(invoice) = invoice else { return };
        let (mut raw, _, _) = invoice.into_signed_raw().into_parts();
        edit(&mut raw.hrp.currency, &mut raw.hrp.raw_amount);
        if raw.hrp.raw_amount.is_none() {
            raw.hrp.si_prefix = None;
        }
        let Ok(key) = SecretKey::from_slice(&sha256::Hash::hash(b"nobody").to_byte_array()) else {
            return;
        };
        let sign = |hash: &Message| {
            Ok::<_, std::convert::Infallible>(Secp256k1::new().sign_ecdsa_recoverable(hash, &key))
        };
        let Ok(signed) = raw.sign(sign);
        *value = signed.to_string().into();
    });
}

pub(super) fn another_order(order: &mut Object, scene: &Scene) {
    let id = format!("{:08x}-0000-4000-8000-000000000000", scene.serial % 0x1_0000_0000);
    order.insert("order_id".to_owned(), id.into());
}

pub(super) fn hold_is_hidden(order: &mut Object, _: &Scene) {
    let before_channel = order.get("order_state") == Some(&json!("CREATED"));
    change(order, "payment.bolt11.state", |state| {
        if before_channel && state == "HOLD" {
            *state = "EXPECT_PAYMENT".into();
        }
    });
}

pub(super) fn cancelled_for_refunded(order: &mut Object, _: &Scene) {
    change(order, "payment.bolt11.state", |state| {
        if state == "REFUNDED" {
            *state = "CANCELLED".into();
        }
    });
}

/// A lease that is over when it starts.
pub(super) fn lease_ends_at_once(order: &mut Object, _: &Scene) {
    change(order, "channel", |channel| {
        if let Some(funded_at) = channel.get("funded_at").cloned() {
            channel["expires_at"] = funded_at;
        }
    });
}

pub(super) fn outpoint_with_dash(order: &mut Object, _: &Scene) {
    change(order, "channel.funding_outpoint", |outpoint| {
        if let Some(text) = outpoint.as_str() {
            *outpoint = text.replace(':', "-").into();
        }
    });
}

/// The bytes of the transaction id in the order in which they are hashed, not in which they are shown.
pub(super) fn txid_reversed(order: &mut Object, _: &Scene) {
    change(order, "channel.funding_outpoint", |outpoint| {
        let parts = outpoint.as_str().and_then(|text| text.split_once(':'));
        if let Some((txid, index)) = parts {
            let bytes: Vec<String> = txid
                .as_bytes()
                .rchunks(2)
                .map(|pair| String::from_utf8_lossy(pair).into())
                .collect();
            *outpoint = format!("{}:{index}", bytes.concat()).into();
        }
    });
}

pub(super) fn offer_too_long(order: &mut Object, _: &Scene) {
    change(order, "payment.bolt12.offer", |value| {
        if let Some(text) = value.as_str() {
            *value = format!("{text:q<2049}").into();
        }
    });
}

/// An offer of as many msat as it should be sat.
pub(super) fn offer_in_sat(order: &mut Object, scene: &Scene) {
    let offer = options::offer(order, scene.network, options::bolt12_total(order), None);
    change(order, "payment.bolt12.offer", |value| *value = offer.into());
}

/// An offer that ends before the payment option does.
pub(super) fn offer_ends_early(order: &mut Object, scene: &Scene) {
    let end = options::member(order, "bolt12", "expires_at")
        .and_then(Value::as_str)
        .and_then(|t| t.parse().ok());
    let end: jiff::Timestamp = end.unwrap_or_default();
    let seconds = u64::try_from(end.as_second() - 3_600).unwrap_or_default();
    let offer = options::offer(
        order,
        scene.network,
        options::bolt12_total(order).saturating_mul(1_000),
        Some(std::time::Duration::from_secs(seconds)),
    );
    change(order, "payment.bolt12.offer", |value| *value = offer.into());
}

/// A SegWit address of version 0 with the checksum of later versions.
pub(super) fn address_with_wrong_checksum(order: &mut Object, _: &Scene) {
    change(order, "payment.onchain.address", |value| {
        let decoded = value.as_str().and_then(|text| segwit::decode(text).ok());
        let Some((hrp, _, program)) = decoded else { return };
        *value = bech32m_v0(hrp, &program).into();
    });
}

fn bech32m_v0(hrp: Hrp, program: &[u8]) -> String {
    use bitcoin::bech32::primitives::gf32::Fe32;
    use bitcoin::bech32::primitives::iter::{ByteIterExt, Fe32IterExt};
    let data = program.iter().copied().bytes_to_fes();
    data.with_checksum::<Bech32m>(&hrp).with_witness_version(Fe32::Q).chars().collect()
}

/// An address of a version that isn't in use.
pub(super) fn address_of_version_two(order: &mut Object, scene: &Scene) {
    let address = options::address(order, WitnessVersion::V2, scene.network);
    change(order, "payment.onchain.address", |value| *value = address.into());
}

/// One address for all orders.
pub(super) fn same_address(order: &mut Object, scene: &Scene) {
    let address = options::address(&Object::new(), WitnessVersion::V0, scene.network);
    change(order, "payment.onchain.address", |value| *value = address.into());
}

pub(super) fn moving_address(order: &mut Object, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        same_address(order, scene);
    }
}

/// The refund goes where the payment went.
pub(super) fn refund_to_itself(order: &mut Object, _: &Scene) {
    let Some(address) = options::member(order, "onchain", "address").cloned() else { return };
    change(order, "payment.onchain.refund_onchain_address", |value| *value = address);
}

/// get_info still has the option that orders fall short of.
pub(super) fn onchain_confirmations_in_info(result: &mut Object, scene: &Scene) {
    if scene.method == Some(Method::GetInfo) {
        result.insert("min_onchain_payment_confirmations".to_owned(), 2.into());
    }
}

pub(super) fn data_as_string(error: &mut Object, _: &Scene) {
    let text = error.get("data").and_then(|data| data.get("message")).and_then(Value::as_str);
    let text = text.unwrap_or("see the documentation").to_owned();
    error.insert("data".to_owned(), text.into());
}

pub(super) fn null_for_none_unrecognized(error: &mut Object, _: &Scene) {
    change(error, "data.unrecognized", |names| {
        if *names == json!([]) {
            *names = Value::Null;
        }
    });
}

/// Names one unknown parameter only.
pub(super) fn first_unrecognized(error: &mut Object, _: &Scene) {
    change(error, "data.unrecognized", |names| {
        if let Value::Array(names) = names {
            names.truncate(1);
        }
    });
}

/// Names a known parameter among the unknown.
pub(super) fn known_among_unrecognized(error: &mut Object, _: &Scene) {
    change(error, "data.unrecognized", |names| {
        if let Value::Array(names) = names
            && !names.is_empty()
        {
            names.push("lsp_balance_sat".into());
        }
    });
}

/// The name of the parameter where error 100 wants that of the option.
pub(super) fn property_is_request_field(error: &mut Object, _: &Scene) {
    change(error, "data.property", |property| {
        let field = match property.as_str().unwrap_or_default() {
            "min_required_channel_confirmations" => "required_channel_confirmations",
            "min_funding_confirms_within_blocks" => "funding_confirms_within_blocks",
            "max_channel_expiry_blocks" => "channel_expiry_blocks",
            "min_initial_client_balance_sat" | "max_initial_client_balance_sat" => {
                "client_balance_sat"
            }
            _ => "lsp_balance_sat",
        };
        *property = field.into();
    });
}

fn prefix_property(error: &mut Object, prefix: &str) {
    change(error, "data.property", |property| {
        *property = format!("{prefix}{}", property.as_str().unwrap_or_default()).into();
    });
}

pub(super) fn property_below_options(error: &mut Object, _: &Scene) {
    prefix_property(error, "options.");
}

pub(super) fn property_below_params(error: &mut Object, _: &Scene) {
    prefix_property(error, "params.");
}

pub(super) fn announce_below_params(error: &mut Object, _: &Scene) {
    if property(error) == Some("announce_channel") {
        prefix_property(error, "params.");
    }
}

pub(super) fn no_data_on_bad_order_id(error: &mut Object, _: &Scene) {
    if property(error) == Some("order_id") {
        error.shift_remove("data");
    }
}

fn property(error: &Object) -> Option<&str> {
    error.get("data")?.get("property")?.as_str()
}

pub(super) fn property_is_pointer(error: &mut Object, _: &Scene) {
    prefix_property(error, "/");
}

/// An order that failed, where the request was refused.
pub(super) fn failed_order_for_error(response: &mut Object, _: &Scene) {
    let code = response.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    if code == Some(-32602) {
        response.shift_remove("error");
        response.insert("result".to_owned(), json!({"order_state": "FAILED"}));
    }
}

pub(super) fn null_for_unknown_order(response: &mut Object, _: &Scene) {
    let code = response.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    if code == Some(101) {
        response.shift_remove("error");
        response.insert("result".to_owned(), Value::Null);
    }
}

pub(super) fn error_beside_result(response: &mut Object, _: &Scene) {
    if response.contains_key("result") {
        response.insert("error".to_owned(), Value::Null);
    }
}

pub(super) fn result_beside_bad_token(response: &mut Object, _: &Scene) {
    let code = response.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    if code == Some(102) {
        response.insert("result".to_owned(), Value::Null);
    }
}

/// The list itself, without an object around it.
pub(super) fn bare_protocols(response: &mut Object, _: &Scene) {
    if let Some(protocols) = response.get("result").and_then(|result| result.get("protocols")) {
        let protocols = protocols.clone();
        response.insert("result".to_owned(), protocols);
    }
}

pub(super) fn no_id_on_parse_error(response: &mut Object, _: &Scene) {
    let code = response.get("error").and_then(|error| error.get("code")).and_then(Value::as_i64);
    if code == Some(-32700) {
        response.shift_remove("id");
    }
}

pub(super) fn another_id(response: &mut Object, scene: &Scene) {
    response.insert("id".to_owned(), format!("reply-{}", scene.serial).into());
}

pub(super) fn id_cut(response: &mut Object, _: &Scene) {
    edit_id(response, |text| text.chars().take(64).collect());
}

pub(super) fn id_cut_at_zero(response: &mut Object, _: &Scene) {
    edit_id(response, |text| text.split('\0').next().unwrap_or_default().to_owned());
}

fn edit_id(response: &mut Object, edit: impl FnOnce(&str) -> String) {
    change(response, "id", |id| {
        if let Some(text) = id.as_str() {
            *id = edit(text).into();
        }
    });
}

pub(super) fn numeric_id_as_string(response: &mut Object, _: &Scene) {
    change(response, "id", |id| {
        if id.is_number() {
            *id = id.to_string().into();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order: Value) -> Object {
        order.as_object().unwrap().clone()
    }

    #[test]
    fn a_reversed_txid_keeps_its_bytes() {
        let mut order = order(json!({"channel": {"funding_outpoint": "0102ff:1"}}));
        txid_reversed(&mut order, &Scene::default());
        assert_eq!(order["channel"]["funding_outpoint"], "ff0201:1");
    }

    #[test]
    fn a_wrong_checksum_is_all_that_is_wrong_with_an_address() {
        let address = "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wat6sgvv";
        let mut order = order(json!({"payment": {"onchain": {"address": address}}}));
        address_with_wrong_checksum(&mut order, &Scene::default());
        let wrong = order["payment"]["onchain"]["address"].as_str().unwrap();
        assert_eq!(wrong[..wrong.len() - 6], address[..address.len() - 6]);
        assert!(segwit::decode(wrong).is_err());
    }
}
