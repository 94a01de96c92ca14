//! What makes invoices, offers and addresses, holds payments, opens channels and sends refunds.
//!
//! The service tells its engine what to do and never waits for it; what comes of it arrives as [`EngineEvent`]s.

mod refund;
pub(crate) mod regtest;
pub(crate) mod sim;

use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use bitcoin::{OutPoint, Txid};
use lsps1_fixtures::node::NodeEvent;
use tokio::sync::mpsc;

use crate::clock::BoxFuture;
use crate::order::{Coin, Event, SignedRefund};

/// Where an engine reports to.
pub(crate) type EngineEvents = mpsc::UnboundedSender<EngineEvent>;

/// How many blocks the last HTLC of a payment has to leave, at least: about a day for the channel to be opened.
const MIN_FINAL_CLTV_DELTA: u16 = 144;

/// An engine.
pub(crate) trait Engine: Send + Sync {
    /// Its name, as in `--engine`.
    fn name(&self) -> &'static str;

    /// Whether payments and channels are pretended, as the operator says.
    fn pretender(&self) -> Option<&dyn Pretender> {
        None
    }

    /// Makes a hold invoice.
    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>>;

    /// Makes an offer whose payments are held.
    fn offer(&self, terms: OfferTerms) -> BoxFuture<'_, Result<Offer, EngineError>>;

    /// Gives no more invoices for an offer.
    fn close_offer(&self, id: [u8; 32]);

    /// Makes an address for an order.
    fn address(&self, order_id: &str) -> BoxFuture<'_, Result<String, EngineError>>;

    /// Reports what is at an order's address from now on, and when one of its refunds is in a block.
    fn watch(&self, watched: Watched);

    /// Whether a channel to the node can be tried now.
    fn is_connected(&self, client: &PublicKey) -> bool;

    /// Opens a channel; [`EngineEvent::Published`] or [`EngineEvent::OpenFailed`] follows.
    fn open(&self, terms: OpenTerms);

    /// Finds out what became of an open that was asked for before a restart: as for [`Engine::open`].
    fn resume_open(&self, terms: OpenTerms);

    /// Gives up an open that was asked for, if it isn't too late.
    fn abandon_open(&self, order_id: &str);

    /// Closes the channel of an order once its funding transaction is that deep, in blocks. Only a fault asks.
    fn close_channel(&self, order_id: &str, depth: u32);

    /// Claims a held payment; [`EngineEvent::Claimed`] follows.
    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]);

    /// Whether a payment that was held before a restart still is.
    fn holds(&self, payment_hash: &[u8; 32]) -> bool;

    /// Fails a held payment back to its payer.
    fn fail(&self, payment_hash: [u8; 32]);

    /// Signs a refund; [`Event::RefundSigned`] or [`Event::RefundFailed`] follows.
    fn sign_refund(&self, terms: RefundTerms);

    /// Broadcasts a refund; [`Event::RefundBroadcast`] or [`Event::RefundFailed`] follows.
    fn broadcast_refund(&self, order_id: &str, refund: usize, signed: SignedRefund);

    /// Lifts a refund that was broadcast to a fee rate, in sat per 1000 weight units, by a child that pays for both;
    /// [`Event::RefundBroadcast`] or [`Event::RefundFailed`] follows.
    fn lift_refund(&self, order_id: &str, refund: usize, signed: SignedRefund, sat_per_kwu: u32);

    /// Something has happened to the Lightning node.
    fn on_node_event(&self, event: NodeEvent);

    /// What followed from an event is stored, so that it needn't be told again after a restart.
    fn acknowledge(&self, event: &NodeEvent);
}

/// An engine that pretends: the operator says what happens.
pub(crate) trait Pretender {
    /// A coin arrives at an order's address. What comes of it, by order.
    fn send_coin(&self, order_id: &str, coin: PretendedCoin) -> Vec<(String, Event)>;

    /// Blocks are found. What comes of it, by order.
    fn mine(&self, blocks: u32) -> Vec<(String, Event)>;
}

/// A coin that the operator pretends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PretendedCoin {
    /// Its value in sat.
    pub(crate) amount_sat: u64,
    /// How deep it is in the chain.
    pub(crate) confirmations: u32,
    /// What its transaction pays, in sat per 1000 weight units.
    pub(crate) sat_per_kwu: u32,
}

