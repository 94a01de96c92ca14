//! JSON-RPC errors: L0-024, L0-025, L0-044, L0-051, L0-060, L0-079, L0-080, L0-087, L0-088, L0-167, and the error data of LSPS1:
//! L1-075, L1-101, L1-102, L1-104 to L1-106, L1-108, L1-110, L1-118. The form of errors on REST is not documented, so they are
//! not judged there.

use serde_json::Value;

use super::collect::Collector;
use super::view::{Reply, Request, View};
use crate::json::{has_key, shorten};
use crate::known::OPTIONS;
use crate::verdict::Judgement;

/// The parameters of create_order.
const ORDER_FIELDS: [&str; 8] = [
    "lsp_balance_sat",
    "client_balance_sat",
    "required_channel_confirmations",
    "funding_confirms_within_blocks",
    "channel_expiry_blocks",
    "token",
    "refund_onchain_address",
    "announce_channel",
];

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    let info = view.info();
    for reply in &view.replies {
        let Some(error) = reply.error() else { continue };
        let code = error.get("code").and_then(Value::as_i64);
        collector.require(
            "L0-051",
            reply,
            code.is_some() && error.get("message").is_some_and(Value::is_string),
            || format!("the error {} has no integer `code` or no string `message`", shorten(error)),
        );
        let data = error.get("data");
        if let Some(data) = data {
            collector.require("L0-060", reply, data.is_object(), || {
                format!("`error.data` is {} instead of an object", shorten(data))
            });
        }
        judge_code(reply, error, collector);
        let Some(code) = code else { continue };
        match code {
            -32602 => judge_invalid_params(reply, data, collector),
            1 => judge_rejection(reply, data, collector),
            100 => judge_option_mismatch(reply, data, info, collector),
            101 => judge_empty_data("L1-118", reply, data, collector),
            102 => judge_empty_data("L1-108", reply, data, collector),
            _ => {}
        }
        if code == -32700 {
            judge_parse_error(reply, error, collector);
        }
        if let Some(request) = reply.request.as_ref().or(reply.refused.as_ref()) {
            judge_standard_meaning(reply, request, code, collector);
        }
        if let Some(request) = &reply.request
            && request.method == "lsps1.create_order"
        {
            let left = ["order_id", "invoice"].into_iter().find(|key| has_key(error, key));
            collector.check(
                "L1-075",
                reply,
                match left {
                    Some(key) => Err(format!("the error has a member {key}")),
                    None => Ok(()),
                },
            );
        }
    }
}

/// The client itself was turned away.
fn judge_rejection(reply: &Reply<'_>, data: Option<&Value>, collector: &mut Collector<'_>) {
    let is_order = |request: &Request| request.method == "lsps1.create_order";
    let of_order = reply.request.as_ref().is_some_and(is_order);
    let rows: &[&str] = if of_order { &["L0-167", "L1-110"] } else { &["L0-167"] };
    for row in rows {
        collector.require(
            row,
            reply,
            data.and_then(|data| data.get("message")).is_some_and(Value::is_string),
            || format!("the data of error 1 is {}, without a string `message`", shown(data)),
        );
    }
}

fn judge_code(reply: &Reply<'_>, error: &Value, collector: &mut Collector<'_>) {
    let Some(found) = error.get("code") else { return };
    if let Some(text) = found.as_str() {
        // Only a number that is printed with zeros in the text can be meant.
        if text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit()) {
            collector.check("L0-088", reply, Err(format!("the code is the string {text:?}")));
        }
        return;
    }
    let Some(code) = found.as_i64() else { return };
    if code == 1 {
        collector.check("L0-088", reply, Ok(()));
    }
    let (judgement, message) = match code {
        -32700 | -32603..=-32600 | -32099..=-1 | 1 | 100..=102 => (Judgement::Kept, String::new()),
        0..=99 | 103..=199 => {
            (Judgement::Tolerated, format!("no specification defines the code {code}"))
        }
        _ => (
            Judgement::Broken,
            format!("the code {code} is outside of the ranges that are there for LSPS0 and LSPS1"),
        ),
    };
    collector.report("L0-087", &[reply], judgement, message);
}

