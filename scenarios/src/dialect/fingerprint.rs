//! The first step of a run: a few messages whose answers tell the dialects apart.
//!
//! get_info, over custom messages lsps1.info if that fails, then an order id that nobody has. If their answers bear the
//! marks of an older text, and an order may be made, one order shows how orders look. A target of today costs two
//! messages and no order.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Map, Value, json};

use super::marker::{self, Marker};
use super::{Dialect, Reading, View};
use crate::action::{Action, End, HttpRequest, Observation, Transport, Wait};
use crate::base;
use crate::context::SessionContext;
use crate::document::{rest_error, too_busy};

/// The connection that is used.
const CONNECTION: &str = "fingerprint";

/// How long lsps1.info may take for a target that was silent on lsps1.get_info: another full time-out is not worth it.
const SECOND_CHANCE: Duration = Duration::from_secs(2);

/// A fingerprint on its way. Driven as a [`Session`](crate::Session) is.
#[derive(Debug)]
pub struct Fingerprint {
    transport: Transport,
    public_key: String,
    may_order: bool,
    rng: StdRng,
    pending: Option<(Step, Action)>,
    markers: Vec<Marker>,
    info: Option<Map<String, Value>>,
    early: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Connect,
    Info,
    OldInfo,
    UnknownOrder,
    Order,
}

impl Fingerprint {
    /// A fingerprint over the transport of `context`. `may_order` is whether an order may be made for it.
    pub fn new(context: &SessionContext, may_order: bool) -> Self {
        let mut fingerprint = Self {
            transport: context.transport,
            public_key: context.public_key.clone(),
            may_order,
            rng: StdRng::seed_from_u64(context.seed),
            pending: None,
            markers: Vec::new(),
            info: None,
            early: false,
        };
        match context.transport {
            Transport::P2p => {
                let connect = Action::Connect { conn: CONNECTION.into() };
                fingerprint.pending = Some((Step::Connect, connect));
            }
            Transport::Rest => fingerprint.ask(Step::Info, Map::new(), None),
        }
        fingerprint
    }

    /// What the driver has to do next; `None` when it is done.
    pub fn next_action(&mut self) -> Option<Action> {
        self.pending.as_ref().map(|(_, action)| action.clone())
    }

    /// Takes what came of the action. What can't be read ends the fingerprint with what is known so far.
    pub fn observe(&mut self, observation: Observation) {
        let Some((step, action)) = self.pending.take() else { return };
        match step {
            Step::Connect if matches!(observation, Observation::Connected { .. }) => {
                self.ask(Step::Info, Map::new(), None);
            }
            Step::Connect => {}
            step => self.answered(&step, Answer::read(&action, &observation)),
        }
    }

    /// What was found.
    pub fn finish(self) -> Reading {
        Reading::of(self.markers, self.early)
    }

    fn answered(&mut self, step: &Step, answer: Answer) {
        match (step, answer) {
            (_, Answer::Closed) => {}
            (Step::Info | Step::OldInfo, Answer::Result(info))
                if marker::options(&info).is_some() =>
            {
                self.early = *step == Step::OldInfo;
                self.markers = marker::of_info(&info, self.transport, self.early);
                self.info = Some(info);
                self.ask_for_unknown_order();
            }
            (Step::Info, answer) if self.transport == Transport::P2p => {
                let timeout = (answer == Answer::Silence).then_some(SECOND_CHANCE);
                self.ask(Step::OldInfo, Map::new(), timeout);
            }
            (Step::OldInfo, Answer::Silence) | (Step::Info, _) => {}
            (Step::OldInfo, _) => self.ask_for_unknown_order(),
            (Step::UnknownOrder, answer) => {
                if let Answer::Error(error) = &answer {
                    self.markers.extend(marker::of_unknown_order(error));
                }
                // Today's answers leave no question that an order could answer.
                let is_old = self.markers.iter().any(|marker| !marker.fits(Dialect::D3));
                if self.may_order
                    && (is_old || self.info.as_ref().is_some_and(marker::is_ambiguous))
                {
                    self.order();
                }
            }
            (Step::Order, Answer::Result(order)) if order.contains_key("order_id") => {
                self.markers.extend(marker::of_order(&order, self.transport));
            }
            (Step::Order, Answer::Error(error)) => {
                self.markers.extend(marker::of_refused_order(&error));
            }
            (Step::Order | Step::Connect, _) => {}
        }
    }

