//! The client where there is no chain: it pays by a command of the operator's. Its node takes no channel, or is the
//! operator's own.

use std::time::{Duration, Instant};

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{Direction, MessageKind, Node, NodeConfig, NodeEvents};
use lsps1_scenarios::{Action, ChannelStage, ClientAct, Observation, PaymentStage};
use serde_json::{Value, json};

use super::channel_view;
use super::purse::{HookPayment, Purse, Status};
use crate::target::custom_message::MessageTarget;
use crate::text::hex;

/// How often a channel is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What is said of steps that nobody can do here.
const NEEDS_CHAIN: &str = "this step needs a chain";

/// The messages by which a target asks for a channel.
const OPENS: [MessageKind; 2] = [MessageKind::OpenChannel, MessageKind::OpenChannel2];

/// A client, ready for the steps of one scenario.
pub struct HookClient<'a> {
    purse: &'a Purse,
    node: HookNode,
    /// A command that goes on for as long hasn't failed at once.
    quiet: Duration,
    /// A payment's name is its place.
    payments: Vec<HookPayment>,
}

/// Who gets the channel.
enum HookNode {
    /// The harness's own node, which takes none.
    Refusing {
        target: MessageTarget,
        node: Node,
        /// Given away with the node when that makes the order.
        events: Option<NodeEvents>,
    },
    /// The operator's, which the operator has connected to the target.
    Operators(PublicKey),
}

impl<'a> HookClient<'a> {
    /// A client whose node is the operator's.
    pub(super) const fn of_operator(purse: &'a Purse, node: PublicKey, quiet: Duration) -> Self {
        Self { purse, node: HookNode::Operators(node), quiet, payments: Vec::new() }
    }

    /// Starts its node. As that sees no chain, it can do without knowing which one the target is on.
    pub(super) async fn start(purse: &'a Purse, target: MessageTarget) -> Result<Self, String> {
        let config = NodeConfig::message_peer("client", rand::random());
        let (node, events) = Node::start(config)
            .await
            .map_err(|error| format!("failed to start the client's node: {error}"))?;
        let node = HookNode::Refusing { target, node, events: Some(events) };
        Ok(Self { purse, node, quiet: target.quiet, payments: Vec::new() })
    }

    pub(super) fn node_id(&self) -> PublicKey {
        match &self.node {
            HookNode::Refusing { node, .. } => node.id(),
            HookNode::Operators(id) => *id,
        }
    }

    pub(super) fn lend(&mut self) -> Option<(Node, NodeEvents)> {
        match &mut self.node {
            HookNode::Refusing { node, events, .. } => {
                events.take().map(|events| (node.clone(), events))
            }
            HookNode::Operators(_) => None,
        }
    }

    pub(super) async fn perform(&mut self, action: Action) -> Observation {
        let done = match action {
            Action::Client(act) => self.act(act).await.map(|()| Observation::Done),
            Action::Pay { invoice, amount_msat: None } => {
                self.pay(&invoice).map(Observation::Document)
            }
            Action::AwaitPayment { payment, until, within } => self
                .await_payment(payment.as_deref(), until, within)
                .await
                .map(Observation::Document),
            Action::AwaitChannel { outpoint, until, within } => self
                .await_channel(outpoint.as_deref(), until, within)
                .await
                .map(Observation::Document),
            _ => Err(NEEDS_CHAIN.to_owned()),
        };
        done.unwrap_or_else(|reason| Observation::Failed { reason })
    }

    pub(super) async fn close(self) {
        if let HookNode::Refusing { target, node, .. } = &self.node {
            node.disconnect(&target.id);
        }
        for payment in self.payments {
            self.purse.close(payment).await;
        }
    }

    async fn act(&self, act: ClientAct) -> Result<(), String> {
        let HookNode::Refusing { target, node, .. } = &self.node else {
            return match act {
                ClientAct::Connect | ClientAct::Accept => Ok(()),
                _ => Err(NEEDS_CHAIN.to_owned()),
            };
        };
        match act {
            ClientAct::Connect if node.is_connected(&target.id) => Ok(()),
            ClientAct::Connect => {
                let connected = node.connect(target.id, target.address, target.timeout).await;
                connected.map_err(|error| {
                    format!("the client's node failed to connect to the target: {error}")
                })
            }
            ClientAct::Hold => {
                OPENS.iter().for_each(|kind| node.tap().hold(*kind, Direction::In));
                Ok(())
            }
            // A node without channels answers each `open_channel` with an error.
            ClientAct::Refuse => {
                node.tap().release();
                Ok(())
            }
            ClientAct::Disconnect | ClientAct::Accept | ClientAct::AskNoReserve => {
                Err(NEEDS_CHAIN.to_owned())
            }
        }
    }

    fn pay(&mut self, invoice: &str) -> Result<Value, String> {
        let payment = self.purse.pay(invoice).map_err(|refusal| refusal.to_string())?;
        let name = self.payments.len().to_string();
        self.payments.push(payment);
        Ok(json!({"payment": name}))
    }

    async fn await_payment(
        &mut self,
        payment: Option<&str>,
        until: PaymentStage,
        within: Duration,
    ) -> Result<Value, String> {
        let latest = self.payments.len().saturating_sub(1);
        let place = match payment {
            Some(name) => name.parse().map_err(|_| format!("'{name}' is no payment"))?,
            None => latest,
        };
        let payment = self.payments.get_mut(place).ok_or("nothing was paid before")?;
        let mut document = json!({"payment": place.to_string()});
        let status = match until {
            PaymentStage::Settled => payment.status(within).await,
            // A command doesn't tell that a payment is on its way, other than by going on for a while.
            PaymentStage::Held => match payment.status(within.min(self.quiet)).await {
                Status::Failed { reason } => return Err(reason),
                status => status,
            },
        };
        match status {
            Status::Pending => document["status"] = json!("pending"),
            Status::Failed { reason } => {
                document["status"] = json!("failed");
                document["reason"] = json!(reason);
            }
            Status::Succeeded { preimage } => {
                document["status"] = json!("succeeded");
                if let Some(preimage) = preimage {
                    document["preimage"] = json!(hex(&preimage));
                }
            }
        }
        Ok(document)
    }

    /// Looks until the channel is as far as wanted; if it isn't in time, as it was seen last.
    async fn await_channel(
        &self,
        outpoint: Option<&str>,
        until: ChannelStage,
        within: Duration,
    ) -> Result<Value, String> {
        let HookNode::Refusing { target, node, .. } = &self.node else {
            return Err(NEEDS_CHAIN.to_owned());
        };
        let deadline = Instant::now() + within;
        loop {
            let seen = channel_view::of_node(node, &target.id, outpoint);
            if channel_view::has_reached(&seen, until) || Instant::now() >= deadline {
                return Ok(seen);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
