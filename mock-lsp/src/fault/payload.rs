//! What faults do to the bytes of payloads, on their way in and out.

use serde_json::{Value, json};

use crate::message::{Object, RpcError};

pub(super) fn strip_byte_order_mark(payload: &mut Vec<u8>) {
    if let Some(rest) = payload.strip_prefix(b"\xef\xbb\xbf") {
        *payload = rest.to_vec();
    }
}

pub(super) fn decode_utf16(payload: &mut Vec<u8>) {
    if payload.get(1) == Some(&0) {
        let units = payload.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let text: String = char::decode_utf16(units).filter_map(Result::ok).collect();
        *payload = text.into_bytes();
    }
}

/// Drops white space that JSON doesn't know.
pub(super) fn trim_any_space(payload: &mut Vec<u8>) {
    if let Ok(text) = std::str::from_utf8(payload) {
        let odd = |c: char| c.is_whitespace() && !" \t\r\n".contains(c);
        *payload = text.trim_matches(odd).as_bytes().to_vec();
    }
}

/// Takes a batch for its first request.
pub(super) fn first_of_batch(payload: &mut Vec<u8>) {
    if let Ok(Value::Array(batch)) = serde_json::from_slice(payload)
        && let Some(first) = batch.first().filter(|first| first.is_object())
    {
        *payload = first.to_string().into_bytes();
    }
}

/// Takes a request without a method for `lsps0.list_protocols`.
pub(super) fn default_method(payload: &mut Vec<u8>) {
    edit_object(payload, |request| {
        let is_request = !request.contains_key("result") && !request.contains_key("error");
        if is_request && !request.get("method").is_some_and(Value::is_string) {
            request.insert("method".to_owned(), "lsps0.list_protocols".into());
        }
    });
}

/// Drops params that are neither object nor array.
pub(super) fn drop_scalar_params(payload: &mut Vec<u8>) {
    edit_object(payload, |request| {
        if request.get("params").is_some_and(|params| !params.is_object() && !params.is_array()) {
            request.shift_remove("params");
        }
    });
}

/// Turns an id that is no id into text.
pub(super) fn stringify_id(payload: &mut Vec<u8>) {
    edit_object(payload, |request| {
        if let Some(id) = request.get_mut("id")
            && (id.is_boolean() || id.is_object() || id.is_array())
        {
            *id = id.to_string().into();
        }
    });
}

fn edit_object(payload: &mut Vec<u8>, edit: impl FnOnce(&mut Object)) {
    if let Ok(mut object) = serde_json::from_slice::<Object>(payload) {
        let before = object.clone();
        edit(&mut object);
        // What isn't changed keeps its bytes.
        if object != before {
            *payload = Value::from(object).to_string().into_bytes();
        }
    }
}

pub(super) fn is_blank(payload: &[u8]) -> bool {
    payload.iter().all(u8::is_ascii_whitespace)
}

pub(super) fn is_incomplete(payload: &[u8]) -> bool {
    !is_blank(payload)
        && serde_json::from_slice::<Value>(payload).is_err_and(|error| error.is_eof())
}

/// Whether a letter is written as an escape.
pub(super) fn has_escaped_letter(payload: &[u8]) -> bool {
    payload.windows(5).any(|bytes| bytes == b"\\u006")
}

pub(super) fn reject_non_object(payload: &[u8]) -> Option<RpcError> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    (!value.is_object()).then(|| RpcError::of_code(-32600, "invalid request"))
}

pub(super) fn reject_response(payload: &[u8]) -> Option<RpcError> {
    let object: Object = serde_json::from_slice(payload).ok()?;
    object.contains_key("result").then(RpcError::method_not_found)
}

pub(super) fn reject_space_around(payload: &[u8]) -> Option<RpcError> {
    let ends = [payload.first(), payload.last()];
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    ends.into_iter().flatten().any(is_space).then(RpcError::parse_error)
}

pub(super) fn reject_long(payload: &[u8]) -> Option<RpcError> {
    (payload.len() > 32 * 1024).then(RpcError::parse_error)
}

/// Wants `jsonrpc` to be the first member.
pub(super) fn reject_other_order(payload: &[u8]) -> Option<RpcError> {
    let object: Object = serde_json::from_slice(payload).ok()?;
    let first = object.keys().next()?;
    (object.contains_key("jsonrpc") && first != "jsonrpc").then(RpcError::parse_error)
}

