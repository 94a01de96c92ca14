//! The report as data. `harness/schemas/report.json` describes its JSON form and changes with it.

use std::collections::BTreeMap;
use std::fmt;

use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Evidence, Profile, Transport, Verdict};
use serde::{Deserialize, Serialize};

use super::dialect::DialectReport;
use crate::exit::Exit;

/// Names the version of the report's form.
pub const SCHEMA: &str = "lsps1-harness/report/1";

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
    /// The exit code that the run ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let Summary { pass, fail: _, warn: _, skip: _, inconclusive, error } = self.summary;
        let broken = self.summary.fail > 0
            || self.findings.iter().any(|finding| finding.verdict == Verdict::Fail)
            || self.dialect.values().any(DialectReport::is_broken);
        // What an old dialect explains has its finding.
        let explained = self.scenarios.iter().filter(|scenario| scenario.explained_by.is_some());
        let inconclusive = inconclusive.saturating_sub(explained.count());
        let judged = pass + self.summary.warn + self.summary.fail;
        if error > 0 {
            Exit::Internal
        } else if broken {
            Exit::Broken
        } else if inconclusive > 0 {
            Exit::Inconclusive
        } else if judged == 0 {
            Exit::NothingRun
        } else if self.run.require_judged && !self.not_judged.is_empty() {
            Exit::Inconclusive
        } else {
            Exit::Conformant
        }
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
    /// Whether a MUST that was not judged makes the run inconclusive.
    pub require_judged: bool,
    /// The exit code.
    pub exit_code: u8,
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

/// A requirement that the target breaks on a transport.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingReport {
    /// The requirement's id.
    pub requirement: String,
    /// The spec's section.
    pub section: String,
    /// The requirement in our words.
    pub text: String,
    /// `fail` or `warn`.
    pub verdict: Verdict,
    /// `p2p` or `rest`.
    pub transport: Transport,
    /// The scenario that met it first.
    pub scenario: String,
    /// How many scenarios of this transport met it.
    pub met_by: usize,
    /// What is wrong.
    pub message: String,
    /// What was sent and received, from the scenario that met it first; the operator's token replaced by `[token]`.
    pub evidence: Vec<Evidence>,
}

/// MUST rows that were not judged, for one reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NotJudged {
    /// Why.
    pub reason: String,
    /// Their ids.
    pub requirements: Vec<String>,
}
