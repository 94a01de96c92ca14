//! Which rows were shown to fail. That a fault was detected says that one of its rows was; every row has to be, by one
//! fault or another.

use std::collections::BTreeSet;

use lsps1_scenarios::coverage::{Covered, coverage};

use super::report::FaultReport;
use super::{ListError, SelfTestSettings};
use crate::list;
use crate::run::collect::{can_be_broken, needs_chain};

/// The rows that no fault was seen to break, sorted, of those that such a self-test is about (with messages, or on a
/// chain): those that an LSP can break and something checks, and those that a fault is said to break. `None` if not all
/// faults were tried.
///
/// # Errors
/// If the scenarios can't be used.
pub(super) fn never(
    settings: &SelfTestSettings,
    faults: &[FaultReport],
) -> Result<Option<Vec<String>>, ListError> {
    if !settings.filter.is_empty() || settings.share.is_some() {
        return Ok(None);
    }
    Ok(Some(missing(&coverage(&list::load(&[])?), settings.regtest, faults)))
}

fn missing(rows: &[Covered], on_chain: bool, faults: &[FaultReport]) -> Vec<String> {
    let tried = || faults.iter().filter(|fault| fault.was_tried());
    let said: BTreeSet<&str> =
        tried().flat_map(|fault| &fault.breaks).map(String::as_str).collect();
    let seen: BTreeSet<&str> =
        tried().flat_map(|fault| &fault.detected_by).map(|row| row.requirement.as_str()).collect();
    let is_missing = |covered: &&Covered| {
        let id = covered.row.id.as_str();
        let is_at_stake = can_be_broken(covered.row) && covered.is_checked();
        takes_chain(covered) == on_chain && (is_at_stake || said.contains(id)) && !seen.contains(id)
    };
    rows.iter().filter(is_missing).map(|covered| covered.row.id.to_string()).collect()
}

fn takes_chain(covered: &Covered) -> bool {
    covered.row.needs.iter().any(|need| needs_chain(*need))
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{fault, run};
    use super::*;

    /// What `faults` leave of all rows.
    fn left_by(faults: &[FaultReport], on_chain: bool) -> Vec<String> {
        missing(&coverage(&list::load(&[]).unwrap()), on_chain, faults)
    }

    #[test]
    fn a_row_that_is_only_said_to_be_broken_is_missing() {
        let found = |rows: &[&str]| vec![FaultReport::new(&fault(), Ok(run(rows)))];
        let one = left_by(&found(&["L1-046"]), false);
        assert!(!one.contains(&"L1-046".to_owned()));
        assert!(one.contains(&"L1-047".to_owned()) && one.contains(&"L1-050".to_owned()));
        let two = left_by(&found(&["L1-046", "L1-050"]), false);
        assert_eq!(two.len() + 1, one.len());
        let untried = vec![FaultReport::needs_regtest(&fault()).1];
        assert_eq!(left_by(&untried, false), left_by(&[], false));
    }

    #[test]
    fn rows_are_at_stake_where_they_can_be_broken() {
        let with_messages = left_by(&[], false);
        let on_chain = left_by(&[], true);
        let has = |rows: &[String], id: &str| rows.iter().any(|row| row == id);
        assert!(has(&with_messages, "L1-134") && !has(&on_chain, "L1-134"));
        assert!(has(&on_chain, "L1-231") && !has(&with_messages, "L1-231"));
        // A client's duty, and a liberty.
        for id in ["L0-028", "L0-064"] {
            assert!(!has(&with_messages, id) && !has(&on_chain, id), "{id}");
        }
    }
}
