//! What a self-test found, as data. `harness/schemas/self-test.json` describes its JSON form and changes with it.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use lsps1_scenarios::{Transport, Verdict};
use serde::{Deserialize, Serialize};

use super::SelfTestSettings;
use super::mock::{Fault, MockProgram};
use crate::exit::Exit;
use crate::report::Report;
use crate::report::finding::FindingReport;
use crate::run::{RunError, millis};

/// Names the version of the report's form.
pub const SCHEMA: &str = "lsps1-harness/self-test/1";

/// Everything that a self-test found out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SelfTestReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The harness's version.
    pub version: String,
    /// The mock's program.
    pub mock: String,
    /// When the test began, RFC 3339 in UTC.
    pub started_at: String,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Whether the faults that only show on a chain were tried, instead of the others.
    pub regtest: bool,
    /// Whether every fault met all scenarios.
    pub full: bool,
    /// The seed that generated values were drawn from.
    pub seed: u64,
    /// The mock without a fault.
    pub unbroken: Unbroken,
    /// How many faults ended how.
    pub summary: SelfTestSummary,
    /// Rows that an LSP can break with messages, or that a fault is said to break, and that no fault was seen to break;
    /// `None` if not all faults were tried.
    pub never_shown: Option<Vec<String>>,
    /// Every fault, in the mock's order.
    pub faults: Vec<FaultReport>,
    /// The exit code.
    pub exit_code: u8,
}

/// How many faults ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfTestSummary {
    /// A row that it breaks was found, and no other.
    pub detected: usize,
    /// No row that it breaks was found.
    pub undetected: usize,
    /// A row was found that it doesn't break.
    pub outside: usize,
    /// It only shows on a chain, and was not tried.
    pub needs_regtest: usize,
    /// It could not be tried.
    pub failed: usize,
}

/// The mock without a fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unbroken {
    /// Whether there is nothing to complain about.
    pub clean: bool,
    /// How many scenarios were brought to a verdict.
    pub scenarios: usize,
    /// What was found although nothing is wrong.
    pub findings: Vec<Row>,
    /// What else is not as it has to be.
    pub problems: Vec<String>,
}

/// How a fault ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultOutcome {
    /// A row that it breaks was found, and no other.
    Detected,
    /// No row that it breaks was found.
    Undetected,
    /// A row was found that it doesn't break.
    Outside,
    /// It only shows on a chain, and was not tried.
    NeedsRegtest,
    /// It could not be tried.
    Failed,
}

/// One fault.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaultReport {
    /// Its name.
    pub name: String,
    /// What it does.
    pub summary: String,
    /// The rows that it may break.
    pub breaks: Vec<String>,
    /// How it ended.
    pub outcome: FaultOutcome,
    /// The findings on rows that it breaks.
    pub detected_by: Vec<Row>,
    /// The findings on other rows.
    pub outside: Vec<Row>,
    /// What else is not as it has to be.
    pub problems: Vec<String>,
    /// How many scenarios were brought to a verdict.
    pub scenarios: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// A finding, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The requirement's id.
    pub requirement: String,
    /// `p2p` or `rest`.
    pub transport: Transport,
    /// `fail` or `warn`.
    pub verdict: Verdict,
    /// The scenario that met it first.
    pub scenario: String,
    /// What is wrong.
    pub message: String,
}

impl SelfTestReport {
    pub(super) fn new(
        settings: &SelfTestSettings,
        program: &MockProgram,
        started_at: Timestamp,
        took: Duration,
        unbroken: Unbroken,
        faults: Vec<FaultReport>,
    ) -> Self {
        let mut summary = SelfTestSummary::default();
        for fault in &faults {
            let counter = match fault.outcome {
                FaultOutcome::Detected => &mut summary.detected,
                FaultOutcome::Undetected => &mut summary.undetected,
                FaultOutcome::Outside => &mut summary.outside,
                FaultOutcome::NeedsRegtest => &mut summary.needs_regtest,
                FaultOutcome::Failed => &mut summary.failed,
            };
            *counter += 1;
        }
        let mut report = Self {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            mock: program.path().display().to_string(),
            started_at: started_at.to_string(),
            duration_ms: millis(took),
            regtest: settings.regtest,
            full: settings.full,
            seed: settings.seed,
            unbroken,
            summary,
            never_shown: None,
            faults,
            exit_code: 0,
        };
        report.exit_code = report.exit().code();
        report
    }

    pub(super) fn with_never_shown(mut self, rows: Option<Vec<String>>) -> Self {
        self.never_shown = rows;
        self.exit_code = self.exit().code();
        self
    }

