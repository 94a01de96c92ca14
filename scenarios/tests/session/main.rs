//! The interpreter, driven by scripted targets.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod anything;
mod expectations;
mod refusals;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod turned_away;

use lsps1_scenarios::{RequirementId, SessionOutcome, Verdict};

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
