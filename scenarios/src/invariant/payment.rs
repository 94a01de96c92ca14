//! Payment options of an order, Lightning above all: L1-124 to L1-127, L1-131 to L1-138, L1-140, L1-141, L1-152 to
//! L1-162.

use jiff::SignedDuration;
use serde_json::Value;

use super::collect::Collector;
use super::view::{Order, View};
use crate::decode::invoice::{self, Invoice};
use crate::decode::{datetime, offer, sat};
use crate::json::shorten;
use crate::known::PAYMENT_OPTIONS;
use crate::verdict::Judgement;

/// The rows that hold of every option, by option.
pub(super) struct Rows {
    pub(super) option: &'static str,
    pub(super) state: &'static str,
    pub(super) new_state: &'static str,
    pub(super) expires_at: &'static str,
    pub(super) fee: &'static str,
    pub(super) total: &'static str,
    pub(super) sum: &'static str,
    pub(super) states: &'static [&'static str],
}

const LIGHTNING_STATES: &[&str] = &["EXPECT_PAYMENT", "HOLD", "PAID", "REFUNDED"];

pub(super) const BOLT11: Rows = Rows {
    option: "bolt11",
    state: "L1-126",
    new_state: "L1-127",
    expires_at: "L1-131",
    fee: "L1-132",
    total: "L1-133",
    sum: "L1-134",
    states: LIGHTNING_STATES,
};

pub(super) const BOLT12: Rows = Rows {
    option: "bolt12",
    state: "L1-152",
    new_state: "L1-153",
    expires_at: "L1-154",
    fee: "L1-155",
    total: "L1-156",
    sum: "L1-157",
    states: LIGHTNING_STATES,
};

pub(super) const ONCHAIN: Rows = Rows {
    option: "onchain",
    state: "L1-174",
    new_state: "L1-175",
    expires_at: "L1-176",
    fee: "L1-177",
    total: "L1-178",
    sum: "L1-179",
    states: &["EXPECT_PAYMENT", "PAID", "REFUNDED"],
};

/// Longest invoice or offer, in characters.
const MOST_CHARACTERS: usize = 2048;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for order in view.orders() {
        let Some(payment) = order.get("payment").and_then(Value::as_object) else { continue };
        let nulls: Vec<&str> = PAYMENT_OPTIONS
            .into_iter()
            .filter(|name| payment.get(*name).is_some_and(Value::is_null))
            .collect();
        let judgement = if nulls.is_empty() { Judgement::Kept } else { Judgement::Tolerated };
        let named: Vec<String> = nulls.iter().map(|name| format!("`payment.{name}`")).collect();
        let verb = if named.len() == 1 { "is" } else { "are" };
        let message = format!("{} {verb} null instead of left out", named.join(" and "));
        collector.report("L1-124", &[order.reply], judgement, message);
        let has_option = PAYMENT_OPTIONS.iter().any(|name| order.option(name).is_some());
        let old = ["state", "fee_total_sat", "order_total_sat"]
            .into_iter()
            .find(|name| payment.contains_key(*name));
        collector.require("L1-125", order.reply, has_option || old.is_none(), || {
            format!(
                "`payment.{}` is there instead of one per payment option",
                old.unwrap_or_default()
            )
        });
        for rows in [&BOLT11, &BOLT12, &ONCHAIN] {
            if let Some(option) = order.option(rows.option) {
                judge_option(&order, option, rows, collector);
            }
        }
        if let Some(option) = order.option("bolt11") {
            judge_invoice(&order, option, collector);
        }
        if let Some(option) = order.option("bolt12") {
            let offer = option.get("offer");
            collector.require("L1-158", order.reply, offer.is_some_and(Value::is_string), || {
                format!("`payment.bolt12.offer` is {} instead of a string", shown(offer))
            });
            judge_length(&order, "L1-161", "offer", offer, collector);
            if let Some(text) = offer.and_then(Value::as_str) {
                judge_offer(&order, option, text, collector);
            }
        }
    }
}

