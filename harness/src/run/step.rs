//! Does what a session asks for, one action at a time, and reports what came of it.

use std::time::{Duration, Instant};

use lsps1_scenarios::{Action, Evidence, HttpRequest, Observation, Wait};
use serde_json::{Value, json};

use super::TargetSettings;
use super::buyer::Buyer;
use super::chain::Chain;
use super::orders::Asked;
use super::set_up::command;
use crate::target::command::CommandTarget;
use crate::target::control::{Control, ControlError};
use crate::target::custom_message::Connections;
use crate::target::rest::{RestError, RestRequest, RestTarget};

/// How long to wait between two polls of an order.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The same for a target that isn't on this machine.
const POLL_INTERVAL_ELSEWHERE: Duration = Duration::from_secs(1);

/// What it takes to start the target again.
#[derive(Clone, Copy)]
pub struct Restarts<'a> {
    /// The target's process.
    pub command: &'a CommandTarget,
    /// Where it was said to be.
    pub given: &'a TargetSettings,
    /// The payers that have channels with it.
    pub chain: Option<&'a Chain>,
}

/// Everything that one scenario acts on.
pub struct Stage<'a> {
    /// The REST face, if the target has one.
    pub rest: Option<&'a RestTarget>,
    /// Connections to the target's node, if it is to be spoken to.
    pub connections: Option<Connections>,
    /// The node that gets the channel, with its payer, if an order is paid.
    pub client: Option<Buyer<'a>>,
    /// What the target lets be done to it, if it does.
    control: Option<&'a Control>,
    /// What it takes to start it again, if it can be.
    restarts: Option<Restarts<'a>>,
    /// When the scenario began.
    pub started: Instant,
    /// Whether the target answered the first thing that was sent to it.
    first_answered: Option<bool>,
    /// What the client, the payer and the chain reported: evidence beside the messages.
    notes: Vec<Evidence>,
    /// The ids of the orders that were made.
    orders: Vec<String>,
    /// How many of them were let expire together.
    expired: usize,
}

impl<'a> Stage<'a> {
    /// A stage on which nothing has happened yet.
    #[must_use]
    pub fn new(
        rest: Option<&'a RestTarget>,
        connections: Option<Connections>,
        client: Option<Buyer<'a>>,
        started: Instant,
    ) -> Self {
        Self {
            rest,
            connections,
            client,
            control: None,
            restarts: None,
            started,
            first_answered: None,
            notes: Vec::new(),
            orders: Vec::new(),
            expired: 0,
        }
    }

    /// Says how the target can be controlled.
    #[must_use]
    pub fn controlled_by(mut self, control: Option<&'a Control>) -> Self {
        self.control = control;
        self
    }

    /// Says how the target can be started again.
    #[must_use]
    pub const fn restarted_by(mut self, restarts: Option<Restarts<'a>>) -> Self {
        self.restarts = restarts;
        self
    }

    /// Whether the first thing that was sent got any answer, if anything was sent.
    #[must_use]
    pub const fn first_answered(&self) -> Option<bool> {
        self.first_answered
    }

    /// What was seen beside the messages so far.
    #[must_use]
    pub fn notes(&self) -> &[Evidence] {
        &self.notes
    }

    /// The ids of the orders that were made so far.
    #[must_use]
    pub fn orders(&self) -> &[String] {
        &self.orders
    }

    /// Does one action.
    pub async fn perform(&mut self, action: Action) -> Observation {
        let asked = Asked::of(&action);
        let observation = self.act(action).await;
        self.orders.extend(asked.made(&observation));
        observation
    }

    async fn act(&mut self, action: Action) -> Observation {
        match action {
            Action::Connect { conn } => self.connect(&conn).await,
            Action::Disconnect { conn } => {
                if let Some(connections) = &mut self.connections {
                    connections.disconnect(&conn);
                }
                Observation::Done
            }
            Action::Exchange { conn, frames, wait } => {
                frames.iter().for_each(|frame| self.note_order(frame, Some("params")));
                let Some(connections) = &mut self.connections else {
                    return no_node();
                };
                let asks = !frames.is_empty();
                let (frames, end) = connections.exchange(&conn, frames, wait).await;
                if asks {
                    self.first_answered.get_or_insert(!frames.is_empty());
                }
                Observation::Frames { frames, end }
            }
            Action::Tell { conn, type_id, payload, hang_up } => {
                let Some(connections) = &mut self.connections else {
                    return no_node();
                };
                match connections.tell(&conn, type_id, payload, hang_up) {
                    Ok(()) => Observation::Done,
                    Err(reason) => Observation::Failed { reason },
                }
            }
            Action::Http(request) => self.http(request).await,
            Action::Pause { until_changed_within } => {
                let interval = match self.rest {
                    Some(rest) if !rest.base().is_loopback() => POLL_INTERVAL_ELSEWHERE,
                    _ => POLL_INTERVAL,
                };
                tokio::time::sleep(interval.min(until_changed_within)).await;
                Observation::Done
            }
            Action::LetExpire { order_id } => self.let_expire(order_id).await,
            Action::Restart => match self.restart().await {
                Ok(()) => Observation::Done,
                Err(reason) => Observation::Failed { reason },
            },
            Action::AdvanceClock { seconds } => self.advance_clock(seconds).await,
            on_chain => match &mut self.client {
                Some(client) => {
                    let what = format!("{on_chain:?}");
                    let observation = client.perform(on_chain).await;
                    if let Observation::Document(document) = &observation {
                        self.notes.push(Evidence::note(format!("{what}: {document}")));
                    }
                    observation
                }
                None => Observation::Failed { reason: "this step needs a chain".to_owned() },
            },
        }
    }

