//! Faults: named, small departures from the specifications, each tied to the requirements that it breaks.
//!
//! A conformance check is worth something once it is seen to fail, and a wallet's error handling once it has been used.
//! Faults serve both. They are listed in one [catalogue]; the rest of the mock only knows the few
//! points at which a fault may change something ([`Hook`]).
//!
//! To add one: an entry in the catalogue, and if no hook fits, a [`Switch`] and the place that asks for it.

mod catalogue;
mod rewrite;

use jiff::Timestamp;

use crate::message::jsonrpc::Framing;
use crate::message::{Method, Object, Reading};
use crate::order::{Rules, Terms};

/// A departure from the specifications that can be switched on.
#[derive(Debug)]
pub struct Fault {
    /// Its name, in kebab-case.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    groups: &'static [&'static [&'static str]],
    hook: Hook,
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
        let mut ids: Vec<_> = self.groups.iter().copied().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// Where a fault takes hold.
#[derive(Clone, Copy)]
enum Hook {
    /// Part of the code does something else.
    Switch(Switch),
    /// The result of these methods is rewritten, on both faces.
    Result(&'static [Method], fn(&mut Object, &Scene)),
    /// Every error object is rewritten, on both faces.
    Error(fn(&mut Object)),
    /// Every JSON-RPC response is rewritten.
    Response(fn(&mut Object, &Scene)),
    /// The bytes of every JSON-RPC response are rewritten.
    Payload(fn(&mut Vec<u8>, &Scene)),
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(switch) => f.debug_tuple("Switch").field(switch).finish(),
            Self::Result(methods, _) => f.debug_tuple("Result").field(methods).finish(),
            Self::Error(_) => f.write_str("Error"),
            Self::Response(_) => f.write_str("Response"),
            Self::Payload(_) => f.write_str("Payload"),
        }
    }
}

/// Something that the code does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    // Reading requests.
    TakesBadUtf8,
    TakesZeroBytes,
    TakesTrailingBytes,
    TakesAnyVersion,
    MatchesMethodsLoosely,
    ServesPositional,
    ServesNotifications,
    IgnoresUnknownParams,
    TakesAnyAddress,
    TakesNumericSat,
    TakesZeroBalance,
    // Answering.
    SilentOnUnknownMethod,
    SilentOnBadFormat,
    ParseErrorEchoesId,
    AnswersTwice,
    // Orders.
    TotalOffByOne,
    InvoiceOffByOne,
    LongOrderIds,
    HexOrderIds,
    OffersZeroFundingBlocks,
    ExclusiveMaxLspBalance,
    ChecksNoSum,
    TakesAnyToken,
    DisclosesOrders,
    ForgetsUnpaidOrders,
    // Life.
    ClaimsBeforeOpen,
    KeepsPaymentOfFailedOrder,
    OpensOneSatShort,
    PushesOneSatShort,
    FlipsAnnounce,
    // REST.
    RestErrorsAreOk,
    RestServesHtml,
    RestOmitsUris,
}

/// What a rewriting fault may want to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    /// The method that was called, if it is known.
    pub(crate) method: Option<Method>,
    /// The time.
    pub(crate) now: Timestamp,
    /// Counts the answers of this run.
    pub(crate) serial: u64,
}

/// The faults that are switched on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    active: Vec<&'static Fault>,
}

impl Faults {
    /// Switches these faults on.
    pub(crate) fn new(active: Vec<&'static Fault>) -> Self {
        Self { active }
    }

    /// Whether a switch is on.
    pub(crate) fn on(&self, switch: Switch) -> bool {
        self.active.iter().any(|fault| matches!(fault.hook, Hook::Switch(on) if on == switch))
    }

    /// What happens to payloads as they are read.
    pub(crate) fn framing(&self) -> Framing {
        Framing {
            takes_bad_utf8: self.on(Switch::TakesBadUtf8),
            takes_zero_bytes: self.on(Switch::TakesZeroBytes),
            takes_trailing_bytes: self.on(Switch::TakesTrailingBytes),
            takes_any_version: self.on(Switch::TakesAnyVersion),
        }
    }

    /// What happens to parameters as they are read.
    pub(crate) fn reading(&self, reading: Reading) -> Reading {
        Reading {
            ignores_unknown: self.on(Switch::IgnoresUnknownParams),
            takes_any_address: self.on(Switch::TakesAnyAddress),
            takes_numeric_sat: self.on(Switch::TakesNumericSat),
            takes_zero_balance: self.on(Switch::TakesZeroBalance),
            ..reading
        }
    }

