//! A target that is started by the harness: from the command to the moment when it can be used.

use std::time::{Duration, Instant};

use lsps1_fixtures::Network;

use super::{Found, own_run_dir};
use crate::run::{Settings, TargetSettings};
use crate::target::address::BaseUrl;
use crate::target::command::{Announced, CommandTarget};

/// How long a target that the harness starts has until it can be used.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How often a target whose address was given is looked for while it starts.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Starts the target's command, and waits until it can be used.
///
/// # Errors
/// Says why it can't be.
pub(super) async fn start(
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
///
/// # Errors
/// Says why it can't be.
pub(in crate::run) async fn restart(
    command: &CommandTarget,
    given: &TargetSettings,
) -> Result<(), String> {
    let failed = |reason: String| format!("the target was killed and started again: {reason}");
    command.restart().await.map_err(|error| failed(error.to_string()))?;
    until_ready(command, given).await.map(|_| ()).map_err(failed)
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
