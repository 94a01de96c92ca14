//! Requests that have to be refused, and what a target does after them.

use lsps1_scenarios::{Evidence, Ignoring, Session, SessionOutcome, Transport, Verdict};
use serde_json::{Value, json};

use crate::support::{Answer, Target, at, context, order, run, scenario};
use crate::{message, verdict};

const REFUSED: &str = r#"
id: refused
title: Refused
given: [info]
steps:
  - call: create_order
    with: { lsp_balance_sat: "{{ info.result.max_initial_lsp_balance_sat | int + 1 }}" }
    expect:
      - for: [L1-044]
        refused: { codes: [100], property: [max_initial_lsp_balance_sat], or: [{ codes: [-32602], unrecognized: [] }] }
"#;

fn refusal(code: i64, data: Value) -> Answer {
    Answer::Error(json!({"code": code, "message": "m", "data": data}))
}

#[test]
fn a_refusal_is_bound_to_its_reason() {
    let right = || refusal(100, json!({"property": "max_initial_lsp_balance_sat", "message": "m"}));
    let other = || refusal(-32602, json!({"unrecognized": []}));
    for (answer, expected) in [
        (right(), Verdict::Pass),
        (other(), Verdict::Pass),
        (refusal(102, json!({})), Verdict::Fail),
        (refusal(100, json!({"property": "lsp_balance_sat"})), Verdict::Fail),
        // What it is about can't be told; that has a finding of its own.
        (refusal(100, json!("text")), Verdict::Inconclusive),
        (refusal(100, json!(null)), Verdict::Inconclusive),
        (refusal(-32602, json!({"unrecognized": ["zz"]})), Verdict::Fail),
        (Answer::Result(order()), Verdict::Fail),
        (Answer::Silence, Verdict::Fail),
        (Answer::Close, Verdict::Fail),
        (Answer::Twice(Box::new(right())), Verdict::Fail),
        (Answer::ThenClose(Box::new(right())), Verdict::Pass),
        (Answer::WithId(Value::Null, Box::new(right())), Verdict::Fail),
    ] {
        let shown = format!("{answer:?}");
        let mut target = Target::good();
        target.answers.insert("lsps1.create_order".into(), answer);
        let outcome = run(&scenario(REFUSED), context(Transport::P2p), &mut target);
        assert_eq!(verdict(&outcome, "L1-044"), Some(expected), "{shown}: {:?}", outcome.reason);
    }
}

#[test]
fn what_a_target_does_after_a_refusal_is_not_held_against_the_refusal() {
    let right = refusal(100, json!({"property": "max_initial_lsp_balance_sat", "message": "m"}));
    for (order, after, own, says) in [
        (Answer::ThenClose(Box::new(right.clone())), None, Verdict::Pass, "closed the connection"),
        // Nobody can tell whether it refuses this only.
        (right.clone(), Some(Answer::Silence), Verdict::Inconclusive, "nor was there one on a new"),
        (right.clone(), Some(Answer::Close), Verdict::Inconclusive, "nor was there one on a new"),
    ] {
        let mut target = Target::good();
        target.answers.insert("lsps1.create_order".into(), order);
        if let Some(after) = after {
            target.answers.insert("lsps0.list_protocols".into(), after);
        }
        let outcome = run(&scenario(REFUSED), context(Transport::P2p), &mut target);
        assert_eq!(verdict(&outcome, "L1-044"), Some(own), "{says}: {:?}", outcome.reason);
        assert_eq!(verdict(&outcome, "L0-052"), Some(Verdict::Fail), "{says}");
        assert!(message(&outcome, "L0-052").contains(says), "{}", message(&outcome, "L0-052"));
    }
}

