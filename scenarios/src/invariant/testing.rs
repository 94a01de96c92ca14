//! Small transcripts for the tests of the invariants.

use std::time::Duration;

use lightning_invoice::Currency;
use serde_json::{Value, json};

use super::collect::Collector;
use super::view::View;
use super::{RunFacts, SUBJECTS, judge};
use crate::action::{End, Transport};
use crate::context::SessionContext;
use crate::decode::invoice::tests::make;
use crate::requirement::RequirementId;
use crate::transcript::{Exchange, HttpExchange, Message, Transcript};
use crate::verdict::{CheckResult, Profile, Verdict};

/// Start of the session: 2026-11-22T10:00:00Z, in seconds since 1970.
pub(super) const START_S: u64 = 1_795_341_600;

/// The outcomes of a transcript.
pub(super) struct Found(Vec<CheckResult>);

impl Found {
    pub(super) fn verdict(&self, requirement: &str) -> Option<Verdict> {
        self.result(requirement).map(|result| result.verdict)
    }

    /// The requirements that aren't kept, sorted.
    pub(super) fn broken(&self) -> Vec<String> {
        let broken = self.0.iter().filter(|result| result.verdict != Verdict::Pass);
        broken.map(|result| result.requirement.to_string()).collect()
    }

    /// How many pieces of evidence there are for a requirement.
    pub(super) fn evidence(&self, requirement: &str) -> usize {
        self.result(requirement).map_or(0, |result| result.evidence.len())
    }

    /// The requirements that were judged.
    pub(super) fn rows(&self) -> Vec<String> {
        self.0.iter().map(|result| result.requirement.to_string()).collect()
    }

    fn result(&self, requirement: &str) -> Option<&CheckResult> {
        self.0.iter().find(|result| result.requirement == RequirementId::from(requirement))
    }
}

/// The id of the target's node.
pub(super) fn node() -> String {
    format!("03{}", "cd".repeat(32))
}

pub(crate) fn context(transport: Transport, profile: Profile) -> SessionContext {
    SessionContext {
        transport,
        profile,
        network: Some("regtest".into()),
        public_key: format!("02{}", "ab".repeat(32)),
        target_node: Some(node()),
        token: None,
        any_token: false,
        spent_token: None,
        onchain_off: false,
        refund_address: None,
        seed: 1,
        now: jiff::Timestamp::from_second(START_S.try_into().unwrap()).unwrap(),
        patience: None,
    }
}

fn message(at_ms: u64, bytes: &[u8]) -> Message {
    Message { at_ms, bytes: bytes.to_vec() }
}

fn p2p(at_ms: u64, sent: &[u8], received: &[&[u8]]) -> Exchange {
    Exchange {
        transport: Transport::P2p,
        via: "main".into(),
        sent: vec![message(at_ms, sent)],
        received: received.iter().map(|bytes| message(at_ms, bytes)).collect(),
        end: End::Complete,
        http: None,
    }
}

fn call(at_ms: u64, id: &str, method: &str, params: &Value, reply: &Value) -> Exchange {
    let sent = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
    let mut envelope = json!({"jsonrpc": "2.0", "id": id});
    envelope.as_object_mut().unwrap().extend(reply.as_object().unwrap().clone());
    p2p(at_ms, sent.as_bytes(), &[envelope.to_string().as_bytes()])
}

fn judged(exchanges: Vec<Exchange>, profile: Profile, facts: &mut RunFacts) -> Found {
    let transport = exchanges[0].transport;
    let transcript = Transcript { exchanges };
    let context = context(transport, profile);
    assert_only_declared(&transcript, &context, facts);
    Found(judge(&transcript, &context, facts))
}

/// Each subject reports its own rows only.
fn assert_only_declared(transcript: &Transcript, context: &SessionContext, facts: &RunFacts) {
    for subject in SUBJECTS {
        let mut collector = Collector::new(transcript, context);
        (subject.judge)(&View::of(transcript), &mut collector, &mut facts.clone());
        for result in collector.into_results() {
            let row = result.requirement.as_str();
            assert!(subject.rows.contains(&row), "{} reports {row}", subject.name);
        }
    }
}

/// The transcript of a create_order that was answered with `order`.
pub(super) fn transcript_of_created(order: &Value) -> Transcript {
    let exchange = call(0, "a", "lsps1.create_order", &wanted(), &json!({"result": order}));
    Transcript { exchanges: vec![exchange] }
}

/// Raw payloads in reply to list_protocols with the id `a`.
pub(super) fn p2p_raw(payloads: &[&[u8]]) -> Found {
    let sent = br#"{"jsonrpc":"2.0","id":"a","method":"lsps0.list_protocols","params":{}}"#;
    judged(vec![p2p(0, sent, payloads)], Profile::Strict, &mut RunFacts::default())
}

/// Payloads that were sent one after the other over a connection, and what came back at once.
pub(super) fn p2p_exchanges(exchanges: &[(&str, Vec<&[u8]>)]) -> Found {
    let exchanges =
        exchanges.iter().map(|(sent, received)| p2p(0, sent.as_bytes(), received)).collect();
    judged(exchanges, Profile::Strict, &mut RunFacts::default())
}

/// The reply (`{"result": …}` or `{"error": …}`) to a call.
pub(super) fn p2p_call(method: &str, params: Value, reply: Value, profile: Profile) -> Found {
    judged(vec![call(0, "a", method, &params, &reply)], profile, &mut RunFacts::default())
}

/// The response to an HTTP request.
pub(super) fn rest_call(method: &str, params: Value, status: u16, body: &Value) -> Found {
    let exchange = rest(method, params, status, body);
    judged(vec![exchange], Profile::Strict, &mut RunFacts::default())
}

