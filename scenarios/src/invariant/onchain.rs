//! On-chain payment: L0-140 to L0-142, L0-155, L0-157, L1-180, L1-182 to L1-185, L1-187. What all options have is in
//! `payment`.

use serde_json::Value;

use super::collect::Collector;
use super::view::{Order, View};
use crate::decode::address;
use crate::json::shorten;
use crate::verdict::Judgement;

/// The lowest sensible fee rate, in sat per 1000 weight units.
const LOWEST_FEE_RATE: i64 = 253;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    let info = view.info();
    for order in view.orders() {
        let Some(option) = order.option("onchain") else { continue };
        judge_address(&order, option, collector);
        judge_confirmations(&order, option, info, collector);
        let sent = order
            .wanted
            .and_then(|wanted| wanted.get("refund_onchain_address"))
            .and_then(Value::as_str);
        if let (Some(sent), Some(found)) =
            (sent.filter(|sent| !sent.is_empty()), option.get("refund_onchain_address"))
        {
            // Bech32 means the same in either case.
            let same = found.as_str().is_some_and(|found| found.eq_ignore_ascii_case(sent));
            collector.require("L1-187", order.reply, same, || {
                format!(
                    "`payment.onchain.refund_onchain_address` is {}, but {sent} was sent",
                    shorten(found)
                )
            });
        }
    }
}

fn judge_address(order: &Order<'_>, option: &Value, collector: &mut Collector<'_>) {
    let found = option.get("address");
    let Some(text) = found.and_then(Value::as_str) else {
        let message = format!("`payment.onchain.address` is {} instead of a string", shown(found));
        return collector.check("L1-180", order.reply, Err(message));
    };
    let address = match address::read(text) {
        Ok(address) => address,
        Err(error) => {
            return collector.check(
                "L0-155",
                order.reply,
                Err(format!("`payment.onchain.address`: {error}")),
            );
        }
    };
    collector.check("L0-155", order.reply, Ok(()));
    collector.require("L0-157", order.reply, address.is_common_kind(), || {
        format!("`payment.onchain.address` is {text}, neither P2WPKH, P2WSH nor P2TR")
    });
    let network = collector.context.network.as_deref().and_then(address::network);
    collector.require(
        "L1-180",
        order.reply,
        network.is_none_or(|network| address.is_valid_on(network)),
        || format!("`payment.onchain.address` is {text}, an address of another network"),
    );
}

