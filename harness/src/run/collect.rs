//! From many checks to one finding per requirement and transport, and the list of what nothing was decided about.

use std::collections::{BTreeMap, BTreeSet};

use lsps1_scenarios::coverage::{Covered, Kind};
use lsps1_scenarios::requirement::{Observable, Prerequisite};
use lsps1_scenarios::{
    CheckResult, Profile, Requirement, RequirementId, Transport, Verdict, compat, dialect,
};

use super::plan::{Left, NEEDS_CHAIN, Plan};
use crate::report::evidence::redacted;
use crate::report::finding::FindingReport;
use crate::report::model::{NotJudged, ScenarioReport, Summary};
use crate::text::{Redactor, one_line};

/// Gathers what the scenarios of a run found.
#[derive(Debug, Default)]
pub struct Collector {
    profile: Profile,
    /// What the target's dialect explains.
    explained: BTreeMap<Transport, BTreeMap<RequirementId, String>>,
    findings: BTreeMap<(RequirementId, Transport), Gathered>,
    /// Requirements that some check decided about.
    judged: BTreeSet<RequirementId>,
    scenarios: Vec<ScenarioReport>,
    summary: Summary,
}

#[derive(Debug)]
struct Gathered {
    first: CheckResult,
    scenario: String,
    met_by: usize,
}

/// What a [`Collector`] has gathered in the end.
#[derive(Debug)]
pub struct Collected {
    /// How many scenarios ended with each verdict.
    pub summary: Summary,
    /// The scenarios in the order in which they ran.
    pub scenarios: Vec<ScenarioReport>,
    /// Broken MUSTs first, by requirement and transport.
    pub findings: Vec<FindingReport>,
    /// MUST rows on which nothing was decided.
    pub not_judged: Vec<NotJudged>,
    /// Rows that aren't kept only because of the target's dialect.
    pub explained: BTreeMap<Transport, Vec<String>>,
}

