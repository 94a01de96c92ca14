//! The engine without a chain: genuine invoices, offers and addresses, pretended payments and channels.

use std::collections::BTreeMap;

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash, HashEngine, sha256, sha256d};
use bitcoin::key::CompressedPublicKey;
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use bitcoin::{Address, KnownHrp, Network, OutPoint, Txid};
use lightning::offers::offer::OfferBuilder;
use lsps1_fixtures::node::{HoldInvoice, Node, NodeEvent};
use parking_lot::Mutex;

use super::refund;
use super::{
    Engine, EngineError, EngineEvent, EngineEvents, InvoiceTerms, MIN_FINAL_CLTV_DELTA, Offer,
    OfferTerms, OpenTerms, PretendedCoin, Pretender, RefundTerms, Watched,
};
use crate::clock::BoxFuture;
use crate::order::{Coin, Event, MAX_CONFIRMATIONS, SignedRefund};

/// Invoices and offers are signed by the mock's node, and addresses have a key, but nobody can pay them, as there is no
/// chain. The operator pays and opens through the control API; no client has to be connected for it.
pub(crate) struct Sim {
    node: Node,
    network: Network,
    seed: [u8; 32],
    events: EngineEvents,
    chain: Mutex<Chain>,
}

/// The coins that the operator has pretended.
#[derive(Default)]
struct Chain {
    /// How many there were so far.
    coins: u32,
    unspent: BTreeMap<String, Vec<Coin>>,
    /// Refunds without a block, with the coins that they spend.
    refunds: Vec<(String, Txid)>,
    signed: BTreeMap<Txid, Vec<Coin>>,
}

impl Sim {
    /// An engine whose invoices are signed by `node`; the same seed gives the same addresses.
    pub(crate) fn new(node: Node, network: Network, seed: [u8; 32], events: EngineEvents) -> Self {
        Self { node, network, seed, events, chain: Mutex::default() }
    }

    fn report(&self, event: EngineEvent) {
        // Nobody listens any more once the mock is being shut down.
        let _ = self.events.send(event);
    }

    fn report_onchain(&self, order_id: &str, event: Event) {
        self.report(EngineEvent::Onchain { order_id: order_id.to_owned(), event });
    }

    fn address_of(&self, order_id: &str) -> Result<Address, EngineError> {
        let mut hash = sha256::Hash::engine();
        hash.input(b"mock-lsp address");
        hash.input(&self.seed);
        hash.input(order_id.as_bytes());
        let key = SecretKey::from_slice(&sha256::Hash::from_engine(hash).to_byte_array())
            .map_err(|error| EngineError(error.to_string()))?;
        let key = CompressedPublicKey(key.public_key(&Secp256k1::new()));
        Ok(Address::p2wpkh(&key, KnownHrp::from(self.network)))
    }

    fn make_offer(&self, terms: OfferTerms) -> Result<Offer, EngineError> {
        let offer = OfferBuilder::new(self.node.id())
            .chain(self.network)
            .description(terms.description)
            .amount_msats(terms.amount_msat)
            .absolute_expiry(terms.absolute_expiry)
            .build()
            .map_err(|error| EngineError(format!("make an offer: {error:?}")))?;
        Ok(Offer { text: offer.to_string(), id: offer.id().0 })
    }
}

impl Engine for Sim {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn pretender(&self) -> Option<&dyn Pretender> {
        Some(self)
    }

