//! The JSON-RPC envelope, and which method is asked for (bLIP-50).

use serde_json::{Map, Value};

use super::{Expected, Facts, Fault, Feature, create_order, get_order};
use crate::json::shorten;
use crate::verdict::Judgement;

const METHODS: [&str; 4] =
    ["lsps0.list_protocols", "lsps1.get_info", "lsps1.create_order", "lsps1.get_order"];

/// How an object that is alone in its payload has to be answered.
pub(super) fn expect(object: &Map<String, Value>, facts: &Facts) -> Expected {
    let mut expected = Expected::default();
    judge_members(object, &mut expected);
    let id = object.get("id");
    if let Some(id @ (Value::String(_) | Value::Number(_))) = id {
        expected.id = id.clone();
    }
    let method = object.get("method").and_then(Value::as_str);
    expected.method = METHODS.into_iter().find(|known| method == Some(known));
    if !expected.faults.is_empty() {
        return expected;
    }
    judge_id(id, &mut expected);
    let params = object.get("params");
    if let Some(name) = method.filter(|_| expected.method.is_none()) {
        expected.faults.push(unknown_method(name, params));
        if let Some(Value::Array(items)) = params {
            expected.faults.push(by_position(name, items));
        }
        return expected;
    }
    match (expected.method, params) {
        (Some(method), Some(Value::Array(items))) => {
            expected.faults.push(by_position(method, items));
        }
        (Some(method), params) => judge_params(method, params, facts, &mut expected),
        (None, _) => {}
    }
    expected
}

/// What makes the object no request at all.
fn judge_members(object: &Map<String, Value>, expected: &mut Expected) {
    let faults = &mut expected.faults;
    let no_request = |rows: &[&'static str], says: String| {
        Fault::new(rows, says).parse_error().refusal(Some(-32600), None, Judgement::Tolerated)
    };
    let method = object.get("method");
    if method.is_none() && (object.contains_key("result") || object.contains_key("error")) {
        faults.push(
            no_request(&["L0-020"], "the client sends a response".into())
                .silence(Judgement::Tolerated),
        );
    } else if !method.is_some_and(Value::is_string) {
        faults.push(no_request(&["L0-019"], format!("`method` is {}", shown(method))));
    }
    let version = object.get("jsonrpc");
    if version.is_none_or(|version| version != "2.0") {
        faults.push(no_request(&["L0-018"], format!("`jsonrpc` is {}", shown(version))));
    }
    match object.get("params") {
        None | Some(Value::Object(_) | Value::Array(_)) => {}
        Some(params) => {
            let fault = no_request(&["L0-021"], format!("`params` is {}", shorten(params)))
                .refusal(Some(-32602), None, Judgement::Tolerated);
            let served = if params.is_null() { Judgement::Tolerated } else { Judgement::Broken };
            faults.push(fault.served(served));
        }
    }
    match object.get("id") {
        None => faults.push(
            Fault::new(&["L0-040"], "there is no id")
                .parse_error()
                .refusal(None, None, Judgement::Tolerated)
                .silence(Judgement::Kept),
        ),
        Some(Value::String(_) | Value::Number(_)) => {}
        // A null id is legal JSON-RPC, though no client may send it: nothing is expected of it.
        Some(Value::Null) => expected.anything = true,
        Some(id) => {
            faults.push(Fault::new(&["L0-022"], format!("`id` is {}", shorten(id))).refusal(
                None,
                Some(true),
                Judgement::Kept,
            ))
        }
    }
}

/// Ids that are no UUIDs.
fn judge_id(id: Option<&Value>, expected: &mut Expected) {
    match id {
        Some(Value::Number(_)) => expected.openings.push(
            Fault::new(&["L0-049"], "the id is a number")
                .refusal(Some(-32700), Some(true), Judgement::Tolerated)
                .refusal(Some(-32600), None, Judgement::Tolerated),
        ),
        Some(Value::String(text)) if uuid::Uuid::try_parse(text).is_err() => {
            expected.features.push(Feature::of_envelope(&["L0-048"], "its id is an unusual text"));
        }
        _ => {}
    }
}

fn unknown_method(name: &str, params: Option<&Value>) -> Fault {
    let mut rows = vec!["L0-130"];
    let plain = name.trim().to_ascii_lowercase();
    if METHODS.contains(&plain.as_str()) {
        rows.insert(0, "L0-054");
    } else if METHODS.iter().any(|known| known.replace('_', "") == plain) {
        rows.insert(0, "L0-057");
    } else if METHODS.iter().any(|known| known.split_once('.').is_some_and(|(_, n)| n == name)) {
        rows.insert(0, "L0-058");
    }
    if params.and_then(Value::as_object).is_some_and(|params| !params.is_empty()) {
        rows.push("L0-131");
    }
    Fault::new(&rows, format!("there is no method {name:?}")).code(-32601, &[])
}

fn by_position(method: &str, items: &[Value]) -> Fault {
    let needs_params = matches!(method, "lsps1.create_order" | "lsps1.get_order");
    let served =
        if needs_params || !items.is_empty() { Judgement::Broken } else { Judgement::Tolerated };
    Fault::new(&["L0-039"], "the params are by position")
        .refusal(Some(-32602), None, Judgement::Kept)
        .refusal(Some(-32600), None, Judgement::Kept)
        .refusal(Some(-32700), None, Judgement::Kept)
        .served(served)
}

/// The parameters of a known method, by name or left out.
pub(super) fn judge_params(
    method: &'static str,
    params: Option<&Value>,
    facts: &Facts,
    expected: &mut Expected,
) {
    let none = Map::new();
    let given = params.and_then(Value::as_object);
    let params = given.unwrap_or(&none);
    let (known, rows): (&[&str], &[&'static str]) = match method {
        "lsps1.create_order" => (create_order::FIELDS, &["L0-085", "L0-129"]),
        "lsps1.get_order" => (&["order_id"], &["L0-086", "L0-129"]),
        "lsps1.get_info" => (&[], &["L0-084", "L0-129"]),
        _ => (&[], &["L0-083", "L0-129"]),
    };
    expected.unknown_params =
        params.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
    if !expected.unknown_params.is_empty() {
        let names = expected.unknown_params.join(", ");
        let mut rows = rows.to_vec();
        let is_order = method == "lsps1.create_order";
        if is_order && expected.unknown_params.iter().any(|name| name == "api_version") {
            rows.insert(1, "L0-115");
        }
        expected
            .faults
            .push(Fault::new(&rows, format!("unknown params: {names}")).code(-32602, &[]));
    }
    match method {
        "lsps1.create_order" => create_order::judge(given, facts, expected),
        "lsps1.get_order" => get_order::judge(params, facts, expected),
        _ => {
            let rows: &[&str] = if method == "lsps1.get_info" {
                &["L1-010", "L1-038"]
            } else {
                &["L0-106", "L0-113"]
            };
            expected.features.push(Feature::new(rows, &[], "the method needs no params"));
            if given.is_none() {
                // Whether they may be left out isn't said.
                let mut opening = Fault::new(&["L0-107"], "there are no params");
                opening = opening.refusal(None, None, Judgement::Tolerated);
                expected.openings.push(opening);
            }
        }
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "missing".into(), shorten)
}
