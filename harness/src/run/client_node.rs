//! The nodes that get the channels which a target sells.

use lsps1_fixtures::node::{ChainConfig, InboundPolicy, Node, NodeConfig, NodeEvents};
use lsps1_fixtures::peers::{Lsp, Peer, PeerChain, PeerConfig};
use lsps1_scenarios::ClientKind;

use super::chain::{CLIENT_WALLET, Chain, fresh_seed};
use crate::target::custom_message::MessageTarget;

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

impl ClientNode {
    pub(super) async fn start(
        chain: &Chain,
        kind: ClientKind,
        token: Option<&str>,
    ) -> Result<Self, String> {
        match kind {
            ClientKind::LspsNode => Self::lsps(chain).await,
            ClientKind::LdkNode => Self::ldk(chain, token).await,
        }
    }

    async fn lsps(chain: &Chain) -> Result<Self, String> {
        let rpc = chain.network.bitcoind().rpc();
        let config = NodeConfig {
            chain: Some(ChainConfig { rpc: rpc.clone(), wallet: CLIENT_WALLET.to_owned() }),
            // As long as no order says otherwise.
            inbound: InboundPolicy::Accept { depth: 1 },
            ..NodeConfig::message_peer(&chain.next_client(), rand::random())
        };
        let (node, events) = Node::start(config).await.map_err(|error| error.to_string())?;
        Ok(Self::Lsps { node, events: Some(events) })
    }

    async fn ldk(chain: &Chain, token: Option<&str>) -> Result<Self, String> {
        let MessageTarget { id, address, .. } = chain.target;
        let lsp = Lsp { id, address, token: token.map(ToOwned::to_owned) };
        // Electrum is how most wallets see the chain, where there is a server.
        let source = match chain.network.has_electrum() {
            true => PeerChain::Electrum,
            false => PeerChain::BitcoindRpc,
        };
        let config = PeerConfig::new(chain.next_client())
            .seed(fresh_seed())
            .chain(source)
            .lsp(lsp)
            .trust_0conf(id);
        let peer = Peer::start(&chain.network, config).await.map_err(|error| error.to_string())?;
        // A wallet that lags behind the chain would see its channel confirmed too late.
        peer.synced().await.map_err(|error| error.to_string())?;
        Ok(Self::Ldk(peer))
    }
}