/// Wants params where there are none to give.
pub(super) fn reject_without_params(payload: &[u8]) -> Option<RpcError> {
    let object: Object = serde_json::from_slice(payload).ok()?;
    let needs_none = matches!(
        object.get("method").and_then(Value::as_str),
        Some("lsps0.list_protocols" | "lsps1.get_info")
    );
    (needs_none && !object.contains_key("params")).then(RpcError::parse_error)
}

/// Wants create_order to have params to be a request at all.
pub(super) fn reject_bare_order(payload: &[u8]) -> Option<RpcError> {
    let object: Object = serde_json::from_slice(payload).ok()?;
    let is_order = object.get("method") == Some(&json!("lsps1.create_order"));
    let is_bare = object.get("params").is_none_or(|params| *params == json!({}));
    (is_order && is_bare).then(RpcError::parse_error)
}

/// Escapes the first digit of every amount, which needs none.
pub(super) fn needless_escapes(payload: &mut Vec<u8>) {
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

/// Adds a member whose text isn't UTF-8.
pub(super) fn add_latin_1(payload: &mut Vec<u8>) {
    if payload.pop().is_some() {
        payload.extend_from_slice(b",\"by\":\"caf\xe9\"}");
    }
}

pub(super) fn zero_after_bad_token(payload: &mut Vec<u8>) {
    if is_bad_token(payload) {
        payload.push(0);
    }
}

pub(super) fn latin_1_in_bad_token(payload: &mut Vec<u8>) {
    if is_bad_token(payload) {
        add_latin_1(payload);
    }
}

fn is_bad_token(payload: &[u8]) -> bool {
    let response: Value = serde_json::from_slice(payload).unwrap_or_default();
    response.pointer("/error/code") == Some(&json!(102))
}

/// Two bytes of length in front, as in early implementations.
pub(super) fn length_in_front(payload: &mut Vec<u8>) {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    payload.splice(0..0, length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(rewrite: fn(&mut Vec<u8>), payload: &[u8]) -> Vec<u8> {
        let mut payload = payload.to_vec();
        rewrite(&mut payload);
        payload
    }

    #[test]
    fn escapes_change_the_bytes_and_not_the_value() {
        let before = br#"{"fee_total_sat":"123","order_id":"1","x_sat":"0"}"#;
        let after = rewritten(needless_escapes, before);
        assert_eq!(after, br#"{"fee_total_sat":"\u003123","order_id":"1","x_sat":"\u0030"}"#);
        let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
        assert_eq!(parse(before), parse(&after));
    }

    #[test]
    fn what_comes_in_is_taken_for_something_readable() {
        let utf16: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (rewrite, before, after) in [
            (strip_byte_order_mark as fn(&mut Vec<u8>), b"\xef\xbb\xbf{}".as_slice(), "{}"),
            (decode_utf16, &utf16, "{}"),
            (trim_any_space, b"{}\x0b", "{}"),
            (first_of_batch, b"[{\"a\":1},{}]", "{\"a\":1}"),
            (default_method, b"{}", "{\"method\":\"lsps0.list_protocols\"}"),
            (drop_scalar_params, b"{\"params\":7}", "{}"),
            (stringify_id, b"{\"id\":true}", "{\"id\":\"true\"}"),
        ] {
            assert_eq!(rewritten(rewrite, before), after.as_bytes());
        }
        for rewrite in [strip_byte_order_mark, decode_utf16, trim_any_space, first_of_batch] {
            assert_eq!(rewritten(rewrite, b" {\"id\": 1} "), b" {\"id\": 1} ");
        }
    }

    #[test]
    fn an_ordinary_request_is_neither_dropped_nor_rejected() {
        let request = br#"{"jsonrpc":"2.0","id":"a","method":"lsps1.get_info","params":{}}"#;
        assert!(![is_blank, is_incomplete, has_escaped_letter].iter().any(|drops| drops(request)));
        for reject in [
            reject_non_object,
            reject_response,
            reject_space_around,
            reject_long,
            reject_other_order,
            reject_without_params,
            reject_bare_order,
        ] {
            assert_eq!(reject(request), None);
        }
    }
}
