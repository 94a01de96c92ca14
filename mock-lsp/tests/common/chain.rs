//! What the tests on a chain share: nodes with coins, and a payer with a channel to the LSP.

use std::net::SocketAddr;
use std::ops::Deref;

use bitcoin::Amount;
use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::Network;
use lsps1_fixtures::node::{
    ChainConfig, InboundPolicy, Node, NodeConfig, NodeEvent, NodeEvents, OpenChannel,
};

use super::SOON;

/// A node with a wallet of its own that holds 1 bitcoin.
pub(crate) async fn node(
    network: &Network,
    name: &str,
    inbound: InboundPolicy,
) -> (Node, NodeEvents) {
    let rpc = network.bitcoind().rpc();
    let wallet = rpc.ensure_wallet(name).await.unwrap();
    let address = wallet.new_address().await.unwrap();
    network.miner().fund(&[(address, Amount::ONE_BTC)]).await.unwrap();
    let chain = Some(ChainConfig { rpc: rpc.clone(), wallet: name.to_owned() });
    let seed = [u8::try_from(name.len()).unwrap(); 32];
    let config = NodeConfig { chain, inbound, ..NodeConfig::message_peer(name, seed) };
    Node::start(config).await.unwrap()
}

/// Waits for an event.
pub(crate) async fn sees(
    events: &mut NodeEvents,
    wanted: impl Fn(&NodeEvent) -> bool,
) -> NodeEvent {
    let mut seen = Vec::new();
    let search = async {
        loop {
            let event = events.recv().await.expect("the node runs");
            if wanted(&event) {
                break event;
            }
            seen.push(event);
        }
    };
    match tokio::time::timeout(2 * SOON, search).await {
        Ok(event) => event,
        Err(_) => panic!("not within {:?}; seen: {seen:?}", 2 * SOON),
    }
}

/// Who pays the LSP.
pub(crate) struct Payer {
    node: Node,
    events: NodeEvents,
}

impl Payer {
    /// Starts it, and opens its channel to the LSP.
    pub(crate) async fn start(
        network: &Network,
        (lsp, address): (PublicKey, SocketAddr),
        capacity_sat: u64,
    ) -> Self {
        let (node, events) = node(network, "payer", InboundPolicy::Refuse).await;
        node.connect(lsp, address, SOON).await.unwrap();
        let open = OpenChannel {
            peer: lsp,
            capacity_sat,
            push_msat: 0,
            announce: false,
            required_confirmations: None,
            funding_feerate_sat_per_kwu: None,
            tag: 1,
        };
        node.open_channel(open).unwrap();
        let mut payer = Self { node, events };
        payer.sees(|event| matches!(event, NodeEvent::FundingPublished { .. })).await;
        let tip = network.miner().mine(1).await.unwrap();
        payer.synced_to(tip, SOON).await.unwrap();
        payer.sees(|event| matches!(event, NodeEvent::ChannelReady { .. })).await;
        payer
    }

    /// Waits for an event. Nothing that is tested may cost the payer its channel.
    pub(crate) async fn sees(&mut self, wanted: impl Fn(&NodeEvent) -> bool) -> NodeEvent {
        let is_closed = |event: &NodeEvent| matches!(event, NodeEvent::ChannelClosed { .. });
        let event = sees(&mut self.events, |event| is_closed(event) || wanted(event)).await;
        assert!(!is_closed(&event), "{event:?}");
        event
    }

    /// The next event, if one waits.
    pub(crate) fn try_see(&mut self) -> Option<NodeEvent> {
        let event = self.events.try_recv();
        assert!(!matches!(event, Some(NodeEvent::ChannelClosed { .. })), "{event:?}");
        event
    }
}

impl Deref for Payer {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}
