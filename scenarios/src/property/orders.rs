//! Requests whose parameters may be wrong: values on both sides of every bound, other types, missing and unknown
//! parameters, bad encodings, odd order ids.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::SBoxedStrategy;
use serde_json::{Value, json};

use super::addresses;
use super::case::{Call, Case, Writing};
use crate::action::Transport;
use crate::oracle::{Facts, Terms};

/// Changes to parameters; a null value is a value, `None` leaves the parameter out.
type Patch = Vec<(&'static str, Option<Value>)>;

/// create_order: for each kind of change, mostly with that alone.
pub(super) fn create_order(facts: &Facts) -> Vec<SBoxedStrategy<Case>> {
    let kinds = patches(facts);
    let any_kind = proptest::strategy::Union::new(kinds.clone());
    let with = |kind: SBoxedStrategy<Patch>| {
        // Shrinking can leave out the first change, too, if it is another that matters.
        let first = proptest::option::weighted(0.97, kind);
        let others = prop_oneof![
            5 => Just(Vec::new()),
            2 => prop::collection::vec(any_kind.clone(), 0..=2),
        ];
        (first, others, option(1, 20, writing(facts.transport)))
            .prop_map(|(first, others, writing)| {
                let mut call =
                    patched(Call::plain("create_order"), first.into_iter().chain(others));
                call.writing = writing;
                Case::of(call)
            })
            .sboxed()
    };
    kinds.into_iter().map(with).collect()
}

/// get_order for orders that are there, that aren't, and that can't be.
pub(super) fn get_order(facts: &Facts) -> SBoxedStrategy<Case> {
    let over_p2p = facts.transport == Transport::P2p;
    let mut ids = vec![
        json!("order[0]"),
        json!("00000000-0000-4000-8000-000000000000"),
        json!(""),
        json!("a".repeat(65)),
        json!("../x"),
        json!("' OR 1=1"),
        json!("órden-✓"),
        json!("a".repeat(64)),
    ];
    if over_p2p {
        ids.extend([
            json!("a".repeat(10_000)),
            json!(7),
            json!(null),
            json!(["x"]),
            json!({}),
            json!(true),
        ]);
    }
    let drawn = any::<u128>().prop_map(|bits| {
        json!(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid().to_string())
    });
    let id = prop_oneof![
        3 => Just(Some(json!("order[0]"))),
        5 => select(ids).prop_map(Some),
        1 => drawn.prop_map(Some),
        1 => Just(None),
    ];
    let unknown = option(u32::from(over_p2p), 5, unknown_param());
    let on = if over_p2p { vec!["main", "main", "main", "other"] } else { vec!["main"] };
    (id, unknown, select(on))
        .prop_map(|(id, unknown, on)| {
            let mut call = Call::plain("get_order");
            let names_order = id == Some(json!("order[0]"));
            match id {
                Some(id) => call = call.with("order_id", id),
                None => call.without.push("order_id".into()),
            }
            if let Some((name, value)) = unknown {
                call = call.with(name, value);
            }
            if names_order {
                call.on = on.into();
                return Case::after_order(call);
            }
            Case::of(call)
        })
        .sboxed()
}

/// list_protocols and get_info, with unknown parameters or without.
pub(super) fn without_params(facts: &Facts) -> SBoxedStrategy<Case> {
    if facts.transport == Transport::Rest {
        return Just(Case::of(Call::plain("get_info"))).sboxed();
    }
    let unknown = prop::collection::vec(unknown_param(), 0..=2);
    (select(vec!["list_protocols", "get_info"]), unknown, option(1, 3, writing(facts.transport)))
        .prop_map(|(method, unknown, writing)| {
            let mut call = Call::plain(method);
            for (name, value) in unknown {
                call = call.with(name, value);
            }
            call.writing = writing;
            Case::of(call)
        })
        .sboxed()
}

/// `Some` with the given odds.
pub(super) fn option<T: std::fmt::Debug + Clone + Send + Sync + 'static>(
    yes: u32,
    of: u32,
    strategy: impl Strategy<Value = T> + Send + Sync + 'static,
) -> SBoxedStrategy<Option<T>> {
    if yes == 0 {
        return Just(None).sboxed();
    }
    prop_oneof![of.saturating_sub(yes) => Just(None), yes => strategy.prop_map(Some)].sboxed()
}

fn patched(mut call: Call, patches: impl Iterator<Item = Patch>) -> Call {
    for (name, value) in patches.flatten() {
        match value {
            Some(value) => call = call.with(name, value),
            None => {
                call.with.remove(name);
                if !call.without.iter().any(|left_out| left_out == name) {
                    call.without.push(name.to_owned());
                }
            }
        }
    }
    call
}

