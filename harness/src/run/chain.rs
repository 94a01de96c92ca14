//! The chain around a target on regtest: a payer with a channel to it, and the nodes that get the channels it sells.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount};
use lsps1_fixtures::peers::{ChannelPlan, Peer, PeerConfig, open_channels};
use lsps1_fixtures::{BitcoindRpc, Network};

use super::payer::{self, FreePayer};
use crate::target::custom_message::{MessageTarget, RECONNECT_EVERY};

/// Why there is no chain around the target. Each variant is a step of the set-up.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The coins for the target.
    #[error("failed to give the target coins at '{address}': {reason}")]
    Coins {
        /// Where it wants them.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// A wallet of bitcoind's.
    #[error("failed to make a wallet for the clients: {0}")]
    Wallet(String),
    /// The payer's node.
    #[error("failed to start the payer: {0}")]
    Payer(String),
    /// The payer's coins.
    #[error("failed to give coins to the payer: {0}")]
    Fund(String),
    /// The payer's channel.
    #[error("failed to open the payer's channel to the target: {0}")]
    Channel(String),
}

/// What the target gets if it says where: several coins, as one that funds a channel is locked until that is published.
const TARGET_COINS: [Amount; 4] = [Amount::from_int_btc(1); 4];

/// What the payer gets.
const PAYER_COINS: Amount = Amount::from_int_btc(1);

/// So many payments on the chain can wait for a block at the same time, each from a coin of its own. If one spent the
/// change of another, it would go with that one when it is taken back.
const PAYMENTS: usize = 30;

/// The coin of a payment on the chain: more than any order costs that scenarios make.
const PAYMENT_COIN: Amount = Amount::from_sat(2_000_000);

/// How long a wallet may take to notice coins that are confirmed.
const COINS_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The capacity of the payer's channel to the target, in sat: enough for the fees and balances of many orders, and
/// below the limit of channels that not every node makes (2^24).
const PAYER_CHANNEL_SAT: u64 = 15_000_000;

/// How long a payer's channel may take until it can be used again after a restart of the target.
const CHANNEL_BACK_WITHIN: Duration = Duration::from_secs(30);

/// A regtest network with a payer that can reach the target.
pub struct Chain {
    pub(super) target: MessageTarget,
    pub(super) payer: Peer,
    pub(super) free_payer: FreePayer,
    /// The wallet of payments on the chain.
    pub(super) coins: BitcoindRpc,
    /// Names the clients.
    clients: AtomicU32,
    // Ends last.
    pub(super) network: Network,
}

/// The bitcoind wallet of the harness's own nodes.
pub(super) const CLIENT_WALLET: &str = "clients";

impl Chain {
    /// Funds the target (if `coins` says where; else it asks the faucet itself) and the payer, and opens the payer's
    /// channel to the target. Nothing is mined or spent on another chain than regtest: the network's miner refuses.
    ///
    /// # Errors
    /// The step that failed, with its reason.
    pub async fn start(
        network: Network,
        target: MessageTarget,
        coins: Option<String>,
    ) -> Result<Self, ChainError> {
        let config = PeerConfig::new("payer").seed(fresh_seed()).trust_no_reserve(target.id);
        let payer = Peer::start(&network, config)
            .await
            .map_err(|error| ChainError::Payer(error.to_string()))?;
        if let Some(address) = &coins {
            give_coins(&network, address).await?;
        }
        let to_fund = |error: &dyn std::fmt::Display| ChainError::Fund(error.to_string());
        let rpc = network.bitcoind().rpc();
        rpc.ensure_wallet(CLIENT_WALLET)
            .await
            .map_err(|error| ChainError::Wallet(error.to_string()))?;
        let free_wallet = rpc.ensure_wallet(payer::WALLET).await.map_err(|e| to_fund(&e))?;
        let mut coins = vec![
            (payer.new_address().map_err(|error| to_fund(&error))?, PAYER_COINS),
            (free_wallet.new_address().await.map_err(|error| to_fund(&error))?, PAYER_COINS),
        ];
        for _ in 0..PAYMENTS {
            let address = free_wallet.new_address().await.map_err(|error| to_fund(&error))?;
            coins.push((address, PAYMENT_COIN));
        }
        network.miner().fund(&coins).await.map_err(|error| to_fund(&error))?;
        payer.synced().await.map_err(|error| to_fund(&error))?;
        wait_for_coins(&free_wallet).await.map_err(ChainError::Fund)?;
        let free_payer = FreePayer::start(&network, target, PAYER_CHANNEL_SAT)
            .await
            .map_err(ChainError::Channel)?;
        let plan = ChannelPlan {
            from: &payer,
            to: target.id,
            address: target.address,
            capacity_sat: PAYER_CHANNEL_SAT,
            push_msat: 0,
            announce: false,
        };
        open_channels(&network, &[plan])
            .await
            .map_err(|error| ChainError::Channel(error.to_string()))?;
        // The blocks for one channel are enough for both.
        free_payer.usable().await.map_err(ChainError::Channel)?;
        Ok(Self {
            target,
            payer,
            free_payer,
            coins: free_wallet,
            clients: AtomicU32::new(0),
            network,
        })
    }

