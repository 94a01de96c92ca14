//! What a step sends, as it is written.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bitcoin::hex::FromHex;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::{Map, Value};

use super::super::{Call, HttpCall, Payload};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CallFile {
    call: String,
    #[serde(default)]
    with: Map<String, Value>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    envelope: Map<String, Value>,
    #[serde(default)]
    envelope_without: Vec<String>,
}

impl CallFile {
    pub(super) fn into_call(self, conn: &str) -> Call {
        Call {
            method: self.call,
            conn: conn.into(),
            with: self.with,
            without: self.without,
            envelope: self.envelope,
            envelope_without: self.envelope_without,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SendFile {
    text: Option<String>,
    hex: Option<String>,
    base64: Option<String>,
    #[serde(deserialize_with = "present")]
    json: Option<Value>,
}

/// A `null` that is written down is a value, not an absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl SendFile {
    pub(super) fn into_payload(self) -> Result<Payload, String> {
        match (self.text, self.hex, self.base64, self.json) {
            (Some(text), None, None, None) => Ok(Payload::Text(text)),
            (None, Some(hex), None, None) => bytes_of_hex(&hex).map(Payload::Bytes),
            (None, None, Some(text), None) => bytes_of_base64(&text).map(Payload::Bytes),
            (None, None, None, Some(json)) => Ok(Payload::Json(json)),
            _ => Err("`send` has exactly one of text, hex, base64, json".into()),
        }
    }
}

fn bytes_of_hex(hex: &str) -> Result<Vec<u8>, String> {
    let digits: String = hex.split_whitespace().collect();
    Vec::from_hex(&digits).map_err(|error| format!("`hex` can't be read: {error}"))
}

fn bytes_of_base64(text: &str) -> Result<Vec<u8>, String> {
    let characters: String = text.split_whitespace().collect();
    BASE64_STANDARD.decode(characters).map_err(|error| format!("`base64` can't be read: {error}"))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HttpFile {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default, deserialize_with = "present")]
    body: Option<Value>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    hex: Option<String>,
}

fn get() -> String {
    "GET".into()
}

impl HttpFile {
    pub(super) fn into_call(self) -> Result<HttpCall, String> {
        let body = match (self.body, self.text, self.hex) {
            (None, None, None) => None,
            (Some(json), None, None) => Some(Payload::Json(json)),
            (None, Some(text), None) => Some(Payload::Text(text)),
            (None, None, Some(hex)) => Some(Payload::Bytes(bytes_of_hex(&hex)?)),
            _ => return Err("`http` has at most one of body (JSON), text, hex".into()),
        };
        Ok(HttpCall {
            method: self.method,
            path: self.path,
            query: self.query,
            headers: self.headers,
            body,
        })
    }
}
