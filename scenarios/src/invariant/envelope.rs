//! JSON-RPC envelope and framing (bLIP-50): L0-002, L0-004, L0-041 to L0-043, L0-047, L0-048, L0-050, L0-052, L0-053, L0-063.

use serde_json::Value;

use super::collect::Collector;
use super::view::{Reply, View};
use crate::action::Transport;
use crate::json::shorten;
use crate::verdict::Judgement;

/// A BOLT 8 message has 65,535 bytes at most, two of them the type.
const MOST_BYTES: usize = 65_533;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    let over_p2p = || view.replies.iter().filter(|reply| reply.transport == Transport::P2p);
    for reply in over_p2p() {
        judge_payload(reply, collector);
        let Some(object) = reply.object() else { continue };
        if object.contains_key("method") && !object.contains_key("id") {
            judge_notification(reply, object, collector);
            continue;
        }
        collector.require(
            "L0-047",
            reply,
            object.get("jsonrpc").is_some_and(|version| version == "2.0"),
            || format!("`jsonrpc` is {} instead of \"2.0\"", shown(object.get("jsonrpc"))),
        );
        let superfluous: Vec<&str> =
            ["method", "params"].into_iter().filter(|name| object.contains_key(*name)).collect();
        collector.require("L0-053", reply, superfluous.is_empty(), || {
            format!("the response has {}", superfluous.join(" and "))
        });
        match (object.get("result"), object.get("error")) {
            (Some(_), None) | (None, Some(_)) => collector.check("L0-050", reply, Ok(())),
            (Some(_), Some(error)) => collector.check(
                "L0-050",
                reply,
                Err(format!("the response has `result` and `error` ({})", shorten(error))),
            ),
            (None, None) => {
                collector.check(
                    "L0-050",
                    reply,
                    Err("the response has neither `result` nor `error`".into()),
                );
            }
        }
        if let Some(result) = object.get("result")
            && object.get("error").is_none_or(Value::is_null)
        {
            collector.require("L0-063", reply, result.is_object(), || {
                format!("`result` is {} instead of an object", shorten(result))
            });
        }
        judge_id(reply, object.get("id"), collector);
    }
    judge_number(over_p2p(), collector);
}

/// One complete UTF-8 JSON object, and nothing around it.
fn judge_payload(reply: &Reply<'_>, collector: &mut Collector<'_>) {
    let is_object = reply.object().is_some();
    collector.require("L0-041", reply, is_object, || match std::str::from_utf8(reply.bytes) {
        Err(error) => format!("the payload isn't UTF-8: {error}"),
        Ok(_) if reply.value.is_some() => "the payload is JSON, but no object".into(),
        Ok(_) => "the payload isn't one complete JSON object".into(),
    });
    collector.require("L0-004", reply, reply.bytes.len() <= MOST_BYTES, || {
        format!("the payload has {} bytes", reply.bytes.len())
    });
    if is_object {
        collector.check("L0-002", reply, Ok(()));
    } else if has_framed_object(reply.bytes) {
        collector.check(
            "L0-002",
            reply,
            Err("there is something before or after the JSON object".into()),
        );
    }
}

/// Whether there is a whole JSON object with something else around it.
fn has_framed_object(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) =
        (bytes.iter().position(|byte| *byte == b'{'), bytes.iter().rposition(|byte| *byte == b'}'))
    else {
        return false;
    };
    first < last
        && serde_json::from_slice::<serde_json::Map<String, Value>>(&bytes[first..=last]).is_ok()
}

fn judge_notification(
    reply: &Reply<'_>,
    object: &serde_json::Map<String, Value>,
    collector: &mut Collector<'_>,
) {
    let complete = object.get("jsonrpc").is_some_and(|version| version == "2.0")
        && object.get("method").is_some_and(Value::is_string)
        && object.contains_key("params");
    collector.require("L0-042", reply, complete, || {
        "the notification lacks jsonrpc, method or params".into()
    });
    let by_name = object.get("params").is_none_or(Value::is_object);
    collector.require("L0-043", reply, by_name, || {
        "the params of the notification aren't an object".into()
    });
}

