//! The parameters of create_order, each by itself and against the options of get_info (bLIP-51 section 2).

use serde_json::{Map, Value};

use super::{Expected, Facts, Fault, Feature, Terms};
use crate::action::Transport;
use crate::decode::{address, sat};
use crate::json::shorten;

/// The parameters of create_order.
pub(super) const FIELDS: &[&str] = &[
    "lsp_balance_sat",
    "client_balance_sat",
    "required_channel_confirmations",
    "funding_confirms_within_blocks",
    "channel_expiry_blocks",
    "token",
    "refund_onchain_address",
    "announce_channel",
];

pub(super) fn judge(params: Option<&Map<String, Value>>, facts: &Facts, expected: &mut Expected) {
    let none = Map::new();
    let mut features = features(params.unwrap_or(&none), facts);
    // What the smallest order shows as well isn't what makes this one special.
    let usual = self::features(&facts.terms.base, facts);
    features.retain(|feature| !usual.contains(feature));
    let rows: &[&'static str] = match facts.transport {
        Transport::P2p => &["L0-120"],
        Transport::Rest => &["RD-010"],
    };
    features.push(Feature::new(rows, &[], "it is an order within the options"));
    expected.features.append(&mut features);
    let Some(params) = params.filter(|params| FIELDS.iter().any(|name| params.contains_key(*name)))
    else {
        let required = ["lsp_balance_sat", "client_balance_sat", "required_channel_confirmations"];
        let others =
            ["funding_confirms_within_blocks", "channel_expiry_blocks", "announce_channel"];
        let fault = Fault::new(&["L1-076", "L1-103"], "there are no params");
        let properties: Vec<&str> = required.into_iter().chain(others).collect();
        return expected.faults.push(fault.code(-32602, &properties));
    };
    judge_balances(params, &facts.terms, expected);
    judge_number(
        params,
        ("required_channel_confirmations", &["L1-054", "L1-103"], u16::MAX.into()),
        (
            "min_required_channel_confirmations",
            &["L1-055", "L1-100"],
            facts.terms.min_confirmations,
        ),
        expected,
    );
    judge_number(
        params,
        ("funding_confirms_within_blocks", &["L1-057", "L1-103"], u16::MAX.into()),
        (
            "min_funding_confirms_within_blocks",
            &["L1-058", "L1-100"],
            facts.terms.min_funding_blocks,
        ),
        expected,
    );
    judge_expiry(params, &facts.terms, expected);
    judge_token(params, facts, expected);
    judge_address(params, facts, expected);
    let announce = params.get("announce_channel");
    if !announce.is_some_and(Value::is_boolean) {
        expected.faults.push(invalid("announce_channel", &["L1-071", "L1-103"], announce));
    }
}

/// A value that isn't one of the field's type.
fn invalid(field: &'static str, rows: &[&'static str], found: Option<&Value>) -> Fault {
    let found = found.map_or_else(|| "missing".into(), shorten);
    Fault::new(rows, format!("{field} is {found}")).code(-32602, &[field])
}

