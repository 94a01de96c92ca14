//! The oracle against requests that were judged by hand.

use serde_json::{Map, Value, json};

use super::*;
use crate::action::{End, Frame, HttpRequest};
use crate::base::tests::info;
use crate::document::{self, Reply};

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const ID: &str = "7f7e5a1e-8d0b-4a4e-9c8e-0c1f4f6d2a11";
const ORDER: &str = "bb4b5d0a-8334-49d8-9463-90a6d413af7c";

/// LSP balances from 20,000 to 10,000,000, client balances from 0 to 1,000,000, channels from 50,000 to 10,000,000.
fn facts(transport: Transport) -> Facts {
    let key = (transport == Transport::Rest).then_some(KEY);
    let order = |id: &str, owner: &str| KnownOrder {
        id: id.into(),
        owner: owner.into(),
        reconnected: false,
    };
    Facts {
        transport,
        terms: Terms::read(&info(), key).unwrap(),
        address_prefix: Some("bcrt".into()),
        token: Some("SPRING27".into()),
        any_token: false,
        orders: vec![order(ORDER, "main"), order("foreign", "other")],
        asker: "main".into(),
    }
}

fn payload(method: &str, params: &Value) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":"{ID}","method":"{method}","params":{params}}}"#).into_bytes()
}

/// The smallest order with these members set, or left out where they are `"-"`.
fn order(changes: &Value) -> Map<String, Value> {
    let mut params = facts(Transport::P2p).terms.base;
    for (name, value) in changes.as_object().unwrap() {
        match value.as_str() {
            Some("-") => drop(params.remove(name)),
            _ => drop(params.insert(name.clone(), value.clone())),
        }
    }
    params
}

fn of_order(changes: &Value) -> Expected {
    let params = Value::Object(order(changes));
    expect_message(&payload("lsps1.create_order", &params), &facts(Transport::P2p))
}

/// `rows: code property…` of each fault.
fn described(faults: &[Fault]) -> Vec<String> {
    let refusal = |refusal: &Refusal| {
        let code = refusal.code.map_or_else(|| "any".into(), |code| code.to_string());
        [vec![code], refusal.properties.iter().map(ToString::to_string).collect()]
            .concat()
            .join(" ")
    };
    let refusals = |fault: &Fault| -> Vec<String> { fault.refusals.iter().map(refusal).collect() };
    faults
        .iter()
        .map(|fault| format!("{}: {}", fault.rows.join(" "), refusals(fault).join(", ")))
        .collect()
}

#[test]
fn orders_within_the_options_have_no_fault() {
    for changes in [
        json!({}),
        json!({"lsp_balance_sat": "20000", "client_balance_sat": "30000"}),
        json!({"lsp_balance_sat": "9000000", "client_balance_sat": "1000000"}),
        json!({"lsp_balance_sat": "10000000"}),
        json!({"required_channel_confirmations": 65535, "funding_confirms_within_blocks": 65535}),
        json!({"channel_expiry_blocks": 1}),
        json!({"token": ""}),
        json!({"token": "SPRING27"}),
        json!({"refund_onchain_address": "bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wat6sgvv"}),
        json!({"announce_channel": true}),
    ] {
        let expected = of_order(&changes);
        assert_eq!(described(&expected.faults), Vec::<String>::new(), "{changes}");
        assert!(expected.openings.is_empty() && expected.may_make_an_order(), "{changes}");
    }
}

