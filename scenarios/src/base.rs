//! The base request: the smallest order that a target's get_info allows; and the order that purchases are made of.

use serde_json::{Map, Value, json};

use crate::decode::sat;

/// Why no base request can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// There is no get_info result to start from.
    #[error(
        "there is no get_info result to make an order from; add `given: [info]` to the scenario"
    )]
    NoInfo,
    /// An option isn't there or can't be read.
    #[error("get_info has no usable {0}")]
    Option(&'static str),
    /// The options leave no order.
    #[error("get_info allows no order at all: {0}")]
    NoOrder(&'static str),
}

/// The parameters of the smallest legal order: client balance at its minimum, the smallest LSP balance of at least 1
/// that meets its own minimum and the channel's, both confirmation options at their minimum, the longest lease, not announced.
/// Where the greatest LSP balance doesn't make the smallest channel, the client balance makes up for it.
/// `public_key` is the client's node id, which REST needs in place of the connection's identity.
///
/// # Errors
///
/// If get_info lacks an option that the order has to respect, or its options contradict each other.
pub fn create_order(
    info: &Value,
    public_key: Option<&str>,
) -> Result<Map<String, Value>, BaseError> {
    let amount =
        |name: &'static str| info.get(name).and_then(lenient_amount).ok_or(BaseError::Option(name));
    let number = |name: &'static str| {
        info.get(name).filter(|value| value.is_u64()).cloned().ok_or(BaseError::Option(name))
    };
    // That a maximum is missing has a finding of its own, and must not hide what could still be judged.
    let maximum = |name: &'static str| amount(name).unwrap_or(u64::MAX);
    let least_client = amount("min_initial_client_balance_sat")?;
    let least_lsp = amount("min_initial_lsp_balance_sat")?.max(1);
    let least_channel = amount("min_channel_balance_sat")?;
    let lsp_balance = least_channel
        .saturating_sub(least_client)
        .min(maximum("max_initial_lsp_balance_sat"))
        .max(least_lsp);
    let client_balance = least_channel.saturating_sub(lsp_balance).max(least_client);
    if info.get("max_channel_expiry_blocks").is_some_and(|most| *most == 0) {
        return Err(BaseError::NoOrder("the longest lease has no blocks"));
    }
    if lsp_balance > maximum("max_initial_lsp_balance_sat") {
        return Err(BaseError::NoOrder("the smallest LSP balance is above the greatest"));
    }
    if client_balance > maximum("max_initial_client_balance_sat") {
        return Err(BaseError::NoOrder("the greatest balances don't make the smallest channel"));
    }
    let channel = lsp_balance.checked_add(client_balance);
    if channel.is_none_or(|channel| channel > maximum("max_channel_balance_sat")) {
        return Err(BaseError::NoOrder("the smallest balances exceed the greatest channel"));
    }
    let mut params = Map::new();
    params.insert("lsp_balance_sat".into(), json!(lsp_balance.to_string()));
    params.insert("client_balance_sat".into(), json!(client_balance.to_string()));
    params.insert(
        "required_channel_confirmations".into(),
        number("min_required_channel_confirmations")?,
    );
    params.insert(
        "funding_confirms_within_blocks".into(),
        number("min_funding_confirms_within_blocks")?,
    );
    params.insert("channel_expiry_blocks".into(), number("max_channel_expiry_blocks")?);
    params.insert("announce_channel".into(), json!(false));
    if let Some(public_key) = public_key {
        params.insert("public_key".into(), json!(public_key));
    }
    Ok(params)
}

/// What a channel that is bought for real has for the LSP at least, in sat.
const LSP_BALANCE: u64 = 100_000;

/// What it has for the client at least, in sat.
const CLIENT_BALANCE: u64 = 20_000;

/// The parameters of an order that is paid for and delivered: the base request, but as large as a Lightning node wants
/// its channels, and with a balance for the client, where the target sells that much.
///
/// # Errors
///
/// If get_info lacks an option that the order has to respect, or its options contradict each other.
pub fn purchase(info: &Value, public_key: Option<&str>) -> Result<Map<String, Value>, BaseError> {
    let mut params = create_order(info, public_key)?;
    let amount = |source: Option<&Value>, name: &'static str| {
        source.and_then(lenient_amount).ok_or(BaseError::Option(name))
    };
    let of_info = |name| amount(info.get(name), name);
    let least_lsp = amount(params.get("lsp_balance_sat"), "min_initial_lsp_balance_sat")?;
    let least_client = amount(params.get("client_balance_sat"), "min_initial_client_balance_sat")?;
    let channel = of_info("max_channel_balance_sat")?;
    // Never less than the smallest legal order, whose client balance may make up for a small LSP balance.
    let lsp = LSP_BALANCE
        .min(of_info("max_initial_lsp_balance_sat")?)
        .min(channel.saturating_sub(least_client))
        .max(least_lsp);
    let client = CLIENT_BALANCE
        .min(of_info("max_initial_client_balance_sat")?)
        .min(channel.saturating_sub(lsp))
        .max(least_client);
    params.insert("lsp_balance_sat".into(), json!(lsp.to_string()));
    params.insert("client_balance_sat".into(), json!(client.to_string()));
    Ok(params)
}