/// One of the two balances, with what the options say about it.
struct Balance {
    field: &'static str,
    type_rows: [&'static str; 2],
    min: (&'static str, u64, &'static str),
    max: (&'static str, u64, &'static str),
}

fn judge_balances(params: &Map<String, Value>, terms: &Terms, expected: &mut Expected) {
    let lsp = Balance {
        field: "lsp_balance_sat",
        type_rows: ["L1-041", "L1-103"],
        min: ("min_initial_lsp_balance_sat", terms.lsp_balance.0, "L1-045"),
        max: ("max_initial_lsp_balance_sat", terms.lsp_balance.1, "L1-044"),
    };
    let client = Balance {
        field: "client_balance_sat",
        type_rows: ["L1-042", "L1-103"],
        min: ("min_initial_client_balance_sat", terms.client_balance.0, "L1-049"),
        max: ("max_initial_client_balance_sat", terms.client_balance.1, "L1-048"),
    };
    let lsp = judge_balance(&lsp, params, expected);
    let client = judge_balance(&client, params, expected);
    let (Some(lsp), Some(client)) = (lsp, client) else { return };
    let sum = u128::from(lsp) + u128::from(client);
    let (min, max) = terms.channel_balance;
    let says = format!("lsp_balance_sat and client_balance_sat are together {sum}");
    if sum > u64::MAX.into() {
        expected.faults.push(
            Fault::new(&["L1-053"], says)
                .code(100, &[])
                .code(-32602, &["lsp_balance_sat", "client_balance_sat"]),
        );
    } else if sum > max.into() {
        expected.faults.push(
            Fault::new(&["L1-051", "L1-100"], says)
                .option(&["max_channel_balance_sat"], "lsp_balance_sat"),
        );
    } else if sum < min.into() {
        expected.faults.push(
            Fault::new(&["L1-052", "L1-100"], says)
                .option(&["min_channel_balance_sat"], "lsp_balance_sat"),
        );
    }
}

/// The amount, if it is one of 64 bits.
fn judge_balance(
    balance: &Balance,
    params: &Map<String, Value>,
    expected: &mut Expected,
) -> Option<u64> {
    let Balance { field, type_rows, min, max } = balance;
    let value = params.get(*field);
    let amount = match value.map(sat::read) {
        Some(Ok(amount)) => amount,
        Some(Err(sat::SatError::TooLarge)) => {
            expected.faults.push(
                Fault::new(&["L0-138"], format!("{field} has more than 64 bits"))
                    .code(-32602, &[field])
                    .option(&[max.0, "max_channel_balance_sat"], field),
            );
            return None;
        }
        Some(Err(_)) | None => {
            expected.faults.push(invalid(field, type_rows, value));
            return None;
        }
    };
    if !amount.canonical {
        expected.openings.push(invalid(field, &["L0-137"], value));
    }
    let amount = amount.amount;
    let says = format!("{field} is {amount}, outside of {} to {}", min.1, max.1);
    if amount > max.1 {
        expected.faults.push(Fault::new(&[max.2, "L1-100"], says).option(&[max.0], field));
    } else if amount == 0 && *field == "lsp_balance_sat" {
        // Whether the rule of the field or the option is named isn't said.
        expected.faults.push(
            Fault::new(&["L1-043"], "lsp_balance_sat is 0")
                .code(-32602, &[field])
                .option(&[min.0, "min_channel_balance_sat"], field),
        );
    } else if amount < min.1 {
        expected.faults.push(Fault::new(&[min.2, "L1-100"], says).option(&[min.0], field));
    }
    Some(amount)
}

/// An unsigned number with a minimum; `field` has its name, rows and greatest value, `option` its name, rows and value.
fn judge_number(
    params: &Map<String, Value>,
    field: (&'static str, &[&'static str], u64),
    option: (&'static str, &[&'static str], u64),
    expected: &mut Expected,
) -> Option<u64> {
    let value = params.get(field.0);
    let Some(number) = value.and_then(whole_number).filter(|number| *number <= field.2) else {
        expected.faults.push(invalid(field.0, field.1, value));
        return None;
    };
    if value.is_some_and(Value::is_f64) {
        // Whether 6.0 is an integer is the reader's choice.
        expected.openings.push(invalid(field.0, field.1, value));
    }
    if number < option.2 {
        let says = format!("{} is {number}, less than {}", field.0, option.2);
        expected.faults.push(Fault::new(option.1, says).option(&[option.0], field.0));
    }
    Some(number)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
fn whole_number(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|f| f.fract() == 0.0 && (0.0..9e15).contains(f));
    value.as_u64().or_else(|| float().map(|float| float as u64))
}

fn judge_expiry(params: &Map<String, Value>, terms: &Terms, expected: &mut Expected) {
    let field = "channel_expiry_blocks";
    let shape = (field, &["L1-062", "L1-103"][..], u32::MAX.into());
    let Some(blocks) = judge_number(params, shape, (field, &[], 0), expected) else { return };
    let max = terms.max_expiry_blocks;
    if blocks == 0 {
        expected.faults.push(
            Fault::new(&["L1-063"], format!("{field} is 0"))
                .code(-32602, &[field])
                .code(100, &["max_channel_expiry_blocks", field]),
        );
    } else if blocks > max {
        expected.faults.push(
            Fault::new(&["L1-064", "L1-100"], format!("{field} is {blocks}, more than {max}"))
                .option(&["max_channel_expiry_blocks"], field),
        );
    }
}

fn judge_token(params: &Map<String, Value>, facts: &Facts, expected: &mut Expected) {
    match params.get("token") {
        None => {}
        Some(Value::String(token)) if token.is_empty() || facts.token.as_ref() == Some(token) => {}
        Some(Value::String(_)) => {
            let unknown = Fault::new(&["L1-107"], "the token is unknown").code(102, &[]);
            match facts.any_token {
                true => expected.openings.push(unknown),
                false => expected.faults.push(unknown),
            }
        }
        // As good as left out, or no text.
        null @ Some(Value::Null) => {
            expected.openings.push(invalid("token", &["L1-065"], null));
        }
        other => expected.faults.push(invalid("token", &["L1-065", "L1-103"], other)),
    }
}

fn judge_address(params: &Map<String, Value>, facts: &Facts, expected: &mut Expected) {
    let field = "refund_onchain_address";
    let value = params.get(field);
    let text = match value {
        None => return,
        Some(Value::Null) => {
            return expected.openings.push(invalid(field, &["L1-068"], value));
        }
        Some(Value::String(text)) if text.is_empty() => {
            // Wallets send it on REST, where it has to be taken as none (RD-012).
            if facts.transport == Transport::P2p {
                expected.openings.push(invalid(field, &["L1-068"], value));
            }
            return;
        }
        Some(Value::String(text)) => text,
        other => return expected.faults.push(invalid(field, &["L1-068", "L1-103"], other)),
    };
    let Ok(address) = address::read(text) else {
        return expected.faults.push(invalid(field, &["L0-159", "L1-068"], value));
    };
    match &facts.address_prefix {
        Some(prefix) if !has_prefix(text, prefix) => {
            expected.faults.push(invalid(field, &["L0-160"], value));
        }
        Some(_) if address.is_common_kind() => {}
        // Other versions may be refused; whether the network is the right one can't always be told.
        Some(_) => expected.openings.push(invalid(field, &["L0-158"], value)),
        None => expected.openings.push(invalid(field, &["L0-160"], value)),
    }
}