    fn ask_for_unknown_order(&mut self) {
        let params = Map::from_iter([("order_id".to_owned(), json!(self.draw_uuid()))]);
        self.ask(Step::UnknownOrder, params, None);
    }

    /// Orders in the words that the target has used itself.
    fn order(&mut self) {
        let reading = Reading::of(self.markers.clone(), self.early);
        let view = View::new(reading.dialect, self.early, false);
        let Some(info) = &self.info else { return };
        let translated = view
            .reply(Value::Object(info.clone()).to_string().as_bytes())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_else(|| Value::Object(info.clone()));
        let public_key = (self.transport == Transport::Rest).then_some(self.public_key.as_str());
        if let Ok(params) = base::create_order(&translated, public_key) {
            self.ask(Step::Order, view.params("lsps1.create_order", params), None);
        }
    }

    fn ask(&mut self, step: Step, params: Map<String, Value>, timeout: Option<Duration>) {
        let action = match self.transport {
            Transport::P2p => {
                let method = match step {
                    Step::Info | Step::Connect => "lsps1.get_info",
                    Step::OldInfo => "lsps1.info",
                    Step::UnknownOrder => "lsps1.get_order",
                    Step::Order => "lsps1.create_order",
                };
                let id = json!(self.draw_uuid());
                let request =
                    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
                Action::Exchange {
                    conn: CONNECTION.into(),
                    frames: vec![request.to_string().into_bytes()],
                    wait: Wait { ids: vec![id], timeout },
                }
            }
            Transport::Rest => Action::Http(http(&step, params)),
        };
        self.pending = Some((step, action));
    }

    fn draw_uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string()
    }
}

fn http(step: &Step, params: Map<String, Value>) -> HttpRequest {
    let (method, path) = match step {
        Step::Order => ("POST", "create_order"),
        Step::UnknownOrder => ("GET", "get_order"),
        Step::Info | Step::OldInfo | Step::Connect => ("GET", "get_info"),
    };
    let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let mut request = HttpRequest {
        method: method.into(),
        path: path.into(),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
    };
    if method == "POST" {
        request.headers.push(("content-type".into(), "application/json".into()));
        request.body = Some(Value::Object(params).to_string().into_bytes());
    } else {
        request.query = params.into_iter().map(|(name, value)| (name, text(value))).collect();
    }
    request
}

#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Result(Map<String, Value>),
    Error(Value),
    Other,
    Silence,
    Closed,
}

impl Answer {
    fn read(action: &Action, observation: &Observation) -> Self {
        match (action, observation) {
            (Action::Exchange { wait, .. }, Observation::Frames { frames, end }) => {
                let objects = frames.iter().filter_map(|frame| {
                    serde_json::from_slice::<Map<String, Value>>(&frame.bytes).ok()
                });
                let answers = |object: &Map<String, Value>| {
                    let id = object.get("id").unwrap_or(&Value::Null);
                    let is_reply = object.contains_key("result") || object.contains_key("error");
                    is_reply && (id.is_null() || wait.ids.contains(id))
                };
                match objects.into_iter().find(answers) {
                    Some(object) => Self::of_envelope(object),
                    None if *end == End::Closed => Self::Closed,
                    None if frames.is_empty() => Self::Silence,
                    None => Self::Other,
                }
            }
            (_, Observation::Http { status, .. }) if too_busy(*status).is_some() => Self::Other,
            (_, Observation::Http { status, body, .. }) => {
                let Ok(body) = serde_json::from_slice::<Value>(body) else { return Self::Other };
                match (rest_error(&body), &body) {
                    (Some(error), _) => Self::Error(error.clone()),
                    (None, Value::Object(object)) if (200..300).contains(status) => {
                        Self::Result(object.clone())
                    }
                    _ => Self::Other,
                }
            }
            (_, Observation::HttpFailed { timed_out: true, .. }) => Self::Silence,
            _ => Self::Closed,
        }
    }

