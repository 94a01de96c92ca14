//! What is watched on the chain: the height while payments are held, the orders' addresses, and refunds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::{BlockHash, Txid};
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::rpc::RpcError;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::wallet::Wallet;
use crate::engine::{EngineEvent, EngineEvents, Watched};
use crate::order::{Coin, Event};

/// How often bitcoind is asked whether anything is new. A wallet's payment is seen that soon.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is watched. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Watch {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    held: Mutex<HashSet<[u8; 32]>>,
    orders: Mutex<HashMap<String, Seen>>,
    refunds: Mutex<Vec<(String, Txid)>>,
    /// There is more to watch.
    more: Notify,
}

/// An order with an address, by that address.
struct Seen {
    order_id: String,
    /// What was last reported.
    coins: Option<Vec<Coin>>,
}

/// How things were at the last look.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    tip: BlockHash,
    mempool: u64,
    orders: usize,
    refunds: usize,
}

impl Watch {
    /// Watches the height, for a payment that is held.
    pub(super) fn hold(&self, payment_hash: [u8; 32]) {
        self.shared.held.lock().insert(payment_hash);
        self.shared.more.notify_one();
    }

    /// A payment isn't held any more.
    pub(super) fn release(&self, payment_hash: &[u8; 32]) {
        self.shared.held.lock().remove(payment_hash);
    }

    /// Watches an order's address for good: what arrives late has to go back.
    pub(super) fn order(&self, watched: Watched) {
        for txid in watched.refunds {
            self.refund(&watched.order_id, txid);
        }
        let seen = Seen { order_id: watched.order_id, coins: None };
        self.shared.orders.lock().insert(watched.address, seen);
        self.shared.more.notify_one();
    }

    /// Watches a refund until it is in a block.
    pub(super) fn refund(&self, order_id: &str, txid: Txid) {
        self.shared.refunds.lock().push((order_id.to_owned(), txid));
    }

    /// Looks at the chain for as long as it runs.
    pub(super) async fn run(self, rpc: BitcoindRpc, wallet: Wallet, events: EngineEvents) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut last_height, mut last_look) = (None, None);
        loop {
            if self.is_idle() {
                self.shared.more.notified().await;
            }
            ticks.tick().await;
            let looked = async {
                let info = rpc.blockchain_info().await?;
                if !self.shared.held.lock().is_empty() && last_height != Some(info.blocks) {
                    last_height = Some(info.blocks);
                    // Nobody listens any more once the mock is being shut down.
                    let _ = events.send(EngineEvent::Tip { height: info.blocks });
                }
                let look = Look {
                    tip: info.best_block_hash,
                    mempool: wallet.mempool_sequence().await?,
                    orders: self.shared.orders.lock().len(),
                    refunds: self.shared.refunds.lock().len(),
                };
                if look.orders > 0 && last_look != Some(look) {
                    self.look(&wallet, &events).await?;
                    last_look = Some(look);
                }
                Ok::<_, RpcError>(())
            };
            if let Err(error) = looked.await {
                tracing::warn!("failed to {error}");
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.shared.held.lock().is_empty() && self.shared.orders.lock().is_empty()
    }

    /// Reports what has changed at the addresses, and refunds that are in a block.
    async fn look(&self, wallet: &Wallet, events: &EngineEvents) -> Result<(), RpcError> {
        let report = |order_id: String, event| {
            let _ = events.send(EngineEvent::Onchain { order_id, event });
        };
        let refunds = self.shared.refunds.lock().clone();
        for (order_id, txid) in refunds {
            if wallet.is_confirmed(txid).await? {
                self.shared.refunds.lock().retain(|(_, other)| *other != txid);
                report(order_id, Event::RefundConfirmed { txid });
            }
        }
        let mut coins = wallet.coins().await?;
        for (address, seen) in &mut *self.shared.orders.lock() {
            let coins = coins.remove(address).unwrap_or_default();
            if seen.coins.as_ref() != Some(&coins) {
                seen.coins = Some(coins.clone());
                report(seen.order_id.clone(), Event::CoinsSeen { coins });
            }
        }
        Ok(())
    }
}
