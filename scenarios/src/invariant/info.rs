//! The result of get_info: L1-011 to L1-022, L1-024 to L1-035.

use serde_json::Value;

use super::collect::Collector;
use super::view::{Reply, View};
use crate::decode::sat::{self, SatError};
use crate::json::shorten;
use crate::known::OPTIONS;

/// Amounts: option, row of its type, row of 'not negative'.
const AMOUNTS: [(&str, &str, &str); 6] = [
    ("min_initial_client_balance_sat", "L1-016", "L1-026"),
    ("max_initial_client_balance_sat", "L1-017", "L1-027"),
    ("min_initial_lsp_balance_sat", "L1-018", "L1-028"),
    ("max_initial_lsp_balance_sat", "L1-019", "L1-029"),
    ("min_channel_balance_sat", "L1-020", "L1-030"),
    ("max_channel_balance_sat", "L1-021", "L1-031"),
];

/// Ranges: row, minimum, maximum.
const RANGES: [(&str, &str, &str); 3] = [
    ("L1-032", "min_initial_client_balance_sat", "max_initial_client_balance_sat"),
    ("L1-033", "min_initial_lsp_balance_sat", "max_initial_lsp_balance_sat"),
    ("L1-034", "min_channel_balance_sat", "max_channel_balance_sat"),
];

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>) {
    for (reply, info) in view.results("lsps1.get_info") {
        if !info.is_object() {
            continue;
        }
        let nested = info
            .get("options")
            .filter(|options| OPTIONS.iter().any(|name| options.get(name).is_some()));
        collector.require("L1-011", reply, nested.is_none(), || {
            "the options are inside of `options`".into()
        });
        if nested.is_some() {
            // An older dialect: what its options say can't be judged by the rules of this one.
            continue;
        }
        judge_numbers(reply, info, collector);
        judge_amounts(reply, info, collector);
    }
}

fn judge_numbers(reply: &Reply<'_>, info: &Value, collector: &mut Collector<'_>) {
    let numbers = [
        ("min_required_channel_confirmations", "L1-012", u64::from(u16::MAX), "L1-022", 0),
        ("min_funding_confirms_within_blocks", "L1-013", u64::from(u16::MAX), "L1-024", 1),
        ("max_channel_expiry_blocks", "L1-015", u64::from(u32::MAX), "L1-025", 1),
    ];
    for (name, type_row, most, least_row, least) in numbers {
        let value = info.get(name);
        let fits = value.and_then(Value::as_u64).is_some_and(|number| number <= most);
        collector.require(type_row, reply, fits, || {
            format!("`{name}` is {} instead of an integer from 0 to {most}", shown(value))
        });
        if let Some(number) = value.filter(|value| value.is_i64() || value.is_u64()) {
            let holds = number.as_u64().is_some_and(|number| number >= least);
            collector.require(least_row, reply, holds, || {
                format!("`{name}` is {number}, less than {least}")
            });
        }
    }
    let reserve = info.get("supports_zero_channel_reserve");
    collector.require("L1-014", reply, reserve.is_some_and(Value::is_boolean), || {
        format!("`supports_zero_channel_reserve` is {} instead of a boolean", shown(reserve))
    });
}

