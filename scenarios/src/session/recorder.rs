//! The record of an order's life: after whatever a scenario does on a chain, the orders made in it are read. So the
//! invariants see what the target says between the moments that the scenario waits for, too.

use serde_json::{Map, Value};

use super::Session;
use super::task::{MAIN, Recorded, Task};
use crate::action::Transport;
use crate::scenario::{Act, Call};

impl Session<'_> {
    /// Notes an order that `task` has made.
    pub(super) fn record_order(&mut self, task: &Task, document: &Value) {
        if !self.scenario.is_paid() {
            return;
        }
        let conn = match task {
            Task::Given(_) => MAIN,
            Task::Step(index) => match self.step(*index).map(|step| &step.act) {
                Some(Act::Call(call)) => call.conn.as_str(),
                _ => return,
            },
            _ => return,
        };
        let Some(order_id) = document.pointer("/result/order_id") else { return };
        if !self.recorded.iter().any(|known| known.order_id == *order_id) {
            self.recorded.push(Recorded { order_id: order_id.clone(), conn: conn.to_owned() });
        }
    }

    /// Has every order read next, as what was just done may have moved it.
    pub(super) fn look_at_orders(&mut self) {
        for order in self.recorded.iter().rev() {
            self.tasks.push_front(Task::Look(order.clone()));
        }
    }

    /// Reads an order. What comes is for the invariants alone.
    pub(super) fn start_look(&mut self, order: Recorded) {
        // A client that is away stays away.
        if self.context.transport == Transport::P2p && !self.connected.contains(&order.conn) {
            return;
        }
        let call = Call {
            method: "get_order".into(),
            conn: order.conn.clone(),
            with: Map::from_iter([("order_id".to_owned(), order.order_id.clone())]),
            without: Vec::new(),
            envelope: Map::new(),
            envelope_without: Vec::new(),
        };
        // An id that can't be written has its findings elsewhere.
        let _ = self.start_call(Task::Look(order), &call);
    }
}
