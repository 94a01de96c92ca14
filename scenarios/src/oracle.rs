//! What answers the specification allows to a request, computed from the bytes of the request and get_info.
//!
//! [`expect_message`] and [`expect_http`] read a request as bLIP-50 and bLIP-51 say, and list its faults, what it may be
//! refused for, and what has to be served of it, each with the requirements that say so. [`judge`] compares that with
//! what came. Where the text is ambiguous, the positions of the requirement catalogue hold.

mod create_order;
mod envelope;
mod framing;
mod get_order;
mod http;
mod judge;
mod terms;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::action::Transport;
use crate::requirement::RequirementId;
use crate::verdict::Judgement;

pub use judge::{Answered, Found, judge};
pub use terms::Terms;

/// What has to be known of a target to say how it should answer.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Over which interface the request is made.
    pub transport: Transport,
    /// The options of get_info.
    pub terms: Terms,
    /// Beginning of addresses on the target's network (`bc`, `tb` or `bcrt`), if it is known.
    pub address_prefix: Option<String>,
    /// A token that the target accepts.
    pub token: Option<String>,
    /// Whether the target takes any text as a token.
    pub any_token: bool,
    /// The orders that were made, each with the connection that made it.
    pub orders: Vec<KnownOrder>,
    /// The connection on which the request is made.
    pub asker: String,
}

/// An order that the target has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownOrder {
    /// Its id.
    pub id: String,
    /// The connection that made it.
    pub owner: String,
    /// Whether the owner has reconnected since.
    pub reconnected: bool,
}

/// How a request has to be answered.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Full name of the method, if there is a known one.
    pub method: Option<&'static str>,
    /// The id by which the answer is found; null if the request has none that can be read.
    pub id: Value,
    /// What the request has to be refused for.
    pub faults: Vec<Fault>,
    /// What it may be refused for.
    pub openings: Vec<Fault>,
    /// What a request without faults shows to be served.
    pub features: Vec<Feature>,
    /// Parameters that the method doesn't know.
    pub unknown_params: Vec<String>,
    /// No position is taken: any answer will do.
    pub anything: bool,
}

/// A reason to refuse a request.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The requirements that say so.
    pub rows: Vec<&'static str>,
    /// How it may be refused.
    pub refusals: Vec<Refusal>,
    /// What serving it nevertheless counts as.
    pub served: Judgement,
    /// What saying nothing counts as.
    pub silence: Judgement,
    /// What is wrong with the request.
    pub says: String,
}

/// One way to refuse a request.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The error code; `None`: any.
    pub code: Option<i64>,
    /// Values of `data.property`; empty: not looked at.
    pub properties: Vec<&'static str>,
    /// Values of `data.property` that profile `compat` tolerates.
    pub loose_properties: Vec<&'static str>,
    /// Whether the id of the answer has to be null instead of the request's.
    pub null_id: Option<bool>,
    /// Whether the refusal is right or only tolerated.
    pub judgement: Judgement,
}

/// Something about a request that doesn't stand in the way of serving it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The requirements that say so.
    pub rows: Vec<&'static str>,
    /// Parameters and options by which an error can name it.
    pub names: Vec<&'static str>,
    /// Whether it is about the payload or the envelope, not about parameters.
    pub of_envelope: bool,
    /// What is special.
    pub says: &'static str,
}

