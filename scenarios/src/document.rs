//! The document of a step: one JSON value that says what came back, whatever the transport.
//!
//! `reply` is `result`, `error`, `silence`, `closed` (without a reply) or `garbage` (something that is no reply to the
//! request). `result` and `error` are there if the target sent them. `envelope` (p2p) is the whole reply, `http` (rest)
//! has `status`, `content_type` and `headers` (names in lower case), `raw` is the reply as text, `count` the number of
//! replies to the request, `stray` the number of other messages and `stray_ids` their ids, `request` what was sent, `closed` whether the target closed the connection, `at_ms` when the
//! reply came. Of a target that speaks another dialect it is a translation, and `original` is what it was before.

use serde_json::{Map, Value, json};

use crate::action::{End, Frame};

/// The member that has the document as it was before it was translated.
const ORIGINAL: &str = "original";

/// The member that has the document as requests are made from it.
const AS_INFO: &str = "as_info";

/// Longest text in `raw`, in characters.
const RAW_LIMIT: usize = 65_536;

/// A payload that came over a connection.
#[derive(Debug)]
pub(crate) struct Reply<'a> {
    pub(crate) frame: &'a Frame,
    /// The payload as JSON, if it is valid UTF-8 and exactly one JSON value.
    pub(crate) value: Option<Value>,
}

impl<'a> Reply<'a> {
    pub(crate) fn read(frame: &'a Frame) -> Self {
        Self { frame, value: serde_json::from_slice(&frame.bytes).ok() }
    }

    /// The id, JSON null if there is none.
    pub(crate) fn id(&self) -> &Value {
        self.value.as_ref().and_then(|value| value.get("id")).unwrap_or(&Value::Null)
    }

    /// Whether it is no reply at all, but something that the target says by itself.
    fn is_notification(&self) -> bool {
        let object = self.value.as_ref().and_then(Value::as_object);
        object.is_some_and(|object| object.contains_key("method") && !object.contains_key("id"))
    }

    /// Whether it is the reply to a request with this id, or can be one: who can't read a request answers with id null.
    fn answers(&self, id: &Value) -> bool {
        self.id() == id
    }
}

