//! A transcript as requests and replies.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::action::Transport;
use crate::document::rest_error;
use crate::oracle;
use crate::transcript::{Exchange, Transcript};

/// All replies of a session, in order.
pub(super) struct View<'a> {
    pub(super) replies: Vec<Reply<'a>>,
}

/// Something that came from the target.
#[derive(Clone, Debug)]
pub(super) struct Reply<'a> {
    pub(super) transport: Transport,
    /// Place in the transcript.
    pub(super) exchange: usize,
    /// Place in what was received in the exchange.
    pub(super) message: usize,
    pub(super) bytes: &'a [u8],
    /// In milliseconds since the start of the session.
    pub(super) at_ms: u64,
    /// The payload or body, if it is valid UTF-8 and exactly one JSON value.
    pub(super) value: Option<Value>,
    /// The request that it answers, if that can be told.
    pub(super) request: Option<Request>,
    /// The request that a parse error or invalid request without an id can only belong to: the one that was open on the
    /// connection, if nobody can be in doubt about how to read it.
    pub(super) refused: Option<Request>,
    /// Whether everything sent over the connection up to now was a well-formed request.
    pub(super) clear: bool,
    /// `rest`: the response was neither cut off nor a failure.
    pub(super) success: bool,
}

/// A request that was read back from what was sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) exchange: usize,
    pub(super) message: usize,
    pub(super) id: Value,
    /// Full name, such as `lsps1.get_info`; empty if there is none.
    pub(super) method: String,
    pub(super) params: Value,
    /// Whether it is a JSON-RPC request with an id and by-name parameters.
    pub(super) well_formed: bool,
}

/// An order object in a reply.
#[derive(Clone, Copy)]
pub(super) struct Order<'v> {
    pub(super) reply: &'v Reply<'v>,
    pub(super) object: &'v Value,
    /// Whether it is the answer to create_order.
    pub(super) is_new: bool,
    /// The parameters of the create_order that made it, if it was made in this session.
    pub(super) wanted: Option<&'v Value>,
}

impl<'v> Order<'v> {
    /// A member, with null told from absent.
    pub(super) fn get(&self, name: &str) -> Option<&'v Value> {
        self.object.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'v str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A payment option, if it is an object.
    pub(super) fn option(&self, name: &str) -> Option<&'v Value> {
        self.object.get("payment")?.get(name).filter(|option| option.is_object())
    }

    /// The state of a payment option.
    pub(super) fn option_state(&self, name: &str) -> Option<&'v str> {
        self.option(name)?.get("state")?.as_str()
    }
}

impl<'a> View<'a> {
    pub(super) fn of(transcript: &'a Transcript) -> Self {
        let mut replies = Vec::new();
        let mut requests: Vec<(&str, Request)> = Vec::new();
        let mut unclear: Vec<&str> = Vec::new();
        // How many more messages were sent over each connection than came back.
        let mut open: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, exchange) in transcript.exchanges.iter().enumerate() {
            match exchange.transport {
                Transport::P2p => {
                    for (message, sent) in exchange.sent.iter().enumerate() {
                        let request = read_request(&sent.bytes, index, message);
                        if !request.well_formed && !unclear.contains(&exchange.via.as_str()) {
                            unclear.push(&exchange.via);
                        }
                        requests.push((&exchange.via, request));
                    }
                    let clear = !unclear.contains(&exchange.via.as_str());
                    let mut came = p2p_replies(exchange, index, &requests, clear);
                    let open = open.entry(&exchange.via).or_default();
                    if let ([sent], [reply], 0) =
                        (exchange.sent.as_slice(), came.as_mut_slice(), *open)
                        && reply.is_refusal_without_id()
                        && oracle::is_beyond_doubt(&sent.bytes)
                    {
                        let sent = read_request(&sent.bytes, index, 0);
                        reply.refused =
                            Some(sent).filter(|sent| sent.well_formed && sent.id.is_string());
                    }
                    *open = (*open + exchange.sent.len()).saturating_sub(exchange.received.len());
                    replies.extend(came);
                }
                Transport::Rest => replies.extend(rest_replies(exchange, index)),
            }
        }
        Self { replies }
    }

    /// The results of a method, with the replies that they came in.
    pub(super) fn results(&self, method: &str) -> impl Iterator<Item = (&Reply<'a>, &Value)> {
        self.replies.iter().filter_map(move |reply| {
            reply.request.as_ref().filter(|request| request.method == method)?;
            Some((reply, reply.result()?))
        })
    }

    /// The latest get_info result.
    pub(super) fn info(&self) -> Option<&Value> {
        self.results("lsps1.get_info").map(|(_, info)| info).last()
    }

    /// All order objects, in the order in which they came.
    pub(super) fn orders(&self) -> Vec<Order<'_>> {
        let mut orders: Vec<Order<'_>> = Vec::new();
        for reply in &self.replies {
            let Some(request) = &reply.request else { continue };
            let is_new = request.method == "lsps1.create_order";
            if !is_new && request.method != "lsps1.get_order" {
                continue;
            }
            let Some(object) = reply.result().filter(|result| result.is_object()) else { continue };
            let wanted = if is_new {
                Some(&request.params)
            } else {
                let id = object.get("order_id");
                let made = orders
                    .iter()
                    .find(|order| order.is_new && id.is_some() && order.get("order_id") == id);
                made.and_then(|order| order.wanted)
            };
            orders.push(Order { reply, object, is_new, wanted });
        }
        orders
    }
}