#[test]
fn each_fault_of_an_order_has_its_rows_codes_and_property() {
    let lsp = "lsp_balance_sat";
    for (changes, wanted) in [
        (json!({lsp: "-"}), "L1-041 L1-103: -32602 lsp_balance_sat"),
        (json!({lsp: 50000}), "L1-041 L1-103: -32602 lsp_balance_sat"),
        (json!({lsp: "1e5"}), "L1-041 L1-103: -32602 lsp_balance_sat"),
        (json!({"client_balance_sat": null}), "L1-042 L1-103: -32602 client_balance_sat"),
        (
            json!({lsp: "10000001", "client_balance_sat": "0"}),
            "L1-044 L1-100: 100 max_initial_lsp_balance_sat|L1-051 L1-100: 100 max_channel_balance_sat",
        ),
        (
            json!({lsp: "19999", "client_balance_sat": "40000"}),
            "L1-045 L1-100: 100 min_initial_lsp_balance_sat",
        ),
        (
            json!({lsp: "0", "client_balance_sat": "60000"}),
            "L1-043: -32602 lsp_balance_sat, 100 min_initial_lsp_balance_sat min_channel_balance_sat",
        ),
        (
            json!({"client_balance_sat": "1000001"}),
            "L1-048 L1-100: 100 max_initial_client_balance_sat",
        ),
        (
            json!({lsp: "9000001", "client_balance_sat": "1000000"}),
            "L1-051 L1-100: 100 max_channel_balance_sat",
        ),
        (json!({lsp: "20000"}), "L1-052 L1-100: 100 min_channel_balance_sat"),
        (
            json!({lsp: "18446744073709551616"}),
            "L0-138: -32602 lsp_balance_sat, 100 max_initial_lsp_balance_sat max_channel_balance_sat",
        ),
        (
            json!({"required_channel_confirmations": 65536}),
            "L1-054 L1-103: -32602 required_channel_confirmations",
        ),
        (
            json!({"funding_confirms_within_blocks": 5}),
            "L1-058 L1-100: 100 min_funding_confirms_within_blocks",
        ),
        (
            json!({"funding_confirms_within_blocks": "6"}),
            "L1-057 L1-103: -32602 funding_confirms_within_blocks",
        ),
        (
            json!({"channel_expiry_blocks": 0}),
            "L1-063: -32602 channel_expiry_blocks, 100 max_channel_expiry_blocks channel_expiry_blocks",
        ),
        (json!({"channel_expiry_blocks": 13001}), "L1-064 L1-100: 100 max_channel_expiry_blocks"),
        (
            json!({"channel_expiry_blocks": 4_294_967_296_u64}),
            "L1-062 L1-103: -32602 channel_expiry_blocks",
        ),
        (json!({"token": "nope"}), "L1-107: 102"),
        (json!({"token": 7}), "L1-065 L1-103: -32602 token"),
        (json!({"refund_onchain_address": "nope"}), "L0-159 L1-068: -32602 refund_onchain_address"),
        (
            json!({"refund_onchain_address": "bc1qwzg843xj6ca63wlygn90zlckx9mjz5war4jkqk"}),
            "L0-160: -32602 refund_onchain_address",
        ),
        (json!({"announce_channel": "yes"}), "L1-071 L1-103: -32602 announce_channel"),
        (json!({"zz": 1}), "L0-085 L0-129: -32602"),
        (json!({"public_key": KEY}), "L0-085 L0-129: -32602"),
        (
            json!({"announce_channel": 1, "token": "nope"}),
            "L1-107: 102|L1-071 L1-103: -32602 announce_channel",
        ),
    ] {
        let expected = of_order(&changes);
        assert_eq!(described(&expected.faults).join("|"), wanted, "{changes}");
        assert!(!expected.may_make_an_order());
    }
    let most = json!({lsp: "18446744073709551615", "client_balance_sat": "18446744073709551615"});
    let rows: Vec<&str> = of_order(&most).faults.iter().map(|fault| fault.rows[0]).collect();
    assert_eq!(rows, ["L1-044", "L1-048", "L1-053"]);
}

#[test]
fn what_readers_may_take_either_way_is_open() {
    for (changes, wanted) in [
        (json!({"lsp_balance_sat": "00050000"}), "L0-137: -32602 lsp_balance_sat"),
        (json!({"token": null}), "L1-065: -32602 token"),
        (json!({"refund_onchain_address": ""}), "L1-068: -32602 refund_onchain_address"),
        (json!({"refund_onchain_address": null}), "L1-068: -32602 refund_onchain_address"),
        (
            json!({"refund_onchain_address": "bcrt1zqqqsyqcyq5rqwzqfpg9scrgwpugpzysn7264x6"}),
            "L0-158: -32602 refund_onchain_address",
        ),
        (
            json!({"funding_confirms_within_blocks": 6.0}),
            "L1-057 L1-103: -32602 funding_confirms_within_blocks",
        ),
    ] {
        let expected = of_order(&changes);
        assert!(expected.faults.is_empty() && expected.may_make_an_order(), "{changes}");
        assert_eq!(described(&expected.openings), [wanted], "{changes}");
    }
}

