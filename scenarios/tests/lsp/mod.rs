//! A tiny LSP that follows the specification, and the driver that lets a session talk to it.
//!
//! It knows no socket, no chain and no key: payments and channels are flags. It is only there to show that a correct
//! target passes the built-in scenarios, whatever it legally chooses to offer.

#![allow(clippy::unwrap_used, reason = "constants of the test are valid")]

mod life;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use bitcoin::{Address, Network};
use life::{Coins, Order, State, World};
use lsps1_scenarios::{
    Action, End, Frame, HttpRequest, Observation, Profile, Scenario, Session, SessionContext,
    SessionOutcome, Span, Transport,
};
use serde_json::{Map, Value, json};

const ME: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
const CREATED_AT: &str = "2027-03-01T11:00:00.123Z";
const TOKEN: &str = "SPRING27";

/// One that it took before.
const SPENT_TOKEN: &str = "SPRING26";

/// What an LSP is free to choose.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) info: Value,
    pub(crate) bolt12: bool,
    pub(crate) onchain: bool,
    pub(crate) fee_sat: u64,
    /// Unknown keys wherever they are allowed.
    pub(crate) extra_keys: bool,
    /// What an unpaid order is when its time is over: FAILED, or CREATED for ever.
    pub(crate) expired_is_failed: bool,
    /// Opens a channel for less than was asked.
    pub(crate) takes_less: bool,
    /// Tries again when the client went away in the middle of an open.
    pub(crate) tries_again: bool,
    /// The feature bits in its init.
    pub(crate) features: &'static [usize],
    /// Answers everything with this, whatever it is asked.
    pub(crate) canned: Option<Value>,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            info: json!({
                "min_required_channel_confirmations": 0, "min_funding_confirms_within_blocks": 6,
                "supports_zero_channel_reserve": false, "max_channel_expiry_blocks": 13000,
                "min_initial_client_balance_sat": "0", "max_initial_client_balance_sat": "1000000",
                "min_initial_lsp_balance_sat": "20000", "max_initial_lsp_balance_sat": "10000000",
                "min_channel_balance_sat": "50000", "max_channel_balance_sat": "10000000",
            }),
            bolt12: false,
            onchain: false,
            fee_sat: 1_450,
            extra_keys: false,
            expired_is_failed: true,
            takes_less: false,
            tries_again: true,
            features: &[19, 729],
            canned: None,
        }
    }
}

/// The LSP and the world around it.
#[derive(Debug)]
pub(crate) struct Lsp {
    choices: Choices,
    orders: BTreeMap<String, Order>,
    world: World,
}

/// Why a request is refused: code and data.
struct Refused(i64, Value);

fn invalid(property: &str) -> Refused {
    Refused(
        -32602,
        json!({"unrecognized": [], "property": property, "message": "not as it has to be"}),
    )
}

fn mismatch(property: &str) -> Refused {
    Refused(100, json!({"property": property, "message": "not what is on offer"}))
}

/// Runs a scenario against a new LSP.
pub(crate) fn run(scenario: &Scenario, transport: Transport, choices: &Choices) -> SessionOutcome {
    run_with(
        scenario,
        transport,
        choices,
        |session| session,
        |lsp, action, now| lsp.carry_out(action, now),
    )
}

/// What a test knows of a run before its session begins.
pub(crate) fn context(transport: Transport) -> SessionContext {
    SessionContext {
        transport,
        profile: Profile::Strict,
        network: Some("regtest".into()),
        public_key: ME.into(),
        target_node: None,
        token: Some(TOKEN.into()),
        any_token: false,
        spent_token: Some(SPENT_TOKEN.into()),
        onchain_off: false,
        refund_address: Some("bcrt1qwzg843xj6ca63wlygn90zlckx9mjz5wat6sgvv".into()),
        seed: 7,
        now: CREATED_AT.parse().unwrap(),
        patience: None,
    }
}

