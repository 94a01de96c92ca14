//! What bLIP-51 knows of a message. An LSP may add members of its own anywhere, and change them as it likes: what is
//! compared are the others.

use serde_json::{Map, Value};

/// The options of get_info.
pub(crate) const OPTIONS: [&str; 10] = [
    "min_required_channel_confirmations",
    "min_funding_confirms_within_blocks",
    "supports_zero_channel_reserve",
    "max_channel_expiry_blocks",
    "min_initial_client_balance_sat",
    "max_initial_client_balance_sat",
    "min_initial_lsp_balance_sat",
    "max_initial_lsp_balance_sat",
    "min_channel_balance_sat",
    "max_channel_balance_sat",
];

/// The keys of every order object.
pub(crate) const ORDER_MEMBERS: [&str; 12] = [
    "order_id",
    "lsp_balance_sat",
    "client_balance_sat",
    "required_channel_confirmations",
    "funding_confirms_within_blocks",
    "channel_expiry_blocks",
    "token",
    "announce_channel",
    "created_at",
    "order_state",
    "payment",
    "channel",
];

/// The payment options of an order.
pub(crate) const PAYMENT_OPTIONS: [&str; 3] = ["bolt11", "bolt12", "onchain"];

/// The members of a payment option that don't move on by themselves.
const PAYMENT_TERMS: [&str; 8] = [
    "fee_total_sat",
    "order_total_sat",
    "expires_at",
    "invoice",
    "offer",
    "address",
    "min_onchain_payment_confirmations",
    "min_fee_for_0conf",
];

/// The options of a get_info result.
pub(crate) fn options(info: &Value) -> Value {
    members(info, &OPTIONS)
}

/// An order.
pub(crate) fn order(order: &Value) -> Value {
    members(order, &ORDER_MEMBERS)
}

/// An order without what moves on by itself: the states and the channel.
pub(crate) fn terms(order: &Value) -> Value {
    let mut terms = self::order(order);
    let Some(order) = terms.as_object_mut() else { return terms };
    order.remove("order_state");
    order.remove("channel");
    if let Some(payment) = order.get_mut("payment") {
        *payment = members(payment, &PAYMENT_OPTIONS);
        for option in payment.as_object_mut().into_iter().flat_map(Map::values_mut) {
            *option = members(option, &PAYMENT_TERMS);
        }
    }
    terms
}

/// The members of an object that have these names; what is no object stays as it is.
fn members(value: &Value, names: &[&str]) -> Value {
    let Value::Object(object) = value else { return value.clone() };
    let known = object.iter().filter(|(name, _)| names.contains(&name.as_str()));
    known.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_lsp_adds_is_left_out() {
        let info = json!({"max_channel_expiry_blocks": 7, "server_time": 1});
        assert_eq!(options(&info), json!({"max_channel_expiry_blocks": 7}));
        let full = json!({"order_id": "a", "zz": 1, "order_state": "CREATED", "channel": null, "payment": {
            "zz": 2, "bolt11": {"invoice": "i", "state": "HOLD", "zz": 3}, "bolt12": null}});
        assert_eq!(order(&full)["payment"], full["payment"]);
        assert_eq!(order(&full).get("zz"), None);
        let left =
            json!({"order_id": "a", "payment": {"bolt11": {"invoice": "i"}, "bolt12": null}});
        assert_eq!(terms(&full), left);
        assert_eq!(terms(&json!({"payment": 7})), json!({"payment": 7}));
        assert_eq!(options(&json!([1])), json!([1]));
    }
}
