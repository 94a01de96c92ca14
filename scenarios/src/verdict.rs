//! Verdicts, and the evidence that goes with them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::action::Transport;
use crate::requirement::{Level, RequirementId};

/// How strictly a target is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// The letter of the specification.
    #[default]
    Strict,
    /// Known deviations of the ecosystem are warnings.
    Compat,
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Strict => "strict",
            Self::Compat => "compat",
        })
    }
}

/// The outcome of a check or of a scenario.
///
/// The order is by weight: when several outcomes are put together, the greatest one counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Not judged, for a reason that was probed or stated.
    Skip,
    /// Kept.
    Pass,
    /// Not judged: the set-up of the step failed, or it depends on a check that failed.
    Inconclusive,
    /// A SHOULD, or a MUST that profile `compat` tolerates, is broken.
    Warn,
    /// A MUST is broken.
    Fail,
    /// The harness itself failed.
    Error,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Skip => "skip",
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Error => "error",
        })
    }
}

/// What was observed of one requirement, before its level is taken into account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The requirement was kept.
    Kept,
    /// A deviation that is a warning in every profile.
    Tolerated,
    /// A deviation that profile `compat` tolerates.
    CompatTolerated,
    /// The requirement is broken.
    Broken,
}

impl Judgement {
    /// The verdict for a requirement of this level. A MAY is never broken.
    pub fn verdict(self, level: Level, profile: Profile) -> Verdict {
        match self {
            Self::Kept => Verdict::Pass,
            _ if level == Level::May => Verdict::Pass,
            Self::Tolerated => Verdict::Warn,
            Self::CompatTolerated if profile == Profile::Compat => Verdict::Warn,
            Self::CompatTolerated | Self::Broken if level.is_must() => Verdict::Fail,
            Self::CompatTolerated | Self::Broken => Verdict::Warn,
        }
    }
}

/// Longest piece of evidence that is kept, in bytes.
pub const EVIDENCE_LIMIT: usize = 4096;

/// Bytes as they went over the wire, printable and bounded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct EvidenceBytes {
    /// The bytes as text if they are UTF-8, control characters other than line feed and tab escaped as `\u{…}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The bytes in hexadecimal if they aren't UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex: Option<String>,
    /// Length of the whole, in bytes. If it is more than what is shown, the rest was left out.
    pub length: usize,
}

impl EvidenceBytes {
    /// Makes `bytes` printable; only the first [`EVIDENCE_LIMIT`] bytes are kept.
    pub fn new(bytes: &[u8]) -> Self {
        let length = bytes.len();
        let shown = &bytes[..length.min(EVIDENCE_LIMIT)];
        let text = match std::str::from_utf8(shown) {
            Ok(text) => Some(text),
            // A character that the limit cut in two doesn't make the text binary.
            Err(error) if length > EVIDENCE_LIMIT && error.error_len().is_none() => {
                std::str::from_utf8(&shown[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match text {
            Some(text) => Self { text: Some(escape(text)), hex: None, length },
            None => {
                let hex = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                Self { text: None, hex: Some(hex), length }
            }
        }
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// What was sent to the target.
    Sent {
        /// Milliseconds since the start of the session.
        at_ms: u64,
        /// Over which interface.
        transport: Transport,
        /// The connection (`p2p`) or the method and path (`rest`).
        via: String,
        /// The exact bytes, bounded.
        bytes: EvidenceBytes,
    },
    /// What came from the target.
    Received {
        /// Milliseconds since the start of the session.
        at_ms: u64,
        /// Over which interface.
        transport: Transport,
        /// The connection (`p2p`) or the HTTP status (`rest`).
        via: String,
        /// The exact bytes, bounded.
        bytes: EvidenceBytes,
    },
    /// A circumstance, in words.
    Note {
        /// The words.
        text: String,
    },
}

impl Evidence {
    /// A circumstance in words.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Note { text: text.into() }
    }
}

/// The outcome of one requirement in one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The requirement.
    pub requirement: RequirementId,
    /// The outcome.
    pub verdict: Verdict,
    /// What was expected and what was found; empty for a pass.
    pub message: String,
    /// What the verdict rests on; empty for a pass.
    pub evidence: Vec<Evidence>,
}

/// Collects outcomes so that each requirement has one: the gravest, and of equals the first.
#[derive(Clone, Debug, Default)]
pub struct CheckSet {
    results: BTreeMap<RequirementId, CheckResult>,
}

impl CheckSet {
    /// Adds an outcome.
    pub fn add(&mut self, result: CheckResult) {
        match self.results.get_mut(&result.requirement) {
            Some(known) if known.verdict >= result.verdict => {}
            Some(known) => *known = result,
            None => {
                self.results.insert(result.requirement.clone(), result);
            }
        }
    }

    /// Whether a requirement has this outcome already, or a graver one.
    pub fn has(&self, requirement: &RequirementId, verdict: Verdict) -> bool {
        self.results.get(requirement).is_some_and(|known| known.verdict >= verdict)
    }

    /// The outcomes, ordered by requirement.
    pub fn into_results(self) -> Vec<CheckResult> {
        self.results.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_profiles_decide() {
        use Judgement::*;
        assert_eq!(Broken.verdict(Level::Must, Profile::Compat), Verdict::Fail);
        assert_eq!(Broken.verdict(Level::Implied, Profile::Strict), Verdict::Fail);
        assert_eq!(Broken.verdict(Level::Should, Profile::Strict), Verdict::Warn);
        assert_eq!(Broken.verdict(Level::May, Profile::Strict), Verdict::Pass);
        assert_eq!(CompatTolerated.verdict(Level::Must, Profile::Strict), Verdict::Fail);
        assert_eq!(CompatTolerated.verdict(Level::Must, Profile::Compat), Verdict::Warn);
        assert_eq!(Tolerated.verdict(Level::Must, Profile::Strict), Verdict::Warn);
        assert_eq!(Kept.verdict(Level::Must, Profile::Strict), Verdict::Pass);
    }

    #[test]
    fn evidence_is_printable_and_bounded() {
        assert_eq!(EvidenceBytes::new(b"a\x00b").text.as_deref(), Some("a\\u{0}b"));
        assert_eq!(EvidenceBytes::new(b"\xff\x01").hex.as_deref(), Some("ff01"));
        let long = "é".repeat(EVIDENCE_LIMIT);
        let shown = EvidenceBytes::new(format!("x{long}").as_bytes());
        assert_eq!(shown.length, 2 * EVIDENCE_LIMIT + 1);
        assert_eq!(shown.text.map(|text| text.len()), Some(EVIDENCE_LIMIT - 1));
    }

    #[test]
    fn the_gravest_outcome_of_a_requirement_counts() {
        let result = |verdict, message: &str| CheckResult {
            requirement: "L1-134".into(),
            verdict,
            message: message.into(),
            evidence: Vec::new(),
        };
        let mut set = CheckSet::default();
        set.add(result(Verdict::Pass, ""));
        set.add(result(Verdict::Fail, "first"));
        set.add(result(Verdict::Fail, "second"));
        set.add(result(Verdict::Warn, "third"));
        let results = set.into_results();
        assert_eq!(results.len(), 1);
        assert_eq!((results[0].verdict, results[0].message.as_str()), (Verdict::Fail, "first"));
    }
}
