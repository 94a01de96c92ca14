//! Who buys in a scenario in which an order is paid: a client on a chain, or one that pays by a command.

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{Node, NodeEvents};
use lsps1_scenarios::{Action, Need, Observation, Scenario};

use super::Settings;
use super::chain::Chain;
use super::client::Client;
use super::hook_client::HookClient;
use super::purse::Purse;
use crate::target::custom_message::MessageTarget;

/// A client with its payer, ready for the steps of one scenario.
pub enum Buyer<'a> {
    /// On a chain.
    OnChain(Client<'a>),
    /// By a command.
    ByHook(HookClient<'a>),
}

impl<'a> Buyer<'a> {
    /// Starts what `scenario` needs, `None` if nothing is paid in it. `own` is the operator's node.
    ///
    /// # Errors
    /// Says what is missing, or kept it from starting.
    pub async fn start(
        scenario: &Scenario,
        chain: Option<&'a Chain>,
        purse: Option<&'a Purse>,
        own: Option<PublicKey>,
        target: Option<MessageTarget>,
        token: Option<&str>,
    ) -> Result<Option<Self>, String> {
        if !scenario.is_paid() {
            return Ok(None);
        }
        match (chain, purse, target) {
            (Some(chain), ..) => {
                let client =
                    Client::start(chain, scenario.client(), scenario.payer(), token).await?;
                Ok(Some(Self::OnChain(client)))
            }
            (None, Some(purse), _) if scenario.needs().contains(&Need::ClientNode) => {
                let own = own.ok_or("there is no node that gets the channel")?;
                let quiet = target.map_or(Settings::DEFAULT_QUIET, |target| target.quiet);
                Ok(Some(Self::ByHook(HookClient::of_operator(purse, own, quiet))))
            }
            (None, Some(purse), Some(target)) => {
                Ok(Some(Self::ByHook(HookClient::start(purse, target).await?)))
            }
            (None, Some(_), None) => {
                Err("the target's node address is not known (give --p2p)".to_owned())
            }
            (None, None, _) => Err("there is no chain".to_owned()),
        }
    }

    /// Where coins go that the target sends back, if that is seen.
    #[must_use]
    pub fn refund_address(&self) -> Option<&str> {
        match self {
            Self::OnChain(client) => Some(client.refund_address()),
            Self::ByHook(_) => None,
        }
    }

    /// The client's node id.
    #[must_use]
    pub fn node_id(&self) -> PublicKey {
        match self {
            Self::OnChain(client) => client.node_id(),
            Self::ByHook(client) => client.node_id(),
        }
    }

    /// The client's node and its messages, if it can make orders over custom messages itself. Once only.
    pub fn lend(&mut self) -> Option<(Node, NodeEvents)> {
        match self {
            Self::OnChain(client) => client.lend(),
            Self::ByHook(client) => client.lend(),
        }
    }

    /// See [`Client::ordered_depth`].
    pub fn ordered_depth(&mut self, confirmations: u32) {
        if let Self::OnChain(client) = self {
            client.ordered_depth(confirmations);
        }
    }

    /// See [`Client::target_leaves`].
    pub fn target_leaves(&mut self) {
        if let Self::OnChain(client) = self {
            client.target_leaves();
        }
    }

    /// Does an action that needs the client, the payer or the chain.
    pub async fn perform(&mut self, action: Action) -> Observation {
        match self {
            Self::OnChain(client) => client.perform(action).await,
            Self::ByHook(client) => client.perform(action).await,
        }
    }

    /// Ends the node, and the payments that go on.
    pub async fn close(self) {
        match self {
            Self::OnChain(client) => client.close().await,
            Self::ByHook(client) => client.close().await,
        }
    }
}