impl Collector {
    /// A collector for a run with this profile.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { profile, ..Self::default() }
    }

    /// Adds a scenario that has ended, with the outcomes of its checks.
    pub fn add(&mut self, scenario: ScenarioReport, checks: Vec<CheckResult>) {
        for check in checks {
            if matches!(check.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail) {
                self.judged.insert(check.requirement.clone());
            }
            if dialect::is_explained(&check) {
                let explained = self.explained.entry(scenario.transport).or_default();
                explained.entry(check.requirement.clone()).or_insert_with(|| check.message.clone());
            }
            if matches!(check.verdict, Verdict::Warn | Verdict::Fail) {
                self.add_finding(&scenario, check);
            }
        }
        self.summary.count(scenario.verdict);
        self.scenarios.push(scenario);
    }

    fn add_finding(&mut self, scenario: &ScenarioReport, check: CheckResult) {
        let key = (check.requirement.clone(), scenario.transport);
        match self.findings.get_mut(&key) {
            None => {
                self.findings.insert(
                    key,
                    Gathered { first: check, scenario: scenario.id.clone(), met_by: 1 },
                );
            }
            Some(known) => {
                known.met_by += 1;
                // A MUST that one scenario finds broken isn't hidden by a warning of an earlier one.
                if check.verdict > known.first.verdict {
                    known.first = check;
                    known.scenario = scenario.id.clone();
                }
            }
        }
    }

    /// Everything in its final form. The plan and what checks each row tell why what wasn't judged wasn't.
    #[must_use]
    pub fn finish(self, plan: &Plan, coverage: &[Covered], redactor: &Redactor) -> Collected {
        let not_judged = self.not_judged(plan, coverage);
        let rows: BTreeMap<&RequirementId, &Requirement> =
            coverage.iter().map(|covered| (&covered.row.id, covered.row)).collect();
        let explained = self.explained_rows();
        let mut findings: Vec<FindingReport> = self
            .findings
            .into_iter()
            .map(|((requirement, transport), gathered)| {
                let row = rows.get(&requirement).copied();
                FindingReport {
                    requirement: requirement.to_string(),
                    section: row.map(|row| row.section.clone()).unwrap_or_default(),
                    text: row.map(|row| row.text.clone()).unwrap_or_default(),
                    verdict: gathered.first.verdict,
                    transport,
                    scenario: gathered.scenario,
                    met_by: gathered.met_by,
                    message: redactor.clean(&noted(self.profile, row, &gathered.first)),
                    evidence: gathered
                        .first
                        .evidence
                        .into_iter()
                        .map(|evidence| redacted(evidence, redactor))
                        .collect(),
                }
            })
            .collect();
        // Stable: within a verdict the order stays by requirement, then transport.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        Collected {
            summary: self.summary,
            scenarios: self.scenarios,
            findings,
            not_judged,
            explained,
        }
    }

    /// What a dialect explains, unless something else is wrong with it, too.
    fn explained_rows(&self) -> BTreeMap<Transport, Vec<String>> {
        let of = |(transport, rows): (&Transport, &BTreeMap<RequirementId, String>)| {
            let rows = rows
                .keys()
                .filter(|row| !self.findings.contains_key(&((*row).clone(), *transport)))
                .map(ToString::to_string);
            (*transport, rows.collect())
        };
        self.explained.iter().map(of).collect()
    }

    fn not_judged(&self, plan: &Plan, coverage: &[Covered]) -> Vec<NotJudged> {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let undecided = |row: &Requirement| can_be_broken(row) && !self.judged.contains(&row.id);
        for covered in coverage.iter().filter(|covered| undecided(covered.row)) {
            let id = covered.row.id.to_string();
            groups.entry(self.why_not(covered, plan)).or_default().push(id);
        }
        let mut groups: Vec<NotJudged> = groups
            .into_iter()
            .map(|(reason, requirements)| NotJudged { reason, requirements })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.requirements.len()));
        groups
    }

    /// Why nothing was decided about a row; of several scenarios that name it, what happened to the one that came
    /// furthest.
    fn why_not(&self, covered: &Covered, plan: &Plan) -> String {
        let row = covered.row;
        let id = row.id.as_str();
        if let Some(message) = self.explained.values().find_map(|rows| rows.get(&row.id)) {
            // The particulars differ from row to row.
            let reason = message.split(':').next().unwrap_or(message);
            return reason.to_owned();
        }
        let mut skipped = None;
        for scenario in
            self.scenarios.iter().filter(|s| s.requirements.iter().any(|named| named == id))
        {
            match scenario.verdict {
                Verdict::Inconclusive | Verdict::Error => return "inconclusive".to_owned(),
                Verdict::Skip => skipped = skipped.or(scenario.reason.as_deref()),
                Verdict::Pass | Verdict::Warn | Verdict::Fail => {
                    return NOT_MET.to_owned();
                }
            }
        }
        if let Some(reason) = skipped {
            return format!("skipped: {}", one_line(reason));
        }
        match plan.left_out(&row.id) {
            Some(Left::Filtered) => "left out by --filter, --skip or --transport".to_owned(),
            Some(Left::NoTransport(Transport::P2p)) => "need --p2p".to_owned(),
            Some(Left::NoTransport(Transport::Rest)) => "need --rest".to_owned(),
            None => not_by_scenarios(covered, plan),
        }
    }
}

/// Said of rows that are judged when something happens that didn't.
const NOT_MET: &str = "their condition did not arise in this run";

/// Why nothing was decided about a row that no scenario is about.
fn not_by_scenarios(covered: &Covered, plan: &Plan) -> String {
    let takes_chain = covered.row.needs.iter().any(|need| needs_chain(*need));
    if let Some(unchecked) = covered.unchecked() {
        return match unchecked.kind {
            // What each of them takes is told by `list --requirements`.
            Kind::Needs if takes_chain => {
                "not checked yet: they take more than messages".to_owned()
            }
            _ => unchecked.why,
        };
    }
    // Invariants judge it, in traffic that has to occur first.
    if let Some(transport) = plan.missing_for(covered.row) {
        return format!("need --{transport}");
    }
    if !plan.has_chain() && takes_chain {
        return format!("skipped: {NEEDS_CHAIN}");
    }
    NOT_MET.to_owned()
}

