//! What profile `compat` tolerates: deviations that are known in the ecosystem, and who suffers from them.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::embedded;
use crate::requirement::RequirementId;

/// A deviation that is known in the ecosystem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// The row that it breaks.
    pub requirement: RequirementId,
    /// What is different.
    pub deviation: String,
    /// Servers that are known for it.
    pub sent_by: Vec<String>,
    /// Clients that are known to fail on it, and how.
    pub suffers: Vec<String>,
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a known deviation: {}", self.deviation)?;
        if !self.sent_by.is_empty() {
            write!(f, "; sent by {}", self.sent_by.join(", "))?;
        }
        match self.suffers.as_slice() {
            [] => write!(f, "; no client is known to suffer"),
            suffers => write!(f, "; who suffers: {}", suffers.join(", ")),
        }
    }
}

/// All deviations, ordered by requirement.
pub fn deviations() -> &'static [Deviation] {
    static BUILTIN: LazyLock<Vec<Deviation>> = LazyLock::new(|| {
        let text = embedded::requirement_file("compat.yaml");
        // That the file can be read is asserted by a test.
        serde_json::from_str(text).unwrap_or_default()
    });
    &BUILTIN
}

/// The deviations from a row.
pub fn deviations_from(
    requirement: &RequirementId,
) -> impl Iterator<Item = &'static Deviation> + use<'_> {
    deviations().iter().filter(move |deviation| deviation.requirement == *requirement)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::requirement::Catalogue;
    use crate::scenario::builtin_scenarios;

    #[test]
    fn deviations_are_told_with_the_clients_that_suffer() {
        let all = deviations();
        assert!(all.len() >= 15, "{}", all.len());
        let mut ordered = all.to_vec();
        ordered.sort_by(|a, b| a.requirement.cmp(&b.requirement));
        assert_eq!(all, ordered);
        let hold = deviations_from(&"L1-174".into()).next().unwrap().to_string();
        assert!(
            hold.contains("sent by lightning-liquidity") && hold.contains("ldk-node 0.7"),
            "{hold}"
        );
    }

    #[test]
    fn every_row_with_a_lenient_check_has_its_entry() {
        let known: BTreeSet<&RequirementId> =
            deviations().iter().map(|deviation| &deviation.requirement).collect();
        for row in &known {
            let level = Catalogue::builtin().get(row).map(|row| row.level);
            assert!(level.is_some_and(|level| level.is_must()), "{row} can't be tolerated");
        }
        for scenario in builtin_scenarios().unwrap() {
            let lenient = scenario
                .steps()
                .iter()
                .flat_map(|step| &step.expect)
                .filter(|expectation| expectation.compat.is_some());
            for row in lenient.flat_map(|expectation| &expectation.requirements) {
                let is_must = Catalogue::builtin().get(row).is_some_and(|row| row.level.is_must());
                assert!(!is_must || known.contains(row), "{} tolerates {row}", scenario.id());
            }
        }
    }
}
