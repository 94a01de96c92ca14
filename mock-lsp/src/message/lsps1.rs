//! The messages of LSPS1 (bLIP-51 sections 1 to 4).

use bitcoin::secp256k1::PublicKey;
use serde_json::{Value, json};

use super::types::{
    read_address, read_bool, read_public_key, read_sat, read_string, read_u16, read_u32,
    write_datetime, write_sat,
};
use super::{Object, Params, Reading, RpcError};
use crate::order::{
    Channel, Choices, LightningPayment, OnchainPayment, OnchainState, Order, OrderRequest,
    OrderState, Price, Terms,
};

/// The parameters of `lsps1.create_order`, in the order in which they are read.
const CREATE_ORDER: [&str; 8] = [
    "lsp_balance_sat",
    "client_balance_sat",
    "required_channel_confirmations",
    "funding_confirms_within_blocks",
    "channel_expiry_blocks",
    "token",
    "refund_onchain_address",
    "announce_channel",
];

/// Reads the parameters of `lsps1.create_order`.
pub(crate) fn read_create_order(
    params: &Object,
    reading: &Reading,
) -> Result<OrderRequest, RpcError> {
    let params = Params::new(params, &CREATE_ORDER, reading);
    let order = read_order(&params, reading)?;
    params.finish()?;
    Ok(order)
}

/// Reads the body of REST's `create_order`, which also names the node that gets the channel.
pub(crate) fn read_rest_create_order(
    body: &Object,
    reading: &Reading,
) -> Result<(PublicKey, OrderRequest), RpcError> {
    let known: Vec<&str> = CREATE_ORDER.into_iter().chain(["public_key"]).collect();
    let params = Params::new(body, &known, reading);
    let public_key = params.required("public_key", read_public_key)?;
    let order = read_order(&params, reading)?;
    params.finish()?;
    Ok((public_key, order))
}

fn read_order(params: &Params<'_>, reading: &Reading) -> Result<OrderRequest, RpcError> {
    let sat = |value: &Value| match value {
        Value::Number(number) if reading.takes_numeric_sat => {
            number.as_u64().ok_or("has to be an integer")
        }
        _ => read_sat(value),
    };
    let lsp_balance_sat = params.required("lsp_balance_sat", |value| match sat(value)? {
        0 if !reading.takes_zero_balance => Err("has to be at least 1"),
        sat => Ok(sat),
    })?;
    let client_balance_sat = params.required("client_balance_sat", sat)?;
    let required_channel_confirmations =
        params.required("required_channel_confirmations", read_u16)?;
    let funding_confirms_within_blocks =
        params.required("funding_confirms_within_blocks", read_u16)?;
    let channel_expiry_blocks =
        params.required("channel_expiry_blocks", |value| match read_u32(value)? {
            0 => Err("has to be at least 1"),
            blocks => Ok(blocks),
        })?;
    let is_null = |value: &Value| reading.empty_means_absent && value.is_null();
    let token = params.optional("token", is_null, read_string)?.filter(|token| !token.is_empty());
    let refund_onchain_address = params.optional(
        "refund_onchain_address",
        |value| is_null(value) || (reading.empty_means_absent && value == ""),
        |value| match value {
            Value::String(text) if reading.takes_any_address => Ok(text.clone()),
            _ => read_address(value, reading.network),
        },
    )?;
    let announce_channel = params.required("announce_channel", read_bool)?;
    Ok(OrderRequest {
        lsp_balance_sat,
        client_balance_sat,
        required_channel_confirmations,
        funding_confirms_within_blocks,
        channel_expiry_blocks,
        token,
        refund_onchain_address,
        announce_channel,
    })
}

/// Reads the parameters of `lsps1.get_order`.
pub(crate) fn read_get_order(params: &Object, reading: &Reading) -> Result<String, RpcError> {
    let params = Params::new(params, &["order_id"], reading);
    let order_id = params.required("order_id", read_string)?;
    params.finish()?;
    Ok(order_id)
}

/// By-position parameters, which clients must not send. For a method that needs parameters, the first of them is
/// missing.
pub(crate) fn by_position(first: Option<&str>) -> RpcError {
    let problem = "params has to be an object, with parameters by name";
    match first {
        Some(first) => RpcError::invalid_param(first, problem, &[]),
        None => RpcError::invalid_params(problem, &[]),
    }
}

