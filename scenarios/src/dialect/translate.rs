//! What the members of older messages are called today, and where they are.

use serde_json::{Map, Value, json};

use super::Dialect;
use super::marker;

type Object = Map<String, Value>;

/// What is ordered where the dialect names no minimum: what the clients of then did.
const FUNDING_BLOCKS: u64 = 6;

/// create_order's parameters as of 2023.
pub(super) fn params_to_d0(mut params: Object, early: bool) -> Object {
    rename(&mut params, "funding_confirms_within_blocks", "confirms_within_blocks");
    params.remove("required_channel_confirmations");
    if early {
        rename(&mut params, "announce_channel", "announceChannel");
        params.insert("api_version".into(), json!(1));
    }
    params
}

/// And back. What has no name today is left out.
pub(super) fn params_from_d0(params: &mut Object) {
    rename(params, "confirms_within_blocks", "funding_confirms_within_blocks");
    rename(params, "announceChannel", "announce_channel");
    params.remove("api_version");
}

/// A result of any method: what it is can be seen.
pub(super) fn result(result: &mut Object, dialect: Dialect) {
    if result.contains_key("order_id") {
        order(result, dialect);
    } else {
        info(result, dialect);
    }
}

fn info(info: &mut Object, dialect: Dialect) {
    let is_nested = match marker::options(info) {
        Some((_, nested)) => nested,
        None => return,
    };
    if is_nested && let Some(Value::Object(options)) = info.remove("options") {
        for (name, value) in options {
            info.entry(name).or_insert(value);
        }
    }
    if dialect == Dialect::D0 {
        rename(info, "min_channel_confirmations", "min_required_channel_confirmations");
        rename(info, "minimum_channel_confirmations", "min_required_channel_confirmations");
        info.entry("min_funding_confirms_within_blocks").or_insert(json!(FUNDING_BLOCKS));
    }
}

fn order(order: &mut Object, dialect: Dialect) {
    if dialect == Dialect::D0 {
        params_from_d0(order);
    }
    let expires_at = order.get("expires_at").cloned();
    let Some(payment) = order.get_mut("payment").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Object(bolt11)) = payment.get_mut("bolt11") {
        rename(bolt11, "bolt11_invoice", "invoice");
    }
    if let Some(Value::Object(onchain)) = payment.get_mut("onchain") {
        rename(onchain, "onchain_address", "address");
    }
    let has_options = ["bolt11", "bolt12", "onchain"]
        .into_iter()
        .any(|name| payment.get(name).is_some_and(Value::is_object));
    let is_flat = ["state", "order_total_sat", "fee_total_sat"]
        .into_iter()
        .any(|name| payment.contains_key(name));
    if has_options || !is_flat {
        return;
    }
    split(payment, expires_at);
    order.remove("expires_at");
}

/// Turns one state, expiry and pair of amounts into those of each payment option.
fn split(payment: &mut Object, expires_at: Option<Value>) {
    let mut common = Object::new();
    for name in ["fee_total_sat", "order_total_sat"] {
        if let Some(value) = payment.remove(name) {
            common.insert(name.into(), value);
        }
    }
    if let Some(expires_at) = expires_at {
        common.insert("expires_at".into(), expires_at);
    }
    let state = payment.remove("state");
    // What was paid on chain shows as a transaction; the state belongs to the option that was used.
    let paid_on_chain =
        ["onchain_payment", "onchain_payments"].into_iter().any(|name| {
            match payment.remove(name) {
                Some(Value::Array(payments)) => !payments.is_empty(),
                Some(found) => !found.is_null(),
                None => false,
            }
        });
    let with_state = |used: bool| {
        let mut option = common.clone();
        let state = if used { state.clone() } else { Some(json!("EXPECT_PAYMENT")) };
        option.extend(state.map(|state| ("state".to_owned(), state)));
        option
    };
    let invoice = ["lightning_invoice", "bolt11_invoice"]
        .into_iter()
        .filter_map(|name| payment.remove(name))
        .find(|invoice| !invoice.is_null());
    if let Some(invoice) = invoice {
        let mut bolt11 = with_state(!paid_on_chain);
        bolt11.insert("invoice".into(), invoice);
        payment.insert("bolt11".into(), Value::Object(bolt11));
    }
    let mut details = Object::new();
    for (old, new) in [
        ("min_onchain_payment_confirmations", "min_onchain_payment_confirmations"),
        ("onchain_block_confirmations_required", "min_onchain_payment_confirmations"),
        ("min_fee_for_0conf", "min_fee_for_0conf"),
        ("minimum_fee_for_0conf", "min_fee_for_0conf"),
    ] {
        if let Some(value) = payment.remove(old) {
            details.insert(new.into(), value);
        }
    }
    if let Some(address) = payment.remove("onchain_address").filter(|address| !address.is_null()) {
        let mut onchain = with_state(paid_on_chain);
        onchain.extend(details);
        onchain.insert("address".into(), address);
        payment.insert("onchain".into(), Value::Object(onchain));
    }
}

