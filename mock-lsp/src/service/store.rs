//! The orders, found by id, by what they are paid with, and by when they have to be looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bitcoin::hashes::{Hash, HashEngine, sha256};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::order::{LightningKey, Order, PaymentOption, machine};

/// The most orders that are kept at once. Beyond that, the oldest that have ended go.
const MAX_ORDERS: usize = 50_000;

/// All orders.
pub(super) struct Store {
    /// By number, which is the order in which they came.
    orders: BTreeMap<u64, Order>,
    numbers: HashMap<String, u64>,
    /// By payment hash, or by the offer's id.
    by_key: HashMap<[u8; 32], u64>,
    wakeups: BTreeSet<(Timestamp, u64)>,
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
            by_key: HashMap::new(),
            wakeups: BTreeSet::new(),
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
        self.by_key.extend(keys(&order).map(|key| (key, number)));
        self.wakeups.extend(machine::next_wakeup(&order).map(|at| (at, number)));
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
        for key in keys(&order) {
            self.by_key.remove(&key);
        }
        true
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(self.numbers.get(id)?)
    }

    /// Keeps an order's new state. It is one that is there.
    pub(super) fn update(&mut self, order: Order) {
        let Some(number) = self.numbers.get(&order.id).copied() else { return };
        let wakeup = machine::next_wakeup(&order);
        let Some(before) = self.orders.insert(number, order) else { return };
        let former = machine::next_wakeup(&before);
        if former != wakeup {
            former.map(|at| self.wakeups.remove(&(at, number)));
            self.wakeups.extend(wakeup.map(|at| (at, number)));
        }
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.values()
    }

    /// The order and the option that a payment hash, or an offer's id, belongs to.
    pub(super) fn by_key(&self, key: &[u8; 32]) -> Option<(&Order, PaymentOption, LightningKey)> {
        let order = self.orders.get(self.by_key.get(key)?)?;
        let mut options = order.lightning();
        let (option, payment) = options.find(|(_, payment)| bytes(&payment.key) == *key)?;
        Some((order, option, payment.key))
    }

    /// The order that holds, or held, a payment of that hash.
    pub(super) fn by_held(&self, payment_hash: &[u8; 32]) -> Option<&Order> {
        let is_it = |order: &&Order| {
            let held = order.paid_lightning().and_then(|payment| payment.held);
            held.is_some_and(|held| held.payment_hash == *payment_hash)
        };
        self.by_key
            .get(payment_hash)
            .and_then(|number| self.orders.get(number))
            .filter(is_it)
            .or_else(|| self.orders.values().find(is_it))
    }

    /// When an order next has to be told that time has passed.
    pub(super) fn next_wakeup(&self) -> Option<Timestamp> {
        self.wakeups.first().map(|(at, _)| *at)
    }

    /// The orders that have to be told so now.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<String> {
        let later = self.wakeups.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut self.wakeups, later);
        due.into_iter()
            .filter_map(|(_, number)| self.orders.get(&number))
            .map(|order| order.id.clone())
            .collect()
    }
}

/// What payments for the order are known by.
fn keys(order: &Order) -> impl Iterator<Item = [u8; 32]> {
    order.lightning().map(|(_, payment)| bytes(&payment.key))
}

fn bytes(key: &LightningKey) -> [u8; 32] {
    match key {
        LightningKey::Invoice { payment_hash, .. } => *payment_hash,
        LightningKey::Offer { id } => *id,
    }
}