/// The same with a session that is made ready by `prepare`, and an LSP that is asked through `ask`.
pub(crate) fn run_with(
    scenario: &Scenario,
    transport: Transport,
    choices: &Choices,
    prepare: impl FnOnce(Session<'_>) -> Session<'_>,
    ask: impl Fn(&mut Lsp, Action, u64) -> Observation,
) -> SessionOutcome {
    let mut lsp = Lsp::new(choices);
    let context = SessionContext { onchain_off: !choices.onchain, ..context(transport) };
    let mut session = prepare(Session::new(scenario, context));
    let mut now = 0;
    while let Some(action) = session.next_action() {
        let observation = ask(&mut lsp, action, now);
        session.observe(Span { from_ms: now, to_ms: now + 1 }, observation);
        now += 1;
        assert!(now < 10_000, "{} doesn't end", scenario.id());
    }
    session.finish()
}

impl Lsp {
    /// An LSP that has just been started.
    pub(crate) fn new(choices: &Choices) -> Self {
        Self { choices: choices.clone(), orders: BTreeMap::new(), world: World::default() }
    }

    pub(crate) fn carry_out(&mut self, action: Action, at_ms: u64) -> Observation {
        match action {
            Action::Connect { .. } => {
                Observation::Connected { features: self.choices.features.to_vec() }
            }
            Action::Disconnect { .. } | Action::Pause { .. } | Action::Tell { .. } => {
                Observation::Done
            }
            Action::Exchange { conn, frames, .. } => Observation::Frames {
                frames: frames
                    .iter()
                    .filter_map(|bytes| self.message(&conn, bytes))
                    .map(|reply| Frame { bytes: reply.to_string().into_bytes(), at_ms })
                    .collect(),
                end: End::Complete,
            },
            Action::Http(request) => self.http(&request),
            on_chain => self.on_chain(on_chain),
        }
    }

    /// The reply to a payload of type 37913, if there is one.
    fn message(&mut self, peer: &str, bytes: &[u8]) -> Option<Value> {
        let request = read_request(bytes);
        if let Some(canned) = &self.choices.canned {
            let mut reply = canned.clone();
            reply["id"] =
                request.and_then(|request| request.get("id").cloned()).unwrap_or_default();
            return Some(reply);
        }
        let Some(request) = request else {
            let error = json!({"code": -32700, "message": "parse error"});
            return Some(json!({"jsonrpc": "2.0", "id": null, "error": error}));
        };
        let id = request.get("id")?.clone();
        let params = match request.get("params") {
            None => Ok(Map::new()),
            Some(Value::Object(params)) => Ok(params.clone()),
            Some(_) => Err(Refused(-32602, json!({"unrecognized": []}))),
        };
        let method = request["method"].as_str().unwrap_or_default();
        let outcome = params.and_then(|params| self.call(peer, method, params));
        Some(match outcome {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err(Refused(code, data)) => {
                json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "refused", "data": data}})
            }
        })
    }

    fn call(
        &mut self,
        peer: &str,
        method: &str,
        params: Map<String, Value>,
    ) -> Result<Value, Refused> {
        match method {
            "lsps0.list_protocols" => known(&params, &[]).map(|()| json!({"protocols": [1]})),
            "lsps1.get_info" => known(&params, &[]).map(|()| self.info()),
            "lsps1.create_order" => {
                known(&params, &[&REQUIRED[..], &["token", "refund_onchain_address"]].concat())?;
                self.create_order(peer, params)
            }
            "lsps1.get_order" => {
                known(&params, &["order_id"])?;
                self.get_order(Some(peer), params.get("order_id"))
            }
            _ => Err(Refused(-32601, json!({}))),
        }
    }

    fn http(&mut self, request: &HttpRequest) -> Observation {
        if let Some(canned) = &self.choices.canned {
            return http_reply(200, canned);
        }
        let outcome = match (request.method.as_str(), request.path.as_str()) {
            ("GET", "get_info") => {
                let mut info = self.info();
                info["uris"] = json!([format!("{ME}@127.0.0.1:9735"), format!("{ME}@::1:9735")]);
                Ok(info)
            }
            ("POST", "create_order") => self.http_create_order(request),
            ("GET", "get_order") => {
                let id = request
                    .query
                    .iter()
                    .find(|(name, _)| name == "order_id")
                    .map(|(_, id)| json!(id));
                self.get_order(None, id.as_ref())
            }
            (_, "get_info" | "create_order" | "get_order") => {
                return http_reply(405, &json!({"message": "no"}));
            }
            _ => return http_reply(404, &json!({"message": "no"})),
        };
        match outcome {
            Ok(body) => http_reply(200, &body),
            Err(Refused(code, data)) => http_reply(
                400,
                &json!({"error": {"code": code, "message": "refused", "data": data}, "message": "no"}),
            ),
        }
    }

    fn http_create_order(&mut self, request: &HttpRequest) -> Result<Value, Refused> {
        let body = request.body.as_deref().unwrap_or_default();
        let Ok(Value::Object(mut params)) = serde_json::from_slice(body) else {
            return Err(invalid("body"));
        };
        let key = params.remove("public_key");
        let key = key.as_ref().and_then(Value::as_str).ok_or_else(|| invalid("public_key"))?;
        bitcoin::secp256k1::PublicKey::from_str(&key.to_lowercase())
            .ok()
            .filter(|_| key.len() == 66)
            .ok_or_else(|| invalid("public_key"))?;
        for optional in ["token", "refund_onchain_address"] {
            if params.get(optional) == Some(&json!("")) {
                params.remove(optional);
            }
        }
        self.create_order("http", params)
    }

    fn info(&self) -> Value {
        let mut info = self.choices.info.clone();
        if self.choices.extra_keys {
            info["zz_name"] = json!("an LSP");
        }
        info
    }

    fn create_order(
        &mut self,
        owner: &str,
        mut params: Map<String, Value>,
    ) -> Result<Value, Refused> {
        // Orders that come from a wallet lack what the wallet fills in itself.
        for (name, option) in [
            ("required_channel_confirmations", "min_required_channel_confirmations"),
            ("funding_confirms_within_blocks", "min_funding_confirms_within_blocks"),
        ] {
            if params.contains_key("token")
                && params["token"] == TOKEN
                && !params.contains_key(name)
            {
                params.insert(name.into(), self.choices.info[option].clone());
            }
        }
        self.validate(&params)?;
        let token = params.get("token").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !token.is_empty() && token != TOKEN {
            return Err(Refused(102, json!({})));
        }
        params.insert("token".into(), json!(token));
        let serial = self.orders.len() + 1;
        let id = format!("{serial:08x}-0000-4000-8000-000000000000");
        self.orders.insert(
            id.clone(),
            Order {
                serial,
                owner: owner.into(),
                params,
                state: State::Created,
                held: None,
                by_offer: false,
                coins: Coins::Awaited,
            },
        );
        self.get_order(Some(owner), Some(&json!(id)))
    }

    fn validate(&self, params: &Map<String, Value>) -> Result<(), Refused> {
        let info = &self.choices.info;
        let amount = |name: &str| {
            let text = params.get(name).and_then(Value::as_str).unwrap_or_default();
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten().ok_or_else(|| invalid(name))
        };
        let number = |name: &str, most: u64| {
            params
                .get(name)
                .and_then(Value::as_u64)
                .filter(|number| *number <= most)
                .ok_or_else(|| invalid(name))
        };
        let (lsp, client) = (amount("lsp_balance_sat")?, amount("client_balance_sat")?);
        let confirmations = number("required_channel_confirmations", 65_535)?;
        let blocks = number("funding_confirms_within_blocks", 65_535)?;
        let expiry = number("channel_expiry_blocks", u32::MAX.into())?;
        params
            .get("announce_channel")
            .and_then(Value::as_bool)
            .ok_or_else(|| invalid("announce_channel"))?;
        if params.get("token").is_some_and(|token| !token.is_string()) {
            return Err(invalid("token"));
        }
        if let Some(address) = params.get("refund_onchain_address") {
            address
                .as_str()
                .filter(|text| is_own_segwit(text))
                .ok_or_else(|| invalid("refund_onchain_address"))?;
        }
        if lsp == 0 {
            return Err(invalid("lsp_balance_sat"));
        }
        if expiry == 0 {
            return Err(invalid("channel_expiry_blocks"));
        }
        let capacity = u128::from(lsp) + u128::from(client);
        for (low, value, high) in [
            ("min_initial_lsp_balance_sat", lsp.into(), "max_initial_lsp_balance_sat"),
            ("min_initial_client_balance_sat", client.into(), "max_initial_client_balance_sat"),
            ("min_channel_balance_sat", capacity, "max_channel_balance_sat"),
            ("min_required_channel_confirmations", confirmations.into(), ""),
            ("min_funding_confirms_within_blocks", blocks.into(), ""),
            ("", expiry.into(), "max_channel_expiry_blocks"),
        ] {
            let bound = |name: &str| match &info[name] {
                Value::String(text) => text.parse::<u128>().ok(),
                other => other.as_u64().map(u128::from),
            };
            if bound(low).is_some_and(|low| value < low) {
                return Err(mismatch(low));
            }
            if bound(high).is_some_and(|high| value > high) {
                return Err(mismatch(high));
            }
        }
        Ok(())
    }

    fn get_order(&self, peer: Option<&str>, id: Option<&Value>) -> Result<Value, Refused> {
        let id = id.and_then(Value::as_str).ok_or_else(|| invalid("order_id"))?;
        let order = self.orders.get(id).filter(|order| peer.is_none_or(|peer| peer == order.owner));
        let order = order.ok_or_else(|| Refused(101, json!({})))?;
        let mut result = Value::Object(order.params.clone());
        for amount in ["lsp_balance_sat", "client_balance_sat"] {
            result[amount] = json!(order.sat(amount).to_string());
        }
        let with_refund = order.params.contains_key("refund_onchain_address");
        if let Some(result) = result.as_object_mut() {
            result.remove("refund_onchain_address");
        }
        result["order_id"] = json!(id);
        result["created_at"] = json!(CREATED_AT);
        result["order_state"] = json!(order.state.wire());
        result["channel"] = match order.state == State::Completed {
            true => json!({
                "funded_at": "2027-03-01T11:05:00.000Z", "funding_outpoint": order.outpoint(),
                "expires_at": "2027-06-01T11:05:00.000Z",
            }),
            false => Value::Null,
        };
        let fee = self.choices.fee_sat;
        let option = |state: &str| {
            json!({
                "state": state, "expires_at": "2027-03-01T12:00:00.000Z", "fee_total_sat": fee.to_string(),
                "order_total_sat": (fee + order.sat("client_balance_sat")).to_string(),
            })
        };
        let mut payment = json!({"bolt11": option(order.payment_state(false))});
        payment["bolt11"]["invoice"] = json!(format!("lnbcrt1{}", order.invoice()));
        if self.choices.bolt12 {
            payment["bolt12"] = option(order.payment_state(true));
            payment["bolt12"]["offer"] = json!("lno1q");
        }
        if self.choices.onchain && with_refund {
            payment["onchain"] = option(order.coins.wire());
            payment["onchain"]["address"] = json!(order.address());
            payment["onchain"]["min_onchain_payment_confirmations"] = json!(1);
        }
        if self.choices.extra_keys {
            result["zz"] = json!({"zz": []});
            payment["bolt11"]["zz"] = json!(1);
        }
        result["payment"] = payment;
        Ok(result)
    }
}

