//! How a mock LSP is to be.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::Network;
use lsps1_fixtures::Auth;

use crate::clock::{Clock, SystemClock};
use crate::fault::Fault;
use crate::order::{Choice, Fee, PaymentWays, Terms, TermsError};

/// The longest time that an order may wait for its payment: BOLT 11 and LDK count it in 32 bits.
const MAX_ORDER_EXPIRY: Duration = Duration::from_secs(365 * 24 * 3_600);

/// How a [`MockLsp`](crate::MockLsp) is to be. [`Config::default`] is an honest one on any free port of this machine,
/// without a chain.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Where REST is served. Port 0 means any.
    pub rest: SocketAddr,
    /// Where nodes connect to. Port 0 means any.
    pub p2p: SocketAddr,
    /// `HOST:PORT` that clients are told to connect to, if it isn't [`Self::p2p`].
    pub public_p2p: Option<String>,
    /// Where the control API is served. Port 0 means any. It has no authentication.
    pub control: SocketAddr,
    /// Whether the control API may be reached from other machines.
    pub control_is_public: bool,
    /// What takes payments and opens channels.
    pub engine: EngineConfig,
    /// The network of invoices and addresses; with [`EngineConfig::Regtest`] only regtest.
    pub network: Network,
    /// Gives the node's key, order ids and preimages; random if `None`. Whoever knows it can pretend payments.
    pub seed: Option<[u8; 32]>,
    /// The folder that lets a mock go on after a restart; `None`: it forgets everything.
    pub data_dir: Option<PathBuf>,
    /// The options of `lsps1.get_info`.
    pub terms: Terms,
    /// What orders cost.
    pub fee: Fee,
    /// In which ways they can be paid.
    pub payment: PaymentWays,
    /// The choices that are made where bLIP-51 leaves any.
    pub choices: Vec<Choice>,
    /// The tokens that are accepted.
    pub tokens: Vec<String>,
    /// The tokens that were accepted once.
    pub spent_tokens: Vec<String>,
    /// How long an order waits for its payment and its channel.
    pub order_expiry: Duration,
    /// Whether REST bodies are read as strictly as custom messages: no `client_info`, and no null or empty values for
    /// parameters that are left out.
    pub strict_rest: bool,
    /// The faults that are switched on.
    pub faults: Vec<&'static Fault>,
    /// Where the time comes from. Invoices carry it, too.
    pub clock: Arc<dyn Clock>,
}

/// What takes payments and opens channels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EngineConfig {
    /// Nothing does: the operator pretends it through the control API.
    Sim,
    /// An LDK node on a regtest bitcoind.
    Regtest {
        /// The bitcoind; one of the mock's own if `None`.
        bitcoind: Option<BitcoindConfig>,
        /// Where to ask for coins if the wallet is empty: a URL that takes a POST of `{"address", "amount_sat"}`.
        faucet: Option<String>,
    },
}

/// A bitcoind to attach to.
#[derive(Clone, Debug)]
pub struct BitcoindConfig {
    /// `http://HOST:PORT`
    pub rpc: String,
    /// Its name and password.
    pub auth: Auth,
}

impl Default for Config {
    fn default() -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            rest: any,
            p2p: any,
            public_p2p: None,
            control: any,
            control_is_public: false,
            engine: EngineConfig::Sim,
            network: Network::Regtest,
            seed: None,
            data_dir: None,
            terms: Terms::default(),
            fee: Fee::default(),
            payment: PaymentWays::default(),
            choices: Vec::new(),
            tokens: Vec::new(),
            spent_tokens: Vec::new(),
            order_expiry: Duration::from_secs(3_600),
            strict_rest: false,
            faults: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither the seed nor the tokens belong into a log.
        f.debug_struct("Config")
            .field("rest", &self.rest)
            .field("p2p", &self.p2p)
            .field("control", &self.control)
            .field("engine", &self.engine)
            .field("network", &self.network)
            .field("terms", &self.terms)
            .field("fee", &self.fee)
            .field("payment", &self.payment)
            .field("choices", &self.choices)
            .field("data_dir", &self.data_dir)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}

/// A configuration that no mock can be started with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The control API would be open to everybody.
    #[error(
        "serve the control API on {0}: it has no authentication; use a loopback address, or say --control-public"
    )]
    PublicControl(SocketAddr),
    /// Regtest coins only.
    #[error(
        "use the engine regtest on {0}: it plays with coins, so it takes no network but regtest"
    )]
    Network(Network),
    /// The chain would be gone.
    #[error(
        "use --data-dir with a bitcoind of the mock's own: its chain ends with the mock; give --bitcoind-rpc URL"
    )]
    OwnChain,
    /// Too short or too long.
    #[error("let orders expire after {0:?}: --order-expiry-seconds takes 1 to 31536000")]
    OrderExpiry(Duration),
    /// Terms that nothing fits.
    #[error(transparent)]
    Terms(#[from] TermsError),
}

impl Config {
    /// Whether a mock can be started with this.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !self.control.ip().is_loopback() && !self.control_is_public {
            return Err(ConfigError::PublicControl(self.control));
        }
        if matches!(self.engine, EngineConfig::Regtest { .. }) && self.network != Network::Regtest {
            return Err(ConfigError::Network(self.network));
        }
        if self.data_dir.is_some()
            && matches!(&self.engine, EngineConfig::Regtest { bitcoind: None, .. })
        {
            return Err(ConfigError::OwnChain);
        }
        if !(Duration::from_secs(1)..=MAX_ORDER_EXPIRY).contains(&self.order_expiry) {
            return Err(ConfigError::OrderExpiry(self.order_expiry));
        }
        self.payment.validate()?;
        Ok(self.terms.validate()?)
    }
}
