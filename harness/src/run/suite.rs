//! A target that has been reached (and, if asked for, the chain around it), ready for scenarios.

mod perform;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lsps1_fixtures::Network;
use lsps1_fixtures::run_dir::RunDir;
use lsps1_scenarios::coverage::{Covered, coverage};
use lsps1_scenarios::dialect::{Reading, View};
use lsps1_scenarios::invariant::RunFacts;
use lsps1_scenarios::{CheckResult, End, Ignoring, Scenario, Transport, Verdict, Wait};
use tokio::sync::RwLock;

pub(super) use perform::Performed;

use super::chain::Chain;
use super::fingerprint::{self, Readings};
use super::orders::Budget;
use super::plan::{self, Face, Means, Plan, Planned};
use super::property::PropertySettings;
use super::purse::Purse;
use super::set_up::set_up;
use super::step::Stage;
use super::unanswered::Unanswered;
use super::{RunError, Settings, TargetSettings, Watcher, millis};
use crate::list;
use crate::report::dialect::DialectReport;
use crate::report::model::{PaymentsReport, ScenarioReport, TargetReport};
use crate::target::address::NodeAddress;
use crate::target::command::{CommandError, CommandTarget};
use crate::target::control::Control;
use crate::target::custom_message::{Connections, MessageTarget};
use crate::target::rest::{RestRequest, RestTarget};
use crate::text::{Redactor, counted, without_users};

/// A target and everything to judge it with. Scenarios can be run on it in any order.
pub struct Suite {
    settings: Settings,
    scenarios: Vec<Scenario>,
    redactor: Redactor,
    means: Means,
    /// What generated conversations may still order.
    budget: Budget,
    /// How many orders were made.
    orders_made: AtomicUsize,
    rest: Option<RestTarget>,
    node: Option<(NodeAddress, MessageTarget)>,
    chain: Option<Chain>,
    /// What pays where there is no chain.
    purse: Option<Purse>,
    command: Option<CommandTarget>,
    control: Option<Control>,
    /// Whether the target, or its operator, says that on-chain payment is switched off.
    onchain_off: bool,
    /// Held by each scenario that goes on, alone by one that needs the target for itself.
    turn: RwLock<()>,
    /// Goes when the command has ended.
    _run_dir: Option<Arc<RunDir>>,
    /// What the invariants have to remember from scenario to scenario.
    facts: Mutex<RunFacts>,
    /// What is no use waiting for.
    unanswered: Mutex<Unanswered>,
    /// After which errors the target has been seen to ignore its client.
    ignoring: Mutex<Ignoring>,
    /// The text of LSPS1 that the target keeps to.
    readings: Readings,
}

/// How a scenario went.
#[derive(Debug)]
pub struct Outcome {
    /// Its line in the report.
    pub report: ScenarioReport,
    /// What its checks and the invariants found.
    pub checks: Vec<CheckResult>,
    /// Whether the first thing sent in it got any answer, if anything was sent.
    pub answered: Option<bool>,
}

impl Suite {
    /// Loads the scenarios, starts what has to be started, and finds the target. A target that isn't there is no error:
    /// its scenarios become inconclusive, with the reason.
    ///
    /// # Errors
    /// If the scenarios or the command line of the target can't be used.
    pub async fn prepare(settings: Settings, watcher: &dyn Watcher) -> Result<Self, RunError> {
        Self::prepare_on(settings, None, watcher).await
    }

    /// As [`Suite::prepare`], on a regtest network that the target is on already.
    ///
    /// # Errors
    /// As [`Suite::prepare`].
    pub async fn prepare_on(
        settings: Settings,
        network: Option<Network>,
        watcher: &dyn Watcher,
    ) -> Result<Self, RunError> {
        if let Some(command) = &settings.target.command
            && shlex::split(command).is_none_or(|words| words.is_empty())
        {
            return Err(RunError::Usage(CommandError::Words(command.clone()).to_string()));
        }
        let scenarios = list::load(&settings.scenario_folders)?;
        list::catalogue()?;
        watcher.started(&settings);
        let found = set_up(&settings, network, watcher).await;
        let TargetSettings { token, spent_token, .. } = &settings.target;
        let (token, spent_token) = (token.is_some(), spent_token.is_some());
        let mut suite = Self {
            scenarios,
            redactor: found.redactor,
            budget: Budget::new(0, 0),
            orders_made: AtomicUsize::new(0),
            means: Means {
                rest: found.rest_face,
                p2p: found.node_face,
                chain: found.chain_means,
                payer: found.payer_means,
                client_node: settings.client_node.is_some(),
                token,
                spent_token,
                clock: found.control.is_some(),
                restart: found.restarts,
            },
            rest: found.rest,
            node: found.node,
            chain: found.chain,
            purse: found.purse,
            command: found.command,
            control: found.control,
            onchain_off: found.onchain_off,
            turn: RwLock::default(),
            _run_dir: found.run_dir,
            facts: Mutex::default(),
            unanswered: Mutex::default(),
            ignoring: Mutex::default(),
            readings: Readings::new(),
            settings,
        };
        watcher.step(&suite.pace());
        suite.readings = suite.take_fingerprints().await;
        suite.budget = suite.whole_budget();
        fingerprint::tell(&suite.readings, &suite.redactor, watcher);
        Ok(suite)
    }

