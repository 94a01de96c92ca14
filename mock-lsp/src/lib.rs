//! A mock LSP that speaks LSPS1 (bLIP-51) over LSPS0 (bLIP-50) and over REST: honest by default, and with named faults
//! on request.
//!
//! ```no_run
//! # async fn example() -> Result<(), mock_lsp::StartError> {
//! use mock_lsp::{Config, MockLsp};
//!
//! let lsp = MockLsp::start(Config::default()).await?;
//! println!("{} and {}", lsp.rest_url(), lsp.p2p());
//! lsp.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! An order's way through this crate: a face (`face/`) reads bytes into a message (`message/`), the service
//! (`service.rs`) hands it to the order core (`order/`), whose actions go to the engine (`engine/`), whose events come
//! back to the order core. Faults (`fault/`) sit at named points along that way.

pub mod cli;
mod clock;
mod config;
mod data_dir;
mod engine;
mod face;
mod fault;
mod journal;
mod message;
mod order;
mod service;
#[cfg(test)]
mod test_support;

use std::net::SocketAddr;
use std::sync::Arc;

use bitcoin::hex::DisplayHex;
use jiff::SignedDuration;
use lsps1_fixtures::node::{
    ChainConfig, Direction, InboundPolicy, LspsFeature, Node, NodeConfig, NodeError, NodeEvent,
    NodeEvents, Rewrite,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use clock::ShiftedClock;
use data_dir::{Addresses, DataDir, again, new_seed};
use engine::regtest::{Backend, Coins, Regtest, deliverable};
use engine::sim::Sim;
use engine::{Engine, EngineEvents};
use face::custom_message::{CustomMessageFace, Sender};
use face::rest::RestFace;
use face::{HttpServer, Shutdown, control};
use fault::{Faults, Switch};
use order::Choices;
use service::db::Db;
use service::{Service, Setup};

pub use clock::{BoxFuture, Clock, ManualClock, SystemClock};
pub use config::{BitcoindConfig, Config, ConfigError, EngineConfig};
pub use data_dir::DataDirError;
pub use engine::regtest::BackendError;
pub use fault::{Fault, Needs};
pub use order::{Choice, Fee, OnchainTerms, PaymentWays, Terms, TermsError};

/// After how many confirmations channels that others open to the mock can be used.
const INBOUND_DEPTH: u32 = 1;

/// A running mock LSP. It ends when it is dropped.
pub struct MockLsp {
    rest: SocketAddr,
    control: SocketAddr,
    p2p: String,
    funding_address: Option<String>,
    /// Whether it goes on where it was when it is started again.
    goes_on: bool,
    /// Whether it says that on-chain payment is switched off.
    onchain_off: bool,
    shutdown: Shutdown,
    servers: Vec<JoinHandle<()>>,
    workers: Vec<JoinHandle<()>>,
    // Ends after everything that uses it.
    backend: Option<Backend>,
}

/// Why a mock couldn't be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A socket can't be bound.
    #[error("serve {what} on {address}: {source}; choose another port, or 0 for any")]
    Bind {
        /// What was to be served.
        what: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The Lightning node didn't start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The data directory can't be used.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// There is no chain, or there are no coins.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// What is in the wallet isn't enough for what is to be offered.
    #[error("{source}: the wallet has {balance_sat} sat, send more to {address}")]
    TooPoor {
        /// What can't be offered.
        source: TermsError,
        /// What the wallet has, in sat.
        balance_sat: u64,
        /// Where to send more.
        address: String,
    },
}

/// What an engine is built on.
struct Ground {
    node: Node,
    node_events: NodeEvents,
    terms: Terms,
    engine: Arc<dyn Engine>,
    backend: Option<Backend>,
    funding_address: Option<String>,
}

impl MockLsp {
    /// Starts a mock. It can be used once this returns.
    ///
    /// # Errors
    ///
    /// When the configuration makes no sense, an address is taken, or bitcoind isn't to be had.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        config.validate()?;
        let bind = async |what, address| {
            HttpServer::bind(address).await.map_err(|source| StartError::Bind {
                what,
                address,
                source,
            })
        };
        let data = config.data_dir.as_deref().map(DataDir::open).transpose()?;
        let former = data.as_ref().map_or_else(|| Ok(Addresses::default()), DataDir::addresses)?;
        let rest = bind("REST", again(config.rest, former.rest)).await?;
        let control = bind("the control API", again(config.control, former.control)).await?;
        let seed = match &data {
            Some(data) => data.seed(config.seed)?,
            None => config.seed.unwrap_or_else(new_seed),
        };
        let db = data.as_ref().map(|data| Db::open(&data.orders())).transpose()?;
        tracing::info!(
            "--seed {} gives this node's key and order ids again",
            seed.to_lower_hex_string()
        );

        let faults = Faults::new(config.faults.clone());
        let (sender, engine_events) = mpsc::unbounded_channel();
        let node_config = NodeConfig {
            listen: Some(again(config.p2p, former.p2p)),
            network: config.network,
            lsps_feature: match faults.on(Switch::DemandsFeature) {
                true => LspsFeature::Compulsory,
                false => LspsFeature::Optional,
            },
            large_channels: !faults.on(Switch::HidesLargeChannels),
            inbound: InboundPolicy::Accept { depth: INBOUND_DEPTH },
            storage: data.as_ref().map(DataDir::node),
            ..NodeConfig::message_peer("mock-lsp", seed)
        };
        let ground = prepare(&config, seed, node_config, sender).await?;
        if let Some(data) = &data {
            data.keep_addresses(&Addresses {
                rest: Some(rest.address()),
                p2p: ground.node.address(),
                control: Some(control.address()),
            })?;
        }
        let p2p = p2p_uri(&config, &ground.node);
        let engine = Arc::clone(&ground.engine);
        let onchain_off = config.payment.onchain.is_none()
            || faults.on(Switch::OffersOnchainWhenOff)
            || faults.on(Switch::RefusesRefundsWhenOff);
        let setup = Setup {
            terms: ground.terms,
            fee: config.fee,
            payment: config.payment,
            choices: Choices::new(&config.choices),
            tokens: config.tokens,
            spent_tokens: config.spent_tokens,
            network: config.network,
            order_expiry: SignedDuration::try_from(config.order_expiry)
                .unwrap_or(SignedDuration::MAX),
            faults,
            clock: ShiftedClock::new(config.clock),
            engine: ground.engine,
            seed,
        };
        if setup.faults.on(Switch::RefusesZeroReserve) {
            // More than any channel has, which no node agrees to.
            ground.node.tap().rewrite(Direction::In, Rewrite::ZeroReserve(u64::MAX));
        }
        let service = Service::new(setup, db)?;
        service.resume().await;
        let custom_messages = CustomMessageFace::new(ground.node, service.clone());
        let rest_face =
            RestFace { service: service.clone(), uri: p2p.clone(), strict: config.strict_rest };

        let shutdown = Shutdown::new();
        let (rest_address, control_address) = (rest.address(), control.address());
        Ok(Self {
            rest: rest_address,
            control: control_address,
            p2p,
            funding_address: ground.funding_address,
            goes_on: data.is_some(),
            onchain_off,
            servers: vec![
                rest.serve(rest_face.router(), &shutdown),
                control.serve(control::router(service.clone()), &shutdown),
            ],
            workers: vec![
                tokio::spawn(service.run(engine_events)),
                tokio::spawn(dispatch(ground.node_events, custom_messages, engine)),
            ],
            shutdown,
            backend: ground.backend,
        })
    }

    /// The base URL of REST: `/get_info` is to be appended.
    pub fn rest_url(&self) -> String {
        format!("http://{}/api/v1", reachable(self.rest))
    }

    /// Where nodes connect to, as `NODEID@HOST:PORT`.
    pub fn p2p(&self) -> &str {
        &self.p2p
    }

    /// The base URL of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}", reachable(self.control))
    }

    /// An address of the wallet that pays for channels, with the engine `regtest`.
    pub fn funding_address(&self) -> Option<&str> {
        self.funding_address.as_deref()
    }

    /// What the program prints once the mock can be used.
    pub fn ready_line(&self) -> Value {
        let mut line =
            json!({"rest": self.rest_url(), "p2p": self.p2p, "control": self.control_url()});
        if let Some(address) = &self.funding_address {
            line["address"] = address.as_str().into();
        }
        if self.goes_on {
            line["restart"] = true.into();
        }
        if self.onchain_off {
            line["onchain"] = false.into();
        }
        if let Some([rpc, cookie, faucet]) = self.backend.as_ref().and_then(Backend::own_endpoints)
        {
            line["bitcoind_rpc"] = rpc.into();
            line["bitcoind_cookie"] = cookie.into();
            line["faucet"] = faucet.into();
        }
        line
    }

    /// Ends the mock: requests in flight are answered, connections closed, and its own bitcoind is stopped.
    pub async fn shutdown(mut self) {
        self.shutdown.begin();
        for server in self.servers.drain(..) {
            // It was stopped or has panicked; either way it has ended.
            let _ = server.await;
        }
    }
}

