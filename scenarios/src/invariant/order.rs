//! The order object: L1-070, L1-077, L1-079 to L1-089, L1-091, L1-092, L1-094, L1-172, L0-162. Its channel is in
//! `channel`.

use serde_json::Value;

use super::collect::{CLOCK_TOLERANCE, Collector};
use super::view::{Order, View};
use crate::decode::{datetime, sat};
use crate::json::shorten;
use crate::verdict::Judgement;

/// Echoed fields, each with its row.
pub(super) const ECHOES: [(&str, &str); 6] = [
    ("lsp_balance_sat", "L1-081"),
    ("client_balance_sat", "L1-082"),
    ("required_channel_confirmations", "L1-083"),
    ("funding_confirms_within_blocks", "L1-084"),
    ("channel_expiry_blocks", "L1-085"),
    ("announce_channel", "L1-086"),
];

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for order in view.orders() {
        judge_id(&order, collector);
        if order.is_new {
            judge_echoes(&order, collector);
            judge_token(&order, collector);
            judge_onchain_omission(&order, collector);
            judge_created_at(&order, collector);
            let state = order.get("order_state");
            collector.require(
                "L1-092",
                order.reply,
                state.is_some_and(|state| state == "CREATED"),
                || format!("the `order_state` of a new order is {}", shown(state)),
            );
        }
        let state = order.get("order_state");
        let known =
            matches!(state.and_then(Value::as_str), Some("CREATED" | "COMPLETED" | "FAILED"));
        collector
            .require("L1-091", order.reply, known, || format!("`order_state` is {}", shown(state)));
        let payment = order.get("payment");
        collector.require("L1-094", order.reply, payment.is_some_and(Value::is_object), || {
            format!("`payment` is {} instead of an object", shown(payment))
        });
    }
}

fn judge_id(order: &Order<'_>, collector: &mut Collector<'_>) {
    let id = order.text("order_id").filter(|id| !id.is_empty());
    collector.require("L1-077", order.reply, id.is_some(), || {
        format!("`order_id` is {} instead of a non-empty string", shown(order.get("order_id")))
    });
    let Some(id) = id else { return };
    let length = id.chars().count();
    collector.require("L1-079", order.reply, length <= 64, || {
        format!("`order_id` has {length} characters")
    });
    collector.require("L1-080", order.reply, is_uuid_v4(id), || {
        format!("`order_id` is {id:?}, no UUIDv4")
    });
}