/// The document of one request over a connection, of all that came in its exchange.
pub(crate) fn of_frames(request: &Value, id: &Value, replies: &[Reply<'_>], end: End) -> Value {
    let candidates: Vec<&Reply<'_>> =
        replies.iter().filter(|reply| !reply.is_notification()).collect();
    let with_id: Vec<&Reply<'_>> = candidates
        .iter()
        .copied()
        .filter(|reply| reply.value.is_some() && reply.answers(id))
        .collect();
    let with_null: Vec<&Reply<'_>> = candidates
        .iter()
        .copied()
        .filter(|reply| reply.value.as_ref().is_some_and(Value::is_object) && reply.id().is_null())
        .collect();
    // A reply that names the request comes first, then one that couldn't, then anything.
    let (chosen, count) = match (with_id.as_slice(), with_null.as_slice(), candidates.as_slice()) {
        ([first, ..], _, _) => (Some(*first), with_id.len()),
        ([], [first, ..], _) => (Some(*first), with_null.len()),
        ([], [], [first, ..]) => (Some(*first), candidates.len()),
        ([], [], []) => (None, 0),
    };
    let mut document = Map::new();
    document.insert("count".into(), json!(count));
    document.insert("stray".into(), json!(replies.len() - count));
    let stray_ids: Vec<&Value> =
        replies.iter().map(Reply::id).filter(|other| *other != id && !other.is_null()).collect();
    document.insert("stray_ids".into(), json!(stray_ids));
    document.insert("closed".into(), json!(end == End::Closed));
    document.insert("request".into(), request.clone());
    let Some(reply) = chosen else {
        let kind = if end == End::Closed { "closed" } else { "silence" };
        document.insert("reply".into(), json!(kind));
        return Value::Object(document);
    };
    document.insert("raw".into(), json!(lossy(&reply.frame.bytes)));
    document.insert("at_ms".into(), json!(reply.frame.at_ms));
    let named = !with_id.is_empty() || !with_null.is_empty();
    let kind = match &reply.value {
        Some(Value::Object(envelope)) if named && envelope.contains_key("error") => "error",
        Some(Value::Object(envelope)) if named && envelope.contains_key("result") => "result",
        _ => "garbage",
    };
    document.insert("reply".into(), json!(kind));
    if let Some(envelope) = &reply.value {
        if named {
            for member in ["result", "error"] {
                if let Some(value) = envelope.get(member) {
                    document.insert(member.into(), value.clone());
                }
            }
        }
        document.insert("envelope".into(), envelope.clone());
    }
    Value::Object(document)
}

/// The document of several requests that were sent at once: `replies` has one document each, in the order of sending.
pub(crate) fn of_pipeline(requests: &[(Value, Value)], replies: &[Reply<'_>], end: End) -> Value {
    let documents: Vec<Value> = requests
        .iter()
        .map(|(request, id)| {
            // Replies to the other requests are not stray here.
            let own: Vec<Reply<'_>> = replies
                .iter()
                .filter(|reply| reply.answers(id))
                .map(|reply| Reply { frame: reply.frame, value: reply.value.clone() })
                .collect();
            of_frames(request, id, &own, end)
        })
        .collect();
    let kind = |wanted: &str| documents.iter().any(|document| document["reply"] == wanted);
    let worst = ["closed", "silence", "garbage", "error"].into_iter().find(|wanted| kind(wanted));
    json!({
        "reply": worst.unwrap_or("result"),
        "count": replies.len(),
        "closed": end == End::Closed,
        "replies": documents,
    })
}

/// The document of an HTTP response.
pub(crate) fn of_http(
    request: &Value,
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    at_ms: u64,
) -> Value {
    let mut named = Map::new();
    for (name, value) in headers {
        named.insert(name.to_ascii_lowercase(), json!(value));
    }
    let content_type = named.get("content-type").cloned().unwrap_or(Value::Null);
    let mut document = Map::new();
    document.insert("count".into(), json!(1));
    document.insert("closed".into(), json!(false));
    document.insert("request".into(), request.clone());
    document.insert(
        "http".into(),
        json!({"status": status, "content_type": content_type, "headers": named}),
    );
    document.insert("raw".into(), json!(lossy(body)));
    document.insert("at_ms".into(), json!(at_ms));
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let error = value.as_ref().and_then(rest_error).cloned();
    let success = (200..300).contains(&status);
    let kind = match (value, error) {
        (Some(body), None) if success => {
            document.insert("result".into(), body);
            "result"
        }
        (None, _) if success => "garbage",
        // Errors have no documented form on REST: an object is taken for a JSON-RPC error, anything else is one, too.
        (_, Some(error @ Value::Object(_))) => {
            document.insert("error".into(), error);
            "error"
        }
        _ => {
            document.insert("error".into(), json!({}));
            "error"
        }
    };
    document.insert("reply".into(), json!(kind));
    Value::Object(document)
}

/// The error in a body of the REST face. Some targets write `"error": null` where there is none.
pub(crate) fn rest_error(body: &Value) -> Option<&Value> {
    body.get("error").filter(|error| !error.is_null())
}

/// Why an HTTP response says nothing about the request: the target had no time for it.
pub(crate) fn too_busy(status: u16) -> Option<&'static str> {
    match status {
        429 => Some("the target limits its rate (HTTP 429)"),
        503 => Some("the target is not available (HTTP 503)"),
        _ => None,
    }
}

/// Why the answer to a create_order says nothing about the order, if so: an LSP is free to turn a client away (L0-166).
pub(crate) fn rejects_client(document: &Value, method: &str) -> Option<&'static str> {
    (method == "lsps1.create_order" && document.pointer("/error/code") == Some(&json!(1)))
        .then_some("the LSP rejected the client (error 1)")
}

/// Why the answer to a method that has no errors of its own says nothing about the request, if so: anything can fail
/// (L0-073).
pub(crate) fn has_failed(document: &Value, method: &str) -> Option<&'static str> {
    let code = document.pointer("/error/code").and_then(Value::as_i64);
    let has_no_errors = matches!(method, "lsps0.list_protocols" | "lsps1.get_info");
    (has_no_errors && matches!(code, Some(-32603 | -32099..=-32000)))
        .then_some("the LSP says that something has failed on its side (an internal error)")
}

/// The document of an HTTP request that got no response.
pub(crate) fn of_http_failure(request: &Value, reason: &str, timed_out: bool) -> Value {
    let kind = if timed_out { "silence" } else { "closed" };
    json!({"reply": kind, "count": 0, "closed": !timed_out, "request": request, "failure": reason})
}

/// The document of messages that can be read in another way, for what is made of them: `as_info` is how get_info is read.
pub(crate) fn with_reading(mut document: Value, reading: Value) -> Value {
    if let Some(document) = document.as_object_mut() {
        document.insert(AS_INFO.into(), reading);
    }
    document
}

/// The document that requests are made from.
pub(crate) fn as_info(document: &Value) -> &Value {
    document.get(AS_INFO).unwrap_or(document)
}

/// The document of messages that were translated from another dialect; `original` is what it was before.
pub(crate) fn translated(mut translated: Value, original: Value) -> Value {
    if let Some(document) = translated.as_object_mut() {
        // Bytes can't be translated.
        if let Some(raw) = original.get("raw") {
            document.insert("raw".into(), raw.clone());
        }
        document.insert(ORIGINAL.into(), original);
    }
    translated
}

