//! `self-test`: whether the harness itself can be believed.
//!
//! A check that has never been seen to fail proves nothing when it passes. So the mock LSP is judged as it is, where
//! nothing may be found, and with each of its faults, where a requirement that the fault breaks has to be found, and
//! none that it leaves alone.

pub mod mock;
pub mod report;
mod shown;
pub mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Catalogue, RequirementId};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::exit::Exit;
use crate::list::{self, ListError};
use crate::run::collect::needs_chain;
use crate::run::{self, ChainFrom, RunError, Settings, Silent, TargetSettings};
use mock::{Fault, MockError, MockProgram};
use report::{FaultReport, SelfTestReport, Unbroken};

/// A token that the mock is told to accept, so that the scenarios that need one are run.
const TOKEN: &str = "self-test-token";

/// The longest wait for one answer. Silence on custom messages is told earlier, as the mock answers in order.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Run for every fault beside the scenarios of its rows, so that a row that it isn't meant to break has a chance to show:
/// each method's good case and each kind of refusal, on both transports.
const SMOKE: &[&str] = &[
    "::list-protocols",
    "::get-info-options",
    "p2p::create-order",
    "::get-order",
    "::create-and-get-order",
    "::two-orders-differ",
    "::ids-are-echoed",
    "::unknown-method",
    "::unknown-order",
    "::unknown-params-get-info",
    "::above-max-expiry",
    "::good-token",
    "::order-after-reconnect",
    "::bolt12-option",
    "::onchain-option",
];

/// The same for faults that only show on a chain: a purchase over each transport, and what becomes of an order that fails.
const SMOKE_ON_CHAIN: &[&str] =
    &["p2p::purchase-bolt11", "rest::purchase-bolt11", "rest::open-refused"];

/// The longest wait for a payment, a channel or a state with a fault. The mock takes less than a second for each.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is tested, and how much of it.
#[derive(Clone, Debug)]
pub struct SelfTestSettings {
    /// The mock LSP's program; `None`: the one beside this program, else the one in `PATH`.
    pub mock: Option<PathBuf>,
    /// The faults that only show on a chain are tried, each on a regtest network of its own, instead of the others.
    pub regtest: bool,
    /// Every fault is met with all scenarios, not only with those of its rows.
    pub full: bool,
    /// Only this share of the faults.
    pub share: Option<Share>,
    /// Only faults whose name contains one of these, if there are any.
    pub filter: Vec<String>,
    /// How many mocks run at the same time; `None`: twice as many as there are processors, but at most eight.
    pub jobs: Option<usize>,
    /// Where generated values are drawn from.
    pub seed: u64,
}

/// One of several equal parts of the faults: part `part` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which part.
    pub part: usize,
    /// Of how many.
    pub of: usize,
}

impl Share {
    /// Whether the fault at this place of the list belongs to it.
    const fn has(self, place: usize) -> bool {
        place % self.of + 1 == self.part
    }
}

/// Is told how a self-test goes on.
pub trait SelfTestWatcher: Send + Sync {
    /// So many mocks will be judged, of this program.
    fn began(&self, mocks: usize, program: &MockProgram);
    /// One more was; `name` is its fault, if it has one.
    fn judged(&self, name: Option<&str>);
}

/// Why nothing was tested.
#[derive(Debug, thiserror::Error)]
pub enum SelfTestError {
    /// There is no mock, or none that can be asked for its faults.
    #[error(transparent)]
    Mock(#[from] MockError),
    /// The scenarios or the catalogue can't be used.
    #[error(transparent)]
    List(#[from] ListError),
    /// There is no place for what the mocks keep.
    #[error("failed to make a temporary folder for the data of the mocks: {0}")]
    Data(std::io::Error),
    /// A fault names a requirement that doesn't exist.
    #[error(
        "the mock's fault '{fault}' names the requirement '{row}', which the catalogue doesn't have; use a mock of this version"
    )]
    UnknownRow {
        /// The fault.
        fault: String,
        /// The requirement.
        row: String,
    },
}

impl SelfTestError {
    /// The exit code that goes with the error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Mock(_) | Self::UnknownRow { .. } => Exit::Usage,
            Self::Data(_) => Exit::Internal,
            Self::List(error) => error.exit(),
        }
    }
}

/// Judges the mock without and with each of its faults.
///
/// # Errors
/// If there is no mock to judge, or its faults and the catalogue don't fit together.
pub async fn self_test(
    settings: &SelfTestSettings,
    watcher: &dyn SelfTestWatcher,
) -> Result<SelfTestReport, SelfTestError> {
    let clock = Instant::now();
    let started_at = jiff::Timestamp::now();
    let catalogue = list::catalogue()?;
    let program = MockProgram::find(settings.mock.as_deref())?;
    let mut faults = program.faults().await?;
    check_rows(&faults, catalogue)?;
    faults.retain(|fault| {
        settings.filter.is_empty() || settings.filter.iter().any(|text| fault.name.contains(text))
    });

    let (on_chain, with_messages): (Vec<Fault>, Vec<Fault>) =
        faults.into_iter().partition(|fault| fault_needs_chain(fault, catalogue));
    let (mut faults, left) = match settings.regtest {
        true => (on_chain, Vec::new()),
        false => (with_messages, on_chain),
    };
    if let Some(share) = settings.share {
        let mut place = 0..;
        faults.retain(|_| place.next().is_some_and(|place| share.has(place)));
    }
    watcher.began(faults.len() + 1, &program);
    // What the mocks keep for their restarts.
    let data = tempfile::tempdir().map_err(SelfTestError::Data)?;
    let (unbroken, mut judged) = judge_all(&program, faults, settings, data.path(), watcher).await;
    judged.extend(left.into_iter().map(|fault| FaultReport::needs_regtest(&fault)));
    judged.sort_by_key(|(place, _)| *place);

    let faults: Vec<FaultReport> = judged.into_iter().map(|(_, report)| report).collect();
    let never_shown = shown::never(settings, &faults)?;
    let report =
        SelfTestReport::new(settings, &program, started_at, clock.elapsed(), unbroken, faults);
    Ok(report.with_never_shown(never_shown))
}

