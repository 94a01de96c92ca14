//! Whether a target goes on as if a refused request had never been: one reply to it, and what comes next is served.
//!
//! What it does afterwards says nothing about the refusal, which may be right: silence then has a row of its own. After it
//! the connection is made anew, so that what follows is put to a target that listens.

use serde_json::{Map, Value};

use super::aftermath::Ignoring;
use super::probe::{Disturbance, Probe, Stage};
use super::task::{MAIN, Pending, Task};
use super::{Session, refusal};
use crate::action::{Action, Transport};
use crate::document;
use crate::matcher::Match;
use crate::requirement::RequirementId;
use crate::scenario::{Act, Call, Check};
use crate::verdict::{Evidence, Judgement};

/// What a probe shows of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Alive,
    /// It says nothing.
    Silent,
    /// It says something that is no answer to a good request.
    Confused,
}

impl Session<'_> {
    /// After which errors the target is known to ignore the client, by this session or by others.
    #[must_use]
    pub fn ignoring(&self) -> Ignoring {
        self.ignoring
    }

    /// Tells what other sessions have found out: it isn't waited for again.
    pub fn knows(&mut self, ignoring: Ignoring) {
        self.ignoring = self.ignoring.and(ignoring);
    }

    /// Whether what [`Session::next_action`] asks for only is to show whether the target still listens to the client that
    /// it has refused something. Silence then says nothing about the request.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        self.probe().is_some()
    }

    /// Whether the probe is one that the target is known not to answer.
    #[must_use]
    pub fn expects_silence(&self) -> bool {
        let is_known = |probe: &Probe| {
            matches!(probe.stage, Stage::Same)
                && probe.was_refused()
                && self.ignoring.includes(probe.aftermath())
        };
        self.probe().is_some_and(is_known)
    }

    fn probe(&self) -> Option<&Probe> {
        let (_, pending) = self.pending.as_ref()?;
        match pending.task() {
            Some(Task::Probe(probe)) if self.context.transport == Transport::P2p => Some(probe),
            _ => None,
        }
    }

    /// Looks how the target goes on after a step, if its expectations wait for that, or if it was refused something and
    /// there is more to come.
    pub(super) fn look_after(
        &mut self,
        step: usize,
        judged: bool,
        document: Value,
        id: &Value,
        exchange: Option<usize>,
    ) {
        let Some(act) = self.step(step).map(|step| &step.act) else { return };
        let conn = match act {
            Act::Call(call) | Act::Poll { call, .. } => call.conn.clone(),
            Act::Send { conn, .. } | Act::Pipeline { conn, .. } => conn.clone(),
            _ => MAIN.into(),
        };
        let goes_on = self.context.transport == Transport::P2p
            && document["reply"] == "error"
            && !self.tasks.is_empty();
        if !judged && !goes_on {
            return;
        }
        let id = id.clone();
        let mut probe = Probe { step, conn, document, id, exchange, stage: Stage::Same };
        let (row, own) = (probe.aftermath().row(), self.scenario.requirements());
        let is_known = probe.was_refused() && self.ignoring.includes(probe.aftermath());
        if is_known && !own.iter().any(|requirement| requirement.as_str() == row) {
            // What is known needn't be shown again where the scenario is about something else.
            probe.stage = Stage::Leaving(None);
        }
        self.tasks.push_front(Task::Probe(Box::new(probe)));
    }

    pub(super) fn start_probe(&mut self, mut probe: Box<Probe>) {
        if let Stage::Leaving(before) = probe.stage {
            probe.stage = Stage::Anew(before);
            if self.connected.remove(&probe.conn) {
                let action = Action::Disconnect { conn: probe.conn.clone() };
                self.pending = Some((action, Pending::Leaving(probe)));
                return;
            }
        }
        let call = Call {
            method: self.cheapest_call().into(),
            conn: probe.conn.clone(),
            with: Map::new(),
            without: Vec::new(),
            envelope: Map::new(),
            envelope_without: Vec::new(),
        };
        let index = probe.step;
        if let Err(error) = self.start_call(Task::Probe(probe), &call) {
            self.step_impossible(index, &error.to_string());
        }
    }

    /// What shows that the target still answers. Old targets don't all list their protocols.
    fn cheapest_call(&self) -> &'static str {
        match self.context.transport {
            Transport::P2p if self.view.is_current() => "list_protocols",
            Transport::P2p | Transport::Rest => "get_info",
        }
    }

    /// Judges the refusals of a step and how the target goes on, now that the probe has been answered or not.
    pub(super) fn probe_done(
        &mut self,
        mut probe: Box<Probe>,
        answer: &Value,
        late: u64,
        probed: Option<usize>,
    ) {
        let sign = sign_of(answer, self.context.transport);
        if self.context.transport == Transport::Rest {
            // There is no connection that could be made anew.
            return self.judge_refusals(&probe, answer, sign, probed);
        }
        match std::mem::replace(&mut probe.stage, Stage::Same) {
            Stage::Same | Stage::Leaving(_) => {
                let disturbance = self.disturbance(&probe, answer, sign, late, probed);
                // An error with id null may belong to either request.
                if sign == Sign::Silent || (sign == Sign::Confused && late > 0) {
                    probe.stage = Stage::Leaving(disturbance);
                    self.tasks.push_front(Task::Probe(probe));
                    return;
                }
                if let Some(disturbance) = disturbance {
                    self.report_disturbance(&probe, disturbance);
                }
            }
            Stage::Anew(None) => {}
            Stage::Anew(Some(mut before)) => {
                if before.ignored {
                    if sign != Sign::Silent && probe.was_refused() {
                        self.ignoring.learn(probe.aftermath());
                    }
                    before.message.push_str(match sign {
                        Sign::Silent => ", nor was there one on a new connection",
                        _ => "; the target ignores the client until it reconnects",
                    });
                }
                // Of a target that answers good requests in the same way, it was no late reply.
                if before.ignored || sign != Sign::Confused {
                    before.evidence.push(Evidence::note("then, on a new connection:"));
                    before.evidence.extend(self.evidence(probed));
                    self.report_disturbance(&probe, before);
                }
            }
        }
        self.judge_refusals(&probe, answer, sign, probed);
    }

    /// What is wrong after the answer that the probe is about, if anything.
    fn disturbance(
        &self,
        probe: &Probe,
        answer: &Value,
        sign: Sign,
        late: u64,
        probed: Option<usize>,
    ) -> Option<Disturbance> {
        let message = match sign {
            _ if late > 0 => format!("{late} more replies to it came afterwards"),
            Sign::Silent => format!("to the next request {}", document::summary(answer)),
            _ if probe.document["closed"] == true => "then the target closed the connection".into(),
            _ => return None,
        };
        let mut evidence = self.evidence(probe.exchange);
        evidence.push(Evidence::note("then, to see whether the target still answers:"));
        evidence.extend(self.evidence(probed));
        Some(Disturbance { ignored: sign == Sign::Silent, message, evidence })
    }

    /// Holds against the target how it went on after an answer that may be right itself.
    fn report_disturbance(&mut self, probe: &Probe, disturbance: Disturbance) {
        if !probe.was_refused() {
            // That it wasn't answered properly is a finding already.
            return;
        }
        let aftermath = probe.aftermath();
        let Disturbance { message, evidence, .. } = disturbance;
        let message = format!("{}: it was refused, but {message}", aftermath.rule());
        let row = RequirementId::from(aftermath.row());
        self.settle_rows(&[row], Judgement::Broken, &message, &evidence);
    }

    /// Judges the refusals of the step. A target that gives good requests no proper answer hasn't refused this one for the
    /// reason that is wanted.
    fn judge_refusals(&mut self, probe: &Probe, answer: &Value, sign: Sign, probed: Option<usize>) {
        let Some(step) = self.step(probe.step) else { return };
        let document = &probe.document;
        for expectation in &step.expect {
            let Check::Refused(wanted) = &expectation.check else { continue };
            if !self.applies(expectation, probe.exchange) {
                continue;
            }
            let refused =
                |document| refusal::judge(wanted, document, &probe.id, self.context.transport);
            let next =
                || format!("it was refused, but to the next request {}", document::summary(answer));
            let found = match (refused(document), sign) {
                (refusal::Outcome::Vague(found), _) => {
                    self.inconclusive(expectation, &found, probe.exchange);
                    continue;
                }
                (refusal::Outcome::Refused, Sign::Silent)
                    if self.context.transport == Transport::P2p =>
                {
                    self.inconclusive(expectation, &next(), probe.exchange);
                    continue;
                }
                (refusal::Outcome::Refused, Sign::Alive) => Match::Holds,
                (refusal::Outcome::Refused, Sign::Silent | Sign::Confused) => Match::Broken(next()),
                (refusal::Outcome::Wrong(found), _) => Match::Broken(found),
            };
            if let (Match::Holds, Some(original)) = (&found, document::original(document))
                && let refusal::Outcome::Wrong(deviation) | refusal::Outcome::Vague(deviation) =
                    refused(original)
            {
                let reason = self.view.explanation(&deviation);
                self.inconclusive(expectation, &reason, probe.exchange);
                continue;
            }
            let mut more = Vec::new();
            if matches!(found, Match::Broken(_)) && sign != Sign::Alive {
                more.push(Evidence::note("then, to see whether the target still answers:"));
                more.extend(self.evidence(probed));
            }
            self.settle(expectation, document, found, probe.exchange, &more);
        }
    }
}

fn sign_of(answer: &Value, transport: Transport) -> Sign {
    match (answer["reply"].as_str(), transport) {
        (Some("silence" | "closed"), _) => Sign::Silent,
        (Some("result"), Transport::Rest) => Sign::Alive,
        // An error will do: whether list_protocols is served has a row of its own.
        (Some("result" | "error"), Transport::P2p) if answer["envelope"]["id"].is_string() => {
            Sign::Alive
        }
        _ => Sign::Confused,
    }
}