    /// The exit code that the test ends with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        let SelfTestSummary { detected, undetected, outside, needs_regtest: _, failed } =
            self.summary;
        if failed > 0 || (!self.unbroken.clean && self.unbroken.scenarios == 0) {
            Exit::Inconclusive
        } else if !self.unbroken.clean
            || undetected + outside > 0
            || self.never_shown.as_ref().is_some_and(|rows| !rows.is_empty())
        {
            Exit::Broken
        } else if detected == 0 {
            Exit::NothingRun
        } else {
            Exit::Conformant
        }
    }
}

impl Unbroken {
    pub(super) fn new(judged: Result<Report, RunError>) -> Self {
        let report = match judged {
            Ok(report) => report,
            Err(error) => return Self::failed(&error.to_string()),
        };
        let mut problems = problems(&report, true);
        for (transport, dialect) in &report.dialect {
            if let Some(finding) = &dialect.finding {
                problems.push(format!("over {transport}: {}", finding.message));
            }
        }
        let findings: Vec<Row> = report.findings.iter().map(Row::new).collect();
        Self {
            clean: findings.is_empty() && problems.is_empty(),
            scenarios: judged_count(&report),
            findings,
            problems,
        }
    }

    pub(super) fn failed(reason: &str) -> Self {
        let problems = vec![reason.to_owned()];
        Self { clean: false, scenarios: 0, findings: Vec::new(), problems }
    }
}

impl FaultReport {
    pub(super) fn new(fault: &Fault, judged: Result<Report, RunError>) -> Self {
        let report = match judged {
            Ok(report) => report,
            Err(error) => return Self::failed(fault, &error.to_string()),
        };
        let set: BTreeSet<&str> = fault.breaks.iter().map(String::as_str).collect();
        let detected_by: Vec<Row> = rows(&report, &set, true).map(Row::new).collect();
        let outside: Vec<Row> = rows(&report, &set, false).map(Row::new).collect();
        let problems = problems(&report, false);
        let scenarios = judged_count(&report);
        let outcome = if !problems.is_empty() || scenarios == 0 {
            FaultOutcome::Failed
        } else if detected_by.is_empty() {
            FaultOutcome::Undetected
        } else if !outside.is_empty() {
            FaultOutcome::Outside
        } else {
            FaultOutcome::Detected
        };
        let duration_ms = report.run.duration_ms;
        Self {
            outcome,
            detected_by,
            outside,
            problems,
            scenarios,
            duration_ms,
            ..Self::bare(fault)
        }
    }

    pub(super) fn failed(fault: &Fault, reason: &str) -> Self {
        Self { problems: vec![reason.to_owned()], ..Self::bare(fault) }
    }

    pub(super) fn needs_regtest(fault: &Fault) -> (usize, Self) {
        (fault.place, Self { outcome: FaultOutcome::NeedsRegtest, ..Self::bare(fault) })
    }

    /// Whether the mock was judged with it.
    pub(super) fn was_tried(&self) -> bool {
        !matches!(self.outcome, FaultOutcome::NeedsRegtest | FaultOutcome::Failed)
    }

    fn bare(fault: &Fault) -> Self {
        Self {
            name: fault.name.clone(),
            summary: fault.summary.clone(),
            breaks: fault.breaks.clone(),
            outcome: FaultOutcome::Failed,
            detected_by: Vec::new(),
            outside: Vec::new(),
            problems: Vec::new(),
            scenarios: 0,
            duration_ms: 0,
        }
    }
}

impl Row {
    fn new(finding: &FindingReport) -> Self {
        Self {
            requirement: finding.requirement.clone(),
            transport: finding.transport,
            verdict: finding.verdict,
            scenario: finding.scenario.clone(),
            message: finding.message.clone(),
        }
    }
}

/// The rows of a report's findings that are, or aren't, in `set`.
fn rows<'a>(
    report: &'a Report,
    set: &'a BTreeSet<&str>,
    inside: bool,
) -> impl Iterator<Item = &'a FindingReport> {
    report
        .findings
        .iter()
        .filter(move |finding| set.contains(finding.requirement.as_str()) == inside)
}

fn judged_count(report: &Report) -> usize {
    report.summary.pass + report.summary.warn + report.summary.fail
}