    /// Makes a request and waits for `quiet` only; `why` is told where that isn't seen from the messages.
    pub async fn perform_briefly(
        &mut self,
        action: Action,
        quiet: Duration,
        why: &str,
    ) -> Observation {
        match action {
            Action::Exchange { conn, frames, wait } => {
                let wait = Wait { timeout: Some(quiet), ..wait };
                self.perform(Action::Exchange { conn, frames, wait }).await
            }
            other => match tokio::time::timeout(quiet, self.perform(other)).await {
                Ok(observation) => observation,
                Err(_) => Observation::HttpFailed {
                    reason: format!("no answer within {} ms, as {why}", quiet.as_millis()),
                    timed_out: true,
                },
            },
        }
    }

    /// Ends the connections and the client.
    pub async fn close(self) {
        if let Some(connections) = self.connections {
            connections.close();
        }
        if let Some(client) = self.client {
            client.close().await;
        }
    }

    /// Lets an order expire, or all that were made since the last time.
    async fn let_expire(&mut self, order_id: Option<String>) -> Observation {
        let Some(control) = self.control else {
            let reason = "the target's time can't be moved".to_owned();
            return Observation::Failed { reason };
        };
        let is_one = order_id.is_some();
        let orders = match order_id {
            Some(order_id) => vec![order_id],
            None => {
                let since = self.orders.split_at(self.expired).1.to_vec();
                self.expired = self.orders.len();
                since
            }
        };
        for order in orders {
            match control.expire(&order).await {
                Ok(()) => {}
                // It is over already, or the target has forgotten it, which is judged where it is read.
                Err(ControlError::Refused { status: 404 | 409, .. }) if !is_one => {}
                Err(error) => return Observation::Failed { reason: error.to_string() },
            }
        }
        Observation::Done
    }

    /// Kills the target and starts it again. Whoever was connected to it has to connect again; the payers do at once, as
    /// their channels wait for that.
    async fn restart(&mut self) -> Result<(), String> {
        let restarts = self.restarts.ok_or("the target can't be started again")?;
        if let Some(connections) = &mut self.connections {
            connections.disconnect_all();
        }
        if let Some(client) = &mut self.client {
            client.target_leaves();
        }
        command::restart(restarts.command, restarts.given).await?;
        match restarts.chain {
            Some(chain) => chain.target_is_back().await,
            None => Ok(()),
        }
    }

    /// Moves the target's clock on, if it can be.
    async fn advance_clock(&self, seconds: u32) -> Observation {
        let Some(control) = self.control else {
            let reason = "the target's time can't be moved".to_owned();
            return Observation::Failed { reason };
        };
        match control.advance_clock(seconds).await {
            Ok(()) => Observation::Document(json!({"moved": true})),
            // Letting orders expire is all that it can do.
            Err(error @ ControlError::Refused { status: 404 | 405 | 501, .. }) => {
                Observation::Document(json!({"moved": false, "reason": error.to_string()}))
            }
            Err(error) => Observation::Failed { reason: error.to_string() },
        }
    }

    async fn connect(&mut self, conn: &str) -> Observation {
        let Some(connections) = &mut self.connections else {
            return no_node();
        };
        match connections.connect(conn).await {
            Ok(()) => {
                let features = connections.features(conn);
                let seen =
                    format!("{conn}: connected; feature bits in the target's init: {features:?}");
                self.notes.push(Evidence::note(seen));
                Observation::Connected { features }
            }
            Err(reason) => {
                self.first_answered.get_or_insert(false);
                Observation::ConnectFailed { reason }
            }
        }
    }

    /// Lets the client's node ask for the depth that is being ordered, as an order for more confirmations than the
    /// client then wants would prove nothing. `within` is where a request has its parameters.
    fn note_order(&mut self, request: &[u8], within: Option<&str>) {
        let Some(client) = &mut self.client else { return };
        let Ok(request) = serde_json::from_slice::<Value>(request) else { return };
        let params = match within {
            Some(member) => request.get(member),
            None => Some(&request),
        };
        let depth = params
            .and_then(|params| params.get("required_channel_confirmations"))
            .and_then(Value::as_u64);
        if let Some(depth) = depth.and_then(|depth| u32::try_from(depth).ok()) {
            client.ordered_depth(depth);
        }
    }

    async fn http(&mut self, request: HttpRequest) -> Observation {
        let Some(rest) = self.rest else {
            return Observation::Failed { reason: "the target has no REST address".to_owned() };
        };
        let HttpRequest { method, path, query, headers, body } = request;
        let request = RestRequest { method, path, query, headers, body };
        self.note_order(request.body.as_deref().unwrap_or_default(), None);
        let answer = rest.send(&request).await;
        self.first_answered.get_or_insert(answer.is_ok());
        match answer {
            Ok(reply) => Observation::Http {
                status: reply.status,
                headers: reply.headers,
                body: reply.body,
                truncated: reply.truncated,
            },
            Err(error @ (RestError::Client(_) | RestError::Request(_))) => {
                Observation::Failed { reason: error.to_string() }
            }
            Err(error) => {
                let timed_out = matches!(error, RestError::TimedOut { .. });
                Observation::HttpFailed { reason: error.to_string(), timed_out }
            }
        }
    }
}

fn no_node() -> Observation {
    Observation::Failed { reason: "the target has no node address".to_owned() }
}
