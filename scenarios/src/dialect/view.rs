//! Reading and writing the messages of another dialect as those of bLIP-51.

use serde_json::{Map, Value};

use super::{Dialect, history, translate};
use crate::requirement::RequirementId;
use crate::transcript::{Exchange, HttpExchange, Message, Transcript};
use crate::verdict::{CheckResult, Verdict};

/// How a result begins that a dialect explains.
const EXPLAINED: &str = "explained by dialect ";

/// Whether a row is undecided only because of the target's dialect.
pub fn is_explained(result: &CheckResult) -> bool {
    result.verdict == Verdict::Inconclusive && result.message.starts_with(EXPLAINED)
}

/// Rows about how a value is written, wherever it is and whatever its name.
const ENCODINGS: [&str; 12] = [
    "L0-135", "L0-136", "L0-137", "L0-140", "L0-141", "L0-142", "L0-155", "L0-157", "L0-161",
    "L0-162", "L0-164", "L0-165",
];

/// Whether a row holds of a message if it holds of the message's translation.
pub(crate) fn is_about_encoding(requirement: &RequirementId) -> bool {
    ENCODINGS.contains(&requirement.as_str())
}

/// How a target's messages are read. The default reads them as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    dialect: Dialect,
    early: bool,
    translates: bool,
    explains: bool,
}

impl View {
    /// A view that translates. `explains` is whether what only holds in the translation is a consequence of the dialect;
    /// otherwise the translation only serves to make requests from what the target says of itself.
    pub(super) fn new(dialect: Dialect, early: bool, explains: bool) -> Self {
        Self { dialect, early, translates: true, explains }
    }

    /// The dialect.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Whether messages are read as they are.
    pub fn is_current(&self) -> bool {
        !self.translates
    }

    /// Whether what only holds in the translation is a consequence of the dialect.
    pub fn explains(&self) -> bool {
        self.explains
    }

