//! Scenarios in short words: what is sent, and what passes.

use lsps1_scenarios::scenario::{
    Act, Call, Check, Expectation, Payload, Refusal, RefusalKind, Step,
};
use lsps1_scenarios::{ChannelStage, ClientAct, PaymentStage};
use serde_json::Value;

use crate::text::{clipped, one_line};

/// How many characters of a value are shown.
const SHOWN: usize = 160;

/// What a step does.
#[must_use]
pub fn act(step: &Step) -> String {
    match &step.act {
        Act::Call(it) => call(it),
        Act::Send { payload: it, conn } => format!("the raw payload {}{}", payload(it), over(conn)),
        Act::Tell { call: it, type_id, hang_up } => {
            let after = if *hang_up { ", then the connection is dropped" } else { "" };
            format!("{}, as a message of type {type_id}, without waiting{after}", call(it))
        }
        Act::Http(it) => {
            let body = it.body.as_ref().map(|body| format!(" with the body {}", payload(body)));
            let query = match it.query.is_empty() {
                true => String::new(),
                false => format!(" with the query {}", value(&Value::Object(it.query.clone()))),
            };
            format!("HTTP {} {}{query}{}", it.method, it.path, body.unwrap_or_default())
        }
        Act::Pipeline { calls, conn } => {
            let calls: Vec<String> = calls.iter().map(call).collect();
            format!("at once: {}{}", calls.join("; "), over(conn))
        }
        Act::Reconnect { conn } => {
            format!("the connection is dropped and made again{}", over(conn))
        }
        Act::Listen { conn } => {
            format!("nothing is sent, and listened to what comes{}", over(conn))
        }
        Act::Client(act) => match act {
            ClientAct::Connect => "the client's node connects",
            ClientAct::Disconnect => "the client's node disconnects",
            ClientAct::Accept => "the client's node accepts channels",
            ClientAct::Hold => "the client's node holds channels back",
            ClientAct::Refuse => "the client's node refuses channels",
            ClientAct::AskNoReserve => "the client's node asks for no reserve in its channels",
        }
        .to_owned(),
        Act::OrderThroughClient { params } => {
            format!("the client's own LSPS1 orders {}", value(&Value::Object(params.clone())))
        }
        Act::Pay { invoice, amount_msat } => {
            let amount = amount_msat.as_ref();
            let amount = amount.map(|amount| format!("{} msat for ", value(amount)));
            format!("the payer pays {}{}", amount.unwrap_or_default(), shown(invoice))
        }
        Act::PayOffer { offer } => format!("the payer pays the offer {}", shown(offer)),
        Act::Poll { call: it, until, within } => {
            format!(
                "{} again and again, up to {} s, until {}",
                call(it),
                within.as_secs(),
                value(until)
            )
        }
        Act::AwaitPayment { of, until, within } => {
            let which = of.as_ref().map(|of| format!(" {}", shown(of))).unwrap_or_default();
            let what = match until {
                PaymentStage::Held => "is with the target",
                PaymentStage::Settled => "ends",
            };
            format!("up to {} s pass until the payment{which} {what}", within.as_secs())
        }
        Act::Mine { blocks } => format!("{} blocks are mined", value(blocks)),
        Act::AwaitChannel { of, until, within } => {
            let which = of.as_ref().map(|of| format!(" {}", shown(of))).unwrap_or_default();
            let what = match until {
                ChannelStage::Asked => "is asked for",
                ChannelStage::Usable => "is usable",
                ChannelStage::Closed => "is closed",
            };
            format!("up to {} s pass until the channel{which} {what}", within.as_secs())
        }
        Act::ChainOutput { outpoint } => format!("the output {} is looked up", shown(outpoint)),
        Act::PayOnchain { address, amount_sat, sat_per_kwu } => {
            let rate = sat_per_kwu.as_ref();
            let rate = rate.map(|rate| format!(" at {} sat per 1000 weight units", value(rate)));
            let amount = value(amount_sat);
            format!("{amount} sat are sent to {}{}", shown(address), rate.unwrap_or_default())
        }
        Act::TakeBack { txid } => {
            format!("the payment {} is replaced by one to the payer", shown(txid))
        }
        Act::Reorganise { blocks } => {
            format!("{} blocks are replaced by others without payments", value(blocks))
        }
        Act::AwaitCoins { address, at_least_sat, above_sat_per_kwu, within } => {
            let least = at_least_sat.as_ref().map(|sat| format!("at least {} sat in ", value(sat)));
            let above = above_sat_per_kwu.as_ref().map(|rate| {
                format!(" by a transaction above {} sat per 1000 weight units", value(rate))
            });
            let (least, above) = (least.unwrap_or_default(), above.unwrap_or_default());
            let (s, to) = (within.as_secs(), shown(address));
            format!("up to {s} s pass until {least}coins come to {to}{above}")
        }
        Act::AdvanceClock { seconds } => {
            format!("the target's clock is moved on by {seconds} seconds")
        }
        Act::LetExpire { order_id } => {
            format!("the time passes at which the order {} expires", shown(order_id))
        }
        Act::Restart => "the target is ended and started again".to_owned(),
    }
}