    /// What happens to orders as they move.
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            claims_before_open: self.on(Switch::ClaimsBeforeOpen),
            keeps_payment_of_failed_order: self.on(Switch::KeepsPaymentOfFailedOrder),
        }
    }

    /// What is offered, as a fault would have it.
    pub(crate) fn offer(&self, mut terms: Terms) -> Terms {
        if self.on(Switch::OffersZeroFundingBlocks) {
            terms.min_funding_confirms_within_blocks = 0;
        }
        terms
    }

    /// Rewrites a result.
    pub(crate) fn rewrite_result(&self, result: &mut Object, scene: &Scene) {
        for fault in &self.active {
            if let Hook::Result(methods, rewrite) = fault.hook
                && scene.method.is_some_and(|method| methods.contains(&method))
            {
                rewrite(result, scene);
            }
        }
    }

    /// Rewrites an error object.
    pub(crate) fn rewrite_error(&self, error: &mut Object) {
        for fault in &self.active {
            if let Hook::Error(rewrite) = fault.hook {
                rewrite(error);
            }
        }
    }

    /// Rewrites a JSON-RPC response.
    pub(crate) fn rewrite_response(&self, response: &mut Object, scene: &Scene) {
        for fault in &self.active {
            if let Hook::Response(rewrite) = fault.hook {
                rewrite(response, scene);
            }
        }
    }

    /// Rewrites the bytes of a JSON-RPC response.
    pub(crate) fn rewrite_payload(&self, payload: &mut Vec<u8>, scene: &Scene) {
        for fault in &self.active {
            if let Hook::Payload(rewrite) = fault.hook {
                rewrite(payload, scene);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{Value, json};

    use super::*;
    use crate::message::{RpcError, jsonrpc, lsps0, lsps1};
    use crate::order::Mismatch;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let mut names = HashSet::new();
        for fault in Fault::all() {
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(fault.name.chars().all(kebab), "{}", fault.name);
            assert!(names.insert(fault.name), "{} is there twice", fault.name);
        }
        assert!(names.len() >= 25, "{}", names.len());
    }

    #[test]
    fn every_fault_breaks_something_and_says_what_it_does() {
        for fault in Fault::all() {
            assert!(!fault.breaks().is_empty(), "{}", fault.name);
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
                "order_total_sat": "1000", "invoice": "lnbcrt1p",
            })
        };
        let order = |order_state: &str, state: &str, channel: Value| {
            json!({
                "order_id": "3d1c6c1f-7f3a-4b6e-9d55-0c5d1c6f2d11", "lsp_balance_sat": "100000",
                "required_channel_confirmations": 0, "channel_expiry_blocks": 144, "token": "",
                "created_at": "2026-03-01T00:00:00.000Z", "order_state": order_state,
                "payment": {"bolt11": bolt11(state)}, "channel": channel,
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
        let object =
            |(method, value): (Method, Value)| (method, value.as_object().unwrap().clone());
        results.into_iter().map(object).collect()
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
            RpcError::option_mismatch(&mismatch),
            RpcError::order_not_found(),
            RpcError::invalid_token(),
        ];
        errors.map(RpcError::into_object).into()
    }

    /// Whether a fault changes any answer of this kind.
    fn bites(hook: Hook) -> bool {
        let scene = |method| Scene { method: Some(method), now: Timestamp::UNIX_EPOCH, serial: 1 };
        let ids = [json!("a"), json!(1), json!("x".repeat(65))];
        let responses = samples().into_iter().flat_map(|(method, result)| {
            ids.clone().map(|id| (method, jsonrpc::write(id, Ok(result.clone()))))
        });
        let changes = |before: &Object, rewrite: &dyn Fn(&mut Object)| {
            let mut after = before.clone();
            rewrite(&mut after);
            after != *before
        };
        match hook {
            Hook::Switch(_) => true,
            Hook::Result(methods, rewrite) => samples().iter().any(|(method, result)| {
                methods.contains(method) && changes(result, &|o| rewrite(o, &scene(*method)))
            }),
            Hook::Error(rewrite) => errors().iter().any(|error| changes(error, &rewrite)),
            Hook::Response(rewrite) => responses
                .into_iter()
                .any(|(method, response)| changes(&response, &|o| rewrite(o, &scene(method)))),
            Hook::Payload(rewrite) => responses.into_iter().any(|(method, response)| {
                let before = Value::from(response).to_string().into_bytes();
                let mut after = before.clone();
                rewrite(&mut after, &scene(method));
                after != before
            }),
        }
    }

    #[test]
    fn every_rewriting_fault_changes_something() {
        for fault in Fault::all() {
            assert!(bites(fault.hook), "{} changes nothing", fault.name);
        }
    }

    #[test]
    fn switches_are_off_unless_their_fault_is_on() {
        assert!(!Faults::default().on(Switch::TotalOffByOne));
        let fault = Fault::by_name("order-total-off-by-one").unwrap();
        assert_eq!(fault.breaks(), ["L1-134"]);
        assert!(Faults::new(vec![fault]).on(Switch::TotalOffByOne));
    }
}