fn judge_amounts(reply: &Reply<'_>, info: &Value, collector: &mut Collector<'_>) {
    for (name, type_row, least_row) in AMOUNTS {
        let Some(value) = info.get(name) else {
            collector.check(type_row, reply, Err(format!("`{name}` is not there")));
            continue;
        };
        let read = sat::read(value);
        collector.check(
            type_row,
            reply,
            read.map(drop).map_err(|error| format!("`{name}` is {}: {error}", shorten(value))),
        );
        match read {
            Ok(_) => collector.check(least_row, reply, Ok(())),
            Err(SatError::Negative) => {
                collector.check(least_row, reply, Err(format!("`{name}` is {value}")))
            }
            Err(_) => {}
        }
    }
    let amount = |name: &str| info.get(name).and_then(sat::amount);
    for (row, min, max) in RANGES {
        if let (Some(least), Some(most)) = (amount(min), amount(max)) {
            collector.require(row, reply, least <= most, || {
                format!("`{min}` is {least}, more than `{max}`, {most}")
            });
        }
    }
    let all: Option<Vec<u64>> = AMOUNTS.iter().map(|(name, _, _)| amount(name)).collect();
    if let Some([min_client, max_client, min_lsp, max_lsp, min_channel, max_channel]) =
        all.as_deref()
    {
        // In 128 bits no sum of two amounts overflows.
        let wide = |amount: &u64| u128::from(*amount);
        let least = wide(min_client) + wide(min_lsp).max(1);
        let most = wide(max_client) + wide(max_lsp);
        let possible = wide(min_lsp).max(1) <= wide(max_lsp)
            && min_client <= max_client
            && least <= wide(max_channel)
            && most >= wide(min_channel)
            && min_channel <= max_channel;
        collector
            .require("L1-035", reply, possible, || "no order satisfies all ranges at once".into());
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "(none)".into(), shorten)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::base::tests::info;
    use crate::invariant::testing::{Found, p2p_call, rest_call};
    use crate::verdict::{Profile, Verdict};

    fn judged(info: Value) -> Found {
        p2p_call("lsps1.get_info", json!({}), json!({"result": info}), Profile::Strict)
    }

    #[test]
    fn a_good_info_keeps_all_rows_on_both_transports() {
        let mut rows: Vec<String> =
            (11..=35).filter(|row| *row != 23).map(|row| format!("L1-0{row}")).collect();
        rows.extend(["L0-136".into(), "L0-137".into()]);
        for found in [judged(info()), rest_call("lsps1.get_info", json!({}), 200, &info())] {
            assert_eq!(found.broken(), Vec::<String>::new());
            for row in &rows {
                assert_eq!(found.verdict(row), Some(Verdict::Pass), "{row}");
            }
        }
    }

    #[test]
    fn each_deviation_is_found_and_no_other() {
        for (name, value, broken) in [
            ("min_required_channel_confirmations", json!("0"), &["L1-012"][..]),
            ("min_required_channel_confirmations", json!(65536), &["L1-012"]),
            ("min_required_channel_confirmations", json!(1.5), &["L1-012"]),
            ("min_required_channel_confirmations", json!(-1), &["L1-012", "L1-022"]),
            ("min_funding_confirms_within_blocks", json!(null), &["L1-013"]),
            ("min_funding_confirms_within_blocks", json!(0), &["L1-024"]),
            ("supports_zero_channel_reserve", json!("true"), &["L1-014"]),
            ("max_channel_expiry_blocks", json!(4294967296u64), &["L1-015"]),
            ("max_channel_expiry_blocks", json!(0), &["L1-025"]),
            ("min_initial_client_balance_sat", json!(0), &["L0-136", "L1-016"]),
            ("max_initial_client_balance_sat", json!("1.5"), &["L0-136", "L1-017"]),
            ("min_initial_lsp_balance_sat", json!(null), &["L0-136", "L1-018"]),
            ("min_initial_lsp_balance_sat", json!("-1"), &["L0-136", "L1-018", "L1-028"]),
            ("max_initial_lsp_balance_sat", json!("18446744073709551616"), &["L0-136", "L1-019"]),
            ("min_channel_balance_sat", json!("050000"), &["L0-137"]),
            ("max_channel_balance_sat", json!("49999"), &["L1-034", "L1-035"]),
            ("min_initial_client_balance_sat", json!("1000001"), &["L1-032", "L1-035"]),
            ("max_initial_lsp_balance_sat", json!("19999"), &["L1-033", "L1-035"]),
            ("min_initial_lsp_balance_sat", json!("10000000"), &[]),
        ] {
            let mut info = info();
            info[name] = value.clone();
            assert_eq!(judged(info).broken(), broken, "{name}: {value}");
        }
        let mut absent = info();
        absent.as_object_mut().unwrap().remove("max_channel_balance_sat");
        assert_eq!(judged(absent).broken(), ["L1-021"]);
        assert_eq!(judged(json!({"options": info()})).broken(), ["L1-011"]);
    }

    #[test]
    fn unknown_keys_and_equal_bounds_are_legal() {
        let mut other = info();
        other["min_onchain_payment_size_sat"] = Value::Null;
        other["zz"] = json!({"x_sat": 7});
        other["max_initial_client_balance_sat"] = json!("0");
        assert_eq!(judged(other).broken(), Vec::<String>::new());
    }
}
