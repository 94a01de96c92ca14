//! The life of an order as seen in all its readings: what may not change (L1-090, L1-115, L1-116, L1-215), and which states
//! may follow each other (L1-005, L1-148, L1-151, L1-168, L1-171, L1-198, L1-232, L1-237 to L1-240).

use serde_json::Value;

use super::collect::Collector;
use super::order::ECHOES;
use super::view::{Order, View};
use crate::json::shorten;
use crate::known::{ORDER_MEMBERS, PAYMENT_OPTIONS};
use crate::verdict::Judgement;

/// How long a state may last that only spans the settling of a payment.
const SETTLE_TIME_MS: u64 = 60_000;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    let orders = view.orders();
    for order in &orders {
        judge_identity(order, collector);
        judge_moment(order, collector);
    }
    // An empty id has a finding of its own; it may stand for any order.
    let mut seen: Vec<&str> = vec![""];
    for order in &orders {
        let Some(id) = order.text("order_id").filter(|id| !seen.contains(id)) else { continue };
        seen.push(id);
        let life: Vec<&Order<'_>> =
            orders.iter().filter(|other| other.text("order_id") == Some(id)).collect();
        // An id that is given twice has a finding of its own; two orders have no common life.
        if life.iter().filter(|order| order.is_new).count() <= 1 {
            judge_life(&life, collector);
        }
    }
}

/// get_order returns the order that was asked for.
fn judge_identity(order: &Order<'_>, collector: &mut Collector<'_>) {
    let asked = order.reply.request.as_ref().and_then(|request| request.params.get("order_id"));
    let (Some(asked), Some(found)) = (asked.filter(|_| !order.is_new), order.get("order_id"))
    else {
        return;
    };
    collector.require("L1-116", order.reply, asked == found, || {
        format!("the order {} was asked for, {} came", shorten(asked), shorten(found))
    });
}

/// What may not be seen in one reading.
fn judge_moment(order: &Order<'_>, collector: &mut Collector<'_>) {
    let states: Vec<(&str, &str)> = PAYMENT_OPTIONS
        .iter()
        .filter_map(|name| order.option_state(name).map(|state| (*name, state)))
        .collect();
    let taken: Vec<&str> = states
        .iter()
        .filter(|(_, state)| matches!(*state, "HOLD" | "PAID"))
        .map(|(name, _)| *name)
        .collect();
    if states.len() > 1 {
        collector.require("L1-240", order.reply, taken.len() <= 1, || {
            format!("{} are held or paid at once", taken.join(" and "))
        });
    }
    let order_state = order.text("order_state");
    for (name, row) in [("bolt11", "L1-151"), ("bolt12", "L1-171")] {
        let Some(state) = order.option_state(name) else { continue };
        match (order_state, state) {
            (Some("CREATED"), "PAID") => collector.check(
                row,
                order.reply,
                Err(format!("`payment.{name}.state` is PAID, but the order is CREATED: the preimage was taken before the channel was open")),
            ),
            (Some("CREATED"), "HOLD") => collector.check(row, order.reply, Ok(())),
            // A preimage can't be taken back: over Lightning a refund is a payment that was never taken.
            (Some("FAILED"), "PAID") => collector.check(
                "L1-232",
                order.reply,
                Err(format!("the order is FAILED, but `payment.{name}.state` is PAID")),
            ),
            _ => {}
        }
    }
    if order_state == Some("COMPLETED") && !states.is_empty() {
        collector.require("L1-005", order.reply, !taken.is_empty(), || {
            "the order is COMPLETED, but no payment option is held or paid".into()
        });
    }
}

fn judge_life(life: &[&Order<'_>], collector: &mut Collector<'_>) {
    if let [first, later @ ..] = life {
        for order in later {
            judge_same(first, order, collector);
        }
    }
    for pair in life.windows(2) {
        if let [before, after] = pair {
            judge_step(before, after, collector);
        }
    }
    judge_settling(life, collector);
}

/// What may not change between two readings.
fn judge_same(first: &Order<'_>, later: &Order<'_>, collector: &mut Collector<'_>) {
    let replies = [first.reply, later.reply];
    let lost: Vec<&str> = ORDER_MEMBERS
        .into_iter()
        .filter(|key| first.get(key).is_some() && later.get(key).is_none())
        .collect();
    if !later.is_new {
        let judgement = if lost.is_empty() { Judgement::Kept } else { Judgement::Broken };
        collector.report(
            "L1-115",
            &replies,
            judgement,
            format!("{} was there at first and isn't now", lost.join(", ")),
        );
    }
    let created = (first.get("created_at"), later.get("created_at"));
    if let (Some(before), Some(after)) = created {
        // A service that many wallets use gives the time of the answer.
        let judgement = if before == after { Judgement::Kept } else { Judgement::CompatTolerated };
        collector.report(
            "L1-090",
            &replies,
            judgement,
            format!("`created_at` was {before} and is {after}"),
        );
    }
    let mut pairs: Vec<(String, Option<&Value>, Option<&Value>)> = Vec::new();
    for name in ECHOES.iter().map(|(name, _)| *name).chain(["token"]) {
        pairs.push((name.into(), first.get(name), later.get(name)));
    }
    for option in PAYMENT_OPTIONS {
        for member in
            ["fee_total_sat", "order_total_sat", "expires_at", "invoice", "offer", "address"]
        {
            let of = |order: &Order<'_>| {
                order.option(option).and_then(|option| option.get(member).cloned())
            };
            if let (Some(before), Some(after)) = (of(first), of(later))
                && before != after
            {
                let message = format!(
                    "`payment.{option}.{member}` was {} and is {}",
                    shorten(&before),
                    shorten(&after)
                );
                collector.report("L1-116", &replies, Judgement::Broken, message);
            }
        }
    }
    for (name, before, after) in pairs {
        if let (Some(before), Some(after)) = (before, after) {
            let judgement = if before == after { Judgement::Kept } else { Judgement::Broken };
            let message = format!("`{name}` was {} and is {}", shorten(before), shorten(after));
            collector.report("L1-116", &replies, judgement, message);
        }
    }
}

