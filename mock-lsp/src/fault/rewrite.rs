//! What the rewriting faults do to results, errors and responses.

use serde_json::{Value, json};

use super::Scene;
use crate::message::types::write_datetime;
use crate::message::{Method, Object};

/// The options of get_info, in a nested object as LSPS1 of 2023 had them.
pub(super) fn nest_options(result: &mut Object, _: &Scene) {
    let options = std::mem::take(result);
    result.insert("options".to_owned(), options.into());
}

pub(super) fn max_expiry_as_string(result: &mut Object, _: &Scene) {
    change(result, &["max_channel_expiry_blocks"], |value| *value = value.to_string().into());
}

pub(super) fn info_sat_as_number(result: &mut Object, _: &Scene) {
    change(result, &["max_channel_balance_sat"], to_number);
}

pub(super) fn max_channel_below_min(result: &mut Object, _: &Scene) {
    if let Some(min) = result.get("min_channel_balance_sat").and_then(sat) {
        let max = min.saturating_sub(1).to_string();
        result.insert("max_channel_balance_sat".to_owned(), max.into());
    }
}

pub(super) fn drop_zero_reserve(result: &mut Object, _: &Scene) {
    result.shift_remove("supports_zero_channel_reserve");
}

pub(super) fn moving_info(result: &mut Object, scene: &Scene) {
    if scene.serial % 2 == 1 {
        change(result, &["max_initial_lsp_balance_sat"], |value| {
            if let Some(max) = sat(value) {
                *value = max.saturating_sub(1).to_string().into();
            }
        });
    }
}

pub(super) fn zero_in_protocols(result: &mut Object, _: &Scene) {
    result.insert("protocols".to_owned(), json!([0, 1]));
}

pub(super) fn no_protocols(result: &mut Object, _: &Scene) {
    result.insert("protocols".to_owned(), json!([]));
}

pub(super) fn protocols_as_strings(result: &mut Object, _: &Scene) {
    result.insert("protocols".to_owned(), json!(["LSPS1"]));
}

pub(super) fn fee_as_number(result: &mut Object, _: &Scene) {
    change(result, &["payment", "bolt11", "fee_total_sat"], to_number);
}

pub(super) fn leading_zero_in_fee(result: &mut Object, _: &Scene) {
    change(result, &["payment", "bolt11", "fee_total_sat"], |value| {
        if let Some(text) = value.as_str() {
            *value = format!("0{text}").into();
        }
    });
}

pub(super) fn datetimes_without_millis(result: &mut Object, _: &Scene) {
    let paths: [&[&str]; 4] = [
        &["created_at"],
        &["payment", "bolt11", "expires_at"],
        &["channel", "funded_at"],
        &["channel", "expires_at"],
    ];
    for path in paths {
        change(result, path, |value| {
            if let Some(start) =
                value.as_str().and_then(|text| text.split_once('.')).map(|(start, _)| start)
            {
                *value = format!("{start}Z").into();
            }
        });
    }
}

pub(super) fn created_at_moves(result: &mut Object, scene: &Scene) {
    result.insert("created_at".to_owned(), write_datetime(scene.now));
}

pub(super) fn token_is_null(result: &mut Object, _: &Scene) {
    result.insert("token".to_owned(), Value::Null);
}

pub(super) fn channel_key_missing(result: &mut Object, _: &Scene) {
    if result.get("channel") == Some(&Value::Null) {
        result.shift_remove("channel");
    }
}

pub(super) fn confirmations_not_echoed(result: &mut Object, _: &Scene) {
    result.shift_remove("required_channel_confirmations");
}

pub(super) fn expiry_not_echoed(result: &mut Object, _: &Scene) {
    change(result, &["channel_expiry_blocks"], |value| {
        let blocks = value.as_u64().unwrap_or_default();
        *value = blocks.saturating_add(1).into();
    });
}

pub(super) fn lower_case_order_state(result: &mut Object, _: &Scene) {
    change(result, &["order_state"], |value| {
        if let Some(text) = value.as_str() {
            *value = text.to_ascii_lowercase().into();
        }
    });
}

