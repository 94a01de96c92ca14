//! Payloads and bodies that may be no request at all.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::SBoxedStrategy;
use serde_json::{Value, json};

use super::case::{Case, Http, Payload, Step};
use crate::oracle::Facts;

/// A request that every LSP serves.
fn request(id: u128, method: &str, params: &Value) -> String {
    let id = uuid::Builder::from_random_bytes(id.to_be_bytes()).into_uuid().to_string();
    // Written by hand for the usual order of its members.
    format!(
        r#"{{"jsonrpc":"2.0","id":{},"method":{},"params":{params}}}"#,
        json!(id),
        json!(method)
    )
}

pub(super) fn payloads(facts: &Facts) -> SBoxedStrategy<Case> {
    let order = Value::Object(facts.terms.base.clone());
    let good = prop_oneof![
        4 => any::<u128>().prop_map(|id| request(id, "lsps0.list_protocols", &json!({}))),
        1 => any::<u128>().prop_map(|id| request(id, "lsps1.get_info", &json!({}))),
        2 => any::<u128>().prop_map(move |id| request(id, "lsps1.create_order", &order)),
    ];
    (good, damage())
        .prop_map(|(good, damage)| {
            let send = Payload::new(damage.done_to(&good));
            Case { steps: vec![Step::Send { send }] }
        })
        .sboxed()
}

/// Bodies of create_order on REST.
pub(super) fn bodies(facts: &Facts) -> SBoxedStrategy<Case> {
    let order = Value::Object(facts.terms.base.clone()).to_string();
    let length = order.len();
    let others = ["", " ", "{", "[]", "null", "7", "\"x\"", "hello", "<html>", "[{}]"];
    let body = prop_oneof![
        select(others.to_vec()).prop_map(str::to_owned),
        (0..length).prop_map({
            let order = order.clone();
            move |at| order.get(..at).unwrap_or_default().to_owned()
        }),
        select(vec!["x", ",", "]", "{", "{}"]).prop_map(move |tail| format!("{order}{tail}")),
    ];
    body.prop_map(|body| {
        let http = Http { method: "POST".into(), path: "create_order".into(), body };
        Case { steps: vec![Step::Http { http }] }
    })
    .sboxed()
}

/// What is done to a good payload. Simpler kinds come first, so that shrinking ends there.
#[derive(Clone, Debug)]
enum Damage {
    /// Nothing.
    None,
    /// Only so many thousandths of it.
    Cut(usize),
    /// Something before it.
    Before(Vec<u8>),
    /// Something behind it.
    Behind(Vec<u8>),
    /// Something put in after so many thousandths of it.
    Within(usize, Vec<u8>),
    /// Something put into its id.
    InId(Vec<u8>),
    /// The same again behind it, with another id.
    Twice,
    /// In an array, so many times.
    Batch(usize),
    /// In UTF-16, little-endian or big-endian.
    Utf16(bool),
    /// Something else.
    Other(Vec<u8>),
}

fn damage() -> SBoxedStrategy<Damage> {
    let other_spaces = ["\u{c}", "\u{b}", "\u{a0}", "\u{2003}"];
    let behind: Vec<Vec<u8>> = ["x", ",", "]", "}", "{", " {}", " { ", "7", "\0", "\n\0"]
        .into_iter()
        .chain(other_spaces)
        .map(|text| text.as_bytes().to_vec())
        .collect();
    let before: Vec<Vec<u8>> = ["x", "\0", "[", "\u{feff}", "7 ", "{}"]
        .into_iter()
        .chain(other_spaces)
        .map(|text| text.as_bytes().to_vec())
        .chain([vec![0, 75]])
        .collect();
    let not_utf8 = vec![vec![0xff], vec![0xc0, 0xaf], vec![0xed, 0xa0, 0x80], vec![0], vec![0xfe]];
    let others: Vec<Vec<u8>> = [
        "",
        "   ",
        "\t\r\n",
        "{",
        "{}",
        "hello",
        " [ ] ",
        "null",
        "true",
        "7",
        "\"x\"",
        "{ } {",
        "{ } { }",
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}",
        "[{}]",
        "-",
        "\u{feff}",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    prop_oneof![
        1 => Just(Damage::None),
        3 => (0..1000usize).prop_map(Damage::Cut),
        3 => select(before).prop_map(Damage::Before),
        5 => select(behind).prop_map(Damage::Behind),
        2 => (1..1000usize, select(not_utf8.clone()))
            .prop_map(|(at, bytes)| Damage::Within(at, bytes)),
        2 => select(not_utf8).prop_map(Damage::InId),
        2 => Just(Damage::Twice),
        2 => (1..3usize).prop_map(Damage::Batch),
        1 => any::<bool>().prop_map(Damage::Utf16),
        6 => prop_oneof![2 => select(others), 1 => prop::collection::vec(any::<u8>(), 0..40)]
            .prop_map(Damage::Other),
    ]
    .sboxed()
}

impl Damage {
    fn done_to(self, good: &str) -> Vec<u8> {
        let bytes = good.as_bytes();
        let place = |thousandths: usize| bytes.len() * thousandths / 1000;
        let with_at = |at: usize, added: &[u8]| {
            let (start, end) = bytes.split_at(at.min(bytes.len()));
            [start, added, end].concat()
        };
        match self {
            Self::None => bytes.to_vec(),
            Self::Cut(thousandths) => bytes.get(..place(thousandths)).unwrap_or_default().to_vec(),
            Self::Before(added) => with_at(0, &added),
            Self::Behind(added) => with_at(bytes.len(), &added),
            Self::Within(thousandths, added) => with_at(place(thousandths), &added),
            Self::InId(added) => {
                let at = good.find("\"id\":\"").map_or(0, |at| at + 8);
                with_at(at, &added)
            }
            Self::Twice => {
                let second = good.replacen("\"id\":\"", "\"id\":\"second-", 1);
                format!("{good} {second}").into_bytes()
            }
            Self::Batch(times) => format!("[{}]", vec![good; times].join(",")).into_bytes(),
            Self::Utf16(little) => good
                .encode_utf16()
                .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
                .collect(),
            Self::Other(other) => other,
        }
    }
}
