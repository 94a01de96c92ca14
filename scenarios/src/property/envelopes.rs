//! Requests whose JSON-RPC envelope may be wrong, and methods that aren't there.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::SBoxedStrategy;
use serde_json::{Value, json};

use super::case::{Call, Case};
use super::orders::{option, writing};
use crate::oracle::Facts;

/// A change of the envelope: a member set, or left out.
type Patch = (&'static str, Option<Value>);

pub(super) fn calls(facts: &Facts) -> SBoxedStrategy<Case> {
    let methods = select(vec!["list_protocols", "get_info", "create_order", "get_order"]);
    let patches = prop::collection::vec(patch(), 0..=2);
    (methods, patches, option(1, 6, writing(facts.transport)))
        .prop_map(|(method, patches, writing)| {
            let mut call = Call::plain(method);
            call.writing = writing;
            let mut about_order = method == "get_order";
            if about_order {
                call = call.with("order_id", "order[0]");
            }
            for (name, value) in patches {
                call.envelope.remove(name);
                call.envelope_without.retain(|left_out| left_out != name);
                match value {
                    // By position, the order is still named.
                    Some(Value::Array(_)) if name == "params" && about_order => {
                        call.envelope.insert(name.into(), json!(["order[0]"]));
                    }
                    Some(value) => {
                        call.envelope.insert(name.into(), value);
                    }
                    None => call.envelope_without.push(name.into()),
                }
                // The params that are replaced needn't be made.
                if name == "params" {
                    about_order = call.envelope.get("params").is_some_and(Value::is_array)
                        && call.with.contains_key("order_id");
                    call.with.clear();
                }
            }
            if about_order { Case::after_order(call) } else { Case::of(call) }
        })
        .sboxed()
}

fn patch() -> SBoxedStrategy<Patch> {
    let set = |name: &'static str, values: Vec<Value>| {
        select(values).prop_map(move |value| (name, Some(value)))
    };
    let left_out = select(vec!["jsonrpc", "method", "id", "params"]).prop_map(|name| (name, None));
    let wrong_methods = [
        "lsps1.nope",
        "lsps999.do_this",
        "rpc.discover",
        "lsps1.info",
        "lsps0.listprotocols",
        "",
        "LSPS1.get_info",
        "lsps1.get_info ",
        "lsps1.getInfo",
        "get_info",
        "create_order",
    ];
    let mut methods: Vec<Value> = wrong_methods.into_iter().map(Value::from).collect();
    methods.extend([json!(7), json!(null), json!({})]);
    prop_oneof![
        4 => set("id", vec![
            json!(42), json!(0), json!(-1), json!(true), json!({}), json!([1]), json!(""),
            json!("example#3cad6a54d302edba4c9ade2f7ffac098"), json!("I".repeat(200)),
            json!("ünïcødé-✓"), json!("a\"b\\c"), json!("a\u{0}b"), json!(9_007_199_254_740_991_u64),
        ]),
        4 => set("method", methods),
        2 => set("jsonrpc", vec![json!("1.0"), json!(2.0), json!("2"), json!(null), json!("2.0 ")]),
        3 => set("params", vec![json!([]), json!("x"), json!(7), json!(true), json!(null)]),
        3 => left_out,
        1 => Just(("result", Some(json!({})))),
    ]
    .sboxed()
}
