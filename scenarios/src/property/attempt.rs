//! Carrying out one case, and judging every answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::case::{Call, Case, MAIN, Step};
use super::model::Model;
use super::render::{Names, order_number};
use super::world::{Answer, Driver, Shared, Trouble, World, probe_message};
use crate::action::{Action, HttpRequest, Observation, PaymentStage, Transport};
use crate::invariant::{self, RunFacts};
use crate::oracle::{self, Answered, Expected};
use crate::requirement::{Catalogue, RequirementId};
use crate::session::request::readable_id;
use crate::session::{Aftermath, Ignoring};
use crate::transcript::{Exchange, Transcript};
use crate::verdict::{CheckResult, CheckSet, Evidence, Judgement, Verdict};

/// How long a payment is waited for; one that is held stays with the target.
const SETTLES_WITHIN: Duration = Duration::from_millis(500);

/// What came of a case.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    checks: Vec<Check>,
    /// Whether something was waited for in vain.
    pub silent: bool,
    /// After which errors the target ignored the client until it came again.
    pub ignoring: Ignoring,
    /// The target is gone, for this reason.
    pub dead: Option<String>,
    /// The target has no time, for this reason.
    pub busy: Option<&'static str>,
    /// The driver couldn't go on, for a reason that isn't the target's.
    pub failed: Option<String>,
    /// No more orders may be made, so the case wasn't carried out to its end.
    pub left_out: bool,
    /// The target turned the client away, and says so.
    pub rejected: bool,
}

#[derive(Clone, Debug)]
struct Check {
    result: CheckResult,
    cause: Cause,
}

/// How sure it is that a check's requirement is the one that is broken.
#[derive(Clone, Debug, PartialEq)]
enum Cause {
    /// It is.
    Certain,
    /// One of these is.
    OneOf(BTreeSet<&'static str>),
    /// What came was no answer; unless an invariant says what is wrong with it.
    NoAnswer,
}

impl Attempt {
    /// What is broken, beyond the requirements that are known to be. A deviation that one of those explains isn't new.
    pub fn broken(&self, known: &BTreeSet<RequirementId>) -> Vec<&CheckResult> {
        let is_known = |row: &&'static str| known.contains(&RequirementId::from(*row));
        let explained = |check: &Check| match &check.cause {
            Cause::OneOf(suspects) => suspects.iter().any(is_known),
            Cause::Certain | Cause::NoAnswer => false,
        };
        self.checks
            .iter()
            .filter(|check| check.result.verdict >= Verdict::Warn && !explained(check))
            .map(|check| &check.result)
            .filter(|result| !known.contains(&result.requirement))
            .collect()
    }

    /// Whether no more cases can be carried out.
    pub(super) fn is_over(&self) -> bool {
        self.dead.is_some() || self.busy.is_some() || self.failed.is_some()
    }

    /// The requirements that were kept.
    pub(super) fn kept(&self) -> impl Iterator<Item = &CheckResult> {
        self.checks.iter().map(|check| &check.result).filter(|check| check.verdict == Verdict::Pass)
    }
}

/// Carries out a case.
pub async fn attempt<D: Driver>(case: &Case, world: &mut World, driver: &mut D) -> Attempt {
    let orders: usize = case.steps.iter().map(Step::orders).sum();
    world.change_keys(u32::try_from(orders).unwrap_or(u32::MAX), driver).await;
    let mut trial = Trial {
        world,
        driver,
        attempt: Attempt::default(),
        model: Model::default(),
        orders: Vec::new(),
        exchanges: Vec::new(),
        invoices: BTreeMap::new(),
    };
    for (at, step) in case.steps.iter().enumerate() {
        match trial.step(at, step).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(Trouble::Dead(reason)) => {
                trial.attempt.dead = Some(reason);
                break;
            }
            Err(Trouble::Busy(reason)) => {
                trial.attempt.busy = Some(reason);
                break;
            }
            Err(Trouble::Driver(reason)) => {
                trial.attempt.failed = Some(reason);
                break;
            }
        }
    }
    trial.finish()
}