/// The result of `lsps1.get_info`.
pub(crate) fn write_info(terms: &Terms) -> Object {
    let info = json!({
        "min_required_channel_confirmations": terms.min_required_channel_confirmations,
        "min_funding_confirms_within_blocks": terms.min_funding_confirms_within_blocks,
        "supports_zero_channel_reserve": terms.supports_zero_channel_reserve,
        "max_channel_expiry_blocks": terms.max_channel_expiry_blocks,
        "min_initial_client_balance_sat": write_sat(terms.min_initial_client_balance_sat),
        "max_initial_client_balance_sat": write_sat(terms.max_initial_client_balance_sat),
        "min_initial_lsp_balance_sat": write_sat(terms.min_initial_lsp_balance_sat),
        "max_initial_lsp_balance_sat": write_sat(terms.max_initial_lsp_balance_sat),
        "min_channel_balance_sat": write_sat(terms.min_channel_balance_sat),
        "max_channel_balance_sat": write_sat(terms.max_channel_balance_sat),
    });
    into_object(info)
}

/// The result of `lsps1.create_order` and `lsps1.get_order`. Payment options that aren't offered are left out.
pub(crate) fn write_order(order: &Order, choices: Choices) -> Object {
    let request = &order.request;
    let order = json!({
        "order_id": order.id,
        "lsp_balance_sat": write_sat(request.lsp_balance_sat),
        "client_balance_sat": write_sat(request.client_balance_sat),
        "required_channel_confirmations": request.required_channel_confirmations,
        "funding_confirms_within_blocks": request.funding_confirms_within_blocks,
        "channel_expiry_blocks": request.channel_expiry_blocks,
        "token": request.token.as_deref().unwrap_or_default(),
        "created_at": write_datetime(order.created_at),
        "announce_channel": request.announce_channel,
        "order_state": shown_state(order, choices).wire(),
        "payment": write_payment(order, choices),
        "channel": order.channel.as_ref().map(write_channel),
    });
    into_object(order)
}

fn shown_state(order: &Order, choices: Choices) -> OrderState {
    match (order.state, order.paid_by) {
        (OrderState::Failed, None) if choices.expired_stays_created => OrderState::Created,
        (state, _) => state,
    }
}

fn write_payment(order: &Order, choices: Choices) -> Object {
    let mut payment = Object::new();
    if let Some(bolt11) = &order.bolt11 {
        payment.insert("bolt11".to_owned(), write_lightning(bolt11, "invoice"));
    }
    if let Some(bolt12) = &order.bolt12 {
        payment.insert("bolt12".to_owned(), write_lightning(bolt12, "offer"));
    }
    if let Some(onchain) = &order.onchain {
        let refund_address = order.request.refund_onchain_address.as_deref();
        let is_lost = order.state == OrderState::Created
            && onchain.state == OnchainState::Paid
            && !onchain.is_covered();
        let state = match is_lost && choices.lost_payment_is_expected {
            true => OnchainState::ExpectPayment,
            false => onchain.state,
        };
        payment.insert("onchain".to_owned(), write_onchain(onchain, state, refund_address));
    }
    payment
}

fn write_lightning(lightning: &LightningPayment, request: &str) -> Value {
    let mut payment = write_price(lightning.state.wire(), &lightning.price);
    payment[request] = lightning.request.as_str().into();
    payment
}

fn write_onchain(
    onchain: &OnchainPayment,
    state: OnchainState,
    refund_address: Option<&str>,
) -> Value {
    let mut payment = write_price(state.wire(), &onchain.price);
    payment["address"] = onchain.address.as_str().into();
    payment["min_onchain_payment_confirmations"] = onchain.min_confirmations.into();
    payment["min_fee_for_0conf"] = onchain.min_fee_for_0conf.into();
    if let Some(refund_address) = refund_address {
        payment["refund_onchain_address"] = refund_address.into();
    }
    payment
}

fn write_price(state: &str, price: &Price) -> Value {
    json!({
        "state": state,
        "expires_at": write_datetime(price.expires_at),
        "fee_total_sat": write_sat(price.fee_total_sat),
        "order_total_sat": write_sat(price.order_total_sat),
    })
}

fn write_channel(channel: &Channel) -> Value {
    json!({
        "funded_at": write_datetime(channel.funded_at),
        "funding_outpoint": channel.outpoint.to_string(),
        "expires_at": write_datetime(channel.expires_at),
    })
}

