//! The sums of `list --requirements`: how many rows of each level are checked, and why the others aren't.

use std::collections::BTreeMap;
use std::fmt;

use lsps1_scenarios::Level;
use lsps1_scenarios::coverage::{Covered, Kind};

use crate::faults::{self, KnownFault};
use crate::run::collect::can_be_broken;

/// Rows by level, and what checks them.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    levels: BTreeMap<Level, Counts>,
    /// Of the rows that an LSP can break where it can be seen.
    breakable: Counts,
}

#[derive(Clone, Debug, Default)]
struct Counts {
    rows: usize,
    checked: usize,
    proved: usize,
    proved_on_chain: usize,
    unchecked: BTreeMap<Kind, usize>,
}

impl Counts {
    fn add(&mut self, covered: &Covered) {
        self.rows += 1;
        self.checked += usize::from(covered.is_checked());
        let mut faults = faults::breaking(covered.row.id.as_str()).peekable();
        if faults.peek().is_some() {
            match faults.any(KnownFault::shows_in_messages) {
                true => self.proved += 1,
                false => self.proved_on_chain += 1,
            }
        }
        if let Some(unchecked) = covered.unchecked() {
            *self.unchecked.entry(unchecked.kind).or_default() += 1;
        }
    }

    fn of(&self, kind: Kind) -> usize {
        self.unchecked.get(&kind).copied().unwrap_or(0)
    }

    fn without_reason(&self) -> usize {
        self.rows - self.checked - self.unchecked.values().sum::<usize>()
    }
}

impl Summary {
    pub(crate) fn of(rows: &[Covered]) -> Self {
        let mut summary = Self::default();
        for covered in rows {
            summary.levels.entry(covered.row.level).or_default().add(covered);
            if can_be_broken(covered.row) {
                summary.breakable.add(covered);
            }
        }
        summary
    }
}

/// The column of a kind.
const fn heading(kind: Kind) -> &'static str {
    match kind {
        Kind::ClientSide => "client",
        Kind::SpecSide => "spec",
        Kind::Liberty => "liberty",
        Kind::NotObservable => "unseen",
        Kind::Umbrella => "restated",
        Kind::Needs => "needs more",
        Kind::NotJudgeable => "no verdict",
        Kind::Gap => "gap",
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10} {:>5} {:>8} {:>11}", "level", "rows", "checked", "with fault")?;
        for kind in Kind::ALL {
            write!(f, " {:>10}", heading(kind))?;
        }
        writeln!(f)?;
        let mut total = Counts::default();
        for (level, counts) in &self.levels {
            line(f, &level.to_string(), counts)?;
            total.rows += counts.rows;
            total.checked += counts.checked;
            total.proved += counts.proved;
            total.proved_on_chain += counts.proved_on_chain;
            for (kind, count) in &counts.unchecked {
                *total.unchecked.entry(*kind).or_default() += count;
            }
        }
        line(f, "all", &total)?;
        write!(
            f,
            "\nAn LSP can break {} MUST, MUST NOT and IMPLIED rows where it can be seen: {} are checked, {} have a fault \
             that proves it by messages, {} one that only shows on a chain, {} have a reason, {} are gaps, {} have neither check nor reason",
            self.breakable.rows,
            self.breakable.checked,
            self.breakable.proved,
            self.breakable.proved_on_chain,
            self.breakable.unchecked.values().sum::<usize>() - self.breakable.of(Kind::Gap),
            self.breakable.of(Kind::Gap),
            self.breakable.without_reason()
        )
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, counts: &Counts) -> fmt::Result {
    write!(f, "{name:<10} {:>5} {:>8} {:>11}", counts.rows, counts.checked, counts.proved)?;
    for kind in Kind::ALL {
        write!(f, " {:>10}", counts.of(kind))?;
    }
    writeln!(f)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsps1_scenarios::builtin_scenarios;
    use lsps1_scenarios::coverage::coverage;

    #[test]
    fn every_row_is_counted_once_and_none_is_without_reason() {
        let rows = coverage(&builtin_scenarios().unwrap());
        let summary = Summary::of(&rows);
        let counted: usize = summary.levels.values().map(|counts| counts.rows).sum();
        assert_eq!(counted, rows.len());
        for (level, counts) in &summary.levels {
            assert_eq!(counts.without_reason(), 0, "{level}");
        }
        assert!(summary.breakable.rows > 270 && summary.breakable.checked > 200, "{summary:?}");
        let text = summary.to_string();
        assert!(text.lines().any(|line| line.starts_with("MUST NOT ")), "{text}");
        assert!(text.ends_with("0 have neither check nor reason"), "{text}");
    }
}
