//! A generated conversation, as it is shrunk, shown and kept on file.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The connection that requests are made on unless a step says otherwise.
pub(super) const MAIN: &str = "main";

/// Some steps that are taken one after the other.
///
/// Orders are named by their number: the text `order[0]` stands for the id of the first order that the case makes. The
/// text `token[0]` stands for the operator's token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Case {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step of a case.
#[allow(
    clippy::large_enum_variant,
    reason = "a case has a handful of steps; the size depends on features of serde_json"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A request by method.
    Call(Call),
    /// A raw payload (p2p).
    Send {
        /// The payload.
        send: Payload,
    },
    /// A raw HTTP request (rest).
    Http {
        /// The request.
        http: Http,
    },
    /// Drops the connection of that name and connects again with the same key (p2p).
    Reconnect {
        /// The connection.
        reconnect: String,
    },
    /// Pays the BOLT 11 invoice of an order.
    Pay {
        /// The order, `order[0]`.
        pay: String,
    },
    /// Lets the time pass at which unpaid orders expire.
    Expire {
        /// Always true.
        expire: bool,
    },
    /// Ends the target and starts it again on what it has stored.
    Restart {
        /// Always true.
        restart: bool,
    },
}

impl Step {
    /// How many orders it may make, however badly it asks for them.
    pub(super) fn orders(&self) -> usize {
        match self {
            Self::Call(call) => usize::from(call.call == "create_order"),
            Self::Send { send } => {
                let name = b"create_order";
                send.bytes().windows(name.len()).filter(|bytes| *bytes == name).count()
            }
            _ => 0,
        }
    }
}

/// A request: the smallest legal one of its method, changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// `list_protocols`, `get_info`, `create_order` or `get_order`.
    pub call: String,
    /// The connection; each has a node key of its own.
    #[serde(default = "main", skip_serializing_if = "is_main")]
    pub on: String,
    /// Parameters that are set.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub with: Map<String, Value>,
    /// Parameters that are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Members of the JSON-RPC envelope that are set (p2p).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub envelope: Map<String, Value>,
    /// Members of the JSON-RPC envelope that are left out (p2p).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub envelope_without: Vec<String>,
    /// How it is written, if not plainly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writing: Option<Writing>,
}

/// Liberties in writing JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Writing {
    /// White space before the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub before: String,
    /// White space after the object.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// Spaces are put behind the object until there are so many bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pad_to: Option<usize>,
    /// The order of the outermost members; those that aren't named come last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// Whether the first letters of parameters' names are written as escapes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub escaped: bool,
}

/// A raw payload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    /// UTF-8.
    Text(String),
    /// Any bytes, in hexadecimal.
    Hex(String),
}

/// A raw HTTP request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// HTTP method.
    pub method: String,
    /// Path below the base URL.
    pub path: String,
    /// The body, as `application/json`.
    pub body: String,
}

impl Call {
    /// The smallest legal request of a method.
    pub fn plain(method: &str) -> Self {
        Self { call: method.to_owned(), on: main(), ..Self::default() }
    }

    /// Whether nothing is changed.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::plain(&self.call)
    }

    /// The call without one of its changes, or how many there are.
    fn without_part(&self, number: usize) -> Result<Self, usize> {
        let mut parts: Vec<Self> = Vec::new();
        for name in self.with.keys() {
            let mut call = self.clone();
            call.with.remove(name);
            parts.push(call);
        }
        for name in self.envelope.keys() {
            let mut call = self.clone();
            call.envelope.remove(name);
            parts.push(call);
        }
        for (of, at) in (0..self.without.len())
            .map(|at| (true, at))
            .chain((0..self.envelope_without.len()).map(|at| (false, at)))
        {
            let mut call = self.clone();
            if of {
                call.without.remove(at)
            } else {
                call.envelope_without.remove(at)
            };
            parts.push(call);
        }
        if self.writing.is_some() {
            parts.push(Self { writing: None, ..self.clone() });
        }
        if !is_main(&self.on) {
            parts.push(Self { on: main(), ..self.clone() });
        }
        let count = parts.len();
        if number < count { Ok(parts.swap_remove(number)) } else { Err(count) }
    }

    /// The same with a parameter set.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.without.retain(|left_out| left_out != name);
        self.with.insert(name.to_owned(), value.into());
        self
    }
}

impl Payload {
    /// The payload of these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => {
                Self::Hex(error.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
            }
        }
    }

    /// The bytes; digits that are none are left out.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(text) => text.clone().into_bytes(),
            Self::Hex(digits) => {
                let nibbles: Vec<u8> = digits
                    .chars()
                    .filter_map(|digit| digit.to_digit(16))
                    .filter_map(|digit| u8::try_from(digit).ok())
                    .collect();
                nibbles.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
            }
        }
    }
}

impl Case {
    /// A case of one request.
    pub(super) fn of(call: Call) -> Self {
        Self { steps: vec![Step::Call(call)] }
    }

    /// The case without its part of that number, the last step's parts first; `None` if it has fewer. Parts are what each
    /// request changes, and whole steps.
    pub(super) fn without_part(&self, number: usize) -> Option<Self> {
        let mut left = number;
        for (at, step) in self.steps.iter().enumerate().rev() {
            if let Step::Call(call) = step {
                match call.without_part(left) {
                    Ok(call) => {
                        let mut case = self.clone();
                        case.steps[at] = Step::Call(call);
                        return Some(case);
                    }
                    Err(parts) => left -= parts,
                }
            }
            if self.steps.len() > 1 {
                if left == 0 {
                    let mut case = self.clone();
                    case.steps.remove(at);
                    return Some(case);
                }
                left -= 1;
            }
        }
        None
    }

    /// A case of one request that is about an order made before.
    pub(super) fn after_order(call: Call) -> Self {
        Self { steps: vec![Step::Call(Call::plain("create_order")), Step::Call(call)] }
    }
}

impl fmt::Display for Case {
    /// The steps as JSON, one after the other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let joint = if at == 0 { "" } else { ", then " };
            let text = serde_json::to_string(step).map_err(|_| fmt::Error)?;
            write!(f, "{joint}{text}")?;
        }
        Ok(())
    }
}

fn main() -> String {
    MAIN.to_owned()
}

fn is_main(name: &String) -> bool {
    name == MAIN
}