/// What is said of a message that couldn't be read: there is no id in it, and the text is fixed.
fn judge_parse_error(reply: &Reply<'_>, error: &Value, collector: &mut Collector<'_>) {
    let text = error.get("message");
    let judgement = match text.and_then(Value::as_str) {
        Some(text) if text.eq_ignore_ascii_case("parse error") => Judgement::Kept,
        Some(text) if !text.is_empty() => Judgement::Tolerated,
        _ => Judgement::Broken,
    };
    let message = format!("the text of error -32700 is {} instead of \"parse error\"", shown(text));
    collector.report("L0-025", &[reply], judgement, message);
    let could_be_read = reply.request.as_ref().is_some_and(|request| request.well_formed);
    // If it could, the code is what is wrong.
    if !reply.clear && !could_be_read {
        let id = reply.object().and_then(|object| object.get("id"));
        collector.require("L0-024", reply, id.is_some_and(Value::is_null), || {
            format!("error -32700 has the id {} instead of null", shown(id))
        });
    }
}

fn judge_invalid_params(reply: &Reply<'_>, data: Option<&Value>, collector: &mut Collector<'_>) {
    let Some(Value::Object(object)) = data else {
        return collector.check(
            "L0-079",
            reply,
            Err(format!("the data of error -32602 is {}", shown(data))),
        );
    };
    collector.check("L0-079", reply, Ok(()));
    let unrecognized = object.get("unrecognized");
    let names =
        unrecognized.and_then(Value::as_array).filter(|names| names.iter().all(Value::is_string));
    match unrecognized {
        // LSPS1 defines other data for the same code and doesn't mention this one.
        None => collector.report(
            "L0-080",
            &[reply],
            Judgement::CompatTolerated,
            "the data of error -32602 has no `unrecognized`".into(),
        ),
        Some(found) => collector.require("L0-080", reply, names.is_some(), || {
            format!("`unrecognized` is {} instead of an array of strings", shorten(found))
        }),
    }
    // Which field is at fault can't be said of params by position.
    let by_name =
        |request: &&Request| request.method == "lsps1.create_order" && !request.params.is_array();
    let Some(request) = reply.request.as_ref().filter(by_name) else { return };
    let (property, message) = (object.get("property"), object.get("message"));
    let only_names_at_fault = names.is_some_and(|names| !names.is_empty()) && property.is_none();
    if !only_names_at_fault {
        let complete =
            property.is_some_and(Value::is_string) && message.is_some_and(Value::is_string);
        collector.require("L1-104", reply, complete, || {
            format!(
                "the data of error -32602 is {}, without string `property` and `message`",
                shown(data)
            )
        });
    }
    let Some(property) = property.and_then(Value::as_str).filter(|_| request.params.is_object())
    else {
        return;
    };
    let known = ORDER_FIELDS.contains(&property) || request.params.get(property).is_some();
    collector.require("L1-105", reply, known, || {
        format!("`property` is {property:?}, which is no field of the request")
    });
    collector.require("L1-106", reply, !property.contains(['[', ']', '/']), || {
        format!("`property` is {property:?}; nested fields are written with dots")
    });
}

fn judge_option_mismatch(
    reply: &Reply<'_>,
    data: Option<&Value>,
    info: Option<&Value>,
    collector: &mut Collector<'_>,
) {
    let property = data.and_then(|data| data.get("property")).and_then(Value::as_str);
    let message = data.and_then(|data| data.get("message"));
    match (property, message) {
        (Some(_), Some(Value::String(_))) => collector.check("L1-101", reply, Ok(())),
        // The specification's own example leaves it out.
        (Some(_), None) => {
            collector.report(
                "L1-101",
                &[reply],
                Judgement::Tolerated,
                "the data of error 100 has no `message`".into(),
            );
        }
        _ => collector.check(
            "L1-101",
            reply,
            Err(format!(
                "the data of error 100 is {}, without string `property` and `message`",
                shown(data)
            )),
        ),
    }
    let Some(property) = property else { return };
    let is_option =
        OPTIONS.contains(&property) || info.is_some_and(|info| info.get(property).is_some());
    let judgement = match is_option {
        true => Judgement::Kept,
        false if ORDER_FIELDS.contains(&property) => Judgement::CompatTolerated,
        false => Judgement::Broken,
    };
    collector.report(
        "L1-102",
        &[reply],
        judgement,
        format!("`property` is {property:?}, which is no option of get_info"),
    );
}

/// Errors 101 and 102 have `{}` as data.
fn judge_empty_data(
    requirement: &str,
    reply: &Reply<'_>,
    data: Option<&Value>,
    collector: &mut Collector<'_>,
) {
    let judgement = match data {
        Some(Value::Object(_)) => Judgement::Kept,
        None => Judgement::Tolerated,
        Some(_) => Judgement::Broken,
    };
    collector.report(
        requirement,
        &[reply],
        judgement,
        format!("the data of the error is {} instead of {{}}", shown(data)),
    );
}

