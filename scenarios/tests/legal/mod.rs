//! A correct LSP that makes use of what the specification leaves open: the tiny LSP behind something that takes its
//! answers and writes them otherwise, and refuses what may be refused with another of the codes that may be used.

use std::collections::BTreeMap;
use std::time::Duration;

use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
use lightning::offers::offer::OfferBuilder;
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};
use lsps1_scenarios::{Action, Frame, HttpRequest, Observation};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use super::lsp::{Choices, Lsp};

/// When every order of the tiny LSP is made and expires, in seconds since 1970: 2027-03-01T11:00:00Z and an hour later.
const CREATED_S: u64 = 1_803_898_800;
const LIFETIME: Duration = Duration::from_secs(3600);

/// What the specification leaves to the LSP, beyond what it offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Liberties {
    /// Where everything that is drawn anew for each answer comes from.
    pub(crate) seed: u64,
    /// Members that nobody knows, in every object of a result, with other values each time.
    pub(crate) extra_members: bool,
    /// Members in another order each time.
    pub(crate) any_order: bool,
    /// White space between the tokens of an answer.
    pub(crate) spaces: bool,
    /// Answers to requests that were sent at once come in any order.
    pub(crate) out_of_order: bool,
    /// Orders can't be paid by BOLT 11; the choices have to offer BOLT 12 then.
    pub(crate) no_bolt11: bool,
    /// A notification is answered as bad format instead of with silence (A-04).
    pub(crate) answers_notifications: bool,
    /// An escaped zero in a payload is bad format (A-07).
    pub(crate) refuses_escaped_zeros: bool,
    /// The code for params by position (A-03).
    pub(crate) positional: i64,
    /// Leading zeros are an invalid amount (A-10).
    pub(crate) refuses_leading_zeros: bool,
    /// 0 sat and 0 blocks break an option instead of the rule of the field (A-13).
    pub(crate) zero_breaks_option: bool,
    /// A null or empty optional param is as good as none (A-18, A-19).
    pub(crate) null_is_none: bool,
    /// 6.0 is an integer.
    pub(crate) takes_whole_floats: bool,
    /// Order ids that no order can have are an invalid param.
    pub(crate) odd_order_ids_are_invalid: bool,
    /// Error -32602 for unknown params names one of them as property, too.
    pub(crate) names_unknown: bool,
    /// `"error": null` in the results of REST.
    pub(crate) null_error_on_rest: bool,
    /// The HTTP status of errors, and whether their body is more than a text (A-45).
    pub(crate) rest_error: (u16, bool),
    /// Turns every client away (L0-166).
    pub(crate) rejects_clients: bool,
    /// One of so many HTTP requests is too many; 0: none is.
    pub(crate) rate_limit: u32,
}

/// The tiny LSP with its liberties.
pub(crate) struct LegalLsp {
    lsp: Lsp,
    liberties: Liberties,
    rng: StdRng,
    invoices: BTreeMap<String, String>,
}

impl LegalLsp {
    pub(crate) fn new(choices: &Choices, liberties: &Liberties) -> Self {
        Self {
            lsp: Lsp::new(choices),
            rng: StdRng::seed_from_u64(liberties.seed),
            liberties: liberties.clone(),
            invoices: BTreeMap::new(),
        }
    }

    pub(crate) fn carry_out(&mut self, action: Action, at_ms: u64) -> Observation {
        match action {
            Action::Exchange { conn, mut frames, wait } => {
                if self.liberties.out_of_order {
                    frames.shuffle(&mut self.rng);
                }
                let mut replies = Vec::new();
                let mut ended = lsps1_scenarios::End::Complete;
                for frame in frames {
                    let (frame, forced) = self.change_request(&frame);
                    let one = Action::Exchange {
                        conn: conn.clone(),
                        frames: vec![frame.clone()],
                        wait: wait.clone(),
                    };
                    let Observation::Frames { frames: mut came, end } =
                        self.lsp.carry_out(one, at_ms)
                    else {
                        panic!("an exchange gives frames");
                    };
                    ended = end;
                    if let Some(forced) = forced {
                        came = vec![Frame { bytes: forced.to_string().into_bytes(), at_ms }];
                    }
                    for mut reply in came {
                        reply.bytes = self.change_reply(&frame, &reply.bytes);
                        replies.push(reply);
                    }
                }
                Observation::Frames { frames: replies, end: ended }
            }
            Action::Http(request) => self.http(request, at_ms),
            other => self.lsp.carry_out(other, at_ms),
        }
    }

