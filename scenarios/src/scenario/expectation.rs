//! What is expected of a step, and how it is checked.

use serde_json::Value;

use crate::requirement::RequirementId;

/// What is expected of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The requirements that it judges; each gets a result of its own level.
    pub requirements: Vec<RequirementId>,
    /// The check.
    pub check: Check,
    /// Boolean expression: the check is only made if it holds.
    pub when: Option<String>,
    /// JSON Schema: a broken check whose values satisfy it is a warning.
    pub warn: Option<Value>,
    /// JSON Schema: a broken check whose values satisfy it is a warning in profile `compat`.
    pub compat: Option<Value>,
    /// What is expected, in words, for the finding.
    pub says: Option<String>,
}

/// How an expectation is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// At least one node is there, and every node satisfies the schema.
    At {
        /// RFC 9535 JSONPath on the step's document.
        path: String,
        /// JSON Schema; strings are rendered.
        schema: Value,
    },
    /// No node is there.
    Absent {
        /// RFC 9535 JSONPath on the step's document.
        path: String,
    },
    /// A boolean expression over saved documents; the step's own is `this`.
    That(String),
    /// The request is refused, and the target still answers afterwards.
    Refused(Refusal),
}

/// How a request has to be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As a payload that can't be read: code -32700, id null.
    ParseError,
    /// With an error of one of these kinds.
    Error(Vec<RefusalKind>),
}

/// One way in which a request may be refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalKind {
    /// Allowed error codes.
    pub codes: Vec<i64>,
    /// Allowed values of `data.property`; empty: not looked at.
    pub property: Vec<String>,
    /// The exact set of names in `data.unrecognized`.
    pub unrecognized: Option<Vec<String>>,
}