/// The message of a finding. Where profile `compat` tolerates what is known of the ecosystem, it names who suffers.
fn noted(profile: Profile, row: Option<&Requirement>, check: &CheckResult) -> String {
    let tolerated = profile == Profile::Compat
        && check.verdict == Verdict::Warn
        && row.is_some_and(|row| row.level.is_must());
    let mut message = check.message.clone();
    for deviation in compat::deviations_from(&check.requirement).filter(|_| tolerated) {
        message.push_str(&format!("; {deviation}"));
    }
    message
}

/// Whether an LSP can break the row in a way that is visible from outside.
#[must_use]
pub fn can_be_broken(row: &Requirement) -> bool {
    row.level.is_must()
        && row.binds.binds_lsp()
        && row
            .observable
            .iter()
            .any(|seen| !matches!(seen, Observable::Cli | Observable::Wb | Observable::Doc))
}

/// Whether it takes more than messages, and that a regtest network gives it.
pub(crate) const fn needs_chain(need: Prerequisite) -> bool {
    matches!(
        need,
        Prerequisite::Payment | Prerequisite::Chain | Prerequisite::Time | Prerequisite::Wire
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::plan::{ChainMeans, Face, Means, Selection};
    use lsps1_scenarios::coverage::coverage;
    use lsps1_scenarios::{Catalogue, Evidence, Scenario, builtin_scenarios};

    fn scenario(id: &str, transport: Transport, verdict: Verdict) -> ScenarioReport {
        ScenarioReport {
            id: id.into(),
            title: id.into(),
            transport,
            requirements: vec!["L1-001".into()],
            verdict,
            reason: Some("because".into()),
            explained_by: None,
            duration_ms: 1,
        }
    }

    fn check(requirement: &str, verdict: Verdict, message: &str) -> CheckResult {
        CheckResult {
            requirement: requirement.into(),
            verdict,
            message: message.into(),
            evidence: vec![Evidence::note(format!("{message} sesame"))],
        }
    }

    fn finish(collector: Collector) -> Collected {
        collector.finish(&Plan::default(), &coverage(&scenarios()), &Redactor::new(["sesame"]))
    }

    fn scenarios() -> Vec<Scenario> {
        builtin_scenarios().unwrap()
    }

    #[test]
    fn one_finding_per_requirement_and_transport_with_the_first_evidence() {
        let mut collector = Collector::default();
        for (id, transport) in
            [("a", Transport::P2p), ("b", Transport::P2p), ("c", Transport::Rest)]
        {
            let checks =
                vec![check("L1-001", Verdict::Fail, id), check("L1-004", Verdict::Pass, "")];
            collector.add(scenario(id, transport, Verdict::Fail), checks);
        }
        let collected = finish(collector);
        assert_eq!(collected.summary.fail, 3);
        let [p2p, rest] = &collected.findings[..] else { panic!("{:?}", collected.findings) };
        assert_eq!((p2p.scenario.as_str(), p2p.met_by, p2p.message.as_str()), ("a", 2, "a"));
        assert_eq!((rest.scenario.as_str(), rest.met_by), ("c", 1));
    }

    #[test]
    fn a_failure_replaces_an_earlier_warning_and_comes_first() {
        let mut collector = Collector::default();
        collector.add(
            scenario("a", Transport::P2p, Verdict::Warn),
            vec![check("L0-001", Verdict::Warn, "w"), check("L1-001", Verdict::Warn, "x")],
        );
        collector.add(
            scenario("b", Transport::P2p, Verdict::Fail),
            vec![check("L1-001", Verdict::Fail, "y")],
        );
        let collected = finish(collector);
        let shown: Vec<_> = collected
            .findings
            .iter()
            .map(|f| (f.requirement.as_str(), f.message.as_str(), f.met_by))
            .collect();
        assert_eq!(shown, [("L1-001", "y", 2), ("L0-001", "w", 1)]);
    }

    #[test]
    fn secrets_are_taken_out_of_messages_and_evidence() {
        let mut collector = Collector::default();
        collector.add(
            scenario("a", Transport::P2p, Verdict::Fail),
            vec![check("L1-001", Verdict::Fail, "sesame")],
        );
        let collected = finish(collector);
        let json = serde_json::to_string(&collected.findings).unwrap();
        assert!(!json.contains("sesame"), "{json}");
    }

    #[test]
    fn in_compat_a_tolerated_must_names_who_suffers() {
        let message = |profile, verdict| {
            let mut collector = Collector::new(profile);
            let checks = vec![check("L0-161", verdict, "x")];
            collector.add(scenario("a", Transport::P2p, verdict), checks);
            finish(collector).findings[0].message.clone()
        };
        assert!(message(Profile::Compat, Verdict::Warn).contains("cln-lsps"));
        assert_eq!(message(Profile::Compat, Verdict::Fail), "x");
        assert_eq!(message(Profile::Strict, Verdict::Warn), "x");
    }

    #[test]
    fn what_a_dialect_explains_is_not_judged_and_no_finding() {
        let mut collector = Collector::default();
        let undecided = |row, message| check(row, Verdict::Inconclusive, message);
        let explained = "explained by dialect d1: x";
        let checks = vec![
            undecided("L1-011", explained),
            undecided("L1-125", explained),
            undecided("L1-135", "x"),
        ];
        collector.add(scenario("a", Transport::P2p, Verdict::Inconclusive), checks);
        collector.add(
            scenario("b", Transport::P2p, Verdict::Fail),
            vec![check("L1-125", Verdict::Fail, "y")],
        );
        let collected = finish(collector);
        assert_eq!(collected.explained[&Transport::P2p], ["L1-011"]);
        assert_eq!(collected.findings.len(), 1);
        let group = |reason| collected.not_judged.iter().find(move |group| group.reason == reason);
        assert_eq!(group("explained by dialect d1").unwrap().requirements, ["L1-011"]);
    }

    #[test]
    fn what_was_not_judged_is_grouped_by_reason() {
        let mut collector = Collector::default();
        collector.add(scenario("a", Transport::P2p, Verdict::Skip), Vec::new());
        let collected = finish(collector);
        let skipped =
            collected.not_judged.iter().find(|group| group.reason == "skipped: because").unwrap();
        assert_eq!(skipped.requirements, ["L1-001"]);
        let all: usize = collected.not_judged.iter().map(|group| group.requirements.len()).sum();
        let rows = Catalogue::builtin().iter().filter(|row| can_be_broken(row)).count();
        assert_eq!(all, rows);
        assert!(rows > 270, "{rows}");
    }

    #[test]
    fn rows_that_no_scenario_is_about_have_the_reason_of_what_judges_them() {
        let scenarios = scenarios();
        let covered = coverage(&scenarios);
        let reason = |id: &str, means: &Means| {
            let plan = Plan::new(&scenarios, &Selection::default(), means);
            let covered = covered.iter().find(|covered| covered.row.id.as_str() == id).unwrap();
            assert!(covered.scenarios.is_empty(), "{id} has scenarios now, take another row");
            not_by_scenarios(covered, &plan)
        };
        let rest = Means { rest: Face::There, ..Means::default() };
        let both = Means { p2p: Face::There, ..rest.clone() };
        let on_chain = Means { chain: ChainMeans::Ready, ..both.clone() };
        // By invariants: over custom messages only, and after a payment only.
        assert_eq!(reason("L0-042", &rest), "need --p2p");
        assert_eq!(reason("L0-042", &both), NOT_MET);
        assert_eq!(reason("L1-239", &both), format!("skipped: {NEEDS_CHAIN}"));
        assert_eq!(reason("L1-239", &on_chain), NOT_MET);
        // By nothing.
        let umbrella = Catalogue::builtin().iter().find(|row| row.umbrella && can_be_broken(row));
        let umbrella = umbrella.unwrap().id.as_str();
        assert!(reason(umbrella, &both).starts_with("restates other rows"), "{umbrella}");
    }
}
