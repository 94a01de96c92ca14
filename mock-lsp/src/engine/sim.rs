//! The engine without a chain: genuine invoices, pretended payments and channels.

use bitcoin::hashes::{Hash, sha256, sha256d};
use bitcoin::secp256k1::PublicKey;
use bitcoin::{OutPoint, Txid};
use lsps1_fixtures::node::{HoldInvoice, Node, NodeEvent};

use super::{
    Engine, EngineError, EngineEvent, EngineEvents, InvoiceTerms, MIN_FINAL_CLTV_DELTA, OpenTerms,
};
use crate::clock::BoxFuture;

/// Invoices are signed by the mock's node, but nobody can pay them, as there is no chain. The operator pays and opens
/// through the control API; no client has to be connected for it.
pub(crate) struct Sim {
    node: Node,
    events: EngineEvents,
}

impl Sim {
    /// An engine whose invoices are signed by `node`.
    pub(crate) fn new(node: Node, events: EngineEvents) -> Self {
        Self { node, events }
    }

    fn report(&self, event: EngineEvent) {
        // Nobody listens any more once the mock is being shut down.
        let _ = self.events.send(event);
    }
}

impl Engine for Sim {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn is_simulated(&self) -> bool {
        true
    }

    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(async move { sign(&self.node, terms) })
    }

    fn is_connected(&self, _: &PublicKey) -> bool {
        // Channels wait for the operator.
        false
    }

    fn open(&self, terms: OpenTerms) {
        // A transaction id that nobody has seen, but the same for the same order.
        let txid = Txid::from_raw_hash(sha256d::Hash::hash(terms.order_id.as_bytes()));
        let outpoint = OutPoint { txid, vout: 0 };
        self.report(EngineEvent::Published { order_id: terms.order_id, outpoint });
    }

    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]) {
        debug_assert_eq!(sha256::Hash::hash(&preimage).to_byte_array(), payment_hash);
        self.report(EngineEvent::Claimed { payment_hash });
    }

    fn fail(&self, _: [u8; 32]) {}

    fn on_node_event(&self, _: NodeEvent) {}
}

/// Makes a hold invoice that is signed by `node`.
pub(super) fn sign(node: &Node, terms: InvoiceTerms) -> Result<String, EngineError> {
    let invoice = node.hold_invoice(HoldInvoice {
        amount_msat: terms.amount_msat,
        description: terms.description,
        expiry: terms.expiry,
        min_final_cltv_delta: MIN_FINAL_CLTV_DELTA,
        preimage: terms.preimage,
        created_at: terms.created_at,
    });
    invoice.map(|invoice| invoice.to_string()).map_err(|error| EngineError(error.to_string()))
}
