//! What makes invoices, holds payments and opens channels.
//!
//! The service tells its engine what to do and never waits for it; what comes of it arrives as [`EngineEvent`]s.

pub(crate) mod regtest;
pub(crate) mod sim;

use std::time::Duration;

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::NodeEvent;
use tokio::sync::mpsc;

use crate::clock::BoxFuture;

/// Where an engine reports to.
pub(crate) type EngineEvents = mpsc::UnboundedSender<EngineEvent>;

/// How many blocks the last HTLC of a payment has to leave, at least: about a day for the channel to be opened.
const MIN_FINAL_CLTV_DELTA: u16 = 144;

/// An engine.
pub(crate) trait Engine: Send + Sync {
    /// Its name, as in `--engine`.
    fn name(&self) -> &'static str;

    /// Whether payments and channels are pretended, as the operator says.
    fn is_simulated(&self) -> bool;

    /// Makes a hold invoice.
    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>>;

    /// Whether a channel to the node can be tried now.
    fn is_connected(&self, client: &PublicKey) -> bool;

    /// Opens a channel; [`EngineEvent::Published`] or [`EngineEvent::OpenFailed`] follows.
    fn open(&self, terms: OpenTerms);

    /// Claims a held payment; [`EngineEvent::Claimed`] follows.
    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]);

    /// Fails a held payment back to its payer.
    fn fail(&self, payment_hash: [u8; 32]);

    /// Something has happened to the Lightning node.
    fn on_node_event(&self, event: NodeEvent);
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
}

/// What an engine reports.
#[derive(Clone, Debug)]
pub(crate) enum EngineEvent {
    /// A payment is here in full and being held.
    PaymentHeld {
        /// Its hash.
        payment_hash: [u8; 32],
        /// What arrived, in msat.
        amount_msat: u64,
        /// The height of the block from which on it can no longer be claimed.
        claim_deadline: Option<u32>,
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
    /// The chain has grown.
    Tip {
        /// The height of its newest block.
        height: u32,
    },
}

/// Why an engine couldn't do something at once.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct EngineError(pub(crate) String);
