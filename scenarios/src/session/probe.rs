//! What is kept while a probe shows whether a target still answers.

use serde_json::Value;

use super::aftermath::Aftermath;
use crate::verdict::Evidence;

/// A request whose answer is judged once it is known how the target goes on.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) step: usize,
    pub(super) conn: String,
    /// The answer, and the id of what it answers.
    pub(super) document: Value,
    pub(super) id: Value,
    pub(super) exchange: Option<usize>,
    pub(super) stage: Stage,
}

#[derive(Clone, Debug)]
pub(super) enum Stage {
    /// On the connection of the answer.
    Same,
    /// That connection has to be left first, after this was seen on it; `None`: nothing was tried there.
    Leaving(Option<Disturbance>),
    /// On a new one.
    Anew(Option<Disturbance>),
}

/// What is wrong after an answer that may be right itself.
#[derive(Clone, Debug)]
pub(super) struct Disturbance {
    /// The client wasn't heard any more.
    pub(super) ignored: bool,
    pub(super) message: String,
    pub(super) evidence: Vec<Evidence>,
}

impl Probe {
    /// Whether the answer was an error.
    pub(super) fn was_refused(&self) -> bool {
        self.document["reply"] == "error"
    }

    pub(super) fn aftermath(&self) -> Aftermath {
        Aftermath::of(!is_request(&self.document["request"]), &self.document)
    }

    /// How many replies to the request came with those to the probe.
    pub(super) fn late_replies<'r>(&self, replies: impl Iterator<Item = &'r Option<Value>>) -> u64 {
        let may_lack_id = self.aftermath() == Aftermath::OfBadFormat;
        let is_late = |value: &&Value| {
            let id = value.get("id").unwrap_or(&Value::Null);
            value.is_object() && (*id == self.id || (may_lack_id && id.is_null()))
        };
        replies.flatten().filter(is_late).count().try_into().unwrap_or(u64::MAX)
    }
}

/// Whether it is a request of JSON-RPC 2.0 with an id that can be repeated.
fn is_request(sent: &Value) -> bool {
    sent["jsonrpc"] == "2.0"
        && sent["method"].is_string()
        && (sent["id"].is_string() || sent["id"].is_number())
        && sent.get("params").is_none_or(|params| params.is_object() || params.is_array())
}
