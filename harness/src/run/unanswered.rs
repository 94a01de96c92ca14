//! Requests that the target leaves unanswered, over the whole run.
//!
//! Many scenarios begin with the same request. If that is one that the target never answers, each of them would wait its
//! time-out for nothing. After two identical requests without an answer, what only depends on it isn't tried any more,
//! and where the answer itself is judged, the quiet window is all that it is waited for.

use std::collections::BTreeMap;

use lsps1_scenarios::{Action, End, HttpRequest, Observation};
use serde_json::Value;

/// How many identical requests have to stay without an answer.
const ENOUGH: u32 = 2;

/// What has stayed without an answer so far.
#[derive(Clone, Debug, Default)]
pub struct Unanswered {
    times: BTreeMap<Request, u32>,
}

/// What makes two requests identical: the interface, the method, and what is asked, but for the ids and keys that are
/// drawn anew each time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    method: String,
    params: String,
}

impl Request {
    /// The one request that an action makes, if it makes one.
    #[must_use]
    pub fn of(action: &Action) -> Option<Self> {
        match action {
            Action::Exchange { frames, .. } => match frames.as_slice() {
                [frame] => Self::of_message(frame),
                _ => None,
            },
            Action::Http(request) => Some(Self::of_http(request)),
            _ => None,
        }
    }

    fn of_message(frame: &[u8]) -> Option<Self> {
        let message: Value = serde_json::from_slice(frame).ok()?;
        let method = message.get("method")?.as_str()?.to_owned();
        let params = message.get("params").map(Value::to_string).unwrap_or_default();
        Some(Self { method, params })
    }

    fn of_http(request: &HttpRequest) -> Self {
        let HttpRequest { method, path, query, headers, body } = request;
        let mut body: Value =
            serde_json::from_slice(body.as_deref().unwrap_or_default()).unwrap_or(Value::Null);
        if let Some(members) = body.as_object_mut() {
            // Each scenario is another client.
            members.remove("public_key");
        }
        Self { method: format!("{method} {path}"), params: format!("{query:?} {headers:?} {body}") }
    }
}

impl Unanswered {
    /// Why the answer to `request` isn't to be expected, if so.
    #[must_use]
    pub fn hopeless(&self, request: &Request) -> Option<String> {
        let times = self.times.get(request).filter(|times| **times >= ENOUGH)?;
        Some(format!("the target has left {times} identical {} unanswered", request.method))
    }

    /// Takes note of what came of a request. Other failures than silence say nothing.
    pub fn note(&mut self, request: Request, observation: &Observation) {
        match observation {
            Observation::Frames { frames, end: End::TimedOut } if frames.is_empty() => {
                *self.times.entry(request).or_default() += 1;
            }
            Observation::HttpFailed { timed_out: true, .. } => {
                *self.times.entry(request).or_default() += 1;
            }
            Observation::Frames { frames, .. } if !frames.is_empty() => {
                self.times.remove(&request);
            }
            Observation::Http { .. } => {
                self.times.remove(&request);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lsps1_scenarios::{Frame, Wait};

    fn exchange(frames: &[&str]) -> Action {
        let frames = frames.iter().map(|frame| frame.as_bytes().to_vec()).collect();
        Action::Exchange { conn: "main".into(), frames, wait: Wait::default() }
    }

    fn info(id: &str) -> Request {
        let message =
            format!(r#"{{"jsonrpc":"2.0","id":"{id}","method":"lsps1.get_info","params":{{}}}}"#);
        Request::of(&exchange(&[&message])).unwrap()
    }

    fn silence() -> Observation {
        Observation::Frames { frames: Vec::new(), end: End::TimedOut }
    }

    #[test]
    fn two_identical_requests_without_an_answer_are_enough() {
        let mut unanswered = Unanswered::default();
        unanswered.note(info("a"), &silence());
        assert_eq!(unanswered.hopeless(&info("b")), None);
        unanswered.note(info("b"), &silence());
        let reason = unanswered.hopeless(&info("c")).unwrap();
        assert_eq!(reason, "the target has left 2 identical lsps1.get_info unanswered");
        let other = r#"{"jsonrpc":"2.0","id":"a","method":"lsps1.get_info","params":{"x":1}}"#;
        assert_eq!(unanswered.hopeless(&Request::of(&exchange(&[other])).unwrap()), None);
    }

    #[test]
    fn an_answer_takes_it_back_and_other_failures_say_nothing() {
        let mut unanswered = Unanswered::default();
        unanswered.note(info("a"), &silence());
        unanswered.note(info("a"), &Observation::Frames { frames: Vec::new(), end: End::Closed });
        assert_eq!(unanswered.hopeless(&info("a")), None);
        unanswered.note(info("a"), &silence());
        assert!(unanswered.hopeless(&info("a")).is_some());
        let frames = vec![Frame { bytes: b"{}".to_vec(), at_ms: 1 }];
        unanswered.note(info("a"), &Observation::Frames { frames, end: End::Complete });
        assert_eq!(unanswered.hopeless(&info("a")), None);
    }

    #[test]
    fn over_rest_the_clients_key_makes_no_difference() {
        let order = |key: &str| {
            let body = format!(r#"{{"lsp_balance_sat":"1","public_key":"{key}"}}"#);
            let request = HttpRequest {
                method: "POST".into(),
                path: "create_order".into(),
                query: Vec::new(),
                headers: Vec::new(),
                body: Some(body.into_bytes()),
            };
            Request::of(&Action::Http(request)).unwrap()
        };
        assert_eq!(order("02aa"), order("03bb"));
    }

    #[test]
    fn raw_payloads_and_pipelines_are_no_requests() {
        assert_eq!(Request::of(&exchange(&["{"])), None);
        assert_eq!(Request::of(&exchange(&["{}", "{}"])), None);
        assert_eq!(Request::of(&exchange(&[])), None);
    }
}
