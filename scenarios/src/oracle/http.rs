//! Requests of the REST dialect, which have no envelope.

use serde_json::{Map, Value, json};

use super::{Expected, Facts, Fault, Feature, create_order, get_order};
use crate::action::HttpRequest;
use crate::verdict::Judgement;

/// How a request to the REST face has to be answered.
pub fn expect_http(request: &HttpRequest, facts: &Facts) -> Expected {
    let mut expected = Expected::default();
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "get_info") => {
            expected.method = Some("lsps1.get_info");
            let rows = &["L1-010", "L1-038", "RD-001"];
            expected.features.push(Feature::new(rows, &[], "get_info needs nothing"));
        }
        ("GET", "get_order") => {
            expected.method = Some("lsps1.get_order");
            let query: Map<String, Value> =
                request.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            get_order::judge(&query, facts, &mut expected);
        }
        ("POST", "create_order") => {
            expected.method = Some("lsps1.create_order");
            expect_body(request.body.as_deref().unwrap_or_default(), facts, &mut expected);
        }
        _ => expected.anything = true,
    }
    expected
}

fn expect_body(body: &[u8], facts: &Facts, expected: &mut Expected) {
    let Ok(Value::Object(params)) = serde_json::from_slice(body) else {
        let fault = Fault::new(&["RD-015"], "the body is no JSON object");
        expected.faults.push(fault.refusal(None, None, Judgement::Kept));
        return;
    };
    // What is done about unknown members is only recorded (RD-017).
    let known =
        |name: &String| name == "public_key" || create_order::FIELDS.contains(&name.as_str());
    if !params.keys().all(known) {
        let opening = Fault::new(&["RD-015"], "there are unknown members");
        expected.openings.push(opening.refusal(None, None, Judgement::Kept));
    }
    judge_public_key(params.get("public_key"), expected);
    create_order::judge(Some(&params), facts, expected);
    for fault in &mut expected.faults {
        if !fault.rows.iter().any(|row| row.starts_with("RD-")) {
            fault.rows.push("RD-015");
        }
    }
}

fn judge_public_key(key: Option<&Value>, expected: &mut Expected) {
    let refused = |fault: Fault| {
        [-32602, -32600, 100].into_iter().fold(fault, |fault, code| fault.code(code, &[]))
    };
    let Some(key) = key else {
        let fault = Fault::new(&["RD-011"], "public_key is missing");
        return expected.faults.push(refused(fault));
    };
    let digits = key.as_str().filter(|text| {
        text.len() == 66
            && text.bytes().all(|byte| byte.is_ascii_hexdigit())
            && (text.starts_with("02") || text.starts_with("03"))
    });
    let Some(digits) = digits else {
        let fault = Fault::new(&["L0-149", "RD-011"], "public_key is no compressed public key");
        return expected.faults.push(refused(fault));
    };
    if digits.parse::<bitcoin::secp256k1::PublicKey>().is_err() {
        let fault = Fault::new(&["L0-152"], "public_key is no point on the curve");
        return expected.faults.push(refused(fault).served(Judgement::Tolerated));
    }
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let rows = &["L0-151"];
        expected.features.push(Feature::new(rows, &["public_key"], "public_key is in upper case"));
    }
}
