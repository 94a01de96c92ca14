//! Which rows of the catalogue are checked by what, and why the others aren't.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::embedded;
use crate::invariant::SUBJECTS;
use crate::requirement::{
    Binds, Catalogue, Level, Observable, Prerequisite, Requirement, RequirementId,
};
use crate::scenario::Scenario;

/// A row that messages alone could break, but that nothing checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gap {
    /// The row.
    pub requirement: RequirementId,
    /// Whether it could be checked, and isn't yet.
    pub open: bool,
    /// Why it isn't.
    pub why: String,
}

/// All gaps, in the order of their file.
pub fn gaps() -> &'static [Gap] {
    static BUILTIN: LazyLock<Vec<Gap>> = LazyLock::new(|| {
        let text = embedded::requirement_file("gaps.yaml");
        // That the file can be read is asserted by a test.
        serde_json::from_str(text).unwrap_or_default()
    });
    &BUILTIN
}

/// Why a row isn't checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It binds clients.
    ClientSide,
    /// It binds the authors of LSPS texts.
    SpecSide,
    /// It is a liberty, which can't be violated.
    Liberty,
    /// It can't be observed from outside.
    NotObservable,
    /// It only restates rows that are judged one by one.
    Umbrella,
    /// It takes more than messages: a payment, the chain, time, the operator.
    Needs,
    /// It can't be judged, for a reason of its own.
    NotJudgeable,
    /// It could be checked, and isn't yet.
    Gap,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::ClientSide,
        Self::SpecSide,
        Self::Liberty,
        Self::NotObservable,
        Self::Umbrella,
        Self::Needs,
        Self::NotJudgeable,
        Self::Gap,
    ];
}

/// Why a row isn't checked, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unchecked {
    /// The kind of reason.
    pub kind: Kind,
    /// The reason.
    pub why: String,
}

/// What checks one row.
#[derive(Clone, Debug)]
pub struct Covered {
    /// The row.
    pub row: &'static Requirement,
    /// Ids of the scenarios that judge it.
    pub scenarios: Vec<String>,
    /// Names of the invariants that judge it.
    pub invariants: Vec<&'static str>,
}

impl Covered {
    /// Whether anything judges it.
    pub fn is_checked(&self) -> bool {
        !self.scenarios.is_empty() || !self.invariants.is_empty()
    }

    /// Why nothing judges it; `None` if something does, or if there is no reason.
    pub fn unchecked(&self) -> Option<Unchecked> {
        if self.is_checked() {
            return None;
        }
        let gap = || gaps().iter().find(|gap| gap.requirement == self.row.id);
        reason(self.row).or_else(|| {
            gap().map(|gap| Unchecked {
                kind: if gap.open { Kind::Gap } else { Kind::NotJudgeable },
                why: gap.why.clone(),
            })
        })
    }
}

/// Every row with what judges it, ordered by id.
pub fn coverage(scenarios: &[Scenario]) -> Vec<Covered> {
    let mut by_row: BTreeMap<RequirementId, Vec<String>> = BTreeMap::new();
    for scenario in scenarios {
        for row in scenario.requirements() {
            by_row.entry(row).or_default().push(scenario.id().to_owned());
        }
    }
    let covered = |row: &'static Requirement| Covered {
        row,
        scenarios: by_row.get(&row.id).cloned().unwrap_or_default(),
        invariants: SUBJECTS
            .iter()
            .filter(|subject| subject.rows.contains(&row.id.as_str()))
            .map(|subject| subject.name)
            .collect(),
    };
    Catalogue::builtin().iter().map(covered).collect()
}

/// Why a row needs no check, as far as the catalogue itself tells.
pub fn reason(row: &Requirement) -> Option<Unchecked> {
    let because = |kind, why: &str| Some(Unchecked { kind, why: why.to_owned() });
    let only = |kinds: &[Observable]| row.observable.iter().all(|seen| kinds.contains(seen));
    match row.binds {
        Binds::Client => {
            return because(Kind::ClientSide, "binds clients, and needs one under test");
        }
        Binds::Spec => return because(Kind::SpecSide, "binds the authors of LSPS texts"),
        Binds::Lsp | Binds::Both => {}
    }
    if row.level == Level::May {
        return because(Kind::Liberty, "a liberty of the LSP, which can't be violated");
    }
    if only(&[Observable::Wb, Observable::Doc]) {
        return because(
            Kind::NotObservable,
            "not observable from outside: it is about the LSP's logs or the text",
        );
    }
    if row.umbrella {
        return because(Kind::Umbrella, "restates other rows, which are judged one by one");
    }
    let needs: Vec<&str> = row.needs.iter().filter_map(|need| in_words(*need)).collect();
    if needs.is_empty() {
        return None;
    }
    because(Kind::Needs, &format!("not checked yet: it takes {}", needs.join(", ")))
}

const fn in_words(need: Prerequisite) -> Option<&'static str> {
    match need {
        Prerequisite::Messages => None,
        Prerequisite::Payment => Some("a payment"),
        Prerequisite::Chain => Some("a view of the chain"),
        Prerequisite::Time => Some("waiting"),
        Prerequisite::Wire => Some("a view of channel messages"),
        Prerequisite::Operator => Some("the help of the LSP's operator"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin_scenarios;

    fn covered() -> Vec<Covered> {
        coverage(&builtin_scenarios().unwrap())
    }

    #[test]
    fn every_row_has_a_check_or_a_reason() {
        let without: Vec<&str> = covered()
            .iter()
            .filter(|covered| !covered.is_checked() && covered.unchecked().is_none())
            .map(|covered| covered.row.id.as_str())
            .collect();
        assert!(
            without.is_empty(),
            "neither checked nor in gaps.yaml: {}; add a scenario, or an entry that says why not",
            without.join(", ")
        );
    }

    #[test]
    fn no_gap_is_stale() {
        assert!(!gaps().is_empty(), "gaps.yaml can't be read");
        let covered = covered();
        for gap in gaps() {
            let row = covered.iter().find(|covered| covered.row.id == gap.requirement);
            let row = row.unwrap_or_else(|| panic!("there is no row {}", gap.requirement));
            assert!(
                !row.is_checked(),
                "{} is checked by {:?} {:?}: take it out of gaps.yaml",
                gap.requirement,
                row.scenarios,
                row.invariants
            );
            assert_eq!(reason(row.row), None, "{} has a reason without gaps.yaml", gap.requirement);
            assert!(!gap.why.is_empty());
        }
    }

    #[test]
    fn rows_that_are_checked_need_no_reason() {
        let covered = covered();
        let of = |id: &str| covered.iter().find(|covered| covered.row.id.as_str() == id).unwrap();
        assert!(of("L1-134").is_checked() && of("L1-134").unchecked().is_none());
        assert_eq!(of("L1-134").invariants, ["payment"]);
        assert_eq!(of("L0-028").unchecked().unwrap().kind, Kind::ClientSide);
        assert_eq!(of("L0-056").unchecked().unwrap().kind, Kind::SpecSide);
        assert_eq!(of("L0-027").unchecked().unwrap().kind, Kind::NotObservable);
        let stale_token = reason(of("L1-109").row).unwrap();
        assert_eq!((stale_token.kind, stale_token.why.contains("operator")), (Kind::Needs, true));
    }
}
