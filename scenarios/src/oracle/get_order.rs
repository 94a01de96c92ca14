//! The parameters of get_order (bLIP-51 section 2.1).

use serde_json::{Map, Value};

use super::{Expected, Facts, Fault, Feature};
use crate::action::Transport;
use crate::json::shorten;
use crate::verdict::Judgement;

pub(super) fn judge(params: &Map<String, Value>, facts: &Facts, expected: &mut Expected) {
    let over_rest = facts.transport == Transport::Rest;
    let Some(Value::String(id)) = params.get("order_id") else {
        let found = params.get("order_id").map_or_else(|| "missing".into(), shorten);
        let rows: &[&str] = if over_rest { &["L1-114", "RD-021"] } else { &["L1-114"] };
        let fault = Fault::new(rows, format!("order_id is {found}"));
        expected.faults.push(fault.code(-32602, &["order_id"]));
        return;
    };
    match facts.orders.iter().find(|order| order.id == *id) {
        // On REST the id is all that is asked for.
        Some(order) if over_rest || order.owner == facts.asker => {
            let rows: &[&str] = match (over_rest, order.reconnected) {
                (true, _) => &["L1-115", "RD-019"],
                (false, true) => &["L1-121", "L1-115"],
                (false, false) => &["L1-115"],
            };
            expected.features.push(Feature::new(rows, &["order_id"], "the order was made before"));
        }
        Some(_) => expected.faults.push(
            Fault::new(&["L1-120"], "the order is another client's")
                .code(101, &[])
                .served(Judgement::Broken),
        ),
        None if uuid::Uuid::try_parse(id).is_ok_and(|uuid| uuid.to_string() == *id) => {
            let rows: &[&str] = if over_rest { &["L1-117", "RD-021"] } else { &["L1-117"] };
            expected.faults.push(Fault::new(rows, "there is no such order").code(101, &[]));
        }
        None => {
            let rows: &[&str] = if over_rest { &["L1-119", "RD-021"] } else { &["L1-119"] };
            let fault = Fault::new(rows, "there can be no such order");
            expected.faults.push(fault.code(101, &[]).code(-32602, &[]));
        }
    }
}