/// Scenarios that didn't end as they have to: none may be the harness's own error, and nothing keeps an honest target
/// from being judged.
fn problems(report: &Report, is_honest: bool) -> Vec<String> {
    let is_problem = |verdict| match verdict {
        Verdict::Error => true,
        Verdict::Inconclusive | Verdict::Fail | Verdict::Warn => is_honest,
        Verdict::Pass | Verdict::Skip => false,
    };
    let mut problems: Vec<String> = report
        .scenarios
        .iter()
        .filter(|scenario| is_problem(scenario.verdict))
        .map(|scenario| {
            let reason = scenario.reason.as_deref().unwrap_or_default();
            format!("{} {}: {reason}", scenario.verdict, scenario.name())
        })
        .collect();
    if judged_count(report) == 0
        && let Some(first) = report.scenarios.first()
    {
        problems.push(first.reason.clone().unwrap_or_else(|| "no scenario was judged".to_owned()));
    }
    problems
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::report::model::{RunReport, ScenarioReport, Summary, TargetReport};
    use lsps1_scenarios::Profile;

    pub(in super::super) fn fault() -> Fault {
        Fault {
            name: "bound-exclusive".into(),
            summary: "x".into(),
            breaks: vec!["L1-046".into(), "L1-050".into()],
            needs: "messages".into(),
            place: 0,
        }
    }

    /// A run in which these rows were found.
    pub(in super::super) fn run(found: &[&str]) -> Report {
        let finding = |row: &&str| FindingReport {
            requirement: (*row).to_owned(),
            section: "s".into(),
            text: "t".into(),
            verdict: Verdict::Fail,
            transport: Transport::P2p,
            scenario: "a".into(),
            met_by: 1,
            message: "m".into(),
            evidence: Vec::new(),
        };
        Report {
            schema: String::new(),
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
            dialect: std::collections::BTreeMap::new(),
            summary: Summary { pass: 1, ..Summary::default() },
            scenarios: Vec::new(),
            findings: found.iter().map(finding).collect(),
            not_judged: Vec::new(),
        }
    }

    fn report(unbroken: Unbroken, faults: Vec<FaultReport>) -> SelfTestReport {
        let settings = SelfTestSettings {
            mock: None,
            regtest: false,
            full: false,
            share: None,
            filter: Vec::new(),
            jobs: None,
            seed: 1,
        };
        let program = MockProgram::find(Some(&std::env::current_exe().unwrap())).unwrap();
        SelfTestReport::new(
            &settings,
            &program,
            Timestamp::UNIX_EPOCH,
            Duration::ZERO,
            unbroken,
            faults,
        )
    }

    #[test]
    fn a_fault_has_to_be_found_by_its_own_rows_and_no_other() {
        let outcome = |found: &[&str]| FaultReport::new(&fault(), Ok(run(found))).outcome;
        assert_eq!(outcome(&["L1-046"]), FaultOutcome::Detected);
        assert_eq!(outcome(&[]), FaultOutcome::Undetected);
        assert_eq!(outcome(&["L1-047"]), FaultOutcome::Undetected);
        assert_eq!(outcome(&["L1-046", "L1-047"]), FaultOutcome::Outside);
    }

    #[test]
    fn exit_codes_follow_from_both_directions() {
        let clean = || Unbroken::new(Ok(run(&[])));
        let with = |found: &[&str]| vec![FaultReport::new(&fault(), Ok(run(found)))];
        assert_eq!(report(clean(), with(&["L1-046"])).exit(), Exit::Conformant);
        assert_eq!(report(clean(), with(&[])).exit(), Exit::Broken);
        assert_eq!(report(clean(), with(&["L1-046", "L1-001"])).exit(), Exit::Broken);
        assert_eq!(
            report(Unbroken::new(Ok(run(&["L1-001"]))), with(&["L1-046"])).exit(),
            Exit::Broken
        );
        let failed = vec![FaultReport::failed(&fault(), "x")];
        assert_eq!(report(clean(), failed).exit(), Exit::Inconclusive);
        let shown = |rows: &[&str]| {
            let rows = rows.iter().map(|row| (*row).to_owned()).collect();
            report(clean(), with(&["L1-046"])).with_never_shown(Some(rows))
        };
        assert_eq!(shown(&[]).exit(), Exit::Conformant);
        assert_eq!(shown(&["L1-050"]).exit_code, Exit::Broken.code());
        let needs = vec![FaultReport::needs_regtest(&fault()).1];
        assert_eq!(report(clean(), needs).exit(), Exit::NothingRun);
    }

    #[test]
    fn an_honest_mock_must_not_even_be_inconclusive() {
        let mut honest = run(&[]);
        honest.scenarios.push(ScenarioReport {
            id: "a".into(),
            title: "a".into(),
            transport: Transport::Rest,
            requirements: Vec::new(),
            verdict: Verdict::Inconclusive,
            reason: Some("because".into()),
            explained_by: None,
            duration_ms: 1,
        });
        let unbroken = Unbroken::new(Ok(honest.clone()));
        assert_eq!(unbroken.problems, ["inconclusive rest::a: because"]);
        assert!(!unbroken.clean);
        assert!(FaultReport::new(&fault(), Ok(honest)).problems.is_empty());
    }
}
