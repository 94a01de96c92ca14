//! The strategies generate what they are there for, and the oracle has an opinion on all of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::render::Names;
use super::*;
use crate::base::tests::info;
use crate::oracle::{self, Expected, KnownOrder, Terms};
use crate::requirement::{Catalogue, RequirementId};

const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const ORDER: &str = "bb4b5d0a-8334-49d8-9463-90a6d413af7c";

fn facts(transport: Transport) -> Facts {
    // Bounds of which each can be broken by itself.
    let mut info = info();
    info["min_required_channel_confirmations"] = json!(2);
    info["min_initial_client_balance_sat"] = json!("1000");
    info["max_channel_balance_sat"] = json!("10500000");
    let key = (transport == Transport::Rest).then_some(KEY);
    Facts {
        transport,
        terms: Terms::read(&info, key).unwrap(),
        address_prefix: Some("bcrt".into()),
        token: Some("SPRING27".into()),
        any_token: false,
        orders: vec![KnownOrder { id: ORDER.into(), owner: "main".into(), reconnected: false }],
        asker: "main".into(),
    }
}

/// So many cases of a property.
fn drawn(property: Property, facts: &Facts, possible: Possible, count: usize) -> Vec<Case> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
    let config = Config { failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategies = cases(property, facts, possible);
    let turns = strategies.iter().cycle().take(count);
    turns.map(|strategy| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// What is expected of the last request of a case.
fn expected(case: &Case, facts: &Facts) -> Expected {
    let orders = [ORDER.to_owned()];
    let names = Names { base: &facts.terms.base, orders: &orders, token: facts.token.as_deref() };
    let mut facts = facts.clone();
    match case.steps.last().unwrap() {
        Step::Send { send } => oracle::expect_message(&send.bytes(), &facts),
        Step::Http { http } => oracle::expect_http(
            &crate::HttpRequest {
                method: http.method.clone(),
                path: http.path.clone(),
                query: Vec::new(),
                headers: Vec::new(),
                body: Some(http.body.clone().into_bytes()),
            },
            &facts,
        ),
        Step::Call(call) => {
            facts.asker.clone_from(&call.on);
            match facts.transport {
                Transport::P2p => {
                    let id = "7f7e5a1e-8d0b-4a4e-9c8e-0c1f4f6d2a11";
                    oracle::expect_message(&names.message(call, id).unwrap(), &facts)
                }
                Transport::Rest => oracle::expect_http(&names.http(call).unwrap(), &facts),
            }
        }
        other => panic!("{other:?} is no request"),
    }
}

#[test]
fn every_row_that_the_oracle_knows_is_generated_and_it_names_no_other() {
    // Told only by the answers, or only after a reconnect.
    let by_answer = [
        "L0-023", "L0-024", "L0-025", "L0-026", "L0-081", "L0-082", "L1-075", "L1-102", "L1-104",
        "L1-105", "L1-111", "L1-112", "L1-121",
    ];
    for transport in [Transport::P2p, Transport::Rest] {
        let facts = facts(transport);
        let is_judged = |row: &str| {
            let row = Catalogue::builtin().get(&row.into()).unwrap();
            if transport == Transport::P2p { row.on_p2p() } else { row.on_rest() }
        };
        let mut named: BTreeMap<&'static str, usize> = BTreeMap::new();
        for case in drawn(Property::Requests, &facts, Possible::default(), 3_000) {
            for row in expected(&case, &facts).rows().filter(|row| is_judged(row)) {
                *named.entry(row).or_default() += 1;
            }
        }
        let known: BTreeSet<RequirementId> = oracle::rows(transport).into_iter().collect();
        for row in named.keys() {
            assert!(
                known.contains(&RequirementId::from(*row)),
                "{transport}: {row} is not declared"
            );
        }
        for row in &known {
            assert!(is_judged(row.as_str()), "{row} isn't judged over {transport}");
            let generated = named.contains_key(row.as_str()) || by_answer.contains(&row.as_str());
            assert!(generated, "{transport}: {row} is never generated");
        }
    }
}

#[test]
fn every_class_of_values_is_generated_for_every_field() {
    let facts = facts(Transport::P2p);
    let cases = drawn(Property::Requests, &facts, Possible::default(), 3_000);
    let mut seen: BTreeSet<(String, &str)> = BTreeSet::new();
    let (mut right, mut single, mut several) = (0, 0, 0);
    for case in &cases {
        let expected = expected(case, &facts);
        match expected.faults.len() {
            0 => right += 1,
            1 => single += 1,
            _ => several += 1,
        }
        let Some(Step::Call(call)) = case.steps.last() else { continue };
        for name in &call.without {
            seen.insert((name.clone(), "missing"));
        }
        for (name, value) in &call.with {
            let bounds = match name.as_str() {
                "lsp_balance_sat" => facts.terms.lsp_balance,
                "client_balance_sat" => facts.terms.client_balance,
                "required_channel_confirmations" => {
                    (facts.terms.min_confirmations, u16::MAX.into())
                }
                "funding_confirms_within_blocks" => {
                    (facts.terms.min_funding_blocks, u16::MAX.into())
                }
                "channel_expiry_blocks" => (1, facts.terms.max_expiry_blocks),
                _ => (0, 0),
            };
            let number = crate::decode::sat::amount(value).or_else(|| value.as_u64());
            seen.insert((
                name.clone(),
                match number {
                    _ if value.is_null() => "null",
                    _ if value.is_string() && !name.ends_with("_sat") => "text",
                    Some(number) if number < bounds.0 => "below",
                    Some(number) if number == bounds.0 => "least",
                    Some(number) if number == bounds.1 => "greatest",
                    Some(number) if number > bounds.1 => "above",
                    Some(_) => "between",
                    None if value.is_string() => "text",
                    None => "other type",
                },
            ));
        }
    }
    for field in ["lsp_balance_sat", "client_balance_sat"] {
        for class in [
            "missing",
            "null",
            "below",
            "least",
            "between",
            "greatest",
            "above",
            "text",
            "other type",
        ] {
            assert!(seen.contains(&(field.into(), class)), "{field} {class}");
        }
    }
    for field in [
        "required_channel_confirmations",
        "funding_confirms_within_blocks",
        "channel_expiry_blocks",
    ] {
        for class in [
            "missing",
            "null",
            "below",
            "least",
            "between",
            "greatest",
            "above",
            "text",
            "other type",
        ] {
            assert!(seen.contains(&(field.into(), class)), "{field} {class}");
        }
    }
    // Requests that are right, wrong in one way and wrong in several come all in numbers.
    for count in [right, single, several] {
        assert!(count > cases.len() / 20, "{right} right, {single} single, {several} several");
    }
}

#[test]
fn a_few_hundred_cases_are_of_most_kinds() {
    for (transport, least) in [(Transport::P2p, 60), (Transport::Rest, 40)] {
        let facts = facts(transport);
        let cases = drawn(Property::Requests, &facts, Possible::default(), 200);
        let rows: BTreeSet<&str> = cases
            .iter()
            .flat_map(|case| expected(case, &facts).rows().collect::<Vec<_>>())
            .collect();
        assert!(rows.len() >= least, "{transport}: {}", rows.len());
    }
}

#[test]
fn what_cant_be_done_isnt_generated() {
    let facts = facts(Transport::P2p);
    let kinds = |possible: Possible| -> BTreeSet<&'static str> {
        let cases = drawn(Property::Sequences, &facts, possible, 300);
        let steps = cases.iter().flat_map(|case| &case.steps);
        steps
            .map(|step| match step {
                Step::Call(call) if call.on == "other" => "as other",
                Step::Call(_) => "call",
                Step::Reconnect { .. } => "reconnect",
                Step::Pay { .. } => "pay",
                Step::Expire { .. } => "expire",
                Step::Restart { .. } => "restart",
                Step::Send { .. } | Step::Http { .. } => "raw",
            })
            .collect()
    };
    assert_eq!(kinds(Possible::default()), BTreeSet::from(["as other", "call", "reconnect"]));
    let all = kinds(Possible { pay: true, expire: true, restart: true });
    assert_eq!(all, BTreeSet::from(["as other", "call", "expire", "pay", "reconnect", "restart"]));
}

#[test]
fn every_generated_case_survives_its_file() {
    for transport in [Transport::P2p, Transport::Rest] {
        let facts = facts(transport);
        let possible = Possible { pay: true, expire: true, restart: true };
        for property in Property::ALL {
            for case in drawn(property, &facts, possible, 100) {
                if case.steps.is_empty() {
                    continue;
                }
                let replay = Replay::new(property, transport, 7, vec!["L1-044".into()], case);
                let back = Replay::read(&replay.text())
                    .unwrap_or_else(|error| panic!("{error}: {}", replay.text()));
                assert_eq!(back, replay);
                assert!(!replay.text().contains("SPRING27"), "the token is secret");
            }
        }
    }
}
