//! Starts what has to be started and finds the target, before the first scenario.

pub(super) mod command;
mod faces;

use std::path::PathBuf;
use std::sync::Arc;

use lsps1_fixtures::run_dir::RunDir;
use lsps1_fixtures::{Network, NetworkConfig, NetworkError, signal};

use super::chain::Chain;
use super::pay_hook::PayHook;
use super::plan::{ChainMeans, Face, PayerMeans};
use super::purse::Purse;
use super::{ChainFrom, Settings, TargetSettings, Watcher};
use crate::target::address::NodeAddress;
use crate::target::command::CommandTarget;
use crate::target::control::Control;
use crate::target::custom_message::MessageTarget;
use crate::target::rest::RestTarget;
use crate::text::{Redactor, without_users};

/// What the set-up has found. Whatever is missing has its reason in the faces or in `chain_means`.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rest: Option<RestTarget>,
    pub(super) node: Option<(NodeAddress, MessageTarget)>,
    pub(super) command: Option<CommandTarget>,
    pub(super) control: Option<Control>,
    /// Whether the command may be killed and started again.
    pub(super) restarts: bool,
    /// Whether the target, or its operator, says that on-chain payment is switched off.
    pub(super) onchain_off: bool,
    pub(super) chain: Option<Chain>,
    pub(super) run_dir: Option<Arc<RunDir>>,
    pub(super) purse: Option<Purse>,
    pub(super) rest_face: Face,
    pub(super) node_face: Face,
    pub(super) chain_means: ChainMeans,
    pub(super) payer_means: PayerMeans,
    /// Takes out what isn't to be shown.
    pub(super) redactor: Redactor,
}

/// Does it all, on `network` if there is one already. What fails is noted with its reason, so that the report can say
/// what came of which scenario.
pub(super) async fn set_up(
    settings: &Settings,
    network: Option<Network>,
    watcher: &dyn Watcher,
) -> Found {
    let mut found = Found { redactor: settings.target.redactor(), ..Found::default() };
    let network = match network {
        None => match find_network(settings, watcher).await {
            Ok(network) => network,
            Err(reason) => return found.without_target(settings, &reason),
        },
        given => given,
    };

    let mut target = settings.target.clone();
    found.onchain_off = target.onchain_off;
    let mut coins = None;
    if let Some(line) = &settings.target.command {
        let shown = found.redactor.clean(&without_users(line));
        watcher.step(&format!("starting the target: {shown}"));
        match command::start(&mut found, line, settings, network.as_ref()).await {
            Ok(announced) => {
                target.rest = target.rest.or(announced.rest);
                target.p2p = target.p2p.or(announced.p2p);
                found.redactor = target.redactor();
                coins = announced.address;
                target.control = target.control.or(announced.control);
                found.restarts = announced.restart || target.restarts;
                found.onchain_off |= announced.onchain_off;
            }
            Err(reason) => return found.without_target(settings, &reason),
        }
    }
    if let Some(control) = target.control.clone() {
        let timeout = settings.answer_timeout(control.is_loopback());
        match Control::new(control, timeout) {
            Ok(control) => found.control = Some(control),
            Err(error) => watcher.step(&error.to_string()),
        }
    }
    let info = faces::find_rest(&mut found, &target, settings).await;
    let is_paid = network.is_some() || settings.pay_hook.is_some();
    faces::find_node(&mut found, &target, settings, is_paid, info.as_ref(), watcher).await;
    if let Some(hook) = &settings.pay_hook {
        find_payer(&mut found, hook, settings.logs.clone());
    }

    if let Some(network) = network {
        let chain = match &found.node {
            Some((address, node)) => {
                watcher.step(&format!("setting up the chain around {address}"));
                Chain::start(network, *node, coins).await.map_err(|error| error.to_string())
            }
            None => {
                Err("the target's node address is not known, so no channel can be opened to it"
                    .to_owned())
            }
        };
        match chain {
            Ok(chain) => {
                found.chain = Some(chain);
                found.chain_means = ChainMeans::Ready;
            }
            Err(reason) => {
                watcher.step(&found.redactor.clean(&reason));
                found.chain_means = ChainMeans::Failed(reason);
            }
        }
    }
    found
}

async fn find_network(
    settings: &Settings,
    watcher: &dyn Watcher,
) -> Result<Option<Network>, String> {
    match &settings.chain {
        ChainFrom::None => Ok(None),
        ChainFrom::Started => {
            watcher.step("starting a regtest network");
            let mut config = NetworkConfig::default();
            if let Some(logs) = &settings.logs {
                config = config.run_dir(logs);
            }
            let started = Network::start(config).await;
            started
                .map(Some)
                .map_err(|error| format!("failed to start the regtest network: {error}"))
        }
        ChainFrom::Attached { bitcoind, electrum } => {
            watcher.step(&format!("attaching to the bitcoind at {}", bitcoind.url));
            let attached = Network::attach(bitcoind, electrum.as_ref(), settings.logs.clone());
            attached.await.map(Some).map_err(|error| match error {
                NetworkError::Electrum(error) => format!("failed to {error}"),
                error => format!("failed to use the bitcoind at {}: {error}", bitcoind.url),
            })
        }
    }
}

impl Found {
    /// Nothing can be run; everything that would have been is inconclusive.
    fn without_target(mut self, settings: &Settings, reason: &str) -> Self {
        let TargetSettings { rest, p2p, .. } = &settings.target;
        let none_given = rest.is_none() && p2p.is_none();
        let face = |given: bool| {
            if given || none_given { Face::Unavailable(reason.to_owned()) } else { Face::None }
        };
        self.rest_face = face(rest.is_some());
        self.node_face = face(p2p.is_some());
        if !matches!(settings.chain, ChainFrom::None) {
            self.chain_means = ChainMeans::Failed(reason.to_owned());
        }
        self
    }
}

/// Readies what pays where there is no chain.
fn find_payer(found: &mut Found, hook: &PayHook, logs: Option<PathBuf>) {
    match own_run_dir(found, logs) {
        Ok(run_dir) => {
            found.purse = Some(Purse::new(hook.clone(), run_dir, found.redactor.clone()));
            found.payer_means = PayerMeans::Ready;
        }
        Err(reason) => found.payer_means = PayerMeans::Failed(reason),
    }
}

/// A folder for logs where there is no network that has one.
fn own_run_dir(found: &mut Found, logs: Option<PathBuf>) -> Result<Arc<RunDir>, String> {
    if let Some(run_dir) = &found.run_dir {
        return Ok(Arc::clone(run_dir));
    }
    signal::install().map_err(|error| format!("failed to install the signal handlers: {error}"))?;
    let run_dir = Arc::new(RunDir::new(logs).map_err(|error| format!("failed to {error}"))?);
    found.run_dir = Some(Arc::clone(&run_dir));
    Ok(run_dir)
}
