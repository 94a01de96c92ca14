//! What a session has to do, and what it has asked its driver for.

use serde_json::Value;

use super::probe::Probe;
use super::request::Outgoing;
use crate::action::{Action, Frame, HttpRequest};
use crate::scenario::Given;

/// The connection of the prelude.
pub(super) const MAIN: &str = "main";

/// What is left to do.
#[derive(Clone, Debug)]
pub(super) enum Task {
    /// Fetch a document of the prelude.
    Given(Given),
    /// Look whether the scenario applies.
    Conditions,
    /// Do a step.
    Step(usize),
    /// Ask again for the document of a poll.
    Poll(Poll),
    /// Look whether the target still answers after a refusal.
    Probe(Box<Probe>),
    /// Read an order, for the record of its life.
    Look(Recorded),
}

/// A poll on its way.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    pub(super) step: usize,
    /// When it began, in milliseconds since the start of the session.
    pub(super) since_ms: Option<u64>,
    pub(super) count: u32,
}

/// What the pending action is for.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// A connection, so that the task can begin.
    Connecting(Task),
    /// Dropping a connection on which the client isn't heard any more.
    Leaving(Box<Probe>),
    /// Dropping a connection; the step then only has to connect again.
    Reconnecting { step: usize, conn: String, dropped: bool },
    /// An exchange of custom messages. `probe` is the id of a probe that was sent along.
    Exchange { task: Task, outgoing: Vec<Outgoing>, probe: Option<Value>, single: bool },
    /// Listening on after an exchange that `observed` and `end` came of.
    Quiet { before: Action, exchange: Box<Pending>, from_ms: u64, observed: Vec<Frame> },
    /// An HTTP request.
    Http { task: Task, request: HttpRequest },
    /// Sending a message that nobody waits for.
    Telling { step: usize, request: Value },
    /// Something the client, the payer, the miner or the chain does.
    Chain { step: usize },
    /// Waiting between two polls.
    Pausing(Poll),
}

impl Pending {
    /// The task that the action is for, if a request is made for it.
    pub(super) fn task(&self) -> Option<&Task> {
        match self {
            Self::Exchange { task, .. } | Self::Http { task, .. } => Some(task),
            _ => None,
        }
    }
}

/// An order whose life is recorded.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) order_id: Value,
    /// The connection on which it was made: an order is its maker's.
    pub(super) conn: String,
}