pub(super) fn unused_options_null(result: &mut Object, _: &Scene) {
    if let Some(Value::Object(payment)) = result.get_mut("payment") {
        payment.insert("bolt12".to_owned(), Value::Null);
    }
}

/// The payment as it was before each option had its own object.
pub(super) fn flat_payment(result: &mut Object, _: &Scene) {
    change(result, &["payment"], |payment| {
        if let Some(Value::Object(mut bolt11)) = payment.get("bolt11").cloned() {
            if let Some(invoice) = bolt11.shift_remove("invoice") {
                bolt11.insert("bolt11_invoice".to_owned(), invoice);
            }
            *payment = bolt11.into();
        }
    });
}

pub(super) fn invoice_under_old_name(result: &mut Object, _: &Scene) {
    change(result, &["payment", "bolt11"], |bolt11| {
        if let Value::Object(bolt11) = bolt11
            && let Some(invoice) = bolt11.shift_remove("invoice")
        {
            bolt11.insert("bolt11_invoice".to_owned(), invoice);
        }
    });
}

/// One character of the invoice's data is another.
pub(super) fn invoice_checksum(result: &mut Object, _: &Scene) {
    change(result, &["payment", "bolt11", "invoice"], |value| {
        if let Some(mut text) = value.as_str().map(str::to_owned)
            && let Some(last) = text.pop()
        {
            text.push(if last == 'q' { 'p' } else { 'q' });
            *value = text.into();
        }
    });
}

pub(super) fn another_order(result: &mut Object, scene: &Scene) {
    let id = format!("{:08x}-0000-4000-8000-000000000000", scene.serial % 0x1_0000_0000);
    result.insert("order_id".to_owned(), id.into());
}

pub(super) fn hold_is_hidden(result: &mut Object, _: &Scene) {
    let before_channel = result.get("order_state") == Some(&json!("CREATED"));
    change(result, &["payment", "bolt11", "state"], |state| {
        if before_channel && state == "HOLD" {
            *state = "EXPECT_PAYMENT".into();
        }
    });
}

pub(super) fn cancelled_for_refunded(result: &mut Object, _: &Scene) {
    change(result, &["payment", "bolt11", "state"], |state| {
        if state == "REFUNDED" {
            *state = "CANCELLED".into();
        }
    });
}

pub(super) fn channel_stays_null(result: &mut Object, _: &Scene) {
    result.insert("channel".to_owned(), Value::Null);
}

/// A lease that is over when it starts.
pub(super) fn lease_ends_at_once(result: &mut Object, _: &Scene) {
    change(result, &["channel"], |channel| {
        if let Some(funded_at) = channel.get("funded_at").cloned() {
            channel["expires_at"] = funded_at;
        }
    });
}

pub(super) fn outpoint_with_dash(result: &mut Object, _: &Scene) {
    change(result, &["channel", "funding_outpoint"], |outpoint| {
        if let Some(text) = outpoint.as_str() {
            *outpoint = text.replace(':', "-").into();
        }
    });
}

