//! The bitcoind behind the engine, and the coins in its wallet.

use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use bitcoin::{Address, Amount, Network as Chain};
use lsps1_fixtures::rpc::NotReady;
use lsps1_fixtures::{Auth, BitcoindRpc, Network, NetworkConfig, NetworkError, RpcError};
use serde_json::json;
use tokio::time::Instant;

/// How long a bitcoind that is being started may take to answer.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// How long coins from a faucet may take to be spendable.
const COINS_PATIENCE: Duration = Duration::from_secs(30);

/// How many coins the faucet is asked for. As many channels can be opened at the same time: a coin is in use until the
/// funding transaction is published.
const COINS: u32 = 4;

/// For how many of the largest channels each coin is, but for no more than `MAX_COIN_SAT`.
const CHANNELS_PER_COIN: u64 = 5;

/// The largest coin that the faucet is asked for, in sat.
const MAX_COIN_SAT: u64 = 75_000_000;

/// A regtest bitcoind: somebody else's, or one of our own, which ends with this.
pub(crate) struct Backend {
    rpc: BitcoindRpc,
    own: Option<Network>,
}

/// A wallet on it.
pub(crate) struct Coins {
    /// The wallet's name.
    pub(crate) wallet: String,
    /// The wallet of that name.
    pub(crate) funds: BitcoindRpc,
    /// The wallet that orders are paid to.
    pub(crate) payments: BitcoindRpc,
    /// Where to send more.
    pub(crate) address: Address,
    /// What it can spend, in sat.
    pub(crate) balance_sat: u64,
}

/// Why the engine has no chain or no coins.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// Our own bitcoind didn't start.
    #[error(transparent)]
    Start(#[from] NetworkError),
    /// The given bitcoind isn't there.
    #[error(transparent)]
    NotReady(#[from] NotReady),
    /// It refused a call.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// It isn't on regtest.
    #[error(
        "use the bitcoind at {url}: it is on {chain}, and only regtest coins may be played with"
    )]
    WrongChain {
        /// Its URL.
        url: String,
        /// Its network.
        chain: Chain,
    },
    /// The faucet gave nothing.
    #[error(
        "get coins from {url}: {reason}; check LSPS1_FAUCET_URL, or unset it and send coins to the address in the ready line"
    )]
    Faucet {
        /// Its URL.
        url: String,
        /// What it said.
        reason: String,
    },
    /// The faucet's coins didn't arrive.
    #[error(
        "see the faucet's coins in the wallet within {COINS_PATIENCE:?}; last seen: {last_seen_sat} sat that can be spent; does the faucet mine a block?"
    )]
    NoCoins {
        /// The balance at the end.
        last_seen_sat: u64,
    },
}

impl Backend {
    /// Attaches to a bitcoind that is on regtest.
    pub(crate) async fn attach(url: &str, auth: Auth) -> Result<Self, BackendError> {
        let rpc = BitcoindRpc::new(url, auth);
        rpc.wait_ready(START_PATIENCE).await?;
        let chain = rpc.chain().await?;
        if chain != Chain::Regtest {
            return Err(BackendError::WrongChain { url: url.to_owned(), chain });
        }
        Ok(Self { rpc, own: None })
    }

    /// Starts a bitcoind with a miner and a faucet.
    pub(crate) async fn start() -> Result<Self, BackendError> {
        let own = Network::start(NetworkConfig::default().without_electrs()).await?;
        Ok(Self { rpc: own.bitcoind().rpc().clone(), own: Some(own) })
    }

    /// Its RPC.
    pub(crate) fn rpc(&self) -> &BitcoindRpc {
        &self.rpc
    }

    /// The endpoints of our own bitcoind, for the operator: its RPC's URL, its cookie file and the faucet's URL.
    pub(crate) fn own_endpoints(&self) -> Option<[String; 3]> {
        let own = self.own.as_ref()?;
        let cookie = own.bitcoind().cookie_file()?.display().to_string();
        Some([self.rpc.url().to_owned(), cookie, own.faucet_url()])
    }

    /// Loads the wallets of the node `id`, and fills the one that pays for channels from the faucet if it is empty and there is one.
    /// `channel_sat` is the largest channel that it has to pay for.
    pub(crate) async fn coins(
        &self,
        id: &PublicKey,
        faucet: Option<&str>,
        channel_sat: u64,
    ) -> Result<Coins, BackendError> {
        let wallet = self.rpc.ensure_wallet(&id.to_string()).await?;
        let address = wallet.new_address().await?;
        let mut balance = wallet.balance().await?;
        let own_faucet = self.own.as_ref().map(Network::faucet_url);
        if let (Amount::ZERO, Some(faucet)) = (balance, own_faucet.as_deref().or(faucet)) {
            let amount_sat = channel_sat.saturating_mul(CHANNELS_PER_COIN).min(MAX_COIN_SAT);
            for _ in 0..COINS {
                ask_faucet(faucet, &address, amount_sat).await?;
            }
            balance = wait_for_coins(&wallet).await?;
        }
        let payments = self.rpc.ensure_wallet(&format!("{id}-payments")).await?;
        let balance_sat = balance.to_sat();
        Ok(Coins { wallet: id.to_string(), funds: wallet, payments, address, balance_sat })
    }
}

async fn ask_faucet(url: &str, address: &Address, amount_sat: u64) -> Result<(), BackendError> {
    let failed = |reason: String| BackendError::Faucet { url: url.to_owned(), reason };
    let client = reqwest::Client::builder().timeout(COINS_PATIENCE).no_proxy().build();
    let client = client.map_err(|error| failed(error.to_string()))?;
    let body = json!({"address": address.to_string(), "amount_sat": amount_sat});
    let answer =
        client.post(url).json(&body).send().await.map_err(|error| failed(error.to_string()))?;
    if answer.status().is_success() {
        return Ok(());
    }
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    Err(failed(format!("status {status}, {}", text.chars().take(200).collect::<String>())))
}

/// Waits until the wallet can spend something.
async fn wait_for_coins(wallet: &BitcoindRpc) -> Result<Amount, BackendError> {
    let deadline = Instant::now() + COINS_PATIENCE;
    let mut looks = tokio::time::interval(Duration::from_millis(50));
    loop {
        looks.tick().await;
        let balance = wallet.balance().await?;
        if balance > Amount::ZERO {
            return Ok(balance);
        }
        if Instant::now() >= deadline {
            return Err(BackendError::NoCoins { last_seen_sat: balance.to_sat() });
        }
    }
}
