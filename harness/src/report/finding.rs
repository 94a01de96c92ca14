//! What is wrong with a target, as one entry of the report.

use lsps1_scenarios::{Evidence, Transport, Verdict};
use serde::{Deserialize, Serialize};

/// A requirement that the target breaks on a transport, or the headline of an old dialect.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingReport {
    /// The requirement's id, or [`FindingReport::DIALECT`].
    pub requirement: String,
    /// The spec's section.
    pub section: String,
    /// The requirement in our words.
    pub text: String,
    /// `fail` or `warn`.
    pub verdict: Verdict,
    /// `p2p` or `rest`.
    pub transport: Transport,
    /// The scenario that met it first.
    pub scenario: String,
    /// How many scenarios of this transport met it.
    pub met_by: usize,
    /// What is wrong.
    pub message: String,
    /// What was sent and received, from the scenario that met it first; the operator's token replaced by `[token]`.
    pub evidence: Vec<Evidence>,
}

impl FindingReport {
    /// Stands in the place of a requirement's id in the finding that the target speaks an older text of LSPS1.
    pub const DIALECT: &'static str = "dialect";

    /// Whether it is that finding.
    #[must_use]
    pub fn is_dialect(&self) -> bool {
        self.requirement == Self::DIALECT
    }
}