/// State, expiry and amounts, which all options have.
fn judge_option(order: &Order<'_>, option: &Value, rows: &Rows, collector: &mut Collector<'_>) {
    let name = rows.option;
    let state = option.get("state");
    let (judgement, message) = match state.and_then(Value::as_str) {
        Some(found) if rows.states.contains(&found) => (Judgement::Kept, String::new()),
        // Deprecated, and still demanded in another place of the text.
        Some("CANCELLED") if name != "onchain" => (
            Judgement::Tolerated,
            format!("`payment.{name}.state` is CANCELLED, the deprecated form of REFUNDED"),
        ),
        // Not in the text's list, but what a widespread implementation says of a payment that waits for the channel.
        Some("HOLD") if name == "onchain" => (
            Judgement::CompatTolerated,
            "`payment.onchain.state` is HOLD, which on-chain payments don't have".into(),
        ),
        _ => (Judgement::Broken, format!("`payment.{name}.state` is {}", shown(state))),
    };
    collector.report(rows.state, &[order.reply], judgement, message);
    if order.is_new {
        collector.require(
            rows.new_state,
            order.reply,
            state.is_some_and(|state| state == "EXPECT_PAYMENT"),
            || format!("the `payment.{name}.state` of a new order is {}", shown(state)),
        );
    }
    let expires_at = option.get("expires_at");
    let created_at = order.text("created_at").and_then(|text| datetime::read(text).ok());
    let outcome = match (expires_at.and_then(Value::as_str).map(datetime::read), created_at) {
        (Some(Ok(expires)), Some(created)) if expires.at <= created.at => Err(format!(
            "`payment.{name}.expires_at` is {}, not later than `created_at`",
            shown(expires_at)
        )),
        (Some(Ok(_)), _) => Ok(()),
        _ => Err(format!(
            "`payment.{name}.expires_at` is {} instead of a datetime",
            shown(expires_at)
        )),
    };
    collector.check(rows.expires_at, order.reply, outcome);
    for (member, row) in [("fee_total_sat", rows.fee), ("order_total_sat", rows.total)] {
        let found = option.get(member);
        collector.require(
            row,
            order.reply,
            found.is_some_and(|value| sat::read(value).is_ok()),
            || format!("`payment.{name}.{member}` is {} instead of an amount", shown(found)),
        );
    }
    let amount = |member: &str| option.get(member).and_then(sat::amount);
    // What was ordered counts; whether it is repeated rightly is another row.
    let balance =
        order.wanted.and_then(|wanted| wanted.get("client_balance_sat")).and_then(sat::amount);
    let balance = balance.or_else(|| order.get("client_balance_sat").and_then(sat::amount));
    if let (Some(fee), Some(total), Some(balance)) =
        (amount("fee_total_sat"), amount("order_total_sat"), balance)
    {
        let holds = fee.checked_add(balance) == Some(total);
        collector.require(rows.sum, order.reply, holds, || {
            format!("`payment.{name}.order_total_sat` is {total}, but fee {fee} and client balance {balance} make another sum")
        });
    }
}

fn judge_invoice(order: &Order<'_>, option: &Value, collector: &mut Collector<'_>) {
    let found = option.get("invoice");
    collector.require("L1-135", order.reply, found.is_some_and(Value::is_string), || {
        format!("`payment.bolt11.invoice` is {} instead of a string", shown(found))
    });
    judge_length(order, "L1-140", "invoice", found, collector);
    let Some(text) = found.and_then(Value::as_str) else { return };
    let invoice = match invoice::read(text) {
        Ok(invoice) => invoice,
        Err(error) => {
            return collector.check(
                "L1-136",
                order.reply,
                Err(format!("`payment.bolt11.invoice`: {error}")),
            );
        }
    };
    collector.check("L1-136", order.reply, Ok(()));
    if let Some(total) = option.get("order_total_sat").and_then(sat::amount) {
        let expected = total.checked_mul(1000);
        let holds = invoice.amount_msat.is_some() && invoice.amount_msat == expected;
        collector.require("L1-137", order.reply, holds, || match invoice.amount_msat {
            Some(amount) => {
                format!("the invoice asks for {amount} msat, `order_total_sat` is {total}")
            }
            None => format!("the invoice names no amount, `order_total_sat` is {total}"),
        });
    }
    judge_network(order, &invoice, collector);
    let expires_at =
        option.get("expires_at").and_then(Value::as_str).and_then(|text| datetime::read(text).ok());
    if let (Some(expires), Some(payable_until)) = (expires_at, invoice.expires_at) {
        // An invoice counts in whole seconds.
        let late = expires.at.duration_since(payable_until) >= SignedDuration::from_secs(1);
        collector.require("L1-141", order.reply, !late, || {
            format!("`payment.bolt11.expires_at` is later than the invoice's own expiry, {payable_until}")
        });
    }
}

