//! The node that gets the channel in a scenario on a chain, together with the payer and the miner that it needs.

use std::time::{Duration, Instant};

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{InboundPolicy, Node, NodeEvents};
use lsps1_fixtures::peers::{PaymentOutcome, Peer, PeerChannel};
use lsps1_scenarios::{Action, Observation};
use serde_json::{Map, Value, json};

use super::chain::Chain;
use crate::text::hex;

/// How often a channel is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A client, ready for the chain steps of one scenario.
pub struct Client<'a> {
    chain: &'a Chain,
    node: ClientNode,
    /// The hash of the payer's latest payment.
    payment: Option<[u8; 32]>,
    /// Whether channels are accepted, or held back.
    accepts: bool,
    /// How deep the funding of the ordered channel has to be, in blocks.
    depth: u32,
}

/// The two kinds of client.
pub(super) enum ClientNode {
    /// The harness's own node, which also makes the order over custom messages.
    Lsps {
        node: Node,
        /// Given away with the node when that makes the order.
        events: Option<NodeEvents>,
    },
    /// A wallet as people use it.
    Ldk(Peer),
}

impl<'a> Client<'a> {
    pub(super) const fn new(chain: &'a Chain, node: ClientNode) -> Self {
        Self { chain, node, payment: None, accepts: true, depth: 1 }
    }

    /// The node's id.
    #[must_use]
    pub fn node_id(&self) -> PublicKey {
        match &self.node {
            ClientNode::Lsps { node, .. } => node.id(),
            ClientNode::Ldk(peer) => peer.id(),
        }
    }

    /// The node and its messages, if it can make orders over custom messages itself. Once only.
    pub fn lend(&mut self) -> Option<(Node, NodeEvents)> {
        match &mut self.node {
            ClientNode::Lsps { node, events } => events.take().map(|events| (node.clone(), events)),
            ClientNode::Ldk(_) => None,
        }
    }

    /// Says how deep the funding of the ordered channel is to be: the fundee decides that (BOLT 2), and the order says
    /// what it will ask for.
    pub fn ordered_depth(&mut self, confirmations: u32) {
        self.depth = confirmations;
        self.apply_policy();
    }

    /// Does an action that needs the client, the payer or the chain.
    pub async fn perform(&mut self, action: Action) -> Observation {
        let done = match action {
            Action::ClientConnect => self.connect().await.map(|()| Observation::Done),
            Action::AcceptChannels { accept } => {
                self.accept_channels(accept).map(|()| Observation::Done)
            }
            Action::OrderThroughClient { params } => {
                self.order(&params).await.map(Observation::Document)
            }
            Action::Pay { invoice } => self.pay(&invoice).await.map(|()| Observation::Done),
            Action::AwaitPayment { within } => {
                self.await_payment(within).await.map(Observation::Document)
            }
            Action::Mine { blocks } => self.mine(blocks).await.map(|()| Observation::Done),
            Action::AwaitChannel { within } => {
                Ok(Observation::Document(self.await_channel(within).await))
            }
            Action::ChainOutput { outpoint } => {
                self.output(&outpoint).await.map(Observation::Document)
            }
            other => Err(format!("{other:?} is no chain step")),
        };
        done.unwrap_or_else(|reason| Observation::Failed { reason })
    }

