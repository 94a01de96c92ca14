//! What goes over the wire: JSON-RPC 2.0 as bLIP-50 narrows it, and the messages of LSPS0 and LSPS1.
//!
//! Requests are read by hand from [`serde_json::Value`]s instead of being deserialised, so that each refusal names the
//! parameter at fault and every parameter that isn't known.

mod error;
pub(crate) mod jsonrpc;
pub(crate) mod lsps0;
pub(crate) mod lsps1;
mod params;
pub(crate) mod types;

pub(crate) use error::{Object, RpcError};
pub(crate) use params::{Params, Reading};

/// A method that the mock knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `lsps0.list_protocols`
    ListProtocols,
    /// `lsps1.get_info`
    GetInfo,
    /// `lsps1.create_order`
    CreateOrder,
    /// `lsps1.get_order`
    GetOrder,
}

impl Method {
    /// The method of that name, matched case-sensitively and whole.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "lsps0.list_protocols" => Some(Self::ListProtocols),
            "lsps1.get_info" => Some(Self::GetInfo),
            "lsps1.create_order" => Some(Self::CreateOrder),
            "lsps1.get_order" => Some(Self::GetOrder),
            _ => None,
        }
    }

    /// The first of the parameters that it needs, if it needs any.
    pub(crate) fn first_param(self) -> Option<&'static str> {
        match self {
            Self::ListProtocols | Self::GetInfo => None,
            Self::CreateOrder => Some("lsp_balance_sat"),
            Self::GetOrder => Some("order_id"),
        }
    }
}
