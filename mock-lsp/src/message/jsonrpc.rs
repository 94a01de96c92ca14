//! JSON-RPC 2.0 as bLIP-50 narrows it ("Message Payload Format").

use serde_json::{Value, json};

use super::{Object, RpcError};

/// The largest magnitude at which a number with a fraction or an exponent still names a single integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A request, or a notification, which is a request without id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// The id, to be echoed; `None` for a notification.
    pub(crate) id: Option<Value>,
    /// The method's name.
    pub(crate) method: String,
    /// The parameters.
    pub(crate) params: RequestParams,
}

/// The parameters of a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RequestParams {
    /// By name, or left out, which is the same as none.
    ByName(Object),
    /// By position.
    ByPosition,
}

/// A payload that is bad format. It is answered with -32700.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadFormat {
    /// What is wrong, for the log.
    pub(crate) reason: &'static str,
    /// The id, where there was one to be read. The answer's id is null all the same.
    pub(crate) readable_id: Option<Value>,
}

/// How payloads are read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Framing {
    /// Replaces malformed UTF-8 instead of refusing it.
    pub(crate) takes_bad_utf8: bool,
    /// Drops zero bytes at the end instead of refusing them.
    pub(crate) takes_zero_bytes: bool,
    /// Reads the first object and drops what follows it.
    pub(crate) takes_trailing_bytes: bool,
    /// Does without `"jsonrpc":"2.0"`.
    pub(crate) takes_any_version: bool,
}

/// Reads a payload: exactly one JSON object in UTF-8 that is a JSON-RPC 2.0 request.
pub(crate) fn read(payload: &[u8], framing: Framing) -> Result<Request, BadFormat> {
    let bad = |reason| BadFormat { reason, readable_id: None };
    let mut payload = payload;
    if framing.takes_zero_bytes {
        while let [start @ .., 0] = payload {
            payload = start;
        }
    }
    if payload.contains(&0) {
        return Err(bad("it contains a zero byte"));
    }
    let text = match std::str::from_utf8(payload) {
        Ok(text) => text.into(),
        Err(_) if framing.takes_bad_utf8 => String::from_utf8_lossy(payload),
        Err(_) => return Err(bad("it isn't UTF-8")),
    };
    let value = if framing.takes_trailing_bytes {
        serde_json::Deserializer::from_str(&text).into_iter().next().and_then(Result::ok)
    } else {
        // Accepts the four white-space characters of JSON around the value, and nothing else.
        serde_json::from_str(&text).ok()
    };
    match value {
        None => Err(bad("it isn't one complete JSON value")),
        Some(Value::Object(object)) => read_object(object, framing),
        Some(_) => Err(bad("it isn't an object")),
    }
}

fn read_object(mut object: Object, framing: Framing) -> Result<Request, BadFormat> {
    let id = object.remove("id");
    let readable_id = id.clone();
    let bad = move |reason| BadFormat { reason, readable_id };
    if object.get("jsonrpc") != Some(&json!("2.0")) && !framing.takes_any_version {
        return Err(bad("jsonrpc isn't the string 2.0"));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err(bad("method isn't a string"));
    };
    match &id {
        None | Some(Value::Null | Value::String(_)) => {}
        Some(Value::Number(number)) => {
            // An integer beyond 64 bits was rounded when it was read, so it couldn't be echoed.
            if number.as_f64().is_none_or(|float| number.is_f64() && float.abs() >= EXACT) {
                return Err(bad("id is a number that can't be echoed exactly"));
            }
        }
        Some(_) => return Err(bad("id is neither a string nor a number nor null")),
    }
    let params = match object.remove("params") {
        None => RequestParams::ByName(Object::new()),
        Some(Value::Object(params)) => RequestParams::ByName(params),
        Some(Value::Array(_)) => RequestParams::ByPosition,
        Some(_) => return Err(bad("params is neither an object nor an array")),
    };
    Ok(Request { id, method, params })
}

