//! The interpreter of scenarios.
//!
//! It does no I/O and has no clock: its driver carries out one [`Action`] after the other and reports what came of it.
//! Bytes go in, and come out as documents, a transcript and verdicts.

mod aftermath;
mod digest;
mod judge;
mod probe;
mod probing;
mod recorder;
mod refusal;
pub(crate) mod request;
mod settle;
mod start;
mod task;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::action::{Action, Observation, Span, Transport};
use crate::context::SessionContext;
use crate::decode::address;
use crate::dialect::View;
use crate::document;
use crate::expr::Scope;
use crate::requirement::RequirementId;
use crate::scenario::Scenario;
use crate::transcript::Transcript;
use crate::verdict::{CheckResult, CheckSet, Evidence, Verdict};

pub(crate) use aftermath::Aftermath;
pub use aftermath::Ignoring;
use task::{Pending, Recorded, Task};

/// What came of a session.
#[derive(Clone, Debug)]
pub struct SessionOutcome {
    /// One result per requirement that the scenario judges over this transport.
    pub checks: Vec<CheckResult>,
    /// The outcome of the whole.
    pub verdict: Verdict,
    /// Why the verdict isn't a pass.
    pub reason: Option<String>,
    /// What went over the wire.
    pub transcript: Transcript,
}

/// A scenario on its way.
#[derive(Debug)]
pub struct Session<'a> {
    scenario: &'a Scenario,
    context: SessionContext,
    /// How the target's messages are read.
    view: View,
    scope: Scope,
    rng: StdRng,
    tasks: VecDeque<Task>,
    pending: Option<(Action, Pending)>,
    connected: BTreeSet<String>,
    checks: CheckSet,
    transcript: Transcript,
    /// Why the scenario ended before its last step.
    stopped: Option<Stop>,
    /// Whether the target has made an order for this client: it doesn't turn the client away as such.
    was_served: bool,
    /// The orders whose life is recorded.
    recorded: Vec<Recorded>,
    /// Exchanges in a row that nothing came back from.
    unanswered: u32,
    /// After which errors the client is known to be ignored.
    ignoring: Ignoring,
    /// How long it was listened on after an exchange, by its place in the transcript, in milliseconds.
    quiet: BTreeMap<usize, u64>,
}

#[derive(Clone, Debug)]
struct Stop {
    verdict: Verdict,
    reason: String,
    evidence: Vec<Evidence>,
}

/// Exchanges in a row without any reply, after which waiting for more is no use.
const MOST_UNANSWERED: u32 = 2;

/// The variable that has the beginning of addresses on the target's network, once that is known.
const ADDRESS_PREFIX: &str = "address_prefix";

/// Values drawn per step for `uuid()` and `random_hex()`.
const DRAWS: usize = 16;

impl<'a> Session<'a> {
    /// Starts a session of `scenario`.
    pub fn new(scenario: &'a Scenario, context: SessionContext) -> Self {
        let mut scope = Scope::default();
        scope.set("transport", json!(context.transport));
        scope.set("profile", json!(context.profile));
        scope.set("any_token", json!(context.any_token));
        scope.set("onchain_off", json!(context.onchain_off));
        scope.set("client", json!({"public_key": context.public_key}));
        for (name, value) in [
            ("token", &context.token),
            ("spent_token", &context.spent_token),
            ("refund_address", &context.refund_address),
            ("network", &context.network),
        ] {
            if let Some(value) = value {
                scope.set(name, json!(value));
            }
        }
        if let Some(prefix) = context.network.as_deref().and_then(address::prefix) {
            scope.set(ADDRESS_PREFIX, json!(prefix));
        }
        let mut tasks: VecDeque<Task> =
            scenario.given().iter().map(|given| Task::Given(*given)).collect();
        tasks.push_back(Task::Conditions);
        tasks.extend((0..scenario.steps().len()).map(Task::Step));
        let mut session = Self {
            scenario,
            rng: StdRng::seed_from_u64(context.seed),
            context,
            view: View::default(),
            scope,
            tasks,
            pending: None,
            connected: BTreeSet::new(),
            checks: CheckSet::default(),
            transcript: Transcript::default(),
            stopped: None,
            was_served: false,
            recorded: Vec::new(),
            unanswered: 0,
            ignoring: Ignoring::default(),
            quiet: BTreeMap::new(),
        };
        if !session.scenario.transports().contains(&session.context.transport) {
            session.stop(
                Verdict::Skip,
                format!("the scenario doesn't apply to {}", session.context.transport),
                None,
            );
        }
        session
    }

    /// Speaks to a target of an older dialect: requests are translated, and so are replies before they are judged.
    #[must_use]
    pub fn in_dialect(mut self, view: View) -> Self {
        self.view = view;
        self
    }

    /// What the driver has to do next; `None` when the scenario has ended. The same action is returned until its
    /// observation has been given.
    pub fn next_action(&mut self) -> Option<Action> {
        while self.pending.is_none() && self.stopped.is_none() {
            let task = self.tasks.pop_front()?;
            self.start(task);
        }
        if self.stopped.is_some() {
            return None;
        }
        self.pending.as_ref().map(|(action, _)| action.clone())
    }