/// A case on its way.
pub(super) struct Trial<'a, D> {
    pub(super) world: &'a mut World,
    pub(super) driver: &'a mut D,
    pub(super) attempt: Attempt,
    model: Model,
    /// The ids of the orders that the case has made.
    orders: Vec<String>,
    pub(super) exchanges: Vec<Exchange>,
    /// Their BOLT 11 invoices, by order id.
    invoices: BTreeMap<String, String>,
}

impl<D: Driver> Trial<'_, D> {
    /// Does one step; false if the rest of the case makes no sense any more.
    async fn step(&mut self, at: usize, step: &Step) -> Result<bool, Trouble> {
        match step {
            Step::Call(call) if at == 0 && self.takes_shared_order(call) => Ok(true),
            Step::Call(call) => {
                let shares = at == 0 && call.call == "create_order" && call.is_plain();
                self.call(call, shares).await
            }
            Step::Send { send } => {
                let expected = oracle::expect_message(&send.bytes(), &self.facts(MAIN));
                self.message(MAIN, send.bytes(), &expected, None).await
            }
            Step::Http { http } => {
                let json = ("content-type".to_owned(), "application/json".to_owned());
                let request = HttpRequest {
                    method: http.method.clone(),
                    path: http.path.clone(),
                    query: Vec::new(),
                    headers: vec![json],
                    body: Some(http.body.clone().into_bytes()),
                };
                self.http(request, None).await
            }
            Step::Reconnect { reconnect } => {
                self.model.reconnected(reconnect);
                self.world.reconnect(reconnect, self.driver).await.map(|()| true)
            }
            Step::Pay { pay } => {
                let Some(invoice) = self.invoice(pay) else { return Ok(false) };
                // What is paid is no order for others to begin with.
                self.world.shared = None;
                // Else it would be left to chance whether what comes next sees the payment.
                let (until, within) = (PaymentStage::Settled, SETTLES_WITHIN);
                let settles = Action::AwaitPayment { payment: None, until, within };
                Ok(self.act(Action::Pay { invoice, amount_msat: None }).await?
                    && self.act(settles).await?)
            }
            Step::Expire { .. } => self.act(Action::LetExpire { order_id: None }).await,
            Step::Restart { .. } => {
                self.world.connections_are_gone();
                self.model.reconnected_all();
                self.act(Action::Restart).await
            }
        }
    }

    /// Something that isn't a message.
    async fn act(&mut self, action: Action) -> Result<bool, Trouble> {
        self.model.moved_on();
        match self.driver.perform(action).await.1 {
            Observation::Failed { reason } => Err(Trouble::Driver(reason)),
            _ => Ok(true),
        }
    }

    /// Uses the order that is there already, if it does.
    fn takes_shared_order(&mut self, call: &Call) -> bool {
        let does = self.world.shares_orders && call.call == "create_order" && call.is_plain();
        let Some(shared) = self.world.shared.as_ref().filter(|_| does) else { return false };
        self.orders.push(shared.id.clone());
        self.model.made(&shared.id, MAIN);
        self.exchanges.push(shared.exchange.clone());
        true
    }

    fn facts(&self, conn: &str) -> oracle::Facts {
        self.world.facts_for(conn, self.model.known())
    }

    async fn call(&mut self, call: &Call, shares: bool) -> Result<bool, Trouble> {
        let conn = if call.on.is_empty() { MAIN } else { call.on.as_str() };
        let id = self.world.draw_id();
        let names = Names {
            base: &self.world.terms.base,
            orders: &self.orders,
            token: self.world.context.token.as_deref(),
        };
        let shares = shares.then_some(conn);
        match self.world.context.transport {
            Transport::P2p => {
                // An order that wasn't made can't be asked for: that it wasn't has been judged.
                let Ok(bytes) = names.message(call, &id) else { return Ok(false) };
                let expected = oracle::expect_message(&bytes, &self.facts(conn));
                self.message(conn, bytes, &expected, shares).await
            }
            Transport::Rest => {
                let Ok(request) = names.http(call) else { return Ok(false) };
                self.http(request, shares).await
            }
        }
    }

    /// Whether one more order may be made.
    fn affords(&mut self, expected: &Expected) -> bool {
        if !expected.may_make_an_order() {
            return true;
        }
        if self.world.orders_left == 0 {
            self.attempt.left_out = true;
            return false;
        }
        self.world.orders_left -= 1;
        true
    }

    async fn message(
        &mut self,
        conn: &str,
        bytes: Vec<u8>,
        expected: &Expected,
        shares: Option<&str>,
    ) -> Result<bool, Trouble> {
        if !self.affords(expected) {
            return Ok(false);
        }
        let request: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let id = readable_id(&bytes);
        let mut frames = vec![bytes];
        let mut awaited = id.clone();
        if expected.may_be_silent() {
            // Waiting for what needn't come would take the full time: the answer to a request that was sent after it
            // tells that there is none.
            let probe = self.world.draw_id();
            frames.push(probe_message(&probe));
            awaited = json!(probe);
        }
        let was_probed = awaited != id;
        let answer =
            self.world.exchange(conn, frames, &request, &id, &awaited, self.driver).await?;
        let probed = was_probed.then(|| answer.document["probe_answered"] == true);
        self.take_answer(conn, expected, answer, probed, &id, shares).await
    }

    async fn http(&mut self, request: HttpRequest, shares: Option<&str>) -> Result<bool, Trouble> {
        let expected = oracle::expect_http(&request, &self.facts(MAIN));
        if !self.affords(&expected) {
            return Ok(false);
        }
        let answer = self.world.http(request, self.driver).await?;
        self.take_answer(MAIN, &expected, answer, None, &Value::Null, shares).await
    }

    /// Judges an answer, sees whether the target still answers, and remembers what was made.
    async fn take_answer(
        &mut self,
        conn: &str,
        expected: &Expected,
        answer: Answer,
        probed: Option<bool>,
        id: &Value,
        shares: Option<&str>,
    ) -> Result<bool, Trouble> {
        let Answer { document, exchange } = answer;
        self.exchanges.push(exchange.clone());
        let evidence = exchange.evidence();
        let answered = oracle::judge(expected, &document, self.world.context.transport);
        let is_answer = document["reply"] != "garbage";
        self.attempt.rejected |= answered.rejected;
        // Where silence is allowed it isn't waited for.
        self.attempt.silent |= document["reply"] == "silence" && probed.is_none();
        self.note(&answered, is_answer, &evidence);
        if document["reply"] == "result" {
            self.note_result(expected, conn, &document["result"], &exchange, &evidence, shares);
        }
        if !(answered.refused || answered.silent) || (probed == Some(true)) {
            return Ok(document["reply"] == "result" || !expected.may_make_an_order());
        }
        let aftermath = Aftermath::of(expected.is_bad_format(), &document);
        let known = self.world.ignoring.and(self.attempt.ignoring);
        if known.includes(aftermath) && !answered.silent {
            // That has its finding; waiting for it each time would take long.
            self.model.reconnected(conn);
            self.world.reconnect(conn, self.driver).await?;
        } else {
            self.see_whether_it_lives(conn, expected, &answered, aftermath, id).await?;
        }
        Ok(!expected.may_make_an_order())
    }

    /// What follows from a result for the orders.
    fn note_result(
        &mut self,
        expected: &Expected,
        conn: &str,
        result: &Value,
        exchange: &Exchange,
        evidence: &[Evidence],
        shares: Option<&str>,
    ) {
        let Some(order_id) = result.get("order_id").and_then(Value::as_str) else { return };
        match expected.method {
            Some("lsps1.create_order") => {
                if !expected.may_make_an_order() {
                    self.world.orders_left = self.world.orders_left.saturating_sub(1);
                }
                self.world.note_order(result);
                self.orders.push(order_id.to_owned());
                self.model.made(order_id, conn);
                if let Some(invoice) =
                    result.pointer("/payment/bolt11/invoice").and_then(Value::as_str)
                {
                    self.invoices.insert(order_id.to_owned(), invoice.to_owned());
                }
                if shares.is_some() {
                    let exchange = exchange.clone();
                    self.world.shared = Some(Shared { id: order_id.to_owned(), exchange });
                }
            }
            Some("lsps1.get_order") => {
                if let Some(found) = self.model.read(order_id, result) {
                    let answered = Answered { found: vec![found], ..Answered::default() };
                    self.note(&answered, true, evidence);
                }
            }
            _ if !self.orders.iter().any(|known| known == order_id) => {
                // A payload that is no request has made one.
                self.world.orders_left = self.world.orders_left.saturating_sub(1);
                self.world.note_order(result);
            }
            _ => {}
        }
    }

    fn invoice(&self, name: &str) -> Option<String> {
        self.invoices.get(self.orders.get(order_number(name)?)?).cloned()
    }

    pub(super) fn note(&mut self, answered: &Answered, is_answer: bool, evidence: &[Evidence]) {
        for found in &answered.found {
            let row = RequirementId::from(found.row);
            let context = &self.world.context;
            let Some(result) = check(&row, found.judgement, &found.message, evidence, context)
            else {
                continue;
            };
            let cause = match (found.judgement, is_answer) {
                (Judgement::Kept, _) => Cause::Certain,
                (_, false) => Cause::NoAnswer,
                _ if answered.suspects.is_empty() => Cause::Certain,
                _ => Cause::OneOf(answered.suspects.clone()),
            };
            self.attempt.checks.push(Check { result, cause });
        }
    }

    /// Adds what the invariants say about the traffic.
    fn finish(mut self) -> Attempt {
        let mut exchanges = vec![self.world.info.clone()];
        exchanges.append(&mut self.exchanges);
        // What no two orders of a run share is judged when all of them are there.
        let mut facts = RunFacts::default();
        let transcript = Transcript { exchanges };
        let found = invariant::judge(&transcript, &self.world.context, &mut facts);
        let broken: Vec<CheckResult> =
            found.into_iter().filter(|check| check.verdict >= Verdict::Warn).collect();
        if broken.iter().any(|check| check.verdict == Verdict::Fail) {
            self.attempt.checks.retain(|check| check.cause != Cause::NoAnswer);
        }
        let certain = |result| Check { result, cause: Cause::Certain };
        self.attempt.checks.extend(broken.into_iter().map(certain));
        self.attempt
    }
}

/// The result for a requirement that is judged over this transport.
fn check(
    row: &RequirementId,
    judgement: Judgement,
    message: &str,
    evidence: &[Evidence],
    context: &crate::context::SessionContext,
) -> Option<CheckResult> {
    let requirement = Catalogue::builtin().get(row)?;
    let is_judged = match context.transport {
        Transport::P2p => requirement.on_p2p(),
        Transport::Rest => requirement.on_rest(),
    };
    let verdict = judgement.verdict(requirement.level, context.profile);
    is_judged.then(|| CheckResult {
        requirement: row.clone(),
        verdict,
        message: if verdict == Verdict::Pass { String::new() } else { message.to_owned() },
        evidence: if verdict == Verdict::Pass { Vec::new() } else { evidence.to_vec() },
    })
}

/// The results of several checks, one for each requirement.
pub(super) fn one_each(checks: impl IntoIterator<Item = CheckResult>) -> Vec<CheckResult> {
    let mut set = CheckSet::default();
    checks.into_iter().for_each(|check| set.add(check));
    set.into_results()
}
