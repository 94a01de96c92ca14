//! Whether a scenario can work as written: requirement ids, expressions, paths and schemas.

use std::fmt;

use serde_json::{Map, Value};

use super::{Act, Call, Check, Expectation, Payload, Scenario};
use crate::action::Transport;
use crate::requirement::Catalogue;
use crate::{expr, matcher, schema};

/// What is wrong with a scenario, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The place, such as `steps[2].expect[0]`.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Scenario {
    /// Everything that is wrong with the scenario as far as it can be known without running it.
    pub fn defects(&self) -> Vec<Defect> {
        let mut found = Defects::default();
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || !self.id.chars().all(kebab) {
            found.add("id", "an id has lower-case letters, digits and dashes");
        }
        if self.title.trim().is_empty() {
            found.add("title", "the title is empty");
        }
        if self.transports.is_empty() {
            found.add("transports", "name at least one of p2p, rest");
        }
        if self.steps.is_empty() {
            found.add("steps", "a scenario needs at least one step");
        }
        for (index, condition) in self.only_if.iter().enumerate() {
            found.expression(&format!("only_if[{index}].that"), &condition.that);
        }
        for (index, step) in self.steps.iter().enumerate() {
            let place = format!("steps[{index}]");
            found.act(&place, &step.act);
            if let Some(when) = &step.when {
                found.expression(&format!("{place}.when"), when);
            }
            if let Some(condition) = &step.only_if {
                found.expression(&format!("{place}.only_if.that"), &condition.that);
            }
            for transport in &self.transports {
                if let Some(what) = impossible_over(&step.act, *transport) {
                    found.add(
                        &place,
                        format_args!("{what} can't be done over {transport}; limit `transports`"),
                    );
                }
            }
            for (index, expectation) in step.expect.iter().enumerate() {
                found.expectation(&format!("{place}.expect[{index}]"), expectation);
            }
        }
        found.0
    }
}

/// What in a step has no counterpart on a transport.
fn impossible_over(act: &Act, transport: Transport) -> Option<&'static str> {
    let only_p2p = |call: &Call| {
        let has_counterpart =
            ["get_info", "create_order", "get_order"].contains(&call.method.as_str());
        if !has_counterpart {
            Some("this method")
        } else if !call.envelope.is_empty() || !call.envelope_without.is_empty() {
            Some("patching the JSON-RPC envelope")
        } else {
            None
        }
    };
    match (transport, act) {
        (Transport::P2p, Act::Http(_)) => Some("an HTTP request"),
        (Transport::Rest, Act::Send { .. }) => Some("a raw payload"),
        (Transport::Rest, Act::Pipeline { .. }) => Some("a pipeline"),
        (Transport::Rest, Act::Tell { .. }) => Some("a message without an answer"),
        (Transport::Rest, Act::Reconnect { .. }) => Some("reconnecting"),
        (Transport::Rest, Act::Listen { .. }) => Some("listening"),
        (Transport::Rest, Act::Call(call) | Act::Poll { call, .. }) => only_p2p(call),
        _ => None,
    }
}

#[derive(Default)]
struct Defects(Vec<Defect>);

impl Defects {
    fn add(&mut self, place: &str, message: impl fmt::Display) {
        self.0.push(Defect { place: place.into(), message: message.to_string() });
    }

    fn expression(&mut self, place: &str, expression: &str) {
        if let Err(error) = expr::check_expression(expression) {
            self.add(place, error);
        }
    }

    fn text(&mut self, place: &str, text: &str) {
        if let Err(error) = expr::check_text(text) {
            self.add(place, error);
        }
    }

    fn act(&mut self, place: &str, act: &Act) {
        match act {
            Act::Call(call) | Act::Tell { call, .. } => self.call(place, call),
            Act::Pipeline { calls, .. } => calls.iter().for_each(|call| self.call(place, call)),
            Act::Poll { call, until, .. } => {
                self.call(place, call);
                self.schema(&format!("{place}.until"), until);
            }
            Act::Send { payload, .. } => self.payload(place, payload),
            Act::Http(http) => {
                self.text(place, &http.path);
                self.values(place, &http.query);
                self.values(place, &http.headers);
                if let Some(body) = &http.body {
                    self.payload(place, body);
                }
            }
            Act::OrderThroughClient { params } => self.values(place, params),
            Act::Pay { invoice, amount_msat } => {
                self.text(place, invoice);
                amount_msat.iter().for_each(|amount| self.value(place, amount));
            }
            Act::PayOffer { offer: text }
            | Act::ChainOutput { outpoint: text }
            | Act::LetExpire { order_id: text }
            | Act::TakeBack { txid: text } => self.text(place, text),
            Act::Mine { blocks } | Act::Reorganise { blocks } => self.value(place, blocks),
            Act::PayOnchain { address, amount_sat, sat_per_kwu } => {
                self.text(place, address);
                self.value(place, amount_sat);
                sat_per_kwu.iter().for_each(|rate| self.value(place, rate));
            }
            Act::AwaitCoins { address, at_least_sat, above_sat_per_kwu, .. } => {
                self.text(place, address);
                at_least_sat
                    .iter()
                    .chain(above_sat_per_kwu)
                    .for_each(|rate| self.value(place, rate));
            }
            Act::AwaitPayment { of, .. } | Act::AwaitChannel { of, .. } => {
                of.iter().for_each(|of| self.text(place, of));
            }
            Act::Reconnect { .. }
            | Act::Listen { .. }
            | Act::Client(_)
            | Act::AdvanceClock { .. }
            | Act::Restart => {}
        }
    }

    fn call(&mut self, place: &str, call: &Call) {
        self.values(place, &call.with);
        self.values(place, &call.envelope);
    }

    fn payload(&mut self, place: &str, payload: &Payload) {
        match payload {
            Payload::Text(text) => self.text(place, text),
            Payload::Bytes(_) => {}
            Payload::Json(value) => self.value(place, value),
        }
    }

    fn values(&mut self, place: &str, map: &Map<String, Value>) {
        map.values().for_each(|value| self.value(place, value));
    }

    fn value(&mut self, place: &str, value: &Value) {
        match value {
            Value::String(text) => self.text(place, text),
            Value::Array(items) => items.iter().for_each(|item| self.value(place, item)),
            Value::Object(map) => self.values(place, map),
            _ => {}
        }
    }

    fn schema(&mut self, place: &str, value: &Value) {
        self.value(place, value);
        // With expressions in it, it can only be compiled once they have values.
        if !value.to_string().contains("{{")
            && let Err(error) = schema::compile(value)
        {
            self.add(place, error);
        }
    }

    fn expectation(&mut self, place: &str, expectation: &Expectation) {
        for id in &expectation.requirements {
            if Catalogue::builtin().get(id).is_none() {
                self.add(place, format_args!("there is no requirement {id}"));
            }
        }
        match &expectation.check {
            Check::At { path, schema } => {
                self.path(place, path);
                self.schema(place, schema);
            }
            Check::Absent { path } => self.path(place, path),
            Check::That(expression) => self.expression(place, expression),
            Check::Refused(_) => {}
        }
        for schema in expectation.warn.iter().chain(&expectation.compat) {
            self.schema(place, schema);
        }
        if let Some(when) = &expectation.when {
            self.expression(place, when);
        }
    }

    fn path(&mut self, place: &str, path: &str) {
        if let Err(error) = matcher::check_path(path) {
            self.add(place, error);
        }
    }
}
