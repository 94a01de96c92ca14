//! The finding that a target speaks an older text of LSPS1.

use lsps1_scenarios::dialect::{Confidence, Dialect, Marker, Reading};
use lsps1_scenarios::{Evidence, Profile, Transport, Verdict};
use serde::{Deserialize, Serialize};

use super::finding::FindingReport;
use crate::text::Redactor;

/// The dialect that a target speaks over one transport.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DialectReport {
    /// `d0`, `d1`, `d2`, `d3` or `rest-seed`.
    pub name: Dialect,
    /// What the name stands for.
    pub title: String,
    /// How sure that is.
    pub confidence: Confidence,
    /// What it rests on.
    pub markers: Vec<Marker>,
    /// The headline finding, if the dialect is older than what the target is judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<DialectFinding>,
}

/// The headline finding of an older dialect. It stands in place of one finding for each of its consequences.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DialectFinding {
    /// `fail` or `warn`.
    pub verdict: Verdict,
    /// The finding in one sentence.
    pub message: String,
    /// What changed since, oldest first.
    pub changes: Vec<String>,
    /// Rows that the target doesn't keep only because of its dialect.
    pub explains: Vec<String>,
}

impl DialectReport {
    /// The report of what a fingerprint found; `explains` are the rows that aren't kept because of the dialect.
    #[must_use]
    pub fn new(
        reading: &Reading,
        profile: Profile,
        explains: Vec<String>,
        redactor: &Redactor,
    ) -> Self {
        let finding = reading.headline().map(|headline| {
            let suffer = reading.dialect.unfit_for();
            let message = match (profile, suffer) {
                (Profile::Compat, [_, ..]) => {
                    format!("{headline}; clients that can't cope with it: {}", suffer.join(", "))
                }
                _ => headline,
            };
            let changes = reading
                .dialect
                .changes()
                .map(|change| format!("{}: {}", change.when, change.what))
                .collect();
            DialectFinding {
                verdict: verdict(reading.dialect, profile),
                message: redactor.clean(&message),
                changes,
                explains,
            }
        });
        Self {
            name: reading.dialect,
            title: reading.dialect.title().to_owned(),
            confidence: reading.confidence,
            markers: reading
                .markers
                .iter()
                .map(|marker| Marker { seen: redactor.clean(&marker.seen), ..marker.clone() })
                .collect(),
            finding,
        }
    }

    /// The headline finding among the others.
    #[must_use]
    pub fn as_finding(&self, transport: Transport) -> Option<FindingReport> {
        let DialectFinding { verdict, message, changes, explains: _ } = self.finding.as_ref()?;
        let seen = self.markers.iter().map(|marker| format!("seen: {}", marker.seen));
        let changed = changes.iter().map(|change| format!("changed since: {change}"));
        Some(FindingReport {
            requirement: FindingReport::DIALECT.to_owned(),
            section: String::new(),
            text: "The target speaks LSPS1 as bLIP-51 has it.".to_owned(),
            verdict: *verdict,
            transport,
            scenario: "fingerprint".to_owned(),
            met_by: 1,
            message: message.clone(),
            evidence: seen.chain(changed).map(Evidence::note).collect(),
        })
    }
}

/// The page of the REST interface is no specification, so a target that keeps to it breaks none.
const fn verdict(dialect: Dialect, profile: Profile) -> Verdict {
    match (dialect, profile) {
        (Dialect::RestSeed, _) | (_, Profile::Compat) => Verdict::Warn,
        _ => Verdict::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn todays_dialect_is_no_finding() {
        let report = DialectReport::new(
            &Reading::forced(Dialect::D3),
            Profile::Strict,
            Vec::new(),
            &Redactor::default(),
        );
        assert!(report.finding.is_none() && report.as_finding(Transport::P2p).is_none());
    }

    #[test]
    fn an_old_dialect_is_one_finding_that_names_clients_in_compat() {
        let of = |dialect, profile| {
            let explains = vec!["L1-011".into()];
            DialectReport::new(&Reading::forced(dialect), profile, explains, &Redactor::default())
        };
        let strict = of(Dialect::D1, Profile::Strict);
        let finding = strict.as_finding(Transport::Rest).unwrap();
        assert_eq!((finding.verdict, finding.transport), (Verdict::Fail, Transport::Rest));
        assert!(finding.is_dialect() && !finding.evidence.is_empty());
        assert!(strict.finding.unwrap().changes.iter().any(|change| change.contains("wrapper")));
        let compat = of(Dialect::D1, Profile::Compat);
        let compat = compat.as_finding(Transport::P2p).unwrap();
        assert_eq!(compat.verdict, Verdict::Warn);
        assert!(compat.message.contains("Alby Hub"));
        let page = of(Dialect::RestSeed, Profile::Strict).as_finding(Transport::Rest).unwrap();
        assert_eq!(page.verdict, Verdict::Warn);
    }
}