    /// The request as the tiny LSP understands it, and an answer that is given whatever it says.
    fn change_request(&mut self, frame: &[u8]) -> (Vec<u8>, Option<Value>) {
        let unchanged = |forced| (frame.to_vec(), forced);
        let parse_error = || json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}});
        let Ok(Value::Object(mut request)) = serde_json::from_slice(frame) else {
            return unchanged(None);
        };
        let is_request = request.get("jsonrpc") == Some(&json!("2.0"))
            && request.get("method").is_some_and(Value::is_string);
        if !is_request {
            return unchanged(None);
        }
        let Some(id) = request.get("id").cloned() else {
            return unchanged(self.liberties.answers_notifications.then(parse_error));
        };
        let has_escaped_zero = frame.windows(6).any(|six| six == br"\u0000");
        if self.liberties.refuses_escaped_zeros && has_escaped_zero {
            return unchanged(Some(parse_error()));
        }
        if request.get("params").is_some_and(Value::is_array) && id.is_string() {
            let code = self.liberties.positional;
            let id = if code == -32700 { Value::Null } else { id };
            let mut error = json!({"code": code, "message": "Parse error"});
            if code == -32602 {
                error["data"] = json!({"unrecognized": [], "property": "order_id", "message": "m"});
            }
            return unchanged(Some(json!({"jsonrpc": "2.0", "id": id, "error": error})));
        }
        let is_order = request["method"] == "lsps1.create_order";
        if is_order && self.liberties.rejects_clients {
            let error = json!({"code": 1, "message": "no", "data": {"message": "not you"}});
            return unchanged(Some(json!({"jsonrpc": "2.0", "id": id, "error": error})));
        }
        if let Some(Value::Object(params)) = request.get_mut("params")
            && is_order
        {
            self.change_params(params);
        }
        (Value::Object(request).to_string().into_bytes(), None)
    }

    fn change_params(&self, params: &mut Map<String, Value>) {
        // The tiny LSP fills these in for wallets that send the good token. A correct one doesn't.
        for name in ["required_channel_confirmations", "funding_confirms_within_blocks"] {
            params.entry(name).or_insert(Value::Null);
        }
        let is_none = |value: &Value| value.is_null() || value == "";
        if self.liberties.null_is_none {
            for name in ["token", "refund_onchain_address"] {
                if params.get(name).is_some_and(is_none) {
                    params.remove(name);
                }
            }
        }
        if self.liberties.takes_whole_floats {
            for value in params.values_mut() {
                if let Some(float) = value.as_f64().filter(|float| {
                    value.is_f64() && float.fract() == 0.0 && (0.0..1e9).contains(float)
                }) {
                    *value = json!(float as u64);
                }
            }
        }
        if self.liberties.refuses_leading_zeros {
            for name in ["lsp_balance_sat", "client_balance_sat"] {
                let text = params.get(name).and_then(Value::as_str).unwrap_or_default();
                if text.len() > 1 && text.starts_with('0') {
                    // No amount to the tiny LSP.
                    params.insert(name.into(), json!("x"));
                }
            }
        }
    }

    fn change_reply(&mut self, request: &[u8], reply: &[u8]) -> Vec<u8> {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let mut reply: Value = serde_json::from_slice(reply).unwrap();
        if let Some(result) = reply.get_mut("result") {
            self.change_result(result);
        }
        if let Some(error) = reply.get_mut("error") {
            let method = request["method"].as_str().unwrap_or_default();
            self.change_error(method, &request["params"], error);
        }
        self.written(&reply)
    }

    fn change_result(&mut self, result: &mut Value) {
        if let Some(id) = result["order_id"].as_str().map(str::to_owned) {
            self.change_payment(&id, &mut result["payment"]);
        }
        if self.liberties.extra_members {
            self.add_members(result);
        }
    }

    /// Genuine invoices and offers.
    fn change_payment(&mut self, id: &str, payment: &mut Value) {
        for (name, member) in [("bolt11", "invoice"), ("bolt12", "offer")] {
            if !payment[name].is_object() {
                continue;
            }
            let total: u64 = payment[name]["order_total_sat"].as_str().unwrap().parse().unwrap();
            let text = self.invoices.entry(format!("{name} {id}")).or_insert_with(|| {
                if name == "bolt11" { invoice(id, total) } else { offer(total) }
            });
            payment[name][member] = json!(text);
        }
        if self.liberties.no_bolt11 {
            payment.as_object_mut().unwrap().remove("bolt11");
        }
    }

    fn add_members(&mut self, value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.values_mut().for_each(|value| self.add_members(value));
                for name in ["website", "zz_time", "Zz", "zz pay"] {
                    if self.rng.random_bool(0.5) {
                        let value = self.any_value(2);
                        object.insert(name.into(), value);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|value| self.add_members(value)),
            _ => {}
        }
    }

    fn any_value(&mut self, depth: u32) -> Value {
        match self.rng.random_range(0..if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.rng.random::<bool>()),
            2 => json!(self.rng.random::<u64>()),
            3 => json!(-1.5),
            4 => json!("an \"unknown\" value é\n"),
            5 => json!("2027-03-01"),
            6 => json!([self.any_value(depth - 1), self.any_value(depth - 1)]),
            // What looks like something that is known elsewhere.
            _ => json!({"state": "PAID", "order_total_sat": 7, "error": self.any_value(depth - 1)}),
        }
    }

    /// What may be refused otherwise.
    fn change_error(&self, method: &str, params: &Value, error: &mut Value) {
        let property = error["data"]["property"].as_str().unwrap_or_default().to_owned();
        let unrecognized = error["data"]["unrecognized"].as_array().cloned().unwrap_or_default();
        if let (true, Some(name)) = (self.liberties.names_unknown, unrecognized.first()) {
            error["data"]["property"] = name.clone();
            error["data"]["message"] = json!("nobody knows it");
        }
        match (method, error["code"].as_i64(), property.as_str()) {
            ("lsps1.create_order", Some(-32602), "lsp_balance_sat")
                if self.liberties.zero_breaks_option && params["lsp_balance_sat"] == "0" =>
            {
                let data = json!({"property": "min_initial_lsp_balance_sat", "message": "m"});
                *error = json!({"code": 100, "message": "m", "data": data});
            }
            ("lsps1.create_order", Some(-32602), "channel_expiry_blocks")
                if self.liberties.zero_breaks_option && params["channel_expiry_blocks"] == 0 =>
            {
                let data = json!({"property": "max_channel_expiry_blocks", "message": "m"});
                *error = json!({"code": 100, "message": "m", "data": data});
            }
            ("lsps1.get_order", Some(101), _)
                if self.liberties.odd_order_ids_are_invalid
                    && params["order_id"].as_str().is_none_or(|id| id.len() != 36) =>
            {
                let data = json!({"unrecognized": [], "property": "order_id", "message": "m"});
                *error = json!({"code": -32602, "message": "m", "data": data});
            }
            _ => {}
        }
    }

    fn http(&mut self, mut request: HttpRequest, at_ms: u64) -> Observation {
        let limit = self.liberties.rate_limit;
        if limit > 0 && self.rng.random_range(0..limit) == 0 {
            return response(429, b"slow down".to_vec());
        }
        let is_order = request.path == "create_order" && request.method == "POST";
        let body = request.body.as_deref().unwrap_or_default();
        let mut params: Value =
            request.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        if let Ok(Value::Object(mut object)) = serde_json::from_slice(body) {
            if is_order {
                if self.liberties.rejects_clients {
                    let error = json!({"code": 1, "message": "no", "data": {"message": "not you"}});
                    return response(403, json!({"error": error}).to_string().into_bytes());
                }
                self.change_params(&mut object);
            }
            params = Value::Object(object);
            request.body = Some(params.to_string().into_bytes());
        }
        let observation = self.lsp.carry_out(Action::Http(request.clone()), at_ms);
        let Observation::Http { status, body, .. } = observation else {
            panic!("an HTTP request gives an HTTP response");
        };
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        if status == 200 {
            self.change_result(&mut body);
            if self.liberties.null_error_on_rest {
                body["error"] = Value::Null;
            }
            return response(200, self.written(&body));
        }
        let (code, has_form) = self.liberties.rest_error;
        if status != 400 || !has_form {
            return response(if status == 400 { code } else { status }, b"no".to_vec());
        }
        self.change_error(&format!("lsps1.{}", request.path), &params, &mut body["error"]);
        response(code, self.written(&body))
    }

    fn written(&mut self, value: &Value) -> Vec<u8> {
        let mut text = String::new();
        self.write(value, &mut text);
        text.into_bytes()
    }

    /// JSON with members in any order and white space wherever it may be.
    fn write(&mut self, value: &Value, text: &mut String) {
        self.space(text);
        match value {
            Value::Object(object) => {
                let mut members: Vec<(&String, &Value)> = object.iter().collect();
                if self.liberties.any_order {
                    members.shuffle(&mut self.rng);
                }
                text.push('{');
                for (number, (name, value)) in members.into_iter().enumerate() {
                    text.push_str(if number == 0 { "" } else { "," });
                    self.space(text);
                    text.push_str(&json!(name).to_string());
                    self.space(text);
                    text.push(':');
                    self.write(value, text);
                }
                text.push('}');
            }
            Value::Array(items) => {
                text.push('[');
                for (number, item) in items.iter().enumerate() {
                    text.push_str(if number == 0 { "" } else { "," });
                    self.write(item, text);
                }
                text.push(']');
            }
            scalar => text.push_str(&scalar.to_string()),
        }
        self.space(text);
    }

    fn space(&mut self, text: &mut String) {
        if self.liberties.spaces && self.rng.random_bool(0.3) {
            text.push_str([" ", "\n", "\t", "\r\n  "][self.rng.random_range(0..4)]);
        }
    }
}

