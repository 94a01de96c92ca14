//! The scenario file as it is written, and how it becomes a [`Scenario`].
//!
//! A step or an expectation has one key that says what it is. They are read into structs with all keys first and taken
//! apart afterwards, since an error then names the file's line and the key instead of 'no variant matched'.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bitcoin::hex::FromHex;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de::value::MapAccessDeserializer};
use serde_json::{Map, Value};

use super::{
    Act, Call, Check, ClientKind, Condition, Expectation, Given, HttpCall, Need, PayerKind,
    Payload, Refusal, RefusalKind, Scenario, Step,
};
use crate::action::{ChannelStage, ClientAct, LSPS0_TYPE, PaymentStage, Transport};
use crate::requirement::RequirementId;

/// The connection that a step uses unless it names another.
const MAIN: &str = "main";

/// How long a chain step or a poll waits unless it says otherwise.
const USUAL_WAIT: Duration = Duration::from_secs(60);

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

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StepFile::deserialize(deserializer)?.into_step().map_err(de::Error::custom)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct StepFile {
    // What the step does: exactly one of these.
    call: Option<String>,
    send: Option<SendFile>,
    http: Option<HttpFile>,
    pipeline: Option<Vec<CallFile>>,
    reconnect: Option<String>,
    client: Option<ClientAct>,
    order_through_client: Option<Map<String, Value>>,
    pay: Option<PayFile>,
    poll: Option<String>,
    tell: Option<String>,
    payment: Option<PaymentStage>,
    mine: Option<Value>,
    channel: Option<ChannelStage>,
    chain: Option<String>,
    pay_onchain: Option<PayOnchainFile>,
    take_back: Option<String>,
    reorganise: Option<Value>,
    received: Option<String>,
    expire: Option<String>,
    advance_clock: Option<u32>,
    target: Option<TargetWord>,
    // With `tell`.
    message_type: Option<u16>,
    hang_up: Option<bool>,
    // With `call`, `poll` and `tell`.
    with: Option<Map<String, Value>>,
    without: Option<Vec<String>>,
    envelope: Option<Map<String, Value>>,
    envelope_without: Option<Vec<String>>,
    // With `call`, `poll`, `tell`, `send` and `pipeline`.
    on: Option<String>,
    // With `poll`.
    until: Option<Value>,
    // With `payment` and `channel`.
    of: Option<String>,
    // With `poll`, `payment` and `channel`; in seconds.
    within: Option<u64>,
    // With `received`.
    at_least_sat: Option<Value>,
    above_sat_per_kwu: Option<Value>,
    // With everything.
    when: Option<String>,
    #[serde(rename = "as")]
    save_as: Option<String>,
    only_if: Option<Condition>,
    // With `call`, `send` and `pipeline`.
    quiet: bool,
    expect: Vec<Expectation>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TargetWord {
    Restart,
}

/// What is paid: an invoice, more said about it, or an offer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PayFile {
    Invoice(String),
    As(PayAs),
    Offer(PayOffer),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayOnchainFile {
    address: String,
    amount_sat: Value,
    sat_per_kwu: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayAs {
    invoice: String,
    amount_msat: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PayOffer {
    offer: String,
}

impl StepFile {
    fn into_step(mut self) -> Result<Step, String> {
        let (save_as, when) = (self.save_as.take(), self.when.take());
        let only_if = self.only_if.take();
        let expect = std::mem::take(&mut self.expect);
        let act = self.take_act()?;
        self.refuse_left_over_keys()?;
        if self.quiet && !matches!(act, Act::Call(_) | Act::Send { .. } | Act::Pipeline { .. }) {
            return Err("`quiet` goes with `call`, `send` and `pipeline`".into());
        }
        Ok(Step { act, save_as, when, quiet: self.quiet, only_if, expect })
    }

    fn take_act(&mut self) -> Result<Act, String> {
        let kinds = [
            ("call", self.call.is_some()),
            ("send", self.send.is_some()),
            ("http", self.http.is_some()),
            ("pipeline", self.pipeline.is_some()),
            ("reconnect", self.reconnect.is_some()),
            ("client", self.client.is_some()),
            ("order_through_client", self.order_through_client.is_some()),
            ("pay", self.pay.is_some()),
            ("poll", self.poll.is_some()),
            ("tell", self.tell.is_some()),
            ("payment", self.payment.is_some()),
            ("mine", self.mine.is_some()),
            ("channel", self.channel.is_some()),
            ("chain", self.chain.is_some()),
            ("pay_onchain", self.pay_onchain.is_some()),
            ("take_back", self.take_back.is_some()),
            ("reorganise", self.reorganise.is_some()),
            ("received", self.received.is_some()),
            ("expire", self.expire.is_some()),
            ("advance_clock", self.advance_clock.is_some()),
            ("target", self.target.is_some()),
        ];
        let found: Vec<&str> =
            kinds.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
        if found.len() != 1 {
            let all: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            return Err(match found.as_slice() {
                [] => format!("a step has one of the keys {}, this one has none", all.join(", ")),
                several => format!(
                    "a step does one thing, this one has {}: make it several steps",
                    several.join(" and ")
                ),
            });
        }
        if let Some(method) = self.call.take() {
            return Ok(Act::Call(self.take_call(method)));
        }
        if let Some(method) = self.poll.take() {
            let until =
                self.until.take().ok_or("a poll needs `until`, a JSON Schema on its document")?;
            let within = self.take_within();
            return Ok(Act::Poll { call: self.take_call(method), until, within });
        }
        if let Some(method) = self.tell.take() {
            let type_id = self.message_type.take().unwrap_or(LSPS0_TYPE);
            let hang_up = self.hang_up.take().unwrap_or(false);
            if type_id == LSPS0_TYPE && !hang_up {
                return Err("a `tell` has another `message_type`, or `hang_up: true`".into());
            }
            return Ok(Act::Tell { call: self.take_call(method), type_id, hang_up });
        }
        if let Some(send) = self.send.take() {
            return Ok(Act::Send { payload: send.into_payload()?, conn: self.take_conn() });
        }
        if let Some(http) = self.http.take() {
            return Ok(Act::Http(http.into_call()?));
        }
        if let Some(calls) = self.pipeline.take() {
            let conn = self.take_conn();
            if calls.is_empty() {
                return Err("a pipeline needs at least one call".into());
            }
            let calls = calls.into_iter().map(|call| call.into_call(&conn)).collect();
            return Ok(Act::Pipeline { calls, conn });
        }
        if let Some(conn) = self.reconnect.take() {
            return Ok(Act::Reconnect { conn });
        }
        if let Some(act) = self.client.take() {
            return Ok(Act::Client(act));
        }
        if let Some(params) = self.order_through_client.take() {
            return Ok(Act::OrderThroughClient { params });
        }
        if let Some(pay) = self.pay.take() {
            return Ok(match pay {
                PayFile::Invoice(invoice) => Act::Pay { invoice, amount_msat: None },
                PayFile::As(PayAs { invoice, amount_msat }) => Act::Pay { invoice, amount_msat },
                PayFile::Offer(PayOffer { offer }) => Act::PayOffer { offer },
            });
        }
        if let Some(until) = self.payment.take() {
            return Ok(Act::AwaitPayment { of: self.of.take(), until, within: self.take_within() });
        }
        if let Some(blocks) = self.mine.take() {
            return Ok(Act::Mine { blocks });
        }
        if let Some(until) = self.channel.take() {
            return Ok(Act::AwaitChannel { of: self.of.take(), until, within: self.take_within() });
        }
        if let Some(PayOnchainFile { address, amount_sat, sat_per_kwu }) = self.pay_onchain.take() {
            return Ok(Act::PayOnchain { address, amount_sat, sat_per_kwu });
        }
        if let Some(txid) = self.take_back.take() {
            return Ok(Act::TakeBack { txid });
        }
        if let Some(blocks) = self.reorganise.take() {
            return Ok(Act::Reorganise { blocks });
        }
        if let Some(address) = self.received.take() {
            return Ok(Act::AwaitCoins {
                address,
                at_least_sat: self.at_least_sat.take(),
                above_sat_per_kwu: self.above_sat_per_kwu.take(),
                within: self.take_within(),
            });
        }
        if let Some(seconds) = self.advance_clock.take() {
            return Ok(Act::AdvanceClock { seconds });
        }
        if let Some(order_id) = self.expire.take() {
            return Ok(Act::LetExpire { order_id });
        }
        if self.target.take().is_some() {
            return Ok(Act::Restart);
        }
        let outpoint = self.chain.take().unwrap_or_default();
        Ok(Act::ChainOutput { outpoint })
    }

    fn take_call(&mut self, method: String) -> Call {
        Call {
            method,
            conn: self.take_conn(),
            with: self.with.take().unwrap_or_default(),
            without: self.without.take().unwrap_or_default(),
            envelope: self.envelope.take().unwrap_or_default(),
            envelope_without: self.envelope_without.take().unwrap_or_default(),
        }
    }

    fn take_conn(&mut self) -> String {
        self.on.take().unwrap_or_else(|| MAIN.into())
    }

    fn take_within(&mut self) -> Duration {
        self.within.take().map_or(USUAL_WAIT, Duration::from_secs)
    }

    /// Keys that belong to another kind of step would be ignored silently otherwise.
    fn refuse_left_over_keys(&self) -> Result<(), String> {
        let left_over = [
            ("with", self.with.is_some()),
            ("without", self.without.is_some()),
            ("envelope", self.envelope.is_some()),
            ("envelope_without", self.envelope_without.is_some()),
            ("on", self.on.is_some()),
            ("of", self.of.is_some()),
            ("until", self.until.is_some()),
            ("message_type", self.message_type.is_some()),
            ("hang_up", self.hang_up.is_some()),
            ("within", self.within.is_some()),
            ("at_least_sat", self.at_least_sat.is_some()),
            ("above_sat_per_kwu", self.above_sat_per_kwu.is_some()),
        ];
        match left_over.iter().find(|(_, there)| *there) {
            Some((key, _)) => Err(format!("`{key}` has no meaning in this kind of step")),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CallFile {
    call: String,
    #[serde(default)]
    with: Map<String, Value>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    envelope: Map<String, Value>,
    #[serde(default)]
    envelope_without: Vec<String>,
}

impl CallFile {
    fn into_call(self, conn: &str) -> Call {
        Call {
            method: self.call,
            conn: conn.into(),
            with: self.with,
            without: self.without,
            envelope: self.envelope,
            envelope_without: self.envelope_without,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SendFile {
    text: Option<String>,
    hex: Option<String>,
    base64: Option<String>,
    #[serde(deserialize_with = "present")]
    json: Option<Value>,
}

/// A `null` that is written down is a value, not an absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl SendFile {
    fn into_payload(self) -> Result<Payload, String> {
        match (self.text, self.hex, self.base64, self.json) {
            (Some(text), None, None, None) => Ok(Payload::Text(text)),
            (None, Some(hex), None, None) => bytes_of_hex(&hex).map(Payload::Bytes),
            (None, None, Some(text), None) => bytes_of_base64(&text).map(Payload::Bytes),
            (None, None, None, Some(json)) => Ok(Payload::Json(json)),
            _ => Err("`send` has exactly one of text, hex, base64, json".into()),
        }
    }
}

fn bytes_of_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: String = hex.split_whitespace().collect();
    Vec::from_hex(&digits).map_err(|error| format!("`hex` can't be read: {error}"))
}

fn bytes_of_base64(text: &str) -> Result<Vec<u8>, String> {
    let characters: String = text.split_whitespace().collect();
    BASE64_STANDARD.decode(characters).map_err(|error| format!("`base64` can't be read: {error}"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpFile {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default, deserialize_with = "present")]
    body: Option<Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    hex: Option<String>,
}

fn get() -> String {
    "GET".into()
}

impl HttpFile {
    fn into_call(self) -> Result<HttpCall, String> {
        let body = match (self.body, self.text, self.hex) {
            (None, None, None) => None,
            (Some(json), None, None) => Some(Payload::Json(json)),
            (None, Some(text), None) => Some(Payload::Text(text)),
            (None, None, Some(hex)) => Some(Payload::Bytes(bytes_of_hex(&hex)?)),
            _ => return Err("`http` has at most one of body (JSON), text, hex".into()),
        };
        Ok(HttpCall {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: self.headers,
            body,
        })
    }
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ExpectationFile::deserialize(deserializer)?.into_expectation().map_err(de::Error::custom)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectationFile {
    #[serde(rename = "for")]
    requirements: Vec<RequirementId>,
    #[serde(default)]
    at: Option<String>,
    #[serde(default)]
    is: Option<Value>,
    #[serde(default)]
    absent: Option<bool>,
    #[serde(default)]
    that: Option<String>,
    #[serde(default)]
    refused: Option<Refusal>,
    #[serde(default)]
    when: Option<String>,
    #[serde(default)]
    warn: Option<Value>,
    #[serde(default)]
    compat: Option<Value>,
    #[serde(default)]
    says: Option<String>,
}

impl ExpectationFile {
    fn into_expectation(self) -> Result<Expectation, String> {
        if self.requirements.is_empty() {
            return Err("`for` names no requirement".into());
        }
        let check = match (self.at, self.that, self.refused) {
            (Some(path), None, None) => match (self.is, self.absent) {
                (is, None | Some(false)) => {
                    Check::At { path, schema: is.unwrap_or(Value::Bool(true)) }
                }
                (None, Some(true)) => Check::Absent { path },
                (Some(_), Some(true)) => return Err("`is` and `absent` exclude each other".into()),
            },
            (None, Some(that), None) if self.is.is_none() && self.absent.is_none() => {
                Check::That(that)
            }
            (None, None, Some(refusal)) if self.is.is_none() && self.absent.is_none() => {
                Check::Refused(refusal)
            }
            _ => {
                return Err(
                    "an expectation has one of: at (with is or absent), that, refused".into()
                );
            }
        };
        Ok(Expectation {
            requirements: self.requirements,
            check,
            when: self.when,
            warn: self.warn,
            compat: self.compat,
            says: self.says,
        })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalFile {
    codes: Vec<i64>,
    #[serde(default)]
    property: Vec<String>,
    #[serde(default)]
    unrecognized: Option<Vec<String>>,
    /// Other ways that are as good.
    #[serde(default)]
    or: Vec<RefusalFile>,
}

impl RefusalFile {
    fn flatten(self, kinds: &mut Vec<RefusalKind>) {
        kinds.push(RefusalKind {
            codes: self.codes,
            property: self.property,
            unrecognized: self.unrecognized,
        });
        for other in self.or {
            other.flatten(kinds);
        }
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WordOrMap;

        impl<'de> Visitor<'de> for WordOrMap {
            type Value = Refusal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`parse_error` or a map with `codes`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Refusal, E> {
                match word {
                    "parse_error" => Ok(Refusal::ParseError),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Refusal, A::Error> {
                let mut kinds = Vec::new();
                RefusalFile::deserialize(MapAccessDeserializer::new(map))?.flatten(&mut kinds);
                Ok(Refusal::Error(kinds))
            }
        }

        deserializer.deserialize_any(WordOrMap)
    }
}

#[cfg(test)]
mod tests {
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
