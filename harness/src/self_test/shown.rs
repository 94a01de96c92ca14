//! Which rows were shown to fail. That a fault was detected says that one of its rows was; every row has to be, by one
//! fault or another.

use std::collections::BTreeSet;

use lsps1_scenarios::coverage::{Covered, coverage};

use super::report::FaultReport;
use super::{ListError, SelfTestSettings};
use crate::list;
use crate::run::collect::{can_be_broken, needs_chain};

/// The rows that no fault was seen to break, sorted: of those that messages alone can break and something checks, and
/// those that a fault is said to break. `None` if not all faults were tried.
///
/// # Errors
/// If the scenarios can't be used.
pub(super) fn never(
    settings: &SelfTestSettings,
    faults: &[FaultReport],
) -> Result<Option<Vec<String>>, ListError> {
    if !settings.filter.is_empty() {
        return Ok(None);
    }
    let rows = coverage(&list::load(&[])?);
    let breakable = rows.iter().filter(|covered| is_at_stake(covered));
    let breakable: BTreeSet<String> =
        breakable.map(|covered| covered.row.id.as_str().to_owned()).collect();
    Ok(Some(missing(breakable, faults)))
}

fn missing(mut rows: BTreeSet<String>, faults: &[FaultReport]) -> Vec<String> {
    let tried = || faults.iter().filter(|fault| fault.was_tried());
    rows.extend(tried().flat_map(|fault| fault.breaks.iter().cloned()));
    for found in tried().flat_map(|fault| &fault.detected_by) {
        rows.remove(&found.requirement);
    }
    rows.into_iter().collect()
}

/// Whether an LSP can break it with messages, and something looks.
fn is_at_stake(covered: &Covered) -> bool {
    let needs_chain = covered.row.needs.iter().any(|need| needs_chain(*need));
    can_be_broken(covered.row) && covered.is_checked() && !needs_chain
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{fault, run};
    use super::*;

    #[test]
    fn a_row_that_is_only_said_to_be_broken_is_missing() {
        let found = |rows: &[&str]| vec![FaultReport::new(&fault(), Ok(run(rows)))];
        let at_stake = || BTreeSet::from(["L1-046".to_owned(), "L1-047".to_owned()]);
        assert_eq!(missing(at_stake(), &found(&["L1-046"])), ["L1-047", "L1-050"]);
        assert_eq!(missing(at_stake(), &found(&["L1-046", "L1-050"])), ["L1-047"]);
        let untried = vec![FaultReport::needs_regtest(&fault()).1];
        assert_eq!(missing(BTreeSet::new(), &untried), Vec::<String>::new());
    }

    #[test]
    fn rows_of_messages_are_at_stake_and_others_are_not() {
        let rows = coverage(&list::load(&[]).unwrap());
        let of = |id: &str| rows.iter().find(|covered| covered.row.id.as_str() == id).unwrap();
        assert!(is_at_stake(of("L1-134")));
        // A client's duty, a liberty, and what takes a payment.
        for id in ["L0-028", "L0-064", "L1-231"] {
            assert!(!is_at_stake(of(id)), "{id}");
        }
    }
}
