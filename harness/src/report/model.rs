//! The report as data. `harness/schemas/report.json` describes its JSON form and changes with it.

use std::collections::BTreeMap;
use std::fmt;

use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Profile, Transport, Verdict};
use serde::{Deserialize, Serialize};

use super::dialect::DialectReport;
use super::finding::FindingReport;
use crate::exit::Exit;
use crate::text::counted;

/// Names the version of the report's form.
pub const SCHEMA: &str = "lsps1-harness/report/1";

/// How the reason of a scenario begins that was not run as the target isn't there.
pub(crate) const UNREACHABLE: &str = "target unreachable";

/// Everything that a run found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was judged.
    pub target: TargetReport,
    /// How it was judged.
    pub run: RunReport,
    /// Which text of LSPS1 the target keeps to, by transport.
    pub dialect: BTreeMap<Transport, DialectReport>,
    /// How many scenarios ended with each verdict.
    pub summary: Summary,
    /// Every scenario of the plan, once per transport.
    pub scenarios: Vec<ScenarioReport>,
    /// One for each requirement that is broken, or warned about, and each transport.
    pub findings: Vec<FindingReport>,
    /// The MUST rows that bind the LSP and can be seen from outside, but on which nothing was decided.
    pub not_judged: Vec<NotJudged>,
}

impl Report {
    /// The exit code that the run ends with. What is broken is broken, also where the harness failed elsewhere; and that
    /// it failed says more than that something else stayed open.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let broken = self.summary.fail > 0
            || self.findings.iter().any(|finding| finding.verdict == Verdict::Fail);
        let judged = self.summary.pass + self.summary.warn + self.summary.fail;
        if broken {
            Exit::Broken
        } else if self.summary.error > 0 {
            Exit::Internal
        } else if self.inconclusive() > 0 {
            Exit::Inconclusive
        } else if judged == 0 {
            Exit::NothingRun
        } else if self.run.require_judged && !self.not_judged.is_empty() {
            Exit::Inconclusive
        } else {
            Exit::Conformant
        }
    }

    /// What the exit code means for this run.
    #[must_use]
    pub fn exit_reason(&self) -> String {
        match self.exit() {
            Exit::Inconclusive if self.inconclusive() == 0 => {
                let count = self.not_judged_count();
                format!(
                    "not judged with --require-judged: {}",
                    counted(count, "MUST row", "MUST rows")
                )
            }
            Exit::Inconclusive => {
                let open = self.scenarios.iter().filter(|it| it.verdict == Verdict::Inconclusive);
                let is_there = |it: &ScenarioReport| {
                    it.reason.as_deref().is_some_and(|reason| !reason.contains(UNREACHABLE))
                };
                let what = counted(self.inconclusive(), "scenario", "scenarios");
                match open.clone().any(is_there) {
                    true => format!("run inconclusive: {what} came to no verdict"),
                    false => format!("{UNREACHABLE}: {what} came to no verdict"),
                }
            }
            exit => exit.meaning().to_owned(),
        }
    }

    /// The scenarios that came to no verdict. What an old dialect explains has its finding.
    fn inconclusive(&self) -> usize {
        let explained = self.scenarios.iter().filter(|scenario| scenario.explained_by.is_some());
        self.summary.inconclusive.saturating_sub(explained.count())
    }

    /// How many MUST rows were not judged.
    #[must_use]
    pub fn not_judged_count(&self) -> usize {
        self.not_judged.iter().map(|group| group.requirements.len()).sum()
    }
}

/// What was judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TargetReport {
    /// The base URL of the REST face.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<String>,
    /// `NODEID@HOST:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p2p: Option<String>,
    /// The command that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// `regtest` if the run had a chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
}

/// How it was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// The harness's version.
    pub version: String,
    /// When the run began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// `strict` or `compat`.
    pub profile: Profile,
    /// The seed that generated values were drawn from.
    pub seed: u64,
    /// The longest wait for one answer, in milliseconds; of two interfaces the longer one.
    pub timeout_ms: u64,
    /// How long silence had to last where it is the right answer, in milliseconds; of two interfaces the longer one.
    pub quiet_ms: u64,
    /// How many scenarios overlapped.
    pub jobs: usize,
    /// How many orders were made on the target.
    pub orders: usize,
    /// What `--pay-cmd` has paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payments: Option<PaymentsReport>,
    /// Whether a MUST that was not judged makes the run inconclusive.
    pub require_judged: bool,
    /// The exit code.
    pub exit_code: u8,
}

/// The payments that were begun by `--pay-cmd`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsReport {
    /// How many.
    pub begun: usize,
    /// What their invoices add up to, in sat, without what the payer's node pays for routing.
    pub sat: u64,
    /// How many of them have failed: nothing was paid, or it came back.
    pub failed: usize,
    /// How many of them were on their way or held when their scenario ended.
    pub open: usize,
}

/// How many scenarios ended with each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Nothing wrong.
    pub pass: usize,
    /// A MUST is broken.
    pub fail: usize,
    /// A SHOULD is broken, or a MUST that the profile tolerates.
    pub warn: usize,
    /// Not run, for the reason given.
    pub skip: usize,
    /// The set-up of a step failed, or it depends on a check that failed.
    pub inconclusive: usize,
    /// The harness's own fault.
    pub error: usize,
}

