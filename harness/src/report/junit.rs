//! The JUnit report: a suite per transport, a test case per scenario.
//!
//! A broken MUST is a failure, `inconclusive` and `error` are errors, `skip` is skipped with its reason, and a warning
//! passes with its text as output.

use std::time::Duration;

use lsps1_scenarios::{Transport, Verdict};
use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::Report;
use super::dialect::DialectFinding;
use super::evidence;
use super::finding::FindingReport;
use super::model::ScenarioReport;
use crate::text::one_line;

/// The report as JUnit XML.
///
/// # Errors
/// None that a report can cause; the serialiser's are passed on.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut junit = quick_junit::Report::new("lsps1-harness");
    junit.set_time(Duration::from_millis(report.run.duration_ms));
    for transport in [Transport::P2p, Transport::Rest] {
        let scenarios: Vec<&ScenarioReport> =
            report.scenarios.iter().filter(|scenario| scenario.transport == transport).collect();
        if scenarios.is_empty() {
            continue;
        }
        let mut suite = TestSuite::new(transport.to_string());
        suite.add_property(("seed", report.run.seed.to_string().as_str()));
        suite.set_time(Duration::from_millis(
            scenarios.iter().map(|scenario| scenario.duration_ms).sum(),
        ));
        if let Some(dialect) = report.dialect.get(&transport) {
            suite.add_property(("dialect", dialect.name.name()));
            if let Some(finding) = &dialect.finding {
                suite.add_test_case(dialect_case(transport, finding));
            }
        }
        for scenario in scenarios {
            suite.add_test_case(test_case(report, scenario));
        }
        junit.add_test_suite(suite);
    }
    junit.to_string()
}

/// The headline finding of an older dialect.
fn dialect_case(transport: Transport, finding: &DialectFinding) -> TestCase {
    let changes: String = finding.changes.iter().map(|change| format!("{change}\n")).collect();
    let is_failure = finding.verdict == Verdict::Fail;
    let status = if is_failure {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(one_line(&finding.message)).set_description(changes.as_str());
        status
    } else {
        TestCaseStatus::success()
    };
    let mut case = TestCase::new(format!("{transport}::dialect"), status);
    case.set_classname(format!("lsps1.{transport}"));
    if !is_failure {
        case.set_system_out(format!("{}\n{changes}", one_line(&finding.message)));
    }
    case
}

fn test_case(report: &Report, scenario: &ScenarioReport) -> TestCase {
    let reason = one_line(scenario.reason.as_deref().unwrap_or_default());
    let findings = findings_of(report, scenario);
    let status = match scenario.verdict {
        Verdict::Pass | Verdict::Warn => TestCaseStatus::success(),
        Verdict::Inconclusive if scenario.explained_by.is_some() => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
        Verdict::Fail | Verdict::Inconclusive | Verdict::Error => {
            let kind = match scenario.verdict {
                Verdict::Fail => NonSuccessKind::Failure,
                _ => NonSuccessKind::Error,
            };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(reason.as_str()).set_type(scenario.verdict.to_string());
            if !findings.is_empty() {
                status.set_description(findings.as_str());
            }
            status
        }
    };
    let mut case = TestCase::new(scenario.name(), status);
    case.set_classname(format!("lsps1.{}", scenario.transport));
    case.set_time(Duration::from_millis(scenario.duration_ms));
    case.add_property(("requirements", scenario.requirements.join(" ").as_str()));
    if scenario.verdict == Verdict::Warn {
        case.set_system_out(if findings.is_empty() { reason } else { findings });
    }
    case
}

/// The findings that this scenario met first, with their evidence. Those that another one met first are named there.
fn findings_of(report: &Report, scenario: &ScenarioReport) -> String {
    report
        .findings
        .iter()
        .filter(|finding| {
            finding.scenario == scenario.id && finding.transport == scenario.transport
        })
        .map(describe)
        .collect()
}

fn describe(finding: &FindingReport) -> String {
    let mut text = format!(
        "{} {} ({}): {}\n",
        finding.verdict,
        finding.requirement,
        finding.section,
        one_line(&finding.message)
    );
    for piece in &finding.evidence {
        text.push_str(&format!("  {}\n", evidence::describe(piece)));
    }
    text
}
