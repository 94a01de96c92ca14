//! Whether a request was refused for the right reason.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::action::Transport;
use crate::document;
use crate::json::{has_key, shorten};
use crate::scenario::{Refusal, RefusalKind};

/// What a reply to a request that has to be refused is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The refusal that is wanted.
    Refused,
    /// Something else.
    Wrong(String),
    /// The right error, but without the data that would say what it is about. That is a finding of its own.
    Vague(String),
}

/// Judges the reply to a request that has to be refused. `id` is the id of the request (p2p).
/// Whether the target still answers afterwards is asked separately.
pub(super) fn judge(
    refusal: &Refusal,
    document: &Value,
    id: &Value,
    transport: Transport,
) -> Outcome {
    let outcome = match transport {
        Transport::P2p => over_p2p(refusal, document, id),
        Transport::Rest => over_rest(refusal, document).map_err(Outcome::Wrong),
    };
    outcome.err().unwrap_or(Outcome::Refused)
}

fn over_p2p(refusal: &Refusal, document: &Value, id: &Value) -> Result<(), Outcome> {
    match document["reply"].as_str() {
        Some("error") => {}
        Some("result") => {
            let summary = document::summary(document);
            return Err(Outcome::Wrong(format!("it was not refused: {summary}")));
        }
        _ => return Err(Outcome::Wrong(document::summary(document))),
    }
    if document["count"] != 1 {
        let count = &document["count"];
        return Err(Outcome::Wrong(format!("there were {count} replies instead of one")));
    }
    if document["envelope"].get("result").is_some() {
        return Err(Outcome::Wrong("the reply has `result` beside `error`".into()));
    }
    // The code comes first: who gives a wrong one goes on to give the id that belongs to it.
    let error = &document["error"];
    let codes: Vec<i64> = match refusal {
        Refusal::ParseError => vec![-32700],
        Refusal::Error(kinds) => kinds.iter().flat_map(|kind| kind.codes.iter().copied()).collect(),
    };
    code_in(error, &codes).map_err(Outcome::Wrong)?;
    let expected_id = if *refusal == Refusal::ParseError { &Value::Null } else { id };
    let found_id = document["envelope"].get("id");
    // Who takes a request for bad format can't know its id.
    let is_unknown = error["code"] == -32700 && found_id.is_some_and(Value::is_null);
    if found_id != Some(expected_id) && !is_unknown {
        return Err(Outcome::Wrong(format!(
            "the error has the id {} instead of {}: {}",
            found_id.map_or_else(|| "(none)".into(), shorten),
            shorten(expected_id),
            document::summary(document)
        )));
    }
    let Refusal::Error(kinds) = refusal else { return Ok(()) };
    let code = error.get("code").and_then(Value::as_i64);
    let of_code = kinds.iter().filter(|kind| code.is_some_and(|code| kind.codes.contains(&code)));
    let mut first = Ok(());
    for kind in of_code {
        match fits(error, kind) {
            Ok(()) => return Ok(()),
            Err(found) if first.is_ok() => first = Err(found),
            Err(_) => {}
        }
    }
    first
}

/// Whether the data of an error is what is wanted with its code.
fn fits(error: &Value, kind: &RefusalKind) -> Result<(), Outcome> {
    let data = error.get("data");
    if !kind.property.is_empty() {
        let wanted = kind.property.join(" or ");
        let code = &error["code"];
        if !data.is_some_and(Value::is_object) {
            let found =
                data.map_or_else(|| "no data".into(), |data| format!("the data {}", shorten(data)));
            return Err(Outcome::Vague(format!(
                "error {code} has {found} instead of an object, so that it can't be told whether it is about {wanted}"
            )));
        }
        let property = data.and_then(|data| data.get("property"));
        if !property
            .and_then(Value::as_str)
            .is_some_and(|found| kind.property.iter().any(|known| known == found))
        {
            return Err(Outcome::Wrong(format!(
                "error {code} has data.property {} instead of {wanted}",
                property.map_or_else(|| "(none)".into(), shorten),
            )));
        }
    }
    if let Some(expected) = &kind.unrecognized {
        let found = data.and_then(|data| data.get("unrecognized"));
        let names: Option<Vec<&str>> = found
            .and_then(Value::as_array)
            .and_then(|names| names.iter().map(Value::as_str).collect());
        let expected_set: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        // A name that comes twice is one name too many.
        let fits = names.as_ref().is_some_and(|names| {
            names.len() == expected_set.len()
                && names.iter().copied().collect::<BTreeSet<_>>() == expected_set
        });
        if !fits {
            return Err(Outcome::Wrong(format!(
                "error {} has data.unrecognized {} instead of {expected:?}",
                error["code"],
                found.map_or_else(|| "(none)".into(), shorten),
            )));
        }
    }
    Ok(())
}

fn code_in(error: &Value, codes: &[i64]) -> Result<(), String> {
    match error.get("code").and_then(Value::as_i64) {
        Some(code) if codes.contains(&code) => Ok(()),
        _ => {
            let codes: Vec<String> = codes.iter().map(i64::to_string).collect();
            Err(format!(
                "it was refused with {} instead of code {}",
                shorten(error),
                codes.join(" or ")
            ))
        }
    }
}

/// The form of errors on REST is not documented: a status of 400 and more or a body with `error` is a refusal, and a
/// code is only looked at if there is one.
fn over_rest(refusal: &Refusal, document: &Value) -> Result<(), String> {
    match document["reply"].as_str() {
        Some("error") => {}
        Some("result") => {
            return Err(format!("it was not refused: {}", document::summary(document)));
        }
        _ => return Err(document::summary(document)),
    }
    let body: Value = document["raw"]
        .as_str()
        .and_then(|raw| serde_json::from_str(raw).ok())
        .unwrap_or(Value::Null);
    if has_key(&body, "order_id") {
        return Err("the refusal has an order_id".into());
    }
    let code = document["error"].get("code").and_then(Value::as_i64);
    let codes: Vec<i64> = match refusal {
        Refusal::ParseError => return Ok(()),
        Refusal::Error(kinds) => kinds.iter().flat_map(|kind| kind.codes.iter().copied()).collect(),
    };
    match code {
        Some(code) if !codes.contains(&code) => code_in(&document["error"], &codes),
        _ => Ok(()),
    }
}
