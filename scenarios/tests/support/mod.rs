//! A target without a network: it answers the actions of a session.

use std::collections::BTreeMap;

use lsps1_scenarios::{
    Action, End, Frame, Observation, Profile, Scenario, Session, SessionContext, SessionOutcome,
    Span, Transport, load_dir,
};
use serde_json::{Value, json};

/// How a request is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Result(Value),
    Error(Value),
    Raw(Vec<u8>),
    Http(u16, String),
    Silence,
    Close,
    Twice(Box<Answer>),
    ThenClose(Box<Answer>),
    WithId(Value, Box<Answer>),
}

pub(crate) struct Target {
    pub(crate) reachable: bool,
    /// Answers by method that aren't the good ones.
    pub(crate) answers: BTreeMap<String, Answer>,
    /// How orders are answered whose announce_channel is no boolean.
    pub(crate) wrong_orders: Option<Answer>,
    pub(crate) parse_error: Answer,
    pub(crate) order: Value,
    /// After how many readings the order is COMPLETED.
    pub(crate) completes_after: Option<u32>,
    /// Methods and parameters of all requests.
    pub(crate) seen: Vec<(String, Value)>,
    /// Exchanges in which an awaited reply didn't come.
    pub(crate) waited_in_vain: u32,
    pub(crate) chain: Vec<String>,
    pub(crate) chain_failure: Option<String>,
    readings: u32,
    /// Ignores the client after an error until it connects again.
    pub(crate) sulks: bool,
    deaf: bool,
}

pub(crate) fn info() -> Value {
    json!({
        "min_required_channel_confirmations": 0, "min_funding_confirms_within_blocks": 6,
        "supports_zero_channel_reserve": false, "max_channel_expiry_blocks": 13000,
        "min_initial_client_balance_sat": "0", "max_initial_client_balance_sat": "1000000",
        "min_initial_lsp_balance_sat": "20000", "max_initial_lsp_balance_sat": "10000000",
        "min_channel_balance_sat": "50000", "max_channel_balance_sat": "10000000",
    })
}

pub(crate) fn order() -> Value {
    json!({
        "order_id": "6a53c7b5-92b7-4d5c-9a7f-3b0a5a3f3d11", "order_state": "CREATED", "channel": null,
        "created_at": "2026-11-22T10:00:00.000Z", "token": "",
        "payment": {"bolt11": {"state": "EXPECT_PAYMENT", "invoice": "lnbcrt1test"}},
    })
}

pub(crate) fn context(transport: Transport) -> SessionContext {
    SessionContext {
        transport,
        profile: Profile::Strict,
        network: Some("regtest".into()),
        public_key: format!("02{}", "ab".repeat(32)),
        target_node: None,
        token: None,
        any_token: false,
        spent_token: None,
        onchain_off: false,
        refund_address: Some("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".into()),
        seed: 1,
        now: "2026-11-22T10:00:00Z".parse().unwrap(),
        patience: None,
    }
}

