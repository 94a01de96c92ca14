//! Common schemas wherever they occur: amounts (L0-136, L0-137) and points in time (L0-161).

use serde_json::Value;

use super::collect::Collector;
use super::view::{Reply, View};
use crate::decode::{datetime, sat};
use crate::json::shorten;
use crate::known::{OPTIONS, PAYMENT_OPTIONS};
use crate::verdict::Judgement;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for (reply, info) in view.results("lsps1.get_info") {
        for name in OPTIONS.iter().filter(|name| name.ends_with("_sat")) {
            judge_sat(reply, name, info.get(name), collector);
        }
    }
    for order in view.orders() {
        for name in ["lsp_balance_sat", "client_balance_sat"] {
            judge_sat(order.reply, name, order.get(name), collector);
        }
        judge_datetime(order.reply, "created_at", order.get("created_at"), collector);
        for name in PAYMENT_OPTIONS {
            let Some(option) = order.option(name) else { continue };
            for member in ["fee_total_sat", "order_total_sat"] {
                judge_sat(
                    order.reply,
                    &format!("payment.{name}.{member}"),
                    option.get(member),
                    collector,
                );
            }
            judge_datetime(
                order.reply,
                &format!("payment.{name}.expires_at"),
                option.get("expires_at"),
                collector,
            );
        }
        if let Some(channel) = order.get("channel").filter(|channel| channel.is_object()) {
            for member in ["funded_at", "expires_at"] {
                judge_datetime(
                    order.reply,
                    &format!("channel.{member}"),
                    channel.get(member),
                    collector,
                );
            }
        }
    }
}

/// An amount that is there; that it has to be there is another row.
fn judge_sat(reply: &Reply<'_>, name: &str, value: Option<&Value>, collector: &mut Collector<'_>) {
    let Some(value) = value else { return };
    match sat::read(value) {
        Ok(amount) => {
            collector.check("L0-136", reply, Ok(()));
            collector.require("L0-137", reply, amount.canonical, || {
                format!("`{name}` is {value}, with needless zeros")
            });
        }
        Err(error) => collector.check(
            "L0-136",
            reply,
            Err(format!("`{name}` is {}: {error}", shorten(value))),
        ),
    }
}

fn judge_datetime(
    reply: &Reply<'_>,
    name: &str,
    value: Option<&Value>,
    collector: &mut Collector<'_>,
) {
    let Some(value) = value else { return };
    let shown = || shorten(value);
    let (judgement, message) = match value.as_str().map(datetime::read) {
        None => (Judgement::Broken, format!("`{name}` is {} instead of a string", shown())),
        Some(Err(error)) => (Judgement::Broken, format!("`{name}` is {}: {error}", shown())),
        Some(Ok(read)) if read.exact => (Judgement::Kept, String::new()),
        // Samples of the specification itself have none.
        Some(Ok(_)) => (
            Judgement::CompatTolerated,
            format!("`{name}` is {}, without exactly three digits of fraction", shown()),
        ),
    };
    collector.report("L0-161", &[reply], judgement, message);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::invariant::testing::{created, order};
    use crate::verdict::{Profile, Verdict};

    #[test]
    fn datetimes_have_three_digits_of_fraction() {
        let judged = |text: serde_json::Value, profile| {
            let mut order = order();
            order["payment"]["bolt11"]["expires_at"] = text;
            created(&order, profile).verdict("L0-161")
        };
        assert_eq!(judged(json!("2026-11-22T11:00:00.000Z"), Profile::Strict), Some(Verdict::Pass));
        assert_eq!(judged(json!("2026-11-22T11:00:00Z"), Profile::Strict), Some(Verdict::Fail));
        assert_eq!(
            judged(json!("2026-11-22T11:00:00.123456Z"), Profile::Compat),
            Some(Verdict::Warn)
        );
        assert_eq!(
            judged(json!("2026-11-22T11:00:00.000+00:00"), Profile::Compat),
            Some(Verdict::Fail)
        );
        assert_eq!(judged(json!(1_800_000_000), Profile::Compat), Some(Verdict::Fail));
    }

    #[test]
    fn amounts_in_orders_are_strings_without_needless_zeros() {
        let mut number = order();
        number["payment"]["bolt11"]["fee_total_sat"] = json!(100);
        assert_eq!(created(&number, Profile::Strict).verdict("L0-136"), Some(Verdict::Fail));
        let mut zeros = order();
        zeros["payment"]["bolt11"]["fee_total_sat"] = json!("0100");
        assert_eq!(created(&zeros, Profile::Strict).broken(), ["L0-137"]);
    }
}
