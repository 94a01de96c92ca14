//! The engine on a real bitcoind: hold invoices that can be paid, channels that are opened.

mod coins;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::node::{Node, NodeEvent, OpenChannel};
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::sim::sign;
use super::{
    Engine, EngineError, EngineEvent, EngineEvents, InvoiceTerms, Offer, OfferTerms, OpenTerms,
    RefundTerms, Watched,
};
use crate::clock::BoxFuture;
use crate::order::{SignedRefund, Terms};
pub use coins::BackendError;
pub(crate) use coins::{Backend, Coins};

/// How long a client may take over the messages that open a channel.
const OPEN_PATIENCE: Duration = Duration::from_secs(60);

/// How often the chain's height is looked at while a payment is held. Its deadline is a hundred blocks away at first.
const HEIGHT_INTERVAL: Duration = Duration::from_millis(200);

/// The largest channel that needs no agreement on large channels (BOLT 2), in sat.
const MAX_CHANNEL_SAT: u64 = (1 << 24) - 1;

/// What the engine's side of a channel has to hold beyond its reserve for the fees of the commitment transaction, sat.
const COMMITMENT_FEES_SAT: u64 = 5_000;

/// What is left in the wallet for the fee of a funding transaction, in sat.
const FUNDING_FEE_SAT: u64 = 10_000;

/// Payments and channels by an LDK node.
pub(crate) struct Regtest {
    shared: Arc<Shared>,
    height_watch: AbortHandle,
}

struct Shared {
    node: Node,
    events: EngineEvents,
    /// The channels that are being opened, by the node's tag.
    attempts: Mutex<Attempts>,
    held: Mutex<HashSet<[u8; 32]>>,
}

#[derive(Default)]
struct Attempts {
    last_tag: u128,
    orders: HashMap<u128, String>,
}

impl Regtest {
    /// An engine on `node`, which follows the chain of `rpc`.
    pub(crate) fn new(node: Node, rpc: BitcoindRpc, events: EngineEvents) -> Self {
        let shared =
            Arc::new(Shared { node, events, attempts: Mutex::default(), held: Mutex::default() });
        let height_watch = tokio::spawn(watch_height(Arc::clone(&shared), rpc)).abort_handle();
        Self { shared, height_watch }
    }
}

impl Drop for Regtest {
    fn drop(&mut self) {
        self.height_watch.abort();
    }
}

impl Engine for Regtest {
    fn name(&self) -> &'static str {
        "regtest"
    }

    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(async move { sign(&self.shared.node, terms) })
    }

    fn offer(&self, _: OfferTerms) -> BoxFuture<'_, Result<Offer, EngineError>> {
        Box::pin(async { Err(EngineError("make an offer: this engine can't yet".to_owned())) })
    }

    fn close_offer(&self, _: [u8; 32]) {}

    fn address(&self, _: &str) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(async { Err(EngineError("make an address: this engine can't yet".to_owned())) })
    }

    fn watch(&self, _: Watched) {}

    fn sign_refund(&self, _: RefundTerms) {}

    fn broadcast_refund(&self, _: &str, _: usize, _: SignedRefund) {}

    fn is_connected(&self, client: &PublicKey) -> bool {
        self.shared.node.is_connected(client)
    }

    fn open(&self, terms: OpenTerms) {
        self.shared.open(terms);
    }

    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]) {
        self.shared.held.lock().remove(&payment_hash);
        self.shared.node.claim(preimage);
    }

    fn fail(&self, payment_hash: [u8; 32]) {
        self.shared.held.lock().remove(&payment_hash);
        self.shared.node.fail(payment_hash);
    }

    fn on_node_event(&self, event: NodeEvent) {
        self.shared.on_node_event(event);
    }
}