/// A response with the given id.
pub(crate) fn write(id: Value, outcome: Result<Object, RpcError>) -> Object {
    let mut response = Object::new();
    response.insert("jsonrpc".to_owned(), "2.0".into());
    response.insert("id".to_owned(), id);
    match outcome {
        Ok(result) => response.insert("result".to_owned(), result.into()),
        Err(error) => response.insert("error".to_owned(), error.into_object().into()),
    };
    response
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = r#"{"jsonrpc":"2.0","id":"a","method":"lsps0.list_protocols","params":{}}"#;

    fn read_text(text: &str) -> Result<Request, BadFormat> {
        read(text.as_bytes(), Framing::default())
    }

    #[test]
    fn white_space_and_member_order_do_not_matter() {
        let expected = read_text(LIST);
        assert!(expected.is_ok());
        assert_eq!(read_text(&format!(" \t\r\n{LIST}\n\t \r")), expected);
        assert_eq!(
            read_text(r#"{"params":{},"id":"a","method":"lsps0.list_protocols","jsonrpc":"2.0"}"#),
            expected
        );
        assert_eq!(
            read_text(r#"{"id":"a","method":"lsps0.list_protocols","jsonrpc":"2.0"}"#),
            expected
        );
    }

    #[test]
    fn what_is_not_one_request_object_is_bad_format() {
        let texts = [
            String::new(),
            "   ".to_owned(),
            "{".to_owned(),
            r#"{"jsonrpc":"2.0","id":"a","#.to_owned(),
            "hello".to_owned(),
            " [ ] ".to_owned(),
            "null".to_owned(),
            "7".to_owned(),
            "{ } {".to_owned(),
            "{ } { }".to_owned(),
            "{}".to_owned(),
            format!("[{LIST}]"),
            format!("{LIST} {LIST}"),
            format!("{LIST}x"),
            format!("{LIST},"),
            format!("{LIST}\u{c}"),
            format!("{LIST}\u{b}"),
            format!("{LIST}\u{a0}"),
            format!("\u{feff}{LIST}"),
            format!("{LIST}\0"),
            LIST.replace("\"a\"", "\"a\0\""),
            LIST.replace(r#""jsonrpc":"2.0","#, ""),
            LIST.replace(r#""2.0""#, "2.0"),
            LIST.replace("2.0", "1.0"),
            LIST.replace(r#""lsps0.list_protocols""#, "7"),
            LIST.replace("{}", r#""x""#),
            LIST.replace("{}", "null"),
            LIST.replace(r#""a""#, "true"),
            LIST.replace(r#""a""#, "{}"),
            LIST.replace(r#""a""#, "[1]"),
            LIST.replace(r#""a""#, "18446744073709551616"),
            r#"{"jsonrpc":"2.0","id":"a","result":{}}"#.to_owned(),
            format!("{}{}", "[".repeat(60_000), "]".repeat(5_000)),
        ];
        for text in texts {
            assert!(read_text(&text).is_err(), "{text:?}");
        }
        for bytes in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80"] {
            let payload = LIST.replace("\"a\"", "\"?\"").into_bytes();
            let at = payload.iter().position(|byte| *byte == b'?').unwrap();
            let payload = [&payload[..at], bytes, &payload[at + 1..]].concat();
            assert!(read(&payload, Framing::default()).is_err());
        }
        let utf16: Vec<u8> = LIST.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(read(&utf16, Framing::default()).is_err());
    }

    #[test]
    fn ids_keep_their_type_and_value() {
        for id in [
            json!("ünïcødé-✓"),
            json!("a\"b\\c\0"),
            json!(42),
            json!(-1),
            json!(1.5),
            json!(u64::MAX),
            Value::Null,
        ] {
            let request = json!({"jsonrpc": "2.0", "id": id, "method": "x"});
            let read = read_text(&request.to_string()).unwrap();
            assert_eq!(read.id, Some(id.clone()));
            assert_eq!(write(id.clone(), Ok(Object::new()))["id"], id);
        }
        assert_eq!(read_text(r#"{"jsonrpc":"2.0","method":"x"}"#).unwrap().id, None);
    }

    #[test]
    fn a_readable_id_is_noted_for_the_log() {
        assert_eq!(
            read_text(r#"{"id":"a","method":"x"}"#).unwrap_err().readable_id,
            Some(json!("a"))
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(payload in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&payload, Framing::default());
            let _ = read(&payload, Framing { takes_bad_utf8: true, takes_zero_bytes: true, takes_trailing_bytes: true, takes_any_version: true });
        }

        #[test]
        fn a_damaged_request_is_read_or_refused(at in 0..LIST.len(), byte in any::<u8>(), cut in 0..LIST.len()) {
            let mut payload = LIST.as_bytes().to_vec();
            payload[at] = byte;
            let _ = read(&payload, Framing::default());
            prop_assert!(read(&LIST.as_bytes()[..cut], Framing::default()).is_err());
        }

        #[test]
        fn responses_are_one_object_without_needless_escapes(id in "[^\\p{C}\\\\]{0,40}") {
            let text = Value::from(write(json!(id), Err(RpcError::order_not_found()))).to_string();
            prop_assert!(!text.contains("\\u") && !text.contains("\\/"), "{}", text);
            let back: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&back["id"], &json!(id));
        }
    }
}