impl Drop for MockLsp {
    fn drop(&mut self) {
        self.shutdown.begin();
        self.servers.iter().chain(&self.workers).for_each(JoinHandle::abort);
    }
}

/// Starts the node, and what the engine needs beneath it.
async fn prepare(
    config: &Config,
    seed: [u8; 32],
    node_config: NodeConfig,
    events: EngineEvents,
) -> Result<Ground, StartError> {
    let EngineConfig::Regtest { bitcoind, faucet } = &config.engine else {
        let (node, node_events) = Node::start(node_config).await?;
        let engine = Arc::new(Sim::new(node.clone(), config.network, seed, events));
        let terms = config.terms.clone();
        return Ok(Ground {
            node,
            node_events,
            terms,
            engine,
            backend: None,
            funding_address: None,
        });
    };
    let backend = match bitcoind {
        Some(bitcoind) => Backend::attach(&bitcoind.rpc, bitcoind.auth.clone()).await?,
        None => Backend::start().await?,
    };
    // The wallet has to be there before the node, and is named after it.
    let id = Node::start(NodeConfig::message_peer("mock-lsp", seed)).await?.0.id();
    let coins = backend.coins(&id, faucet.as_deref(), config.terms.max_channel_balance_sat).await?;
    let terms = affordable(&config.terms, &coins)?;
    let chain = ChainConfig { rpc: backend.rpc().clone(), wallet: coins.wallet.clone() };
    let (node, node_events) = Node::start(NodeConfig { chain: Some(chain), ..node_config }).await?;
    if terms.supports_zero_channel_reserve {
        node.tap().rewrite(Direction::Out, Rewrite::ChannelReserve(0));
    }
    let funding_address = Some(coins.address.to_string());
    let engine = Arc::new(Regtest::new(node.clone(), backend.rpc().clone(), coins, events));
    Ok(Ground { node, node_events, terms, engine, backend: Some(backend), funding_address })
}

