//! The errors of LSPS0 and LSPS1.

use serde_json::{Map, Value, json};

use crate::order::Mismatch;

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// A JSON-RPC error object (bLIP-50 "Error Handling").
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RpcError {
    /// The code.
    pub(crate) code: i64,
    /// What the code means.
    pub(crate) message: String,
    /// What the code's definition asks for.
    pub(crate) data: Option<Object>,
}

impl RpcError {
    fn new(code: i64, message: &str, data: Option<Value>) -> Self {
        let data = data.and_then(|data| match data {
            Value::Object(data) => Some(data),
            _ => None,
        });
        Self { code, message: message.to_owned(), data }
    }

    /// An error without data, for faults.
    pub(crate) fn of_code(code: i64, message: &str) -> Self {
        Self::new(code, message, None)
    }

    /// -32700: the payload is bad format.
    pub(crate) fn parse_error() -> Self {
        Self::new(-32700, "parse error", None)
    }

    /// -32601: there is no such method.
    pub(crate) fn method_not_found() -> Self {
        Self::new(-32601, "method not found", None)
    }

    /// -32602 for a parameter that is missing or has a bad value, along with the parameters that aren't known.
    pub(crate) fn invalid_param(property: &str, message: &str, unrecognized: &[String]) -> Self {
        let data = json!({"property": property, "message": message, "unrecognized": unrecognized});
        Self::new(-32602, "invalid params", Some(data))
    }

    /// -32602 where no single parameter has a bad value.
    pub(crate) fn invalid_params(message: &str, unrecognized: &[String]) -> Self {
        let data = json!({"message": message, "unrecognized": unrecognized});
        Self::new(-32602, "invalid params", Some(data))
    }

    /// -32603: our own failure. The cause is for the log, not for the client.
    pub(crate) fn internal() -> Self {
        Self::new(-32603, "internal error", None)
    }

    /// 1: the client is refused.
    pub(crate) fn client_rejected(message: &str) -> Self {
        Self::new(1, "client rejected", Some(json!({"message": message})))
    }

    /// 100: the order doesn't fit the options of `lsps1.get_info`.
    pub(crate) fn option_mismatch(mismatch: &Mismatch) -> Self {
        let data = json!({"property": mismatch.bound, "message": mismatch.message});
        Self::new(100, "option mismatch", Some(data))
    }

    /// 101: there is no such order, or not for this client.
    pub(crate) fn order_not_found() -> Self {
        Self::new(101, "order not found", Some(json!({})))
    }

    /// 102: the token isn't one of ours, or not any more.
    pub(crate) fn invalid_token() -> Self {
        Self::new(102, "unrecognized or stale token", Some(json!({})))
    }

    /// The error for people: what `data` says, else what the code means.
    pub(crate) fn human_text(&self) -> String {
        let detail =
            self.data.as_ref().and_then(|data| data.get("message")).and_then(Value::as_str);
        detail.unwrap_or(&self.message).to_owned()
    }

    /// The error as JSON.
    pub(crate) fn into_object(self) -> Object {
        let mut object = Object::new();
        object.insert("code".to_owned(), self.code.into());
        object.insert("message".to_owned(), self.message.into());
        if let Some(data) = self.data {
            object.insert("data".to_owned(), data.into());
        }
        object
    }
}
