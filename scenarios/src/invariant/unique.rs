//! What no two orders of a run share: order ids (L1-078), payment hashes (L1-142), addresses (L1-181).

use std::collections::BTreeMap;

use serde_json::Value;

use super::collect::Collector;
use super::view::View;
use crate::decode::invoice;

/// What is remembered over all sessions of a run against one target.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// Ids of orders, with the number of times that each was given to a new order.
    order_ids: BTreeMap<String, u32>,
    /// Payment hashes, with the order that each belongs to.
    payment_hashes: BTreeMap<String, String>,
    /// Addresses, with the order that each belongs to.
    addresses: BTreeMap<String, String>,
    /// What each face offers.
    pub(super) faces: super::faces::Offers,
    /// What get_info said when.
    pub(super) steady: super::steady::Seen,
}

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>, facts: &mut RunFacts) {
    for order in view.orders().into_iter().filter(|order| order.is_new) {
        let Some(id) = order.text("order_id") else { continue };
        let times = facts.order_ids.entry(id.to_owned()).or_default();
        *times += 1;
        collector.require("L1-078", order.reply, *times == 1, || {
            format!("the order_id {id} was given to another order before")
        });
        let text = |option: &str, member: &str| {
            order.option(option).and_then(|option| option.get(member)).and_then(Value::as_str)
        };
        if let Some(invoice) = text("bolt11", "invoice").and_then(|text| invoice::read(text).ok()) {
            let owner = facts
                .payment_hashes
                .entry(invoice.payment_hash.clone())
                .or_insert_with(|| id.to_owned());
            collector.require("L1-142", order.reply, owner == id, || {
                format!("the payment hash {} is also that of order {owner}", invoice.payment_hash)
            });
        }
        if let Some(address) = text("onchain", "address") {
            let owner = facts.addresses.entry(address.to_owned()).or_insert_with(|| id.to_owned());
            collector.require("L1-181", order.reply, owner == id, || {
                format!("the address {address} is also that of order {owner}")
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::invariant::testing::{created_with_facts, onchain_order, order};
    use crate::verdict::Verdict;

    #[test]
    fn orders_share_neither_id_nor_payment_hash_nor_address() {
        let mut facts = RunFacts::default();
        let first = created_with_facts(&onchain_order(), &mut facts);
        for row in ["L1-078", "L1-142", "L1-181"] {
            assert_eq!(first.verdict(row), Some(Verdict::Pass), "{row}");
        }
        assert_eq!(created_with_facts(&order(), &mut facts).verdict("L1-078"), Some(Verdict::Fail));
        let mut other = onchain_order();
        other["order_id"] = json!("11111111-1111-4111-8111-111111111111");
        let found = created_with_facts(&other, &mut facts);
        assert_eq!(found.verdict("L1-078"), Some(Verdict::Pass));
        assert_eq!(
            (found.verdict("L1-142"), found.verdict("L1-181")),
            (Some(Verdict::Warn), Some(Verdict::Warn))
        );
    }
}
