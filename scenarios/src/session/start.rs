//! Beginning a scenario's tasks: from a step to the action that the driver has to carry out.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Session;
use super::request::{self, Outgoing, RequestError};
use super::task::{MAIN, Pending, Poll, Task};
use crate::action::{Action, Transport, Wait};
use crate::expr::{self, ExprError};
use crate::scenario::{Act, Call, Given, Scenario, Step};
use crate::verdict::Verdict;

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
            Task::Look(order) => self.start_look(order),
        }
    }

    pub(super) fn start_given(&mut self, given: Given) {
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

    pub(super) fn start_step(&mut self, index: usize) {
        let Some(step) = self.step(index) else { return };
        match step.when.as_deref().map(|when| expr::holds(when, &self.scope)) {
            Some(Ok(false)) => return,
            Some(Err(error)) => return self.step_impossible(index, &error.to_string()),
            None | Some(Ok(true)) => {}
        }
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
            Act::Listen { conn } => self.start_listen(index, conn),
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

    pub(super) fn start_poll(&mut self, poll: Poll) {
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

    fn start_listen(&mut self, step: usize, conn: &str) -> Result<(), RequestError> {
        if self.context.transport == Transport::Rest {
            return Err(RequestError::Transport("listening", Transport::Rest));
        }
        let (task, conn) = (Task::Step(step), conn.to_owned());
        self.pending = Some(match self.connected.contains(&conn) {
            false => (Action::Connect { conn }, Pending::Connecting(task)),
            true => {
                let action = Action::Exchange { conn, frames: Vec::new(), wait: Wait::default() };
                let outgoing = Vec::new();
                (action, Pending::Exchange { task, outgoing, probe: None, single: false })
            }
        });
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
                amount_msat: self.number_if(amount_msat.as_ref())?,
            },
            Act::PayOffer { offer } => {
                Action::PayOffer { offer: expr::render_text(offer, &self.scope)? }
            }
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
            Act::Mine { blocks } => Action::Mine { blocks: self.small_number(blocks)? },
            Act::Reorganise { blocks } => Action::Reorganise { blocks: self.small_number(blocks)? },
            Act::TakeBack { txid } => {
                Action::TakeBack { txid: expr::render_text(txid, &self.scope)? }
            }
            Act::PayOnchain { address, amount_sat, sat_per_kwu } => Action::PayOnchain {
                address: expr::render_text(address, &self.scope)?,
                amount_sat: self.number(amount_sat)?,
                sat_per_kwu: self.number_if(sat_per_kwu.as_ref())?,
            },
            Act::AwaitCoins { address, at_least_sat, above_sat_per_kwu, within } => {
                Action::AwaitCoins {
                    address: expr::render_text(address, &self.scope)?,
                    at_least_sat: self.number_if(at_least_sat.as_ref())?,
                    above_sat_per_kwu: self.number_if(above_sat_per_kwu.as_ref())?,
                    within: self.patience(*within),
                }
            }
            Act::LetExpire { order_id } => {
                Action::LetExpire { order_id: Some(expr::render_text(order_id, &self.scope)?) }
            }
            Act::AdvanceClock { seconds } => Action::AdvanceClock { seconds: *seconds },
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

    fn number_if(&self, value: Option<&Value>) -> Result<Option<u64>, RequestError> {
        value.map(|value| self.number(value)).transpose()
    }

    fn small_number(&self, value: &Value) -> Result<u32, RequestError> {
        let number = self.number(value)?;
        u32::try_from(number).map_err(|_| RequestError::Number(number.to_string()))
    }

    fn rendered(&self, text: Option<&str>) -> Result<Option<String>, ExprError> {
        text.map(|text| expr::render_text(text, &self.scope)).transpose()
    }

    /// How long to wait for something that the scenario would wait for that long.
    pub(super) fn patience(&self, within: Duration) -> Duration {
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
}