impl Shared {
    fn open(self: &Arc<Self>, terms: OpenTerms) {
        let tag = {
            let mut attempts = self.attempts.lock();
            // 0 is the tag of channels that others open.
            attempts.last_tag += 1;
            let tag = attempts.last_tag;
            attempts.orders.insert(tag, terms.order_id.clone());
            tag
        };
        let opened = self.node.open_channel(OpenChannel {
            peer: terms.client,
            capacity_sat: terms.capacity_sat,
            push_msat: terms.push_msat,
            announce: terms.announce,
            required_confirmations: None,
            funding_feerate_sat_per_kwu: None,
            tag,
        });
        if let Err(error) = opened {
            self.end_attempt(tag, &error.to_string());
            return;
        }
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(OPEN_PATIENCE).await;
            shared.end_attempt(tag, "the client didn't finish the opening within 60 seconds");
        });
    }

    /// The order whose channel is opened under a tag, once.
    fn take_attempt(&self, tag: u128) -> Option<String> {
        self.attempts.lock().orders.remove(&tag)
    }

    fn end_attempt(&self, tag: u128, reason: &str) {
        if let Some(order_id) = self.take_attempt(tag) {
            self.report(EngineEvent::OpenFailed { order_id, reason: reason.to_owned() });
        }
    }

    fn on_node_event(&self, event: NodeEvent) {
        match event {
            NodeEvent::PeerConnected { id, .. } => {
                self.report(EngineEvent::PeerConnected { peer: id })
            }
            NodeEvent::HtlcHeld { payment_hash, amount_msat, claim_deadline, .. } => {
                self.held.lock().insert(payment_hash);
                let offer = None;
                self.report(EngineEvent::PaymentHeld {
                    payment_hash,
                    offer,
                    amount_msat,
                    claim_deadline,
                });
            }
            NodeEvent::PaymentClaimed { payment_hash, .. } => {
                self.report(EngineEvent::Claimed { payment_hash })
            }
            NodeEvent::FundingPublished { tag, outpoint, .. } => match self.take_attempt(tag) {
                Some(order_id) => self.report(EngineEvent::Published { order_id, outpoint }),
                None => {
                    tracing::error!("channel {outpoint} was published after its order had failed")
                }
            },
            NodeEvent::OpenFailed { tag, reason } => self.end_attempt(tag, &reason),
            NodeEvent::ChannelClosed { channel_id, reason, .. } => {
                tracing::info!(%channel_id, "a channel is closed: {reason}");
            }
            _ => {}
        }
    }

    fn report(&self, event: EngineEvent) {
        // Nobody listens any more once the mock is being shut down.
        let _ = self.events.send(event);
    }
}

/// Reports the chain's height while payments are held, since they have to go back before their deadline.
async fn watch_height(shared: Arc<Shared>, rpc: BitcoindRpc) {
    let mut ticks = tokio::time::interval(HEIGHT_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        ticks.tick().await;
        if shared.held.lock().is_empty() {
            continue;
        }
        match rpc.block_count().await {
            Ok(height) if last != Some(height) => {
                last = Some(height);
                shared.report(EngineEvent::Tip { height });
            }
            Ok(_) => {}
            Err(error) => tracing::warn!("failed to {error}"),
        }
    }
}

/// The part of the terms that this engine can deliver with a wallet of `balance_sat`. An empty wallet is expected to be
/// filled, and limits nothing.
pub(crate) fn deliverable(terms: &Terms, balance_sat: u64) -> Terms {
    let mut terms = terms.clone();
    let affordable =
        if balance_sat == 0 { u64::MAX } else { balance_sat.saturating_sub(FUNDING_FEE_SAT) };
    terms.supports_zero_channel_reserve = false;
    terms.max_channel_balance_sat =
        terms.max_channel_balance_sat.min(MAX_CHANNEL_SAT).min(affordable);
    let max = terms.max_channel_balance_sat;
    terms.max_initial_lsp_balance_sat = terms.max_initial_lsp_balance_sat.min(max);
    terms.max_initial_client_balance_sat = terms.max_initial_client_balance_sat.min(max);
    // The LSP's side has to cover its reserve, 1 % of the channel, and the fees of the commitment transaction.
    let largest_client = terms.max_initial_client_balance_sat;
    let least = largest_client / 99 + COMMITMENT_FEES_SAT;
    terms.min_initial_lsp_balance_sat = terms.min_initial_lsp_balance_sat.max(least);
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_terms_can_be_delivered_as_they_are() {
        let terms = Terms::default();
        assert_eq!(deliverable(&terms, 0), terms);
        assert_eq!(deliverable(&terms, 100_000_000), terms);
    }

    #[test]
    fn nothing_is_offered_that_the_wallet_or_the_node_cannot_open() {
        let mut terms = deliverable(&Terms::default(), 1_010_000);
        assert_eq!(
            (terms.max_channel_balance_sat, terms.max_initial_lsp_balance_sat),
            (1_000_000, 1_000_000)
        );
        assert_eq!(terms.validate(), Ok(()));

        terms = Terms {
            max_channel_balance_sat: u64::MAX,
            max_initial_lsp_balance_sat: u64::MAX,
            ..Terms::default()
        };
        terms = deliverable(&terms, 0);
        assert_eq!(
            (terms.max_channel_balance_sat, terms.max_initial_lsp_balance_sat),
            (16_777_215, 16_777_215)
        );

        let poor = deliverable(&Terms::default(), 15_000);
        assert!(poor.validate().is_err());
    }
}
