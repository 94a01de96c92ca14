//! The interpreter, driven by scripted targets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::LazyLock;

use lsps1_scenarios::{
    Action, End, Evidence, Frame, Ignoring, Observation, RequirementId, Scenario, Session,
    SessionOutcome, Span, Transport, Verdict, Wait,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use support::{Answer, Target, at, context, info, order, run, scenario};

fn verdict(outcome: &SessionOutcome, requirement: &str) -> Option<Verdict> {
    let wanted = RequirementId::from(requirement);
    outcome.checks.iter().find(|check| check.requirement == wanted).map(|check| check.verdict)
}

fn message(outcome: &SessionOutcome, requirement: &str) -> String {
    let wanted = RequirementId::from(requirement);
    let found = outcome.checks.iter().find(|check| check.requirement == wanted);
    found.map(|check| check.message.clone()).unwrap_or_default()
}

const ORDER: &str = r#"
id: order
title: An order
given: [info]
steps:
  - call: create_order
    with: { lsp_balance_sat: "{{ info.result.min_channel_balance_sat | int + 1 }}" }
    as: first
    expect:
      - { for: [L1-092], at: $.result.order_state, is: { const: CREATED }, says: a new order is CREATED }
      - { for: [L1-081], at: $.result.lsp_balance_sat, is: { const: "{{ this.request.params.lsp_balance_sat }}" }, when: "transport == 'p2p'" }
      - { for: [L1-070], at: $.result.payment.onchain, absent: true, warn: { type: "null" } }
  - call: get_order
    with: { order_id: "{{ first.result.order_id }}" }
    as: again
    expect:
      - { for: [L1-116], that: "first.result.order_id == again.result.order_id" }
"#;

#[test]
fn a_good_target_passes_over_both_transports() {
    for transport in [Transport::P2p, Transport::Rest] {
        let mut target = Target::good();
        let outcome = run(&scenario(ORDER), context(transport), &mut target);
        assert_eq!(
            (outcome.verdict, outcome.reason.as_deref()),
            (Verdict::Pass, None),
            "{transport}"
        );
        assert_eq!(verdict(&outcome, "L1-092"), Some(Verdict::Pass));
        assert_eq!(
            verdict(&outcome, "L1-081"),
            (transport == Transport::P2p).then_some(Verdict::Pass)
        );
        assert_eq!(verdict(&outcome, "L1-116"), Some(Verdict::Pass));
        assert_eq!(outcome.transcript.exchanges.len(), 3);
        let ordered = &target.seen[1];
        assert_eq!(ordered.1["lsp_balance_sat"], "50001");
        assert_eq!(ordered.1.get("public_key").is_some(), transport == Transport::Rest);
    }
}

#[test]
fn a_broken_expectation_fails_with_evidence() {
    let mut target = Target::good();
    target.order["order_state"] = json!("PENDING");
    target.order["payment"]["onchain"] = Value::Null;
    let outcome = run(&scenario(ORDER), context(Transport::P2p), &mut target);
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert!(
        message(&outcome, "L1-092").contains("a new order is CREATED"),
        "{}",
        message(&outcome, "L1-092")
    );
    assert_eq!(verdict(&outcome, "L1-070"), Some(Verdict::Warn));
    let check = outcome.checks.iter().find(|check| check.verdict == Verdict::Fail).unwrap();
    assert_eq!(check.evidence.len(), 2);
}

#[test]
fn what_is_no_reply_fails_the_expectation_and_leaves_the_rest_inconclusive() {
    for (answer, expected) in [
        (Answer::Silence, "there was no reply"),
        (Answer::Close, "closed the connection"),
        (Answer::Raw(b"<html>".to_vec()), "no reply to the request"),
        (Answer::Raw(b"\xff\xfe".to_vec()), "no reply to the request"),
        (
            Answer::Raw(br#"{"jsonrpc":"2.0","id":"other","result":{}}"#.to_vec()),
            "no reply to the request",
        ),
        (Answer::Error(json!({"code": -32603, "message": "m"})), "-32603"),
    ] {
        let mut target = Target::good();
        target.answers.insert("lsps1.create_order".into(), answer);
        let outcome = run(&scenario(ORDER), context(Transport::P2p), &mut target);
        assert_eq!(outcome.verdict, Verdict::Fail, "{expected}");
        assert!(message(&outcome, "L1-092").contains(expected), "{}", message(&outcome, "L1-092"));
        assert_eq!(verdict(&outcome, "L1-116"), Some(Verdict::Inconclusive), "{expected}");
        assert!(
            message(&outcome, "L1-116").contains("first.result"),
            "{}",
            message(&outcome, "L1-116")
        );
    }
}

#[test]
fn a_failing_prelude_makes_everything_inconclusive() {
    for answer in [
        Answer::Silence,
        Answer::Close,
        Answer::Error(json!({"code": -32603})),
        Answer::Result(json!([])),
    ] {
        let mut target = Target::good();
        target.answers.insert("lsps1.get_info".into(), answer);
        let outcome = run(&scenario(ORDER), context(Transport::P2p), &mut target);
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        assert!(outcome.reason.unwrap().contains("get_info gave nothing to work with"));
        assert!(outcome.checks.iter().all(|check| check.verdict == Verdict::Inconclusive));
        assert_eq!(outcome.checks.len(), 4);
    }
    let mut target = Target::good();
    target.reachable = false;
    let outcome = run(&scenario(ORDER), context(Transport::P2p), &mut target);
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.reason.unwrap().contains("failed to connect"));
}

#[test]
fn a_target_that_stopped_answering_is_not_waited_for_again_and_again() {
    let many = format!(
        "id: many\ntitle: Many\nsteps:\n{}",
        "  - {call: get_info, expect: [{for: [L1-010], at: $.result}]}\n".repeat(9)
    );
    let mut target = Target::good();
    target.answers.insert("lsps1.get_info".into(), Answer::Silence);
    let outcome = run(&scenario(&many), context(Transport::P2p), &mut target);
    assert_eq!(outcome.transcript.exchanges.len(), 2);
    assert_eq!(outcome.verdict, Verdict::Fail);
}

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

#[test]
fn pipelines_are_matched_by_id() {
    let pipeline = scenario(
        r#"
id: pipeline
title: Pipeline
transports: [p2p]
steps:
  - pipeline: [{ call: get_info }, { call: list_protocols }, { call: lsps1.nope }]
    as: all
    expect:
      - { for: [L0-046], at: "$.replies[0].result.max_channel_expiry_blocks" }
      - { for: [L0-052], at: $.count, is: { const: 3 } }
      - { for: [L0-130], that: "all.replies[2].error.code == -32601" }
"#,
    );
    let outcome = run(&pipeline, context(Transport::P2p), &mut Target::good());
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
}

#[test]
fn polls_end_when_the_condition_or_the_time_has_come() {
    let poll = scenario(
        r#"
id: poll
title: Poll
given: [order]
steps:
  - poll: get_order
    until: { properties: { result: { properties: { order_state: { const: COMPLETED } } } } }
    within: 3
    expect: [{ for: [L1-229], at: $.result.order_state, is: { const: COMPLETED } }]
"#,
    );
    let mut target = Target::good();
    target.completes_after = Some(3);
    let outcome = run(&poll, context(Transport::P2p), &mut target);
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
    let outcome = run(&poll, context(Transport::Rest), &mut Target::good());
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert!(outcome.transcript.exchanges.len() > 3);
}

#[test]
fn conditions_skip_with_their_reason() {
    let skipped = scenario(
        r#"
id: skipped
title: Skipped
given: [info]
only_if: [{ that: "info.result.min_channel_balance_sat | int == 0", reason: there is a minimum }]
steps: [{ call: get_info, expect: [{ for: [L1-010], at: $.result }] }]
"#,
    );
    let outcome = run(&skipped, context(Transport::P2p), &mut Target::good());
    assert_eq!(
        (outcome.verdict, outcome.reason.as_deref()),
        (Verdict::Skip, Some("there is a minimum"))
    );
    assert_eq!(verdict(&outcome, "L1-010"), Some(Verdict::Skip));
}

#[test]
fn a_condition_of_a_step_ends_the_scenario_before_its_expectations() {
    let with = |otherwise: &str| {
        let text = format!(
            r#"
id: ends
title: Ends
steps:
  - call: get_info
    only_if: {{ that: "this.result.min_channel_balance_sat | int == 0", reason: there is a minimum{otherwise} }}
    expect: [{{ for: [L1-010], at: $.result, is: {{ const: nothing }} }}]
"#
        );
        let outcome = run(&scenario(&text), context(Transport::P2p), &mut Target::good());
        assert_eq!(outcome.reason.as_deref(), Some("there is a minimum"));
        assert_eq!(verdict(&outcome, "L1-010"), Some(outcome.verdict));
        outcome.verdict
    };
    assert_eq!(with(""), Verdict::Skip);
    assert_eq!(with(", otherwise: inconclusive"), Verdict::Inconclusive);
}

#[test]
fn chain_steps_become_actions_and_documents() {
    let purchase = scenario(
        r#"
id: purchase
title: Purchase
needs: [chain]
given: [order]
steps:
  - client: connect
  - client: hold
  - pay: "{{ order.result.payment.bolt11.invoice }}"
  - payment: settled
    within: 0
    expect: [{ for: [L1-139], at: $.status, is: { const: pending } }]
  - mine: "{{ info.result.min_funding_confirms_within_blocks }}"
  - channel: usable
    as: channel
    expect: [{ for: [L1-224], that: "channel.lsp_sat >= order.result.lsp_balance_sat | int" }]
  - chain: "{{ channel.funding_outpoint }}"
    expect: [{ for: [L1-210], at: $.found, is: { const: true } }]
"#,
    );
    let mut target = Target::good();
    let outcome = run(&purchase, context(Transport::Rest), &mut target);
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
    assert_eq!(
        target.chain,
        [
            "client Connect",
            "client Hold",
            "pay lnbcrt1test",
            "await payment",
            "mine 6",
            "await channel",
            "output ab:0"
        ]
    );

    let mut broke = Target::good();
    broke.chain_failure = Some("the payer has no coins".into());
    let outcome = run(&purchase, context(Transport::Rest), &mut broke);
    assert_eq!(
        (outcome.verdict, outcome.reason.as_deref()),
        (Verdict::Inconclusive, Some("the payer has no coins"))
    );
}

#[test]
fn a_driver_that_answers_wrongly_is_the_harness_at_fault() {
    let scenario = scenario(ORDER);
    let mut session = Session::new(&scenario, context(Transport::P2p));
    assert!(matches!(session.next_action(), Some(Action::Connect { .. })));
    session.observe(
        Default::default(),
        Observation::Http { status: 200, headers: vec![], body: vec![], truncated: false },
    );
    assert_eq!(session.next_action(), None);
    assert_eq!(session.finish().verdict, Verdict::Error);
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let frames = |seed| {
        let mut context = context(Transport::P2p);
        context.seed = seed;
        let outcome = run(&scenario(ORDER), context, &mut Target::good());
        outcome
            .transcript
            .exchanges
            .iter()
            .map(|exchange| exchange.sent[0].bytes.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(frames(7), frames(7));
    assert_ne!(frames(7), frames(8));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("18446744073709551615")),
        Just(json!("2026-11-22T10:00:00.000Z")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![
            Just("result"),
            Just("error"),
            Just("id"),
            Just("order_id"),
            Just("payment"),
            Just("bolt11"),
            Just("bolt12"),
            Just("onchain"),
            Just("channel"),
            Just("data"),
            Just("code"),
            Just("unrecognized"),
            Just("order_state"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Replies that look more or less like those of a target: its members replaced by anything.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let mutated =
        (any::<bool>(), prop::collection::vec((any::<prop::sample::Index>(), json_value()), 0..4))
            .prop_map(|(new, changes)| {
                let mut result = if new { order() } else { info() };
                for (index, value) in changes {
                    if let Some(object) = result.as_object_mut() {
                        let keys: Vec<String> = object.keys().cloned().collect();
                        object.insert(keys[index.index(keys.len())].clone(), value);
                    }
                }
                json!({"jsonrpc": "2.0", "id": "$ID", "result": result}).to_string().into_bytes()
            });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        json_value().prop_map(|value| value.to_string().into_bytes()),
        json_value().prop_map(|value| json!({"jsonrpc": "2.0", "id": "$ID", "error": value})
            .to_string()
            .into_bytes()),
        mutated,
    ]
}

static SCENARIOS: LazyLock<Vec<Scenario>> =
    LazyLock::new(|| lsps1_scenarios::builtin_scenarios().unwrap());

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes back, a session ends with a verdict, and so do the invariants.
    #[test]
    fn no_observation_makes_a_session_panic(
        payloads in prop::collection::vec(prop::collection::vec(payload(), 0..3), 1..12),
        status in any::<u16>(),
        ends in prop::collection::vec(0u8..8, 1..12),
        pick in any::<prop::sample::Index>(),
        rest in any::<bool>(),
    ) {
        let scenario = &SCENARIOS[pick.index(SCENARIOS.len())];
        let transport = if rest { Transport::Rest } else { Transport::P2p };
        let mut session = Session::new(scenario, context(transport));
        let mut payloads = payloads.into_iter().cycle();
        let mut ends = ends.into_iter().cycle();
        let mut steps = 0u64;
        while let Some(action) = session.next_action() {
            steps += 1;
            prop_assert!(steps < 10_000, "the session doesn't end");
            let end = ends.next().unwrap();
            let answers = payloads.next().unwrap();
            session.observe(support::at(steps * 1000), support::anything(&action, answers, status, end));
        }
        let outcome = session.finish();
        let mut facts = lsps1_scenarios::invariant::RunFacts::default();
        lsps1_scenarios::invariant::judge(&outcome.transcript, &context(transport), &mut facts);
    }
}

#[test]
fn an_unfinished_session_is_inconclusive() {
    let scenario = scenario(ORDER);
    let mut session = Session::new(&scenario, context(Transport::P2p));
    session.next_action();
    session.observe(Default::default(), Observation::Connected);
    let Some(Action::Exchange { .. }) = session.next_action() else { panic!("an exchange") };
    session.observe(Default::default(), Observation::Frames { frames: vec![], end: End::TimedOut });
    assert_eq!(session.finish().verdict, Verdict::Inconclusive);
}

const COUNTED: &str = r#"
id: counted
title: One reply
transports: [p2p]
steps:
  - call: list_protocols
    quiet: true
    expect:
      - { for: [L0-052], at: $.count, is: { const: 1 }, says: a request gets exactly one reply }
  - call: list_protocols
"#;

/// What the session asks the driver for after the answer to a step that is `quiet`. The answer may come again then.
fn listened(comes_again: bool) -> (SessionOutcome, Vec<Action>) {
    let scenario = scenario(COUNTED);
    let mut session = Session::new(&scenario, context(Transport::P2p));
    let (mut listened, mut now, mut last) = (Vec::new(), 0, Vec::new());
    while let Some(action) = session.next_action() {
        now += 100;
        let observation = match &action {
            Action::Exchange { frames, .. } if frames.is_empty() => {
                listened.push(action.clone());
                let frames = if comes_again { std::mem::take(&mut last) } else { Vec::new() };
                Observation::Frames { frames, end: End::TimedOut }
            }
            Action::Exchange { frames, .. } => {
                let request: Value = serde_json::from_slice(&frames[0]).unwrap();
                let reply =
                    json!({"jsonrpc": "2.0", "id": request["id"], "result": {"protocols": [1]}});
                last = vec![Frame { bytes: reply.to_string().into_bytes(), at_ms: now }];
                Observation::Frames { frames: last.clone(), end: End::Complete }
            }
            _ => Observation::Connected,
        };
        session.observe(Span { from_ms: now, to_ms: now + 50 }, observation);
    }
    (session.finish(), listened)
}

#[test]
fn a_quiet_step_listens_on_for_the_drivers_quiet_window() {
    let (outcome, listened) = listened(false);
    assert_eq!(verdict(&outcome, "L0-052"), Some(Verdict::Pass));
    let [Action::Exchange { wait, .. }] = &listened[..] else { panic!("{listened:?}") };
    assert_eq!(*wait, Wait::default(), "no id awaited, and no time of its own");
}

#[test]
fn what_comes_in_the_quiet_window_counts_and_is_shown_with_its_length() {
    let (outcome, _) = listened(true);
    assert_eq!(verdict(&outcome, "L0-052"), Some(Verdict::Fail));
    let check = &outcome.checks[0];
    assert!(format!("{:?}", check.evidence).contains("listened on for 50 ms"), "{check:#?}");
}

#[test]
fn only_what_is_judged_is_no_preparation() {
    let scenario = scenario(ORDER);
    let mut session = Session::new(&scenario, context(Transport::Rest));
    let Some(Action::Http(request)) = session.next_action() else { panic!("no request") };
    assert_eq!((request.path.as_str(), session.is_preparing()), ("get_info", true));
    let (status, headers) = (200, Vec::new());
    let body = info().to_string().into_bytes();
    session.observe(
        Span { from_ms: 0, to_ms: 1 },
        Observation::Http { status, headers, body, truncated: false },
    );
    let Some(Action::Http(request)) = session.next_action() else { panic!("no request") };
    assert_eq!((request.path.as_str(), session.is_preparing()), ("create_order", false));
}

const ORDERING: &str = "id: ordering\ntitle: t\ngiven: [info]\nsteps:\n  - call: create_order\n    with: { announce_channel: 7 }\n    expect:\n      - { for: [L1-071], refused: { codes: [-32602] }, says: it is no boolean }\n      - { for: [L1-004], at: $.reply, is: { const: error }, says: an error }\n";

#[test]
fn a_client_that_is_turned_away_learns_nothing_about_its_order() {
    let scenario = scenario(ORDERING);
    for transport in [Transport::P2p, Transport::Rest] {
        let mut target = Target::good();
        let error = json!({"code": 1, "message": "m", "data": {"message": "not you"}});
        target.answers.insert("lsps1.create_order".into(), Answer::Error(error));
        let outcome = run(&scenario, context(transport), &mut target);
        let checks: Vec<Verdict> = outcome.checks.iter().map(|check| check.verdict).collect();
        assert!(checks.iter().all(|verdict| *verdict == Verdict::Inconclusive), "{checks:?}");
        assert_eq!(outcome.reason.as_deref(), Some("the LSP rejected the client (error 1)"));
    }
}

#[test]
fn a_client_that_was_served_before_is_not_turned_away() {
    let text =
        ORDERING.replace("id: ordering", "id: ordering-again").replace("[info]", "[info, order]");
    let scenario = support::scenario(&text);
    let mut target = Target::good();
    let error = json!({"code": 1, "message": "m", "data": {"message": "not you"}});
    target.wrong_orders = Some(Answer::Error(error));
    let outcome = run(&scenario, context(Transport::P2p), &mut target);
    assert_eq!(verdict(&outcome, "L1-071"), Some(Verdict::Fail), "{:?}", outcome.reason);
}

#[test]
fn a_target_without_time_is_not_judged() {
    let scenario = scenario(ORDERING);
    for (status, reason) in [
        (429, "the target limits its rate (HTTP 429)"),
        (503, "the target is not available (HTTP 503)"),
    ] {
        let mut target = Target::good();
        let busy = Answer::Http(status, r#"{"error":{"code":-32602}}"#.into());
        target.answers.insert("lsps1.create_order".into(), busy);
        let outcome = run(&scenario, context(Transport::Rest), &mut target);
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        assert_eq!(outcome.reason.as_deref(), Some(reason));
    }
}

#[test]
fn a_method_without_errors_of_its_own_may_fail_but_not_instead_of_refusing() {
    let served = "id: served\ntitle: t\nsteps:\n  - call: get_info\n    expect: [{ for: [L1-010], at: $.result, is: { type: object }, says: served }]\n";
    let refused = "id: refused\ntitle: t\nsteps:\n  - call: get_info\n    with: { zz: 1 }\n    expect: [{ for: [L0-084], refused: { codes: [-32602] }, says: unknown }]\n";
    for (text, verdict) in [(served, Verdict::Inconclusive), (refused, Verdict::Fail)] {
        let mut target = Target::good();
        let error = json!({"code": -32603, "message": "out of order"});
        target.answers.insert("lsps1.get_info".into(), Answer::Error(error));
        let outcome = run(&scenario(text), context(Transport::P2p), &mut target);
        assert_eq!(outcome.verdict, verdict, "{:?}", outcome.reason);
    }
}

#[test]
fn a_null_error_on_rest_is_no_error() {
    let text = "id: null-error\ntitle: t\ntransports: [rest]\nsteps:\n  - call: get_info\n    expect: [{ for: [RD-001], at: $.reply, is: { const: result }, says: served }]\n";
    let mut target = Target::good();
    let mut body = support::info();
    body["error"] = Value::Null;
    target.answers.insert("lsps1.get_info".into(), Answer::Http(200, body.to_string()));
    let outcome = run(&scenario(text), context(Transport::Rest), &mut target);
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
}
