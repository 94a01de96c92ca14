//! Kinds of steps: pipelines, polls, conditions, steps on a chain, listening on.

use lsps1_scenarios::{
    Action, End, Frame, Observation, Session, SessionOutcome, Span, Transport, Verdict, Wait,
};
use serde_json::{Value, json};

use crate::support::{Target, context, run, scenario};
use crate::verdict;

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
fn a_scenario_that_ends_early_by_a_condition_is_what_it_has_judged() {
    let ends_after = |order_state: &str| {
        let text = r#"
id: ends
title: Ends
given: [order]
steps:
  - call: get_order
    expect: [{ for: [L1-092], at: $.result.order_state, is: { const: STATE } }]
  - call: get_info
    only_if: { that: "order.result.order_state == 'COMPLETED'", reason: there is no channel, otherwise: end }
  - call: get_info
    expect: [{ for: [L1-010], at: $.nothing }]
"#;
        let ends = scenario(&text.replace("STATE", order_state));
        let outcome = run(&ends, context(Transport::P2p), &mut Target::good());
        assert_eq!(verdict(&outcome, "L1-010"), None, "what wasn't reached isn't judged");
        outcome.verdict
    };
    assert_eq!(ends_after("CREATED"), Verdict::Pass);
    assert_eq!(ends_after("FAILED"), Verdict::Fail);
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
fn orders_are_read_after_each_step_on_a_chain() {
    let life = scenario(
        r#"
id: life
title: Life
needs: [chain]
given: [order]
steps:
  - client: connect
  - pay: "{{ order.result.payment.bolt11.invoice }}"
  - client: disconnect
  - mine: 1
    expect: [{ for: [L1-225], that: "true" }]
"#,
    );
    let reads = |transport: Transport| {
        let outcome = run(&life, context(transport), &mut Target::good());
        assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.reason);
        let is_read = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains("get_order");
        let sent = outcome.transcript.exchanges.iter().flat_map(|exchange| &exchange.sent);
        sent.filter(|message| is_read(&message.bytes)).count()
    };
    assert_eq!(reads(Transport::Rest), 4);
    // The client that reads them is away then.
    assert_eq!(reads(Transport::P2p), 2);
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
            _ => Observation::Connected { features: Vec::new() },
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
fn listening_asks_for_nothing_and_counts_what_comes() {
    let silence = scenario(
        r#"
id: silence
title: Silence
transports: [p2p]
steps:
  - listen: main
  - listen: main
  - listen: main
    expect: [{ for: [L0-045], that: this.count == 0 }]
"#,
    );
    let listen = |news: &[u8]| {
        let mut session = Session::new(&silence, context(Transport::P2p));
        while let Some(action) = session.next_action() {
            let observation = match action {
                Action::Exchange { frames, wait, .. } => {
                    assert_eq!((frames.len(), wait), (0, Wait::default()));
                    let came = Frame { bytes: news.to_vec(), at_ms: 0 };
                    let frames = if news.is_empty() { Vec::new() } else { vec![came] };
                    Observation::Frames { frames, end: End::TimedOut }
                }
                _ => Observation::Connected { features: Vec::new() },
            };
            session.observe(Span::default(), observation);
        }
        session.finish()
    };
    // Nobody is taken for dead who wasn't asked.
    assert_eq!(verdict(&listen(b""), "L0-045"), Some(Verdict::Pass));
    let news = br#"{"jsonrpc":"2.0","method":"news","params":{}}"#;
    assert_eq!(verdict(&listen(news), "L0-045"), Some(Verdict::Warn));
}
