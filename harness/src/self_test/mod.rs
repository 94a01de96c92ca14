//! `self-test`: whether the harness itself can be believed.
//!
//! A check that has never been seen to fail proves nothing when it passes. So the mock LSP is judged as it is, where
//! nothing may be found, and with each of its faults, where a requirement that the fault breaks has to be found, and
//! none that it leaves alone.

pub mod judge;
pub mod mock;
pub mod report;
mod shown;
pub mod table;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use lsps1_scenarios::{Catalogue, RequirementId};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::exit::Exit;
use crate::list::{self, ListError};
use judge::Judge;
use mock::{Fault, MockError, MockProgram};
use report::{FaultReport, SelfTestReport, Unbroken};

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
        faults.into_iter().partition(|fault| judge::takes_chain(fault, catalogue));
    let (mut faults, left) = match settings.regtest {
        true => (on_chain, Vec::new()),
        false => (with_messages, on_chain),
    };
    if let Some(share) = settings.share {
        let mut place = 0..;
        faults.retain(|_| place.next().is_some_and(|place| share.has(place)));
    }
    watcher.began(faults.len() + 1, &program);
    let data = tempfile::tempdir().map_err(SelfTestError::Data)?;
    let judge = Judge {
        program: program.clone(),
        regtest: settings.regtest,
        full: settings.full,
        seed: settings.seed,
        data: data.path().to_owned(),
    };
    let (unbroken, mut judged) = judge_all(judge, faults, jobs(settings), watcher).await;
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
    judge: Judge,
    faults: Vec<Fault>,
    at_a_time: usize,
    watcher: &dyn SelfTestWatcher,
) -> (Unbroken, Vec<(usize, FaultReport)>) {
    let judge = Arc::new(judge);
    let permits = Arc::new(Semaphore::new(at_a_time));
    let mut running: JoinSet<Judged> = JoinSet::new();
    for fault in std::iter::once(None).chain(faults.iter().cloned().map(Some)) {
        let (judge, permits) = (Arc::clone(&judge), Arc::clone(&permits));
        running.spawn(async move {
            // Nobody closes the semaphore.
            let _permit = permits.acquire().await;
            match fault {
                None => Judged::Unbroken(judge.unbroken().await),
                Some(fault) => Judged::With(fault.place, judge.fault(&fault).await),
            }
        });
    }
    let mut unbroken = Unbroken::failed("the harness failed before the mock was judged");
    let mut reports = Vec::new();
    let mut lost: Vec<Fault> = faults;
    while let Some(ended) = running.join_next().await {
        match ended {
            // It panicked, and is among those that are lost.
            Err(_) => continue,
            Ok(Judged::Unbroken(judged)) => {
                watcher.judged(None);
                unbroken = judged;
            }
            Ok(Judged::With(place, report)) => {
                watcher.judged(Some(&report.name));
                lost.retain(|other| other.place != place);
                reports.push((place, report));
            }
        }
    }
    for fault in lost {
        reports.push((fault.place, FaultReport::failed(&fault, "the harness panicked")));
    }
    (unbroken, reports)
}

/// One mock was.
enum Judged {
    Unbroken(Unbroken),
    /// With the fault at this place of the mock's list.
    With(usize, FaultReport),
}

fn jobs(settings: &SelfTestSettings) -> usize {
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    // Most of the time what a fault holds back is waited for; of a mock that isn't optimised its own work, too.
    let mocks = if settings.regtest && !cfg!(debug_assertions) { 3 } else { 2 };
    settings.jobs.unwrap_or((mocks * processors).min(8)).max(1)
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
