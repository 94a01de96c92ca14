//! From a step to the bytes that go out.

use serde_json::{Map, Value, json};

use super::case::{Call, Writing};
use crate::action::HttpRequest;

/// What a step is rendered with.
pub(super) struct Names<'a> {
    /// The parameters of the smallest order.
    pub(super) base: &'a Map<String, Value>,
    /// The ids of the orders made so far.
    pub(super) orders: &'a [String],
    /// The operator's token.
    pub(super) token: Option<&'a str>,
}

/// A name in a case that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nameless(pub(super) String);

impl Names<'_> {
    /// What a text stands for, if it is one of the names that a case can use.
    fn resolve(&self, text: &str) -> Result<Option<String>, Nameless> {
        if text == "token[0]" {
            let token = self.token.ok_or_else(|| Nameless(text.to_owned()))?;
            return Ok(Some(token.to_owned()));
        }
        match order_number(text) {
            None => Ok(None),
            Some(number) => match self.orders.get(number) {
                Some(id) => Ok(Some(id.clone())),
                None => Err(Nameless(text.to_owned())),
            },
        }
    }

    fn rendered(&self, value: &Value) -> Result<Value, Nameless> {
        Ok(match value {
            Value::String(text) => match self.resolve(text)? {
                Some(resolved) => Value::String(resolved),
                None => value.clone(),
            },
            Value::Array(items) => Value::Array(
                items.iter().map(|item| self.rendered(item)).collect::<Result<_, _>>()?,
            ),
            other => other.clone(),
        })
    }

    fn params(&self, call: &Call) -> Result<Map<String, Value>, Nameless> {
        let mut params = match call.call.as_str() {
            "create_order" => self.base.clone(),
            _ => Map::new(),
        };
        for (name, value) in &call.with {
            params.insert(name.clone(), self.rendered(value)?);
        }
        for name in &call.without {
            params.remove(name);
        }
        Ok(params)
    }

    /// A call as a payload of type 37913.
    pub(super) fn message(&self, call: &Call, id: &str) -> Result<Vec<u8>, Nameless> {
        let mut members = vec![
            ("jsonrpc".to_owned(), json!("2.0")),
            ("id".to_owned(), json!(id)),
            ("method".to_owned(), json!(full_method(&call.call))),
            ("params".to_owned(), Value::Object(self.params(call)?)),
        ];
        for (name, value) in &call.envelope {
            let value = self.rendered(value)?;
            match members.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value,
                None => members.push((name.clone(), value)),
            }
        }
        members.retain(|(name, _)| !call.envelope_without.contains(name));
        let writing = call.writing.clone().unwrap_or_default();
        Ok(write(&members, &writing).into_bytes())
    }

    /// A call as a request to the REST face.
    pub(super) fn http(&self, call: &Call) -> Result<HttpRequest, Nameless> {
        let params = self.params(call)?;
        let mut request = HttpRequest {
            method: "GET".into(),
            path: call.call.clone(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        };
        if call.call == "create_order" {
            request.method = "POST".into();
            request.headers.push(("content-type".into(), "application/json".into()));
            let writing = call.writing.clone().unwrap_or_default();
            let members: Vec<(String, Value)> = params.into_iter().collect();
            request.body = Some(write(&members, &writing).into_bytes());
        } else {
            let text = |value: Value| match value {
                Value::String(text) => text,
                other => other.to_string(),
            };
            request.query = params.into_iter().map(|(name, value)| (name, text(value))).collect();
        }
        Ok(request)
    }
}

/// The number in `order[0]`.
pub(super) fn order_number(text: &str) -> Option<usize> {
    text.strip_prefix("order[")?.strip_suffix(']')?.parse().ok()
}

fn full_method(name: &str) -> String {
    match name {
        "list_protocols" => "lsps0.list_protocols".into(),
        other => format!("lsps1.{other}"),
    }
}

/// The object with these members, written as asked for.
fn write(members: &[(String, Value)], writing: &Writing) -> String {
    let place = |name: &String| {
        let named = writing.members.iter().position(|known| known == name);
        named.unwrap_or(writing.members.len())
    };
    let mut members: Vec<&(String, Value)> = members.iter().collect();
    members.sort_by_key(|(name, _)| place(name));
    let written: Vec<String> = members
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Object(params) if writing.escaped && name == "params" => {
                    let params: Vec<String> = params
                        .iter()
                        .map(|(name, value)| format!("{}:{value}", escaped(name)))
                        .collect();
                    format!("{{{}}}", params.join(","))
                }
                value => value.to_string(),
            };
            format!("{}:{value}", json!(name))
        })
        .collect();
    let mut text = format!("{}{{{}}}{}", writing.before, written.join(","), writing.after);
    if let Some(length) = writing.pad_to {
        let missing = length.saturating_sub(text.len());
        text.push_str(&" ".repeat(missing));
    }
    text
}

/// A text whose first letter is written as an escape.
fn escaped(text: &str) -> String {
    let plain = json!(text).to_string();
    match text.chars().next() {
        Some(first) if first.is_ascii_alphanumeric() => {
            let rest = plain.get(2..).unwrap_or_default();
            format!("\"\\u{:04x}{rest}", u32::from(first))
        }
        _ => plain,
    }
}
