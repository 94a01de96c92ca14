//! The orders as they should be: the reference that readings are compared with.

use serde_json::Value;

use crate::json::shorten;
use crate::known;
use crate::oracle::{Found, KnownOrder};
use crate::verdict::Judgement;

/// All orders that a case has made.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    orders: Vec<Order>,
}

#[derive(Clone, Debug)]
struct Order {
    known: KnownOrder,
    /// The latest reading.
    last: Option<Value>,
}

impl Model {
    /// An order was made.
    pub(super) fn made(&mut self, id: &str, owner: &str) {
        let known = KnownOrder { id: id.to_owned(), owner: owner.to_owned(), reconnected: false };
        self.orders.push(Order { known, last: None });
    }

    /// A connection was dropped and made again.
    pub(super) fn reconnected(&mut self, owner: &str) {
        for order in self.orders.iter_mut().filter(|order| order.known.owner == owner) {
            order.known.reconnected = true;
        }
    }

    /// All connections were dropped.
    pub(super) fn reconnected_all(&mut self) {
        self.orders.iter_mut().for_each(|order| order.known.reconnected = true);
    }

    /// Something happened that may move any order on.
    pub(super) fn moved_on(&mut self) {
        self.orders.iter_mut().for_each(|order| order.last = None);
    }

    /// An order was read. Asking for it changes nothing; that it is the order that was made is an invariant.
    pub(super) fn read(&mut self, id: &str, result: &Value) -> Option<Found> {
        let order = self.orders.iter_mut().find(|order| order.known.id == id)?;
        let now = known::terms(result);
        let before = order.last.replace(now.clone())?;
        let judgement = if before == now {
            Judgement::Kept
        } else if without_created_at(&before) == without_created_at(&now) {
            // A service that many wallets use gives the time of the answer.
            Judgement::CompatTolerated
        } else {
            Judgement::Broken
        };
        let message = match judgement {
            Judgement::Kept => String::new(),
            _ => format!("the order was {} and is {}", shorten(&before), shorten(&now)),
        };
        Some(Found { row: "L1-112", judgement, message })
    }

    /// The orders that the target has to know.
    pub(super) fn known(&self) -> Vec<KnownOrder> {
        self.orders.iter().map(|order| order.known.clone()).collect()
    }
}

fn without_created_at(order: &Value) -> Value {
    let mut order = order.clone();
    if let Some(members) = order.as_object_mut() {
        members.remove("created_at");
    }
    order
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn readings_are_compared_without_states() {
        let mut model = Model::default();
        model.made("a", "main");
        let reading = |state: &str, created: &str, fee: &str| {
            json!({"order_id": "a", "order_state": state, "created_at": created, "read_at": state,
                "payment": {"bolt11": {"state": state, "fee_total_sat": fee}}})
        };
        assert_eq!(model.read("a", &reading("x", "1", "7")), None);
        let found =
            |model: &mut Model, reading: &Value| model.read("a", reading).unwrap().judgement;
        assert_eq!(found(&mut model, &reading("y", "1", "7")), Judgement::Kept);
        assert_eq!(found(&mut model, &reading("y", "2", "7")), Judgement::CompatTolerated);
        assert_eq!(found(&mut model, &reading("y", "2", "8")), Judgement::Broken);
        assert_eq!(model.read("b", &json!({})), None);
        model.moved_on();
        assert_eq!(model.read("a", &reading("z", "9", "9")), None);
    }

    #[test]
    fn a_reconnect_is_noted_for_the_orders_of_the_connection() {
        let mut model = Model::default();
        model.made("a", "main");
        model.made("b", "other");
        model.reconnected("main");
        let known: Vec<bool> = model.known().iter().map(|order| order.reconnected).collect();
        assert_eq!(known, [true, false]);
    }
}
