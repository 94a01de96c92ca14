//! Faults: named, small departures from the specifications, each tied to the requirements that it breaks.
//!
//! A conformance check is worth something once it is seen to fail, and a wallet's error handling once it has been used.
//! Faults serve both. They are listed in one [catalogue]; the rest of the mock only knows the few
//! points at which a fault may change something ([`hook::Hook`]).
//!
//! To add one: an entry in the catalogue, and if no hook fits, a [`Switch`] and the place that asks for it.

mod active;
mod catalogue;
mod edit;
mod hook;
mod http;
mod life;
mod options;
mod params;
mod payload;
mod rewrite;

pub(crate) use active::Faults;
pub(crate) use hook::{Face, HttpReply, Scene, Switch};

/// A departure from the specifications that can be switched on.
#[derive(Debug)]
pub struct Fault {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it takes to see it.
    pub needs: Needs,
    /// The ids of the requirements, with blanks between them.
    breaks: &'static str,
    hook: hook::Hook,
}

/// What it takes to see a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Requests and their answers.
    Messages,
    /// A payment and a chain.
    Chain,
}

impl Needs {
    /// Its name, as in `mock-lsp faults --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Chain => "chain",
        }
    }
}

impl Fault {
    /// All faults, in the order of the specifications' sections.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        catalogue::FAULTS.iter().copied().flatten()
    }

    /// The fault of that name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::all().find(|fault| fault.name == name)
    }

    /// The ids of the requirements that it breaks, sorted. Nothing outside this set is affected.
    pub fn breaks(&self) -> Vec<&'static str> {
        let mut ids: Vec<_> = self.breaks.split_whitespace().collect();
        ids.sort_unstable();
        ids
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::edit::Edit;
    use super::hook::Hook;
    use super::*;
    use crate::message::{Method, Object, RpcError, jsonrpc, lsps0, lsps1};
    use crate::order::{Mismatch, PaymentOption, Terms};

    /// An invoice with a genuine signature.
    const INVOICE: &str = "lnbcrt13750n1p4s9e3kdzuf3f4q5e3yp3ksctwdejkctpqdaexgetjypnrwd35xqcngefdx4snjvedx3jnsvpdv\
         yur2c3dxsmnzdnzx4jrjdryxumspp5jky4ww0cznv87x2th23jtp2cvmlr9zm5tx955w6sqpt6968gcpgssp5ry5\
         27cktjxc64aq9kmxn9dpkg0v04pthtfkdlcxwpzqe9ts2yraq9qyysgqxqrrs3cqzys4agu9du8mledmqcr88mdz\
         50x9n3tvnlsqc047clyz2wngcacgfv5w69wk39upavtppa3u7njpvp3qfk4krw4u89pg9q8xlexq48fm4gq7632d\
         6";

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names = HashSet::new();
        for fault in Fault::all() {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(fault.name.chars().all(kebab), "{}", fault.name);
            assert!(names.insert(fault.name), "{} is there twice", fault.name);
        }
        assert!(names.len() >= 150, "{}", names.len());
    }

    #[test]
    fn every_fault_breaks_something_and_says_what_it_does() {
        for fault in Fault::all() {
            let breaks = fault.breaks();
            assert!(!breaks.is_empty(), "{}", fault.name);
            assert!(breaks.is_sorted_by(|a, b| a < b), "{} names a row twice", fault.name);
            for id in fault.breaks() {
                let (family, number) = id.split_at(3);
                assert!(matches!(family, "L0-" | "L1-" | "RD-"), "{id} of {}", fault.name);
                assert!(
                    number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()),
                    "{id} of {}",
                    fault.name
                );
            }
            assert!(!fault.summary.is_empty() && !fault.summary.contains('\n'), "{}", fault.name);
            assert!(!fault.summary.ends_with('.'), "{}", fault.name);
        }
    }

    /// Orders in several states, the other results, and errors, as they are sent.
    fn samples() -> Vec<(Method, Object)> {
        let bolt11 = |state: &str| {
            json!({
                "state": state, "expires_at": "2026-03-01T01:00:00.000Z", "fee_total_sat": "1000",
                "order_total_sat": "1000", "invoice": INVOICE,
            })
        };
        let price = json!({
            "state": "EXPECT_PAYMENT", "expires_at": "2026-03-01T01:00:00.000Z", "fee_total_sat": "1000",
            "order_total_sat": "1000",
        });
        let with = |mut price: Value, more: Value| {
            price.as_object_mut().unwrap().extend(object(&more));
            price
        };
        let bolt12 = with(price.clone(), json!({"offer": "lno1pg"}));
        let onchain = with(
            price,
            json!({
                "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "min_onchain_payment_confirmations": 0,
                "min_fee_for_0conf": 2_500, "refund_onchain_address": "bcrt1q",
            }),
        );
        let order = |order_state: &str, state: &str, channel: Value| {
            json!({
                "order_id": "3d1c6c1f-7f3a-4b6e-9d55-0c5d1c6f2d11", "lsp_balance_sat": "100000",
                "client_balance_sat": "20000", "funding_confirms_within_blocks": 6,
                "announce_channel": false, "required_channel_confirmations": 0, "channel_expiry_blocks": 144, "token": "",
                "created_at": "2026-03-01T00:00:00.000Z", "order_state": order_state,
                "payment": {"bolt11": bolt11(state), "bolt12": bolt12, "onchain": onchain}, "channel": channel,
            })
        };
        let channel = json!({
            "funded_at": "2026-03-01T00:00:00.000Z", "funding_outpoint": format!("{}01:0", "00".repeat(31)),
            "expires_at": "2026-03-02T00:00:00.000Z",
        });
        let info = lsps1::write_info(&Terms::default());
        let results = vec![
            (Method::GetInfo, Value::from(info)),
            (Method::ListProtocols, lsps0::write_protocols().into()),
            (Method::CreateOrder, order("CREATED", "EXPECT_PAYMENT", Value::Null)),
            (Method::GetOrder, order("CREATED", "HOLD", Value::Null)),
            (Method::GetOrder, order("COMPLETED", "PAID", channel)),
            (Method::GetOrder, order("FAILED", "REFUNDED", Value::Null)),
        ];
        let mut paid_with_coins = order("CREATED", "REFUNDED", Value::Null);
        paid_with_coins["payment"]["onchain"]["state"] = json!("PAID");
        let mut sent_back = order("FAILED", "REFUNDED", Value::Null);
        sent_back["payment"]["onchain"]["state"] = json!("REFUNDED");
        let more = [paid_with_coins, sent_back].map(|order| (Method::GetOrder, order));
        // With a payment of the offer, or of the invoice where the offer is void.
        let offers = [
            ("CREATED", "REFUNDED", "HOLD"),
            ("COMPLETED", "REFUNDED", "PAID"),
            ("FAILED", "REFUNDED", "REFUNDED"),
            ("COMPLETED", "PAID", "REFUNDED"),
        ]
        .map(|(order_state, bolt11, bolt12)| {
            let mut shown = order(order_state, bolt11, Value::Null);
            shown["payment"]["bolt12"]["state"] = json!(bolt12);
            (Method::GetOrder, shown)
        });
        results
            .into_iter()
            .chain(more)
            .chain(offers)
            .map(|(method, value)| (method, object(&value)))
            .collect()
    }

    fn errors() -> Vec<Object> {
        let mismatch = Mismatch {
            bound: "max_channel_expiry_blocks",
            field: "",
            message: "too long".to_owned(),
        };
        let errors = [
            RpcError::parse_error(),
            RpcError::invalid_param("announce_channel", "is missing", &[]),
            RpcError::invalid_param("order_id", "is no string", &[]),
            RpcError::invalid_params("unknown", &["a".to_owned(), "b".to_owned()]),
            RpcError::method_not_found(),
            RpcError::option_mismatch(&mismatch),
            RpcError::order_not_found(),
            RpcError::invalid_token(),
        ];
        errors.map(RpcError::into_object).into()
    }

    fn object(value: &Value) -> Object {
        value.as_object().unwrap().clone()
    }

    /// The params of an order with everything that a fault may be about.
    fn params() -> Vec<Object> {
        let order = json!({
            "lsp_balance_sat": "18446744073709551615", "client_balance_sat": "0",
            "required_channel_confirmations": 500, "funding_confirms_within_blocks": 500,
            "channel_expiry_blocks": 0, "token": "", "refund_onchain_address": "",
            "announce_channel": true, "client_info": {},
            "public_key": format!("02{}05", "00".repeat(31)),
        });
        let mut large = order.clone();
        large["client_balance_sat"] = json!("1");
        large["public_key"] = json!("02AB");
        large["refund_onchain_address"] = json!("bcrt1p");
        large["token"] = json!(7);
        let mut other = order.clone();
        other["refund_onchain_address"] = json!(7);
        other["token"] = json!("00112233445566778899aabbccddeeff");
        [order, large, other, json!({"order_id": "x"}), json!({"zz": 1}), json!({})]
            .iter()
            .map(object)
            .collect()
    }

    fn payloads() -> Vec<Vec<u8>> {
        let get_info = r#"{"jsonrpc":"2.0","id":true,"method":"lsps1.get_info","params":7}"#;
        let utf16 = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let texts = [
            "",
            "[{}]",
            "{",
            "{}",
            "{}\u{a0}",
            " {} ",
            "\u{feff}{}",
            get_info,
            r#"{"id":"a","result":{}}"#,
            r#"{"id":"a","jsonrpc":"2.0"}"#,
            r#"{"\u006d":1}"#,
            r#"{"method":"lsps1.get_info"}"#,
            r#"{"method":"lsps1.create_order"}"#,
        ];
        let texts = texts.iter().map(|text| text.as_bytes().to_vec());
        texts.chain([utf16, vec![b' '; 40_000]]).collect()
    }

    fn changes(edits: &[Edit], before: &Object, scene: &Scene) -> bool {
        let mut after = before.clone();
        active::apply(edits, &mut after, scene);
        after != *before
    }

    /// Whether a fault does anything to any of these.
    fn bites(hook: Hook) -> bool {
        let scene = |method| Scene {
            method: Some(method),
            serial: 1,
            refund_onchain_address: Some("bcrt1q".to_owned()),
            ..Scene::default()
        };
        let any = Scene::default();
        let ids = [json!("a"), json!("a\0b"), json!(1), json!("x".repeat(65))];
        let results = samples().into_iter().flat_map(|(method, result)| {
            ids.clone().map(|id| (method, jsonrpc::write(id, Ok(result.clone()))))
        });
        let failures = errors().into_iter().map(|error| {
            (Method::GetOrder, object(&json!({"jsonrpc": "2.0", "id": null, "error": error})))
        });
        let creations = errors().into_iter().map(|error| {
            (Method::CreateOrder, object(&json!({"jsonrpc": "2.0", "id": null, "error": error})))
        });
        let mut responses = results.chain(failures).chain(creations);
        let about = |methods: &[Method], method| methods.is_empty() || methods.contains(&method);
        match hook {
            Hook::Switch(_) => true,
            Hook::Incoming(rewrite) => payloads().into_iter().any(|before| {
                let mut after = before.clone();
                rewrite(&mut after);
                after != before
            }),
            Hook::Rejects(reject) => payloads().iter().any(|payload| reject(payload).is_some()),
            Hook::Drops(drops) => payloads().iter().any(|payload| drops(payload)),
            Hook::Params(_, _, edits) => params().iter().any(|p| changes(edits, p, &any)),
            Hook::Refuses(_, _, refuse) => params().iter().any(|p| refuse(p).is_some()),
            Hook::Terms { offered, checked } => {
                let mut terms = Terms::default();
                offered(&mut terms);
                checked(&mut terms);
                terms != Terms::default() || {
                    let mut terms = Terms::default();
                    offered(&mut terms);
                    terms != Terms::default()
                }
            }
            Hook::Result(methods, edits) => samples().iter().any(|(method, result)| {
                // Some show only in every other answer.
                let next = Scene { serial: 2, ..scene(*method) };
                let paid = [PaymentOption::Bolt11, PaymentOption::Bolt12]
                    .map(|option| Scene { paid_by: Some(option), ..scene(*method) });
                let mut scenes = [scene(*method), next].into_iter().chain(paid);
                methods.contains(method) && scenes.any(|scene| changes(edits, result, &scene))
            }),
            Hook::Error(codes, edits) => errors().iter().any(|error| {
                let code = error["code"].as_i64().unwrap();
                (codes.is_empty() || codes.contains(&code)) && changes(edits, error, &any)
            }),
            Hook::Response(methods, edits) => responses.any(|(method, response)| {
                about(methods, method) && changes(edits, &response, &scene(method))
            }),
            Hook::Payload(methods, rewrite) => responses.any(|(method, response)| {
                let before = Value::from(response).to_string().into_bytes();
                let mut after = before.clone();
                rewrite(&mut after);
                about(methods, method) && after != before
            }),
            Hook::Http(_, rewrite) => {
                let body = json!({"order_id": "a", "uris": ["02ab@127.0.0.1:9735"]});
                [200, 404].into_iter().any(|status| {
                    let before = HttpReply { status, content_type: "x", body: body.clone() };
                    let mut after = before.clone();
                    rewrite(&mut after);
                    format!("{before:?}") != format!("{after:?}")
                })
            }
        }
    }

    #[test]
    fn every_rewriting_fault_changes_something() {
        let silent = Fault::all().filter(|fault| !bites(fault.hook)).map(|fault| fault.name);
        assert_eq!(silent.collect::<Vec<_>>(), Vec::<&str>::new());
    }

    #[test]
    fn switches_are_off_unless_their_fault_is_on() {
        assert!(!Faults::default().on(Switch::TotalOffByOne));
        let fault = Fault::by_name("order-total-off-by-one").unwrap();
        assert_eq!(fault.breaks(), ["L1-134"]);
        assert!(Faults::new(vec![fault]).on(Switch::TotalOffByOne));
    }
}