fn judge_offer(order: &Order<'_>, option: &Value, text: &str, collector: &mut Collector<'_>) {
    let offer = match offer::read(text) {
        Ok(offer) => offer,
        Err(error) => {
            let found = format!("`payment.bolt12.offer`: {error}");
            return collector.check("L1-159", order.reply, Err(found));
        }
    };
    let network = collector.context.network.clone();
    let fits = network.as_ref().and_then(|network| offer.is_for_network(network)).unwrap_or(true);
    collector.require("L1-159", order.reply, fits, || {
        format!("the offer isn't for {}", network.unwrap_or_default())
    });
    if let Some(total) = option.get("order_total_sat").and_then(sat::amount) {
        let holds = offer.amount_msat.is_some() && offer.amount_msat == total.checked_mul(1000);
        collector.require("L1-160", order.reply, holds, || match offer.amount_msat {
            Some(amount) => {
                format!("the offer asks for {amount} msat, `order_total_sat` is {total}")
            }
            None => {
                format!("the offer names no amount in bitcoin, `order_total_sat` is {total}")
            }
        });
    }
    let expires_at =
        option.get("expires_at").and_then(Value::as_str).and_then(|text| datetime::read(text).ok());
    if let (Some(expires), Some(end)) = (expires_at, offer.expires_at) {
        let apart = expires.at.duration_since(end).abs();
        collector.require("L1-162", order.reply, apart <= SignedDuration::from_mins(1), || {
            format!("`payment.bolt12.expires_at` isn't when the offer itself ends, {end}")
        });
    }
}

fn judge_network(order: &Order<'_>, invoice: &Invoice, collector: &mut Collector<'_>) {
    let Some(network) = collector.context.network.clone() else { return };
    if let Some(fits) = invoice.is_for_network(&network) {
        collector.require("L1-138", order.reply, fits, || {
            format!("the prefix of the invoice isn't that of {network}")
        });
    }
}

