//! Judging a step's expectations.

use serde_json::Value;

use super::Session;
use crate::dialect::is_about_encoding;
use crate::document;
use crate::expr;
use crate::matcher::{self, Match};
use crate::requirement::{Catalogue, RequirementId};
use crate::scenario::{Check, Expectation};
use crate::verdict::{CheckResult, Evidence, Judgement, Verdict};

impl Session<'_> {
    /// Judges all expectations of a step but refusals, which need a probe first; says whether there are any.
    pub(super) fn judge_step(
        &mut self,
        index: usize,
        document: &Value,
        exchange: Option<usize>,
    ) -> bool {
        let Some(step) = self.step(index) else { return false };
        let mut refusals = false;
        for expectation in &step.expect {
            if !self.applies(expectation, exchange) {
                continue;
            }
            match self.check(expectation, document) {
                Ok(Some(Match::Holds)) => self.settle_original(expectation, document, exchange),
                Ok(Some(found)) => self.settle(expectation, document, found, exchange, &[]),
                Ok(None) => refusals = true,
                Err(reason) => self.inconclusive(expectation, &reason, exchange),
            }
        }
        refusals
    }

    /// Settles a check that holds. If it only holds in the translation of an older dialect, it is a consequence of the
    /// dialect.
    fn settle_original(
        &mut self,
        expectation: &Expectation,
        document: &Value,
        exchange: Option<usize>,
    ) {
        let original = document::original(document);
        // Expressions are about several documents, which don't exist untranslated.
        let original = original.filter(|_| !matches!(expectation.check, Check::That(_)));
        let Some(original) = original else {
            return self.settle(expectation, document, Match::Holds, exchange, &[]);
        };
        let (encodings, others): (Vec<RequirementId>, Vec<RequirementId>) =
            expectation.requirements.iter().cloned().partition(is_about_encoding);
        let with = |requirements| Expectation { requirements, ..expectation.clone() };
        self.settle(&with(encodings), document, Match::Holds, exchange, &[]);
        let expectation = &with(others);
        match self.check(expectation, original) {
            Ok(Some(Match::Broken(found))) => {
                let reason = self.view.explanation(&found);
                self.inconclusive(expectation, &reason, exchange);
            }
            Ok(_) => self.settle(expectation, document, Match::Holds, exchange, &[]),
            Err(reason) => self.inconclusive(expectation, &reason, exchange),
        }
    }

    /// Whether an expectation is judged at all; if that can't be told, it is inconclusive.
    pub(super) fn applies(&mut self, expectation: &Expectation, exchange: Option<usize>) -> bool {
        let Some(when) = &expectation.when else { return true };
        match expr::holds(when, &self.scope) {
            Ok(applies) => applies,
            Err(error) => {
                self.inconclusive(expectation, &error.to_string(), exchange);
                false
            }
        }
    }

    /// The outcome of a check, `None` for a refusal; an error says why it can't be made.
    fn check(&self, expectation: &Expectation, document: &Value) -> Result<Option<Match>, String> {
        match &expectation.check {
            Check::At { path, schema } => {
                let schema =
                    expr::render_json(schema, &self.scope).map_err(|error| error.to_string())?;
                let found =
                    matcher::at(document, path, &schema).map_err(|error| error.to_string())?;
                Ok(Some(match found {
                    Match::Broken(found) if path == "$" || path == "$.reply" => {
                        Match::Broken(format!("{} ({found})", document::summary(document)))
                    }
                    // What came instead says more than what is missing.
                    Match::Broken(_)
                        if path.starts_with("$.result") && document["reply"] != "result" =>
                    {
                        Match::Broken(document::summary(document))
                    }
                    found => found,
                }))
            }
            Check::Absent { path } => {
                matcher::absent(document, path).map(Some).map_err(|error| error.to_string())
            }
            Check::That(expression) => match expr::holds(expression, &self.scope) {
                Ok(true) => Ok(Some(Match::Holds)),
                Ok(false) => Ok(Some(Match::Broken(format!("`{expression}` doesn't hold")))),
                Err(error) => Err(error.to_string()),
            },
            Check::Refused(_) => Ok(None),
        }
    }

    /// Turns the outcome of a check into a result for each requirement.
    pub(super) fn settle(
        &mut self,
        expectation: &Expectation,
        document: &Value,
        found: Match,
        exchange: Option<usize>,
        more: &[Evidence],
    ) {
        let (judgement, message) = match found {
            Match::Holds => (Judgement::Kept, String::new()),
            Match::Broken(found) => match self.tolerance(expectation, document) {
                Ok(judgement) => {
                    let message = match &expectation.says {
                        Some(says) => format!("{says}: {found}"),
                        None => found,
                    };
                    (judgement, message)
                }
                Err(reason) => return self.inconclusive(expectation, &reason, exchange),
            },
        };
        let evidence = match judgement {
            Judgement::Kept => Vec::new(),
            _ => self.evidence(exchange).into_iter().chain(more.iter().cloned()).collect(),
        };
        self.settle_rows(&expectation.requirements, judgement, &message, &evidence);
    }

    /// A result for each of these requirements.
    pub(super) fn settle_rows(
        &mut self,
        requirements: &[RequirementId],
        judgement: Judgement,
        message: &str,
        evidence: &[Evidence],
    ) {
        // What one row can't be held against the target for, the others of the same check can't either.
        let excuse = requirements
            .iter()
            .find_map(|requirement| self.view.excuse(requirement))
            .filter(|_| judgement != Judgement::Kept);
        for requirement in requirements {
            if !self.judges(requirement) {
                continue;
            }
            let result = match (Catalogue::builtin().get(requirement), excuse) {
                (Some(_), Some(why)) => CheckResult {
                    requirement: requirement.clone(),
                    verdict: Verdict::Inconclusive,
                    message: self.view.explanation(why),
                    evidence: evidence.to_vec(),
                },
                (Some(row), None) => CheckResult {
                    requirement: requirement.clone(),
                    verdict: judgement.verdict(row.level, self.context.profile),
                    message: message.to_owned(),
                    evidence: evidence.to_vec(),
                },
                (None, _) => CheckResult {
                    requirement: requirement.clone(),
                    verdict: Verdict::Error,
                    message: format!(
                        "the scenario names the requirement {requirement}, which there isn't"
                    ),
                    evidence: Vec::new(),
                },
            };
            self.checks.add(result);
        }
    }

    /// How a broken check counts: what `warn` and `compat` say about the values that broke it.
    fn tolerance(&self, expectation: &Expectation, document: &Value) -> Result<Judgement, String> {
        let path = match &expectation.check {
            Check::At { path, .. } | Check::Absent { path } => path.as_str(),
            Check::That(_) | Check::Refused(_) => "$",
        };
        for (schema, judgement) in [
            (&expectation.warn, Judgement::Tolerated),
            (&expectation.compat, Judgement::CompatTolerated),
        ] {
            let Some(schema) = schema else { continue };
            let schema =
                expr::render_json(schema, &self.scope).map_err(|error| error.to_string())?;
            if matcher::tolerated(document, path, &schema).map_err(|error| error.to_string())? {
                return Ok(judgement);
            }
        }
        Ok(Judgement::Broken)
    }

    /// Notes that an expectation can't be judged.
    pub(super) fn inconclusive(
        &mut self,
        expectation: &Expectation,
        reason: &str,
        exchange: Option<usize>,
    ) {
        for requirement in &expectation.requirements {
            if self.judges(requirement) {
                let evidence = self.evidence(exchange);
                self.checks.add(CheckResult {
                    requirement: requirement.clone(),
                    verdict: Verdict::Inconclusive,
                    message: reason.into(),
                    evidence,
                });
            }
        }
    }
}