fn is_uuid_v4(text: &str) -> bool {
    let pattern = b"xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    text.len() == pattern.len()
        && text.bytes().zip(pattern).all(|(byte, place)| match place {
            b'x' => byte.is_ascii_hexdigit(),
            b'y' => matches!(byte.to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b'),
            literal => byte == *literal,
        })
}

/// What the answer repeats of the request that made the order.
fn judge_echoes(order: &Order<'_>, collector: &mut Collector<'_>) {
    let Some(wanted) = order.wanted else { return };
    for (name, row) in ECHOES {
        // A value that should have been refused has no right echo.
        let Some(sent) = wanted.get(name).filter(|sent| is_well_typed(name, sent)) else {
            continue;
        };
        let found = order.get(name);
        let equal = match (sat::read(sent), found) {
            // Zeros in front may be dropped.
            (Ok(amount), Some(found)) if !amount.canonical => {
                sat::amount(found) == Some(amount.amount)
            }
            (_, found) => found == Some(sent),
        };
        collector.require(row, order.reply, equal, || {
            format!("`{name}` is {}, but {} was ordered", shown(found), shorten(sent))
        });
    }
}

fn is_well_typed(name: &str, value: &Value) -> bool {
    match name {
        "announce_channel" => value.is_boolean(),
        name if name.ends_with("_sat") => sat::read(value).is_ok(),
        _ => value.is_u64(),
    }
}

fn judge_token(order: &Order<'_>, collector: &mut Collector<'_>) {
    let found = order.get("token");
    match order.wanted.map(|wanted| wanted.get("token")) {
        Some(None) => judge_no_token(order, "none was sent", collector),
        Some(Some(Value::String(sent))) if sent.is_empty() => {
            judge_no_token(order, "an empty one was sent", collector);
        }
        Some(Some(Value::String(sent))) => {
            collector.require(
                "L1-087",
                order.reply,
                found.and_then(Value::as_str) == Some(sent),
                || format!("`token` is {}, but {sent:?} was sent", shown(found)),
            );
        }
        _ => {}
    }
}

fn judge_no_token(order: &Order<'_>, why: &str, collector: &mut Collector<'_>) {
    let found = order.get("token");
    let judgement = match found {
        Some(Value::String(token)) if token.is_empty() => Judgement::Kept,
        // A widespread implementation writes what isn't there as null.
        Some(Value::Null) => Judgement::CompatTolerated,
        _ => Judgement::Broken,
    };
    let message = format!("`token` is {} though {why}", shown(found));
    collector.report("L1-088", &[order.reply], judgement, message);
}

/// Without a refund address there is no on-chain payment.
fn judge_onchain_omission(order: &Order<'_>, collector: &mut Collector<'_>) {
    if order.wanted.is_none_or(|wanted| wanted.get("refund_onchain_address").is_some()) {
        return;
    }
    let (judgement, found) = match order.get("payment").and_then(|payment| payment.get("onchain")) {
        None => (Judgement::Kept, ""),
        Some(Value::Null) => (Judgement::Tolerated, "is null instead of left out"),
        Some(_) => (Judgement::Broken, "is there"),
    };
    for row in ["L1-070", "L1-172"] {
        let message = format!("`payment.onchain` {found}, and no refund address was sent");
        collector.report(row, &[order.reply], judgement, message);
    }
}

fn judge_created_at(order: &Order<'_>, collector: &mut Collector<'_>) {
    let found = order.get("created_at");
    let created = order.text("created_at").and_then(|text| datetime::read(text).ok());
    let (Some(created), Some(now)) = (created, collector.wall_clock(order.reply)) else {
        let message = format!("`created_at` is {} instead of a datetime", shown(found));
        return collector.check("L1-089", order.reply, Err(message));
    };
    let off = now.duration_since(created.at).abs();
    let near = off <= CLOCK_TOLERANCE;
    collector.require("L1-089", order.reply, near, || {
        format!("`created_at` is {}, but it was {now} when the answer came", shown(found))
    });
    // A clock that is wrong by any amount is one thing, a local time that calls itself UTC another.
    let past_half_hour = off.as_secs() % 1800;
    let is_zone = off.as_secs() <= 15 * 3600
        && past_half_hour.min(1800 - past_half_hour) <= CLOCK_TOLERANCE.as_secs() / 5;
    if near || is_zone {
        collector.require("L0-162", order.reply, near, || {
            format!(
                "`created_at` is {}, off by what looks like a time zone: it was {now}",
                shown(found)
            )
        });
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::invariant::testing::{created, created_with, order, rest_call, wanted};
    use crate::verdict::{Profile, Verdict};

    #[test]
    fn a_good_order_keeps_all_rows_on_both_transports() {
        let rows = [
            "L1-077", "L1-079", "L1-080", "L1-081", "L1-082", "L1-083", "L1-084", "L1-085",
            "L1-086", "L1-088", "L1-089", "L1-091", "L1-092", "L1-094", "L1-095", "L1-096",
            "L1-070", "L1-172", "L1-207", "L1-236", "L0-136", "L0-137", "L0-161", "L0-162",
            "L1-124", "L1-126", "L1-127", "L1-131", "L1-132", "L1-133", "L1-134", "L1-135",
            "L1-136", "L1-137", "L1-138", "L1-140",
        ];
        for found in [
            created(&order(), Profile::Strict),
            rest_call("lsps1.create_order", wanted(), 200, &order()),
        ] {
            assert_eq!(found.broken(), Vec::<String>::new());
            for row in rows {
                assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
            }
        }
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        for (name, value, broken) in [
            ("order_id", json!(7), &["L1-077"][..]),
            ("order_id", json!(""), &["L1-077"]),
            ("order_id", json!("x".repeat(65)), &["L1-079", "L1-080"]),
            ("order_id", json!("030fbe24220d35b9789a152bf3ada51b"), &["L1-080"]),
            ("lsp_balance_sat", json!("100001"), &["L1-081"]),
            ("required_channel_confirmations", json!("0"), &["L1-083"]),
            ("funding_confirms_within_blocks", Value::Null, &["L1-084"]),
            ("channel_expiry_blocks", json!(1), &["L1-085"]),
            ("announce_channel", json!(true), &["L1-086"]),
            ("token", Value::Null, &["L1-088"]),
            ("created_at", json!("2026-11-22T09:54:00.000Z"), &["L1-089"]),
            ("created_at", json!("2026-11-22T11:00:00.500Z"), &["L0-162", "L1-089", "L1-131"]),
            ("order_state", json!("created"), &["L1-091", "L1-092"]),
            ("order_state", json!("FAILED"), &["L1-092"]),
            ("payment", Value::Null, &["L1-094"]),
            ("payment", json!([]), &["L1-094"]),
            ("channel", json!({}), &["L1-095", "L1-096", "L1-207", "L1-236"]),
            ("channel", json!("none"), &["L1-095"]),
        ] {
            let mut order = order();
            order[name] = value.clone();
            assert_eq!(created(&order, Profile::Strict).broken(), broken, "{name}: {value}");
        }
        let mut absent = order();
        absent.as_object_mut().unwrap().remove("channel");
        assert_eq!(created(&absent, Profile::Strict).verdict("L1-095"), Some(Verdict::Fail));
        assert_eq!(created(&absent, Profile::Compat).verdict("L1-095"), Some(Verdict::Warn));
    }

    #[test]
    fn tokens_and_amounts_with_zeros_are_echoed() {
        let with = |name: &str, value: Value| {
            let mut wanted = wanted();
            wanted[name] = value;
            wanted
        };
        let mut named = order();
        named["token"] = json!("abc");
        assert_eq!(
            created_with(with("token", json!("abc")), &named).verdict("L1-087"),
            Some(Verdict::Pass)
        );
        assert_eq!(created_with(with("token", json!("abc")), &order()).broken(), ["L1-087"]);
        assert_eq!(
            created_with(with("lsp_balance_sat", json!("00100000")), &order()).verdict("L1-081"),
            Some(Verdict::Pass)
        );
        assert_eq!(
            created_with(with("lsp_balance_sat", json!(7)), &order()).verdict("L1-081"),
            None
        );
    }

    #[test]
    fn profile_compat_tolerates_a_token_that_is_null() {
        let token = |value: Value, profile| {
            let mut order = order();
            order["token"] = value;
            created(&order, profile).verdict("L1-088")
        };
        assert_eq!(token(Value::Null, Profile::Strict), Some(Verdict::Fail));
        assert_eq!(token(Value::Null, Profile::Compat), Some(Verdict::Warn));
        assert_eq!(token(json!("x"), Profile::Compat), Some(Verdict::Fail));
    }

    #[test]
    fn onchain_payment_needs_a_refund_address() {
        let mut null = order();
        null["payment"]["onchain"] = Value::Null;
        let found = created(&null, Profile::Strict);
        assert_eq!(found.verdict("L1-070"), Some(Verdict::Warn));
        assert_eq!(found.verdict("L1-124"), Some(Verdict::Warn));
        let mut there = order();
        there["payment"]["onchain"] = json!({});
        assert_eq!(created(&there, Profile::Strict).verdict("L1-070"), Some(Verdict::Fail));
    }
}
