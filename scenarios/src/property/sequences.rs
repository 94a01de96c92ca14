//! Sequences of operations on orders.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::SBoxedStrategy;
use serde_json::{Value, json};

use super::case::{Call, Case, Step};
use crate::action::Transport;
use crate::oracle::Facts;

/// What can be done to a target beside sending messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Possible {
    /// Orders can be paid.
    pub pay: bool,
    /// Time can be made to pass.
    pub expire: bool,
    /// It can be started again on what it has stored.
    pub restart: bool,
}

/// An operation. Which order it is about is settled when it is known how many there are.
#[derive(Clone, Debug)]
enum Operation {
    Create(Vec<(&'static str, Value)>),
    Read(Index),
    ReadAsOther(Index),
    ReadUnknown,
    Refused(&'static str, Value),
    Info,
    Reconnect,
    Pay(Index),
    Expire,
    Restart,
}

/// Up to twelve operations.
pub fn sequences(facts: &Facts, possible: Possible) -> SBoxedStrategy<Case> {
    prop::collection::vec(operation(facts, possible), 1..=12).prop_map(resolved).sboxed()
}

fn operation(facts: &Facts, possible: Possible) -> SBoxedStrategy<Operation> {
    let terms = &facts.terms;
    let values: Vec<(&'static str, Value)> = vec![
        ("announce_channel", json!(true)),
        ("channel_expiry_blocks", json!(1)),
        ("funding_confirms_within_blocks", json!(terms.min_funding_blocks.saturating_add(1))),
        ("required_channel_confirmations", json!(terms.min_confirmations.saturating_add(1))),
        ("token", json!("")),
    ];
    let changes = prop::collection::vec(select(values), 0..=2);
    let refused = select(vec![
        ("announce_channel", json!("yes")),
        ("lsp_balance_sat", json!("-1")),
        ("lsp_balance_sat", json!("18446744073709551616")),
        ("channel_expiry_blocks", json!(0)),
    ]);
    let mut choices: Vec<(u32, SBoxedStrategy<Operation>)> = vec![
        (4, changes.prop_map(Operation::Create).sboxed()),
        (6, any::<Index>().prop_map(Operation::Read).sboxed()),
        (1, Just(Operation::ReadUnknown).sboxed()),
        (1, refused.prop_map(|(name, value)| Operation::Refused(name, value)).sboxed()),
        (1, Just(Operation::Info).sboxed()),
    ];
    if facts.transport == Transport::P2p {
        choices.push((2, any::<Index>().prop_map(Operation::ReadAsOther).sboxed()));
        choices.push((2, Just(Operation::Reconnect).sboxed()));
    }
    if possible.pay {
        choices.push((2, any::<Index>().prop_map(Operation::Pay).sboxed()));
    }
    if possible.expire {
        choices.push((1, Just(Operation::Expire).sboxed()));
    }
    if possible.restart {
        choices.push((1, Just(Operation::Restart).sboxed()));
    }
    proptest::strategy::Union::new_weighted(choices).sboxed()
}

/// The steps; what is about an order is left out as long as there is none.
fn resolved(operations: Vec<Operation>) -> Case {
    let mut made = 0usize;
    let mut steps = Vec::new();
    for operation in operations {
        let named = |index: &Index| (made > 0).then(|| format!("order[{}]", index.index(made)));
        let read = |id: String| Call::plain("get_order").with("order_id", id);
        let step = match operation {
            Operation::Create(changes) => {
                made += 1;
                let plain = Call::plain("create_order");
                let call =
                    changes.into_iter().fold(plain, |call, (name, value)| call.with(name, value));
                Some(Step::Call(call))
            }
            Operation::Read(index) => named(&index).map(|id| Step::Call(read(id))),
            Operation::ReadAsOther(index) => named(&index).map(|id| {
                let mut call = read(id);
                call.on = "other".into();
                Step::Call(call)
            }),
            Operation::ReadUnknown => {
                Some(Step::Call(read("00000000-0000-4000-8000-000000000000".into())))
            }
            Operation::Refused(name, value) => {
                // No order comes of it, so it has no number.
                Some(Step::Call(Call::plain("create_order").with(name, value)))
            }
            Operation::Info => Some(Step::Call(Call::plain("get_info"))),
            Operation::Reconnect => Some(Step::Reconnect { reconnect: "main".into() }),
            Operation::Pay(index) => named(&index).map(|pay| Step::Pay { pay }),
            Operation::Expire => Some(Step::Expire { expire: true }),
            Operation::Restart => Some(Step::Restart { restart: true }),
        };
        steps.extend(step);
    }
    Case { steps }
}