impl Fault {
    fn new(rows: &[&'static str], says: impl Into<String>) -> Self {
        Self {
            rows: rows.to_vec(),
            refusals: Vec::new(),
            served: Judgement::Broken,
            silence: Judgement::Broken,
            says: says.into(),
        }
    }

    /// May be refused with this code, and the request's id.
    fn code(mut self, code: i64, properties: &[&'static str]) -> Self {
        self.refusals.push(Refusal {
            code: Some(code),
            properties: properties.to_vec(),
            loose_properties: Vec::new(),
            null_id: Some(false),
            judgement: Judgement::Kept,
        });
        self
    }

    /// Error 100 names the option; profile `compat` tolerates the parameter's name.
    fn option(mut self, options: &[&'static str], field: &'static str) -> Self {
        self = self.code(100, options);
        if let Some(refusal) = self.refusals.last_mut() {
            refusal.loose_properties = vec![field];
        }
        self
    }

    /// May be refused as bad format: code -32700 and a null id.
    fn parse_error(self) -> Self {
        self.refusal(Some(-32700), Some(true), Judgement::Kept)
    }

    fn refusal(mut self, code: Option<i64>, null_id: Option<bool>, judgement: Judgement) -> Self {
        self.refusals.push(Refusal {
            code,
            properties: Vec::new(),
            loose_properties: Vec::new(),
            null_id,
            judgement,
        });
        self
    }

    fn served(mut self, judgement: Judgement) -> Self {
        self.served = judgement;
        self
    }

    fn silence(mut self, judgement: Judgement) -> Self {
        self.silence = judgement;
        self
    }
}

impl Feature {
    fn new(rows: &[&'static str], names: &[&'static str], says: &'static str) -> Self {
        Self { rows: rows.to_vec(), names: names.to_vec(), of_envelope: false, says }
    }

    fn of_envelope(rows: &[&'static str], says: &'static str) -> Self {
        Self { rows: rows.to_vec(), names: Vec::new(), of_envelope: true, says }
    }
}

impl Expected {
    /// Whether the answer may be no answer.
    pub fn may_be_silent(&self) -> bool {
        self.faults.iter().any(|fault| fault.silence != Judgement::Broken)
    }

    /// Whether the request is an order that may be accepted.
    pub fn may_make_an_order(&self) -> bool {
        self.method == Some("lsps1.create_order") && self.faults.is_empty()
    }

    /// Whether the payload or the envelope is bad, so that the request can't be told.
    pub fn is_bad_format(&self) -> bool {
        self.faults.iter().any(|fault| {
            fault
                .refusals
                .iter()
                .any(|refusal| refusal.code == Some(-32700) && refusal.null_id == Some(true))
        })
    }

    /// Every requirement that the answer is judged by.
    pub fn rows(&self) -> impl Iterator<Item = &'static str> {
        let faults = self.faults.iter().chain(&self.openings).flat_map(|fault| &fault.rows);
        faults.chain(self.features.iter().flat_map(|feature| &feature.rows)).copied()
    }
}

/// How a payload of type 37913 has to be answered.
pub fn expect_message(payload: &[u8], facts: &Facts) -> Expected {
    match framing::read(payload) {
        framing::Framed::Bad(faults) => Expected { faults, ..Expected::default() },
        framing::Framed::Unclear => Expected { anything: true, ..Expected::default() },
        framing::Framed::Object { object, features, openings } => {
            let mut expected = envelope::expect(&object, facts);
            if expected.faults.is_empty() {
                expected.features.extend(features);
            }
            expected.openings.extend(openings);
            expected
        }
        framing::Framed::AfterMark { object, fault } => {
            let mut expected = envelope::expect(&object, facts);
            // Whatever else is wrong comes second; what is served in spite of the mark is only warned about.
            expected.faults.insert(0, fault);
            expected
        }
    }
}

/// Whether a payload is one object that all readers read alike and take.
pub(crate) fn is_beyond_doubt(payload: &[u8]) -> bool {
    matches!(framing::read(payload), framing::Framed::Object { openings, .. } if openings.is_empty())
}

pub use http::expect_http;

/// Every requirement that the oracle can name, sorted.
pub fn rows(transport: Transport) -> Vec<RequirementId> {
    let all: &[&str] = match transport {
        Transport::P2p => &[
            "L0-004", "L0-006", "L0-007", "L0-008", "L0-009", "L0-010", "L0-011", "L0-012",
            "L0-013", "L0-014", "L0-015", "L0-016", "L0-017", "L0-018", "L0-019", "L0-020",
            "L0-021", "L0-022", "L0-023", "L0-024", "L0-025", "L0-026", "L0-039", "L0-040",
            "L0-048", "L0-049", "L0-054", "L0-055", "L0-057", "L0-058", "L0-081", "L0-082",
            "L0-083", "L0-084", "L0-085", "L0-086", "L0-106", "L0-107", "L0-113", "L0-115",
            "L0-120", "L0-129", "L0-130", "L0-131", "L0-133", "L0-137", "L0-138", "L0-156",
            "L0-158", "L0-159", "L0-160", "L1-010", "L1-038", "L1-041", "L1-042", "L1-043",
            "L1-044", "L1-045", "L1-046", "L1-047", "L1-048", "L1-049", "L1-050", "L1-051",
            "L1-052", "L1-053", "L1-054", "L1-055", "L1-056", "L1-057", "L1-058", "L1-059",
            "L1-062", "L1-063", "L1-064", "L1-065", "L1-067", "L1-068", "L1-071", "L1-076",
            "L1-087", "L1-100", "L1-102", "L1-103", "L1-104", "L1-105", "L1-107", "L1-111",
            "L1-112", "L1-114", "L1-115", "L1-117", "L1-119", "L1-120", "L1-121",
        ],
        Transport::Rest => &[
            "L0-137", "L0-149", "L0-151", "L0-152", "L0-156", "L0-158", "L0-159", "L0-160",
            "L1-038", "L1-041", "L1-042", "L1-043", "L1-044", "L1-045", "L1-046", "L1-047",
            "L1-048", "L1-049", "L1-050", "L1-051", "L1-052", "L1-053", "L1-054", "L1-055",
            "L1-056", "L1-057", "L1-058", "L1-059", "L1-062", "L1-063", "L1-064", "L1-065",
            "L1-067", "L1-068", "L1-071", "L1-075", "L1-087", "L1-100", "L1-103", "L1-107",
            "L1-111", "L1-112", "L1-114", "L1-115", "L1-117", "L1-119", "RD-001", "RD-010",
            "RD-011", "RD-012", "RD-013", "RD-015", "RD-019", "RD-021",
        ],
    };
    all.iter().map(|id| RequirementId::from(*id)).collect()
}
