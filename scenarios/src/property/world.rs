//! What is known of a target from case to case, and how it is spoken to.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::case::MAIN;
use crate::action::{Action, End, HttpRequest, Observation, Span, Transport, Wait};
use crate::context::SessionContext;
use crate::decode::address;
use crate::document::{self, Reply};
use crate::oracle::{Facts, KnownOrder, Terms};
use crate::session::{Ignoring, request};
use crate::transcript::{Exchange, HttpExchange, Message};

/// Orders that one key makes before it is changed. A service that many LSPs use refuses the eleventh unpaid order.
const ORDERS_PER_KEY: u32 = 10;

/// A target whose answers stay out is given so many times as long as its slowest answer took.
const PATIENCE: u32 = 10;

/// Exchanges that are kept. Every case is judged by itself when it is through; what is kept is for what only shows when
/// orders of many cases are compared, and that costs more the more there are.
const MOST_HISTORY: usize = 2_000;

/// However slow it was, it isn't given more than so many times the shortest time after which it counts as silent.
const MOST_PATIENCE: u32 = 4;

/// Carries out actions, one after the other.
pub trait Driver: Send {
    /// Does what is asked for, and says when it was done and what came of it.
    fn perform(&mut self, action: Action) -> impl Future<Output = (Span, Observation)> + Send;

    /// The node id of a client that nobody has seen before, in hexadecimal.
    fn fresh_key(&mut self) -> String;
}

/// Why nothing can be tried.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorldError {
    /// The target can't be reached.
    #[error("failed to connect: {0}")]
    Unreachable(String),
    /// get_info gave nothing that requests can be made from.
    #[error("get_info gave nothing to work with: {0}")]
    NoInfo(String),
    /// The driver couldn't do it.
    #[error("{0}")]
    Driver(String),
}

/// Why a step came to no answer.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The target is gone.
    Dead(String),
    /// The target has no time for it.
    Busy(&'static str),
    /// The driver couldn't do it for a reason that isn't the target's.
    Driver(String),
}

/// An order that cases share.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) id: String,
    pub(super) exchange: Exchange,
}

/// What is known of a target.
#[derive(Debug)]
pub struct World {
    pub(super) context: SessionContext,
    pub(super) terms: Terms,
    pub(super) address_prefix: Option<String>,
    /// How many orders may still be made.
    pub(super) orders_left: u32,
    /// Whether a plain order that is there already does for a case that begins with one.
    pub(super) shares_orders: bool,
    pub(super) shared: Option<Shared>,
    /// The exchange that get_info came in.
    pub(super) info: Exchange,
    /// What went over the wire first, [`MOST_HISTORY`] exchanges at most.
    pub(super) history: Vec<Exchange>,
    /// How long to wait for an answer; `None`: the driver's usual time.
    pub(super) wait: Option<Duration>,
    /// After which errors the target is known to ignore the client until it comes again.
    pub(super) ignoring: Ignoring,
    /// The shortest time after which a target counts as silent.
    quiet: Duration,
    slowest_ms: u64,
    rng: StdRng,
    /// How often the keys were changed.
    generation: u32,
    orders_of_key: u32,
    connected: BTreeSet<String>,
}

/// What an exchange came to.
pub(super) struct Answer {
    pub(super) document: Value,
    pub(super) exchange: Exchange,
}