    /// Finds out which dialect the target speaks over each transport that is going to be used.
    async fn take_fingerprints(&self) -> Readings {
        let mut readings = Readings::new();
        for transport in [Transport::P2p, Transport::Rest] {
            let is_used = self.settings.transport.is_none_or(|only| only == transport);
            if !is_used || *self.means.face(transport) != Face::There {
                continue;
            }
            let started = Instant::now();
            let connections = self.node.as_ref().filter(|_| transport == Transport::P2p);
            let connections = connections.map(|(_, target)| Connections::new(*target, started));
            let context = self.context(transport, "fingerprint", None);
            let stage = Stage::new(self.rest.as_ref(), connections, None, started);
            let (reading, orders) = fingerprint::take(&context, self.settings.dialect, stage).await;
            self.note_orders(orders);
            readings.insert(transport, reading);
        }
        readings
    }

    /// What generated conversations may order: what the operator allows, less what was ordered already.
    fn whole_budget(&self) -> Budget {
        let default = match self.is_all_on_loopback() {
            true => PropertySettings::DEFAULT_MAX_ORDERS_ON_LOOPBACK,
            false => PropertySettings::DEFAULT_MAX_ORDERS,
        };
        let most = self.settings.property.max_orders.unwrap_or(default);
        let made = u32::try_from(self.orders_made()).unwrap_or(u32::MAX);
        let plan = self.plan();
        let conversations = plan.planned.iter().filter(|planned| {
            planned.obstacle.is_none() && self.scenarios[planned.index].property().is_some()
        });
        let conversations = u32::try_from(conversations.count()).unwrap_or(u32::MAX);
        Budget::new(most.saturating_sub(made), conversations)
    }

    fn note_orders(&self, made: usize) {
        self.orders_made.fetch_add(made, Ordering::Relaxed);
    }

    /// How many orders were made on the target so far.
    #[must_use]
    pub fn orders_made(&self) -> usize {
        self.orders_made.load(Ordering::Relaxed)
    }

    /// What was paid by the operator's command, if there is one.
    #[must_use]
    pub fn payments(&self) -> Option<PaymentsReport> {
        self.purse.as_ref().map(Purse::spent)
    }

    /// Whether the target is on this machine, as far as `transport` is concerned. So is an interface that isn't there.
    #[must_use]
    pub fn is_on_loopback(&self, transport: Transport) -> bool {
        match transport {
            Transport::Rest => self.rest.as_ref().is_none_or(|rest| rest.base().is_loopback()),
            Transport::P2p => {
                self.node.as_ref().is_none_or(|(_, node)| node.address.ip().is_loopback())
            }
        }
    }

    /// Whether all of the target is on this machine.
    #[must_use]
    pub fn is_all_on_loopback(&self) -> bool {
        Transport::ALL.into_iter().all(|transport| self.is_on_loopback(transport))
    }

