//! The faults of the mock LSP, as far as the harness has to know them: which rows each of them breaks.
//!
//! The harness doesn't depend on the mock. `data/faults.json` is what `mock-lsp faults --json` prints, and a test compares
//! the two.

use std::sync::LazyLock;

use lsps1_scenarios::Catalogue;
use serde::{Deserialize, Serialize};

use crate::run::collect::needs_chain;

/// A fault of the mock LSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFault {
    /// Its name, for `mock-lsp --fault`.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// The rows that it breaks.
    pub breaks: Vec<String>,
    /// What it takes to see it: `messages` or `chain`.
    pub needs: String,
}

impl KnownFault {
    /// Whether messages alone show it, so that `self-test` tries it without a chain.
    #[must_use]
    pub fn shows_in_messages(&self) -> bool {
        let on_chain = |row: &String| {
            let row = Catalogue::builtin().get(&row.as_str().into());
            row.is_some_and(|row| row.needs.iter().any(|need| needs_chain(*need)))
        };
        self.needs == "messages" && !self.breaks.iter().all(on_chain)
    }
}

/// The file that the faults are read from.
pub const FILE: &str = include_str!("../data/faults.json");

/// All faults.
#[must_use]
pub fn all() -> &'static [KnownFault] {
    static FAULTS: LazyLock<Vec<KnownFault>> = LazyLock::new(|| {
        // That the file can be read is asserted by a test.
        serde_json::from_str(FILE).unwrap_or_default()
    });
    &FAULTS
}

/// The faults that break a row.
pub fn breaking(row: &str) -> impl Iterator<Item = &'static KnownFault> + use<'_> {
    all().iter().filter(move |fault| fault.breaks.iter().any(|broken| broken == row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_breaks_rows_that_there_are() {
        assert!(all().len() >= 50, "{} can't be read", all().len());
        for fault in all() {
            assert!(!fault.breaks.is_empty(), "{} is tied to no row", fault.name);
            for row in &fault.breaks {
                let known = Catalogue::builtin().get(&row.as_str().into());
                assert!(known.is_some(), "{} breaks {row}, which there isn't", fault.name);
            }
        }
    }

    #[test]
    fn faults_are_found_by_row() {
        assert!(breaking("L1-134").any(|fault| fault.name == "order-total-off-by-one"));
        let shows =
            |name: &str| all().iter().find(|it| it.name == name).unwrap().shows_in_messages();
        assert!(shows("order-total-off-by-one") && !shows("skip-hold"));
        assert_eq!(breaking("L0-056").count(), 0);
    }
}
