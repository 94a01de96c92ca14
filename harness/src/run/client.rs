//! The node that gets the channel in a scenario on a chain, together with the payer and the miner that it needs.

use std::time::{Duration, Instant};

use bitcoin::OutPoint;
use bitcoin::hex::FromHex;
use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{Direction, InboundPolicy, Node, NodeEvents, Rewrite};
use lsps1_fixtures::peers::PeerChannel;
use lsps1_scenarios::{
    Action, ChannelStage, ClientAct, ClientKind, Observation, PayerKind, PaymentStage,
};
use serde_json::{Map, Value, json};

use super::chain::Chain;
use super::client_node::ClientNode;
use super::{channel_view, coins, payer};
use crate::target::custom_message::RECONNECT_EVERY;
use crate::text::hex;

/// How often a channel is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long a node of our own may take to follow the chain.
const FOLLOW_WITHIN: Duration = Duration::from_secs(30);

/// A client, ready for the chain steps of one scenario.
pub struct Client<'a> {
    chain: &'a Chain,
    node: ClientNode,
    payer: PayerKind,
    refund_address: String,
    /// The payer's latest payment.
    payment: Option<[u8; 32]>,
    /// What becomes of channels: `Accept`, `Hold` or `Refuse`.
    policy: ClientAct,
    /// How deep the funding of the ordered channel has to be, in blocks.
    depth: u32,
    /// Whether it has left the target.
    has_left: bool,
}

impl<'a> Client<'a> {
    /// A fresh node that is to get a channel from the target.
    ///
    /// # Errors
    /// Says what kept it from starting.
    pub async fn start(
        chain: &'a Chain,
        kind: ClientKind,
        payer: PayerKind,
        token: Option<&str>,
    ) -> Result<Self, String> {
        let node = ClientNode::start(chain, kind, token).await;
        let node = node.map_err(|reason| format!("failed to start the client's node: {reason}"))?;
        let address = chain.coins.new_address().await;
        let address =
            address.map_err(|error| format!("failed to make an address for refunds: {error}"))?;
        Ok(Self {
            chain,
            node,
            payer,
            refund_address: address.to_string(),
            payment: None,
            policy: ClientAct::Accept,
            depth: 1,
            has_left: false,
        })
    }