impl Summary {
    /// Counts one verdict.
    pub fn count(&mut self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Warn => &mut self.warn,
            Verdict::Skip => &mut self.skip,
            Verdict::Inconclusive => &mut self.inconclusive,
            Verdict::Error => &mut self.error,
        };
        *counter += 1;
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pass, fail, warn, skip, inconclusive, error } = self;
        write!(
            f,
            "{pass} pass, {fail} fail, {warn} warn, {skip} skip, {inconclusive} inconclusive, {error} error"
        )
    }
}

/// One scenario on one transport.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ScenarioReport {
    /// The scenario's id.
    pub id: String,
    /// What it is about.
    pub title: String,
    /// `p2p` or `rest`.
    pub transport: Transport,
    /// The requirements that its checks are for.
    pub requirements: Vec<String>,
    /// The worst of its checks.
    pub verdict: Verdict,
    /// Why, if it isn't a pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The target's dialect, if that alone is why the scenario is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explained_by: Option<Dialect>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

impl ScenarioReport {
    /// `transport::id`, by which a scenario is filtered and shown.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}::{}", self.transport, self.id)
    }
}

/// MUST rows that were not judged, for one reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotJudged {
    /// Why.
    pub reason: String,
    /// Their ids.
    pub requirements: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(summary: Summary) -> Report {
        Report {
            schema: SCHEMA.to_owned(),
            target: TargetReport::default(),
            run: RunReport {
                version: String::new(),
                started_at: String::new(),
                duration_ms: 1,
                profile: Profile::Strict,
                seed: 1,
                timeout_ms: 1,
                quiet_ms: 1,
                jobs: 1,
                orders: 0,
                payments: None,
                require_judged: false,
                exit_code: 0,
            },
            dialect: BTreeMap::new(),
            summary,
            scenarios: Vec::new(),
            findings: Vec::new(),
            not_judged: Vec::new(),
        }
    }

    /// Every combination of verdicts that a run can end with.
    #[test]
    fn the_exit_code_follows_from_the_gravest_of_what_happened() {
        for bits in 0..64_usize {
            let has = |bit: usize| (bits >> bit) & 1;
            let summary = Summary {
                pass: has(0),
                fail: has(1),
                warn: has(2),
                skip: has(3),
                inconclusive: has(4),
                error: has(5),
            };
            let expected = match summary {
                Summary { fail: 1, .. } => Exit::Broken,
                Summary { error: 1, .. } => Exit::Internal,
                Summary { inconclusive: 1, .. } => Exit::Inconclusive,
                Summary { pass: 0, warn: 0, .. } => Exit::NothingRun,
                _ => Exit::Conformant,
            };
            assert_eq!(report(summary).exit(), expected, "{summary}");
        }
    }

    #[test]
    fn what_an_invariant_alone_found_is_broken_and_what_a_dialect_explains_is_not_open() {
        let mut found = report(Summary { pass: 1, error: 1, ..Summary::default() });
        found.findings.push(FindingReport {
            requirement: "L1-001".into(),
            section: String::new(),
            text: String::new(),
            verdict: Verdict::Fail,
            transport: Transport::P2p,
            scenario: "a".into(),
            met_by: 1,
            message: "m".into(),
            evidence: Vec::new(),
        });
        assert_eq!(found.exit(), Exit::Broken);
        found.findings[0].verdict = Verdict::Warn;
        assert_eq!(found.exit(), Exit::Internal);

        let mut old = report(Summary { pass: 1, ..Summary::default() });
        open(&mut old, "explained by dialect d1", Some(Dialect::D1));
        assert_eq!(old.exit(), Exit::Conformant);
    }

    fn open(report: &mut Report, reason: &str, explained_by: Option<Dialect>) {
        report.summary.count(Verdict::Inconclusive);
        report.scenarios.push(ScenarioReport {
            id: "a".into(),
            title: "a".into(),
            transport: Transport::P2p,
            requirements: Vec::new(),
            verdict: Verdict::Inconclusive,
            reason: Some(reason.to_owned()),
            explained_by,
            duration_ms: 1,
        });
    }

    #[test]
    fn exit_3_names_the_one_cause_that_applies() {
        let mut gone = report(Summary::default());
        open(&mut gone, "target unreachable: refused", None);
        assert_eq!(gone.exit_reason(), "target unreachable: 1 scenario came to no verdict");
        open(&mut gone, "depends on a failed check", None);
        assert_eq!(gone.exit_reason(), "run inconclusive: 2 scenarios came to no verdict");

        let mut partly = report(Summary { pass: 1, ..Summary::default() });
        partly.not_judged =
            vec![NotJudged { reason: "r".into(), requirements: vec!["L1-001".into()] }];
        assert_eq!(partly.exit(), Exit::Conformant);
        partly.run.require_judged = true;
        assert_eq!(partly.exit(), Exit::Inconclusive);
        assert_eq!(partly.exit_reason(), "not judged with --require-judged: 1 MUST row");
    }
}