#[test]
fn who_answers_good_requests_wrongly_has_not_refused_a_bad_one_for_its_reason() {
    let right = refusal(100, json!({"property": "max_initial_lsp_balance_sat", "message": "m"}));
    for after in [Answer::Raw(b"?".to_vec()), Answer::WithId(Value::Null, Box::new(right.clone()))]
    {
        let mut target = Target::good();
        target.answers.insert("lsps1.create_order".into(), right.clone());
        target.answers.insert("lsps0.list_protocols".into(), after);
        let outcome = run(&scenario(REFUSED), context(Transport::P2p), &mut target);
        let found = message(&outcome, "L1-044");
        assert!(found.contains("it was refused, but to the next request"), "{found}");
    }
}

const SEVERAL: &str = r#"
id: several
title: Several
transports: [p2p]
steps:
  - send: { text: "{" }
    expect: [{ for: [L0-006], refused: parse_error }]
  - call: list_protocols
    envelope: { method: 7 }
    expect: [{ for: [L0-019], at: $.reply, is: { const: error } }]
  - call: lsps1.nope
    expect: [{ for: [L0-130], refused: { codes: [-32601] } }]
  - call: get_info
    expect: [{ for: [L1-010], at: $.result }]
"#;

/// What a target is found to break that ignores the client after each error, and how often it was waited for.
fn of_a_sulking_target(known: Ignoring) -> (SessionOutcome, Ignoring, u32) {
    let mut target = Target::good();
    target.sulks = true;
    let several = scenario(SEVERAL);
    let mut session = Session::new(&several, context(Transport::P2p));
    session.knows(known);
    let mut now = 0;
    while let Some(action) = session.next_action() {
        now += 1;
        session.observe(at(now), target.answer(&action, now));
    }
    let learnt = session.ignoring();
    (session.finish(), learnt, target.waited_in_vain)
}

#[test]
fn a_target_that_ignores_its_client_after_errors_is_found_out_once_and_heard_again() {
    let (outcome, learnt, waits) = of_a_sulking_target(Ignoring::default());
    for row in ["L0-006", "L0-019", "L0-130", "L1-010"] {
        assert_eq!(
            verdict(&outcome, row),
            Some(Verdict::Pass),
            "{row}: {}",
            message(&outcome, row)
        );
    }
    // After bad format, and after another error.
    for row in ["L0-026", "L0-052"] {
        assert_eq!(verdict(&outcome, row), Some(Verdict::Fail), "{row}");
        let found = message(&outcome, row);
        assert!(found.contains("ignores the client until it reconnects"), "{found}");
    }
    let shown = outcome.checks.iter().find(|check| check.requirement == "L0-026".into()).unwrap();
    assert!(
        matches!(&shown.evidence[0], Evidence::Sent { bytes, .. } if bytes.text.as_deref() == Some("{")),
        "{:?}",
        shown.evidence
    );
    assert_eq!(learnt, Ignoring { bad_format: true, others: true });
    // The second bad message isn't waited for again.
    assert_eq!(waits, 2);
}

#[test]
fn a_target_that_is_known_to_ignore_its_client_is_not_waited_for() {
    let (outcome, _, waits) = of_a_sulking_target(Ignoring { bad_format: true, others: true });
    assert_eq!((outcome.verdict, waits), (Verdict::Pass, 0), "{:?}", outcome.reason);
}

#[test]
fn a_wrong_code_is_named_before_the_id_that_goes_with_it() {
    let mut target = Target::good();
    let parse_error = Answer::Error(json!({"code": -32700, "message": "Parse error"}));
    target
        .answers
        .insert("lsps1.create_order".into(), Answer::WithId(Value::Null, Box::new(parse_error)));
    let outcome = run(&scenario(REFUSED), context(Transport::P2p), &mut target);
    let found = message(&outcome, "L1-044");
    assert!(found.contains("-32700") && found.contains("instead of code 100 or -32602"), "{found}");
}

