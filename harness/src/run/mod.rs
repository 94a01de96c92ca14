//! A run, from settings to report.

pub mod buyer;
pub mod chain;
mod channel_view;
pub mod client;
mod client_node;
mod coins;
pub mod collect;
pub mod fingerprint;
pub mod hook_client;
mod keys;
pub mod liveness;
mod orders;
pub mod pay_hook;
mod payer;
pub mod plan;
pub mod property;
pub mod purse;
mod schedule;
mod set_up;
pub mod step;
pub mod suite;
pub mod unanswered;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::{ElectrumAddress, Endpoint};
use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Profile, Transport};

use crate::exit::Exit;
use crate::list::ListError;
use crate::report::Report;
use crate::report::finding::FindingReport;
use crate::report::model::{RunReport, SCHEMA, ScenarioReport};
use crate::target::address::{BaseUrl, NodeAddress};
use crate::text::Redactor;
use collect::Collector;
use pay_hook::PayHook;
use plan::Selection;
use property::PropertySettings;
use suite::Suite;

/// What is judged, and where it is.
#[derive(Clone, Debug, Default)]
pub struct TargetSettings {
    /// The base URL of the REST face.
    pub rest: Option<BaseUrl>,
    /// The address of the node.
    pub p2p: Option<NodeAddress>,
    /// The base URL of its control API, see [`control`](crate::target::control).
    pub control: Option<BaseUrl>,
    /// A command that starts it.
    pub command: Option<String>,
    /// Whether it goes on where it was when the command is killed and started again.
    pub restarts: bool,
    /// A token that it accepts.
    pub token: Option<String>,
    /// Whether it takes any text as a token.
    pub any_token: bool,
    /// A token that it accepted once and doesn't any more.
    pub spent_token: Option<String>,
    /// Whether on-chain payment is switched off there.
    pub onchain_off: bool,
    /// The chain that it is on: `mainnet`, `testnet`, `signet` or `regtest`.
    pub network: Option<String>,
}

impl TargetSettings {
    /// Takes what isn't to be shown out of texts: the tokens, and the name and password in the URL.
    #[must_use]
    pub fn redactor(&self) -> Redactor {
        let in_url = self.rest.iter().flat_map(BaseUrl::secrets);
        let tokens = self.token.iter().chain(&self.spent_token).cloned();
        Redactor::new(tokens.chain(in_url))
    }
}

/// Everything that decides how a run is done.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What is judged.
    pub target: TargetSettings,
    /// The chain around the target, for what needs payments and channels.
    pub chain: ChainFrom,
    /// What pays where there is no chain; `None`: what needs a payment is skipped there.
    pub pay_hook: Option<PayHook>,
    /// The node that gets the channel that is bought by [`Self::pay_hook`]; `None`: none is bought.
    pub client_node: Option<PublicKey>,
    /// Only scenarios that contain one of these, if there are any.
    pub filter: Vec<String>,
    /// No scenarios that contain one of these.
    pub skip: Vec<String>,
    /// Only this transport.
    pub transport: Option<Transport>,
    /// Folders with more scenarios.
    pub scenario_folders: Vec<PathBuf>,
    /// How strictly to judge.
    pub profile: Profile,
    /// The dialect that the target speaks; `None`: it is found out.
    pub dialect: Option<Dialect>,
    /// Where generated values are drawn from.
    pub seed: u64,
    /// The longest wait for one answer; `None`: [`Settings::DEFAULT_TIMEOUT`], or
    /// [`Settings::DEFAULT_TIMEOUT_ON_LOOPBACK`] for a target on this machine.
    pub timeout: Option<Duration>,
    /// How long to listen on where silence is the right answer; `None`: [`Settings::DEFAULT_QUIET`], or
    /// [`Settings::DEFAULT_QUIET_ON_LOOPBACK`] for a target on this machine.
    pub quiet: Option<Duration>,
    /// Whether the target is known to answer in the order of the requests, so that silence needn't be waited for as long
    /// as an answer.
    pub answers_in_order: bool,
    /// How many scenarios overlap; `None`: one, or [`Settings::DEFAULT_JOBS_ON_LOOPBACK`] for a target on this machine.
    pub jobs: Option<usize>,
    /// How much is generated, and what becomes of counter-examples.
    pub property: PropertySettings,
    /// The longest wait for a payment, a channel or a state, where a scenario would wait longer.
    pub patience: Option<Duration>,
    /// Only scenarios in which orders are paid, or the target is started again.
    pub only_on_chain: bool,
    /// Whether a MUST that isn't judged makes the run inconclusive.
    pub require_judged: bool,
    /// Where logs of started processes go.
    pub logs: Option<PathBuf>,
}

/// Where a regtest chain comes from.
#[derive(Clone, Debug, Default)]
pub enum ChainFrom {
    /// There is none: what needs a chain is skipped.
    #[default]
    None,
    /// bitcoind and electrs are started, and the target on them.
    Started,
    /// The target is on somebody's bitcoind.
    Attached {
        /// Where that is.
        bitcoind: Endpoint,
        /// The Electrum server on the same chain, if there is one.
        electrum: Option<ElectrumAddress>,
    },
}

impl Settings {
    /// How long an answer may take by the requirement rows.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// How long an answer may take without a network in between.
    pub const DEFAULT_TIMEOUT_ON_LOOPBACK: Duration = Duration::from_secs(10);

    /// How long silence has to last to be told from a slow answer.
    pub const DEFAULT_QUIET: Duration = Duration::from_secs(5);

