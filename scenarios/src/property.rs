//! Generated conversations: requests that may be wrong in one or several ways, and sequences of operations on orders.
//!
//! [`requests`] and [`sequences`] are proptest strategies for a [`Case`]; [`attempt`] carries one out and judges every
//! answer by the [`crate::oracle`], by a model of the orders and by the invariants; [`explore`] does that for many, and
//! makes the cases that break something as small as it can. [`Replay`] is a case on file.
//!
//! Nothing here does I/O: a [`Driver`] carries out the actions.

mod addresses;
mod attempt;
mod case;
mod envelopes;
mod explore;
mod framing;
mod liveness;
mod model;
mod orders;
mod render;
mod replay;
mod sequences;
mod world;

#[cfg(test)]
mod tests;

use std::fmt;

use proptest::strategy::SBoxedStrategy;
use serde::{Deserialize, Serialize};

pub use attempt::{Attempt, attempt};
pub use case::{Call, Case, Http, Payload, Step, Writing};
pub use explore::{CounterExample, Effort, Exploration, explore, repeat};
pub use replay::{Replay, ReplayError};
pub use sequences::{Possible, sequences};
pub use world::{Driver, World, WorldError};

use crate::action::Transport;
use crate::oracle::Facts;

/// The two kinds of generated conversations, each a scenario by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Property {
    /// Single requests, each with the answers that the specification allows.
    #[serde(rename = "property-requests")]
    Requests,
    /// Operations on orders, compared with a model.
    #[serde(rename = "property-sequences")]
    Sequences,
}

impl Property {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requests, Self::Sequences];

    /// The scenario's id.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Requests => "property-requests",
            Self::Sequences => "property-sequences",
        }
    }

    /// What the scenario shows, in one line.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Requests => {
                "Generated requests, right and wrong, get the answers that the specification allows"
            }
            Self::Sequences => {
                "Generated sequences of orders, readings, payments and restarts keep every order as it was made"
            }
        }
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

/// The cases of a property against a target with these options: strategies to be taken in turns, so that also a few cases
/// are of many kinds.
pub fn cases(property: Property, facts: &Facts, possible: Possible) -> Vec<SBoxedStrategy<Case>> {
    match property {
        Property::Requests => requests(facts),
        Property::Sequences => vec![sequences(facts, possible)],
    }
}

/// Single requests: orders, readings, the calls without parameters, bad envelopes and bad payloads.
pub fn requests(facts: &Facts) -> Vec<SBoxedStrategy<Case>> {
    let mut kinds = orders::create_order(facts);
    kinds.push(orders::get_order(facts));
    kinds.push(orders::without_params(facts));
    match facts.transport {
        Transport::P2p => {
            for _ in 0..4 {
                kinds.extend([envelopes::calls(facts), framing::payloads(facts)]);
            }
        }
        Transport::Rest => kinds.push(framing::bodies(facts)),
    }
    kinds.push(orders::get_order(facts));
    kinds
}