/// The kinds of changes. What has the most bounds comes more than once.
fn patches(facts: &Facts) -> Vec<SBoxedStrategy<Patch>> {
    let terms = &facts.terms;
    let one = |name: &'static str, values: SBoxedStrategy<Option<Value>>| {
        values.prop_map(move |value| vec![(name, value)]).sboxed()
    };
    let (min_funding, min_confirmations) = (terms.min_funding_blocks, terms.min_confirmations);
    let funding = number(&[min_funding, min_funding.saturating_add(1)], u16::MAX.into());
    let confirmations =
        number(&[min_confirmations, min_confirmations.saturating_add(1)], u16::MAX.into());
    let expiry = number(&[1, terms.max_expiry_blocks], u32::MAX.into());
    let announce = select(vec![
        Some(json!(true)),
        None,
        Some(json!("yes")),
        Some(json!(1)),
        Some(json!(null)),
        Some(json!("true")),
        Some(json!([])),
    ]);
    let last = match facts.transport {
        Transport::P2p => {
            unknown_param().prop_map(|(name, value)| vec![(name, Some(value))]).sboxed()
        }
        Transport::Rest => one("public_key", public_key(&terms.base)),
    };
    vec![
        one("lsp_balance_sat", amount(terms.lsp_balance)),
        one("client_balance_sat", amount(terms.client_balance)),
        balances(terms),
        one("required_channel_confirmations", confirmations),
        one("funding_confirms_within_blocks", funding),
        one("channel_expiry_blocks", expiry),
        one("announce_channel", announce.sboxed()),
        one("token", token(facts)),
        one("refund_onchain_address", address(facts)),
        last,
        one("lsp_balance_sat", amount(terms.lsp_balance)),
        one("client_balance_sat", amount(terms.client_balance)),
    ]
}

/// An amount: at and beyond its bounds, between them, or none at all.
fn amount((min, max): (u64, u64)) -> SBoxedStrategy<Option<Value>> {
    let text = |amount: u64| json!(amount.to_string());
    let bounds = vec![
        text(min),
        text(max),
        text(max.saturating_add(1)),
        text(min.saturating_sub(1)),
        text(0),
        text(1),
    ];
    // What clients get wrong most.
    let usual = vec![
        json!(min),
        json!(null),
        json!(""),
        json!("-1"),
        json!("18446744073709551615"),
        json!("18446744073709551616"),
    ];
    let odd = vec![
        json!("9007199254740993"),
        json!(format!("000{min}")),
        json!("1.5"),
        json!("1e5"),
        json!("+1"),
        json!(" 1"),
        json!("1 "),
        json!("0x10"),
        json!("abc"),
        json!("1,000"),
        json!("١"),
        json!(true),
        json!([]),
        json!({}),
        json!(1.5),
    ];
    prop_oneof![
        5 => select(bounds).prop_map(Some),
        3 => select(usual).prop_map(Some),
        2 => select(odd).prop_map(Some),
        1 => Just(None),
        1 => (min.min(max)..=max).prop_map(move |amount| Some(text(amount))),
        1 => (max.saturating_add(1)..=u64::MAX).prop_map(move |amount| Some(text(amount))),
    ]
    .sboxed()
}

/// Both balances: each at its bounds with the sum in range, and the sum at and beyond its bounds.
fn balances(terms: &Terms) -> SBoxedStrategy<Patch> {
    let (lsp, client) = (range(terms.lsp_balance, 1), range(terms.client_balance, 0));
    let (min, max) = (i128::from(terms.channel_balance.0), i128::from(terms.channel_balance.1));
    let mut choices: Vec<SBoxedStrategy<Patch>> = Vec::new();
    for (of, other, names) in [
        (lsp, client, ["lsp_balance_sat", "client_balance_sat"]),
        (client, lsp, ["client_balance_sat", "lsp_balance_sat"]),
    ] {
        for fixed in [of.0, of.1] {
            let (from, to) = (other.0.max(min - fixed), other.1.min(max - fixed));
            if from <= to {
                choices.push((from..=to).prop_map(move |rest| both(names, fixed, rest)).sboxed());
            }
        }
    }
    for sum in [min, max, min - 1, max + 1] {
        let (from, to) = (lsp.0.max(sum - client.1), lsp.1.min(sum - client.0));
        if from <= to {
            let names = ["lsp_balance_sat", "client_balance_sat"];
            choices.push((from..=to).prop_map(move |lsp| both(names, lsp, sum - lsp)).sboxed());
        }
    }
    let most = i128::from(u64::MAX);
    choices.push(Just(both(["lsp_balance_sat", "client_balance_sat"], most, most)).sboxed());
    proptest::strategy::Union::new(choices).sboxed()
}

