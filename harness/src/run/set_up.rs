//! Starts what has to be started and finds the target, before the first scenario.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsps1_fixtures::run_dir::RunDir;
use lsps1_fixtures::{Network, NetworkConfig, NetworkError, signal};
use lsps1_scenarios::Transport;
use serde_json::Value;

use super::chain::Chain;
use super::pay_hook::PayHook;
use super::plan::{ChainMeans, Face, PayerMeans};
use super::purse::Purse;
use super::{ChainFrom, Settings, TargetSettings, Watcher};
use crate::report::model::UNREACHABLE;
use crate::target::address::{BaseUrl, NodeAddress};
use crate::target::command::{Announced, CommandTarget};
use crate::target::control::Control;
use crate::target::custom_message::{Connections, MessageTarget};
use crate::target::rest::{RestReply, RestRequest, RestTarget};
use crate::text::{Redactor, without_users};

/// How long a target that the harness starts has until it can be used.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often a target whose address was given is looked for while it starts.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What the set-up has found. Whatever is missing has its reason in the faces or in `chain_means`.
#[derive(Default)]
pub(super) struct Found {
    pub(super) rest: Option<RestTarget>,
    pub(super) node: Option<(NodeAddress, MessageTarget)>,
    pub(super) command: Option<CommandTarget>,
    pub(super) control: Option<Control>,
    /// Whether the command may be killed and started again.
    pub(super) restarts: bool,
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
    let mut coins = None;
    if let Some(command) = &settings.target.command {
        let shown = found.redactor.clean(&without_users(command));
        watcher.step(&format!("starting the target: {shown}"));
        match start_command(&mut found, command, settings, network.as_ref()).await {
            Ok(announced) => {
                target.rest = target.rest.or(announced.rest);
                target.p2p = target.p2p.or(announced.p2p);
                found.redactor = target.redactor();
                coins = announced.address;
                target.control = target.control.or(announced.control);
                found.restarts = announced.restart || target.restarts;
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
    let info = find_rest(&mut found, &target, settings).await;
    let is_paid = network.is_some() || settings.pay_hook.is_some();
    find_node(&mut found, &target, settings, is_paid, info.as_ref(), watcher).await;
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

async fn start_command(
    found: &mut Found,
    command: &str,
    settings: &Settings,
    network: Option<&Network>,
) -> Result<Announced, String> {
    let (log, run_id, environment) = match network {
        Some(network) => {
            let run_dir = network.run_dir();
            let environment =
                network.env().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            (run_dir.log("target"), run_dir.id().clone(), environment)
        }
        None => {
            let run_dir = own_run_dir(found, settings.logs.clone())?;
            (run_dir.log("target"), run_dir.id().clone(), Vec::new())
        }
    };
    let started = CommandTarget::start(command, &environment, &log, &run_id)
        .map_err(|error| error.to_string())?;
    let command = found.command.insert(started);
    until_ready(command, &settings.target).await
}

/// Waits until a target can be used: it says so, or it listens at the addresses that were given.
async fn until_ready(command: &CommandTarget, given: &TargetSettings) -> Result<Announced, String> {
    if given.rest.is_none() && given.p2p.is_none() {
        return command.ready(READY_WITHIN).await.map_err(|error| error.to_string());
    }
    wait_until_reachable(command, given).await?;
    Ok(Announced::default())
}

/// Kills a target and starts it again, until it can be used.
pub(super) async fn restart(command: &CommandTarget, given: &TargetSettings) -> Result<(), String> {
    let failed = |reason: String| format!("the target was killed and started again: {reason}");
    command.restart().await.map_err(|error| failed(error.to_string()))?;
    until_ready(command, given).await.map(|_| ()).map_err(failed)
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

/// Waits until something listens at the addresses that were given.
async fn wait_until_reachable(
    command: &CommandTarget,
    given: &TargetSettings,
) -> Result<(), String> {
    let places: Vec<(String, u16)> = given
        .rest
        .as_ref()
        .and_then(BaseUrl::host_and_port)
        .into_iter()
        .chain(given.p2p.as_ref().map(|node| (node.host.clone(), node.port)))
        .collect();
    let deadline = Instant::now() + READY_WITHIN;
    for (host, port) in places {
        loop {
            let seen = match tokio::net::TcpStream::connect((host.as_str(), port)).await {
                Ok(_) => break,
                Err(error) => error,
            };
            if let Some(status) = command.ended().await {
                return Err(format!(
                    "the target ended ({status}) before it listened at {host}:{port}"
                ));
            }
            if Instant::now() >= deadline {
                let seconds = READY_WITHIN.as_secs();
                return Err(format!(
                    "the target did not listen at {host}:{port} within {seconds} s: {seen}"
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// Finds the REST face, and what get_info says.
async fn find_rest(
    found: &mut Found,
    target: &TargetSettings,
    settings: &Settings,
) -> Option<RestReply> {
    let base = target.rest.clone()?;
    let timeout = settings.answer_timeout(base.is_loopback());
    let located = match RestTarget::locate(base, timeout).await {
        Ok(located) => located,
        Err(error) => {
            found.rest_face = Face::Unavailable(error.to_string());
            return None;
        }
    };
    let answer = located.send(&RestRequest::get("get_info")).await;
    found.rest_face = match &answer {
        Err(error) if error.is_unreachable() => {
            Face::Unavailable(format!("{UNREACHABLE}: {error}"))
        }
        // However bad the answer, judging it is the scenarios' work.
        Ok(_) | Err(_) => Face::There,
    };
    found.rest = Some(located);
    answer.ok()
}

/// Finds the node: where it was said to be, or where get_info says it is.
async fn find_node(
    found: &mut Found,
    target: &TargetSettings,
    settings: &Settings,
    is_paid: bool,
    info: Option<&RestReply>,
    watcher: &dyn Watcher,
) {
    let only = settings.transport;
    let speaks = target.p2p.is_some() || only != Some(Transport::Rest);
    // Without speaking LSPS0 to it, its channels come from this node.
    if !speaks && !is_paid {
        return;
    }
    let address = match &target.p2p {
        Some(address) => Ok(address.clone()),
        None => node_of_rest(target, info),
    };
    let address = match address {
        Ok(address) => address,
        Err(reason) if only == Some(Transport::P2p) => {
            found.node_face = Face::Unavailable(format!("there is no --p2p, and {reason}"));
            return;
        }
        Err(reason) => {
            let reason = found.redactor.clean(&reason);
            watcher.step(&format!("only REST is judged: there is no --p2p, and {reason}"));
            return;
        }
    };
    let origin = match target.p2p {
        Some(_) => "",
        None => " (the node of get_info's uris; --transport rest judges REST alone)",
    };
    let unavailable = |reason: String| match speaks {
        true => Face::Unavailable(format!("{UNREACHABLE}: {reason}{origin}")),
        false => Face::None,
    };
    let socket = match address.resolve().await {
        Ok(socket) => socket,
        Err(reason) => {
            found.node_face = unavailable(reason);
            return;
        }
    };
    if target.p2p.is_none() {
        watcher.step(&format!("the target's node, by its get_info: {address}"));
    }
    let on_loopback = socket.ip().is_loopback();
    let node = MessageTarget {
        id: address.id,
        address: socket,
        timeout: settings.answer_timeout(on_loopback),
        quiet: settings.quiet_window(on_loopback),
        answers_in_order: settings.answers_in_order,
    };
    if speaks {
        let mut connections = Connections::new(node, Instant::now());
        let connected = connections.connect("probe").await;
        connections.close();
        found.node_face = match connected {
            Ok(()) => Face::There,
            Err(reason) => unavailable(reason),
        };
    }
    found.node = Some((address, node));
}

/// The node of a target of which only the REST face was given.
fn node_of_rest(target: &TargetSettings, info: Option<&RestReply>) -> Result<NodeAddress, String> {
    let address = node_in_uris(info.ok_or("get_info gave no answer, and so no uris")?)?;
    if address.is_loopback() && !target.rest.as_ref().is_some_and(BaseUrl::is_loopback) {
        // Nobody but the operator sends the harness to this machine.
        return Err(format!("get_info's uris say {address}, which is this machine"));
    }
    Ok(address)
}

/// The first address in get_info's `uris` that can be dialled.
fn node_in_uris(info: &RestReply) -> Result<NodeAddress, String> {
    let body = info.success_object().ok_or("get_info gave no JSON object, and so no uris")?;
    let uris = body.get("uris").and_then(Value::as_array).ok_or("get_info has no uris")?;
    uris.iter()
        .filter_map(Value::as_str)
        .find_map(|uri| uri.parse().ok())
        .ok_or_else(|| "none of get_info's uris is NODEID@HOST:PORT on the clear net".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(body: &str) -> RestReply {
        RestReply { status: 200, headers: Vec::new(), body: body.into(), truncated: false }
    }

    #[test]
    fn the_first_address_that_can_be_dialled_is_taken() {
        let id = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";
        let uris = format!(
            r#"{{"uris":["{id}@abc.onion:9735","{id}@127.0.0.1:9735","{id}@127.0.0.1:1"]}}"#
        );
        assert_eq!(node_in_uris(&info(&uris)).unwrap().port, 9735);
    }

    #[test]
    fn without_a_usable_address_the_reason_is_told() {
        for body in ["<html>", "{}", r#"{"uris":"x"}"#, r#"{"uris":[1,"x"]}"#] {
            assert!(node_in_uris(&info(body)).unwrap_err().contains("uris"), "{body}");
        }
    }
}