    fn of_envelope(mut object: Map<String, Value>) -> Self {
        match (object.remove("result"), object.remove("error")) {
            (Some(Value::Object(result)), None | Some(Value::Null)) => Self::Result(result),
            (_, Some(error)) if !error.is_null() => Self::Error(error),
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Frame;
    use crate::base::tests::info;
    use crate::dialect::Confidence;
    use crate::invariant::testing::{context, order};
    use crate::verdict::Profile;

    /// Lets `answer` answer; gives what was found and the methods that were asked for.
    fn take(
        transport: Transport,
        may_order: bool,
        answer: impl Fn(&str, &Value) -> Option<Value>,
    ) -> (Reading, Vec<String>) {
        let mut fingerprint = Fingerprint::new(&context(transport, Profile::Strict), may_order);
        let mut asked = Vec::new();
        while let Some(action) = fingerprint.next_action() {
            assert!(asked.len() < 10, "{asked:?}");
            let observation = match action {
                Action::Connect { .. } => Observation::Connected { features: Vec::new() },
                Action::Exchange { frames, .. } => {
                    let request: Value = serde_json::from_slice(&frames[0]).unwrap();
                    let method = request["method"].as_str().unwrap();
                    asked.push(method.to_owned());
                    let reply = answer(method, &request["params"]);
                    let frames = reply.map(|mut reply| {
                        reply["id"] = request["id"].clone();
                        Frame { bytes: reply.to_string().into_bytes(), at_ms: 0 }
                    });
                    let end = if frames.is_some() { End::Complete } else { End::TimedOut };
                    Observation::Frames { frames: frames.into_iter().collect(), end }
                }
                Action::Http(request) => {
                    asked.push(request.path.clone());
                    let reply = answer(&format!("lsps1.{}", request.path), &Value::Null).unwrap();
                    let (status, body) = match reply.get("result") {
                        Some(result) => (200, result.clone()),
                        None => (400, reply),
                    };
                    let body = body.to_string().into_bytes();
                    Observation::Http { status, headers: Vec::new(), body, truncated: false }
                }
                other => panic!("{other:?}"),
            };
            fingerprint.observe(observation);
        }
        (fingerprint.finish(), asked)
    }

    fn d1_info() -> Value {
        json!({"options": info()})
    }

    fn d0_info() -> Value {
        let mut options = info();
        let object = options.as_object_mut().unwrap();
        object.remove("min_required_channel_confirmations");
        object.remove("min_funding_confirms_within_blocks");
        object.insert("min_channel_confirmations".into(), json!(0));
        json!({"website": "https://lsp.example", "options": options})
    }

    fn flat_order(invoice: &str) -> Value {
        let mut order = order();
        order["payment"] =
            json!({"state": "EXPECT_PAYMENT", "order_total_sat": "1", invoice: "lnbc"});
        order["expires_at"] = json!("2026-11-22T11:00:00.000Z");
        order
    }

    fn error(code: i64) -> Option<Value> {
        Some(json!({"error": {"code": code, "message": "m"}}))
    }

    #[test]
    fn a_target_of_today_costs_two_messages_and_no_order() {
        for transport in [Transport::P2p, Transport::Rest] {
            let (reading, asked) = take(transport, true, |method, _| match method {
                "lsps1.get_info" => Some(json!({"result": info()})),
                _ => error(101),
            });
            assert_eq!((reading.dialect, reading.confidence), (Dialect::D3, Confidence::Certain));
            assert_eq!(asked.len(), 2, "{asked:?}");
        }
    }

    #[test]
    fn the_texts_of_2023_are_recognised() {
        let answer = |old_method: bool| {
            move |method: &str, params: &Value| match method {
                "lsps1.info" if old_method => Some(json!({"result": d0_info()})),
                "lsps1.get_info" if !old_method => Some(json!({"result": d0_info()})),
                "lsps1.get_order" => error(404),
                "lsps1.create_order" => {
                    assert_eq!(params["confirms_within_blocks"], 6);
                    assert_eq!(params.get("announceChannel").is_some(), old_method);
                    let mut order = flat_order("lightning_invoice");
                    order.as_object_mut().unwrap().remove("funding_confirms_within_blocks");
                    order.as_object_mut().unwrap().remove("required_channel_confirmations");
                    Some(json!({"result": order}))
                }
                // Some targets of the time don't answer what they don't know.
                _ => None,
            }
        };
        for old_method in [false, true] {
            let (reading, _) = take(Transport::P2p, true, answer(old_method));
            assert_eq!((reading.dialect, reading.confidence), (Dialect::D0, Confidence::Certain));
            assert_eq!(reading.early, old_method);
            assert!(reading.view().explains());
        }
        let (reading, asked) = take(Transport::P2p, false, answer(false));
        assert_eq!((reading.dialect, asked.len()), (Dialect::D0, 2), "without an order");
    }

    #[test]
    fn the_text_of_spring_2024_is_recognised() {
        let (reading, _) = take(Transport::P2p, true, |method, params| match method {
            "lsps1.get_info" => Some(json!({"result": d1_info()})),
            "lsps1.create_order" => {
                assert_eq!(params["funding_confirms_within_blocks"], 6);
                Some(json!({"result": flat_order("bolt11_invoice")}))
            }
            _ => error(101),
        });
        assert_eq!((reading.dialect, reading.confidence), (Dialect::D1, Confidence::Certain));
    }

    #[test]
    fn the_window_of_june_2024_is_recognised() {
        let (reading, _) = take(Transport::P2p, true, |method, _| match method {
            "lsps1.get_info" => {
                let mut info = info();
                info["min_onchain_payment_confirmations"] = json!(null);
                Some(json!({"result": info}))
            }
            "lsps1.create_order" => {
                let mut order = order();
                order["payment"]["bolt11"]["bolt11_invoice"] = json!("lnbc");
                Some(json!({"result": order}))
            }
            _ => error(101),
        });
        assert_eq!((reading.dialect, reading.confidence), (Dialect::D2, Confidence::Certain));
    }

    #[test]
    fn the_page_of_june_2024_is_recognised() {
        let (reading, _) = take(Transport::Rest, true, |method, _| match method {
            "lsps1.get_info" => {
                let mut info = info();
                info["min_onchain_payment_confirmations"] = json!(null);
                info["min_onchain_payment_size_sat"] = json!(null);
                Some(json!({"result": info}))
            }
            "lsps1.create_order" => {
                let mut order = order();
                order["order_id"] = json!("030fbe24220d35b9789a152bf3ada51b");
                order.as_object_mut().unwrap().remove("required_channel_confirmations");
                Some(json!({"result": order}))
            }
            _ => Some(json!({"message": "Not found", "statusCode": 404})),
        });
        assert_eq!((reading.dialect, reading.confidence), (Dialect::RestSeed, Confidence::Certain));
        assert!(reading.view().explains());
    }

    #[test]
    fn a_rest_face_of_today_may_have_members_of_the_page() {
        let (reading, asked) = take(Transport::Rest, true, |method, _| match method {
            "lsps1.get_info" => {
                let mut info = info();
                info["min_onchain_payment_confirmations"] = json!(null);
                Some(json!({"result": info}))
            }
            "lsps1.create_order" => Some(json!({"result": order()})),
            _ => error(101),
        });
        assert_eq!((reading.dialect, reading.confidence), (Dialect::D3, Confidence::Certain));
        assert!(reading.view().is_current() && asked.len() == 3);
    }

    #[test]
    fn one_deviation_doesnt_make_a_dialect() {
        let (reading, asked) = take(Transport::P2p, true, |method, _| match method {
            "lsps1.get_info" => Some(json!({"result": d1_info()})),
            "lsps1.create_order" => Some(json!({"result": order()})),
            _ => error(101),
        });
        assert_eq!((reading.dialect, reading.confidence), (Dialect::D3, Confidence::Mixed));
        assert!(!reading.view().explains() && !reading.view().is_current());
        assert_eq!(asked.len(), 3);
    }

    #[test]
    fn what_cant_be_read_tells_nothing() {
        for answer in [None, Some(json!({"result": {}})), Some(json!([])), error(-32700)] {
            let (reading, asked) =
                take(Transport::P2p, true, |_, _| answer.clone().filter(Value::is_object));
            assert_eq!((reading.dialect, reading.confidence), (Dialect::D3, Confidence::None));
            assert!(reading.view().is_current() && asked.len() <= 3, "{asked:?}");
        }
    }
}