/// What may not follow in the next reading.
fn judge_step(before: &Order<'_>, after: &Order<'_>, collector: &mut Collector<'_>) {
    let replies = [before.reply, after.reply];
    if let (Some(was @ ("COMPLETED" | "FAILED")), Some(is)) =
        (before.text("order_state"), after.text("order_state"))
    {
        let judgement = if was == is { Judgement::Kept } else { Judgement::Broken };
        collector.report(
            "L1-237",
            &replies,
            judgement,
            format!("`order_state` was {was} and is {is}"),
        );
    }
    for (name, paid_row) in [("bolt11", "L1-148"), ("bolt12", "L1-168"), ("onchain", "L1-198")] {
        let (Some(was), Some(is)) = (before.option_state(name), after.option_state(name)) else {
            continue;
        };
        let message = format!("`payment.{name}.state` was {was} and is {is}");
        if (was, after.text("order_state"), is) == ("HOLD", Some("FAILED"), "REFUNDED") {
            collector.report("L1-232", &replies, Judgement::Kept, message.clone());
        }
        match (was, is) {
            ("REFUNDED" | "CANCELLED", _) => {
                let judgement = if matches!(is, "REFUNDED" | "CANCELLED") {
                    Judgement::Kept
                } else {
                    Judgement::Broken
                };
                collector.report("L1-239", &replies, judgement, message);
            }
            // Of a reorganisation that takes the coins away bLIP-51 says nothing.
            ("PAID", "EXPECT_PAYMENT") if name == "onchain" => {
                collector.report(paid_row, &replies, Judgement::Tolerated, message)
            }
            ("PAID", "HOLD" | "EXPECT_PAYMENT") => {
                collector.report(paid_row, &replies, Judgement::Broken, message)
            }
            ("EXPECT_PAYMENT" | "HOLD", "PAID") => {
                collector.report(paid_row, &replies, Judgement::Kept, message);
            }
            // An on-chain payment can be sent back, a preimage can't be taken back.
            ("PAID", "REFUNDED" | "CANCELLED") if name != "onchain" => {
                collector.report(paid_row, &replies, Judgement::Broken, message);
            }
            _ => {}
        }
    }
    if let (Some(was), Some(is)) = (before.get("channel"), after.get("channel"))
        && was.is_object()
    {
        let same =
            ["funding_outpoint", "funded_at"].iter().all(|name| was.get(name) == is.get(name));
        let judgement = if same { Judgement::Kept } else { Judgement::Broken };
        collector.report(
            "L1-215",
            &replies,
            judgement,
            format!("`channel` was {} and is {}", shorten(was), shorten(is)),
        );
    }
}