/// An amount, also if it is wrongly given as a number: that has a finding of its own, and must not hide what could
/// still be judged.
fn lenient_amount(value: &Value) -> Option<u64> {
    sat::amount(value).or_else(|| value.as_u64())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn info() -> Value {
        json!({
            "min_required_channel_confirmations": 0, "min_funding_confirms_within_blocks": 6,
            "supports_zero_channel_reserve": false, "max_channel_expiry_blocks": 13000,
            "min_initial_client_balance_sat": "0", "max_initial_client_balance_sat": "1000000",
            "min_initial_lsp_balance_sat": "20000", "max_initial_lsp_balance_sat": "10000000",
            "min_channel_balance_sat": "50000", "max_channel_balance_sat": "10000000",
        })
    }

    #[test]
    fn the_smallest_legal_order() {
        let params = create_order(&info(), None).unwrap();
        assert_eq!(params["lsp_balance_sat"], "50000");
        assert_eq!(params["client_balance_sat"], "0");
        assert_eq!(params["channel_expiry_blocks"], 13000);
        assert!(!params.contains_key("public_key"));
        assert_eq!(create_order(&info(), Some("02ab")).unwrap()["public_key"], "02ab");
        let mut zero = info();
        for name in ["min_initial_lsp_balance_sat", "min_channel_balance_sat"] {
            zero[name] = json!("0");
        }
        assert_eq!(create_order(&zero, None).unwrap()["lsp_balance_sat"], "1");
        assert_eq!(
            create_order(&json!({}), None),
            Err(BaseError::Option("min_initial_client_balance_sat"))
        );
    }

    fn balances(order: Result<Map<String, Value>, BaseError>) -> (String, String) {
        let order = order.unwrap();
        let text = |name: &str| order[name].as_str().unwrap().to_owned();
        (text("lsp_balance_sat"), text("client_balance_sat"))
    }

    fn with(changes: &[(&str, u64)]) -> Value {
        let mut info = info();
        for (name, amount) in changes {
            info[*name] = json!(amount.to_string());
        }
        info
    }

    #[test]
    fn the_client_makes_up_for_what_the_lsp_does_not_sell() {
        let bounds = [
            ("max_initial_lsp_balance_sat", 60_000),
            ("min_channel_balance_sat", 100_000),
            ("max_initial_client_balance_sat", 60_000),
        ];
        let pair = ("60000".to_owned(), "40000".to_owned());
        assert_eq!(balances(create_order(&with(&bounds), None)), pair);
        assert_eq!(balances(purchase(&with(&bounds), None)), pair);
        let mut unbounded = info();
        unbounded.as_object_mut().unwrap().remove("max_initial_lsp_balance_sat");
        assert_eq!(create_order(&unbounded, None).unwrap()["lsp_balance_sat"], "50000");
    }

    #[test]
    fn options_that_contradict_each_other_leave_no_order() {
        for bounds in [
            &[("max_initial_lsp_balance_sat", 19_999)][..],
            &[("max_initial_lsp_balance_sat", 40_000), ("max_initial_client_balance_sat", 9_999)],
            &[("max_channel_balance_sat", 49_999)],
            &[("min_initial_client_balance_sat", u64::MAX)],
        ] {
            let found = create_order(&with(bounds), None);
            assert!(matches!(found, Err(BaseError::NoOrder(_))), "{bounds:?}: {found:?}");
        }
        let mut never = info();
        never["max_channel_expiry_blocks"] = json!(0);
        assert!(matches!(create_order(&never, None), Err(BaseError::NoOrder(_))));
    }

    fn bought(changes: &[(&str, u64)]) -> (String, String) {
        balances(purchase(&with(changes), None))
    }

    #[test]
    fn a_purchase_is_large_enough_and_within_the_ranges() {
        let pair = |lsp: &str, client: &str| (lsp.to_owned(), client.to_owned());
        assert_eq!(bought(&[]), pair("100000", "20000"));
        assert_eq!(bought(&[("max_initial_client_balance_sat", 0)]), pair("100000", "0"));
        assert_eq!(bought(&[("max_initial_lsp_balance_sat", 60_000)]), pair("60000", "20000"));
        assert_eq!(bought(&[("max_channel_balance_sat", 110_000)]), pair("100000", "10000"));
        assert_eq!(bought(&[("min_channel_balance_sat", 500_000)]), pair("500000", "20000"));
        assert_eq!(bought(&[("min_initial_client_balance_sat", 50_000)]), pair("100000", "50000"));
        let params = purchase(&info(), Some("02ab")).unwrap();
        assert_eq!(
            (&params["public_key"], &params["channel_expiry_blocks"]),
            (&json!("02ab"), &json!(13000))
        );
        assert_eq!(
            purchase(&json!({}), None),
            Err(BaseError::Option("min_initial_client_balance_sat"))
        );
    }
}
