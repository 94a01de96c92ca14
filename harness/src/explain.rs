//! `explain`: one requirement or one scenario, in full.

use std::fmt::Write as _;
use std::path::PathBuf;

use lsps1_scenarios::coverage::{Covered, coverage};
use lsps1_scenarios::invariant::SUBJECTS;
use lsps1_scenarios::{Catalogue, Level, Otherwise, Requirement, Scenario, compat};

use crate::faults;
use crate::list::{ListError, catalogue, load};
use crate::shorthand::{self, Parts};
use crate::{describe, text as texts};

/// How many of a requirement's scenarios are told in full.
const SCENARIOS_IN_FULL: usize = 6;

/// Everything known about the requirement or scenario `id`. Upper and lower case are the same.
///
/// # Errors
/// If there is none, or the scenarios can't be loaded.
pub fn explain(id: &str, folders: &[PathBuf]) -> Result<String, ListError> {
    let catalogue = catalogue()?;
    let scenarios = load(folders)?;
    if let Some(row) = catalogue.iter().find(|row| row.id.as_str().eq_ignore_ascii_case(id)) {
        return Ok(requirement(row, catalogue, &scenarios));
    }
    if let Some(found) = scenarios.iter().find(|scenario| scenario.id().eq_ignore_ascii_case(id)) {
        return Ok(scenario(found, catalogue));
    }
    let ids = catalogue.iter().map(|row| row.id.as_str()).chain(scenarios.iter().map(Scenario::id));
    let lower = id.to_ascii_lowercase();
    let near = ids
        .filter(|known| known.to_ascii_lowercase().contains(&lower))
        .min_by_key(|known| known.len());
    Err(ListError::Unknown { id: id.to_owned(), near: near.map(ToOwned::to_owned) })
}

fn requirement(row: &Requirement, catalogue: &Catalogue, scenarios: &[Scenario]) -> String {
    let mut text = String::new();
    let lines = if row.lines.is_empty() { String::new() } else { format!(", lines {}", row.lines) };
    // Writing to a String doesn't fail, here and below.
    let _ = writeln!(text, "{} ({}, {}{lines})\n", row.id, row.level, row.section);
    let _ = writeln!(text, "{}\n", row.text);
    judged_by(&mut text, row);
    for id in &row.position {
        if let Some(position) = catalogue.position(id) {
            let _ = writeln!(
                text,
                "\n{} is ambiguous: {}\n  Position: {}",
                position.id, position.ambiguity, position.position
            );
        }
    }
    for deviation in compat::deviations_from(&row.id) {
        let _ = writeln!(text, "\nProfile compat: {deviation}");
    }
    let covered = coverage(scenarios).into_iter().find(|covered| covered.row.id == row.id);
    if let Some(covered) = covered {
        checks(&mut text, row, &covered, scenarios);
    }
    let faults: Vec<_> = faults::breaking(row.id.as_str()).collect();
    if !faults.is_empty() {
        let _ = writeln!(text, "\nFaults of the mock that have to be found by it:");
        for fault in faults {
            let _ = writeln!(text, "  {}: {}", fault.name, fault.summary);
        }
    }
    text
}

/// How the row is judged by the catalogue, and what its short hand means.
fn judged_by(text: &mut String, row: &Requirement) {
    let parts = Parts::of(&row.test);
    if !parts.done.is_empty() {
        let _ = writeln!(text, "Judged by:\n  {}", parts.done);
    }
    for (heading, part) in [("Passes", parts.passes), ("Warns", parts.warns)] {
        if let Some(part) = part {
            let _ = writeln!(text, "{heading} if:\n  {part}");
        }
    }
    let heading = if row.level.is_must() { "Fails" } else { "Warns" };
    match parts.fails {
        _ if row.level == Level::May => {}
        Some(part) => {
            let _ = writeln!(text, "{heading} if:\n  {part}");
        }
        None => {
            let _ = writeln!(text, "{heading} if:\n  anything of that is not so");
        }
    }
    let mut terms = shorthand::used_in(&row.test).peekable();
    if terms.peek().is_some() {
        let _ = writeln!(text, "Short hand:");
        for (term, meaning) in terms {
            let _ = writeln!(text, "  {term:<4}  {meaning}");
        }
    }
}

