//! Whether a request was refused for the right reason.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::action::Transport;
use crate::document;
use crate::matcher::{Match, has_key, shorten};
use crate::scenario::{Refusal, RefusalKind};

/// Judges the reply to a request that has to be refused. `id` is the id of the request (p2p).
/// Whether the target still answers afterwards is asked separately.
pub(super) fn judge(
    refusal: &Refusal,
    document: &Value,
    id: &Value,
    transport: Transport,
) -> Match {
    let outcome = match transport {
        Transport::P2p => over_p2p(refusal, document, id),
        Transport::Rest => over_rest(refusal, document),
    };
    match outcome {
        Ok(()) => Match::Holds,
        Err(found) => Match::Broken(found),
    }
}

fn over_p2p(refusal: &Refusal, document: &Value, id: &Value) -> Result<(), String> {
    match document["reply"].as_str() {
        Some("error") => {}
        Some("result") => {
            return Err(format!("it was not refused: {}", document::summary(document)));
        }
        _ => return Err(document::summary(document)),
    }
    if document["count"] != 1 {
        return Err(format!("there were {} replies instead of one", document["count"]));
    }
    if document["envelope"].get("result").is_some() {
        return Err("the reply has `result` beside `error`".into());
    }
    let expected_id = if *refusal == Refusal::ParseError { &Value::Null } else { id };
    let found_id = document["envelope"].get("id");
    // Who takes a request for bad format can't know its id.
    let is_unknown = document["error"]["code"] == -32700 && found_id.is_some_and(Value::is_null);
    if found_id != Some(expected_id) && !is_unknown {
        return Err(format!(
            "the error has the id {} instead of {}: {}",
            found_id.map_or_else(|| "(none)".into(), shorten),
            shorten(expected_id),
            document::summary(document)
        ));
    }
    let error = &document["error"];
    match refusal {
        Refusal::ParseError => code_in(error, &[-32700]),
        Refusal::Error(kinds) => {
            let mut first = Ok(());
            for kind in kinds {
                match fits(error, kind) {
                    Ok(()) => return Ok(()),
                    Err(found) if first.is_ok() => first = Err(found),
                    Err(_) => {}
                }
            }
            first
        }
    }
}

fn fits(error: &Value, kind: &RefusalKind) -> Result<(), String> {
    code_in(error, &kind.codes)?;
    let data = error.get("data");
    if !kind.property.is_empty() {
        let property = data.and_then(|data| data.get("property"));
        if !property
            .and_then(Value::as_str)
            .is_some_and(|found| kind.property.iter().any(|known| known == found))
        {
            return Err(format!(
                "error {} has data.property {} instead of {}",
                error["code"],
                property.map_or_else(|| "(none)".into(), shorten),
                kind.property.join(" or ")
            ));
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
            return Err(format!(
                "error {} has data.unrecognized {} instead of {expected:?}",
                error["code"],
                found.map_or_else(|| "(none)".into(), shorten),
            ));
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
