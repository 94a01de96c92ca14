//! Reading the parameters of a request, one at a time.

use bitcoin::Network;
use serde_json::Value;

use super::types::Read;
use super::{Object, RpcError};

/// How requests are read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// The network that addresses have to be of.
    pub(crate) network: Network,
    /// Parameters that are let pass unread, beside the known ones.
    pub(crate) tolerated: &'static [&'static str],
    /// Takes a null token, and a null or empty refund address, as left out, as REST clients send them.
    pub(crate) empty_means_absent: bool,
    /// Lets unknown parameters pass.
    pub(crate) ignores_unknown: bool,
    /// Lets any text pass as an address.
    pub(crate) takes_any_address: bool,
    /// Lets numbers pass as sat.
    pub(crate) takes_numeric_sat: bool,
    /// Lets an order of nothing pass.
    pub(crate) takes_zero_balance: bool,
}

impl Reading {
    /// bLIP-50 and bLIP-51 to the letter.
    pub(crate) fn strict(network: Network) -> Self {
        Self {
            network,
            tolerated: &[],
            empty_means_absent: false,
            ignores_unknown: false,
            takes_any_address: false,
            takes_numeric_sat: false,
            takes_zero_balance: false,
        }
    }
}

/// The parameters of one request.
pub(crate) struct Params<'a> {
    object: &'a Object,
    unrecognized: Vec<String>,
}

impl<'a> Params<'a> {
    /// Takes an object of parameters, of which `known` may be there.
    pub(crate) fn new(object: &'a Object, known: &[&str], reading: &Reading) -> Self {
        let is_known = |name: &str| known.contains(&name) || reading.tolerated.contains(&name);
        let unrecognized = if reading.ignores_unknown {
            Vec::new()
        } else {
            object.keys().filter(|name| !is_known(name)).cloned().collect()
        };
        Self { object, unrecognized }
    }

    /// Reads a parameter that has to be there.
    pub(crate) fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Value) -> Read<T>,
    ) -> Result<T, RpcError> {
        match self.object.get(name) {
            None => Err(self.invalid(name, "is missing")),
            Some(value) => read(value).map_err(|problem| self.invalid(name, problem)),
        }
    }

    /// Reads a parameter that may be left out; what `is_absent` picks counts as left out.
    pub(crate) fn optional<T>(
        &self,
        name: &str,
        is_absent: impl FnOnce(&Value) -> bool,
        read: impl FnOnce(&Value) -> Read<T>,
    ) -> Result<Option<T>, RpcError> {
        match self.object.get(name) {
            None => Ok(None),
            Some(value) if is_absent(value) => Ok(None),
            Some(value) => read(value).map(Some).map_err(|problem| self.invalid(name, problem)),
        }
    }

    /// The error for a parameter with a bad value.
    pub(crate) fn invalid(&self, name: &str, problem: &str) -> RpcError {
        RpcError::invalid_param(name, &format!("{name} {problem}"), &self.unrecognized)
    }

    /// To be called once all parameters are read: refuses those that aren't known.
    pub(crate) fn finish(self) -> Result<(), RpcError> {
        if self.unrecognized.is_empty() {
            return Ok(());
        }
        Err(RpcError::invalid_params("some parameters are not known", &self.unrecognized))
    }
}