/// What checks the row, and how, or why nothing does.
fn checks(text: &mut String, row: &Requirement, covered: &Covered, scenarios: &[Scenario]) {
    if let Some(unchecked) = covered.unchecked() {
        let _ = writeln!(text, "\nNothing checks it: {}", unchecked.why);
        return;
    }
    if !covered.invariants.is_empty() {
        let _ = writeln!(text, "\nIn all traffic of every scenario, by the invariants:");
        for subject in SUBJECTS.iter().filter(|subject| covered.invariants.contains(&subject.name))
        {
            let _ = writeln!(text, "  {}: looks at {}", subject.name, subject.about);
        }
    }
    let by: Vec<&Scenario> =
        scenarios.iter().filter(|scenario| scenario.requirements().contains(&row.id)).collect();
    if by.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nScenarios:");
    for scenario in by.iter().take(SCENARIOS_IN_FULL) {
        steps(text, row, scenario);
    }
    for scenario in by.iter().skip(SCENARIOS_IN_FULL) {
        let _ = writeln!(text, "  {}: {}", scenario.id(), scenario.title());
    }
}

/// What a scenario sends, and what passes the row there.
fn steps(text: &mut String, row: &Requirement, scenario: &Scenario) {
    let transports: Vec<String> = scenario.transports().iter().map(ToString::to_string).collect();
    let _ = writeln!(
        text,
        "  {} ({}): {}",
        scenario.id(),
        transports.join(", "),
        texts::one_line(scenario.title())
    );
    let otherwise = if row.level.is_must() { "fails" } else { "warns" };
    for step in scenario.steps() {
        let when = step.when.as_ref().map(|when| format!(" (only if {})", describe::shown(when)));
        let _ = writeln!(text, "    sent: {}{}", describe::act(step), when.unwrap_or_default());
        let own = step.expect.iter().filter(|check| check.requirements.contains(&row.id));
        for expectation in own {
            let _ = writeln!(text, "      passes if {}", describe::passes(expectation));
            let _ = writeln!(text, "      {otherwise} otherwise");
        }
    }
}

fn scenario(scenario: &Scenario, catalogue: &Catalogue) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n{}\n", scenario.id(), scenario.title());
    let transports: Vec<String> = scenario.transports().iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "Transports: {}", transports.join(", "));
    if !scenario.needs().is_empty() {
        let needs: Vec<String> = scenario.needs().iter().map(ToString::to_string).collect();
        let _ = writeln!(text, "Needs: {}", needs.join(", "));
    }
    for condition in scenario.only_if() {
        let otherwise = match condition.otherwise {
            Otherwise::Skip => "Skipped",
            Otherwise::Inconclusive => "Inconclusive",
            Otherwise::End => "Over",
        };
        let _ = writeln!(text, "{otherwise} unless {} ({})", condition.that, condition.reason);
    }
    let _ = writeln!(text, "File: {}\n\nChecks:", scenario.source());
    for id in scenario.requirements() {
        let row = catalogue.get(&id).map(|row| format!("{}: {}", row.level, row.text));
        let _ = writeln!(text, "  {id} {}", row.unwrap_or_default());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_is_explained_with_its_position() {
        let text = explain("l0-018", &[]).unwrap();
        assert!(text.starts_with("L0-018 (MUST, "), "{text}");
        assert!(text.contains("Judged by:") && text.contains("A-02 is ambiguous"), "{text}");
    }

    #[test]
    fn a_requirement_is_explained_by_what_is_sent_and_what_passes() {
        let text = explain("L1-044", &[]).unwrap();
        for expected in [
            "above-max-lsp-balance (p2p, rest): ",
            "sent: create_order with {\"lsp_balance_sat\":",
            "passes if ",
            "it is refused with error 100",
            "fails otherwise",
            "Fails if:\n  order or other code",
            "  ⊕     X ⊕ {…}: ",
            "Faults of the mock",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let text = explain("L1-134", &[]).unwrap();
        assert!(text.contains("  payment: looks at the payment options of an order"), "{text}");
        assert!(text.contains("Fails if:\n  anything of that is not so"), "{text}");
        let text = explain("L0-161", &[]).unwrap();
        assert!(text.contains("Profile compat: ") && text.contains("cln-lsps"), "{text}");
    }

    #[test]
    fn a_row_without_check_says_why() {
        for (id, why) in [
            ("L0-028", "binds clients"),
            ("L0-056", "authors"),
            ("L0-027", "not observable from outside"),
        ] {
            let text = explain(id, &[]).unwrap();
            assert!(text.contains("Nothing checks it: ") && text.contains(why), "{id}: {text}");
        }
        for covered in coverage(&load(&[]).unwrap()) {
            if let Some(unchecked) = covered.unchecked() {
                let text = explain(covered.row.id.as_str(), &[]).unwrap();
                assert!(text.contains(&format!("Nothing checks it: {}", unchecked.why)), "{text}");
            }
        }
    }

    #[test]
    fn an_unknown_id_is_answered_with_a_near_one() {
        let error = explain("L1-04", &[]).unwrap_err();
        assert!(error.to_string().contains("did you mean 'L1-04"), "{error}");
        assert_eq!(error.exit().code(), 2);
        assert!(explain("qqq", &[]).unwrap_err().to_string().ends_with("'qqq'"));
    }
}