#[test]
fn what_is_read_into_a_bad_payload_and_served_is_its_reply() {
    let two = scenario(
        r#"
id: two
title: Two
transports: [p2p]
steps:
  - send: { text: '{"id":"a"} {"id":"b"}' }
    expect: [{ for: [L0-014], refused: parse_error }]
  - call: list_protocols
    expect: [{ for: [L0-106], at: $.reply, is: { const: error } }]
"#,
    );
    let mut target = Target::good();
    target.parse_error =
        Answer::WithId(json!("a"), Box::new(Answer::Result(json!({"protocols": [1]}))));
    let outcome = run(&two, context(Transport::P2p), &mut target);
    let found = message(&outcome, "L0-014");
    assert!(found.contains("it was not refused: the reply was result"), "{found}");
    let found = message(&outcome, "L0-106");
    assert!(
        found.contains("the reply was result") && found.contains("found \"result\""),
        "{found}"
    );
}

#[test]
fn a_refusal_over_rest_has_a_status_or_an_error() {
    let data = json!({"property": "x"});
    for (answer, expected) in [
        (
            Answer::Http(
                400,
                json!({"error": {"code": 100, "message": "m", "data": data}}).to_string(),
            ),
            Verdict::Pass,
        ),
        (Answer::Http(422, "<html>".into()), Verdict::Pass),
        (Answer::Http(200, json!({"error": {"code": -32602}}).to_string()), Verdict::Pass),
        (Answer::Http(400, json!({"error": {"code": 102}}).to_string()), Verdict::Fail),
        (Answer::Http(400, json!({"error": {"order_id": "x"}}).to_string()), Verdict::Fail),
        (Answer::Http(200, order().to_string()), Verdict::Fail),
        (Answer::Http(200, "<html>".into()), Verdict::Fail),
        (Answer::Silence, Verdict::Fail),
    ] {
        let shown = format!("{answer:?}");
        let mut target = Target::good();
        target.answers.insert("lsps1.create_order".into(), answer);
        let outcome = run(&scenario(REFUSED), context(Transport::Rest), &mut target);
        assert_eq!(verdict(&outcome, "L1-044"), Some(expected), "{shown}: {:?}", outcome.reason);
    }
}

#[test]
fn bad_payloads_are_refused_with_a_null_id_and_silence_is_told_quickly() {
    let bad = scenario(
        r#"
id: bad
title: Bad
transports: [p2p]
steps:
  - send: { text: '{"jsonrpc":"2.0","id":"a",' }
    expect: [{ for: [L0-006, L0-023], refused: parse_error }]
  - send: { json: { jsonrpc: "2.0", id: a, result: {} } }
    expect: [{ for: [L0-020], at: $.reply, is: { const: error }, warn: { const: silence } }]
"#,
    );
    let mut target = Target::good();
    let outcome = run(&bad, context(Transport::P2p), &mut target);
    assert_eq!(outcome.verdict, Verdict::Warn, "{:?}", outcome.reason);
    assert_eq!(verdict(&outcome, "L0-006"), Some(Verdict::Pass));
    assert_eq!(verdict(&outcome, "L0-020"), Some(Verdict::Warn));
    assert!(target.waited_in_vain == 0, "silence was waited for");

    let mut deaf = Target::good();
    deaf.parse_error = Answer::Error(json!({"code": -32600, "message": "m"}));
    assert_eq!(
        verdict(&run(&bad, context(Transport::P2p), &mut deaf), "L0-006"),
        Some(Verdict::Fail)
    );
    let outcome = run(&bad, context(Transport::P2p), &mut deaf);
    let found = message(&outcome, "L0-006");
    assert!(found.contains("-32600") && found.contains("instead of code -32700"), "{found}");
    let mut echoing = Target::good();
    echoing.parse_error = Answer::WithId(
        json!("a"),
        Box::new(Answer::Error(json!({"code": -32700, "message": "m"}))),
    );
    assert_eq!(
        verdict(&run(&bad, context(Transport::P2p), &mut echoing), "L0-006"),
        Some(Verdict::Fail)
    );
}
