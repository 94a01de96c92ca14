//! From a call in a scenario to the bytes that go out.

use serde_json::{Map, Value, json};

use crate::action::{HttpRequest, Transport};
use crate::base;
use crate::dialect::View;
use crate::expr::{self, ExprError, Scope};
use crate::scenario::{Call, HttpCall, Payload};
use crate::transcript::HttpExchange;

/// Why a request can't be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    #[error(transparent)]
    Expression(#[from] ExprError),
    #[error("there is no base request: {0}")]
    Base(#[from] base::BaseError),
    #[error("{0} can't be done over {1}")]
    Transport(&'static str, Transport),
    #[error("the method {0} has no REST counterpart")]
    NoRestCounterpart(String),
    #[error("{0} is no number that can be used here")]
    Number(String),
    #[error("a payload has at most {MOST_BYTES} bytes, this one has {0}")]
    TooLong(usize),
}

/// A BOLT 8 message has 65,535 bytes at most, two of them the type.
const MOST_BYTES: usize = 65_533;

/// A payload of type 37913 that is ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) bytes: Vec<u8>,
    /// What was sent, as JSON if it is JSON.
    pub(super) request: Value,
    /// The id that the reply has, or would have if the target read more into the payload than there is; null if there is none
    /// to be found.
    pub(super) id: Value,
    /// Whether saying nothing may be a right answer (there is no id, or nothing is asked).
    pub(super) may_be_silent: bool,
}

impl Outgoing {
    /// A well-formed call of a method.
    pub(super) fn plain(method: &str, params: Value, id: String) -> Self {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        Self {
            bytes: request.to_string().into_bytes(),
            request,
            id: Value::String(id),
            may_be_silent: false,
        }
    }

    fn of_bytes(bytes: Vec<u8>) -> Result<Self, RequestError> {
        if bytes.len() > MOST_BYTES {
            return Err(RequestError::TooLong(bytes.len()));
        }
        let parsed: Option<Value> = serde_json::from_slice(&bytes).ok();
        let object = parsed.as_ref().and_then(Value::as_object);
        let id = readable_id(&bytes);
        let may_be_silent = object
            .is_some_and(|object| !object.contains_key("id") || !object.contains_key("method"));
        let request =
            parsed.unwrap_or_else(|| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Self { bytes, request, id, may_be_silent })
    }
}

/// The id that a lenient reader finds in a payload, however bad it is: a reply that wrongly repeats it is a reply. Null if
/// there is none, or one that JSON-RPC doesn't know, which can't be repeated.
pub(crate) fn readable_id(payload: &[u8]) -> Value {
    let text = String::from_utf8_lossy(payload);
    let object = text.find('{').and_then(|at| text.get(at..)).and_then(|text| {
        serde_json::Deserializer::from_str(text).into_iter::<Value>().next()?.ok()
    });
    match object.as_ref().and_then(|object| object.get("id")) {
        Some(id @ (Value::String(_) | Value::Number(_))) => id.clone(),
        _ => Value::Null,
    }
}

/// The method of that name, as it is called over custom messages.
fn full_method(name: &str) -> &str {
    match name {
        "list_protocols" => "lsps0.list_protocols",
        "get_info" => "lsps1.get_info",
        "create_order" => "lsps1.create_order",
        "get_order" => "lsps1.get_order",
        other => other,
    }
}

/// The parameters of a call: the method's base parameters, patched.
fn params(
    call: &Call,
    scope: &Scope,
    public_key: Option<&str>,
) -> Result<Map<String, Value>, RequestError> {
    let mut params = match full_method(&call.method) {
        "lsps1.create_order" => {
            let info = scope
                .get("info")
                .and_then(|info| info.get("result"))
                .ok_or(base::BaseError::NoInfo)?;
            base::create_order(info, public_key)?
        }
        "lsps1.get_order" => {
            let order = scope.get("order");
            let id = order.and_then(|order| {
                order.pointer("/result/order_id").or_else(|| order.get("order_id"))
            });
            id.map(|id| Map::from_iter([("order_id".to_owned(), id.clone())])).unwrap_or_default()
        }
        _ => Map::new(),
    };
    params.extend(expr::render_map(&call.with, scope)?);
    for name in &call.without {
        params.remove(name);
    }
    Ok(params)
}

/// A call as a custom message in the target's dialect.
pub(super) fn message(
    call: &Call,
    scope: &Scope,
    id: String,
    view: &View,
) -> Result<Outgoing, RequestError> {
    let mut envelope = Map::new();
    envelope.insert("jsonrpc".into(), json!("2.0"));
    envelope.insert("id".into(), json!(id));
    envelope.insert("method".into(), json!(full_method(&call.method)));
    envelope.insert("params".into(), Value::Object(params(call, scope, None)?));
    envelope.extend(expr::render_map(&call.envelope, scope)?);
    for name in &call.envelope_without {
        envelope.remove(name);
    }
    let bytes = Value::Object(view.request(envelope.clone())).to_string().into_bytes();
    let request = Value::Object(envelope);
    Ok(Outgoing { request, ..Outgoing::of_bytes(bytes)? })
}

/// A raw payload.
pub(super) fn raw(payload: &Payload, scope: &Scope) -> Result<Outgoing, RequestError> {
    Outgoing::of_bytes(payload_bytes(payload, scope)?)
}

fn payload_bytes(payload: &Payload, scope: &Scope) -> Result<Vec<u8>, RequestError> {
    Ok(match payload {
        Payload::Text(text) => expr::render_text(text, scope)?.into_bytes(),
        Payload::Bytes(bytes) => bytes.clone(),
        Payload::Json(value) => expr::render_json(value, scope)?.to_string().into_bytes(),
    })
}

/// A call as an HTTP request of the REST face.
pub(super) fn http(
    call: &Call,
    scope: &Scope,
    public_key: &str,
    view: &View,
) -> Result<HttpRequest, RequestError> {
    if !call.envelope.is_empty() || !call.envelope_without.is_empty() {
        return Err(RequestError::Transport("patching the JSON-RPC envelope", Transport::Rest));
    }
    let method = full_method(&call.method);
    let (verb, path) = match method {
        "lsps1.get_info" => ("GET", "get_info"),
        "lsps1.create_order" => ("POST", "create_order"),
        "lsps1.get_order" => ("GET", "get_order"),
        other => return Err(RequestError::NoRestCounterpart(other.into())),
    };
    let params = view.params(method, params(call, scope, Some(public_key))?);
    let mut request = HttpRequest {
        method: verb.into(),
        path: path.into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
    };
    if verb == "POST" {
        request.headers.push(("content-type".into(), "application/json".into()));
        request.body = Some(Value::Object(params).to_string().into_bytes());
    } else {
        request.query = params.into_iter().map(|(name, value)| (name, text_of(&value))).collect();
    }
    Ok(request)
}

/// A raw HTTP request.
pub(super) fn raw_http(call: &HttpCall, scope: &Scope) -> Result<HttpRequest, RequestError> {
    let pairs = |map: &Map<String, Value>| -> Result<Vec<(String, String)>, RequestError> {
        Ok(expr::render_map(map, scope)?
            .into_iter()
            .map(|(name, value)| (name, text_of(&value)))
            .collect())
    };
    let mut headers = pairs(&call.headers)?;
    let names_type = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if matches!(call.body, Some(Payload::Json(_))) && !names_type {
        headers.push(("content-type".into(), "application/json".into()));
    }
    Ok(HttpRequest {
        method: call.method.clone(),
        path: expr::render_text(&call.path, scope)?,
        query: pairs(&call.query)?,
        headers,
        body: call.body.as_ref().map(|body| payload_bytes(body, scope)).transpose()?,
    })
}

/// What an HTTP request is about, for the transcript.
pub(crate) fn about(request: &HttpRequest) -> HttpExchange {
    let method = match (request.method.as_str(), request.path.trim_matches('/')) {
        ("GET", "get_info") => Some("lsps1.get_info"),
        ("POST", "create_order") => Some("lsps1.create_order"),
        ("GET", "get_order") => Some("lsps1.get_order"),
        _ => None,
    };
    let params = match &request.body {
        Some(body) => serde_json::from_slice(body).unwrap_or(Value::Null),
        None => Value::Object(
            request.query.iter().map(|(name, value)| (name.clone(), json!(value))).collect(),
        ),
    };
    HttpExchange {
        method: method.map(str::to_owned),
        params,
        status: None,
        content_type: None,
        truncated: false,
    }
}

/// The request as bytes, for the transcript: request line, headers, body.
pub(crate) fn http_bytes(request: &HttpRequest) -> Vec<u8> {
    let query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let mut text = format!("{} {}{mark}{}\n", request.method, request.path, query.join("&"));
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    let mut bytes = text.into_bytes();
    if let Some(body) = &request.body {
        bytes.push(b'\n');
        bytes.extend(body);
    }
    bytes
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
