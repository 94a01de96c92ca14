//! The scenario file as it is written, and how it becomes a [`Scenario`].
//!
//! A step or an expectation has one key that says what it is. They are read into structs with all keys first and taken
//! apart afterwards, since an error then names the file's line and the key instead of 'no variant matched'.

mod expectation;
mod request;
mod step;

use serde::Deserialize;

use super::{ClientKind, Condition, Given, Need, PayerKind, Scenario, Step};
use crate::action::Transport;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScenarioFile {
    id: String,
    title: String,
    #[serde(default = "both_transports")]
    transports: Vec<Transport>,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    client: ClientKind,
    #[serde(default)]
    payer: PayerKind,
    #[serde(default)]
    alone: bool,
    #[serde(default)]
    given: Vec<Given>,
    #[serde(default)]
    only_if: Vec<Condition>,
    steps: Vec<Step>,
}

fn both_transports() -> Vec<Transport> {
    vec![Transport::P2p, Transport::Rest]
}

impl ScenarioFile {
    pub(super) fn into_scenario(self, source: String) -> Scenario {
        // An order can only be made with what get_info says.
        let wants_info = self.given.contains(&Given::Info) || self.given.contains(&Given::Order);
        let mut given = Vec::new();
        if wants_info {
            given.push(Given::Info);
        }
        if self.given.contains(&Given::Order) {
            given.push(Given::Order);
        }
        Scenario {
            id: self.id,
            title: self.title,
            source,
            transports: self.transports,
            needs: self.needs,
            client: self.client,
            payer: self.payer,
            alone: self.alone,
            given,
            only_if: self.only_if,
            steps: self.steps,
            property: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::{Act, Check, Payload, Refusal};
    use super::*;

    fn parse(text: &str) -> Result<Scenario, String> {
        serde_saphyr::from_str::<ScenarioFile>(text)
            .map(|file| file.into_scenario("test.yaml".into()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_of_step_is_read() {
        let scenario = parse(
            r#"
id: all-kinds
title: Every kind of step
given: [order]
only_if: [{that: "true", reason: never}]
steps:
  - call: create_order
    with: {lsp_balance_sat: "{{ info.result.x | int + 1 }}", token: null, n: 65536, f: 1.5, s: "18446744073709551615"}
    without: [announce_channel]
    envelope: {id: 42}
    envelope_without: [jsonrpc]
    on: other
    as: over
    expect:
      - for: [L1-044]
        refused: {codes: [100], property: [max], or: [{codes: [-32602], unrecognized: []}]}
      - {for: [L1-092], at: $.result.order_state, is: {const: CREATED}, warn: true, says: created}
      - {for: [L1-070], at: $.x, absent: true, warn: {type: "null"}}
      - {for: [L1-040], that: "1 == 1", when: "true"}
  - send: {text: "{"}
    expect: [{for: [L0-006], refused: parse_error}]
  - send: {hex: "7b 7D"}
  - send: {base64: "AP8="}
  - send: {json: null}
  - http: {method: POST, path: get_info, query: {a: b}, headers: {x: y}, text: "{"}
  - pipeline: [{call: get_info}, {call: get_order, with: {order_id: x}}]
  - reconnect: main
  - client: connect
  - client: hold
  - order_through_client: {lsp_balance_sat: "1"}
  - pay: "{{ order.result.payment.bolt11.invoice }}"
  - pay: {invoice: "{{ order.result.payment.bolt11.invoice }}", amount_msat: 1}
  - pay: {offer: "{{ order.result.payment.bolt12.offer }}"}
  - poll: get_order
    until: {required: [result]}
    within: 30
  - payment: settled
    of: "{{ first.payment }}"
  - mine: 6
  - channel: usable
    within: 20
  - chain: "a:0"
  - pay_onchain: {address: "{{ order.result.payment.onchain.address }}", amount_sat: 1, sat_per_kwu: 253}
    only_if: {that: "true", reason: never}
  - received: "{{ refund_address }}"
    above_sat_per_kwu: 500
  - received: "{{ refund_address }}"
    at_least_sat: "{{ 1 + 1 }}"
    when: "true"
  - take_back: "{{ payment.txid }}"
  - reorganise: 1
  - advance_clock: 3600
  - expire: "{{ order.result.order_id }}"
  - target: restart
"#,
        )
        .unwrap();
        assert_eq!(scenario.given(), [Given::Info, Given::Order]);
        assert_eq!(scenario.steps().len(), 27);
        let Act::Call(call) = &scenario.steps()[0].act else { panic!("the first step is a call") };
        assert_eq!(call.with["token"], Value::Null);
        assert_eq!(call.with["n"], serde_json::json!(65536));
        assert_eq!(call.with["s"], serde_json::json!("18446744073709551615"));
        assert_eq!(call.conn, "other");
        let Check::Refused(Refusal::Error(kinds)) = &scenario.steps()[0].expect[0].check else {
            panic!("a refusal")
        };
        assert_eq!(kinds.len(), 2);
        assert!(
            matches!(&scenario.steps()[2].act, Act::Send { payload: Payload::Bytes(bytes), .. } if bytes == b"{}")
        );
        assert!(
            matches!(&scenario.steps()[3].act, Act::Send { payload: Payload::Bytes(bytes), .. } if bytes == &[0, 0xff])
        );
        assert!(matches!(
            &scenario.steps()[4].act,
            Act::Send { payload: Payload::Json(Value::Null), .. }
        ));
        assert_eq!(scenario.requirements().len(), 5);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let with_steps = |steps: &str| format!("id: x\ntitle: y\nsteps:\n{steps}");
        for (steps, expected) in [
            ("  - {call: get_info, sned: 1}", "sned"),
            ("  - {call: get_info, pay: x}", "call and pay"),
            ("  - {pay: {offer: x, amount_msat: 1}}", "PayFile"),
            ("  - {as: x}", "has none"),
            ("  - {mine: 6, with: {a: 1}}", "`with` has no meaning"),
            ("  - {poll: get_order}", "until"),
            ("  - {send: {hex: '7'}}", "`hex` can't be read"),
            ("  - {call: get_info, expect: [{for: [], at: $}]}", "names no requirement"),
            ("  - {call: get_info, expect: [{for: [L1-001]}]}", "one of: at"),
            ("  - {call: get_info, expect: [{for: [L1-001], refused: nicely}]}", "parse_error"),
        ] {
            let error = parse(&with_steps(steps)).unwrap_err();
            assert!(error.contains(expected), "{steps}: {error}");
            assert!(error.contains("line 4"), "no place in: {error}");
        }
    }
}
