//! What becomes of expectations, and of what stands in their way.

use lsps1_scenarios::{Action, End, Observation, Session, Span, Transport, Verdict};
use serde_json::{Value, json};

use crate::support::{Answer, Target, context, info, run, scenario};
use crate::{ORDER, message, verdict};

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

#[test]
fn an_unfinished_session_is_inconclusive() {
    let scenario = scenario(ORDER);
    let mut session = Session::new(&scenario, context(Transport::P2p));
    session.next_action();
    session.observe(Default::default(), Observation::Connected { features: Vec::new() });
    let Some(Action::Exchange { .. }) = session.next_action() else { panic!("an exchange") };
    session.observe(Default::default(), Observation::Frames { frames: vec![], end: End::TimedOut });
    assert_eq!(session.finish().verdict, Verdict::Inconclusive);
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