fn judge_id(reply: &Reply<'_>, id: Option<&Value>, collector: &mut Collector<'_>) {
    if reply.request.is_some() {
        return collector.check("L0-048", reply, Ok(()));
    }
    // What was sent could be read in several ways, or not at all: then no id is the right one.
    if !reply.clear {
        return;
    }
    let code = reply.error().and_then(|error| error.get("code")).and_then(Value::as_i64);
    match (id, code) {
        // Who says that it couldn't read the request can't repeat its id. Whether that is true is another question.
        (Some(Value::Null), Some(-32700 | -32600)) => {}
        (id, _) => collector.check(
            "L0-048",
            reply,
            Err(format!("the response has the id {}, which no request had", shown(id))),
        ),
    }
}

/// One response per request.
fn judge_number<'v>(replies: impl Iterator<Item = &'v Reply<'v>>, collector: &mut Collector<'_>) {
    let mut answered: Vec<(&Reply<'_>, (usize, usize))> = Vec::new();
    for reply in replies {
        let Some(request) =
            reply.request.as_ref().filter(|request| request.well_formed && reply.clear)
        else {
            continue;
        };
        let place = (request.exchange, request.message);
        match answered.iter().find(|(_, known)| *known == place) {
            Some((first, _)) => collector.report(
                "L0-052",
                &[first, reply],
                Judgement::Broken,
                format!("the request {} was answered twice", shorten(&request.id)),
            ),
            None => {
                collector.check("L0-052", reply, Ok(()));
                answered.push((reply, place));
            }
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use crate::invariant::testing::p2p_raw;
    use crate::verdict::Verdict;

    const PASS: &str = r#" {"jsonrpc":"2.0","id":"a","result":{"protocols":[1]}} "#;

    #[test]
    fn a_good_reply_keeps_everything() {
        let found = p2p_raw(&[PASS.as_bytes()]);
        for requirement in [
            "L0-002", "L0-004", "L0-041", "L0-047", "L0-048", "L0-050", "L0-052", "L0-053",
            "L0-063",
        ] {
            assert_eq!(found.verdict(requirement), Some(Verdict::Pass), "{requirement}");
        }
        assert_eq!(found.broken(), Vec::<String>::new());
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        for (payload, broken) in [
            (&br#"{"jsonrpc":"1.0","id":"a","result":{}}"#[..], &["L0-047"][..]),
            (br#"{"jsonrpc":2.0,"id":"a","result":{}}"#, &["L0-047"]),
            (br#"{"id":"a","result":{}}"#, &["L0-047"]),
            (br#"{"jsonrpc":"2.0","id":"b","result":{}}"#, &["L0-048"]),
            (br#"{"jsonrpc":"2.0","result":{}}"#, &["L0-048"]),
            (br#"{"jsonrpc":"2.0","id":null,"result":{}}"#, &["L0-048"]),
            (br#"{"jsonrpc":"2.0","id":"a","result":{},"error":null}"#, &["L0-050"]),
            (br#"{"jsonrpc":"2.0","id":"a"}"#, &["L0-050"]),
            (br#"{"jsonrpc":"2.0","id":"a","result":{},"method":"x"}"#, &["L0-053"]),
            (br#"{"jsonrpc":"2.0","id":"a","result":{},"params":{}}"#, &["L0-053"]),
            (br#"{"jsonrpc":"2.0","id":"a","result":[]}"#, &["L0-063"]),
            (br#"{"jsonrpc":"2.0","id":"a","result":null}"#, &["L0-063"]),
            (b"\x00\x10{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}", &["L0-002", "L0-041"]),
            (b"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}\x00", &["L0-002", "L0-041"]),
            (b"<html>", &["L0-041"]),
            (b"\xff\xfe", &["L0-041"]),
            (b"[]", &["L0-041"]),
            (b"", &["L0-041"]),
            (br#"{"jsonrpc":"2.0","method":"lsps9.x"}"#, &["L0-042"]),
            (br#"{"jsonrpc":"2.0","method":"lsps9.x","params":[]}"#, &["L0-043"]),
        ] {
            let found = p2p_raw(&[payload]);
            assert_eq!(found.broken(), broken, "{}", String::from_utf8_lossy(payload));
        }
    }

    #[test]
    fn a_second_reply_is_one_too_many() {
        let found = p2p_raw(&[PASS.as_bytes(), PASS.as_bytes()]);
        assert_eq!(found.broken(), ["L0-052"]);
        assert_eq!(found.evidence("L0-052"), 4);
    }
}