    /// Where coins go that the target sends back.
    #[must_use]
    pub fn refund_address(&self) -> &str {
        &self.refund_address
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
            Action::Client(act) => self.act(act).await.map(|()| Observation::Done),
            Action::OrderThroughClient { params } => {
                self.order(&params).await.map(Observation::Document)
            }
            Action::Pay { invoice, amount_msat } => {
                self.pay(&invoice, amount_msat).await.map(Observation::Document)
            }
            Action::PayOffer { offer } => self.pay_offer(&offer).await.map(Observation::Document),
            Action::AwaitPayment { payment, until, within } => self
                .await_payment(payment.as_deref(), until, within)
                .await
                .map(Observation::Document),
            Action::Mine { blocks } => self.mine(blocks).await.map(|()| Observation::Done),
            Action::PayOnchain { address, amount_sat, sat_per_kwu } => {
                coins::pay(&self.chain.coins, &address, amount_sat, sat_per_kwu)
                    .await
                    .map(Observation::Document)
            }
            Action::TakeBack { txid } => {
                coins::take_back(&self.chain.coins, &txid).await.map(Observation::Document)
            }
            Action::Reorganise { blocks } => {
                self.reorganise(blocks).await.map(|()| Observation::Done)
            }
            Action::AwaitCoins { address, at_least_sat, above_sat_per_kwu, within } => {
                let wanted = coins::Wanted { at_least_sat, above_sat_per_kwu };
                coins::received(&self.chain.coins, &address, wanted, within)
                    .await
                    .map(Observation::Document)
            }
            Action::AwaitChannel { outpoint, until, within } => {
                let seen = self.await_channel(outpoint.as_deref(), until, within).await;
                Ok(Observation::Document(seen))
            }
            Action::ChainOutput { outpoint } => {
                self.output(&outpoint).await.map(Observation::Document)
            }
            other => Err(format!("{other:?} is no chain step")),
        };
        done.unwrap_or_else(|reason| Observation::Failed { reason })
    }

    /// Takes note that the target is about to be killed: the connection to it goes.
    pub fn target_leaves(&mut self) {
        if let ClientNode::Lsps { node, .. } = &self.node {
            node.disconnect(&self.chain.target.id);
        }
        self.has_left = true;
    }

    /// Ends the node.
    pub async fn close(self) {
        match self.node {
            // It ends with its last handle.
            ClientNode::Lsps { node, .. } => node.disconnect(&self.chain.target.id),
            // That it doesn't stop properly says nothing about the target.
            ClientNode::Ldk(peer) => drop(peer.stop().await),
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let target = self.chain.target;
        let connected = match &self.node {
            ClientNode::Lsps { node, .. } => self.connect_again_if_closed(node).await,
            ClientNode::Ldk(peer) => {
                peer.connect(target.id, target.address).await.map_err(|error| error.to_string())
            }
        };
        connected.map_err(|reason| {
            format!("the client's node failed to connect to the target: {reason}")
        })
    }

    /// A node closes a second connection of a key as long as it holds the first, which it may not know to be gone yet.
    async fn connect_again_if_closed(&self, node: &Node) -> Result<(), String> {
        let target = self.chain.target;
        let deadline = Instant::now() + target.timeout;
        loop {
            let connected = node.connect(target.id, target.address, target.timeout).await;
            match connected {
                Ok(()) => return Ok(()),
                Err(_) if self.has_left && Instant::now() < deadline => {
                    tokio::time::sleep(RECONNECT_EVERY).await;
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn act(&mut self, act: ClientAct) -> Result<(), String> {
        match act {
            ClientAct::Connect => return self.connect().await,
            ClientAct::Disconnect => {
                let ClientNode::Lsps { node, .. } = &self.node else {
                    return Err("ldk-node would connect again by itself; say `client: lsps-node`"
                        .to_owned());
                };
                node.disconnect(&self.chain.target.id);
                self.has_left = true;
                // Nothing tells that the target has noticed. One that hasn't may rightly fail to open a channel.
                tokio::time::sleep(self.chain.target.quiet).await;
                return Ok(());
            }
            ClientAct::Accept | ClientAct::Hold | ClientAct::Refuse | ClientAct::AskNoReserve => {}
        }
        let ClientNode::Lsps { node, .. } = &self.node else {
            return Err("ldk-node has no say in channels that come to it; say `client: lsps-node`"
                .to_owned());
        };
        if act == ClientAct::AskNoReserve {
            node.tap().rewrite(Direction::Out, Rewrite::ChannelReserve(0));
            return Ok(());
        }
        self.policy = act;
        self.apply_policy();
        Ok(())
    }

    fn apply_policy(&self) {
        if let ClientNode::Lsps { node, .. } = &self.node {
            node.set_inbound_policy(match (self.policy, self.depth) {
                (ClientAct::Hold, _) => InboundPolicy::Hold,
                (ClientAct::Refuse, _) => InboundPolicy::Refuse,
                (_, 0) => InboundPolicy::AcceptZeroConf,
                (_, depth) => InboundPolicy::Accept { depth },
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

    async fn pay(&mut self, invoice: &str, amount_msat: Option<u64>) -> Result<Value, String> {
        let invoice = invoice
            .parse()
            .map_err(|error| format!("the payer can't read the invoice: {error}"))?;
        let paid = match self.payer {
            PayerKind::LspsNode => self.chain.free_payer.pay(&invoice, amount_msat),
            PayerKind::LdkNode if amount_msat.is_some() => {
                Err("ldk-node pays what an invoice asks for; say `payer: lsps-node`".to_owned())
            }
            PayerKind::LdkNode => {
                self.chain.payer.pay(&invoice).await.map_err(|error| error.to_string())
            }
        };
        let id = paid.map_err(|error| format!("the payer failed to {error}"))?;
        self.payment = Some(id);
        Ok(json!({"payment": hex(&id)}))
    }

    async fn pay_offer(&mut self, offer: &str) -> Result<Value, String> {
        let paid = match self.payer {
            PayerKind::LspsNode => self.chain.free_payer.pay_offer(offer).await,
            PayerKind::LdkNode => {
                Err("pay an offer by ldk-node, which shows no HTLCs; say `payer: lsps-node`".into())
            }
        };
        let id = paid.map_err(|error| format!("the payer failed to {error}"))?;
        self.payment = Some(id);
        Ok(json!({"payment": hex(&id)}))
    }

    async fn await_payment(
        &self,
        payment: Option<&str>,
        until: PaymentStage,
        within: Duration,
    ) -> Result<Value, String> {
        let id = match payment {
            Some(name) => <[u8; 32]>::from_hex(name)
                .map_err(|_| format!("'{name}' is no payment of the payer's"))?,
            None => self.payment.ok_or("nothing was paid before")?,
        };
        let Chain { payer, free_payer, target, .. } = self.chain;
        let (outcome, htlc, has_channel) = match self.payer {
            PayerKind::LspsNode => {
                let outcome = free_payer.wait(id, until, within).await;
                (outcome, free_payer.htlc(&id), free_payer.has_channel(&target.id))
            }
            PayerKind::LdkNode if until == PaymentStage::Held => {
                return Err("ldk-node doesn't show its HTLCs; say `payer: lsps-node`".to_owned());
            }
            PayerKind::LdkNode => {
                let outcome = payer.wait_payment(id, within).await;
                let to_target = |channel: &PeerChannel| channel.counterparty == target.id;
                (outcome, None, payer.channels().iter().any(to_target))
            }
        };
        let mut document = payer::describe(outcome);
        let height = self.chain.network.bitcoind().rpc().block_count().await;
        let height = height.map_err(|error| format!("failed to {error}"))?;
        document["payment"] = json!(hex(&id));
        document["height"] = json!(height);
        // A payment that can only be had back on the chain costs the payer its channel.
        document["payer_channel_open"] = json!(has_channel);
        if let Some(htlc) = htlc {
            document["amount_msat"] = json!(htlc.amount_msat);
            document["cltv_expiry"] = json!(htlc.cltv_expiry);
            document["blocks_left"] = json!(htlc.cltv_expiry.saturating_sub(height));
        }
        Ok(document)
    }

    /// Mines, and lets the nodes of our own follow: a payer that lags behind would send HTLCs that end too early.
    async fn mine(&self, blocks: u32) -> Result<(), String> {
        let mined = self.chain.network.miner().mine(blocks).await;
        mined.map_err(|error| format!("failed to {error}"))?;
        self.followed_by_all().await
    }

    /// Replaces the latest blocks, and lets the nodes of our own follow.
    async fn reorganise(&self, blocks: u32) -> Result<(), String> {
        let replaced = self.chain.network.miner().reorganise(blocks).await;
        replaced.map_err(|error| format!("failed to {error}"))?;
        self.followed_by_all().await
    }

    async fn followed_by_all(&self) -> Result<(), String> {
        let lags = |error: String| format!("the chain has changed, but {error}");
        self.chain.payer.synced().await.map_err(|error| lags(error.to_string()))?;
        let free_payer = self.chain.free_payer.node();
        let client = match &self.node {
            ClientNode::Lsps { node, .. } => Some(node),
            ClientNode::Ldk(_) => None,
        };
        for node in std::iter::once(free_payer).chain(client) {
            self.followed_by(node).await.map_err(lags)?;
        }
        Ok(())
    }

    /// Waits until a node has seen the chain as it is, or as it is when others mine meanwhile.
    async fn followed_by(&self, node: &Node) -> Result<(), String> {
        let deadline = Instant::now() + FOLLOW_WITHIN;
        let chain = self.chain.network.miner().tip();
        loop {
            let tip = *chain.borrow();
            match node.synced_to(tip, FOLLOW_WITHIN / 100).await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error.to_string()),
                Err(_) => {}
            }
        }
    }

    /// Looks until the channel is as far as wanted; if it isn't in time, as it was seen last.
    async fn await_channel(
        &self,
        outpoint: Option<&str>,
        until: ChannelStage,
        within: Duration,
    ) -> Value {
        let target = &self.chain.target.id;
        let deadline = Instant::now() + within;
        loop {
            let seen = match &self.node {
                ClientNode::Lsps { node, .. } => channel_view::of_node(node, target, outpoint),
                ClientNode::Ldk(wallet) => channel_view::of_wallet(wallet, target, outpoint),
            };
            if channel_view::has_reached(&seen, until) || Instant::now() >= deadline {
                return seen;
            }
            tokio::time::sleep(LOOK_EVERY).await;
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
