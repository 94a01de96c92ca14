//! How one scenario goes: the target is spoken to, then what came is judged.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use lsps1_scenarios::dialect;
use lsps1_scenarios::invariant;
use lsps1_scenarios::property::{Possible, Property};
use lsps1_scenarios::verdict::CheckSet;
use lsps1_scenarios::{
    Action, CheckResult, ClientKind, Observation, PayerKind, Session, SessionContext,
    SessionOutcome, Span, Transport, Verdict,
};

use super::{MAIN_CONNECTION, Outcome, Suite};
use crate::run::buyer::Buyer;
use crate::run::client::Client;
use crate::run::keys::{fresh_key, refund_address};
use crate::run::plan::Planned;
use crate::run::step::{Restarts, Stage};
use crate::run::unanswered::Request;
use crate::run::{millis, property};
use crate::target::control::Control;
use crate::target::custom_message::Connections;

/// More actions than any scenario has; a session that asks for more is in a loop of its own.
const MAX_ACTIONS: usize = 100_000;

/// What came of speaking to the target, before all of it is judged.
pub(in crate::run) struct Performed {
    /// Whether the first thing sent got any answer, if anything was sent.
    pub(in crate::run) answered: Option<bool>,
    took: Duration,
    /// What the session gave, in which context, or why there was none.
    came: Result<(Box<SessionOutcome>, SessionContext), String>,
}

impl Performed {
    /// The target wasn't spoken to, for this reason.
    fn not_at_all(reason: String, started: Instant) -> Self {
        Self { answered: None, took: started.elapsed(), came: Err(reason) }
    }
}

impl Suite {
    /// The part of [`Suite::run_scenario`] in which the target is spoken to. Scenarios may overlap here.
    pub(in crate::run) async fn perform(&self, planned: &Planned) -> Performed {
        let scenario = &self.scenarios[planned.index];
        let transport = planned.transport;
        // Any sequence may start the target again, where that is possible.
        let may_restart = self.means.restart && scenario.property() == Some(Property::Sequences);
        let (_shared, _alone) = match scenario.is_alone() || may_restart {
            true => (None, Some(self.turn.write().await)),
            false => (Some(self.turn.read().await), None),
        };
        let started = Instant::now();
        if let Some(property) = scenario.property() {
            return self.perform_property(property, transport, started).await;
        }
        let node = self.node.as_ref().map(|(_, node)| *node);
        let token = self.settings.target.token.as_deref();
        let (chain, purse) = (self.chain.as_ref(), self.purse.as_ref());
        let own = self.settings.client_node;
        let mut client = match Buyer::start(scenario, chain, purse, own, node, token).await {
            Ok(client) => client,
            Err(reason) => return Performed::not_at_all(reason, started),
        };
        let connections = self.connections(transport, client.as_mut(), started);
        let context = self.context(planned.transport, scenario.id(), client.as_ref());
        let view = self.view(transport);
        let mut session = Session::new(scenario, context.clone()).in_dialect(view);
        let mut stage = Stage::new(self.rest.as_ref(), connections, client, started)
            .controlled_by(self.control.as_ref())
            .restarted_by(self.restarts());
        let mut looping = true;
        for _ in 0..MAX_ACTIONS {
            let Some(action) = session.next_action() else {
                looping = false;
                break;
            };
            let from_ms = millis(started.elapsed());
            let observation = self.perform_action(&mut stage, action, &session).await;
            session.observe(Span { from_ms, to_ms: millis(started.elapsed()) }, observation);
            let mut known = self.ignoring.lock().unwrap_or_else(PoisonError::into_inner);
            session.knows(*known);
            *known = session.ignoring();
        }
        let answered = stage.first_answered();
        let notes = stage.notes().to_vec();
        self.note_orders(stage.orders().len());
        stage.close().await;
        let mut outcome = session.finish();
        for check in outcome.checks.iter_mut().filter(|check| check.verdict >= Verdict::Warn) {
            if check.evidence.is_empty() {
                // It is about what was seen on the chain, or of a connection, not about a message.
                check.evidence.clone_from(&notes);
            }
        }
        if looping {
            outcome.verdict = Verdict::Error;
            outcome.reason = Some(format!("the scenario did not end after {MAX_ACTIONS} actions"));
        }
        Performed { answered, took: started.elapsed(), came: Ok((Box::new(outcome), context)) }
    }

    /// No connection yet. Orders over custom messages are made by the very node that gets the channel, if there is one.
    fn connections(
        &self,
        transport: Transport,
        client: Option<&mut Buyer<'_>>,
        started: Instant,
    ) -> Option<Connections> {
        let (_, target) = self.node.as_ref()?;
        let mut connections = Connections::new(*target, started);
        if transport == Transport::P2p
            && let Some((node, events)) = client.and_then(Buyer::lend)
        {
            connections.lend(MAIN_CONNECTION, node, events);
        }
        Some(connections)
    }