    fn invoice(&self, terms: InvoiceTerms) -> BoxFuture<'_, Result<String, EngineError>> {
        Box::pin(async move { sign(&self.node, terms) })
    }

    fn offer(&self, terms: OfferTerms) -> BoxFuture<'_, Result<Offer, EngineError>> {
        Box::pin(async move { self.make_offer(terms) })
    }

    fn close_offer(&self, _: [u8; 32]) {}

    fn address(&self, order_id: &str) -> BoxFuture<'_, Result<String, EngineError>> {
        let address = self.address_of(order_id).map(|address| address.to_string());
        Box::pin(async move { address })
    }

    fn watch(&self, watched: Watched) {
        let mut chain = self.chain.lock();
        let refunds = watched.refunds.into_iter();
        chain.refunds.extend(refunds.map(|txid| (watched.order_id.clone(), txid)));
        chain.unspent.insert(watched.order_id, watched.coins);
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

    fn resume_open(&self, terms: OpenTerms) {
        self.open(terms);
    }

    fn abandon_open(&self, _: &str) {}

    fn close_channel(&self, _: &str, _: u32) {}

    fn claim(&self, payment_hash: [u8; 32], preimage: [u8; 32]) {
        debug_assert_eq!(sha256::Hash::hash(&preimage).to_byte_array(), payment_hash);
        self.report(EngineEvent::Claimed { payment_hash });
    }

    fn holds(&self, _: &[u8; 32]) -> bool {
        true
    }

    fn fail(&self, _: [u8; 32]) {}

    fn sign_refund(&self, terms: RefundTerms) {
        let event = match refund::unsigned(&terms, None) {
            Ok(transaction) => {
                let txid = transaction.compute_txid();
                self.chain.lock().signed.insert(txid, terms.coins);
                let signed = SignedRefund { txid, hex: serialize_hex(&transaction) };
                Event::RefundSigned { refund: terms.refund, signed }
            }
            Err(error) => {
                tracing::error!(order = terms.order_id, "failed to make a refund: {error}");
                Event::RefundFailed { refund: terms.refund }
            }
        };
        self.report_onchain(&terms.order_id, event);
    }

    fn lift_refund(&self, order_id: &str, refund: usize, signed: SignedRefund, _: u32) {
        self.broadcast_refund(order_id, refund, signed);
    }

    fn broadcast_refund(&self, order_id: &str, refund: usize, signed: SignedRefund) {
        let coins = {
            let mut chain = self.chain.lock();
            let spent = chain.signed.get(&signed.txid).cloned().unwrap_or_default();
            chain.refunds.push((order_id.to_owned(), signed.txid));
            let unspent = chain.unspent.entry(order_id.to_owned()).or_default();
            unspent.retain(|coin| !spent.iter().any(|other| other.outpoint == coin.outpoint));
            unspent.clone()
        };
        self.report_onchain(order_id, Event::RefundBroadcast { refund });
        self.report_onchain(order_id, Event::CoinsSeen { coins });
    }

    fn on_node_event(&self, _: NodeEvent) {}

    fn acknowledge(&self, _: &NodeEvent) {}
}

impl Pretender for Sim {
    fn send_coin(&self, order_id: &str, coin: PretendedCoin) -> Vec<(String, Event)> {
        let mut chain = self.chain.lock();
        chain.coins += 1;
        // Unlike any other's, also after a restart.
        let number = format!("coin {} of {order_id}, {}", chain.coins, uuid::Uuid::new_v4());
        let txid = Txid::from_raw_hash(sha256d::Hash::hash(number.as_bytes()));
        let unspent = chain.unspent.entry(order_id.to_owned()).or_default();
        unspent.push(Coin {
            outpoint: OutPoint { txid, vout: 0 },
            amount_sat: coin.amount_sat,
            confirmations: coin.confirmations.min(MAX_CONFIRMATIONS),
            sat_per_kwu: coin.sat_per_kwu,
        });
        vec![(order_id.to_owned(), Event::CoinsSeen { coins: unspent.clone() })]
    }

    fn mine(&self, blocks: u32) -> Vec<(String, Event)> {
        let mut chain = self.chain.lock();
        let confirmed = std::mem::take(&mut chain.refunds).into_iter();
        let confirmed = confirmed.map(|(id, txid)| (id, Event::RefundConfirmed { txid }));
        let seen = chain.unspent.iter_mut().map(|(id, coins)| {
            for coin in coins.iter_mut() {
                coin.confirmations =
                    coin.confirmations.saturating_add(blocks).min(MAX_CONFIRMATIONS);
            }
            (id.clone(), Event::CoinsSeen { coins: coins.clone() })
        });
        confirmed.chain(seen).collect()
    }
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
