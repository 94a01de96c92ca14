//! From markers to a dialect.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Dialect, Group, Marker, View};

/// How sure the fingerprint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// All markers agree, from several kinds of answers.
    Certain,
    /// All markers agree, but they are all from one kind of answer.
    Likely,
    /// The markers point to several dialects: the target keeps to no published text as a whole.
    Mixed,
    /// Nothing that tells the dialects apart was seen; bLIP-51 is assumed.
    None,
    /// The operator says so.
    Forced,
}

/// What a fingerprint found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The dialect that fits best.
    pub dialect: Dialect,
    /// How well it fits.
    pub confidence: Confidence,
    /// What it rests on.
    pub markers: Vec<Marker>,
    /// Whether the target speaks the earliest text of its dialect, with the method lsps1.info.
    pub early: bool,
}

/// Best first, where several dialects fit alike: today's text can't be told from its predecessor by what is left out.
const PREFERENCE: [Dialect; 5] =
    [Dialect::D3, Dialect::RestSeed, Dialect::D2, Dialect::D1, Dialect::D0];

/// So many markers have to speak against today's text before an older one is thought of: each alone is a mistake.
const OLD_MARKERS: usize = 2;

impl Reading {
    /// The dialect that most markers fit.
    pub fn of(markers: Vec<Marker>, early: bool) -> Self {
        let old = markers.iter().filter(|marker| !marker.fits(Dialect::D3)).count();
        let score = |dialect: Dialect| {
            let fit = markers.iter().filter(|marker| marker.fits(dialect)).count();
            match dialect {
                Dialect::D3 => fit,
                _ if old < OLD_MARKERS => 0,
                // It differs so little from today's text that nothing may speak against it.
                Dialect::RestSeed if fit < markers.len() => 0,
                _ => fit,
            }
        };
        let best = PREFERENCE.into_iter().map(score).max().unwrap_or(0);
        // Of equals the first.
        let dialect =
            PREFERENCE.into_iter().find(|dialect| score(*dialect) == best).unwrap_or_default();
        let groups: BTreeSet<Group> = markers.iter().map(|marker| marker.group).collect();
        let confidence = match (markers.len() - best, groups.len()) {
            _ if markers.is_empty() => Confidence::None,
            (0, 1) => Confidence::Likely,
            (0, _) => Confidence::Certain,
            _ => Confidence::Mixed,
        };
        Self { dialect, confidence, markers, early }
    }

    /// What the operator says, whatever the markers are.
    pub fn forced(dialect: Dialect) -> Self {
        Self { dialect, confidence: Confidence::Forced, markers: Vec::new(), early: false }
    }

    /// Whether the target speaks an older text than the one that it is judged by.
    pub fn is_older(&self) -> bool {
        self.dialect != Dialect::D3
    }

    /// How the target's messages are read.
    pub fn view(&self) -> View {
        let old = self.markers.iter().filter(|marker| !marker.fits(Dialect::D3)).count();
        let explains = match self.confidence {
            Confidence::Forced => self.is_older(),
            Confidence::Certain | Confidence::Likely => self.is_older(),
            // Who keeps to no text as a whole is not excused by any.
            Confidence::Mixed | Confidence::None => false,
        };
        match explains || (old > 0 && self.confidence != Confidence::None) {
            true => View::new(self.dialect, self.early, explains),
            false => View::default(),
        }
    }

    /// The finding, in one sentence, if the dialect is an older one.
    pub fn headline(&self) -> Option<String> {
        if !self.is_older() {
            return None;
        }
        let how = match self.confidence {
            Confidence::Certain => "the target speaks",
            Confidence::Likely => "the target seems to speak",
            Confidence::Mixed => "the target is nearest to",
            Confidence::None | Confidence::Forced => "the target is judged as one that speaks",
        };
        Some(format!(
            "{how} dialect {}, {}, instead of {}",
            self.dialect,
            self.dialect.title(),
            Dialect::D3.title()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dialect::{D0, D1, D2, D3, RestSeed};

    fn marker(group: Group, dialects: &[Dialect]) -> Marker {
        Marker { group, seen: "x".into(), dialects: dialects.to_vec() }
    }

    #[test]
    fn the_dialect_that_fits_best_is_taken() {
        let old = marker(Group::Info, &[D0, D1]);
        let names = marker(Group::Info, &[D1, D2, RestSeed, D3]);
        let code = marker(Group::Error, &[D1, D2, RestSeed, D3]);
        let flat = marker(Group::Order, &[D0, D1]);

        let d1 = Reading::of(vec![old.clone(), names.clone(), code.clone(), flat], false);
        assert_eq!((d1.dialect, d1.confidence), (D1, Confidence::Certain));
        assert!(d1.view().explains() && d1.headline().unwrap().contains("April and May 2024"));

        let d3 = Reading::of(vec![names.clone(), code], false);
        assert_eq!((d3.dialect, d3.confidence), (D3, Confidence::Certain));
        assert!(d3.view().is_current() && d3.headline().is_none());

        let likely = Reading::of(vec![old.clone(), old.clone(), names.clone()], false);
        assert_eq!((likely.dialect, likely.confidence), (D1, Confidence::Likely));

        let one = Reading::of(vec![old, names], false);
        assert_eq!((one.dialect, one.confidence), (D3, Confidence::Mixed));
        assert!(!one.view().explains(), "one marker alone excuses nothing");
    }

    #[test]
    fn a_mixture_is_read_but_not_excused() {
        let mixed = Reading::of(
            vec![
                marker(Group::Info, &[D0, D1]),
                marker(Group::Info, &[D1, D2, RestSeed, D3]),
                marker(Group::Order, &[D2, RestSeed, D3]),
                marker(Group::Error, &[D0]),
            ],
            false,
        );
        assert_eq!((mixed.dialect, mixed.confidence), (D3, Confidence::Mixed));
        assert!(!mixed.view().is_current() && !mixed.view().explains());
    }

    #[test]
    fn without_markers_the_target_is_judged_by_todays_text() {
        let nothing = Reading::of(Vec::new(), false);
        assert_eq!((nothing.dialect, nothing.confidence), (D3, Confidence::None));
        assert!(nothing.view().is_current());
        assert!(Reading::forced(D2).view().explains());
        assert!(Reading::forced(D3).view().is_current());
    }
}