/// Reads a scenario as a user's folder would be read.
pub(crate) fn scenario(text: &str) -> Scenario {
    let name = text.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let thread = std::thread::current().name().unwrap_or_default().replace(':', "-");
    let folder = std::env::temp_dir()
        .join(format!("lsps1-session-test-{}-{thread}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("scenario.yaml"), text).unwrap();
    let loaded = load_dir(&folder);
    std::fs::remove_dir_all(&folder).unwrap();
    loaded.unwrap_or_else(|error| panic!("{error}")).remove(0)
}

pub(crate) fn at(ms: u64) -> Span {
    Span { from_ms: ms, to_ms: ms }
}

pub(crate) fn run(
    scenario: &Scenario,
    context: SessionContext,
    target: &mut Target,
) -> SessionOutcome {
    let mut session = Session::new(scenario, context);
    let mut now = 0;
    while let Some(action) = session.next_action() {
        now += 100;
        assert!(now < 1_000_000, "the session doesn't end");
        session.observe(at(now), target.answer(&action, now));
    }
    session.finish()
}

impl Target {
    pub(crate) fn good() -> Self {
        Self {
            reachable: true,
            answers: BTreeMap::new(),
            wrong_orders: None,
            parse_error: Answer::Error(json!({"code": -32700, "message": "Parse error"})),
            order: order(),
            completes_after: None,
            seen: Vec::new(),
            waited_in_vain: 0,
            chain: Vec::new(),
            chain_failure: None,
            readings: 0,
            sulks: false,
            deaf: false,
        }
    }

    pub(crate) fn answer(&mut self, action: &Action, now: u64) -> Observation {
        match action {
            Action::Connect { .. } if self.reachable => {
                self.deaf = false;
                Observation::Connected { features: vec![729] }
            }
            Action::Connect { .. } => {
                Observation::ConnectFailed { reason: "connection refused".into() }
            }
            Action::Disconnect { .. } | Action::Pause { .. } | Action::Tell { .. } => {
                Observation::Done
            }
            Action::Exchange { frames, wait, .. } => {
                let mut received = Vec::new();
                let mut end = End::Complete;
                // The last request is answered first: order means nothing.
                let heard = !self.deaf;
                for frame in frames.iter().rev().filter(|_| heard) {
                    end = self.exchange(frame, now, &mut received).max_with(end);
                }
                let is_error = |frame: &Frame| {
                    let value: Value = serde_json::from_slice(&frame.bytes).unwrap_or_default();
                    value.get("error").is_some()
                };
                self.deaf |= self.sulks && received.iter().any(is_error);
                if end == End::Complete && received.len() < wait.ids.len() {
                    end = End::TimedOut;
                    self.waited_in_vain += 1;
                }
                Observation::Frames { frames: received, end }
            }
            Action::Http(request) => {
                let method = format!("lsps1.{}", request.path);
                let params = match &request.body {
                    Some(body) => serde_json::from_slice(body).unwrap(),
                    None => request
                        .query
                        .iter()
                        .map(|(name, value)| (name.clone(), json!(value)))
                        .collect(),
                };
                let (status, body) = match self.respond(&method, &params) {
                    Answer::Result(result) => (200, result.to_string()),
                    Answer::Error(error) => (400, json!({"error": error}).to_string()),
                    Answer::Http(status, body) => (status, body),
                    _ => {
                        return Observation::HttpFailed {
                            reason: "no answer".into(),
                            timed_out: true,
                        };
                    }
                };
                let headers = vec![("Content-Type".into(), "application/json".into())];
                Observation::Http { status, headers, body: body.into_bytes(), truncated: false }
            }
            chain => self.chain(chain),
        }
    }

    fn exchange(&mut self, frame: &[u8], now: u64, received: &mut Vec<Frame>) -> End {
        let request: Value = serde_json::from_slice(frame).unwrap_or(Value::Null);
        let (answer, id) = match (request["method"].as_str(), request.get("result")) {
            (Some(method), _) => (self.respond(method, &request["params"]), request["id"].clone()),
            (None, Some(_)) => (Answer::Silence, Value::Null),
            (None, None) => (self.parse_error.clone(), Value::Null),
        };
        deliver(answer, id, now, received)
    }

    fn respond(&mut self, method: &str, params: &Value) -> Answer {
        self.seen.push((method.into(), params.clone()));
        if let Some(answer) = self.answers.get(method) {
            return answer.clone();
        }
        if let Some(answer) = &self.wrong_orders
            && method == "lsps1.create_order"
            && !params["announce_channel"].is_boolean()
        {
            return answer.clone();
        }
        match method {
            "lsps0.list_protocols" => Answer::Result(json!({"protocols": [1]})),
            "lsps1.get_info" => Answer::Result(info()),
            "lsps1.create_order" => {
                for name in ["lsp_balance_sat", "client_balance_sat"] {
                    self.order[name] = params[name].clone();
                }
                Answer::Result(self.order.clone())
            }
            "lsps1.get_order" => {
                self.readings += 1;
                let mut order = self.order.clone();
                if self.completes_after.is_some_and(|after| self.readings > after) {
                    order["order_state"] = json!("COMPLETED");
                }
                Answer::Result(order)
            }
            _ => Answer::Error(json!({"code": -32601, "message": "Method not found"})),
        }
    }

    fn chain(&mut self, action: &Action) -> Observation {
        if let Some(reason) = &self.chain_failure {
            return Observation::Failed { reason: reason.clone() };
        }
        let (name, observation) = match action {
            Action::Client(act) => (format!("client {act:?}"), Observation::Done),
            Action::Pay { invoice, .. } => (format!("pay {invoice}"), Observation::Done),
            Action::AwaitPayment { .. } => {
                ("await payment".into(), Observation::Document(json!({"status": "pending"})))
            }
            Action::Mine { blocks } => (format!("mine {blocks}"), Observation::Done),
            Action::AwaitChannel { .. } => {
                let channel = json!({"usable": true, "lsp_sat": 50000, "funding_outpoint": "ab:0"});
                ("await channel".into(), Observation::Document(channel))
            }
            Action::ChainOutput { outpoint } => {
                (format!("output {outpoint}"), Observation::Document(json!({"found": true})))
            }
            other => panic!("unexpected {other:?}"),
        };
        self.chain.push(name);
        observation
    }
}

trait MaxWith {
    fn max_with(self, other: End) -> End;
}

impl MaxWith for End {
    fn max_with(self, other: End) -> End {
        if self == End::Closed { self } else { other }
    }
}

fn deliver(answer: Answer, id: Value, now: u64, received: &mut Vec<Frame>) -> End {
    let mut push =
        |value: Value| received.push(Frame { bytes: value.to_string().into_bytes(), at_ms: now });
    match answer {
        Answer::Result(result) => push(json!({"jsonrpc": "2.0", "id": id, "result": result})),
        Answer::Error(error) => push(json!({"jsonrpc": "2.0", "id": id, "error": error})),
        Answer::Raw(bytes) => received.push(Frame { bytes, at_ms: now }),
        Answer::Silence | Answer::Http(..) => {}
        Answer::Close => return End::Closed,
        Answer::Twice(answer) => {
            deliver((*answer).clone(), id.clone(), now, received);
            return deliver(*answer, id, now, received);
        }
        Answer::ThenClose(answer) => {
            deliver(*answer, id, now, received);
            return End::Closed;
        }
        Answer::WithId(id, answer) => return deliver(*answer, id, now, received),
    }
    End::Complete
}

/// An observation of the right kind, or any other, with anything in it.
pub(crate) fn anything(
    action: &Action,
    answers: Vec<Vec<u8>>,
    status: u16,
    end: u8,
) -> Observation {
    let frames = |id: Value| {
        let id = id.to_string();
        let of = |bytes: Vec<u8>| match String::from_utf8(bytes) {
            Ok(text) => text.replace("\"$ID\"", &id).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        answers
            .clone()
            .into_iter()
            .map(|bytes| Frame { bytes: of(bytes), at_ms: 1 })
            .collect::<Vec<Frame>>()
    };
    match (action, end) {
        (Action::Connect { .. }, 0) => Observation::ConnectFailed { reason: "no".into() },
        (Action::Connect { .. }, _) => Observation::Connected { features: Vec::new() },
        (Action::Exchange { wait, .. }, 0..6) => {
            let end = [
                End::Complete,
                End::Complete,
                End::Complete,
                End::Complete,
                End::TimedOut,
                End::Closed,
            ][usize::from(end)];
            Observation::Frames {
                frames: frames(wait.ids.first().cloned().unwrap_or_default()),
                end,
            }
        }
        (Action::Http(_), 0..6) => {
            let status = if end < 4 { 200 } else { status };
            let body =
                frames(json!("x")).into_iter().map(|frame| frame.bytes).next().unwrap_or_default();
            let body = match serde_json::from_slice::<Value>(&body) {
                Ok(value) if value["result"].is_object() => {
                    value["result"].to_string().into_bytes()
                }
                _ => body,
            };
            Observation::Http { status, headers: Vec::new(), body, truncated: end == 5 }
        }
        (Action::Http(_), 6) => Observation::HttpFailed { reason: "no".into(), timed_out: true },
        (_, 0..5) => {
            let value = answers
                .first()
                .and_then(|bytes| serde_json::from_slice(bytes).ok())
                .unwrap_or(Value::Null);
            if matches!(action, Action::Pause { .. } | Action::Disconnect { .. }) {
                Observation::Done
            } else {
                Observation::Document(value)
            }
        }
        (_, 5) => Observation::Done,
        (_, 6) => Observation::Failed { reason: "no".into() },
        _ => Observation::Frames { frames: frames(Value::Null), end: End::Closed },
    }
}