    /// Whether what [`Session::next_action`] asks for is only a means: nothing is expected of its answer itself, but what
    /// comes after it depends on it.
    pub fn is_preparing(&self) -> bool {
        let Some((_, pending)) = &self.pending else { return false };
        match pending.task() {
            Some(Task::Given(_)) => true,
            Some(Task::Step(index)) => {
                self.scenario.steps().get(*index).is_some_and(|step| step.expect.is_empty())
            }
            _ => false,
        }
    }

    /// Takes what came of the action that [`Session::next_action`] returned last. An observation that nobody waits for
    /// is ignored; one that doesn't belong to the action ends the session with the verdict `error`.
    pub fn observe(&mut self, span: Span, observation: Observation) {
        if let Some((action, pending)) = self.pending.take() {
            self.digest(&action, pending, span, observation);
        }
    }

    /// Ends the session. What wasn't judged is inconclusive, with the reason.
    pub fn finish(mut self) -> SessionOutcome {
        if self.pending.is_some() || (self.stopped.is_none() && !self.tasks.is_empty()) {
            self.stop(
                Verdict::Inconclusive,
                "the session was ended before the scenario was through".into(),
                None,
            );
        }
        if let Some(stop) = self.stopped.clone() {
            for requirement in self.scenario.requirements() {
                // A step that wasn't reached can't take back what an earlier one found, but a pass isn't complete.
                if self.judges(&requirement)
                    && !self.checks.has(&requirement, Verdict::Inconclusive)
                {
                    self.checks.add(CheckResult {
                        requirement,
                        verdict: stop.verdict,
                        message: stop.reason.clone(),
                        evidence: stop.evidence.clone(),
                    });
                }
            }
        }
        let checks = self.checks.into_results();
        let worst = checks.iter().max_by(|a, b| {
            // Of equals the first, so that the reason is the first finding.
            a.verdict.cmp(&b.verdict).then(b.requirement.cmp(&a.requirement))
        });
        let (mut verdict, mut reason) = match worst {
            Some(check) if check.verdict == Verdict::Pass => (Verdict::Pass, None),
            Some(check) => {
                (check.verdict, Some(format!("{}: {}", check.requirement, check.message)))
            }
            None => (
                Verdict::Skip,
                Some("no expectation of the scenario applies to this target".into()),
            ),
        };
        if let Some(stop) = self.stopped
            && (stop.verdict >= verdict || verdict == Verdict::Pass)
        {
            verdict = stop.verdict;
            reason = Some(stop.reason);
        }
        SessionOutcome { checks, verdict, reason, transcript: self.transcript }
    }

    /// Whether a requirement is judged over this transport.
    fn judges(&self, requirement: &RequirementId) -> bool {
        let row = crate::requirement::Catalogue::builtin().get(requirement);
        row.is_none_or(|row| match self.context.transport {
            Transport::P2p => row.on_p2p(),
            Transport::Rest => row.on_rest(),
        })
    }

    /// Ends the scenario early; `exchange` is the place in the transcript that shows why.
    fn stop(&mut self, verdict: Verdict, reason: String, exchange: Option<usize>) {
        if self.stopped.is_none() {
            let evidence = self.evidence(exchange);
            self.stopped = Some(Stop { verdict, reason, evidence });
        }
        self.pending = None;
    }

    fn evidence(&self, exchange: Option<usize>) -> Vec<Evidence> {
        let Some(index) = exchange else { return Vec::new() };
        let seen = self.transcript.exchanges.get(index).map(|exchange| exchange.evidence());
        let mut evidence = seen.unwrap_or_default();
        if let Some(ms) = self.quiet.get(&index) {
            evidence.push(Evidence::note(format!(
                "what was awaited had come; then it was listened on for {ms} ms (--quiet), and that is all that came"
            )));
        }
        evidence
    }

    /// A fresh request id: a UUIDv4, drawn from the seed.
    fn draw_uuid(&mut self) -> String {
        uuid::Builder::from_random_bytes(self.rng.random()).into_uuid().to_string()
    }

    /// Gives the step to come its own drawn values.
    fn draw_values(&mut self) {
        let uuids = (0..DRAWS).map(|_| self.draw_uuid()).collect();
        self.scope.set_drawn("uuid", uuids);
        let hex = (0..DRAWS).map(|_| format!("{:032x}", self.rng.random::<u128>())).collect();
        self.scope.set_drawn("random_hex", hex);
    }

    /// Saves a document under a name, and what follows from it.
    fn save(&mut self, name: &str, document: &Value) {
        let document = if name == "info" { document::as_info(document) } else { document };
        self.scope.set(name, document.clone());
        if name == "order" && self.context.network.is_none() {
            let invoice = document.pointer("/result/payment/bolt11/invoice");
            let prefix = invoice.and_then(Value::as_str).and_then(address::prefix_of_invoice);
            if let Some(prefix) = prefix {
                self.scope.set(ADDRESS_PREFIX, json!(prefix));
            }
        }
        if name == "info" {
            let public_key = (self.context.transport == Transport::Rest)
                .then_some(self.context.public_key.as_str());
            let info = document.get("result");
            let base = info.and_then(|info| crate::base::create_order(info, public_key).ok());
            let purchase = info.and_then(|info| crate::base::purchase(info, public_key).ok());
            for (name, params) in [("base", base), ("purchase", purchase)] {
                match params {
                    Some(params) => self.scope.set(name, Value::Object(params)),
                    None => self.scope.unset(name),
                }
            }
        }
    }
}
