//! The faults that are switched on, asked by the code at each of their hooks.

use serde_json::Value;

use super::Fault;
use super::edit::Edit;
use super::hook::{Face, Hook, HttpReply, Scene, Switch};
use crate::message::jsonrpc::Framing;
use crate::message::{Method, Object, Reading, RpcError};
use crate::order::{Choices, Rules, Terms};

/// More than channels have without option_support_large_channel (BOLT 9), in sat.
const LARGE_CHANNEL_SAT: u64 = 20_000_000;

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
        self.hooks().any(|hook| matches!(hook, Hook::Switch(on) if on == switch))
    }

    fn hooks(&self) -> impl Iterator<Item = Hook> {
        self.active.iter().map(|fault| fault.hook)
    }

    /// Changes a payload before it is read.
    pub(crate) fn rewrite_incoming(&self, payload: &mut Vec<u8>) {
        for hook in self.hooks() {
            if let Hook::Incoming(rewrite) = hook {
                rewrite(payload);
            }
        }
    }

    /// Whether a payload is left unanswered.
    pub(crate) fn drops(&self, payload: &[u8]) -> bool {
        self.hooks().any(|hook| matches!(hook, Hook::Drops(drops) if drops(payload)))
    }

    /// Refuses a payload before it is read.
    pub(crate) fn reject(&self, payload: &[u8]) -> Option<RpcError> {
        self.hooks().find_map(|hook| match hook {
            Hook::Rejects(reject) => reject(payload),
            _ => None,
        })
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

    /// Changes the parameters of a call before they are read, or refuses it.
    ///
    /// # Errors
    ///
    /// If a fault refuses it.
    pub(crate) fn receive(
        &self,
        face: Face,
        method: Method,
        params: &mut Object,
        scene: &Scene,
    ) -> Result<(), RpcError> {
        for hook in self.hooks() {
            match hook {
                Hook::Params(faces, methods, edits)
                    if faces.include(face) && methods.contains(&method) =>
                {
                    apply(edits, params, scene);
                }
                Hook::Refuses(faces, methods, refuse)
                    if faces.include(face) && methods.contains(&method) =>
                {
                    if let Some(error) = refuse(params) {
                        return Err(error);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What happens to orders as they move.
    pub(crate) fn rules(&self, choices: Choices) -> Rules {
        Rules {
            choices,
            claims_before_open: self.on(Switch::ClaimsBeforeOpen),
            claims_offers_before_open: self.on(Switch::ClaimsOffersBeforeOpen),
            keeps_payment_of_failed_order: self.on(Switch::KeepsPaymentOfFailedOrder),
        }
    }

    /// What is offered, as a fault would have it.
    pub(crate) fn offer(&self, mut terms: Terms) -> Terms {
        for hook in self.hooks() {
            if let Hook::Terms { offered, .. } = hook {
                offered(&mut terms);
            }
        }
        terms.supports_zero_channel_reserve |= self.on(Switch::RefusesZeroReserve);
        self.enlarge(terms)
    }

    /// What orders are held to, as a fault would have it.
    pub(crate) fn hold_to(&self, mut terms: Terms) -> Terms {
        for hook in self.hooks() {
            if let Hook::Terms { checked, .. } = hook {
                checked(&mut terms);
            }
        }
        self.enlarge(terms)
    }

    fn enlarge(&self, mut terms: Terms) -> Terms {
        if self.on(Switch::HidesLargeChannels) {
            terms.max_channel_balance_sat = LARGE_CHANNEL_SAT;
        }
        terms
    }

    /// Rewrites a result.
    pub(crate) fn rewrite_result(&self, result: &mut Object, scene: &Scene) {
        for hook in self.hooks() {
            if let Hook::Result(methods, edits) = hook
                && scene.method.is_some_and(|method| methods.contains(&method))
            {
                apply(edits, result, scene);
            }
        }
    }

    /// Rewrites an error object.
    pub(crate) fn rewrite_error(&self, error: &mut Object, scene: &Scene) {
        let code = error.get("code").and_then(Value::as_i64);
        for hook in self.hooks() {
            if let Hook::Error(codes, edits) = hook
                && (codes.is_empty() || code.is_some_and(|code| codes.contains(&code)))
            {
                apply(edits, error, scene);
            }
        }
    }

    /// Rewrites a JSON-RPC response.
    pub(crate) fn rewrite_response(&self, response: &mut Object, scene: &Scene) {
        for hook in self.hooks() {
            if let Hook::Response(methods, edits) = hook
                && concerns(methods, scene.method)
            {
                apply(edits, response, scene);
            }
        }
    }

    /// Rewrites the bytes of a JSON-RPC response.
    pub(crate) fn rewrite_payload(&self, payload: &mut Vec<u8>, scene: &Scene) {
        for hook in self.hooks() {
            if let Hook::Payload(methods, rewrite) = hook
                && concerns(methods, scene.method)
            {
                rewrite(payload);
            }
        }
    }

    /// Rewrites an HTTP answer.
    pub(crate) fn rewrite_http(&self, method: Method, reply: &mut HttpReply) {
        for hook in self.hooks() {
            if let Hook::Http(methods, rewrite) = hook
                && concerns(methods, Some(method))
            {
                rewrite(reply);
            }
        }
    }
}

pub(super) fn apply(edits: &[Edit], object: &mut Object, scene: &Scene) {
    for edit in edits {
        edit.apply(object, scene);
    }
}

fn concerns(methods: &[Method], method: Option<Method>) -> bool {
    methods.is_empty() || method.is_some_and(|method| methods.contains(&method))
}