/// What an invoice says.
#[derive(Clone, Debug)]
pub(crate) struct InvoiceTerms {
    /// The amount in msat.
    pub(crate) amount_msat: u64,
    /// The text that payers see.
    pub(crate) description: String,
    /// When it was made, since the Unix epoch.
    pub(crate) created_at: Duration,
    /// How long it may be paid.
    pub(crate) expiry: Duration,
    /// What the payer buys.
    pub(crate) preimage: [u8; 32],
}

/// What an offer says.
#[derive(Clone, Debug)]
pub(crate) struct OfferTerms {
    /// The amount in msat.
    pub(crate) amount_msat: u64,
    /// The text that payers see.
    pub(crate) description: String,
    /// Until when it may be paid, since the Unix epoch.
    pub(crate) absolute_expiry: Duration,
}

/// An offer.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    /// The offer as text.
    pub(crate) text: String,
    /// What its payments are known by.
    pub(crate) id: [u8; 32],
}

/// An order with an address.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    /// The order.
    pub(crate) order_id: String,
    /// The address.
    pub(crate) address: String,
    /// The coins that were seen there before a restart.
    pub(crate) coins: Vec<Coin>,
    /// The refunds that were signed before a restart.
    pub(crate) refunds: Vec<Txid>,
}

/// A refund to sign.
#[derive(Clone, Debug)]
pub(crate) struct RefundTerms {
    /// The order that it is for.
    pub(crate) order_id: String,
    /// Which of the order's refunds it is.
    pub(crate) refund: usize,
    /// The order's own address, at which the coins are.
    pub(crate) from: String,
    /// Where they go.
    pub(crate) to: String,
    /// What goes back: all of it, less the fee.
    pub(crate) coins: Vec<Coin>,
    /// The fee rate, in sat per 1000 weight units.
    pub(crate) sat_per_kwu: u32,
    /// What goes to `from` again, in sat: 0, but for faults.
    pub(crate) kept_sat: u64,
    /// Whether a coin of our own goes through it, so that a child can pay for it later.
    pub(crate) can_be_lifted: bool,
}

/// The channel to open.
#[derive(Clone, Debug)]
pub(crate) struct OpenTerms {
    /// The order that it is for.
    pub(crate) order_id: String,
    /// Who gets it.
    pub(crate) client: PublicKey,
    /// Its size in sat.
    pub(crate) capacity_sat: u64,
    /// What is the client's from the start, in msat.
    pub(crate) push_msat: u64,
    /// Whether it is announced.
    pub(crate) announce: bool,
    /// After how many confirmations it is to be usable.
    pub(crate) required_confirmations: u32,
    /// Within how many blocks its funding transaction is to confirm.
    pub(crate) confirms_within_blocks: u16,
    /// Whether its funding transaction is kept out of blocks, as if it paid too little. Only a fault asks.
    pub(crate) stays_unconfirmed: bool,
}

/// What an engine reports.
#[derive(Clone, Debug)]
pub(crate) enum EngineEvent {
    /// A payment is here in full and being held.
    PaymentHeld {
        /// Its hash.
        payment_hash: [u8; 32],
        /// The offer that it is for, and what releases it; `None` for invoices.
        offer: Option<HeldOffer>,
        /// What arrived, in msat.
        amount_msat: u64,
        /// The height of the block from which on it can no longer be claimed.
        claim_deadline: Option<u32>,
    },
    /// Something happened on-chain to an order.
    Onchain {
        /// The order.
        order_id: String,
        /// What happened.
        event: Event,
    },
    /// A claimed payment is ours.
    Claimed {
        /// Its hash.
        payment_hash: [u8; 32],
    },
    /// A channel's funding transaction is published.
    Published {
        /// The order that it is for.
        order_id: String,
        /// The funding output.
        outpoint: OutPoint,
    },
    /// A channel couldn't be opened.
    OpenFailed {
        /// The order that it was for.
        order_id: String,
        /// Why.
        reason: String,
    },
    /// A node is connected.
    PeerConnected {
        /// Its id.
        peer: PublicKey,
    },
    /// All that was reported before this belongs to that event of the node.
    Reported(NodeEvent),
    /// The chain has grown.
    Tip {
        /// The height of its newest block.
        height: u32,
    },
}

/// What is known of a payment for an offer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldOffer {
    /// The offer's id.
    pub(crate) id: [u8; 32],
    /// What releases the payment.
    pub(crate) preimage: [u8; 32],
}

/// Why an engine couldn't do something at once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineError(pub(crate) String);
