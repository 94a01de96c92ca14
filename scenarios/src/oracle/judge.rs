//! What came, compared with what was expected.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Expected, Fault, Feature, Refusal};
use crate::action::Transport;
use crate::document;
use crate::json::{has_key, shorten};
use crate::verdict::Judgement;

/// What an answer says about one requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The requirement.
    pub row: &'static str,
    /// Whether it was kept.
    pub judgement: Judgement,
    /// What was expected and what came; empty if it was kept.
    pub message: String,
}

/// What an answer says about the requirements that the request was made for.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// One entry for each requirement that was decided about.
    pub found: Vec<Found>,
    /// If several things can have caused the deviation: the requirements of all of them. Which one it is, a smaller
    /// request shows.
    pub suspects: BTreeSet<&'static str>,
    /// Whether the request was refused, so that it has to be seen whether the target still answers.
    pub refused: bool,
    /// Whether nothing came.
    pub silent: bool,
    /// The client itself was rejected, which says nothing about the request.
    pub rejected: bool,
}

/// Judges the document of an answer (see [`crate::session`]'s documents: `reply`, `error`, `envelope`, …).
pub fn judge(expected: &Expected, answer: &Value, transport: Transport) -> Answered {
    let mut answered = Answered::default();
    let reply = answer["reply"].as_str().unwrap_or_default();
    answered.silent = matches!(reply, "silence" | "closed");
    answered.refused = reply == "error" || (answered.silent && !expected.faults.is_empty());
    if expected.anything {
        return answered;
    }
    match reply {
        "result" => served(expected, answer, &mut answered),
        "error" => refused(expected, answer, transport, &mut answered),
        "silence" => silence(expected, answer, &mut answered),
        _ => broken(expected, document::summary(answer), &mut answered),
    }
    if transport == Transport::P2p
        && expected.is_bad_format()
        && answered.found.iter().all(|found| found.judgement == Judgement::Kept)
        && answer["count"].as_u64().is_some_and(|count| count > 1)
    {
        let count = &answer["count"];
        broken(expected, format!("it was answered {count} times instead of once"), &mut answered);
    }
    answered
}