impl World {
    /// Asks a target for its options. At most `max_orders` orders will be made.
    ///
    /// # Errors
    ///
    /// If there is no get_info to make requests from.
    pub async fn prepare<D: Driver>(
        context: SessionContext,
        max_orders: u32,
        quiet: Duration,
        driver: &mut D,
    ) -> Result<Self, WorldError> {
        let mut world = Self {
            rng: StdRng::seed_from_u64(context.seed),
            address_prefix: context.network.as_deref().and_then(address::prefix).map(str::to_owned),
            context,
            terms: Terms::default(),
            orders_left: max_orders,
            shares_orders: true,
            shared: None,
            info: Exchange {
                transport: Transport::P2p,
                via: String::new(),
                sent: Vec::new(),
                received: Vec::new(),
                end: End::Complete,
                http: None,
            },
            history: Vec::new(),
            wait: None,
            ignoring: Ignoring::default(),
            quiet,
            slowest_ms: 0,
            generation: 0,
            orders_of_key: 0,
            connected: BTreeSet::new(),
        };
        let answer = match world.context.transport {
            Transport::P2p => {
                let id = world.draw_id();
                let request =
                    json!({"jsonrpc": "2.0", "id": id, "method": "lsps1.get_info", "params": {}});
                let bytes = request.to_string().into_bytes();
                world.exchange(MAIN, vec![bytes], &request, &json!(id), &json!(id), driver).await
            }
            Transport::Rest => {
                let request = HttpRequest {
                    method: "GET".into(),
                    path: "get_info".into(),
                    query: Vec::new(),
                    headers: Vec::new(),
                    body: None,
                };
                world.http(request, driver).await
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(Trouble::Dead(reason)) => return Err(WorldError::Unreachable(reason)),
            Err(Trouble::Busy(reason)) => return Err(WorldError::NoInfo(reason.into())),
            Err(Trouble::Driver(reason)) => return Err(WorldError::Driver(reason)),
        };
        world.info = answer.exchange;
        let info = answer
            .document
            .get("result")
            .ok_or_else(|| WorldError::NoInfo(document::summary(&answer.document)))?;
        let public_key = (world.context.transport == Transport::Rest)
            .then_some(world.context.public_key.as_str());
        world.terms =
            Terms::read(info, public_key).map_err(|error| WorldError::NoInfo(error.to_string()))?;
        Ok(world)
    }

    /// What the oracle has to know for a request on `conn`.
    pub(super) fn facts_for(&self, conn: &str, orders: Vec<KnownOrder>) -> Facts {
        Facts {
            transport: self.context.transport,
            terms: self.terms.clone(),
            address_prefix: self.address_prefix.clone(),
            token: self.context.token.clone(),
            any_token: self.context.any_token,
            orders,
            asker: conn.to_owned(),
        }
    }

    /// What cases are generated from.
    pub fn facts(&self) -> Facts {
        self.facts_for(MAIN, Vec::new())
    }

    /// A request id: a UUIDv4, drawn from the seed.
    pub(super) fn draw_id(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string()
    }

    /// Takes note of an order that was made.
    pub(super) fn note_order(&mut self, result: &Value) {
        self.orders_of_key += 1;
        if self.address_prefix.is_none() {
            let invoice = result.pointer("/payment/bolt11/invoice").and_then(Value::as_str);
            self.address_prefix = invoice.and_then(address::prefix_of_invoice).map(str::to_owned);
        }
    }

    /// Before a case that makes so many orders: takes fresh keys if the old ones have made enough.
    pub(super) async fn change_keys<D: Driver>(&mut self, orders: u32, driver: &mut D) {
        if self.orders_of_key.saturating_add(orders) > ORDERS_PER_KEY {
            self.renew_keys(driver).await;
        }
    }

    /// Takes fresh keys, unless the present ones have made no order yet; says whether it did.
    pub(super) async fn renew_keys<D: Driver>(&mut self, driver: &mut D) -> bool {
        if self.orders_of_key == 0 {
            return false;
        }
        for conn in std::mem::take(&mut self.connected) {
            driver.perform(Action::Disconnect { conn }).await;
        }
        self.generation += 1;
        self.orders_of_key = 0;
        self.shared = None;
        if self.context.transport == Transport::Rest {
            self.context.public_key = driver.fresh_key();
            self.terms.base.insert("public_key".into(), json!(self.context.public_key));
        }
        true
    }

    /// From now on waits only as long as the target's slowest answer makes sensible.
    pub(super) fn be_impatient(&mut self) {
        let slowest = Duration::from_millis(self.slowest_ms);
        self.wait = Some((slowest * PATIENCE).clamp(self.quiet, self.quiet * MOST_PATIENCE));
    }

    /// The name of a connection whose key is in use now.
    fn name(&self, conn: &str) -> String {
        match self.generation {
            0 => conn.to_owned(),
            generation => format!("{conn}-{generation}"),
        }
    }

    async fn connect<D: Driver>(&mut self, name: &str, driver: &mut D) -> Result<(), Trouble> {
        if self.connected.contains(name) {
            return Ok(());
        }
        match driver.perform(Action::Connect { conn: name.to_owned() }).await.1 {
            Observation::Connected { .. } => {
                self.connected.insert(name.to_owned());
                Ok(())
            }
            Observation::ConnectFailed { reason } => Err(Trouble::Dead(reason)),
            other => Err(unexpected(&other)),
        }
    }

    /// The target is being started again: whatever is asked next connects first.
    pub(super) fn connections_are_gone(&mut self) {
        self.connected.clear();
    }

    /// Drops a connection and makes it again.
    pub(super) async fn reconnect<D: Driver>(
        &mut self,
        conn: &str,
        driver: &mut D,
    ) -> Result<(), Trouble> {
        let name = self.name(conn);
        if self.connected.remove(&name) {
            driver.perform(Action::Disconnect { conn: name.clone() }).await;
        }
        self.connect(&name, driver).await
    }

    /// Sends payloads and collects what comes. The document is about the one with the id `id`; `awaited` is the id that
    /// ends the wait.
    pub(super) async fn exchange<D: Driver>(
        &mut self,
        conn: &str,
        frames: Vec<Vec<u8>>,
        request: &Value,
        id: &Value,
        awaited: &Value,
        driver: &mut D,
    ) -> Result<Answer, Trouble> {
        let name = self.name(conn);
        self.connect(&name, driver).await?;
        let wait = Wait { ids: vec![awaited.clone()], timeout: self.wait };
        let sent = frames.clone();
        let action = Action::Exchange { conn: name.clone(), frames, wait };
        let (span, observation) = driver.perform(action).await;
        let Observation::Frames { frames, end } = observation else {
            return Err(unexpected(&observation));
        };
        if end == End::Closed {
            self.connected.remove(&name);
        }
        if let Some(first) = frames.first() {
            self.slowest_ms = self.slowest_ms.max(first.at_ms.saturating_sub(span.from_ms));
        }
        let replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
        // A probe that was sent along isn't part of the answer.
        let own: Vec<Reply<'_>> =
            replies.into_iter().filter(|reply| id == awaited || reply.id() != awaited).collect();
        let mut document = document::of_frames(request, id, &own, end);
        if id != awaited && frames.len() > own.len() {
            document["probe_answered"] = json!(true);
        }
        drop(own);
        let message = |bytes| Message { at_ms: span.from_ms, bytes };
        let exchange = Exchange {
            transport: Transport::P2p,
            via: name,
            sent: sent.into_iter().map(message).collect(),
            received: frames
                .into_iter()
                .map(|frame| Message { at_ms: frame.at_ms, bytes: frame.bytes })
                .collect(),
            end,
            http: None,
        };
        self.remember(&exchange);
        Ok(Answer { document, exchange })
    }

    fn remember(&mut self, exchange: &Exchange) {
        if self.history.len() < MOST_HISTORY {
            self.history.push(exchange.clone());
        }
    }

    /// Sends a request to the REST face.
    pub(super) async fn http<D: Driver>(
        &mut self,
        request: HttpRequest,
        driver: &mut D,
    ) -> Result<Answer, Trouble> {
        let (span, observation) = driver.perform(Action::Http(request.clone())).await;
        let about = request::about(&request);
        let (document, http, received, end) = match observation {
            Observation::Http { status, headers, body, truncated } => {
                let document =
                    document::of_http(&about.params, status, &headers, &body, span.to_ms);
                let content_type = document.pointer("/http/content_type").and_then(Value::as_str);
                let content_type = content_type.map(str::to_owned);
                let http = HttpExchange { status: Some(status), content_type, truncated, ..about };
                (document, http, vec![Message { at_ms: span.to_ms, bytes: body }], End::Complete)
            }
            Observation::HttpFailed { reason, timed_out } => {
                let document = document::of_http_failure(&about.params, &reason, timed_out);
                let end = if timed_out { End::TimedOut } else { End::Closed };
                (document, about, Vec::new(), end)
            }
            other => return Err(unexpected(&other)),
        };
        let exchange = Exchange {
            transport: Transport::Rest,
            via: format!("{} {}", request.method, request.path),
            sent: vec![Message { at_ms: span.from_ms, bytes: request::http_bytes(&request) }],
            received,
            end,
            http: Some(http),
        };
        self.remember(&exchange);
        let status = exchange.http.as_ref().and_then(|http| http.status);
        match status.and_then(document::too_busy) {
            Some(reason) => Err(Trouble::Busy(reason)),
            None => Ok(Answer { document, exchange }),
        }
    }
}

fn unexpected(observation: &Observation) -> Trouble {
    match observation {
        Observation::Failed { reason } => Trouble::Driver(reason.clone()),
        other => Trouble::Driver(format!("the harness answered with {other:?}")),
    }
}

/// A harmless request.
pub(super) fn probe_message(id: &str) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id, "method": "lsps0.list_protocols", "params": {}})
        .to_string()
        .into_bytes()
}
