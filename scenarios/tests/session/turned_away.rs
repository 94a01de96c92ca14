//! Answers that turn a client away, or that the specification allows instead of a result.

use lsps1_scenarios::{Transport, Verdict};
use serde_json::{Value, json};

use crate::support::{Answer, Target, context, info, run, scenario};
use crate::verdict;

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
    let scenario = scenario(&text);
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
    let mut body = info();
    body["error"] = Value::Null;
    target.answers.insert("lsps1.get_info".into(), Answer::Http(200, body.to_string()));
    let outcome = run(&scenario(text), context(Transport::Rest), &mut target);
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
}
