//! What a person sees: each scenario that isn't a plain pass as it ends, then the findings with their evidence, then
//! the sums. Everything that a target sent is escaped; colours and the progress bar only show on a terminal.

use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};
use lsps1_scenarios::{Transport, Verdict};

use super::Report;
use super::dialect::{DialectFinding, DialectReport};
use super::evidence;
use super::finding::FindingReport;
use super::model::{PaymentsReport, ScenarioReport};
use crate::run::{Settings, Watcher};
use crate::text::{clipped, counted, one_line};

/// How many characters of one piece of evidence are shown. The JSON report has more.
const EVIDENCE_SHOWN: usize = 600;

/// Prints to standard output; the progress bar goes to standard error.
pub struct View {
    bar: ProgressBar,
}

impl View {
    /// A view that has printed nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// Prints what is known at the end. The last line says which MUST rows were not judged.
    pub fn finish(&self, report: &Report) {
        self.bar.finish_and_clear();
        for (transport, dialect) in &report.dialect {
            if let Some(finding) = &dialect.finding {
                self.dialect(*transport, dialect, finding);
            }
        }
        let mut findings =
            report.findings.iter().filter(|finding| !finding.is_dialect()).peekable();
        if findings.peek().is_some() {
            self.line("");
            findings.for_each(|finding| self.finding(finding));
        }
        self.skipped(report);
        self.line("");
        self.line(&format!(
            "{} in {}: {}; {} made",
            counted(report.scenarios.len(), "scenario", "scenarios"),
            seconds(report.run.duration_ms),
            report.summary,
            counted(report.run.orders, "order", "orders"),
        ));
        if let Some(payments) = report.run.payments {
            self.line(&payments_line(payments));
        }
        let exit = report.exit();
        let style = if exit.code() == 0 { GOOD } else { BAD };
        self.line(&format!("{style}exit {}: {}{style:#}", exit.code(), report.exit_reason()));
        self.line(&not_judged_line(report));
    }

    /// The headline of an older dialect.
    fn dialect(&self, transport: Transport, dialect: &DialectReport, finding: &DialectFinding) {
        let style = style_of(finding.verdict);
        self.line("");
        self.line(&format!(
            "{style}{} dialect {}{style:#} on {transport}: {}",
            finding.verdict,
            dialect.name,
            one_line(&finding.message)
        ));
        for marker in &dialect.markers {
            let names: Vec<&str> = marker.dialects.iter().map(|dialect| dialect.name()).collect();
            self.line(&format!("    seen: {} ({})", one_line(&marker.seen), names.join(", ")));
        }
        self.line("  What changed since:");
        for change in &finding.changes {
            self.line(&format!("    {}", one_line(change)));
        }
        if !finding.explains.is_empty() {
            let rows = finding.explains.join(", ");
            self.line(&format!("  Not kept for this reason only, and no finding: {rows}"));
        }
    }

    fn finding(&self, finding: &FindingReport) {
        let style = style_of(finding.verdict);
        let others = match finding.met_by.saturating_sub(1) {
            0 => String::new(),
            count => format!(" and {} more", counted(count, "scenario", "scenarios")),
        };
        self.line(&format!(
            "{style}{} {}{style:#} on {}, met by {}{others}",
            finding.verdict, finding.requirement, finding.transport, finding.scenario,
        ));
        self.line(&format!("  {} ({})", one_line(&finding.text), one_line(&finding.section)));
        self.line(&format!("  {}", one_line(&clipped(&finding.message, EVIDENCE_SHOWN))));
        for piece in &finding.evidence {
            self.line(&format!("    {}", clipped(&evidence::describe(piece), EVIDENCE_SHOWN)));
        }
        self.line("");
    }

    /// The skipped scenarios, grouped by reason.
    fn skipped(&self, report: &Report) {
        let mut groups: Vec<(&str, usize)> = Vec::new();
        for scenario in report.scenarios.iter().filter(|scenario| scenario.verdict == Verdict::Skip)
        {
            let reason = scenario.reason.as_deref().unwrap_or("no reason was given");
            match groups.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => groups.push((reason, 1)),
            }
        }
        for (reason, count) in groups {
            self.line(&format!(
                "skipped {}: {}",
                counted(count, "scenario", "scenarios"),
                one_line(reason)
            ));
        }
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| {
            // A closed standard output (`| head`) is no reason to stop judging.
            let _ = writeln!(anstream::stdout(), "{text}");
        });
    }
}

impl Default for View {
    fn default() -> Self {
        Self::new()
    }
}

impl Watcher for View {
    fn started(&self, settings: &Settings) {
        self.line(&format!(
            "lsps1-harness {}, profile {}, seed {} (--seed {} repeats the generated values)",
            env!("CARGO_PKG_VERSION"),
            settings.profile,
            settings.seed,
            settings.seed,
        ));
    }

    fn step(&self, what: &str) {
        self.line(&format!("{DIM}{}{DIM:#}", one_line(what)));
    }

    fn planned(&self, count: usize) {
        self.bar.set_length(count as u64);
        // The template is a constant; a fault in it only costs the looks.
        if let Ok(style) = ProgressStyle::with_template("{pos}/{len} {wide_msg}") {
            self.bar.set_style(style);
        }
        self.bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    }

    fn began(&self, name: &str) {
        self.bar.set_message(one_line(name));
    }

    fn ended(&self, scenario: &ScenarioReport) {
        self.bar.inc(1);
        if matches!(scenario.verdict, Verdict::Pass | Verdict::Skip) {
            return;
        }
        let style = style_of(scenario.verdict);
        let reason = scenario
            .reason
            .as_deref()
            .map(|reason| format!(": {}", one_line(&clipped(reason, EVIDENCE_SHOWN))));
        self.line(&format!(
            "{style}{:<12}{style:#} {} ({}){}",
            scenario.verdict.to_string(),
            scenario.name(),
            seconds(scenario.duration_ms),
            reason.unwrap_or_default(),
        ));
    }
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const MIDDLING: Style = AnsiColor::Yellow.on_default().bold();
const DIM: Style = Style::new().dimmed();

const fn style_of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GOOD,
        Verdict::Fail | Verdict::Error => BAD,
        Verdict::Warn | Verdict::Inconclusive => MIDDLING,
        Verdict::Skip => DIM,
    }
}

/// `12 of 278 MUST rows were not judged: 10 need a chain, …`.
/// What was spent; what may still be on its way isn't passed over.
fn payments_line(payments: PaymentsReport) -> String {
    let PaymentsReport { begun, sat, failed, open } = payments;
    let mut line = format!(
        "--pay-cmd: {} begun over {sat} sat, routing fees not counted; {failed} failed or came back",
        counted(begun, "payment", "payments")
    );
    if open > 0 {
        line.push_str(&format!(
            ", {open} may be held until the order expires, or the payment times out: look at the payer's node"
        ));
    }
    line
}

fn not_judged_line(report: &Report) -> String {
    let count = report.not_judged_count();
    if count == 0 {
        return "every MUST row that can be seen from outside was judged".to_owned();
    }
    let groups: Vec<String> = report
        .not_judged
        .iter()
        .map(|group| format!("{} {}", group.requirements.len(), one_line(&group.reason)))
        .collect();
    format!(
        "{} not judged: {}",
        counted(count, "MUST row was", "MUST rows were"),
        groups.join("; ")
    )
}

fn seconds(duration_ms: u64) -> String {
    format!("{:.2} s", Duration::from_millis(duration_ms).as_secs_f64())
}