fn judge_length(
    order: &Order<'_>,
    row: &str,
    name: &str,
    value: Option<&Value>,
    collector: &mut Collector<'_>,
) {
    let Some(text) = value.and_then(Value::as_str) else { return };
    let length = text.chars().count();
    collector.require(row, order.reply, length <= MOST_CHARACTERS, || {
        format!("the {name} has {length} characters")
    });
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bitcoin::Network;
    use lightning_invoice::Currency;
    use serde_json::{Value, json};

    use crate::decode::invoice::tests::make;
    use crate::decode::offer::tests::make as make_offer;
    use crate::invariant::testing::{START_S, created, order};
    use crate::verdict::{Profile, Verdict};

    fn with(path: &str, value: Value) -> Value {
        let mut order = order();
        *order.pointer_mut(path).unwrap() = value;
        order
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        let at = Duration::from_secs(START_S);
        let hour = Duration::from_secs(3600);
        let invoice = |amount, currency, expiry| json!(make(amount, currency, 1, at, expiry));
        for (path, value, broken) in [
            ("/payment/bolt11/state", json!("WAITING"), &["L1-126", "L1-127"][..]),
            ("/payment/bolt11/state", json!("CANCELLED"), &["L1-126", "L1-127"]),
            ("/payment/bolt11/state", json!("HOLD"), &["L1-127"]),
            ("/payment/bolt11/expires_at", json!("2026-11-22T09:00:00.000Z"), &["L1-131"]),
            ("/payment/bolt11/expires_at", json!("soon"), &["L0-161", "L1-131"]),
            ("/payment/bolt11/expires_at", json!("2026-11-22T12:00:00.000Z"), &["L1-141"]),
            ("/payment/bolt11/fee_total_sat", Value::Null, &["L0-136", "L1-132"]),
            ("/payment/bolt11/order_total_sat", json!(1100), &["L0-136", "L1-133"]),
            ("/payment/bolt11/fee_total_sat", json!("101"), &["L1-134"]),
            ("/payment/bolt11/order_total_sat", json!("20101"), &["L1-134", "L1-137"]),
            ("/payment/bolt11/invoice", json!(7), &["L1-135"]),
            ("/payment/bolt11/invoice", json!("lnbcrt1nope"), &["L1-136"]),
            ("/payment/bolt11/invoice", json!("x".repeat(2049)), &["L1-136", "L1-140"]),
            (
                "/payment/bolt11/invoice",
                invoice(Some(20_101_000), Currency::Regtest, hour),
                &["L1-137"],
            ),
            ("/payment/bolt11/invoice", invoice(None, Currency::Regtest, hour), &["L1-137"]),
            (
                "/payment/bolt11/invoice",
                invoice(Some(20_100_000), Currency::Bitcoin, hour),
                &["L1-138"],
            ),
            (
                "/payment/bolt11/invoice",
                invoice(Some(20_100_000), Currency::Regtest, hour / 2),
                &["L1-141"],
            ),
        ] {
            assert_eq!(
                created(&with(path, value.clone()), Profile::Strict).broken(),
                broken,
                "{path}: {value}"
            );
        }
    }

    #[test]
    fn amounts_may_be_as_large_as_they_get() {
        let most = u64::MAX.to_string();
        let mut order = with("/payment/bolt11/fee_total_sat", json!(most));
        order["payment"]["bolt11"]["order_total_sat"] = json!(most);
        let found = created(&order, Profile::Strict);
        assert_eq!(found.broken(), ["L1-134", "L1-137"]);
    }

    #[test]
    fn options_are_left_out_and_hold_what_is_theirs() {
        assert_eq!(
            created(&with("/payment", json!({"bolt11": null})), Profile::Strict).verdict("L1-124"),
            Some(Verdict::Warn)
        );
        let old = json!({"state": "EXPECT_PAYMENT", "fee_total_sat": "1", "order_total_sat": "1", "bolt11_invoice": "x"});
        assert_eq!(created(&with("/payment", old), Profile::Strict).broken(), ["L1-125"]);
        assert_eq!(
            created(&with("/payment", json!({})), Profile::Strict).broken(),
            Vec::<String>::new()
        );
    }

    #[test]
    fn bolt12_has_the_same_rules() {
        let mut option = order()["payment"]["bolt11"].clone();
        let end = START_S + 3600;
        option["offer"] = json!(make_offer(Network::Regtest, 20_100_000, end));
        let good = with("/payment", json!({"bolt12": option}));
        let found = created(&good, Profile::Strict);
        assert_eq!(found.broken(), Vec::<String>::new());
        for row in [
            "L1-152", "L1-153", "L1-154", "L1-155", "L1-156", "L1-157", "L1-158", "L1-159",
            "L1-160", "L1-161", "L1-162",
        ] {
            assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
        }
        for (member, value, broken) in [
            ("state", json!("OPEN"), &["L1-152", "L1-153"][..]),
            ("expires_at", json!("2026-11-22T09:00:00.000Z"), &["L1-154", "L1-162"]),
            ("fee_total_sat", json!("1.0"), &["L0-136", "L1-155"]),
            ("order_total_sat", json!(null), &["L0-136", "L1-156"]),
            ("order_total_sat", json!("1"), &["L1-157", "L1-160"]),
            ("offer", json!(null), &["L1-158"]),
            ("offer", json!("lno1qq"), &["L1-159"]),
            ("offer", json!(make_offer(Network::Bitcoin, 20_100_000, end)), &["L1-159"]),
            ("offer", json!(make_offer(Network::Regtest, 20_100, end)), &["L1-160"]),
            ("offer", json!(make_offer(Network::Regtest, 20_100_000, end + 61)), &["L1-162"]),
            ("offer", json!("l".repeat(2049)), &["L1-159", "L1-161"]),
        ] {
            let mut order = good.clone();
            order["payment"]["bolt12"][member] = value.clone();
            assert_eq!(created(&order, Profile::Strict).broken(), broken, "{member}: {value}");
        }
    }
}
