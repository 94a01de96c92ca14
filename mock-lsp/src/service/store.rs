//! The orders, found by id, by what they are paid with, and by when they have to be looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bitcoin::hashes::{Hash, HashEngine, sha256};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use super::db::Db;
use crate::data_dir::DataDirError;
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
    /// Where all of it is written, with a data directory.
    db: Option<Db>,
}

/// What makes an order one of a kind.
pub(super) struct Secrets {
    /// The bytes of its id.
    pub(super) id: [u8; 16],
    /// The preimage of its invoice.
    pub(super) preimage: [u8; 32],
}

impl Store {
    /// The orders of `db`, as far as they are `remembered`, or none. The same seed gives the same ids and preimages again,
    /// from an empty store.
    pub(super) fn open(
        seed: &[u8; 32],
        db: Option<Db>,
        remembered: impl Fn(Order) -> Option<Order>,
    ) -> Result<Self, DataDirError> {
        let orders = db.as_ref().map_or_else(|| Ok(Vec::new()), Db::orders)?;
        let next = orders.last().map_or(0, |(number, _)| number + 1);
        let mut hash = sha256::Hash::engine();
        hash.input(b"mock-lsp orders");
        hash.input(seed);
        // What was drawn before a restart isn't drawn again.
        hash.input(&next.to_be_bytes());
        let mut store = Self {
            orders: BTreeMap::new(),
            numbers: HashMap::new(),
            by_key: HashMap::new(),
            wakeups: BTreeSet::new(),
            next,
            rng: StdRng::from_seed(sha256::Hash::from_engine(hash).to_byte_array()),
            db,
        };
        for (number, order) in orders {
            if let Some(order) = remembered(order) {
                store.index(number, order);
            }
        }
        Ok(store)
    }

    /// New secrets.
    pub(super) fn draw(&mut self) -> Secrets {
        let mut secrets = Secrets { id: [0; 16], preimage: [0; 32] };
        self.rng.fill_bytes(&mut secrets.id);
        self.rng.fill_bytes(&mut secrets.preimage);
        secrets
    }

    /// Keeps an order; `false` if there is no room left.
    pub(super) fn insert(&mut self, order: Order) -> Result<bool, DataDirError> {
        if self.orders.len() >= MAX_ORDERS && !self.drop_oldest_ended()? {
            return Ok(false);
        }
        let number = self.next;
        self.write(number, &order)?;
        self.next += 1;
        self.index(number, order);
        Ok(true)
    }

    fn index(&mut self, number: u64, order: Order) {
        self.numbers.insert(order.id.clone(), number);
        self.by_key.extend(keys(&order).map(|key| (key, number)));
        self.wakeups.extend(machine::next_wakeup(&order).map(|at| (at, number)));
        self.orders.insert(number, order);
    }

    fn write(&self, number: u64, order: &Order) -> Result<(), DataDirError> {
        self.db.as_ref().map_or(Ok(()), |db| db.put(number, order))
    }

    fn drop_oldest_ended(&mut self) -> Result<bool, DataDirError> {
        let ended =
            self.orders.iter().find(|(_, order)| order.has_ended()).map(|(number, _)| *number);
        let Some(number) = ended else { return Ok(false) };
        if let Some(db) = &self.db {
            db.remove(number)?;
        }
        if let Some(order) = self.orders.remove(&number) {
            self.numbers.remove(&order.id);
            for key in keys(&order) {
                self.by_key.remove(&key);
            }
        }
        Ok(true)
    }

    pub(super) fn order(&self, id: &str) -> Option<&Order> {
        self.orders.get(self.numbers.get(id)?)
    }

    /// Keeps an order's new state. It is one that is there.
    pub(super) fn update(&mut self, order: Order) -> Result<(), DataDirError> {
        let Some(number) = self.numbers.get(&order.id).copied() else { return Ok(()) };
        if self.orders.get(&number) == Some(&order) {
            return Ok(());
        }
        self.write(number, &order)?;
        let wakeup = machine::next_wakeup(&order);
        let Some(before) = self.orders.insert(number, order) else { return Ok(()) };
        let former = machine::next_wakeup(&before);
        if former != wakeup {
            former.map(|at| self.wakeups.remove(&(at, number)));
            self.wakeups.extend(wakeup.map(|at| (at, number)));
        }
        Ok(())
    }

    /// Keeps an order that is there with other keys. Only faults do that.
    pub(super) fn replace(&mut self, order: Order) -> Result<(), DataDirError> {
        let Some(number) = self.numbers.get(&order.id).copied() else { return Ok(()) };
        self.write(number, &order)?;
        self.index(number, order);
        Ok(())
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
