//! The orders, found by id, by payment hash and by expiry.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bitcoin::hashes::{Hash, HashEngine, sha256};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::order::Order;

/// The most orders that are kept at once. Beyond that, the oldest that have ended go.
const MAX_ORDERS: usize = 50_000;

/// All orders.
pub(super) struct Store {
    /// By number, which is the order in which they came.
    orders: BTreeMap<u64, Order>,
    numbers: HashMap<String, u64>,
    by_hash: HashMap<[u8; 32], u64>,
    expiries: BTreeSet<(Timestamp, u64)>,
    next: u64,
    rng: StdRng,
}

/// What makes an order one of a kind.
pub(super) struct Secrets {
    /// The bytes of its id.
    pub(super) id: [u8; 16],
    /// The preimage of its invoice.
    pub(super) preimage: [u8; 32],
}

impl Store {
    /// An empty store. The same seed gives the same ids and preimages again.
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        let mut hash = sha256::Hash::engine();
        hash.input(b"mock-lsp orders");
        hash.input(seed);
        Self {
            orders: BTreeMap::new(),
            numbers: HashMap::new(),
            by_hash: HashMap::new(),
            expiries: BTreeSet::new(),
            next: 0,
            rng: StdRng::from_seed(sha256::Hash::from_engine(hash).to_byte_array()),
        }
    }

    /// New secrets.
    pub(super) fn draw(&mut self) -> Secrets {
        let mut secrets = Secrets { id: [0; 16], preimage: [0; 32] };
        self.rng.fill_bytes(&mut secrets.id);
        self.rng.fill_bytes(&mut secrets.preimage);
        secrets
    }

    /// Keeps an order; `false` if there is no room left.
    pub(super) fn insert(&mut self, order: Order) -> bool {
        if self.orders.len() >= MAX_ORDERS && !self.drop_oldest_ended() {
            return false;
        }
        let number = self.next;
        self.next += 1;
        self.numbers.insert(order.id.clone(), number);
        self.by_hash.insert(order.bolt11.payment_hash, number);
        self.expiries.insert((order.bolt11.expires_at, number));
        self.orders.insert(number, order);
        true
    }

    fn drop_oldest_ended(&mut self) -> bool {
        let ended =
            self.orders.iter().find(|(_, order)| order.has_ended()).map(|(number, _)| *number);
        let Some(order) = ended.and_then(|number| self.orders.remove(&number)) else {
            return false;
        };
        self.numbers.remove(&order.id);
        self.by_hash.remove(&order.bolt11.payment_hash);
        true
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(self.numbers.get(id)?)
    }

    pub(super) fn order_mut(&mut self, id: &str) -> Option<&mut Order> {
        self.orders.get_mut(self.numbers.get(id)?)
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    pub(super) fn id_by_hash(&self, payment_hash: &[u8; 32]) -> Option<&str> {
        let order = self.orders.get(self.by_hash.get(payment_hash)?)?;
        Some(&order.id)
    }

    /// When the next order expires that hasn't been taken yet.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// The orders that have expired since the last call.
    pub(super) fn take_expired(&mut self, now: Timestamp) -> Vec<String> {
        let later = self.expiries.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.expiries, later);
        due.into_iter()
            .filter_map(|(_, number)| self.orders.get(&number))
            .map(|order| order.id.clone())
            .collect()
    }
}