const REQUIRED: [&str; 6] = [
    "lsp_balance_sat",
    "client_balance_sat",
    "required_channel_confirmations",
    "funding_confirms_within_blocks",
    "channel_expiry_blocks",
    "announce_channel",
];

/// The request in a payload, if it is one.
fn read_request(bytes: &[u8]) -> Option<Map<String, Value>> {
    if bytes.contains(&0) {
        return None;
    }
    let Ok(Value::Object(request)) = serde_json::from_slice(bytes) else { return None };
    let id_is_good = request.get("id").is_none_or(|id| id.is_string() || id.is_number());
    let params_are_good =
        request.get("params").is_none_or(|params| params.is_object() || params.is_array());
    let is_request = request.get("jsonrpc") == Some(&json!("2.0"))
        && request.get("method").is_some_and(Value::is_string);
    (is_request && id_is_good && params_are_good).then_some(request)
}

fn known(params: &Map<String, Value>, names: &[&str]) -> Result<(), Refused> {
    let names: BTreeSet<&str> = names.iter().copied().collect();
    let unknown: Vec<&String> =
        params.keys().filter(|name| !names.contains(name.as_str())).collect();
    if unknown.is_empty() { Ok(()) } else { Err(Refused(-32602, json!({"unrecognized": unknown}))) }
}

fn is_own_segwit(text: &str) -> bool {
    let address = Address::from_str(text)
        .ok()
        .and_then(|address| address.require_network(Network::Regtest).ok());
    address.and_then(|address| address.witness_program()).is_some()
}

fn http_reply(status: u16, body: &Value) -> Observation {
    Observation::Http {
        status,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
        truncated: false,
    }
}
