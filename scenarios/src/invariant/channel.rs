//! The channel of an order: L1-095, L1-096, L1-207 to L1-209, L1-211, L1-212, L1-230, L1-236, L0-164, L0-165.

use serde_json::Value;

use super::collect::{CLOCK_TOLERANCE, Collector};
use super::view::{Order, Reply, View};
use crate::decode::datetime;
use crate::json::shorten;
use crate::verdict::Judgement;

/// A block takes 600 s when blocks are converted to time, with 2 % slack.
const SECONDS_PER_BLOCK: i64 = 588;

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for order in view.orders() {
        judge_channel(&order, collector);
    }
}

fn judge_channel(order: &Order<'_>, collector: &mut Collector<'_>) {
    let reply = order.reply;
    let Some(channel) = order.get("channel") else {
        return collector.report(
            "L1-095",
            &[reply],
            Judgement::CompatTolerated,
            "there is no `channel`".into(),
        );
    };
    let has_members = channel.as_object().is_some_and(|channel| !channel.is_empty());
    collector.require("L1-095", reply, channel.is_null() || has_members, || {
        format!("`channel` is {} instead of null or the channel", shorten(channel))
    });
    let state = order.text("order_state");
    let is_open = channel.is_object();
    match state {
        Some("COMPLETED") => {
            collector.require("L1-236", reply, is_open, || {
                "the order is COMPLETED without a channel".into()
            });
            collector.require("L1-230", reply, is_open, || {
                "the order is COMPLETED without a channel".into()
            });
        }
        Some(state @ ("CREATED" | "FAILED")) => {
            collector.require("L1-236", reply, !is_open, || {
                format!("the order is {state} and has a channel")
            });
            collector.require("L1-207", reply, !is_open, || {
                format!("the order is {state} and has a channel")
            });
            if state == "CREATED" {
                collector.require("L1-096", reply, !is_open, || {
                    "the order is CREATED and has a channel".into()
                });
            }
        }
        _ => {}
    }
    if is_open && has_members && state == Some("COMPLETED") {
        judge_open_channel(order, channel, collector);
    }
}

fn judge_open_channel(order: &Order<'_>, channel: &Value, collector: &mut Collector<'_>) {
    let reply = order.reply;
    let missing: Vec<&str> = ["funded_at", "funding_outpoint", "expires_at"]
        .into_iter()
        .filter(|name| channel.get(name).is_none_or(Value::is_null))
        .collect();
    collector.require("L1-208", reply, missing.is_empty(), || {
        format!("the channel has no {}", missing.join(", "))
    });
    let time = |name: &str| {
        channel
            .get(name)
            .and_then(Value::as_str)
            .and_then(|text| datetime::read(text).ok())
            .map(|read| read.at)
    };
    let (funded_at, expires_at) = (time("funded_at"), time("expires_at"));
    if channel.get("funded_at").is_some_and(|at| !at.is_null()) {
        let created_at =
            order.text("created_at").and_then(|text| datetime::read(text).ok()).map(|read| read.at);
        let now = collector.wall_clock(reply);
        let outcome = match funded_at {
            None => Err("`channel.funded_at` isn't a datetime".into()),
            Some(at) if created_at.is_some_and(|created| at < created) => {
                Err("`channel.funded_at` is before `created_at`".into())
            }
            Some(at) if now.is_some_and(|now| at.duration_since(now) > CLOCK_TOLERANCE) => {
                Err("`channel.funded_at` is in the future".into())
            }
            Some(_) => Ok(()),
        };
        collector.check("L1-209", reply, outcome);
    }
    if channel.get("expires_at").is_some_and(|at| !at.is_null()) {
        collector.require("L1-211", reply, expires_at.is_some(), || {
            "`channel.expires_at` isn't a datetime".into()
        });
    }
    let blocks =
        order.wanted.unwrap_or(order.object).get("channel_expiry_blocks").and_then(Value::as_i64);
    if let (Some(funded_at), Some(expires_at), Some(blocks)) = (funded_at, expires_at, blocks) {
        let least = blocks.saturating_mul(SECONDS_PER_BLOCK);
        let found = expires_at.duration_since(funded_at).as_secs();
        collector.require("L1-212", reply, found >= least, || {
            format!("the channel is kept for {found} s, less than {blocks} blocks take")
        });
    }
    if let Some(outpoint) = channel.get("funding_outpoint").filter(|outpoint| !outpoint.is_null()) {
        judge_outpoint(reply, outpoint, collector);
    }
}

fn judge_outpoint(reply: &Reply<'_>, outpoint: &Value, collector: &mut Collector<'_>) {
    let parts = outpoint.as_str().and_then(|text| text.split_once(':'));
    let parts = parts.filter(|(txid, index)| {
        txid.len() == 64
            && txid.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !index.is_empty()
            && index.bytes().all(|byte| byte.is_ascii_digit())
            && (*index == "0" || !index.starts_with('0'))
    });
    collector.require("L0-165", reply, parts.is_some(), || {
        format!("`channel.funding_outpoint` is {} instead of txid:index", shorten(outpoint))
    });
    if let Some((_, index)) = parts {
        collector.require("L0-164", reply, index.parse::<u16>().is_ok(), || {
            format!("the output index {index} has more than 16 bits")
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::invariant::testing::{completed, read};
    use crate::verdict::Verdict;

    #[test]
    fn completed_orders_have_their_channel() {
        let found = read(&completed());
        assert_eq!(found.broken(), Vec::<String>::new());
        for row in ["L1-208", "L1-209", "L1-211", "L1-212", "L1-230", "L1-236", "L0-164", "L0-165"]
        {
            assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
        }
        for (name, value, broken) in [
            ("funded_at", Value::Null, &["L0-161", "L1-208"][..]),
            ("funded_at", json!("2026-11-22T09:00:00.000Z"), &["L1-209"]),
            ("funded_at", json!("2026-11-22T11:00:00.000Z"), &["L1-209", "L1-212"]),
            ("expires_at", json!("2026-11-22T10:01:00.000Z"), &["L1-212"]),
            ("funding_outpoint", json!("abc:0"), &["L0-165"]),
            ("funding_outpoint", json!({"txid": "a"}), &["L0-165"]),
            ("funding_outpoint", json!(format!("{}:70000", "ab".repeat(32))), &["L0-164"]),
        ] {
            let mut order = completed();
            order["channel"][name] = value.clone();
            assert_eq!(read(&order).broken(), broken, "{name}: {value}");
        }
        let mut closed = completed();
        closed["channel"] = Value::Null;
        assert_eq!(read(&closed).broken(), ["L1-230", "L1-236"]);
        let mut early = completed();
        early["order_state"] = json!("CREATED");
        early["payment"]["bolt11"]["state"] = json!("HOLD");
        assert_eq!(read(&early).broken(), ["L1-096", "L1-207", "L1-236"]);
    }
}