    /// A name for the next client.
    pub(super) fn next_client(&self) -> String {
        format!("client-{}", self.clients.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Connects the payers again to a target that was started again, until their channels can be used.
    pub(super) async fn target_is_back(&self) -> Result<(), String> {
        let MessageTarget { id, address, .. } = self.target;
        let deadline = Instant::now() + CHANNEL_BACK_WITHIN;
        loop {
            // It may not have noticed yet that the old connection is gone; by itself it would come back after seconds.
            let connected = self.payer.connect(id, address).await;
            match self.payer.wait_channel_usable(&id, RECONNECT_EVERY).await {
                Ok(_) => break,
                Err(_) if Instant::now() < deadline => {}
                Err(error) => {
                    connected
                        .map_err(|error| format!("the payer failed to connect again: {error}"))?;
                    return Err(error.to_string());
                }
            }
        }
        self.free_payer.reconnect(self.target).await
    }

    /// Ends the payers, then the network.
    pub async fn stop(self) {
        let Self { payer, free_payer, network, .. } = self;
        // It follows the chain, and would go on to look for bitcoind.
        drop(free_payer);
        let _ = payer.stop().await;
        // Ending the processes blocks.
        let _ = tokio::task::spawn_blocking(move || drop(network)).await;
    }
}

/// Fresh keys: LSPs remember the nodes that ordered from them.
pub(super) fn fresh_seed() -> [u8; 64] {
    let mut seed = [0; 64];
    seed.fill_with(rand::random);
    seed
}

/// Waits until a wallet knows of the coins that it was given.
async fn wait_for_coins(wallet: &BitcoindRpc) -> Result<(), String> {
    let wanted = PAYER_COINS + PAYMENT_COIN * PAYMENTS as u64;
    let deadline = Instant::now() + COINS_WITHIN;
    loop {
        let balance = wallet.balance().await.map_err(|error| error.to_string())?;
        if balance >= wanted {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let within = COINS_WITHIN.as_secs();
            return Err(format!("its wallet had {balance} after {within} s, not {wanted}"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Sends coins; they are confirmed with the next block.
async fn give_coins(network: &Network, address: &str) -> Result<(), ChainError> {
    let failed = |reason: String| ChainError::Coins { address: address.to_owned(), reason };
    let to = address
        .parse::<Address<NetworkUnchecked>>()
        .map_err(|error| failed(error.to_string()))?
        .require_network(bitcoin::Network::Regtest)
        .map_err(|error| failed(error.to_string()))?;
    for amount in TARGET_COINS {
        let sent = network.miner().wallet().send_to_address(&to, amount, None).await;
        sent.map_err(|error| failed(error.to_string()))?;
    }
    Ok(())
}