    /// Why a row says nothing about this target, if so: it is about something that the dialect doesn't have.
    pub fn excuse(&self, requirement: &RequirementId) -> Option<&'static str> {
        if !self.explains {
            return None;
        }
        history::excused(self.dialect, self.early, requirement.as_str())
    }

    /// What is said of a row that is broken only because of the dialect.
    pub fn explanation(&self, found: &str) -> String {
        format!("{EXPLAINED}{}: {found}", self.dialect)
    }

    /// The name of a method in the dialect.
    pub fn method<'a>(&self, method: &'a str) -> &'a str {
        match method {
            "lsps1.get_info" if self.early => "lsps1.info",
            other => other,
        }
    }

    /// The parameters of a request in the dialect.
    pub fn params(&self, method: &str, params: Map<String, Value>) -> Map<String, Value> {
        match (self.dialect, method) {
            (Dialect::D0, "lsps1.create_order") if self.translates => {
                translate::params_to_d0(params, self.early)
            }
            _ => params,
        }
    }

    /// A JSON-RPC request in the dialect.
    pub fn request(&self, mut envelope: Map<String, Value>) -> Map<String, Value> {
        if self.is_current() {
            return envelope;
        }
        let method = envelope.get("method").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(params) = envelope.get_mut("params").and_then(Value::as_object_mut) {
            *params = self.params(&method, std::mem::take(params));
        }
        let translated = self.method(&method);
        if translated != method {
            envelope.insert("method".into(), translated.into());
        }
        envelope
    }

    /// A payload or body of the target as bLIP-51 would have it; `None` if it is the same.
    pub fn reply(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.is_current() {
            return None;
        }
        let Ok(Value::Object(mut object)) = serde_json::from_slice(bytes) else { return None };
        let before = object.clone();
        if let Some(Value::Object(result)) = object.get_mut("result") {
            translate::result(result, self.dialect);
        } else if !object.contains_key("jsonrpc") {
            translate::result(&mut object, self.dialect);
        }
        if let Some(Value::Object(error)) = object.get_mut("error") {
            translate::error(error, self.dialect);
        }
        (object != before).then(|| Value::Object(object).to_string().into_bytes())
    }

    /// All that went over the wire, as bLIP-51 would have it.
    pub fn transcript(&self, transcript: &Transcript) -> Transcript {
        let exchanges = transcript.exchanges.iter().map(|exchange| self.exchange(exchange));
        Transcript { exchanges: exchanges.collect() }
    }

    fn exchange(&self, exchange: &Exchange) -> Exchange {
        let received = exchange.received.iter().map(|message| Message {
            at_ms: message.at_ms,
            bytes: self.reply(&message.bytes).unwrap_or_else(|| message.bytes.clone()),
        });
        let sent = exchange.sent.iter().map(|message| Message {
            at_ms: message.at_ms,
            bytes: self.sent(&message.bytes).unwrap_or_else(|| message.bytes.clone()),
        });
        let http = exchange.http.as_ref().map(|http| {
            let mut params = http.params.clone();
            if let (Dialect::D0, Some(params)) = (self.dialect, params.as_object_mut()) {
                translate::params_from_d0(params);
            }
            HttpExchange { params, ..http.clone() }
        });
        Exchange { received: received.collect(), sent: sent.collect(), http, ..exchange.clone() }
    }

    /// A JSON-RPC request of the dialect, read back; `None` if it is the same.
    fn sent(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.dialect != Dialect::D0 {
            return None;
        }
        let Ok(Value::Object(mut envelope)) = serde_json::from_slice(bytes) else { return None };
        if self.early && envelope.get("method").is_some_and(|method| method == "lsps1.info") {
            envelope.insert("method".into(), "lsps1.get_info".into());
        }
        if let Some(Value::Object(params)) = envelope.get_mut("params") {
            translate::params_from_d0(params);
        }
        Some(Value::Object(envelope).to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(dialect: Dialect, value: Value) -> Option<Value> {
        let view = View::new(dialect, false, true);
        view.reply(value.to_string().as_bytes())
            .map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn todays_messages_are_read_as_they_are() {
        let view = View::default();
        let old = json!({"jsonrpc": "2.0", "id": 1, "result": {"options": {"max_channel_expiry_blocks": 1}}});
        assert!(view.is_current());
        assert_eq!(view.reply(old.to_string().as_bytes()), None);
        let order = json!({"funding_confirms_within_blocks": 6}).as_object().unwrap().clone();
        assert_eq!(view.params("lsps1.create_order", order.clone()), order);
    }

    #[test]
    fn replies_are_translated_in_envelopes_and_bodies() {
        let info = json!({"options": {"max_channel_expiry_blocks": 1}, "zz": 2});
        let body = read(Dialect::D1, info.clone()).unwrap();
        assert_eq!(body, json!({"max_channel_expiry_blocks": 1, "zz": 2}));
        let reply = read(Dialect::D1, json!({"jsonrpc": "2.0", "id": 1, "result": info})).unwrap();
        assert_eq!(reply["result"], body);
        let error = json!({"jsonrpc": "2.0", "id": 1, "error": {"code": 404, "message": ""}});
        assert_eq!(read(Dialect::D0, error.clone()).unwrap()["error"]["code"], 101);
        assert_eq!(read(Dialect::D1, error), None);
        assert_eq!(View::new(Dialect::D0, false, true).reply(b"\xff"), None);
    }

    #[test]
    fn requests_go_out_in_the_dialect_and_come_back() {
        let view = View::new(Dialect::D0, true, true);
        let request = json!({"id": "a", "method": "lsps1.create_order", "params": {
            "funding_confirms_within_blocks": 6, "required_channel_confirmations": 0, "announce_channel": false,
        }});
        let sent = Value::Object(view.request(request.as_object().unwrap().clone()));
        assert_eq!(
            sent["params"],
            json!({"confirms_within_blocks": 6, "announceChannel": false, "api_version": 1})
        );
        let read: Value =
            serde_json::from_slice(&view.sent(sent.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(
            read["params"],
            json!({"funding_confirms_within_blocks": 6, "announce_channel": false})
        );
        assert_eq!(view.method("lsps1.get_info"), "lsps1.info");
    }
}
