//! What a document is for: the prelude, the end of a poll, the expectations of a step.

use std::time::Duration;

use serde_json::{Value, json};

use super::task::{Pending, Poll, Task};
use super::{MOST_UNANSWERED, Session};
use crate::action::{Action, Span};
use crate::document;
use crate::expr;
use crate::matcher::{self, Match};
use crate::scenario::{Act, Condition, Given, Otherwise, Step};
use crate::verdict::Verdict;

/// More polls than a scenario can need; a driver whose clock stands still would poll for ever.
const MOST_POLLS: u32 = 100_000;

impl Session<'_> {
    pub(super) fn task_done(
        &mut self,
        task: Task,
        doc: Value,
        id: &Value,
        exchange: Option<usize>,
        span: Span,
        late: u64,
    ) {
        let is_look = matches!(task, Task::Look(_));
        if let Some(reason) = self.says_nothing(&task, &doc, exchange).filter(|_| !is_look) {
            return self.stop(Verdict::Inconclusive, reason.into(), exchange);
        }
        self.record_order(&task, &doc);
        self.was_served |= doc["result"]["order_id"].is_string();
        match task {
            Task::Given(given) => self.given_done(given, &doc, exchange),
            Task::Step(index) => self.step_done(index, doc, id, exchange),
            Task::Poll(poll) => self.poll_done(poll, doc, id, exchange, span),
            Task::Probe(probe) => self.probe_done(probe, &doc, late, exchange),
            Task::Conditions | Task::Look(_) => {}
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

    pub(super) fn judge_conditions(&mut self) {
        for condition in self.scenario.only_if() {
            match expr::holds(&condition.that, &self.scope) {
                Ok(true) => {}
                Ok(false) => {
                    let exchange = self.transcript.exchanges.len().checked_sub(1);
                    return self.ends_without(condition, exchange);
                }
                Err(error) => return self.stop(Verdict::Inconclusive, error.to_string(), None),
            }
        }
    }

    /// The step has its document: save it, and judge it, at once or after a probe.
    pub(super) fn step_done(
        &mut self,
        index: usize,
        document: Value,
        id: &Value,
        exchange: Option<usize>,
    ) {
        let Some(step) = self.step(index) else { return };
        self.scope.set("this", document.clone());
        if let Some(name) = &step.save_as {
            self.save(name, &document);
        }
        if let Some(condition) = &step.only_if {
            match expr::holds(&condition.that, &self.scope) {
                Ok(true) => {}
                Ok(false) => return self.ends_without(condition, exchange),
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

    /// Ends the scenario, as a condition of it doesn't hold.
    pub(super) fn ends_without(&mut self, condition: &Condition, exchange: Option<usize>) {
        let verdict = match condition.otherwise {
            Otherwise::Skip => Verdict::Skip,
            Otherwise::Inconclusive => Verdict::Inconclusive,
            Otherwise::End => {
                self.tasks.retain(|task| !matches!(task, Task::Step(_)));
                return;
            }
        };
        self.stop(verdict, condition.reason.clone(), exchange);
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
