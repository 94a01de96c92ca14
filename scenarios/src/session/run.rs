//! Carrying out a scenario's tasks, one action at a time.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::probe::Probe;
use super::request::{self, Outgoing, RequestError};
use super::{MOST_UNANSWERED, Session};
use crate::action::{
    Action, ClientAct, End, Frame, HttpRequest, Observation, Span, Transport, Wait,
};
use crate::document::{self, Reply};
use crate::expr::{self, ExprError};
use crate::matcher::{self, Match};
use crate::scenario::{Act, Call, Given, Scenario, Step};
use crate::transcript::{Exchange, HttpExchange, Message};
use crate::verdict::Verdict;

/// The connection of the prelude.
pub(super) const MAIN: &str = "main";

/// More polls than a scenario can need; a driver whose clock stands still would poll for ever.
const MOST_POLLS: u32 = 100_000;

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

impl<'a> Session<'a> {
    /// A step of the scenario.
    pub(super) fn step(&self, index: usize) -> Option<&'a Step> {
        let scenario: &'a Scenario = self.scenario;
        scenario.steps().get(index)
    }

    /// Begins a task: either there is a pending action afterwards, or the task is done.
    pub(super) fn start(&mut self, task: Task) {
        match task {
            Task::Given(given) => self.start_given(given),
            Task::Conditions => self.judge_conditions(),
            Task::Step(index) => self.start_step(index),
            Task::Poll(poll) => self.start_poll(poll),
            Task::Probe(probe) => self.start_probe(probe),
        }
    }

    fn start_given(&mut self, given: Given) {
        let method = match given {
            Given::Info => "get_info",
            Given::Order => "create_order",
        };
        let call = Call {
            method: method.into(),
            conn: MAIN.into(),
            with: Map::new(),
            without: Vec::new(),
            envelope: Map::new(),
            envelope_without: Vec::new(),
        };
        if let Err(error) = self.start_call(Task::Given(given), &call) {
            self.stop(Verdict::Inconclusive, error.to_string(), None);
        }
    }

    fn start_step(&mut self, index: usize) {
        let Some(step) = self.step(index) else { return };
        self.draw_values();
        let started = match &step.act {
            Act::Call(call) => self.start_call(Task::Step(index), call),
            Act::Send { payload, conn } => self.start_send(index, payload, conn),
            Act::Pipeline { calls, conn } => self.start_pipeline(index, calls, conn),
            Act::Tell { call, type_id, hang_up } => {
                self.start_tell(index, call, *type_id, *hang_up)
            }
            Act::Http(call) => self.start_raw_http(index, call),
            Act::Reconnect { conn } => self.start_reconnect(index, conn),
            Act::Poll { .. } => {
                self.start_poll(Poll { step: index, since_ms: None, count: 0 });
                Ok(())
            }
            act => self.start_chain(index, act),
        };
        if let Err(error) = started {
            self.step_impossible(index, &error.to_string());
        }
    }

    fn start_poll(&mut self, poll: Poll) {
        let Some(step) = self.step(poll.step) else { return };
        let Act::Poll { call, .. } = &step.act else { return };
        let index = poll.step;
        if let Err(error) = self.start_call(Task::Poll(poll), call) {
            self.step_impossible(index, &error.to_string());
        }
    }

    pub(super) fn start_call(&mut self, task: Task, call: &Call) -> Result<(), RequestError> {
        match self.context.transport {
            Transport::P2p => {
                let id = self.draw_uuid();
                let outgoing = request::message(call, &self.scope, id, &self.view)?;
                self.exchange(task, call.conn.clone(), vec![outgoing], true);
            }
            Transport::Rest => {
                let request =
                    request::http(call, &self.scope, &self.context.public_key, &self.view)?;
                self.pending =
                    Some((Action::Http(request.clone()), Pending::Http { task, request }));
            }
        }
        Ok(())
    }

    fn start_send(
        &mut self,
        index: usize,
        payload: &crate::scenario::Payload,
        conn: &str,
    ) -> Result<(), RequestError> {
        if self.context.transport == Transport::Rest {
            return Err(RequestError::Transport("sending a raw payload", Transport::Rest));
        }
        let outgoing = request::raw(payload, &self.scope)?;
        self.exchange(Task::Step(index), conn.into(), vec![outgoing], true);
        Ok(())
    }

    fn start_pipeline(
        &mut self,
        index: usize,
        calls: &[Call],
        conn: &str,
    ) -> Result<(), RequestError> {
        if self.context.transport == Transport::Rest {
            return Err(RequestError::Transport("a pipeline", Transport::Rest));
        }
        let mut outgoing = Vec::with_capacity(calls.len());
        for call in calls {
            let id = self.draw_uuid();
            outgoing.push(request::message(call, &self.scope, id, &self.view)?);
        }
        self.exchange(Task::Step(index), conn.into(), outgoing, false);
        Ok(())
    }

    fn start_tell(
        &mut self,
        step: usize,
        call: &Call,
        type_id: u16,
        hang_up: bool,
    ) -> Result<(), RequestError> {
        if self.context.transport == Transport::Rest {
            return Err(RequestError::Transport("a message without an answer", Transport::Rest));
        }
        let conn = call.conn.clone();
        if !self.connected.contains(&conn) {
            self.pending = Some((Action::Connect { conn }, Pending::Connecting(Task::Step(step))));
            return Ok(());
        }
        let id = self.draw_uuid();
        let Outgoing { bytes: payload, request, .. } =
            request::message(call, &self.scope, id, &self.view)?;
        if hang_up {
            self.connected.remove(&conn);
        }
        let action = Action::Tell { conn, type_id, payload, hang_up };
        self.pending = Some((action, Pending::Telling { step, request }));
        Ok(())
    }

    fn start_raw_http(
        &mut self,
        index: usize,
        call: &crate::scenario::HttpCall,
    ) -> Result<(), RequestError> {
        if self.context.transport == Transport::P2p {
            return Err(RequestError::Transport("an HTTP request", Transport::P2p));
        }
        let request = request::raw_http(call, &self.scope)?;
        let pending = Pending::Http { task: Task::Step(index), request: request.clone() };
        self.pending = Some((Action::Http(request), pending));
        Ok(())
    }

    fn start_reconnect(&mut self, step: usize, conn: &str) -> Result<(), RequestError> {
        if self.context.transport == Transport::Rest {
            return Err(RequestError::Transport("reconnecting", Transport::Rest));
        }
        let connected = self.connected.remove(conn);
        let conn = conn.to_owned();
        let action = if connected {
            Action::Disconnect { conn: conn.clone() }
        } else {
            Action::Connect { conn: conn.clone() }
        };
        self.pending = Some((action, Pending::Reconnecting { step, conn, dropped: !connected }));
        Ok(())
    }

    fn start_chain(&mut self, step: usize, act: &Act) -> Result<(), RequestError> {
        let action = match act {
            Act::Client(act) => Action::Client(*act),
            Act::OrderThroughClient { params } => {
                Action::OrderThroughClient { params: expr::render_map(params, &self.scope)? }
            }
            Act::Pay { invoice, amount_msat } => Action::Pay {
                invoice: expr::render_text(invoice, &self.scope)?,
                amount_msat: match amount_msat {
                    Some(amount) => Some(self.number(amount)?),
                    None => None,
                },
            },
            Act::AwaitPayment { of, until, within } => Action::AwaitPayment {
                payment: self.rendered(of.as_deref())?,
                until: *until,
                within: self.patience(*within),
            },
            Act::AwaitChannel { of, until, within } => Action::AwaitChannel {
                outpoint: self.rendered(of.as_deref())?,
                until: *until,
                within: self.patience(*within),
            },
            Act::ChainOutput { outpoint } => {
                Action::ChainOutput { outpoint: expr::render_text(outpoint, &self.scope)? }
            }
            Act::Mine { blocks } => {
                let blocks = self.number(blocks)?;
                match u32::try_from(blocks) {
                    Ok(blocks) => Action::Mine { blocks },
                    Err(_) => return Err(RequestError::Number(blocks.to_string())),
                }
            }
            Act::PayOnchain { address, amount_sat, sat_per_kwu } => Action::PayOnchain {
                address: expr::render_text(address, &self.scope)?,
                amount_sat: self.number(amount_sat)?,
                sat_per_kwu: match sat_per_kwu {
                    Some(rate) => Some(self.number(rate)?),
                    None => None,
                },
            },
            Act::AwaitCoins { address, within } => Action::AwaitCoins {
                address: expr::render_text(address, &self.scope)?,
                within: self.patience(*within),
            },
            Act::LetExpire { order_id } => {
                Action::LetExpire { order_id: Some(expr::render_text(order_id, &self.scope)?) }
            }
            Act::Restart => Action::Restart,
            // The other kinds have been started before.
            _ => return Ok(()),
        };
        self.pending = Some((action, Pending::Chain { step }));
        Ok(())
    }

    /// A number that is written down or the value of an expression.
    fn number(&self, value: &Value) -> Result<u64, RequestError> {
        let rendered = expr::render_json(value, &self.scope)?;
        rendered.as_u64().ok_or_else(|| RequestError::Number(rendered.to_string()))
    }

    fn rendered(&self, text: Option<&str>) -> Result<Option<String>, ExprError> {
        text.map(|text| expr::render_text(text, &self.scope)).transpose()
    }

    /// How long to wait for something that the scenario would wait for that long.
    fn patience(&self, within: Duration) -> Duration {
        self.context.patience.map_or(within, |patience| within.min(patience))
    }

    /// Sends payloads over a connection, which is made first if it isn't there.
    fn exchange(&mut self, task: Task, conn: String, outgoing: Vec<Outgoing>, single: bool) {
        if !self.connected.contains(&conn) {
            self.pending = Some((Action::Connect { conn }, Pending::Connecting(task)));
            return;
        }
        let mut frames: Vec<Vec<u8>> =
            outgoing.iter().map(|message| message.bytes.clone()).collect();
        let mut ids: Vec<Value> = outgoing.iter().map(|message| message.id.clone()).collect();
        let mut probe = None;
        // Where silence may be right, waiting for a reply would take the full time: the answer to a request that was
        // sent after it tells that there is none.
        if outgoing.iter().all(|message| message.may_be_silent) {
            let id = self.draw_uuid();
            let message = match self.view.is_current() {
                true => Outgoing::plain("lsps0.list_protocols", json!({}), id),
                false => Outgoing::plain(self.view.method("lsps1.get_info"), json!({}), id),
            };
            frames.push(message.bytes);
            ids = vec![message.id.clone()];
            probe = Some(message.id);
        }
        let action = Action::Exchange { conn, frames, wait: Wait { ids, timeout: None } };
        self.pending = Some((action, Pending::Exchange { task, outgoing, probe, single }));
    }

    /// Takes the observation of the pending action.
    pub(super) fn digest(
        &mut self,
        action: &Action,
        pending: Pending,
        span: Span,
        observation: Observation,
    ) {
        match (pending, observation) {
            (_, Observation::Failed { reason }) => self.stop(Verdict::Inconclusive, reason, None),
            (Pending::Connecting(task), Observation::Connected) => {
                if let Action::Connect { conn } = action {
                    self.connected.insert(conn.clone());
                }
                self.tasks.push_front(task);
            }
            (
                Pending::Connecting(_) | Pending::Reconnecting { .. },
                Observation::ConnectFailed { reason },
            ) => {
                self.stop(Verdict::Inconclusive, format!("failed to connect: {reason}"), None);
            }
            (Pending::Leaving(probe), Observation::Done) => {
                self.tasks.push_front(Task::Probe(probe));
            }
            (Pending::Reconnecting { step, conn, dropped: false }, Observation::Done) => {
                let action = Action::Connect { conn: conn.clone() };
                self.pending = Some((action, Pending::Reconnecting { step, conn, dropped: true }));
            }
            (Pending::Reconnecting { step, conn, dropped: true }, Observation::Connected) => {
                self.connected.insert(conn);
                self.step_done(step, json!({"connected": true}), &Value::Null, None);
            }
            (
                Pending::Exchange { task, outgoing, probe, single },
                Observation::Frames { frames, end },
            ) => {
                let Action::Exchange { conn, frames: sent, .. } = action else { return };
                if end == End::Complete && self.wants_quiet(&task, probe.is_some()) {
                    let listen = Action::Exchange {
                        conn: conn.clone(),
                        frames: Vec::new(),
                        wait: Wait::default(),
                    };
                    let exchange = Box::new(Pending::Exchange { task, outgoing, probe, single });
                    let quiet = Pending::Quiet {
                        before: action.clone(),
                        exchange,
                        from_ms: span.from_ms,
                        observed: frames,
                    };
                    self.pending = Some((listen, quiet));
                    return;
                }
                self.digest_frames(task, conn, sent, &outgoing, probe, single, span, frames, end);
            }
            (
                Pending::Quiet { before, exchange, from_ms, observed: mut all },
                Observation::Frames { frames, end },
            ) => {
                let Pending::Exchange { task, outgoing, probe, single } = *exchange else { return };
                let Action::Exchange { conn, frames: sent, .. } = &before else { return };
                // It was meant to end by time-out.
                let end = if end == End::Closed { end } else { End::Complete };
                let place = self.transcript.exchanges.len();
                self.quiet.insert(place, span.to_ms.saturating_sub(span.from_ms));
                all.extend(frames);
                let span = Span { from_ms, ..span };
                self.digest_frames(task, conn, sent, &outgoing, probe, single, span, all, end);
            }
            (
                Pending::Http { task, request },
                Observation::Http { status, headers, body, truncated },
            ) => {
                self.digest_http(task, &request, status, &headers, body, truncated, span);
            }
            (Pending::Http { task, request }, Observation::HttpFailed { reason, timed_out }) => {
                self.digest_http_failure(task, &request, &reason, timed_out, span);
            }
            (Pending::Chain { step }, Observation::Document(document)) => {
                self.step_done(step, chain_document(document), &Value::Null, None);
            }
            (Pending::Telling { step, request }, Observation::Done) => {
                self.step_done(step, json!({"request": request}), &Value::Null, None);
            }
            (Pending::Chain { step }, Observation::Done) => {
                if matches!(action, Action::Client(ClientAct::Disconnect) | Action::Restart) {
                    // The next request connects again.
                    self.connected.clear();
                }
                self.step_done(step, json!({}), &Value::Null, None)
            }
            (Pending::Pausing(poll), Observation::Done) => self.tasks.push_front(Task::Poll(poll)),
            (_, observation) => {
                let name = format!("{observation:?}");
                let name = name.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let asked = format!("{action:?}");
                let asked = asked.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                self.stop(
                    Verdict::Error,
                    format!("the harness answered the action {asked} with {name}"),
                    None,
                );
            }
        }
    }

    /// Whether it takes a quiet window to say that no more comes: where saying nothing may be right, or where the number
    /// of replies is what the step is about.
    fn wants_quiet(&self, task: &Task, may_be_silent: bool) -> bool {
        let Task::Step(index) = task else { return false };
        may_be_silent || self.step(*index).is_some_and(|step| step.quiet)
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one exchange, used here only")]
    fn digest_frames(
        &mut self,
        task: Task,
        conn: &str,
        sent: &[Vec<u8>],
        outgoing: &[Outgoing],
        probe: Option<Value>,
        single: bool,
        span: Span,
        frames: Vec<Frame>,
        end: End,
    ) {
        if end == End::Closed {
            self.connected.remove(conn);
        }
        self.unanswered = if frames.is_empty() { self.unanswered + 1 } else { 0 };
        let request_ids: Vec<(Value, Value)> =
            outgoing.iter().map(|message| (message.request.clone(), message.id.clone())).collect();
        let mut replies: Vec<Reply<'_>> = frames.iter().map(Reply::read).collect();
        let probe_answered = probe.as_ref().map(|id| {
            let before = replies.len();
            replies.retain(|reply| reply.id() != id);
            replies.len() < before
        });
        let read = |replies: &[Reply<'_>]| match request_ids.as_slice() {
            [(request, id)] if single => document::of_frames(request, id, replies, end),
            requests => document::of_pipeline(requests, replies, end),
        };
        let mut document = read(&replies);
        if let Some(translated) = self.translated(&replies) {
            let replies: Vec<Reply<'_>> = translated.iter().map(Reply::read).collect();
            document = self.in_view(read(&replies), document);
        }
        if let (Some(answered), Some(document)) = (probe_answered, document.as_object_mut()) {
            document.insert("alive".into(), json!(answered));
        }
        let late = match &task {
            Task::Probe(probe) => probe.late_replies(replies.iter().map(|reply| &reply.value)),
            _ => 0,
        };
        drop(replies);
        let exchange = self.record(Exchange {
            transport: Transport::P2p,
            via: conn.into(),
            sent: sent
                .iter()
                .map(|bytes| Message { at_ms: span.from_ms, bytes: bytes.clone() })
                .collect(),
            received: frames
                .into_iter()
                .map(|frame| Message { at_ms: frame.at_ms, bytes: frame.bytes })
                .collect(),
            end,
            http: None,
        });
        let id = request_ids.first().map(|(_, id)| id.clone()).unwrap_or_default();
        self.task_done(task, document, &id, exchange, span, late);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one response, used here only")]
    fn digest_http(
        &mut self,
        task: Task,
        request: &HttpRequest,
        status: u16,
        headers: &[(String, String)],
        body: Vec<u8>,
        truncated: bool,
        span: Span,
    ) {
        self.unanswered = 0;
        let about = request::about(request);
        let read =
            |body: &[u8]| document::of_http(&about.params, status, headers, body, span.to_ms);
        let mut document = read(&body);
        if let Some(translated) = self.view.reply(&body) {
            document = self.in_view(read(&translated), document);
        }
        let content_type =
            document.pointer("/http/content_type").and_then(Value::as_str).map(str::to_owned);
        let http = HttpExchange { status: Some(status), content_type, truncated, ..about };
        let received = vec![Message { at_ms: span.to_ms, bytes: body }];
        let exchange = self.record(http_exchange(request, received, End::Complete, http, span));
        self.task_done(task, document, &Value::Null, exchange, span, 0);
    }

    fn digest_http_failure(
        &mut self,
        task: Task,
        request: &HttpRequest,
        reason: &str,
        timed_out: bool,
        span: Span,
    ) {
        self.unanswered += 1;
        let about = request::about(request);
        let document = document::of_http_failure(&about.params, reason, timed_out);
        let end = if timed_out { End::TimedOut } else { End::Closed };
        let exchange = self.record(http_exchange(request, Vec::new(), end, about, span));
        self.task_done(task, document, &Value::Null, exchange, span, 0);
    }

    /// The document that is judged. Only who keeps to an older text as a whole is judged by a translation; else it serves
    /// to make requests from.
    fn in_view(&self, translated: Value, original: Value) -> Value {
        match self.view.explains() {
            true => document::translated(translated, original),
            false => document::with_reading(original, translated),
        }
    }

    /// The payloads as bLIP-51 would have them, if any is different there.
    fn translated(&self, replies: &[Reply<'_>]) -> Option<Vec<Frame>> {
        let mut differs = false;
        let translated = replies.iter().map(|reply| {
            let bytes = self.view.reply(&reply.frame.bytes);
            differs |= bytes.is_some();
            let bytes = bytes.unwrap_or_else(|| reply.frame.bytes.clone());
            Frame { bytes, at_ms: reply.frame.at_ms }
        });
        let translated = translated.collect();
        differs.then_some(translated)
    }

    fn record(&mut self, exchange: Exchange) -> Option<usize> {
        self.transcript.exchanges.push(exchange);
        Some(self.transcript.exchanges.len() - 1)
    }

    fn task_done(
        &mut self,
        task: Task,
        doc: Value,
        id: &Value,
        exchange: Option<usize>,
        span: Span,
        late: u64,
    ) {
        if let Some(reason) = self.says_nothing(&task, &doc, exchange) {
            return self.stop(Verdict::Inconclusive, reason.into(), exchange);
        }
        self.was_served |= doc["result"]["order_id"].is_string();
        match task {
            Task::Given(given) => self.given_done(given, &doc, exchange),
            Task::Step(index) => self.step_done(index, doc, id, exchange),
            Task::Poll(poll) => self.poll_done(poll, doc, id, exchange, span),
            Task::Probe(probe) => self.probe_done(probe, &doc, late, exchange),
            Task::Conditions => {}
        }
        if self.unanswered >= MOST_UNANSWERED && !self.tasks.is_empty() {
            let reason =
                format!("the target has left {MOST_UNANSWERED} requests in a row unanswered");
            self.stop(Verdict::Inconclusive, reason, exchange);
        }
    }

    /// Why an answer says nothing about the request, though the specification allows it.
    fn says_nothing(
        &self,
        task: &Task,
        document: &Value,
        exchange: Option<usize>,
    ) -> Option<&'static str> {
        let http = exchange
            .and_then(|exchange| self.transcript.exchanges.get(exchange))
            .and_then(|exchange| exchange.http.as_ref());
        let method = |document: &Value| match http {
            Some(http) => http.method.clone(),
            None => document.pointer("/request/method").and_then(Value::as_str).map(str::to_owned),
        };
        let may_fail = match task {
            Task::Step(index) => !self.step(*index).is_some_and(Step::wants_refusal),
            _ => false,
        };
        let of_one = |document: &Value| {
            let method = method(document).unwrap_or_default();
            if self.was_served && method == "lsps1.create_order" {
                return None;
            }
            let failed = || document::has_failed(document, &method).filter(|_| may_fail);
            document::rejects_client(document, &method).or_else(failed)
        };
        let busy = http.and_then(|http| http.status).and_then(document::too_busy);
        match document.get("replies").and_then(Value::as_array) {
            Some(replies) => replies.iter().find_map(of_one),
            None => busy.or_else(|| of_one(document)),
        }
    }

    fn given_done(&mut self, given: Given, document: &Value, exchange: Option<usize>) {
        let (name, usable) = match given {
            Given::Info => ("info", document["result"].is_object()),
            Given::Order => ("order", document["result"]["order_id"].is_string()),
        };
        self.save(name, document);
        if !usable {
            let what = match given {
                Given::Info => "get_info gave nothing to work with",
                Given::Order => "the order that the scenario starts from wasn't made",
            };
            self.stop(
                Verdict::Inconclusive,
                format!("{what}: {}", document::summary(document)),
                exchange,
            );
        }
    }

    fn judge_conditions(&mut self) {
        for condition in self.scenario.only_if() {
            match expr::holds(&condition.that, &self.scope) {
                Ok(true) => {}
                Ok(false) => {
                    let exchange = self.transcript.exchanges.len().checked_sub(1);
                    return self.stop(Verdict::Skip, condition.reason.clone(), exchange);
                }
                Err(error) => return self.stop(Verdict::Inconclusive, error.to_string(), None),
            }
        }
    }

    /// The step has its document: save it, and judge it, at once or after a probe.
    fn step_done(&mut self, index: usize, document: Value, id: &Value, exchange: Option<usize>) {
        let Some(step) = self.step(index) else { return };
        self.scope.set("this", document.clone());
        if let Some(name) = &step.save_as {
            self.save(name, &document);
        }
        if let Some(condition) = &step.only_if {
            match expr::holds(&condition.that, &self.scope) {
                Ok(true) => {}
                Ok(false) => return self.stop(Verdict::Skip, condition.reason.clone(), exchange),
                Err(error) => return self.stop(Verdict::Inconclusive, error.to_string(), exchange),
            }
        }
        let judged = self.judge_step(index, &document, exchange);
        self.look_after(index, judged, document, id, exchange);
    }

    fn poll_done(
        &mut self,
        mut poll: Poll,
        mut document: Value,
        id: &Value,
        exchange: Option<usize>,
        span: Span,
    ) {
        let Some(step) = self.step(poll.step) else { return };
        let Act::Poll { until, within, .. } = &step.act else { return };
        let since = *poll.since_ms.get_or_insert(span.from_ms);
        poll.count += 1;
        let rendered = match expr::render_json(until, &self.scope) {
            Ok(rendered) => rendered,
            Err(error) => return self.step_impossible(poll.step, &error.to_string()),
        };
        let reached = match matcher::at(&document, "$", &rendered) {
            Ok(found) => found == Match::Holds,
            Err(error) => return self.step_impossible(poll.step, &error.to_string()),
        };
        let passed = Duration::from_millis(span.to_ms.saturating_sub(since));
        let left = self.patience(*within).saturating_sub(passed);
        if reached || left.is_zero() || poll.count >= MOST_POLLS {
            if let Some(document) = document.as_object_mut() {
                document.insert("reached".into(), json!(reached));
                document.insert("polls".into(), json!(poll.count));
            }
            return self.step_done(poll.step, document, id, exchange);
        }
        self.pending = Some((Action::Pause { until_changed_within: left }, Pending::Pausing(poll)));
    }

    /// What comes of a step that can't be done: its expectations can't be judged.
    pub(super) fn step_impossible(&mut self, index: usize, reason: &str) {
        let Some(step) = self.step(index) else { return };
        for expectation in &step.expect {
            self.inconclusive(expectation, reason, None);
        }
        // Without expectations of its own, what follows shows that something is missing.
        if step.expect.is_empty()
            && !matches!(step.act, Act::Call(_) | Act::Send { .. } | Act::Http(_))
        {
            self.stop(Verdict::Inconclusive, reason.into(), None);
        }
    }
}

fn http_exchange(
    request: &HttpRequest,
    received: Vec<Message>,
    end: End,
    http: HttpExchange,
    span: Span,
) -> Exchange {
    Exchange {
        transport: Transport::Rest,
        via: format!("{} {}", request.method, request.path),
        sent: vec![Message { at_ms: span.from_ms, bytes: request::http_bytes(request) }],
        received,
        end,
        http: Some(http),
    }
}

/// What the client or the chain reports, also under `result`, so that an order reads the same whoever made it.
fn chain_document(document: Value) -> Value {
    match document {
        Value::Object(mut map) => {
            let copy = Value::Object(map.clone());
            map.entry("result").or_insert(copy);
            map.entry("reply").or_insert_with(|| json!("result"));
            Value::Object(map)
        }
        other => json!({"reply": "result", "result": other}),
    }
}