/// `info` as the answer to get_info, in a run of several sessions.
pub(super) fn answered_info(transport: Transport, info: &Value, facts: &mut RunFacts) -> Found {
    let method = "lsps1.get_info";
    let exchange = match transport {
        Transport::P2p => call(0, "a", method, &json!({}), &json!({"result": info})),
        Transport::Rest => rest(method, json!({}), 200, info),
    };
    judged(vec![exchange], Profile::Strict, facts)
}

/// `result` as the answer to list_protocols, in a run of several sessions.
pub(super) fn answered_protocols(result: &Value, facts: &mut RunFacts) -> Found {
    let answer = json!({"result": result});
    let exchange = call(0, "a", "lsps0.list_protocols", &json!({}), &answer);
    judged(vec![exchange], Profile::Strict, facts)
}

fn rest(method: &str, params: Value, status: u16, body: &Value) -> Exchange {
    Exchange {
        transport: Transport::Rest,
        via: format!("POST {method}"),
        sent: vec![message(0, params.to_string().as_bytes())],
        received: vec![message(0, body.to_string().as_bytes())],
        end: End::Complete,
        http: Some(HttpExchange {
            method: Some(method.into()),
            params,
            status: Some(status),
            content_type: Some("application/json".into()),
            truncated: false,
        }),
    }
}

/// What was ordered.
pub(super) fn wanted() -> Value {
    json!({
        "lsp_balance_sat": "100000", "client_balance_sat": "20000", "required_channel_confirmations": 0,
        "funding_confirms_within_blocks": 6, "channel_expiry_blocks": 144, "announce_channel": false,
    })
}

pub(super) fn wanted_with_refund() -> Value {
    let mut wanted = wanted();
    wanted["refund_onchain_address"] = json!("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080");
    wanted
}

/// A new order.
pub(crate) fn order() -> Value {
    let at = Duration::from_secs(START_S);
    let invoice = make(Some(20_100_000), Currency::Regtest, 1, at, Duration::from_secs(3600));
    json!({
        "order_id": "6a53c7b5-92b7-4d5c-9a7f-3b0a5a3f3d11",
        "lsp_balance_sat": "100000", "client_balance_sat": "20000", "required_channel_confirmations": 0,
        "funding_confirms_within_blocks": 6, "channel_expiry_blocks": 144, "token": "", "announce_channel": false,
        "created_at": "2026-11-22T10:00:00.500Z", "order_state": "CREATED", "channel": null,
        "payment": {"bolt11": {
            "state": "EXPECT_PAYMENT", "expires_at": "2026-11-22T11:00:00.000Z", "fee_total_sat": "100",
            "order_total_sat": "20100", "invoice": invoice,
        }},
    })
}

/// A new order that can be paid on chain as well.
pub(super) fn onchain_order() -> Value {
    let mut order = order();
    order["payment"]["onchain"] = json!({
        "state": "EXPECT_PAYMENT", "expires_at": "2026-11-22T11:00:00.000Z", "fee_total_sat": "200", "order_total_sat": "20200",
        "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "min_onchain_payment_confirmations": 0,
        "min_fee_for_0conf": 253, "refund_onchain_address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    });
    order
}

/// The order once its channel is open.
pub(super) fn completed() -> Value {
    let mut order = order();
    order["order_state"] = json!("COMPLETED");
    order["payment"]["bolt11"]["state"] = json!("PAID");
    order["channel"] = json!({
        "funded_at": "2026-11-22T10:00:30.000Z", "expires_at": "2026-11-23T10:00:30.000Z",
        "funding_outpoint": format!("{}:0", "ab".repeat(32)),
    });
    order
}

/// `order` as the answer to create_order.
pub(super) fn created(order: &Value, profile: Profile) -> Found {
    p2p_call("lsps1.create_order", wanted(), json!({"result": order}), profile)
}

/// `order` as the answer to create_order with these parameters.
pub(super) fn created_with(wanted: Value, order: &Value) -> Found {
    p2p_call("lsps1.create_order", wanted, json!({"result": order}), Profile::Strict)
}

/// `order` as the answer to create_order with a refund address, after `info` as the answer to get_info.
pub(super) fn created_after(info: &Value, order: &Value) -> Found {
    let exchanges = vec![
        call(0, "a", "lsps1.get_info", &json!({}), &json!({"result": info})),
        call(1, "b", "lsps1.create_order", &wanted_with_refund(), &json!({"result": order})),
    ];
    judged(exchanges, Profile::Strict, &mut RunFacts::default())
}

/// `order` as the answer to create_order, in a run of several sessions.
pub(super) fn created_with_facts(order: &Value, facts: &mut RunFacts) -> Found {
    let exchange =
        call(0, "a", "lsps1.create_order", &wanted_with_refund(), &json!({"result": order}));
    judged(vec![exchange], Profile::Strict, facts)
}

/// `order` as the answer to get_order.
pub(super) fn read(order: &Value) -> Found {
    let params = json!({"order_id": order["order_id"]});
    p2p_call("lsps1.get_order", params, json!({"result": order}), Profile::Strict)
}

/// Readings of the order one after the other, `pause_ms` apart.
pub(super) fn history(readings: &[Value], pause_ms: u64, profile: Profile) -> Found {
    let asked = json!({"order_id": order()["order_id"]});
    let exchanges = readings
        .iter()
        .zip(0u64..)
        .map(|(order, number)| {
            call(
                number * pause_ms,
                &format!("id-{number}"),
                "lsps1.get_order",
                &asked,
                &json!({"result": order}),
            )
        })
        .collect();
    judged(exchanges, profile, &mut RunFacts::default())
}