/// The untranslated document, if it is different.
pub(crate) fn original(document: &Value) -> Option<&Value> {
    document.get(ORIGINAL)
}

/// What came back, in a few words.
pub(crate) fn summary(document: &Value) -> String {
    match document.get("reply").and_then(Value::as_str) {
        Some("silence") => "there was no reply".into(),
        Some("closed") => match document.get("failure").and_then(Value::as_str) {
            Some(reason) => format!("there was no response: {reason}"),
            None => "the target closed the connection without a reply".into(),
        },
        Some("garbage") => {
            let raw = document.get("raw").and_then(Value::as_str).unwrap_or_default();
            format!("what came is no reply to the request: {}", crate::json::shorten(&json!(raw)))
        }
        Some("error") => {
            let error = document.get("error").map(crate::json::shorten).unwrap_or_default();
            match document.pointer("/http/status") {
                Some(status) => format!("the reply was HTTP status {status}, error {error}"),
                None => format!("the reply was error {error}"),
            }
        }
        _ => {
            let result = document.get("result").map(crate::json::shorten).unwrap_or_default();
            format!("the reply was result {result}")
        }
    }
}

fn lossy(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * RAW_LIMIT)]);
    text.chars().take(RAW_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&str]) -> Vec<Frame> {
        texts.iter().map(|text| Frame { bytes: text.as_bytes().to_vec(), at_ms: 1 }).collect()
    }

    fn document(texts: &[&str], end: End) -> Value {
        let frames = frames(texts);
        let replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
        of_frames(&json!({}), &json!("a"), &replies, end)
    }

    #[test]
    fn replies_over_a_connection() {
        let good = document(&[r#"{"jsonrpc":"2.0","id":"a","result":{"x":1}}"#], End::Complete);
        assert_eq!(
            (&good["reply"], &good["result"]["x"], &good["count"]),
            (&json!("result"), &json!(1), &json!(1))
        );
        let null = document(&[r#"{"id":null,"error":{"code":-32700}}"#], End::Complete);
        assert_eq!((&null["reply"], &null["error"]["code"]), (&json!("error"), &json!(-32700)));
        assert_eq!(document(&[], End::TimedOut)["reply"], "silence");
        assert_eq!(document(&[], End::Closed)["reply"], "closed");
        assert_eq!(document(&["<html>"], End::TimedOut)["reply"], "garbage");
        let wrong = document(&[r#"{"id":"b","result":{}}"#], End::TimedOut);
        assert_eq!((&wrong["reply"], wrong.get("result")), (&json!("garbage"), None));
        let twice =
            document(&[r#"{"id":"a","result":{}}"#, r#"{"id":"a","result":{}}"#], End::Complete);
        assert_eq!(twice["count"], 2);
        let other =
            document(&[r#"{"id":"b","result":{}}"#, r#"{"id":"a","result":{}}"#], End::Complete);
        assert_eq!((&other["reply"], &other["stray"]), (&json!("result"), &json!(1)));
        assert_eq!(document(&["[]", "7", "null"], End::TimedOut)["reply"], "garbage");
    }

    #[test]
    fn what_a_target_says_by_itself_is_no_reply() {
        let news = r#"{"jsonrpc":"2.0","method":"news","params":{}}"#;
        let error = r#"{"id":null,"error":{"code":-32700}}"#;
        let both = document(&[news, error], End::Complete);
        assert_eq!((&both["reply"], &both["stray"]), (&json!("error"), &json!(1)));
        let alone = document(&[news], End::TimedOut);
        assert_eq!((&alone["reply"], &alone["count"]), (&json!("silence"), &json!(0)));
    }

    #[test]
    fn replies_over_http() {
        let of = |status, body: &str| {
            of_http(
                &json!({}),
                status,
                &[("Content-Type".into(), "a/b".into())],
                body.as_bytes(),
                7,
            )
        };
        assert_eq!(of(200, r#"{"x":1}"#)["result"]["x"], 1);
        assert_eq!(of(200, r#"{"x":1}"#)["http"]["content_type"], "a/b");
        assert_eq!(of(200, "null")["reply"], "result");
        assert_eq!(of(200, "<html>")["reply"], "garbage");
        assert_eq!(of(404, "<html>")["error"], json!({}));
        assert_eq!(of(400, r#"{"error":{"code":100}}"#)["error"]["code"], 100);
        assert_eq!(of(200, r#"{"error":{"code":100}}"#)["reply"], "error");
        assert_eq!(of(200, r#"{"error":null,"x":1}"#)["reply"], "result");
        assert_eq!(of(400, r#"{"error":null}"#)["reply"], "error");
        assert_eq!(of(400, r#"{"error":"text"}"#)["error"], json!({}));
        assert_eq!(of_http_failure(&json!({}), "refused", false)["reply"], "closed");
    }
}
