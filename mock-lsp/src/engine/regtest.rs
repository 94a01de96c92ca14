//! The engine on a real bitcoind: payments that can be made, channels that are opened, refunds that arrive.

mod coins;
mod deliverable;
mod open;
mod wallet;
mod watch;

use std::sync::Arc;

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::node::{self, Direction, Node, NodeEvent};
use tokio::task::AbortHandle;

use super::sim::sign;
use super::{
    Engine, EngineError, EngineEvent, EngineEvents, HeldOffer, InvoiceTerms, Offer, OfferTerms,
    OpenTerms, RefundTerms, Watched,
};
use crate::clock::BoxFuture;
use crate::order::{Event, SignedRefund};
pub use coins::BackendError;
pub(crate) use coins::{Backend, Coins};
pub(crate) use deliverable::deliverable;
use open::Opens;
use wallet::Wallet;
use watch::Watch;

/// Payments and channels by an LDK node, coins by bitcoind's wallets.
pub(crate) struct Regtest {
    shared: Arc<Shared>,
    watching: AbortHandle,
}

struct Shared {
    node: Node,
    wallet: Wallet,
    watch: Watch,
    events: EngineEvents,
    opens: Opens,
}

impl Regtest {
    /// An engine on `node`, which follows the chain of `rpc` and spends these coins.
    pub(crate) fn new(node: Node, rpc: BitcoindRpc, coins: Coins, events: EngineEvents) -> Self {
        let (wallet, watch) = (Wallet::new(coins.payments, coins.funds), Watch::default());
        let opens = Opens::new(node.clone(), rpc.clone(), events.clone());
        let run = watch.clone().run(rpc, wallet.clone(), events.clone());
        let watching = tokio::spawn(run).abort_handle();
        Self { shared: Arc::new(Shared { node, wallet, watch, events, opens }), watching }
    }
}

impl Drop for Regtest {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Engine for Regtest {
    fn name(&self) -> &'static str {
        "regtest"
    }

    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(async move { sign(&self.shared.node, terms) })
    }

    fn offer(&self, terms: OfferTerms) -> BoxFuture<'_, Result<Offer, EngineError>> {
        let offer = self.shared.node.create_offer(node::OfferTerms {
            amount_msat: terms.amount_msat,
            description: terms.description,
            absolute_expiry: Some(terms.absolute_expiry),
        });
        let offer = offer.map(|offer| Offer { text: offer.text, id: offer.id });
        Box::pin(async move { offer.map_err(|error| EngineError(error.to_string())) })
    }

    fn close_offer(&self, id: [u8; 32]) {
        if let Err(error) = self.shared.node.close_offer(&id) {
            // Payments of it are failed all the same.
            tracing::warn!("failed to close an offer: {error}");
        }
    }

    fn address(&self, _: &str) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(self.shared.wallet.address())
    }

    fn watch(&self, watched: Watched) {
        self.shared.watch.order(watched);
    }

    fn sign_refund(&self, terms: RefundTerms) {
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move { shared.sign_refund(terms).await });
    }

    fn broadcast_refund(&self, order_id: &str, refund: usize, signed: SignedRefund) {
        let (shared, order_id) = (Arc::clone(&self.shared), order_id.to_owned());
        tokio::spawn(async move { shared.broadcast_refund(order_id, refund, signed).await });
    }

    fn lift_refund(&self, order_id: &str, refund: usize, signed: SignedRefund, sat_per_kwu: u32) {
        let (shared, order_id) = (Arc::clone(&self.shared), order_id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = shared.wallet.lift(&signed, sat_per_kwu).await {
                tracing::error!(order = order_id, "failed to {error}");
            }
            // It is still the refund itself that has to be there.
            shared.broadcast_refund(order_id, refund, signed).await;
        });
    }

    fn is_connected(&self, client: &PublicKey) -> bool {
        self.shared.node.is_connected(client)
    }

    fn open(&self, terms: OpenTerms) {
        self.shared.opens.start(terms);
    }

    fn resume_open(&self, terms: OpenTerms) {
        self.shared.opens.resume(terms);
    }

    fn abandon_open(&self, order_id: &str) {
        self.shared.opens.abandon(order_id);
    }

    fn close_channel(&self, order_id: &str, depth: u32) {
        let (opens, order_id) = (self.shared.opens.clone(), order_id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = opens.close(&order_id, depth).await {
                tracing::warn!(order = order_id, "failed to {error}");
            }
        });
    }

    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]) {
        self.shared.watch.release(&payment_hash);
        self.shared.node.claim(preimage);
    }

    fn holds(&self, payment_hash: &[u8; 32]) -> bool {
        let htlcs = self.shared.node.pending_htlcs();
        htlcs
            .iter()
            .any(|htlc| htlc.direction == Direction::In && htlc.payment_hash == *payment_hash)
    }

    fn fail(&self, payment_hash: [u8; 32]) {
        self.shared.watch.release(&payment_hash);
        self.shared.node.fail(payment_hash);
    }

    fn on_node_event(&self, event: NodeEvent) {
        self.shared.on_node_event(event.clone());
        self.shared.report(EngineEvent::Reported(event));
    }

    fn acknowledge(&self, event: &NodeEvent) {
        if let Err(error) = self.shared.node.acknowledge(event) {
            tracing::warn!("it will be told again after a restart: failed to {error}");
        }
    }
}

impl Shared {
    fn on_node_event(&self, event: NodeEvent) {
        match event {
            NodeEvent::PeerConnected { id, .. } => {
                self.report(EngineEvent::PeerConnected { peer: id })
            }
            NodeEvent::PeerDisconnected { id } => self.opens.disconnected(&id),
            NodeEvent::HtlcHeld { payment_hash, amount_msat, claim_deadline, offer } => {
                self.watch.hold(payment_hash);
                let offer =
                    offer.map(|offer| HeldOffer { id: offer.offer_id, preimage: offer.preimage });
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
            NodeEvent::ChannelAccepted { tag } => self.opens.is_our_turn(tag),
            NodeEvent::FundingOffered { tag } => self.opens.is_clients_turn(tag),
            NodeEvent::FundingPublished { tag, outpoint, .. } => {
                self.opens.published(tag, outpoint);
            }
            NodeEvent::OpenFailed { tag, reason } => self.opens.failed(tag, &reason),
            NodeEvent::ChannelClosed { channel_id, reason, .. } => {
                tracing::info!(%channel_id, "a channel is closed: {reason}");
            }
            _ => {}
        }
    }

    async fn sign_refund(&self, terms: RefundTerms) {
        let refund = terms.refund;
        let event = match self.wallet.sign(&terms).await {
            Ok(signed) => Event::RefundSigned { refund, signed },
            Err(error) => {
                tracing::error!(order = terms.order_id, "failed to sign a refund: {error}");
                Event::RefundFailed { refund }
            }
        };
        self.report(EngineEvent::Onchain { order_id: terms.order_id, event });
    }

    async fn broadcast_refund(&self, order_id: String, refund: usize, signed: SignedRefund) {
        let event = match self.wallet.broadcast(&signed).await {
            Ok(()) => {
                self.watch.refund(&order_id, signed.txid);
                Event::RefundBroadcast { refund }
            }
            Err(error) => {
                tracing::error!(order = order_id, "failed to broadcast a refund: {error}");
                Event::RefundFailed { refund }
            }
        };
        self.report(EngineEvent::Onchain { order_id, event });
    }

    fn report(&self, event: EngineEvent) {
        // Nobody listens any more once the mock is being shut down.
        let _ = self.events.send(event);
    }
}