/// The bytes of the transaction id in the order in which they are hashed, not in which they are shown.
pub(super) fn txid_reversed(result: &mut Object, _: &Scene) {
    change(result, &["channel", "funding_outpoint"], |outpoint| {
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

pub(super) fn data_as_string(error: &mut Object) {
    let text = error.get("data").and_then(|data| data.get("message")).and_then(Value::as_str);
    let text = text.unwrap_or("see the documentation").to_owned();
    error.insert("data".to_owned(), text.into());
}

pub(super) fn code_as_string(error: &mut Object) {
    change(error, &["code"], |code| *code = code.to_string().into());
}

pub(super) fn message_missing(error: &mut Object) {
    error.shift_remove("message");
}

pub(super) fn old_option_code(error: &mut Object) {
    replace_code(error, 100, 1000);
}

pub(super) fn old_not_found_code(error: &mut Object) {
    replace_code(error, 101, 404);
}

pub(super) fn null_data_on_not_found(error: &mut Object) {
    if error.get("code") == Some(&json!(101)) {
        error.insert("data".to_owned(), Value::Null);
    }
}

pub(super) fn unrecognized_missing(error: &mut Object) {
    if let Some(Value::Object(data)) = error.get_mut("data") {
        data.shift_remove("unrecognized");
    }
}

/// The name of the parameter where error 100 wants that of the option.
pub(super) fn property_is_request_field(error: &mut Object) {
    if error.get("code") != Some(&json!(100)) {
        return;
    }
    change(error, &["data", "property"], |property| {
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

pub(super) fn version_as_number(response: &mut Object, _: &Scene) {
    response.insert("jsonrpc".to_owned(), json!(2.0));
}

pub(super) fn error_beside_result(response: &mut Object, _: &Scene) {
    if response.contains_key("result") {
        response.insert("error".to_owned(), Value::Null);
    }
}

pub(super) fn method_in_response(response: &mut Object, _: &Scene) {
    response.insert("method".to_owned(), "lsps1.reply".into());
}

pub(super) fn another_id(response: &mut Object, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        response.insert("id".to_owned(), format!("reply-{}", scene.serial).into());
    }
}

pub(super) fn id_cut(response: &mut Object, _: &Scene) {
    change(response, &["id"], |id| {
        if let Some(text) = id.as_str() {
            *id = text.chars().take(64).collect::<String>().into();
        }
    });
}

pub(super) fn numeric_id_as_string(response: &mut Object, _: &Scene) {
    change(response, &["id"], |id| {
        if id.is_number() {
            *id = id.to_string().into();
        }
    });
}

/// Escapes the first digit of every amount, which needs none.
pub(super) fn needless_escapes(payload: &mut Vec<u8>, _: &Scene) {
    const KEY_END: &[u8] = b"_sat\":\"";
    let mut escaped = Vec::with_capacity(payload.len());
    for &byte in payload.iter() {
        if byte.is_ascii_digit() && escaped.ends_with(KEY_END) {
            escaped.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            escaped.push(byte);
        }
    }
    *payload = escaped;
}

pub(super) fn trailing_garbage(payload: &mut Vec<u8>, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        payload.extend_from_slice(b"\nOK");
    }
}

pub(super) fn zero_byte_at_end(payload: &mut Vec<u8>, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        payload.push(0);
    }
}

/// Two bytes of length in front, as in early implementations.
pub(super) fn length_in_front(payload: &mut Vec<u8>, scene: &Scene) {
    if scene.method == Some(Method::GetOrder) {
        let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
        payload.splice(0..0, length.to_be_bytes());
    }
}

/// Changes the member at a path, if it is there.
fn change(object: &mut Object, path: &[&str], change: impl FnOnce(&mut Value)) {
    let Some((first, rest)) = path.split_first() else { return };
    let mut value = object.get_mut(*first);
    for name in rest {
        value = value.and_then(|value| value.get_mut(*name));
    }
    if let Some(value) = value {
        change(value);
    }
}

fn replace_code(error: &mut Object, from: i64, to: i64) {
    if error.get("code") == Some(&json!(from)) {
        error.insert("code".to_owned(), to.into());
    }
}

fn to_number(value: &mut Value) {
    if let Some(number) = sat(value) {
        *value = number.into();
    }
}

fn sat(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(method: Method) -> Scene {
        Scene { method: Some(method), now: jiff::Timestamp::UNIX_EPOCH, serial: 1 }
    }

    #[test]
    fn escapes_change_the_bytes_and_not_the_value() {
        let before = br#"{"fee_total_sat":"123","order_id":"1","x_sat":"0"}"#.to_vec();
        let mut after = before.clone();
        needless_escapes(&mut after, &scene(Method::GetOrder));
        assert_eq!(after, br#"{"fee_total_sat":"\u003123","order_id":"1","x_sat":"\u0030"}"#);
        let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        assert_eq!(parse(&before), parse(&after));
    }

    #[test]
    fn a_reversed_txid_keeps_its_bytes() {
        let mut order =
            json!({"channel": {"funding_outpoint": "0102ff:1"}}).as_object().unwrap().clone();
        txid_reversed(&mut order, &scene(Method::GetOrder));
        assert_eq!(order["channel"]["funding_outpoint"], "ff0201:1");
    }
}