/// A well-formed request of a known method is neither bad format, nor a bad envelope, nor an unknown method.
fn judge_standard_meaning(
    reply: &Reply<'_>,
    request: &Request,
    code: i64,
    collector: &mut Collector<'_>,
) {
    if !request.well_formed {
        return;
    }
    let known = ["lsps0.list_protocols", "lsps1.get_info", "lsps1.create_order", "lsps1.get_order"];
    let outcome = match code {
        -32700 => Err("a well-formed request was answered with -32700, parse error".into()),
        -32600 => Err("a well-formed request was answered with -32600, invalid request".into()),
        -32601 if known.contains(&request.method.as_str()) => {
            Err(format!("{} was answered with -32601, method not found", request.method))
        }
        _ => Ok(()),
    };
    collector.check("L0-044", reply, outcome);
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::invariant::testing::{Found, p2p_call, p2p_exchanges};
    use crate::verdict::{Profile, Verdict};

    fn judged(method: &str, error: Value, profile: Profile) -> Found {
        p2p_call(method, json!({"lsp_balance_sat": "1", "zz": 1}), json!({"error": error}), profile)
    }

    #[test]
    fn good_errors_keep_everything() {
        for (method, error, kept) in [
            (
                "lsps1.create_order",
                json!({"code": -32602, "message": "m", "data": {"unrecognized": ["zz"]}}),
                "L0-080",
            ),
            (
                "lsps1.create_order",
                json!({"code": -32602, "message": "m", "data": {"property": "token", "message": "x", "unrecognized": []}}),
                "L1-104",
            ),
            (
                "lsps1.create_order",
                json!({"code": 100, "message": "m", "data": {"property": "max_channel_balance_sat", "message": "x"}}),
                "L1-102",
            ),
            ("lsps1.create_order", json!({"code": 102, "message": "m", "data": {}}), "L1-108"),
            (
                "lsps1.create_order",
                json!({"code": 1, "message": "m", "data": {"message": "x"}}),
                "L0-167",
            ),
            ("lsps1.get_order", json!({"code": 101, "message": "m", "data": {}}), "L1-118"),
            ("lsps1.nope", json!({"code": -32601, "message": "m"}), "L0-044"),
            ("lsps1.get_info", json!({"code": -32603, "message": "m"}), "L0-087"),
            ("lsps1.get_info", json!({"code": -32042, "message": "m"}), "L0-087"),
        ] {
            let found = judged(method, error.clone(), Profile::Strict);
            assert_eq!(found.broken(), Vec::<String>::new(), "{error}");
            assert_eq!(found.verdict(kept), Some(Verdict::Pass), "{kept}: {error}");
        }
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        let create = "lsps1.create_order";
        for (method, error, broken) in [
            (create, json!({"code": "100", "message": "m"}), &["L0-051"][..]),
            (create, json!({"code": 1.5, "message": "m"}), &["L0-051"]),
            (create, json!({"code": 102, "data": {}}), &["L0-051"]),
            (create, json!("failed"), &["L0-051"]),
            (create, json!({"code": "001", "message": "m"}), &["L0-051", "L0-088"]),
            (create, json!({"code": -32603, "message": "m", "data": "text"}), &["L0-060"]),
            (create, json!({"code": -32603, "message": "m", "data": null}), &["L0-060"]),
            (create, json!({"code": -32602, "message": "m"}), &["L0-079"]),
            (
                create,
                json!({"code": -32602, "message": "m", "data": {"property": "token", "message": "x"}}),
                &["L0-080"],
            ),
            (
                create,
                json!({"code": -32602, "message": "m", "data": {"unrecognized": "zz", "property": "token", "message": "x"}}),
                &["L0-080"],
            ),
            (
                create,
                json!({"code": -32602, "message": "m", "data": {"unrecognized": []}}),
                &["L1-104"],
            ),
            (
                create,
                json!({"code": -32602, "message": "m", "data": {"unrecognized": [], "property": "max_channel_balance_sat", "message": "x"}}),
                &["L1-105"],
            ),
            (
                create,
                json!({"code": -32602, "message": "m", "data": {"unrecognized": [], "property": "a[0]", "message": "x"}}),
                &["L1-105", "L1-106"],
            ),
            (create, json!({"code": 1000, "message": "m"}), &["L0-087"]),
            (create, json!({"code": 404, "message": "m"}), &["L0-087"]),
            (create, json!({"code": -32800, "message": "m"}), &["L0-087"]),
            (create, json!({"code": 150, "message": "m"}), &["L0-087"]),
            (create, json!({"code": 100, "message": "m", "data": {}}), &["L1-101"]),
            (
                create,
                json!({"code": 100, "message": "m", "data": {"property": "max_channel_balance_sat"}}),
                &["L1-101"],
            ),
            (
                create,
                json!({"code": 100, "message": "m", "data": {"property": "lsp_balance_sat", "message": "x"}}),
                &["L1-102"],
            ),
            (
                create,
                json!({"code": 100, "message": "m", "data": {"property": "options.max", "message": "x"}}),
                &["L1-102"],
            ),
            (create, json!({"code": 102, "message": "m"}), &["L1-108"]),
            (create, json!({"code": 1, "message": "m", "data": {}}), &["L0-167", "L1-110"]),
            (create, json!({"code": 102, "message": "m", "data": {"order_id": "x"}}), &["L1-075"]),
            (create, json!({"code": -32601, "message": "m"}), &["L0-044"]),
            (create, json!({"code": -32600, "message": "m"}), &["L0-044"]),
            ("lsps1.nope", json!({"code": -32700, "message": "parse error"}), &["L0-044"]),
            (
                "lsps1.get_order",
                json!({"code": 101, "message": "m", "data": []}),
                &["L0-060", "L1-118"],
            ),
        ] {
            assert_eq!(judged(method, error.clone(), Profile::Strict).broken(), broken, "{error}");
        }
    }

    #[test]
    fn a_parse_error_without_id_belongs_to_the_only_request_that_is_open() {
        const NULL: &[u8] =
            br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
        const OTHER: &[u8] = br#"{"jsonrpc":"2.0","id":"b","result":{}}"#;
        let request = |members: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":"a","method":"lsps0.list_protocols"{members}}}"#)
        };
        let plain = request(r#","params":{}"#);
        let numeric = plain.replace("\"a\"", "7");
        let escaped = plain.replace("list_protocols", "\\u006cist_protocols");
        let twice = request(r#","params":{},"id":"a""#);
        for (exchanges, expected) in [
            (vec![(plain.as_str(), vec![NULL])], Some(Verdict::Fail)),
            // Something else is still open, or is answered along with it.
            (vec![("{", vec![]), (&plain, vec![NULL])], None),
            (vec![("{", vec![NULL]), (&plain, vec![NULL])], Some(Verdict::Fail)),
            (vec![(&plain, vec![NULL, OTHER])], None),
            // Readers differ about these, or have to refuse them in this way.
            (vec![("{", vec![NULL])], None),
            (vec![(&numeric, vec![NULL])], None),
            (vec![(&escaped, vec![NULL])], None),
            (vec![(&twice, vec![NULL])], None),
            (vec![(&request(""), vec![NULL])], None),
        ] {
            let found = p2p_exchanges(&exchanges);
            assert_eq!(found.verdict("L0-044"), expected, "{exchanges:?}");
            assert_eq!(found.verdict("L0-025"), Some(Verdict::Pass), "{exchanges:?}");
        }
    }

    #[test]
    fn who_cannot_read_a_message_names_no_id_and_says_so_in_two_words() {
        let judged = |sent: &str, id: &str, text: &str| {
            let reply = format!(
                r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":-32700,"message":{text}}}}}"#
            );
            let found = p2p_exchanges(&[(sent, vec![reply.as_bytes()])]);
            (found.verdict("L0-024"), found.verdict("L0-025"))
        };
        let bad = r#"{"id":"a"}"#;
        let (pass, warn, fail) = (Some(Verdict::Pass), Some(Verdict::Warn), Some(Verdict::Fail));
        assert_eq!(judged(bad, "null", r#""Parse error""#), (pass, pass));
        assert_eq!(judged(bad, "\"a\"", r#""bad JSON""#), (fail, warn));
        assert_eq!(judged(bad, "null", "7"), (pass, fail));
        // Here the code is what is wrong.
        let good = r#"{"jsonrpc":"2.0","id":"a","method":"lsps1.get_info","params":{}}"#;
        assert_eq!(judged(good, "\"a\"", r#""parse error""#), (None, pass));
    }

    #[test]
    fn profile_compat_tolerates_what_the_texts_leave_open() {
        let error =
            json!({"code": -32602, "message": "m", "data": {"property": "token", "message": "x"}});
        assert_eq!(
            judged("lsps1.create_order", error.clone(), Profile::Strict).verdict("L0-080"),
            Some(Verdict::Fail)
        );
        assert_eq!(
            judged("lsps1.create_order", error, Profile::Compat).verdict("L0-080"),
            Some(Verdict::Warn)
        );
        let absent = json!({"code": 101, "message": "m"});
        assert_eq!(
            judged("lsps1.get_order", absent, Profile::Strict).verdict("L1-118"),
            Some(Verdict::Warn)
        );
    }
}