/// What can be offered with the coins that are there.
fn affordable(terms: &Terms, coins: &Coins) -> Result<Terms, StartError> {
    if coins.balance_sat == 0 {
        tracing::warn!(
            "the wallet is empty: opens will fail until coins arrive at {}",
            coins.address
        );
    }
    let offered = deliverable(terms, coins.balance_sat);
    if offered != *terms {
        tracing::warn!("offering only what can be delivered: {offered:?}");
    }
    offered.validate().map_err(|source| StartError::TooPoor {
        source,
        balance_sat: coins.balance_sat,
        address: coins.address.to_string(),
    })?;
    Ok(offered)
}

/// Hands what happens to the node to those whom it concerns.
async fn dispatch(mut events: NodeEvents, messages: CustomMessageFace, engine: Arc<dyn Engine>) {
    while let Some(event) = events.recv().await {
        match event {
            NodeEvent::CustomMessage { peer, connection, type_id, payload } => {
                messages.on_message(Sender { peer, connection }, type_id, &payload).await
            }
            event => {
                if let NodeEvent::PeerConnected { id, .. } = &event {
                    messages.on_connected(*id);
                }
                engine.on_node_event(event);
            }
        }
    }
}

fn p2p_uri(config: &Config, node: &Node) -> String {
    let address = reachable(node.address().unwrap_or(config.p2p));
    let address = config.public_p2p.clone().unwrap_or_else(|| address.to_string());
    format!("{}@{address}", node.id())
}

/// An address that this machine can reach, for one that may mean all of its addresses.
fn reachable(address: SocketAddr) -> SocketAddr {
    if !address.ip().is_unspecified() {
        return address;
    }
    let loopback: std::net::IpAddr = match address {
        SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(loopback, address.port())
}
