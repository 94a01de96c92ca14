//! Markers: what tells one dialect from another in an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Dialect::{self, D0, D1, D2, D3, RestSeed};
use crate::action::Transport;
use crate::json::shorten;
use crate::known::OPTIONS;

/// Which answer a marker was seen in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// The answer to get_info.
    Info,
    /// An order.
    Order,
    /// An error.
    Error,
}

/// Something that some dialects have and others don't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The answer that it was seen in.
    pub group: Group,
    /// What was seen.
    pub seen: String,
    /// The dialects that have it.
    pub dialects: Vec<Dialect>,
}

impl Marker {
    fn new(group: Group, seen: impl Into<String>, dialects: &[Dialect]) -> Self {
        Self { group, seen: seen.into(), dialects: dialects.to_vec() }
    }

    /// Whether a dialect has it.
    pub fn fits(&self, dialect: Dialect) -> bool {
        self.dialects.contains(&dialect)
    }
}

/// Since D1, when the confirmation options got the names that they still have.
const SINCE_D1: &[Dialect] = &[D1, D2, RestSeed, D3];
/// Since #101, when get_info became flat and the payment options got their own state, expiry and amounts.
const SINCE_D2: &[Dialect] = &[D2, RestSeed, D3];
/// Before #101.
const BEFORE_D2: &[Dialect] = &[D0, D1];

/// The object that has the options of get_info, and whether it is nested.
pub(super) fn options(info: &Map<String, Value>) -> Option<(&Map<String, Value>, bool)> {
    let has_options = |object: &Map<String, Value>| {
        let known = |name: &str| {
            OPTIONS.contains(&name)
                || ["min_channel_confirmations", "minimum_channel_confirmations"].contains(&name)
        };
        object.keys().any(|name| known(name))
    };
    match info.get("options").and_then(Value::as_object) {
        Some(nested) if has_options(nested) => Some((nested, true)),
        _ => has_options(info).then_some((info, false)),
    }
}

/// The markers in a get_info result. `asked_as_info` is whether the method was `lsps1.info`.
pub(super) fn of_info(
    info: &Map<String, Value>,
    transport: Transport,
    asked_as_info: bool,
) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut add =
        |seen: &str, dialects: &[Dialect]| markers.push(Marker::new(Group::Info, seen, dialects));
    if asked_as_info {
        add("lsps1.info is answered, lsps1.get_info isn't", &[D0]);
    }
    let Some((options, nested)) = options(info) else { return markers };
    match nested {
        true => add("the options are inside of `options`", BEFORE_D2),
        false => add("the options are at the top level", SINCE_D2),
    }
    for name in ["website", "supported_versions"] {
        if info.contains_key(name) {
            add(&format!("`{name}`"), &[D0]);
        }
    }
    for name in ["minimum_channel_confirmations", "min_channel_confirmations"] {
        if options.contains_key(name) {
            add(&format!("`{name}`"), &[D0]);
        }
    }
    for name in ["min_required_channel_confirmations", "min_funding_confirms_within_blocks"] {
        if options.contains_key(name) {
            add(&format!("`{name}`"), SINCE_D1);
        }
    }
    for name in ["min_onchain_payment_confirmations", "min_onchain_payment_size_sat"] {
        if options.contains_key(name) {
            let dialects: &[Dialect] = match (nested, transport) {
                (true, _) => BEFORE_D2,
                // The page of the REST interface has them, and whoever offers one today may have them for its sake.
                (false, Transport::Rest) => SINCE_D2,
                (false, Transport::P2p) => &[D2],
            };
            add(&format!("`{name}`"), dialects);
        }
    }
    markers
}

/// Whether get_info has what only an order can tell the meaning of: members that bLIP-51 doesn't know, but the page of the
/// REST interface does.
pub(super) fn is_ambiguous(info: &Map<String, Value>) -> bool {
    ["min_onchain_payment_confirmations", "min_onchain_payment_size_sat"]
        .iter()
        .any(|name| info.contains_key(*name))
}

