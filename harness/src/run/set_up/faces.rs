//! The target's two faces: where they are, and whether they can be spoken to.

use lsps1_scenarios::Transport;
use serde_json::Value;

use super::Found;
use crate::report::model::UNREACHABLE;
use crate::run::plan::Face;
use crate::run::{Settings, TargetSettings, Watcher};
use crate::target::address::{BaseUrl, NodeAddress};
use crate::target::custom_message::MessageTarget;
use crate::target::rest::{RestReply, RestRequest, RestTarget};

/// Finds the REST face, and what get_info says.
pub(super) async fn find_rest(
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
pub(super) async fn find_node(
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
    let mut node = MessageTarget {
        id: address.id,
        address: socket,
        timeout: settings.answer_timeout(on_loopback),
        quiet: settings.quiet_window(on_loopback),
        answers_in_order: settings.answers_in_order,
        demands_feature: false,
    };
    if speaks {
        found.node_face = match node.probe().await {
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