fn judge_confirmations(
    order: &Order<'_>,
    option: &Value,
    info: Option<&Value>,
    collector: &mut Collector<'_>,
) {
    let reply = order.reply;
    let found = option.get("min_onchain_payment_confirmations");
    let confirmations =
        found.and_then(Value::as_u64).filter(|number| *number <= u64::from(u16::MAX));
    let judgement = match found {
        _ if confirmations.is_some() => Judgement::Kept,
        Some(Value::Null) => Judgement::CompatTolerated,
        _ => Judgement::Broken,
    };
    let message = format!(
        "`payment.onchain.min_onchain_payment_confirmations` is {} instead of an integer",
        shown(found)
    );
    collector.report("L1-182", &[reply], judgement, message);
    // The option was taken out of get_info; who still shows it has to keep it.
    let least =
        info.and_then(|info| info.get("min_onchain_payment_confirmations")).and_then(Value::as_u64);
    if let (Some(least), Some(confirmations)) = (least, confirmations) {
        collector.require("L1-183", reply, confirmations >= least, || {
            format!("{confirmations} confirmations are asked for, get_info says {least}")
        });
    }
    let rate = option.get("min_fee_for_0conf").filter(|rate| !rate.is_null());
    match (confirmations, rate) {
        (Some(0), None) => {
            let message = "`min_fee_for_0conf` is missing though no confirmation is needed";
            collector.report("L1-185", &[reply], Judgement::Tolerated, message.into());
        }
        (Some(0), Some(rate)) => {
            let holds = rate.as_i64().is_some_and(|rate| rate >= LOWEST_FEE_RATE);
            collector.require("L1-185", reply, holds, || {
                format!(
                    "`min_fee_for_0conf` is {} instead of an integer of at least {LOWEST_FEE_RATE}",
                    shorten(rate)
                )
            });
        }
        (Some(_), rate) => collector.require("L1-184", reply, rate.is_none(), || {
            "`min_fee_for_0conf` is there though confirmations are needed".into()
        }),
        (None, _) => {}
    }
    let Some(rate) = rate else { return };
    let number = rate.as_i64();
    collector.require("L0-141", reply, number.is_some() || rate.is_u64(), || {
        format!("`min_fee_for_0conf` is {} instead of an integer", shorten(rate))
    });
    if let Some(number) = number {
        collector.require("L0-142", reply, number >= LOWEST_FEE_RATE, || {
            format!("`min_fee_for_0conf` is {number} sat per 1000 weight units, less than {LOWEST_FEE_RATE}")
        });
        collector.require("L0-140", reply, !(1..=200).contains(&number), || {
            format!("`min_fee_for_0conf` is {number}, which looks like sat per vbyte")
        });
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::invariant::testing::{Found, created_with, onchain_order, wanted_with_refund};
    use crate::verdict::Verdict;

    fn judged(order: &Value) -> Found {
        created_with(wanted_with_refund(), order)
    }

    #[test]
    fn a_good_option_keeps_all_rows() {
        let found = judged(&onchain_order());
        assert_eq!(found.broken(), Vec::<String>::new());
        for row in [
            "L0-140", "L0-141", "L0-142", "L0-155", "L0-157", "L1-174", "L1-175", "L1-176",
            "L1-177", "L1-178", "L1-179", "L1-180", "L1-182", "L1-185", "L1-187",
        ] {
            assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
        }
        let mut upper = onchain_order();
        let address = upper["payment"]["onchain"]["refund_onchain_address"].clone();
        upper["payment"]["onchain"]["refund_onchain_address"] =
            json!(address.as_str().unwrap().to_ascii_uppercase());
        assert_eq!(judged(&upper).verdict("L1-187"), Some(Verdict::Pass));
        let mut confirmed = onchain_order();
        confirmed["payment"]["onchain"]["min_onchain_payment_confirmations"] = json!(1);
        confirmed["payment"]["onchain"]["min_fee_for_0conf"] = Value::Null;
        let found = judged(&confirmed);
        assert_eq!((found.broken().len(), found.verdict("L1-184")), (0, Some(Verdict::Pass)));
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        for (member, value, broken) in [
            ("state", json!("HOLD"), &["L1-174", "L1-175"][..]),
            ("expires_at", json!("2026-11-22T09:00:00.000Z"), &["L1-176"]),
            ("fee_total_sat", json!("x"), &["L0-136", "L1-177"]),
            ("order_total_sat", json!(1), &["L0-136", "L1-178"]),
            ("order_total_sat", json!("1"), &["L1-179"]),
            ("address", json!(null), &["L1-180"]),
            ("address", json!("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), &["L1-180"]),
            ("address", json!("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn"), &["L0-155"]),
            ("min_onchain_payment_confirmations", json!("0"), &["L1-182"]),
            ("min_onchain_payment_confirmations", json!(1), &["L1-184"]),
            ("min_fee_for_0conf", json!("253"), &["L0-141", "L1-185"]),
            ("min_fee_for_0conf", json!(252), &["L0-142", "L1-185"]),
            ("min_fee_for_0conf", json!(2), &["L0-140", "L0-142", "L1-185"]),
            ("min_fee_for_0conf", json!(null), &["L1-185"]),
            ("refund_onchain_address", json!("bcrt1qother"), &["L1-187"]),
            ("refund_onchain_address", Value::Null, &["L1-187"]),
        ] {
            let mut order = onchain_order();
            order["payment"]["onchain"][member] = value.clone();
            assert_eq!(judged(&order).broken(), broken, "{member}: {value}");
        }
    }
}