/// A payment is held while the order is CREATED, and only for a moment longer.
fn judge_settling(life: &[&Order<'_>], collector: &mut Collector<'_>) {
    for name in ["bolt11", "bolt12"] {
        let mut since: Option<&Order<'_>> = None;
        for order in life {
            match (order.text("order_state"), order.option_state(name)) {
                (Some("CREATED"), Some("HOLD")) => collector.check("L1-238", order.reply, Ok(())),
                (Some(state @ ("COMPLETED" | "FAILED")), Some("HOLD")) => {
                    let first = *since.get_or_insert(order);
                    let lasts = order.reply.at_ms.saturating_sub(first.reply.at_ms);
                    if lasts > SETTLE_TIME_MS {
                        let message = format!(
                            "the order has been {state} for {} s, but the payment is still held",
                            lasts / 1000
                        );
                        collector.report(
                            "L1-238",
                            &[first.reply, order.reply],
                            Judgement::Broken,
                            message,
                        );
                    }
                }
                _ => since = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::invariant::testing::{completed, history, onchain_order, order};
    use crate::verdict::{Profile, Verdict};

    fn in_state(order_state: &str, bolt11: &str) -> Value {
        let mut order = if order_state == "COMPLETED" { completed() } else { order() };
        order["order_state"] = json!(order_state);
        order["payment"]["bolt11"]["state"] = json!(bolt11);
        order
    }

    #[test]
    fn a_purchase_and_a_refund_are_legal() {
        let held = in_state("CREATED", "HOLD");
        let purchase = [
            order(),
            order(),
            held.clone(),
            in_state("COMPLETED", "HOLD"),
            completed(),
            completed(),
        ];
        let found = history(&purchase, 1000, Profile::Strict);
        assert_eq!(found.broken(), Vec::<String>::new());
        for row in ["L1-005", "L1-090", "L1-115", "L1-116", "L1-151", "L1-215", "L1-237", "L1-238"]
        {
            assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
        }
        let refund =
            [order(), held, in_state("FAILED", "REFUNDED"), in_state("FAILED", "REFUNDED")];
        let found = history(&refund, 1000, Profile::Strict);
        assert_eq!((found.broken().len(), found.verdict("L1-239")), (0, Some(Verdict::Pass)));
        let unpaid = [order(), in_state("CREATED", "REFUNDED"), in_state("FAILED", "REFUNDED")];
        assert_eq!(history(&unpaid, 1000, Profile::Strict).broken(), Vec::<String>::new());
    }

    #[test]
    fn illegal_moves_are_found() {
        for (what, life, pause_ms, broken) in [
            (
                "revived",
                vec![order(), completed(), in_state("CREATED", "HOLD")],
                1000,
                &["L1-148", "L1-215", "L1-237"][..],
            ),
            (
                "failed after completion",
                vec![completed(), in_state("FAILED", "REFUNDED")],
                1000,
                &["L1-148", "L1-215", "L1-237"],
            ),
            (
                "paid before the channel",
                vec![order(), in_state("CREATED", "PAID")],
                1000,
                &["L1-151"],
            ),
            ("held again", vec![completed(), in_state("COMPLETED", "HOLD")], 1000, &["L1-148"]),
            (
                "refund taken back",
                vec![in_state("CREATED", "REFUNDED"), in_state("CREATED", "HOLD")],
                1000,
                &["L1-239"],
            ),
            (
                "completed without payment",
                vec![in_state("COMPLETED", "EXPECT_PAYMENT")],
                1000,
                &["L1-005"],
            ),
            (
                "failed and paid",
                vec![order(), in_state("CREATED", "HOLD"), in_state("FAILED", "PAID")],
                1000,
                &["L1-232"],
            ),
            (
                "held for ever",
                vec![in_state("COMPLETED", "HOLD"), in_state("COMPLETED", "HOLD")],
                61_000,
                &["L1-238"],
            ),
        ] {
            assert_eq!(history(&life, pause_ms, Profile::Strict).broken(), broken, "{what}");
        }
    }

    #[test]
    fn coins_may_be_taken_away_by_a_reorganisation() {
        let paid = |state: &str| {
            let mut order = onchain_order();
            order["payment"]["onchain"]["state"] = json!(state);
            order
        };
        let found = |life: &[Value]| history(life, 1000, Profile::Strict).verdict("L1-198");
        assert_eq!(found(&[paid("PAID"), paid("EXPECT_PAYMENT")]), Some(Verdict::Warn));
        assert_eq!(found(&[paid("PAID"), paid("HOLD")]), Some(Verdict::Fail));
    }

    #[test]
    fn what_may_not_change() {
        for (path, value, broken) in [
            ("/created_at", json!("2026-11-22T10:00:01.000Z"), &["L1-090"][..]),
            ("/lsp_balance_sat", json!("100001"), &["L1-116"]),
            ("/token", json!("x"), &["L1-116"]),
            ("/payment/bolt11/fee_total_sat", json!("101"), &["L1-116", "L1-134"]),
            ("/payment/bolt11/expires_at", json!("2026-11-22T10:30:00.000Z"), &["L1-116"]),
            ("/order_id", json!("6a53c7b5-92b7-4d5c-9a7f-000000000000"), &["L1-116"]),
        ] {
            let mut later = order();
            *later.pointer_mut(path).unwrap() = value.clone();
            assert_eq!(
                history(&[order(), later], 1000, Profile::Strict).broken(),
                broken,
                "{path}"
            );
        }
        let mut later = order();
        later["created_at"] = json!("2026-11-22T10:00:01.000Z");
        assert_eq!(
            history(&[order(), later], 1000, Profile::Compat).verdict("L1-090"),
            Some(Verdict::Warn)
        );
        let mut less = order();
        less.as_object_mut().unwrap().remove("token");
        assert_eq!(history(&[order(), less], 1000, Profile::Strict).broken(), ["L1-115"]);
        let mut moved = completed();
        moved["channel"]["funding_outpoint"] = json!(format!("{}:1", "cd".repeat(32)));
        assert_eq!(history(&[completed(), moved], 1000, Profile::Strict).broken(), ["L1-215"]);
    }

    #[test]
    fn one_option_is_paid() {
        let mut both = onchain_order();
        both["payment"]["bolt11"]["state"] = json!("HOLD");
        assert_eq!(
            history(&[both.clone()], 1000, Profile::Strict).verdict("L1-240"),
            Some(Verdict::Pass)
        );
        both["payment"]["onchain"]["state"] = json!("PAID");
        assert_eq!(history(&[both], 1000, Profile::Strict).broken(), ["L1-240"]);
    }
}