impl Answered {
    fn add(&mut self, rows: &[&'static str], judgement: Judgement, message: &str) {
        for row in rows {
            let message = if judgement == Judgement::Kept { "" } else { message };
            self.found.push(Found { row, judgement, message: message.to_owned() });
        }
    }
}

/// There was a result.
fn served(expected: &Expected, answer: &Value, answered: &mut Answered) {
    for feature in &expected.features {
        if expected.faults.is_empty() {
            answered.add(&feature.rows, Judgement::Kept, "");
        }
    }
    for opening in expected.openings.iter().filter(|_| expected.faults.is_empty()) {
        answered.add(&opening.rows, Judgement::Kept, "");
    }
    // Of several faults the first is the most particular one; a smaller request shows whether it is the one.
    let grave = expected.faults.iter().find(|fault| fault.served == Judgement::Broken);
    let Some(fault) = grave.or(expected.faults.first()) else { return };
    let message = format!("{}, but it was not refused: {}", fault.says, document::summary(answer));
    answered.add(&fault.rows, fault.served, &message);
    if expected.faults.len() > 1 {
        answered
            .suspects
            .extend(expected.faults.iter().flat_map(|fault| fault.rows.iter().copied()));
    }
}

/// There was an error.
fn refused(expected: &Expected, answer: &Value, transport: Transport, answered: &mut Answered) {
    let error = &answer["error"];
    let code = error.get("code").and_then(Value::as_i64);
    let method = expected.method.unwrap_or_default();
    // What can't be told may have been taken for an order.
    let may_order = expected.method.unwrap_or("lsps1.create_order");
    if document::rejects_client(answer, may_order).is_some() {
        answered.rejected = true;
        return;
    }
    if expected.faults.is_empty() && document::has_failed(answer, method).is_some() {
        return;
    }
    if transport == Transport::Rest && names_an_order(answer) {
        answered.add(&["L1-075", "RD-015"], Judgement::Broken, "the refusal has an order_id");
    }
    if transport == Transport::Rest && code.is_none() {
        // The form of errors isn't documented: that there is one is enough.
        return match expected.faults.is_empty() && expected.openings.is_empty() {
            true => not_served(expected, answer, None, answered),
            false => kept(expected, answered),
        };
    }
    let null_id = answer.pointer("/envelope/id").is_some_and(Value::is_null);
    let reasons = || expected.faults.iter().chain(&expected.openings);
    let by_code: Vec<&Refusal> = reasons()
        .flat_map(|fault| &fault.refusals)
        .filter(|refusal| refusal.code.is_none() || refusal.code == code)
        .collect();
    let fitting: Vec<&&Refusal> = by_code
        .iter()
        .filter(|refusal| {
            transport == Transport::Rest || refusal.null_id.is_none_or(|wanted| wanted == null_id)
        })
        .collect();
    let best = fitting.iter().map(|refusal| refusal.judgement).min_by_key(|found| weight(*found));
    match best {
        Some(Judgement::Kept) => kept(expected, answered),
        Some(judgement) => {
            let message = document::summary(answer);
            for fault in reasons() {
                answered.add(&fault.rows, judgement, &format!("{}: {message}", fault.says));
            }
        }
        None if expected.faults.is_empty() && expected.openings.is_empty() => {
            return not_served(expected, answer, code, answered);
        }
        None if expected.is_bad_format() && code == Some(-32700) => {
            let id = answer.pointer("/envelope/id").map_or_else(|| "(none)".into(), shorten);
            let message = format!("the error has the id {id} instead of null");
            return answered.add(&["L0-024"], Judgement::Broken, &message);
        }
        None => return wrong_error(expected, answer, answered),
    }
    if transport == Transport::P2p {
        judge_data(expected, error, code, &fitting, answered);
        if code == Some(-32700) && null_id {
            judge_parse_error(error, answered);
        }
    }
}

/// Whether the body, read as JSON, has an order id anywhere.
fn names_an_order(answer: &Value) -> bool {
    let raw = answer["raw"].as_str().unwrap_or_default();
    serde_json::from_str(raw).is_ok_and(|body: Value| has_key(&body, "order_id"))
}

const fn weight(judgement: Judgement) -> u8 {
    match judgement {
        Judgement::Kept => 0,
        Judgement::Tolerated => 1,
        Judgement::CompatTolerated => 2,
        Judgement::Broken => 3,
    }
}

/// It was refused as it should.
fn kept(expected: &Expected, answered: &mut Answered) {
    match (expected.faults.as_slice(), expected.openings.as_slice()) {
        ([fault], []) | ([], [fault]) => answered.add(&fault.rows, Judgement::Kept, ""),
        // Which of them was meant can't be told.
        _ if expected.method == Some("lsps1.create_order") => {
            answered.add(&["L1-111"], Judgement::Kept, "");
        }
        _ => {}
    }
    if expected.is_bad_format() {
        answered.add(&["L0-023", "L0-024"], Judgement::Kept, "");
    }
}

/// A request without faults was refused.
fn not_served(expected: &Expected, answer: &Value, code: Option<i64>, answered: &mut Answered) {
    let property = answer.pointer("/error/data/property").and_then(Value::as_str);
    let of_envelope = matches!(code, Some(-32700 | -32600));
    let named = |feature: &&Feature| match property {
        _ if of_envelope => feature.of_envelope,
        Some(property) => feature.names.contains(&property),
        None if code == Some(102) => feature.names.contains(&"token"),
        None => false,
    };
    let mut causes: Vec<&Feature> = expected.features.iter().filter(named).collect();
    let message = |says: &str| {
        format!("the request has to be served ({says}), but {}", document::summary(answer))
    };
    if causes.is_empty() && expected.method == Some("lsps1.create_order") {
        // The error says what it is about, but there is nothing of the kind.
        let row = match code {
            Some(100) => Some("L1-100"),
            Some(-32602) => Some("L1-103"),
            Some(102) => Some("L1-107"),
            _ => None,
        };
        if let Some(row) = row {
            return answered.add(&[row], Judgement::Broken, &message("nothing is wrong with it"));
        }
    }
    if causes.is_empty() {
        causes = likely_causes(expected);
    }
    if causes.len() > 1 {
        answered.suspects.extend(causes.iter().flat_map(|cause| cause.rows.iter().copied()));
    }
    for cause in causes {
        answered.add(&cause.rows, Judgement::Broken, &message(cause.says));
    }
}

/// What is special about the request is likelier to be the cause than that there is one.
fn likely_causes(expected: &Expected) -> Vec<&Feature> {
    let is_special = |feature: &&Feature| feature.of_envelope || !feature.names.is_empty();
    let special: Vec<&Feature> = expected.features.iter().filter(is_special).collect();
    if special.is_empty() { expected.features.iter().collect() } else { special }
}

/// A request that has to, or may, be refused was, but with another error.
fn wrong_error(expected: &Expected, answer: &Value, answered: &mut Answered) {
    let found = document::summary(answer);
    broken(expected, found, answered);
    if expected.is_bad_format() {
        answered.add(
            &["L0-023"],
            Judgement::Broken,
            &format!("bad format is error -32700, but {}", document::summary(answer)),
        );
    }
}

/// Nothing came.
fn silence(expected: &Expected, answer: &Value, answered: &mut Answered) {
    let best = expected.faults.iter().map(|fault| fault.silence).min_by_key(|found| weight(*found));
    match best {
        Some(Judgement::Kept) => {
            answered.refused = false;
            kept(expected, answered);
        }
        Some(Judgement::Tolerated) => {
            for fault in expected.faults.iter().filter(|fault| fault.silence != Judgement::Broken) {
                let message = format!("{}, and there was no reply", fault.says);
                answered.add(&fault.rows, Judgement::Tolerated, &message);
            }
        }
        _ => broken(expected, document::summary(answer), answered),
    }
}

/// Whatever came is no answer that any reason allows.
fn broken(expected: &Expected, found: String, answered: &mut Answered) {
    let faults: Vec<&Fault> = match expected.faults.as_slice() {
        [] => expected.openings.iter().collect(),
        faults => faults.iter().collect(),
    };
    match faults.as_slice() {
        [] => {
            let causes = likely_causes(expected);
            let rows: BTreeSet<&'static str> =
                causes.iter().flat_map(|cause| cause.rows.iter().copied()).collect();
            for row in &rows {
                let message = format!("the request has to be served, but {found}");
                answered.add(&[*row], Judgement::Broken, &message);
            }
            if causes.len() > 1 {
                answered.suspects.extend(rows);
            }
        }
        [fault] => {
            answered.add(&fault.rows, Judgement::Broken, &format!("{}: {found}", fault.says));
            if expected.faults.is_empty() {
                // Perhaps it isn't this that was too much, but the request as such.
                answered.suspects.extend(expected.rows());
            }
        }
        several => {
            let says: Vec<&str> = several.iter().map(|fault| fault.says.as_str()).collect();
            let message = format!("{}: {found}", says.join("; "));
            let rows: BTreeSet<&'static str> =
                several.iter().flat_map(|fault| fault.rows.iter().copied()).collect();
            if expected.method == Some("lsps1.create_order") {
                answered.add(&["L1-111"], Judgement::Broken, &message);
            } else {
                rows.iter().for_each(|row| answered.add(&[*row], Judgement::Broken, &message));
            }
            answered.suspects.extend(rows);
            if expected.faults.is_empty() {
                answered.suspects.extend(expected.rows());
            }
        }
    }
}

/// What the error's data names.
fn judge_data(
    expected: &Expected,
    error: &Value,
    code: Option<i64>,
    fitting: &[&&Refusal],
    answered: &mut Answered,
) {
    let data = error.get("data");
    let property = data.and_then(|data| data.get("property"));
    if let Some(property) = property.and_then(Value::as_str) {
        judge_property(expected, property, code, fitting, answered);
    } else if expected.method == Some("lsps1.get_order")
        && fitting.iter().all(|refusal| !refusal.properties.is_empty())
    {
        // That error -32602 of create_order names one has a row of its own.
        let message = format!("the error names no `property`: {}", shorten(error));
        answered.add(&["L1-114"], Judgement::Broken, &message);
    }
    if code == Some(-32602) {
        let unrecognized = data.and_then(|data| data.get("unrecognized"));
        let names: Option<Vec<&str>> = unrecognized
            .and_then(Value::as_array)
            .and_then(|names| names.iter().map(Value::as_str).collect());
        if let Some(names) = names {
            judge_unrecognized(expected, &names, answered);
        }
    }
}

fn judge_property(
    expected: &Expected,
    property: &str,
    code: Option<i64>,
    fitting: &[&&Refusal],
    answered: &mut Answered,
) {
    let rows: &[&str] = match (code, expected.method) {
        (Some(100), _) => &["L1-102"],
        (Some(-32602), Some("lsps1.create_order")) => &["L1-104", "L1-105"],
        (Some(-32602), Some("lsps1.get_order")) => &["L1-114"],
        _ => return,
    };
    let right = fitting
        .iter()
        .any(|refusal| refusal.properties.is_empty() || refusal.properties.contains(&property));
    let loose = || fitting.iter().any(|refusal| refusal.loose_properties.contains(&property));
    let judgement = match right {
        true => Judgement::Kept,
        false if loose() => Judgement::CompatTolerated,
        false => Judgement::Broken,
    };
    let allowed: BTreeSet<&str> =
        fitting.iter().flat_map(|refusal| refusal.properties.iter().copied()).collect();
    let allowed: Vec<&str> = allowed.into_iter().collect();
    let message = format!("`property` is {property:?} instead of {}", allowed.join(" or "));
    answered.add(rows, judgement, &message);
}

fn judge_unrecognized(expected: &Expected, names: &[&str], answered: &mut Answered) {
    let found: BTreeSet<&str> = names.iter().copied().collect();
    let unknown: BTreeSet<&str> = expected.unknown_params.iter().map(String::as_str).collect();
    let message = format!("`unrecognized` is {names:?}, but unknown are {unknown:?}");
    // With another fault in the request it may have been refused before all names were looked at.
    let complete = expected.faults.len() > 1 || found == unknown;
    let holds = found.len() == names.len() && complete && found.is_subset(&unknown);
    let judgement = if holds { Judgement::Kept } else { Judgement::Broken };
    answered.add(&["L0-081"], judgement, &message);
    if !found.is_subset(&unknown) {
        answered.add(&["L0-082"], Judgement::Broken, &message);
    }
}

fn judge_parse_error(error: &Value, answered: &mut Answered) {
    let text = error.get("message").and_then(Value::as_str);
    let judgement = match text {
        Some(text) if text.eq_ignore_ascii_case("parse error") => Judgement::Kept,
        Some(text) if !text.is_empty() => Judgement::Tolerated,
        _ => Judgement::Broken,
    };
    let message =
        format!("the text of error -32700 is {} instead of \"parse error\"", error["message"]);
    answered.add(&["L0-025"], judgement, &message);
}