#[test]
fn payloads_are_told_apart_by_what_is_wrong_with_them() {
    let good = String::from_utf8(payload("lsps0.list_protocols", &json!({}))).unwrap();
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let without = |member: &str| good.replace(member, "");
    for (bytes, row) in [
        (b"".to_vec(), "L0-009"),
        (b" \t\r\n".to_vec(), "L0-009"),
        (b"{".to_vec(), "L0-006"),
        (b"hello".to_vec(), "L0-006"),
        (good.as_bytes()[..40].to_vec(), "L0-006"),
        (b"[]".to_vec(), "L0-007"),
        (b"7".to_vec(), "L0-007"),
        (format!("[{good}]").into_bytes(), "L0-008"),
        (good.replace("7f7e", "\u{0}").into_bytes(), "L0-016"),
        ([good.as_bytes(), b"\0"].concat(), "L0-016"),
        ([b"{\"id\":\"", &[0xff][..], b"\"}"].concat(), "L0-010"),
        (utf16, "L0-011"),
        (format!("{good}\u{c}").into_bytes(), "L0-013"),
        (format!("{good}\u{a0}").into_bytes(), "L0-013"),
        (format!("\u{b}{good}").into_bytes(), "L0-013"),
        (b"{ } {".to_vec(), "L0-014"),
        (format!("{good} {good}").into_bytes(), "L0-014"),
        (format!("{good}x").into_bytes(), "L0-015"),
        (format!("{good},").into_bytes(), "L0-015"),
        (without("\"jsonrpc\":\"2.0\",").into_bytes(), "L0-018"),
        (without("\"method\":\"lsps0.list_protocols\",").into_bytes(), "L0-019"),
        (br#"{"jsonrpc":"2.0","id":"a","result":{}}"#.to_vec(), "L0-020"),
        (good.replace("{}", "7").into_bytes(), "L0-021"),
        (good.replace("{}", "null").into_bytes(), "L0-021"),
    ] {
        let expected = expect_message(&bytes, &facts(Transport::P2p));
        let text = String::from_utf8_lossy(&bytes);
        assert!(expected.is_bad_format(), "{text}");
        assert_eq!(expected.faults[0].rows, [row], "{text}");
        assert_eq!(expected.faults.len(), 1, "{text}");
    }
    let mark = expect_message(format!("\u{feff}{good}").as_bytes(), &facts(Transport::P2p));
    assert_eq!(mark.faults[0].rows, ["L0-011"]);
    assert_eq!(mark.faults[0].served, Judgement::Tolerated);
    let twice = good.replace("\"params\":{}", "\"id\":\"b\",\"params\":{}");
    assert!(expect_message(twice.as_bytes(), &facts(Transport::P2p)).anything);
}

#[test]
fn liberties_in_writing_are_features() {
    let good = String::from_utf8(payload("lsps0.list_protocols", &json!({}))).unwrap();
    let padded = format!("{good}{}", " ".repeat(65_533 - good.len()));
    let shuffled =
        format!(r#"{{"params":{{}},"id":"{ID}","method":"lsps0.list_protocols","jsonrpc":"2.0"}}"#);
    for (text, rows) in [
        (good.clone(), vec![]),
        (format!(" {good}\n"), vec!["L0-012"]),
        (padded, vec!["L0-004", "L0-012"]),
        (shuffled, vec!["L0-055"]),
        (good.replace(ID, "ünïcødé"), vec!["L0-048"]),
    ] {
        let expected = expect_message(text.as_bytes(), &facts(Transport::P2p));
        assert!(expected.faults.is_empty());
        let special = expected.features.iter().filter(|feature| feature.of_envelope);
        let mut found: Vec<&str> = special.flat_map(|feature| feature.rows.clone()).collect();
        found.sort_unstable();
        assert_eq!(found, rows);
    }
    let escaped = good.replace("\"params\"", "\"\\u0070arams\"");
    let open = expect_message(escaped.as_bytes(), &facts(Transport::P2p)).openings;
    assert_eq!(open[0].rows, ["L0-133"]);
    let number = good.replace(&format!("\"{ID}\""), "42");
    let open = expect_message(number.as_bytes(), &facts(Transport::P2p)).openings;
    assert_eq!(open[0].rows, ["L0-049"]);
}

#[test]
fn methods_and_readings_of_orders() {
    let p2p = facts(Transport::P2p);
    let faults = |method: &str, params: Value| {
        described(&expect_message(&payload(method, &params), &p2p).faults).join("|")
    };
    assert_eq!(faults("lsps1.nope", json!({})), "L0-130: -32601");
    assert_eq!(faults("LSPS1.get_info", json!({})), "L0-054 L0-130: -32601");
    assert_eq!(faults("lsps1.getInfo", json!({})), "L0-057 L0-130: -32601");
    assert_eq!(faults("get_info", json!({"zz": 1})), "L0-058 L0-130 L0-131: -32601");
    assert_eq!(faults("lsps1.get_info", json!({"zz": 1})), "L0-084 L0-129: -32602");
    let get = "lsps1.get_order";
    assert_eq!(faults(get, json!({"order_id": ORDER})), "");
    assert_eq!(faults(get, json!({"order_id": ORDER, "zz": 1})), "L0-086 L0-129: -32602");
    assert_eq!(faults(get, json!({"order_id": "foreign"})), "L1-120: 101");
    assert_eq!(faults(get, json!({"order_id": ID})), "L1-117: 101");
    assert_eq!(faults(get, json!({"order_id": "../x"})), "L1-119: 101, -32602");
    assert_eq!(faults(get, json!({"order_id": 7})), "L1-114: -32602 order_id");
    assert_eq!(faults(get, json!({})), "L1-114: -32602 order_id");
    assert_eq!(faults(get, json!([ORDER])), "L0-039: -32602, -32600, -32700");
}

#[test]
fn over_rest_the_public_key_counts_and_unknown_members_dont() {
    let rest = facts(Transport::Rest);
    let of = |changes: Value| {
        let mut body = rest.terms.base.clone();
        for (name, value) in changes.as_object().unwrap() {
            body.insert(name.clone(), value.clone());
        }
        let request = HttpRequest {
            method: "POST".into(),
            path: "create_order".into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Some(Value::Object(body).to_string().into_bytes()),
        };
        expect_http(&request, &rest)
    };
    for good in [
        json!({}),
        json!({"public_key": KEY.to_uppercase()}),
        json!({"refund_onchain_address": ""}),
    ] {
        let expected = of(good.clone());
        assert!(expected.faults.is_empty() && expected.openings.is_empty(), "{good}");
    }
    assert_eq!(of(json!({"client_info": {}})).openings.len(), 1);
    assert_eq!(of(json!({"public_key": &KEY[2..]})).faults[0].rows, ["L0-149", "RD-011"]);
    assert_eq!(of(json!({"announce_channel": 1})).faults[0].rows, ["L1-071", "L1-103", "RD-015"]);
}

/// What the oracle says about an answer to an order with these changes.
fn answered(changes: &Value, answer: Value) -> Answered {
    let mut envelope = answer;
    envelope["jsonrpc"] = json!("2.0");
    if envelope.get("id").is_none() {
        envelope["id"] = json!(ID);
    }
    let frames = [Frame { bytes: envelope.to_string().into_bytes(), at_ms: 1 }];
    let replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
    let document = document::of_frames(&json!({}), &json!(ID), &replies, End::Complete);
    judge(&of_order(changes), &document, Transport::P2p)
}

/// `row judgement` of all that isn't kept.
fn not_kept(answered: &Answered) -> Vec<String> {
    let bad = answered.found.iter().filter(|found| found.judgement != Judgement::Kept);
    bad.map(|found| format!("{} {:?}", found.row, found.judgement)).collect()
}

#[test]
fn answers_are_judged_for_the_right_reason() {
    let error =
        |code: i64, data: Value| json!({"error": {"code": code, "message": "m", "data": data}});
    let invalid = |property: &str| {
        error(-32602, json!({"property": property, "message": "m", "unrecognized": []}))
    };
    let mismatch = |property: &str| error(100, json!({"property": property, "message": "m"}));
    let above = json!({"lsp_balance_sat": "10000001"});
    let none: [&str; 0] = [];
    for (changes, answer, wanted) in [
        (json!({}), json!({"result": {}}), &none[..]),
        (json!({}), mismatch("max_initial_lsp_balance_sat"), &["L1-100 Broken"]),
        (json!({}), invalid("token"), &["L1-103 Broken"]),
        (json!({"token": ""}), error(102, json!({})), &["L1-067 Broken"]),
        (
            json!({"channel_expiry_blocks": 1}),
            mismatch("max_channel_expiry_blocks"),
            &["L1-064 Broken"],
        ),
        (json!({"announce_channel": 1}), invalid("announce_channel"), &none),
        (json!({"announce_channel": 1}), invalid("token"), &["L1-104 Broken", "L1-105 Broken"]),
        (
            json!({"announce_channel": 1}),
            json!({"result": {}}),
            &["L1-071 Broken", "L1-103 Broken"],
        ),
        (
            json!({"announce_channel": 1}),
            error(-32603, json!({})),
            &["L1-071 Broken", "L1-103 Broken"],
        ),
        (above.clone(), mismatch("max_initial_lsp_balance_sat"), &none),
        (above.clone(), mismatch("max_channel_balance_sat"), &none),
        (above.clone(), mismatch("lsp_balance_sat"), &["L1-102 CompatTolerated"]),
        (above.clone(), mismatch("options.max_initial_lsp_balance_sat"), &["L1-102 Broken"]),
        (json!({"zz": 1}), error(-32602, json!({"unrecognized": ["zz"]})), &none),
        (json!({"zz": 1}), error(-32602, json!({"unrecognized": []})), &["L0-081 Broken"]),
        (
            json!({"zz": 1}),
            error(-32602, json!({"unrecognized": ["zz", "token"]})),
            &["L0-081 Broken", "L0-082 Broken"],
        ),
        (json!({"token": "nope"}), error(1, json!({"message": "m"})), &none),
        (json!({}), error(1, json!({"message": "m"})), &none),
        (json!({"lsp_balance_sat": "00050000"}), invalid("lsp_balance_sat"), &none),
        (json!({"lsp_balance_sat": "00050000"}), error(100, json!({})), &["L0-137 Broken"]),
    ] {
        let found = answered(&changes, answer.clone());
        assert_eq!(not_kept(&found), wanted, "{changes} {answer}");
    }
    // With several faults any applicable code will do, and no other.
    let two = json!({"announce_channel": 1, "token": "nope"});
    assert_eq!(not_kept(&answered(&two, error(102, json!({})))), none);
    assert_eq!(not_kept(&answered(&two, invalid("announce_channel"))), none);
    let wrong = answered(&two, error(-32603, json!({})));
    assert_eq!(not_kept(&wrong), ["L1-111 Broken"]);
    assert!(wrong.suspects.contains("L1-107") && wrong.suspects.contains("L1-071"));
}

#[test]
fn bad_format_is_answered_with_a_null_id_and_the_right_text() {
    let judged = |reply: &str, end: End| {
        let frames: Vec<Frame> = (!reply.is_empty())
            .then(|| Frame { bytes: reply.as_bytes().to_vec(), at_ms: 1 })
            .into_iter()
            .collect();
        let replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
        let document = document::of_frames(&Value::Null, &json!("a"), &replies, end);
        let expected = expect_message(b"{", &facts(Transport::P2p));
        not_kept(&judge(&expected, &document, Transport::P2p))
    };
    let error = |id: &str, code: i32, text: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{text}"}}}}"#)
    };
    let none: [&str; 0] = [];
    assert_eq!(judged(&error("null", -32700, "Parse error"), End::Complete), none);
    assert_eq!(judged(&error("null", -32700, "no"), End::Complete), ["L0-025 Tolerated"]);
    assert_eq!(judged(&error("\"a\"", -32700, "parse error"), End::Complete), ["L0-024 Broken"]);
    assert_eq!(
        judged(&error("null", -32600, "parse error"), End::Complete),
        ["L0-006 Broken", "L0-023 Broken"]
    );
    assert_eq!(judged("", End::TimedOut), ["L0-006 Broken"]);
    assert_eq!(judged("", End::Closed), ["L0-006 Broken"]);
}