/// Codes that were renumbered, and names of options in the data of error 100.
pub(super) fn error(error: &mut Object, dialect: Dialect) {
    if !matches!(dialect, Dialect::D0 | Dialect::D1) {
        return;
    }
    if dialect == Dialect::D0 {
        let code = match error.get("code").and_then(Value::as_i64) {
            Some(1000) => 100,
            Some(1001) => 1,
            Some(404) => 101,
            _ => return property(error),
        };
        error.insert("code".into(), json!(code));
    }
    property(error);
}

fn property(error: &mut Object) {
    let Some(Value::Object(data)) = error.get_mut("data") else { return };
    let Some(name) = data.get("property").and_then(Value::as_str) else { return };
    let name = name.strip_prefix("options.").unwrap_or(name);
    let name = match name {
        "min_channel_confirmations" | "minimum_channel_confirmations" => {
            "min_required_channel_confirmations"
        }
        "confirms_within_blocks" => "funding_confirms_within_blocks",
        "announceChannel" => "announce_channel",
        other => other,
    };
    let name = json!(name);
    data.insert("property".into(), name);
}

/// Gives a member its new name, unless there is one of that name already.
fn rename(object: &mut Object, old: &str, new: &str) {
    if let Some(value) = object.remove(old) {
        object.entry(new).or_insert(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(value: Value, dialect: Dialect) -> Value {
        let mut object = value.as_object().unwrap().clone();
        result(&mut object, dialect);
        Value::Object(object)
    }

    #[test]
    fn infos_are_flattened_and_renamed() {
        let d0 = json!({"website": "w", "options": {"min_channel_confirmations": 3, "max_channel_expiry_blocks": 9}});
        assert_eq!(
            translated(d0, Dialect::D0),
            json!({
                "website": "w", "min_required_channel_confirmations": 3, "max_channel_expiry_blocks": 9,
                "min_funding_confirms_within_blocks": 6,
            })
        );
        let flat = json!({"max_channel_expiry_blocks": 9, "options": 1});
        assert_eq!(translated(flat.clone(), Dialect::D1), flat);
        let protocols = json!({"protocols": [1]});
        assert_eq!(translated(protocols.clone(), Dialect::D0), protocols);
    }

    #[test]
    fn flat_payments_become_options() {
        let old = json!({
            "order_id": "a", "expires_at": "t", "confirms_within_blocks": 6, "payment": {
                "state": "HOLD", "fee_total_sat": "1", "order_total_sat": "2", "lightning_invoice": "lnbc",
                "onchain_address": "bc1q", "min_onchain_payment_confirmations": 1, "min_fee_for_0conf": null,
                "onchain_payment": null,
            },
        });
        let option = |state: &str| json!({"state": state, "expires_at": "t", "fee_total_sat": "1", "order_total_sat": "2"});
        let mut bolt11 = option("HOLD");
        bolt11["invoice"] = json!("lnbc");
        let mut onchain = option("EXPECT_PAYMENT");
        onchain["address"] = json!("bc1q");
        onchain["min_onchain_payment_confirmations"] = json!(1);
        onchain["min_fee_for_0conf"] = json!(null);
        assert_eq!(
            translated(old.clone(), Dialect::D0),
            json!({"order_id": "a", "funding_confirms_within_blocks": 6, "payment": {"bolt11": bolt11, "onchain": onchain}})
        );
        let mut paid = old;
        paid["payment"]["onchain_payment"] = json!({"outpoint": "x:0"});
        let paid = translated(paid, Dialect::D1);
        assert_eq!(paid["payment"]["bolt11"]["state"], "EXPECT_PAYMENT");
        assert_eq!(paid["payment"]["onchain"]["state"], "HOLD");
    }

    #[test]
    fn todays_orders_stay_as_they_are() {
        let order =
            json!({"order_id": "a", "payment": {"bolt11": {"state": "HOLD", "invoice": "x"}}});
        assert_eq!(translated(order.clone(), Dialect::D2), order);
        let free = json!({"order_id": "a", "payment": {}, "expires_at": "t"});
        assert_eq!(translated(free.clone(), Dialect::D1), free);
        let window = json!({"order_id": "a", "payment": {"bolt11": {"bolt11_invoice": "x"}}});
        assert_eq!(translated(window, Dialect::D2)["payment"]["bolt11"]["invoice"], "x");
    }

    #[test]
    fn errors_are_renumbered() {
        let of = |value: Value, dialect| {
            let mut object = value.as_object().unwrap().clone();
            error(&mut object, dialect);
            Value::Object(object)
        };
        let old = json!({"code": 1000, "data": {"property": "options.min_channel_confirmations"}});
        assert_eq!(
            of(old.clone(), Dialect::D0),
            json!({"code": 100, "data": {"property": "min_required_channel_confirmations"}})
        );
        assert_eq!(of(old.clone(), Dialect::D1)["code"], 1000);
        assert_eq!(of(old.clone(), Dialect::D2), old);
        assert_eq!(of(json!({"code": 1001}), Dialect::D0)["code"], 1);
        assert_eq!(of(json!({"code": "404"}), Dialect::D0)["code"], "404");
    }
}