/// What passes an expectation.
#[must_use]
pub fn passes(expectation: &Expectation) -> String {
    let check = match &expectation.check {
        Check::At { path, schema } => format!("{} satisfies {}", shown(path), value(schema)),
        Check::Absent { path } => format!("there is no {}", shown(path)),
        Check::That(expression) => shown(expression),
        Check::Refused(Refusal::ParseError) => {
            "it is refused with code -32700 and id null, and the target still answers".to_owned()
        }
        Check::Refused(Refusal::Error(kinds)) => {
            let kinds: Vec<String> = kinds.iter().map(kind).collect();
            format!("it is refused with {}, and the target still answers", kinds.join(" or "))
        }
    };
    let when = expectation.when.as_ref().map(|when| format!(" (only judged if {})", shown(when)));
    let when = when.unwrap_or_default();
    match &expectation.says {
        Some(says) => format!("{}: {check}{when}", one_line(says)),
        None => format!("{check}{when}"),
    }
}

fn call(call: &Call) -> String {
    let mut text = call.method.clone();
    if !call.with.is_empty() {
        text.push_str(&format!(" with {}", value(&Value::Object(call.with.clone()))));
    }
    if !call.without.is_empty() {
        text.push_str(&format!(" without {}", call.without.join(", ")));
    }
    if !call.envelope.is_empty() {
        let envelope = value(&Value::Object(call.envelope.clone()));
        text.push_str(&format!(", in the envelope {envelope}"));
    }
    if !call.envelope_without.is_empty() {
        text.push_str(&format!(", in an envelope without {}", call.envelope_without.join(", ")));
    }
    text + &over(&call.conn)
}

fn over(conn: &str) -> String {
    match conn {
        "main" => String::new(),
        other => format!(", by another client ({other})"),
    }
}

fn payload(payload: &Payload) -> String {
    match payload {
        Payload::Text(text) => shown(text),
        Payload::Json(json) => value(json),
        Payload::Bytes(bytes) => format!("of {} bytes", bytes.len()),
    }
}

fn kind(kind: &RefusalKind) -> String {
    let codes: Vec<String> = kind.codes.iter().map(i64::to_string).collect();
    let mut text = format!("error {}", codes.join(" or "));
    if !kind.property.is_empty() {
        text.push_str(&format!(" for {}", kind.property.join(" or ")));
    }
    if let Some(names) = &kind.unrecognized {
        text.push_str(&format!(" with unrecognized {names:?}"));
    }
    text
}

fn value(value: &Value) -> String {
    shown(&value.to_string())
}

/// A text on one line, cut where it is long.
#[must_use]
pub fn shown(text: &str) -> String {
    clipped(&one_line(text), SHOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_and_expectation_of_the_scenarios_is_described_in_one_line() {
        for scenario in lsps1_scenarios::builtin_scenarios().unwrap() {
            for step in scenario.steps() {
                let lines = step.expect.iter().map(passes).chain([act(step)]);
                for line in lines {
                    assert!(!line.is_empty() && !line.contains('\n'), "{}: {line}", scenario.id());
                    assert!(line.chars().count() < 1200, "{}: {line}", scenario.id());
                }
            }
        }
    }
}