fn range((min, max): (u64, u64), least: u64) -> (i128, i128) {
    (min.max(least).into(), max.into())
}

fn both(names: [&'static str; 2], first: i128, second: i128) -> Patch {
    vec![(names[0], Some(json!(first.to_string()))), (names[1], Some(json!(second.to_string())))]
}

/// A number of blocks: `around` some values, at the greatest one and beyond it, or none at all.
fn number(around: &[u64], greatest: u64) -> SBoxedStrategy<Option<Value>> {
    let mut values: Vec<Value> = Vec::new();
    for value in around {
        values.push(json!(value));
        values.push(json!(value.saturating_add(1)));
        if *value > 0 {
            values.push(json!(value - 1));
        }
    }
    let at_least = around.first().copied().unwrap_or_default();
    values.push(json!(greatest));
    let odd = vec![
        json!(greatest + 1),
        json!(-1),
        json!(1.5),
        json!(6.0),
        json!(at_least.to_string()),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
    ];
    prop_oneof![
        4 => select(values).prop_map(Some),
        4 => select(odd).prop_map(Some),
        1 => Just(None),
        1 => (at_least.min(greatest)..=greatest).prop_map(|number| Some(json!(number))),
    ]
    .sboxed()
}

fn token(facts: &Facts) -> SBoxedStrategy<Option<Value>> {
    let mut fixed = vec![json!(""), json!(null), json!(7), json!({}), json!([])];
    if facts.token.is_some() {
        fixed.insert(0, json!("token[0]"));
    }
    let drawn = any::<u128>().prop_map(|bits| Some(json!(format!("{bits:032x}"))));
    prop_oneof![2 => select(fixed).prop_map(Some), 1 => drawn].sboxed()
}

fn address(facts: &Facts) -> SBoxedStrategy<Option<Value>> {
    let addresses = addresses::of(facts.address_prefix.as_deref().unwrap_or_default());
    let others = [addresses.foreign, addresses.later_version, "", "nope"];
    let values: Vec<Value> = addresses
        .good
        .into_iter()
        .chain(others)
        .chain(addresses.bad)
        .map(Value::from)
        .chain([json!(null), json!(7), json!({})])
        .collect();
    select(values).prop_map(Some).sboxed()
}

/// The key in upper case, keys of other lengths and prefixes, one that is no point, and none.
fn public_key(base: &serde_json::Map<String, Value>) -> SBoxedStrategy<Option<Value>> {
    let own = base.get("public_key").and_then(Value::as_str).unwrap_or_default();
    let cut = |length: usize| own.get(..length).unwrap_or_default().to_owned();
    let digits = own.get(2..).unwrap_or_default();
    let off_the_curve = format!("02{}05", "0".repeat(62));
    select(vec![
        Some(json!(own.to_ascii_uppercase())),
        None,
        Some(json!("")),
        Some(json!(7)),
        Some(json!(null)),
        Some(json!(cut(64))),
        Some(json!(format!("{own}98"))),
        Some(json!(format!("04{digits}"))),
        Some(json!(format!("{}zz", cut(64)))),
        Some(json!(off_the_curve)),
    ])
    .sboxed()
}

/// A parameter that no method knows over custom messages, or a known one misspelt.
fn unknown_param() -> impl Strategy<Value = (&'static str, Value)> + Clone + Send + Sync {
    let names =
        vec!["zz", "client_info", "api_version", "public_key", "Token", "lsp_balance", "order"];
    (select(names), select(vec![json!(1), json!({}), json!("x"), json!(null), json!([1])]))
}

/// White space, another order of members, escapes, the greatest length.
pub(super) fn writing(transport: Transport) -> SBoxedStrategy<Writing> {
    let space = || "[ \\t\\r\\n]{0,4}";
    let spaced = (space(), space()).prop_map(|(before, after)| Writing {
        before,
        after,
        ..Writing::default()
    });
    let members: Vec<String> = match transport {
        Transport::P2p => vec!["jsonrpc", "id", "method", "params"],
        Transport::Rest => vec!["announce_channel", "public_key", "token", "lsp_balance_sat"],
    }
    .into_iter()
    .map(str::to_owned)
    .collect();
    let ordered =
        Just(members).prop_shuffle().prop_map(|members| Writing { members, ..Writing::default() });
    if transport == Transport::Rest {
        return prop_oneof![spaced, ordered].sboxed();
    }
    let escaped = Just(Writing { escaped: true, ..Writing::default() });
    let padded = Just(Writing { pad_to: Some(65_533), ..Writing::default() });
    prop_oneof![3 => spaced, 3 => ordered, 2 => escaped, 1 => padded].sboxed()
}
