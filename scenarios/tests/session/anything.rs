//! Whatever a target answers.

use std::sync::LazyLock;

use lsps1_scenarios::{Scenario, Session, Transport};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{anything, at, context, info, order};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!("18446744073709551615")),
        Just(json!("2026-11-22T10:00:00.000Z")),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![
            Just("result"),
            Just("error"),
            Just("id"),
            Just("order_id"),
            Just("payment"),
            Just("bolt11"),
            Just("bolt12"),
            Just("onchain"),
            Just("channel"),
            Just("data"),
            Just("code"),
            Just("unrecognized"),
            Just("order_state"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((key.prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Replies that look more or less like those of a target: its members replaced by anything.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let mutated =
        (any::<bool>(), prop::collection::vec((any::<prop::sample::Index>(), json_value()), 0..4))
            .prop_map(|(new, changes)| {
                let mut result = if new { order() } else { info() };
                for (index, value) in changes {
                    if let Some(object) = result.as_object_mut() {
                        let keys: Vec<String> = object.keys().cloned().collect();
                        object.insert(keys[index.index(keys.len())].clone(), value);
                    }
                }
                json!({"jsonrpc": "2.0", "id": "$ID", "result": result}).to_string().into_bytes()
            });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        json_value().prop_map(|value| value.to_string().into_bytes()),
        json_value().prop_map(|value| json!({"jsonrpc": "2.0", "id": "$ID", "error": value})
            .to_string()
            .into_bytes()),
        mutated,
    ]
}

static SCENARIOS: LazyLock<Vec<Scenario>> =
    LazyLock::new(|| lsps1_scenarios::builtin_scenarios().unwrap());

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever comes back, a session ends with a verdict, and so do the invariants.
    #[test]
    fn no_observation_makes_a_session_panic(
        payloads in prop::collection::vec(prop::collection::vec(payload(), 0..3), 1..12),
        status in any::<u16>(),
        ends in prop::collection::vec(0u8..8, 1..12),
        pick in any::<prop::sample::Index>(),
        rest in any::<bool>(),
    ) {
        let scenario = &SCENARIOS[pick.index(SCENARIOS.len())];
        let transport = if rest { Transport::Rest } else { Transport::P2p };
        let mut session = Session::new(scenario, context(transport));
        let mut payloads = payloads.into_iter().cycle();
        let mut ends = ends.into_iter().cycle();
        let mut steps = 0u64;
        while let Some(action) = session.next_action() {
            steps += 1;
            prop_assert!(steps < 10_000, "the session doesn't end");
            let end = ends.next().unwrap();
            let answers = payloads.next().unwrap();
            session.observe(at(steps * 1000), anything(&action, answers, status, end));
        }
        let outcome = session.finish();
        let mut facts = lsps1_scenarios::invariant::RunFacts::default();
        lsps1_scenarios::invariant::judge(&outcome.transcript, &context(transport), &mut facts);
    }
}