    /// How many scenarios overlap.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.settings.jobs(self.is_all_on_loopback())
    }

    fn quiet_window(&self, transport: Transport) -> Duration {
        self.settings.quiet_window(self.is_on_loopback(transport))
    }

    /// How long is waited over each interface, and how much at a time.
    fn pace(&self) -> String {
        let used = Transport::ALL.into_iter().filter(|face| *self.means.face(*face) != Face::None);
        let waits = used.map(|transport| {
            let timeout = self.settings.answer_timeout(self.is_on_loopback(transport));
            let quiet = self.quiet_window(transport).as_millis();
            let seconds = timeout.as_secs_f64();
            format!(
                "over {transport} an answer may take {seconds} s, silence counts after {quiet} ms; "
            )
        });
        let at_a_time = counted(self.jobs(), "scenario", "scenarios");
        format!("{}up to {at_a_time} at a time", waits.collect::<String>())
    }

    /// How the target's messages are read.
    fn view(&self, transport: Transport) -> View {
        self.readings.get(&transport).map(Reading::view).unwrap_or_default()
    }

    /// The dialects for the report; `explained` are the rows that aren't kept because of them.
    #[must_use]
    pub fn dialect_report(
        &self,
        explained: &BTreeMap<Transport, Vec<String>>,
    ) -> BTreeMap<Transport, DialectReport> {
        let report = |(transport, reading): (&Transport, &Reading)| {
            let explains = explained.get(transport).cloned().unwrap_or_default();
            let report =
                DialectReport::new(reading, self.settings.profile, explains, &self.redactor);
            (*transport, report)
        };
        self.readings.iter().map(report).collect()
    }

    /// What the settings select from the scenarios.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::new(&self.scenarios, &self.settings.selection(), &self.means);
        if self.settings.property.cases == Some(0) {
            plan.planned.retain(|planned| self.scenarios[planned.index].property().is_none());
        }
        plan
    }

    /// `transport::scenario-id`.
    #[must_use]
    pub fn name(&self, planned: &Planned) -> String {
        plan::name(&self.scenarios[planned.index], planned.transport)
    }

    /// What the suite was made with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What checks each row of the requirement catalogue.
    #[must_use]
    pub fn coverage(&self) -> Vec<Covered> {
        coverage(&self.scenarios)
    }

    /// The chain around the target, if there is one.
    #[must_use]
    pub const fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }

    /// Takes the operator's token out of what is shown.
    #[must_use]
    pub const fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// What is judged, for the report.
    #[must_use]
    pub fn target_report(&self) -> TargetReport {
        let given = &self.settings.target;
        let rest = self.rest.as_ref().map(|rest| rest.base().to_string());
        let p2p = self.node.as_ref().map(|(address, _)| address.to_string());
        TargetReport {
            rest: rest.or_else(|| given.rest.as_ref().map(ToString::to_string)),
            p2p: p2p.or_else(|| given.p2p.as_ref().map(ToString::to_string)),
            command: given.command.as_deref().map(|it| self.redactor.clean(&without_users(it))),
            chain: self.chain.as_ref().map(|_| "regtest".to_owned()),
        }
    }

    /// A scenario's line in the report, without the operator's token.
    #[must_use]
    pub fn report(
        &self,
        planned: &Planned,
        verdict: Verdict,
        reason: Option<String>,
        took: Duration,
    ) -> ScenarioReport {
        let scenario = &self.scenarios[planned.index];
        ScenarioReport {
            id: scenario.id().to_owned(),
            title: scenario.title().to_owned(),
            transport: planned.transport,
            requirements: scenario.requirements().iter().map(ToString::to_string).collect(),
            verdict,
            reason: reason.map(|reason| self.redactor.clean(&reason)),
            explained_by: None,
            duration_ms: millis(took),
        }
    }

    /// Runs a scenario on fresh connections, with what the invariants have to say about its traffic.
    pub async fn run_scenario(self: Arc<Self>, planned: Planned) -> Outcome {
        let performed = self.perform(&planned).await;
        self.conclude(&planned, performed)
    }

    /// Asks the target for the cheapest thing there is.
    ///
    /// # Errors
    /// Says how it failed to answer.
    pub async fn probe(&self, transport: Transport) -> Result<(), String> {
        let ended = match &self.command {
            Some(command) => command.ended().await,
            None => None,
        };
        let failure = match transport {
            Transport::Rest => {
                let Some(rest) = &self.rest else { return Ok(()) };
                rest.send(&RestRequest::get("get_info")).await.err().map(|error| error.to_string())
            }
            Transport::P2p => {
                let Some((_, target)) = &self.node else { return Ok(()) };
                probe_node(*target).await.err()
            }
        };
        match (failure, ended) {
            (None, _) => Ok(()),
            (Some(failure), None) => Err(failure),
            (Some(failure), Some(status)) => {
                Err(format!("{failure} (the target's process has ended: {status})"))
            }
        }
    }

    /// Ends the target, if it was started, and the chain.
    pub async fn stop(self) {
        if let Some(command) = self.command {
            command.stop().await;
        }
        if let Some(chain) = self.chain {
            chain.stop().await;
        }
    }
}

/// The connection on which a scenario's requests are made unless it says otherwise.
const MAIN_CONNECTION: &str = "main";

/// Connects with a fresh key and asks for the list of protocols.
async fn probe_node(target: MessageTarget) -> Result<(), String> {
    let mut connections = Connections::new(target, Instant::now());
    let asked = async {
        connections.connect(MAIN_CONNECTION).await?;
        let id = serde_json::Value::from(format!("probe-{:016x}", rand::random::<u64>()));
        let request = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": "lsps0.list_protocols", "params": {}});
        let wait = Wait { ids: vec![id], timeout: None };
        let (frames, end) = connections
            .exchange(MAIN_CONNECTION, vec![request.to_string().into_bytes()], wait)
            .await;
        match frames.is_empty() {
            false => Ok(()),
            true => Err(match end {
                End::Closed => "the target closed the connection".to_owned(),
                _ => format!(
                    "no answer to lsps0.list_protocols within {} s",
                    target.timeout.as_secs_f32()
                ),
            }),
        }
    };
    let result = asked.await;
    connections.close();
    result
}