/// Runs the mocks, so many at a time. Faults keep their place in the mock's list.
async fn judge_all(
    program: &MockProgram,
    faults: Vec<Fault>,
    settings: &SelfTestSettings,
    data: &Path,
    watcher: &dyn SelfTestWatcher,
) -> (Unbroken, Vec<(usize, FaultReport)>) {
    let permits = Arc::new(Semaphore::new(jobs(settings)));
    let mut running: JoinSet<(Option<Fault>, Judged)> = JoinSet::new();
    for fault in std::iter::once(None).chain(faults.iter().cloned().map(Some)) {
        let run_settings = run_settings(program, fault.as_ref(), settings, data);
        let permits = Arc::clone(&permits);
        running.spawn(async move {
            // Nobody closes the semaphore.
            let _permit = permits.acquire().await;
            let judged = run::run(run_settings, &Silent).await;
            (fault, judged)
        });
    }
    let mut unbroken = Unbroken::failed("the harness failed before the mock was judged");
    let mut reports = Vec::new();
    let mut lost: Vec<Fault> = faults;
    while let Some(ended) = running.join_next().await {
        // What panicked is among those that are lost.
        let Ok((fault, judged)) = ended else { continue };
        watcher.judged(fault.as_ref().map(|fault| fault.name.as_str()));
        match fault {
            None => unbroken = Unbroken::new(judged),
            Some(fault) => {
                lost.retain(|other| other.place != fault.place);
                reports.push((fault.place, FaultReport::new(&fault, judged)));
            }
        }
    }
    for fault in lost {
        reports.push((fault.place, FaultReport::failed(&fault, "the harness panicked")));
    }
    (unbroken, reports)
}

/// What a run gives.
type Judged = Result<crate::report::Report, RunError>;

fn jobs(settings: &SelfTestSettings) -> usize {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    // Most of the time what a fault holds back is waited for.
    settings.jobs.unwrap_or((2 * processors).min(8)).max(1)
}

fn run_settings(
    program: &MockProgram,
    fault: Option<&Fault>,
    settings: &SelfTestSettings,
    data: &Path,
) -> Settings {
    let data = data.join(fault.map_or("unbroken", |fault| fault.name.as_str()));
    let data = settings.regtest.then_some(data.as_path());
    let target = TargetSettings {
        command: Some(program.command(fault, TOKEN, data)),
        token: Some(TOKEN.to_owned()),
        network: Some("regtest".to_owned()),
        ..TargetSettings::default()
    };
    let mut run = Settings::new(target, settings.seed);
    run.timeout = Some(TIMEOUT);
    run.answers_in_order = true;
    // Some faults count the answers that the mock gives. They show the same each time only if nothing overlaps.
    run.jobs = Some(1);
    if settings.regtest {
        run.chain = ChainFrom::Started;
    }
    run.only_on_chain = settings.regtest;
    if let Some(fault) = fault {
        run.patience = Some(PATIENCE);
        // A fault is a departure from bLIP-51; some look like an older text of it, and would be translated.
        run.dialect = Some(Dialect::D3);
        if !settings.full {
            run.property.cases = Some(0);
            let smoke = if settings.regtest { SMOKE_ON_CHAIN } else { SMOKE };
            let smoke = smoke.iter().map(|name| (*name).to_owned());
            run.filter = smoke.chain(fault.breaks.iter().cloned()).collect();
        }
    }
    run
}

fn check_rows(faults: &[Fault], catalogue: &Catalogue) -> Result<(), SelfTestError> {
    for fault in faults {
        let unknown = |row: &&String| catalogue.get(&RequirementId::new(row.as_str())).is_none();
        if let Some(row) = fault.breaks.iter().find(unknown) {
            return Err(SelfTestError::UnknownRow { fault: fault.name.clone(), row: row.clone() });
        }
    }
    Ok(())
}

/// Whether a fault only shows on a chain: because the mock says so, or as all that it breaks needs one.
fn fault_needs_chain(fault: &Fault, catalogue: &Catalogue) -> bool {
    let on_chain = |row: &String| {
        let row = catalogue.get(&RequirementId::new(row.as_str()));
        row.is_some_and(|row| row.needs.iter().any(|need| needs_chain(*need)))
    };
    fault.needs != mock::MESSAGES || fault.breaks.iter().all(on_chain)
}

/// The rows of a report's findings that are, or aren't, in `set`.
fn rows<'a>(
    report: &'a crate::report::Report,
    set: &'a BTreeSet<&str>,
    inside: bool,
) -> impl Iterator<Item = &'a crate::report::model::FindingReport> {
    report
        .findings
        .iter()
        .filter(move |finding| set.contains(finding.requirement.as_str()) == inside)
}