fn into_object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::Network;
    use proptest::prelude::*;

    use super::*;

    fn strict() -> Reading {
        Reading::strict(Network::Regtest)
    }

    fn params() -> Object {
        into_object(json!({
            "lsp_balance_sat": "100000",
            "client_balance_sat": "0",
            "required_channel_confirmations": 0,
            "funding_confirms_within_blocks": 6,
            "channel_expiry_blocks": 144,
            "announce_channel": false,
        }))
    }

    /// The data of the error that a change of the base parameters leads to.
    fn refusal(reading: &Reading, name: &str, value: Value) -> Option<Value> {
        let mut params = params();
        params.insert(name.to_owned(), value);
        let error = read_create_order(&params, reading).err()?;
        assert_eq!(error.code, -32602);
        error.data.map(Value::Object)
    }

    #[test]
    fn each_parameter_is_required_and_typed() {
        let cases = [
            ("lsp_balance_sat", json!("0")),
            ("client_balance_sat", json!(5)),
            ("required_channel_confirmations", json!(65_536)),
            ("funding_confirms_within_blocks", json!("6")),
            ("channel_expiry_blocks", json!(0)),
            ("announce_channel", json!("yes")),
        ];
        for (name, bad) in cases {
            let data = refusal(&strict(), name, bad).unwrap();
            assert_eq!((&data["property"], &data["unrecognized"]), (&json!(name), &json!([])));
            assert!(data["message"].as_str().unwrap().starts_with(name));
            let mut params = params();
            params.remove(name);
            let error = read_create_order(&params, &strict()).unwrap_err();
            assert_eq!(error.data.unwrap()["property"], name);
        }
        assert!(refusal(&strict(), "token", json!(7)).is_some());
        assert_eq!(refusal(&strict(), "token", json!("")), None);
    }

    #[test]
    fn unknown_parameters_are_all_named_also_beside_a_bad_value() {
        let mut params = params();
        params.insert("zz_a".to_owned(), json!(1));
        params.insert("client_info".to_owned(), json!({}));
        let data = read_create_order(&params, &strict()).unwrap_err().data.unwrap();
        assert_eq!(data["unrecognized"], json!(["zz_a", "client_info"]));
        params.insert("announce_channel".to_owned(), json!(1));
        let data = read_create_order(&params, &strict()).unwrap_err().data.unwrap();
        assert_eq!(data["unrecognized"], json!(["zz_a", "client_info"]));
        assert_eq!(data["property"], "announce_channel");
    }

    #[test]
    fn empty_values_are_absent_only_for_lenient_readers() {
        let lenient = Reading { empty_means_absent: true, ..strict() };
        for (name, value) in [
            ("refund_onchain_address", json!("")),
            ("refund_onchain_address", Value::Null),
            ("token", Value::Null),
        ] {
            assert_eq!(refusal(&lenient, name, value.clone()), None);
            assert_eq!(refusal(&strict(), name, value).unwrap()["property"], name);
        }
    }

    pub(super) fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "\\PC{0,20}".prop_map(Value::from),
            "[0-9]{1,21}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_parameters_are_read_or_refused_by_name(
            name in prop::sample::select(CREATE_ORDER.to_vec()),
            value in any_json(),
            other in "\\PC{0,12}",
        ) {
            let mut params = params();
            params.insert(name.to_owned(), value);
            params.insert(other.clone(), Value::Null);
            let known = CREATE_ORDER.contains(&other.as_str());
            match read_create_order(&params, &strict()) {
                Ok(order) => {
                    prop_assert!(known || other == "token");
                    prop_assert!(order.lsp_balance_sat >= 1 && order.channel_expiry_blocks >= 1);
                }
                Err(error) => {
                    prop_assert_eq!(error.code, -32602);
                    let data = error.data.unwrap();
                    let expected = if known { json!([]) } else { json!([other]) };
                    prop_assert_eq!(&data["unrecognized"], &expected);
                    prop_assert!(data["message"].as_str().is_some_and(|text| !text.is_empty()));
                }
            }
        }

        #[test]
        fn any_object_is_read_without_panic(value in any_json()) {
            let params = into_object(value);
            let _ = read_create_order(&params, &strict());
            let _ = read_rest_create_order(&params, &Reading { empty_means_absent: true, ..strict() });
            let _ = read_get_order(&params, &strict());
        }
    }
}
