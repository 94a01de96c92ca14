//! A step as it is written: one key says what it does, the others what goes with that.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::{Map, Value};

use super::super::{Act, Call, Condition, Expectation, Step};
use super::request::{CallFile, HttpFile, SendFile};
use crate::action::{ChannelStage, ClientAct, LSPS0_TYPE, PaymentStage};

/// The connection that a step uses unless it names another.
const MAIN: &str = "main";

/// How long a chain step or a poll waits unless it says otherwise.
const USUAL_WAIT: Duration = Duration::from_secs(60);

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
    listen: Option<String>,
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
            ("listen", self.listen.is_some()),
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
        if let Some(conn) = self.listen.take() {
            return Ok(Act::Listen { conn });
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
