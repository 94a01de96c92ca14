//! Collecting outcomes: each requirement once, by its level, with the messages that show a deviation.

use jiff::{SignedDuration, Timestamp};

use super::view::Reply;
use crate::action::Transport;
use crate::context::SessionContext;
use crate::requirement::{Catalogue, RequirementId};
use crate::transcript::Transcript;
use crate::verdict::{CheckResult, CheckSet, Evidence, Judgement, Verdict};

/// How far the clocks of target and tester may be apart.
pub(super) const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// The outcomes of a session.
pub(super) struct Collector<'a> {
    pub(super) context: &'a SessionContext,
    transcript: &'a Transcript,
    checks: CheckSet,
}

impl<'a> Collector<'a> {
    pub(super) fn new(transcript: &'a Transcript, context: &'a SessionContext) -> Self {
        Self { context, transcript, checks: CheckSet::default() }
    }

    /// The tester's time when a reply came.
    pub(super) fn wall_clock(&self, reply: &Reply<'_>) -> Option<Timestamp> {
        let passed = SignedDuration::from_millis(i64::try_from(reply.at_ms).ok()?);
        self.context.now.checked_add(passed).ok()
    }

    /// Reports `outcome` for a requirement: kept, or broken for the reason given.
    pub(super) fn check(
        &mut self,
        requirement: &str,
        reply: &Reply<'_>,
        outcome: Result<(), String>,
    ) {
        match outcome {
            Ok(()) => self.report(requirement, &[reply], Judgement::Kept, String::new()),
            Err(found) => self.report(requirement, &[reply], Judgement::Broken, found),
        }
    }

    /// Reports that a requirement is kept if `holds`, broken for the reason given otherwise.
    pub(super) fn require(
        &mut self,
        requirement: &str,
        reply: &Reply<'_>,
        holds: bool,
        found: impl FnOnce() -> String,
    ) {
        self.check(requirement, reply, if holds { Ok(()) } else { Err(found()) });
    }

    /// Reports a judgement, shown by these replies.
    pub(super) fn report(
        &mut self,
        requirement: &str,
        replies: &[&Reply<'_>],
        judgement: Judgement,
        found: String,
    ) {
        let Some(row) = Catalogue::builtin().get(&RequirementId::from(requirement)) else { return };
        let judged_here = match self.context.transport {
            Transport::P2p => row.on_p2p(),
            Transport::Rest => row.on_rest(),
        };
        let verdict = judgement.verdict(row.level, self.context.profile);
        if !judged_here || self.checks.has(&row.id, verdict) {
            return;
        }
        let (message, evidence) = match verdict {
            Verdict::Pass => (String::new(), Vec::new()),
            _ => (found, self.evidence(replies)),
        };
        self.checks.add(CheckResult { requirement: row.id.clone(), verdict, message, evidence });
    }

    pub(super) fn into_results(self) -> Vec<CheckResult> {
        self.checks.into_results()
    }

    /// The requests of these replies and the replies themselves.
    fn evidence(&self, replies: &[&Reply<'_>]) -> Vec<Evidence> {
        let mut evidence = Vec::new();
        for reply in replies {
            let Some(exchange) = self.transcript.exchanges.get(reply.exchange) else { continue };
            // Without a request of its own, all that was sent in the exchange may have caused it.
            match &reply.request {
                Some(request) => {
                    if let Some((exchange, message)) = self.sent(request.exchange, request.message)
                    {
                        evidence.push(exchange.sent_evidence(message));
                    }
                }
                None => evidence.extend(
                    exchange.sent.iter().take(4).map(|message| exchange.sent_evidence(message)),
                ),
            }
            if let Some(message) = exchange.received.get(reply.message) {
                evidence.push(exchange.received_evidence(message));
            }
        }
        evidence
    }

    fn sent(
        &self,
        exchange: usize,
        message: usize,
    ) -> Option<(&crate::Exchange, &crate::transcript::Message)> {
        let exchange = self.transcript.exchanges.get(exchange)?;
        Some((exchange, exchange.sent.get(message)?))
    }
}