impl Reply<'_> {
    /// The payload as a JSON object.
    pub(super) fn object(&self) -> Option<&serde_json::Map<String, Value>> {
        self.value.as_ref().and_then(Value::as_object)
    }

    /// The result: of JSON-RPC, or the body of a successful HTTP response.
    pub(super) fn result(&self) -> Option<&Value> {
        let object = self.object()?;
        match self.transport {
            Transport::P2p => {
                object.get("result").filter(|_| object.get("error").is_none_or(Value::is_null))
            }
            Transport::Rest => {
                self.value.as_ref().filter(|body| self.success && rest_error(body).is_none())
            }
        }
    }

    fn is_refusal_without_id(&self) -> bool {
        let code = self.error().and_then(|error| error.get("code")).and_then(Value::as_i64);
        let id = self.value.as_ref().and_then(|value| value.get("id"));
        matches!(code, Some(-32700 | -32600)) && id.is_none_or(Value::is_null)
    }

    /// The JSON-RPC error, if there is one.
    pub(super) fn error(&self) -> Option<&Value> {
        match self.transport {
            Transport::P2p => self.object()?.get("error").filter(|error| !error.is_null()),
            Transport::Rest => None,
        }
    }
}

fn read_request(bytes: &[u8], exchange: usize, message: usize) -> Request {
    let value: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let id = value.get("id").cloned().unwrap_or(Value::Null);
    let method = value.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
    let params = value.get("params").cloned().unwrap_or(Value::Null);
    let well_formed = value.get("jsonrpc").is_some_and(|version| version == "2.0")
        && (id.is_string() || id.is_number())
        && value.get("method").is_some_and(Value::is_string)
        && value.get("params").is_some_and(Value::is_object);
    Request { exchange, message, id, method, params, well_formed }
}

fn p2p_replies<'a>(
    exchange: &'a Exchange,
    index: usize,
    requests: &[(&str, Request)],
    clear: bool,
) -> Vec<Reply<'a>> {
    let of_message = |(message, received): (usize, &'a crate::transcript::Message)| {
        let value: Option<Value> = serde_json::from_slice(&received.bytes).ok();
        let id = value.as_ref().and_then(|value| value.get("id")).filter(|id| !id.is_null());
        // The latest request with that id: ids are fresh, unless a scenario sets them.
        let request = id.and_then(|id| {
            requests.iter().rev().find(|(conn, request)| *conn == exchange.via && request.id == *id)
        });
        Reply {
            transport: Transport::P2p,
            exchange: index,
            message,
            bytes: &received.bytes,
            at_ms: received.at_ms,
            request: request.map(|(_, request)| request.clone()),
            refused: None,
            value,
            clear,
            success: true,
        }
    };
    exchange.received.iter().enumerate().map(of_message).collect()
}

fn rest_replies<'a>(exchange: &'a Exchange, index: usize) -> Vec<Reply<'a>> {
    let Some(http) = &exchange.http else { return Vec::new() };
    let success = http.status.is_some_and(|status| (200..300).contains(&status)) && !http.truncated;
    let request = Request {
        exchange: index,
        message: 0,
        id: Value::Null,
        method: http.method.clone().unwrap_or_default(),
        params: http.params.clone(),
        well_formed: http.method.is_some(),
    };
    let of_message = |(message, received): (usize, &'a crate::transcript::Message)| Reply {
        transport: Transport::Rest,
        exchange: index,
        message,
        bytes: &received.bytes,
        at_ms: received.at_ms,
        value: serde_json::from_slice(&received.bytes).ok(),
        request: Some(request.clone()),
        refused: None,
        clear: true,
        success,
    };
    exchange.received.iter().enumerate().map(of_message).collect()
}