    /// What it takes to start the target again, if it can be.
    fn restarts(&self) -> Option<Restarts<'_>> {
        let command = self.command.as_ref().filter(|_| self.means.restart)?;
        let (given, chain) = (&self.settings.target, self.chain.as_ref());
        Some(Restarts { command, given, chain })
    }

    /// Does one action; what has proved to be hopeless isn't waited for.
    async fn perform_action(
        &self,
        stage: &mut Stage<'_>,
        action: Action,
        session: &Session<'_>,
    ) -> Observation {
        if session.expects_silence() {
            let why = "the target ignores clients that it has refused something";
            return stage.perform_briefly(action, self.quiet_window(Transport::P2p), why).await;
        }
        if session.is_probing() {
            // Silence would be about what went before.
            return stage.perform(action).await;
        }
        let Some(request) = Request::of(&action) else { return stage.perform(action).await };
        let unanswered = || self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        let hopeless = unanswered().hopeless(&request);
        let observation = match hopeless {
            Some(why) if session.is_preparing() => {
                return Observation::Failed { reason: format!("depends on a failed check: {why}") };
            }
            Some(why) => {
                let transport = match &action {
                    Action::Http(_) => Transport::Rest,
                    _ => Transport::P2p,
                };
                stage.perform_briefly(action, self.quiet_window(transport), &why).await
            }
            None => stage.perform(action).await,
        };
        unanswered().note(request, &observation);
        observation
    }

    /// The same for a scenario whose steps are drawn.
    async fn perform_property(
        &self,
        property: Property,
        transport: Transport,
        started: Instant,
    ) -> Performed {
        let mut client = None;
        if let (Property::Sequences, Some(chain)) = (property, &self.chain) {
            match Client::start(chain, ClientKind::LspsNode, PayerKind::LspsNode, None).await {
                Ok(ready) => client = Some(Buyer::OnChain(ready)),
                Err(reason) => return Performed::not_at_all(reason, started),
            }
        }
        let context = self.context(transport, property.id(), client.as_ref());
        let view = self.view(transport);
        if view.explains() {
            let dialect = view.dialect().title();
            let reason =
                format!("generated requests are those of bLIP-51, the target speaks {dialect}");
            let outcome = property::undecided(Verdict::Skip, reason);
            let came = Ok((Box::new(outcome), context));
            return Performed { answered: None, took: started.elapsed(), came };
        }
        let possible = Possible {
            pay: client.is_some(),
            expire: self.control.is_some(),
            restart: self.means.restart,
        };
        let connections = self.connections(transport, client.as_mut(), started);
        let stage = Stage::new(self.rest.as_ref(), connections, client, started)
            .controlled_by(self.control.as_ref())
            .restarted_by(self.restarts());
        let trial = property::Trial {
            property,
            settings: &self.settings,
            quiet: self.quiet_window(transport),
            budget: &self.budget,
            possible,
        };
        let carried_out = trial.carry_out(context.clone(), stage, started).await;
        self.note_orders(carried_out.orders);
        let (outcome, answered) = (carried_out.outcome, carried_out.answered);
        Performed { answered, took: started.elapsed(), came: Ok((Box::new(outcome), context)) }
    }

    /// The part of [`Suite::run_scenario`] that judges, also what spans scenarios: these have to be concluded one after
    /// the other, in the order of the plan, for the report to be the same however they overlapped.
    pub(in crate::run) fn conclude(&self, planned: &Planned, performed: Performed) -> Outcome {
        let Performed { answered, took, came } = performed;
        let (outcome, context) = match came {
            Ok(came) => came,
            Err(reason) => {
                let report = self.report(planned, Verdict::Inconclusive, Some(reason), took);
                return Outcome { report, checks: Vec::new(), answered };
            }
        };
        let view = self.view(planned.transport);
        let invariants = {
            let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
            invariant::judge_in(view, &outcome.transcript, &context, &mut facts)
        };

        let mut verdict = outcome.verdict;
        let mut reason = outcome.reason;
        if let Some(worst) = invariants.iter().max_by_key(|check| check.verdict)
            && worst.verdict >= Verdict::Warn
            && worst.verdict > verdict
        {
            verdict = worst.verdict;
            reason = Some(format!("{}: {}", worst.requirement, worst.message));
        }
        let mut checks = outcome.checks;
        let mut report = self.report(planned, verdict, reason, took);
        let mut undecided = checks.iter().filter(|check| check.verdict == Verdict::Inconclusive);
        if verdict == Verdict::Inconclusive
            && undecided.clone().next().is_some()
            && undecided.all(dialect::is_explained)
        {
            report.explained_by = Some(view.dialect());
        }
        checks.extend(invariants);
        Outcome { report, checks: one_per_requirement(checks), answered }
    }

    /// The time, as the target has it.
    fn targets_time(&self) -> jiff::Timestamp {
        let now = jiff::Timestamp::now();
        let ahead = self.control.as_ref().map(Control::ahead).unwrap_or_default();
        now.checked_add(ahead).unwrap_or(now)
    }

    pub(super) fn context(
        &self,
        transport: Transport,
        name: &str,
        client: Option<&Buyer<'_>>,
    ) -> SessionContext {
        let target = &self.settings.target;
        let network = match self.chain {
            Some(_) => Some("regtest".to_owned()),
            None => target.network.clone(),
        };
        let spare = fresh_key();
        SessionContext {
            transport,
            profile: self.settings.profile,
            refund_address: match client.and_then(Buyer::refund_address) {
                // Where it is seen what comes back.
                Some(address) => Some(address.to_owned()),
                None => network.as_deref().and_then(|network| refund_address(network, spare)),
            },
            network,
            public_key: client.map_or(spare, Buyer::node_id).to_string(),
            target_node: self.node.as_ref().map(|(_, node)| node.id.to_string()),
            token: target.token.clone(),
            any_token: target.any_token,
            spent_token: target.spent_token.clone(),
            onchain_off: self.onchain_off,
            seed: scenario_seed(self.settings.seed, name),
            now: self.targets_time(),
            patience: self.settings.patience,
        }
    }
}

/// Of several outcomes for a requirement, the gravest.
fn one_per_requirement(checks: Vec<CheckResult>) -> Vec<CheckResult> {
    let mut set = CheckSet::default();
    checks.into_iter().for_each(|check| set.add(check));
    set.into_results()
}

/// Each scenario draws values of its own from the run's seed, whichever others are run beside it (FNV-1a).
fn scenario_seed(seed: u64, id: &str) -> u64 {
    id.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