    /// The same without a network in between.
    pub const DEFAULT_QUIET_ON_LOOPBACK: Duration = Duration::from_millis(250);

    /// How many scenarios overlap on a target of this machine.
    pub const DEFAULT_JOBS_ON_LOOPBACK: usize = 4;

    /// Settings for a target, with the defaults of the command line and the given seed.
    #[must_use]
    pub fn new(target: TargetSettings, seed: u64) -> Self {
        Self {
            target,
            chain: ChainFrom::None,
            pay_hook: None,
            client_node: None,
            filter: Vec::new(),
            skip: Vec::new(),
            transport: None,
            scenario_folders: Vec::new(),
            profile: Profile::Strict,
            dialect: None,
            seed,
            timeout: None,
            quiet: None,
            answers_in_order: false,
            jobs: None,
            property: PropertySettings::default(),
            patience: None,
            only_on_chain: false,
            require_judged: false,
            logs: None,
        }
    }

    /// The longest wait for one answer. `on_loopback` is whether the target is on this machine.
    #[must_use]
    pub fn answer_timeout(&self, on_loopback: bool) -> Duration {
        let default = match on_loopback {
            true => Self::DEFAULT_TIMEOUT_ON_LOOPBACK,
            false => Self::DEFAULT_TIMEOUT,
        };
        self.timeout.unwrap_or(default)
    }

    /// How long to listen on where silence is the right answer. `on_loopback` is whether the target is on this machine.
    #[must_use]
    pub fn quiet_window(&self, on_loopback: bool) -> Duration {
        let default = match on_loopback {
            true => Self::DEFAULT_QUIET_ON_LOOPBACK,
            false => Self::DEFAULT_QUIET,
        };
        self.quiet.unwrap_or(default)
    }

    /// How many scenarios overlap. `on_loopback` is whether all of the target is on this machine.
    #[must_use]
    pub fn jobs(&self, on_loopback: bool) -> usize {
        // Whose LSP it is may count and limit what is asked of it at a time.
        let default = if on_loopback { Self::DEFAULT_JOBS_ON_LOOPBACK } else { 1 };
        self.jobs.unwrap_or(default).max(1)
    }

    fn selection(&self) -> Selection {
        Selection {
            filter: self.filter.clone(),
            skip: self.skip.clone(),
            transport: self.transport,
            only_on_chain: self.only_on_chain,
        }
    }
}

/// Is told how a run goes on.
pub trait Watcher: Send + Sync {
    /// The settings make sense, and the run begins.
    fn started(&self, settings: &Settings);
    /// A step of the set-up begins or has ended.
    fn step(&self, what: &str);
    /// So many scenarios will be run or skipped.
    fn planned(&self, count: usize);
    /// A scenario begins.
    fn began(&self, name: &str);
    /// A scenario has ended.
    fn ended(&self, scenario: &ScenarioReport);
}

/// A watcher that doesn't look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Watcher for Silent {
    fn started(&self, _: &Settings) {}
    fn step(&self, _: &str) {}
    fn planned(&self, _: usize) {}
    fn began(&self, _: &str) {}
    fn ended(&self, _: &ScenarioReport) {}
}

/// Why there is no report at all.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenarios or the catalogue can't be used.
    #[error(transparent)]
    List(#[from] ListError),
    /// `--target-cmd` can't be understood.
    #[error("{0}")]
    Usage(String),
    /// Something in the harness itself.
    #[error("{0}")]
    Internal(String),
}

impl RunError {
    /// The exit code that goes with the error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::List(error) => error.exit(),
            Self::Usage(_) => Exit::Usage,
            Self::Internal(_) => Exit::Internal,
        }
    }
}

/// Runs what `settings` ask for. A target that can't be reached or started gives a report, too.
///
/// # Errors
/// If the settings can't be used, or the harness itself fails before anything was run.
pub async fn run(settings: Settings, watcher: &dyn Watcher) -> Result<Report, RunError> {
    let clock = Instant::now();
    let started_at = jiff::Timestamp::now();
    let suite = Arc::new(Suite::prepare(settings, watcher).await?);
    let plan = suite.plan();
    watcher.planned(plan.planned.len());

    let mut collector = Collector::new(suite.settings().profile);
    schedule::run_all(&suite, &plan, watcher, |scenario, checks| collector.add(scenario, checks))
        .await;

    let collected = collector.finish(&plan, &suite.coverage(), suite.redactor());
    let settings = suite.settings();
    let dialect = suite.dialect_report(&collected.explained);
    let headlines =
        dialect.iter().filter_map(|(transport, dialect)| dialect.as_finding(*transport));
    let mut findings: Vec<FindingReport> = headlines.chain(collected.findings).collect();
    // Stable: within a verdict the headlines come first.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    let mut report = Report {
        schema: SCHEMA.to_owned(),
        target: suite.target_report(),
        run: RunReport {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: started_at.to_string(),
            duration_ms: millis(clock.elapsed()),
            profile: settings.profile,
            seed: settings.seed,
            timeout_ms: millis(settings.answer_timeout(suite.is_all_on_loopback())),
            quiet_ms: millis(settings.quiet_window(suite.is_all_on_loopback())),
            jobs: suite.jobs(),
            orders: suite.orders_made(),
            payments: suite.payments(),
            require_judged: settings.require_judged,
            exit_code: 0,
        },
        dialect,
        summary: collected.summary,
        scenarios: collected.scenarios,
        findings,
        not_judged: collected.not_judged,
    };
    report.run.exit_code = report.exit().code();
    if let Some(suite) = Arc::into_inner(suite) {
        suite.stop().await;
    }
    Ok(report)
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
