//! A self-test on the terminal: a bar while it goes on, the table at the end.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::SelfTestWatcher;
use super::judge::{SPENT_TOKEN, TOKEN};
use super::mock::MockProgram;
use super::report::{FaultOutcome, FaultReport, Row, SelfTestReport};
use crate::exit::Exit;
use crate::text::{clipped, counted, one_line};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const DIM: Style = Style::new().dimmed();

/// How many rows of a fault are named in the table.
const ROWS_SHOWN: usize = 6;

/// How many characters of one message are shown. The JSON report has all.
const MESSAGE_SHOWN: usize = 300;

/// Prints to standard output; the progress bar goes to standard error.
pub struct TableView {
    bar: ProgressBar,
}

impl TableView {
    /// A view that has printed nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Prints the table, what is wrong, and the sums.
    pub fn finish(&self, report: &SelfTestReport) {
        self.bar.finish_and_clear();
        // A closed standard output (`| head`) is no reason to fail.
        let _ = anstream::stdout().write_all(render(report).as_bytes());
    }
}

impl Default for TableView {
    fn default() -> Self {
        Self::new()
    }
}

impl SelfTestWatcher for TableView {
    fn began(&self, mocks: usize, _: &MockProgram) {
        self.bar.set_length(mocks as u64);
        // The template is a constant; a fault in it only costs the looks.
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
    }

    fn judged(&self, name: Option<&str>) {
        self.bar.set_message(one_line(name.unwrap_or("the mock without a fault")));
        self.bar.inc(1);
    }
}

/// The whole report as text.
#[must_use]
pub fn render(report: &SelfTestReport) -> String {
    let mut text = String::new();
    // Writing to a String doesn't fail.
    let _ = writeln!(
        text,
        "lsps1-harness {}, self-test with {}, seed {}\n",
        report.version,
        one_line(&report.mock),
        report.seed
    );
    let width = report.faults.iter().map(|fault| fault.name.len()).max().unwrap_or(0).max(20);
    let _ =
        writeln!(text, "{:<width$}  {:<13}  detected by; rows outside its set", "fault", "outcome");
    for fault in &report.faults {
        line(&mut text, fault, width);
    }
    unbroken(&mut text, report);
    for fault in &report.faults {
        explain(&mut text, fault, report.regtest);
    }
    never_shown(&mut text, report);
    sums(&mut text, report);
    text
}

fn line(text: &mut String, fault: &FaultReport, width: usize) {
    let style = match fault.outcome {
        FaultOutcome::Detected => GOOD,
        FaultOutcome::NeedsRegtest => DIM,
        FaultOutcome::Undetected | FaultOutcome::Outside | FaultOutcome::Failed => BAD,
    };
    let outside = match fault.outside.as_slice() {
        [] => String::new(),
        rows => format!("; outside: {}", short(rows)),
    };
    let _ = writeln!(
        text,
        "{:<width$}  {style}{:<13}{style:#}  {}{outside}",
        one_line(&fault.name),
        word(fault.outcome),
        short(&fault.detected_by)
    );
}

const fn word(outcome: FaultOutcome) -> &'static str {
    match outcome {
        FaultOutcome::Detected => "detected",
        FaultOutcome::Undetected => "UNDETECTED",
        FaultOutcome::Outside => "OUTSIDE",
        FaultOutcome::NeedsRegtest => "needs regtest",
        FaultOutcome::Failed => "FAILED",
    }
}

/// The rows once each, however many transports they were found on.
fn short(rows: &[Row]) -> String {
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.requirement.as_str()).collect();
    let shown: Vec<&str> = ids.iter().take(ROWS_SHOWN).copied().collect();
    match ids.len() - shown.len() {
        0 if shown.is_empty() => "-".to_owned(),
        0 => shown.join(" "),
        more => format!("{} and {more} more", shown.join(" ")),
    }
}

fn unbroken(text: &mut String, report: &SelfTestReport) {
    let unbroken = &report.unbroken;
    let scenarios = counted(unbroken.scenarios, "scenario", "scenarios");
    if unbroken.clean {
        let _ = writeln!(
            text,
            "\nmock without a fault: {GOOD}clean{GOOD:#}, {scenarios}, nothing found and nothing warned about"
        );
        return;
    }
    let _ = writeln!(text, "\nmock without a fault: {BAD}NOT CLEAN{BAD:#}, {scenarios}");
    for row in &unbroken.findings {
        finding(text, row);
    }
    for problem in &unbroken.problems {
        let _ = writeln!(text, "  {}", one_line(&clipped(problem, MESSAGE_SHOWN)));
    }
}

/// What is wrong about a fault, and how to look at it.
fn explain(text: &mut String, fault: &FaultReport, on_chain: bool) {
    if matches!(fault.outcome, FaultOutcome::Detected | FaultOutcome::NeedsRegtest) {
        return;
    }
    let _ = writeln!(
        text,
        "\n{BAD}{}{BAD:#} {}: {}",
        word(fault.outcome),
        one_line(&fault.name),
        one_line(&fault.summary)
    );
    let _ = writeln!(text, "  may break {}", fault.breaks.join(" "));
    for row in &fault.outside {
        finding(text, row);
    }
    for problem in &fault.problems {
        let _ = writeln!(text, "  {}", one_line(&clipped(problem, MESSAGE_SHOWN)));
    }
    let tokens = format!("--token {TOKEN} --spent-token {SPENT_TOKEN}");
    let (run, engine) = match on_chain {
        true => ("--regtest", " --engine regtest --data-dir new-folder"),
        false => ("--network regtest", ""),
    };
    let _ = writeln!(
        text,
        "  look: lsps1-harness run {run} {tokens} --target-cmd 'mock-lsp {tokens}{engine} --fault {}'",
        one_line(&fault.name)
    );
}

fn finding(text: &mut String, row: &Row) {
    let _ = writeln!(
        text,
        "  {} {} on {}, met by {}: {}",
        row.verdict,
        row.requirement,
        row.transport,
        one_line(&row.scenario),
        one_line(&clipped(&row.message, MESSAGE_SHOWN))
    );
}

/// The rows that no fault was seen to break.
fn never_shown(text: &mut String, report: &SelfTestReport) {
    let Some(rows) = report.never_shown.as_ref().filter(|rows| !rows.is_empty()) else { return };
    let _ = writeln!(
        text,
        "\n{BAD}NEVER SHOWN TO FAIL{BAD:#} {}\n  no fault makes these rows fail; add one that does, or take them out of what faults are said to break",
        rows.join(" ")
    );
}

fn sums(text: &mut String, report: &SelfTestReport) {
    let sum = report.summary;
    let mut parts = vec![format!("{} detected", sum.detected)];
    for (count, what) in [
        (sum.undetected, "undetected"),
        (sum.outside, "with rows outside their set"),
        (sum.failed, "not tried"),
        (sum.needs_regtest, "only to be seen with --regtest"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let _ = writeln!(
        text,
        "\n{} in {:.1} s: {}",
        counted(report.faults.len(), "fault", "faults"),
        Duration::from_millis(report.duration_ms).as_secs_f64(),
        parts.join(", ")
    );
    let exit = report.exit();
    let style = if exit == Exit::Conformant { GOOD } else { BAD };
    let _ = writeln!(text, "{style}exit {}: {}{style:#}", exit.code(), exit.self_test_meaning());
}