/// The markers in an order.
pub(super) fn of_order(order: &Map<String, Value>, transport: Transport) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut add =
        |seen: &str, dialects: &[Dialect]| markers.push(Marker::new(Group::Order, seen, dialects));
    for (name, dialects) in [
        ("confirms_within_blocks", &[D0][..]),
        ("announceChannel", &[D0]),
        ("api_version", &[D0]),
        ("expires_at", BEFORE_D2),
        ("funding_confirms_within_blocks", SINCE_D1),
    ] {
        if order.contains_key(name) {
            add(&format!("`{name}` of the order"), dialects);
        }
    }
    match order.contains_key("required_channel_confirmations") {
        true => add("`required_channel_confirmations` of the order", &[D1, D2, D3]),
        false => add("the order has no `required_channel_confirmations`", &[D0, RestSeed]),
    }
    let is_hex = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = order.get("order_id").and_then(Value::as_str);
    if transport == Transport::Rest && id.is_some_and(is_hex) {
        add("`order_id` has 32 hexadecimal digits", &[RestSeed]);
    }
    let Some(payment) = order.get("payment").and_then(Value::as_object) else { return markers };
    let option = |name: &str| payment.get(name).and_then(Value::as_object);
    let has_options =
        ["bolt11", "bolt12", "onchain"].into_iter().any(|name| option(name).is_some());
    if has_options {
        add("each payment option has its own state and amounts", SINCE_D2);
    } else if ["state", "fee_total_sat", "order_total_sat"]
        .iter()
        .any(|name| payment.contains_key(*name))
    {
        add("state and amounts are those of `payment`", BEFORE_D2);
    }
    for (name, dialects) in [
        ("lightning_invoice", &[D0][..]),
        ("bolt11_invoice", BEFORE_D2),
        ("onchain_address", BEFORE_D2),
    ] {
        if payment.contains_key(name) {
            add(&format!("`payment.{name}`"), dialects);
        }
    }
    for (option_name, name) in [("bolt11", "bolt11_invoice"), ("onchain", "onchain_address")] {
        if option(option_name).is_some_and(|option| option.contains_key(name)) {
            add(&format!("`payment.{option_name}.{name}`"), &[D2]);
        }
    }
    if option("bolt12").is_some() {
        add("`payment.bolt12`", &[D3]);
    }
    markers
}

/// The marker in an error that stands for an order that there isn't.
pub(super) fn of_unknown_order(error: &Value) -> Option<Marker> {
    of_code(error, "an unknown order", 404, 101)
}

/// The marker in the refusal of an order.
pub(super) fn of_refused_order(error: &Value) -> Option<Marker> {
    of_code(error, "an order", 1000, 100).or_else(|| of_code(error, "an order", 1001, 1))
}

fn of_code(error: &Value, what: &str, old: i64, new: i64) -> Option<Marker> {
    let code = error.get("code")?;
    let dialects: &[Dialect] = match code.as_i64()? {
        found if found == old => &[D0],
        found if found == new => SINCE_D1,
        _ => return None,
    };
    Some(Marker::new(
        Group::Error,
        format!("{what} is refused with code {}", shorten(code)),
        dialects,
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(markers: &[Marker], dialect: Dialect) -> (usize, usize) {
        let fits = markers.iter().filter(|marker| marker.fits(dialect)).count();
        (fits, markers.len() - fits)
    }

    fn info(value: Value) -> Vec<Marker> {
        of_info(value.as_object().unwrap(), Transport::Rest, false)
    }

    #[test]
    fn infos_bear_the_markers_of_their_revision() {
        let d0 = info(
            json!({"website": "w", "options": {"min_channel_confirmations": 0, "max_channel_expiry_blocks": 1}}),
        );
        assert_eq!((seen(&d0, D0), seen(&d0, D1)), ((3, 0), (1, 2)));
        let d1 = info(
            json!({"options": {"min_required_channel_confirmations": 0, "min_onchain_payment_size_sat": null}}),
        );
        assert_eq!(seen(&d1, D1), (3, 0));
        let seed = info(
            json!({"min_required_channel_confirmations": 0, "min_onchain_payment_size_sat": null, "uris": []}),
        );
        assert_eq!((seen(&seed, RestSeed), seen(&seed, D3)), ((3, 0), (3, 0)));
        let current = info(json!({"min_required_channel_confirmations": 0, "options": {"zz": 1}}));
        assert_eq!(seen(&current, D3), (2, 0));
        assert_eq!(info(json!({"zz": 1})), []);
    }

    #[test]
    fn orders_bear_the_markers_of_their_revision() {
        let of = |value: Value| of_order(value.as_object().unwrap(), Transport::P2p);
        let d0 = of(
            json!({"confirms_within_blocks": 6, "expires_at": "", "payment": {"state": "HOLD", "lightning_invoice": "x"}}),
        );
        assert_eq!((seen(&d0, D0), seen(&d0, D3)), ((5, 0), (0, 5)));
        let d2 = of(
            json!({"required_channel_confirmations": 0, "payment": {"bolt11": {"bolt11_invoice": "x"}}}),
        );
        assert_eq!((seen(&d2, D2), seen(&d2, D3)), ((3, 0), (2, 1)));
        let d3 = of(json!({"required_channel_confirmations": 0, "payment": {"bolt12": {}}}));
        assert_eq!((seen(&d3, D3), seen(&d3, D2)), ((3, 0), (2, 1)));
    }

    #[test]
    fn codes_were_renumbered() {
        assert_eq!(of_unknown_order(&json!({"code": 404})).unwrap().dialects, [D0]);
        assert!(of_unknown_order(&json!({"code": 101})).unwrap().fits(D3));
        assert_eq!(of_unknown_order(&json!({"code": "404"})), None);
        assert_eq!(of_refused_order(&json!({"code": 1001})).unwrap().dialects, [D0]);
        assert_eq!(of_refused_order(&json!({"code": -32602})), None);
    }
}