fn response(status: u16, body: Vec<u8>) -> Observation {
    Observation::Http {
        status,
        headers: vec![("CONTENT-TYPE".into(), "application/json; charset=utf-8".into())],
        body,
        truncated: false,
    }
}

fn key() -> SecretKey {
    SecretKey::from_slice(&[7; 32]).unwrap()
}

fn invoice(id: &str, total_sat: u64) -> String {
    let hash = sha256::Hash::hash(id.as_bytes());
    InvoiceBuilder::new(Currency::Regtest)
        .description("channel".into())
        .payment_hash(hash)
        .payment_secret(PaymentSecret(hash.to_byte_array()))
        .duration_since_epoch(Duration::from_secs(CREATED_S))
        .expiry_time(LIFETIME)
        .min_final_cltv_expiry_delta(144)
        .amount_milli_satoshis(total_sat * 1000)
        .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key()))
        .unwrap()
        .to_string()
}

fn offer(total_sat: u64) -> String {
    OfferBuilder::new(PublicKey::from_secret_key(&Secp256k1::new(), &key()))
        .chain(bitcoin::Network::Regtest)
        .description("channel".into())
        .absolute_expiry(Duration::from_secs(CREATED_S) + LIFETIME)
        .amount_msats(total_sat * 1000)
        .build()
        .unwrap()
        .to_string()
}
