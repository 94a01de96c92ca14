//! LSPS0's own method (bLIP-50 "LSPS Specification Support Query").

use serde_json::json;

use super::{Object, Params, Reading, RpcError};

/// The type of the BOLT 8 messages that carry LSPS messages.
pub(crate) const MESSAGE_TYPE: u16 = 37913;

/// The longest payload of a BOLT 8 message, in bytes: 65,535 less the two of its type.
pub(crate) const MAX_PAYLOAD: usize = 65_533;

/// Reads the parameters of a method that has none.
pub(crate) fn read_nothing(params: &Object, reading: &Reading) -> Result<(), RpcError> {
    Params::new(params, &[], reading).finish()
}

/// The result of `lsps0.list_protocols`: LSPS1, and not LSPS0, which goes without saying.
pub(crate) fn write_protocols() -> Object {
    let mut result = Object::new();
    result.insert("protocols".to_owned(), json!([1]));
    result
}