fn has_prefix(address: &str, prefix: &str) -> bool {
    address.rsplit_once('1').is_some_and(|(found, _)| found.eq_ignore_ascii_case(prefix))
}

/// What is special about an order, as far as its parameters can be read.
fn features(params: &Map<String, Value>, facts: &Facts) -> Vec<Feature> {
    let terms = &facts.terms;
    let mut features = Vec::new();
    let mut add = |applies: bool, rows: &[&'static str], names: &[&'static str], says| {
        if applies {
            features.push(Feature::new(rows, names, says));
        }
    };
    let amount = |name: &str| params.get(name).and_then(sat::amount);
    let (lsp, client) = (amount("lsp_balance_sat"), amount("client_balance_sat"));
    let lsp_names = |option| ["lsp_balance_sat", option];
    let client_names = |option| ["client_balance_sat", option];
    add(
        lsp == Some(terms.lsp_balance.0),
        &["L1-046"],
        &lsp_names("min_initial_lsp_balance_sat"),
        "lsp_balance_sat is its minimum",
    );
    add(
        lsp == Some(terms.lsp_balance.1),
        &["L1-046"],
        &lsp_names("max_initial_lsp_balance_sat"),
        "lsp_balance_sat is its maximum",
    );
    add(
        client == Some(terms.client_balance.0),
        &["L1-050"],
        &client_names("min_initial_client_balance_sat"),
        "client_balance_sat is its minimum",
    );
    add(
        client == Some(terms.client_balance.1),
        &["L1-050"],
        &client_names("max_initial_client_balance_sat"),
        "client_balance_sat is its maximum",
    );
    add(client == Some(0), &["L1-047"], &["client_balance_sat"], "client_balance_sat is 0");
    let sum = lsp.zip(client).and_then(|(lsp, client)| lsp.checked_add(client));
    add(
        sum == Some(terms.channel_balance.0),
        &["L1-052"],
        &["min_channel_balance_sat"],
        "the balances are together the least channel",
    );
    add(
        sum == Some(terms.channel_balance.1),
        &["L1-051"],
        &["max_channel_balance_sat"],
        "the balances are together the greatest channel",
    );
    let number = |name: &str| params.get(name).and_then(Value::as_u64);
    let confirmations = number("required_channel_confirmations");
    add(
        confirmations.is_some_and(|number| number > terms.min_confirmations),
        &["L1-056"],
        &["required_channel_confirmations", "min_required_channel_confirmations"],
        "more confirmations than the minimum",
    );
    let funding = number("funding_confirms_within_blocks");
    add(
        funding.is_some_and(|number| number > terms.min_funding_blocks),
        &["L1-059"],
        &["funding_confirms_within_blocks", "min_funding_confirms_within_blocks"],
        "more blocks until the funding than the minimum",
    );
    let expiry = number("channel_expiry_blocks");
    add(
        expiry.is_some_and(|number| number < terms.max_expiry_blocks),
        &["L1-064"],
        &["channel_expiry_blocks", "max_channel_expiry_blocks"],
        "a shorter lease than the maximum",
    );
    let token = params.get("token").and_then(Value::as_str);
    let (empty_token, empty_address): (&[&str], &[&str]) = match facts.transport {
        Transport::P2p => (&["L1-067"], &[]),
        Transport::Rest => (&["L1-067", "RD-013"], &["RD-012"]),
    };
    add(token == Some(""), empty_token, &["token"], "the token is empty");
    let good =
        token.is_some_and(|token| !token.is_empty() && Some(token) == facts.token.as_deref());
    add(good, &["L1-087"], &["token"], "the token is good");
    let address = params.get("refund_onchain_address").and_then(Value::as_str);
    let names = &["refund_onchain_address"];
    let is_empty = address == Some("") && !empty_address.is_empty();
    add(is_empty, empty_address, names, "the refund address is empty");
    if let Some(address) = address.filter(|address| !address.is_empty()) {
        let is_upper = !address.bytes().any(|byte| byte.is_ascii_lowercase());
        add(is_upper, &["L0-159"], names, "the refund address is in upper case");
        add(!is_upper, &["L0-156"], names, "there is a refund address");
    }
    let announced = params.get("announce_channel") == Some(&Value::Bool(true));
    add(announced, &["L1-071"], &["announce_channel"], "the channel is announced");
    features
}