    /// Ends the node.
    pub async fn close(self) {
        match self.node {
            // It ends with its last handle.
            ClientNode::Lsps { node, .. } => node.disconnect(&self.chain.target.id),
            ClientNode::Ldk(peer) => stop_peer(peer).await,
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let target = self.chain.target;
        let connected = match &self.node {
            ClientNode::Lsps { node, .. } => node
                .connect(target.id, target.address, target.timeout)
                .await
                .map_err(|error| error.to_string()),
            ClientNode::Ldk(peer) => {
                peer.connect(target.id, target.address).await.map_err(|error| error.to_string())
            }
        };
        connected.map_err(|reason| {
            format!("the client's node failed to connect to the target: {reason}")
        })
    }

    fn accept_channels(&mut self, accept: bool) -> Result<(), String> {
        if matches!(self.node, ClientNode::Ldk(_)) {
            return Err("ldk-node can't hold channels back; say `client: lsps-node`".to_owned());
        }
        self.accepts = accept;
        self.apply_policy();
        Ok(())
    }

    fn apply_policy(&self) {
        if let ClientNode::Lsps { node, .. } = &self.node {
            node.set_inbound_policy(match (self.accepts, self.depth) {
                (false, _) => InboundPolicy::Hold,
                (true, 0) => InboundPolicy::AcceptZeroConf,
                (true, depth) => InboundPolicy::Accept { depth },
            });
        }
    }

    async fn order(&self, params: &Map<String, Value>) -> Result<Value, String> {
        let ClientNode::Ldk(peer) = &self.node else {
            return Err(
                "only ldk-node has an LSPS1 client of its own; say `client: ldk-node`".to_owned()
            );
        };
        let sat = |name: &str| -> Result<u64, String> {
            let value = params.get(name);
            let number =
                value.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
            number.ok_or_else(|| format!("the order has no usable {name}"))
        };
        let expiry =
            u32::try_from(sat("channel_expiry_blocks")?).map_err(|error| error.to_string())?;
        let announce = params.get("announce_channel").and_then(Value::as_bool).unwrap_or(false);
        let order = peer
            .request_channel(sat("lsp_balance_sat")?, sat("client_balance_sat")?, expiry, announce)
            .await
            .map_err(|error| format!("ldk-node's LSPS1 client failed to {error}"))?;
        Ok(order.document())
    }

    async fn pay(&mut self, invoice: &str) -> Result<(), String> {
        let invoice = invoice
            .parse()
            .map_err(|error| format!("the payer can't read the invoice: {error}"))?;
        let hash = self
            .chain
            .payer
            .pay(&invoice)
            .await
            .map_err(|error| format!("the payer failed to {error}"))?;
        self.payment = Some(hash);
        Ok(())
    }

    async fn await_payment(&self, within: Duration) -> Result<Value, String> {
        let hash = self.payment.ok_or("nothing was paid before")?;
        Ok(match self.chain.payer.wait_payment(hash, within).await {
            PaymentOutcome::Succeeded { preimage } => {
                json!({"status": "succeeded", "preimage": hex(&preimage)})
            }
            PaymentOutcome::Failed { reason } => json!({"status": "failed", "reason": reason}),
            PaymentOutcome::Pending => json!({"status": "pending"}),
        })
    }

    async fn mine(&self, blocks: u32) -> Result<(), String> {
        self.chain
            .network
            .miner()
            .mine(blocks)
            .await
            .map_err(|error| format!("failed to {error}"))?;
        Ok(())
    }

    /// Looks until there is a usable channel; if there is none in time, as it was seen last.
    async fn await_channel(&self, within: Duration) -> Value {
        let deadline = Instant::now() + within;
        loop {
            let seen = self.channel();
            let usable = seen.as_ref().is_some_and(|channel| channel["usable"] == true);
            if usable || Instant::now() >= deadline {
                return seen.unwrap_or_else(|| json!({"usable": false}));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn channel(&self) -> Option<Value> {
        let target = self.chain.target.id;
        match &self.node {
            ClientNode::Lsps { node, .. } => {
                let channels = node.channels().into_iter().filter(|channel| channel.peer == target);
                let channel = channels.max_by_key(|channel| channel.usable)?;
                // What each side has at first is what was said when the channel was opened; capacities leave out the
                // reserve.
                let opened = node.tap().last_open_channel(&target);
                let client_sat = opened.as_ref().map(|open| open.push_msat / 1000);
                Some(json!({
                    "usable": channel.usable,
                    "capacity_sat": channel.capacity_sat,
                    "client_sat": client_sat,
                    "lsp_sat": client_sat.map(|client| channel.capacity_sat.saturating_sub(client)),
                    "announced": channel.announced,
                    "funding_outpoint": channel.outpoint.map(|outpoint| outpoint.to_string()),
                    "confirmations": channel.confirmations,
                    "zero_conf": channel.usable && channel.confirmations == 0,
                }))
            }
            ClientNode::Ldk(peer) => {
                let channels =
                    peer.channels().into_iter().filter(|channel| channel.counterparty == target);
                let channel = channels.max_by_key(|channel| channel.usable)?;
                let client_sat = own_share(&channel);
                Some(json!({
                    "usable": channel.usable,
                    "capacity_sat": channel.capacity_sat,
                    "client_sat": client_sat,
                    "lsp_sat": client_sat.map(|client| channel.capacity_sat.saturating_sub(client)),
                    "announced": channel.announced,
                    "funding_outpoint": channel.funding.map(|outpoint| outpoint.to_string()),
                    "confirmations": channel.confirmations,
                    "zero_conf": channel.confirmations_required == Some(0),
                }))
            }
        }
    }

    async fn output(&self, outpoint: &str) -> Result<Value, String> {
        let outpoint: OutPoint =
            outpoint.parse().map_err(|error| format!("'{outpoint}' is no outpoint: {error}"))?;
        let rpc = self.chain.network.bitcoind().rpc();
        let found = rpc
            .tx_out(outpoint.txid, outpoint.vout)
            .await
            .map_err(|error| format!("failed to {error}"))?;
        Ok(match found {
            None => json!({"found": false}),
            Some(output) => json!({
                "found": true,
                "value_sat": output.value.to_sat(),
                "script_type": output.script_pubkey.kind,
                "confirmations": output.confirmations,
                "in_mempool": output.confirmations == 0,
            }),
        })
    }
}

/// Stops a wallet. That it doesn't stop properly says nothing about the target.
pub(super) async fn stop_peer(peer: Peer) {
    // A look at the chain that is under way would go on after the stop, and write to a log whose folder may be gone.
    let _ = peer.synced().await;
    let _ = peer.stop().await;
}

/// What the client has in a channel that nothing was sent over yet, in sat. ldk-node only tells what could be sent and
/// received, and that leaves out the reserves, and what the opener pays for anchors.
fn own_share(channel: &PeerChannel) -> Option<u64> {
    /// Two anchor outputs of 330 sat (BOLT 3), in each channel that ldk-node agrees on with a node that knows them.
    const ANCHORS_SAT: u64 = 660;
    let reserve = channel.reserve_sat?;
    if channel.outbound_msat > 0 {
        return Some(channel.outbound_msat / 1_000 + reserve);
    }
    // No more than the reserve: what isn't the other side's. LDK asks that for a reserve of 1 %, at least 1,000 sat.
    let others =
        channel.inbound_msat / 1_000 + (channel.capacity_sat / 100).max(1_000) + ANCHORS_SAT;
    Some(channel.capacity_sat.saturating_sub(others))
}
