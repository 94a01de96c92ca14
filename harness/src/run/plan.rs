//! Which scenarios are run on which transport, and why the others aren't.

use std::collections::BTreeMap;

use lsps1_scenarios::{Need, Requirement, RequirementId, Scenario, Transport};

/// What there is to run scenarios with.
#[derive(Clone, Debug, Default)]
pub struct Means {
    /// The target's REST face.
    pub rest: Face,
    /// The target's node.
    pub p2p: Face,
    /// Whether there is a chain with payer, miner and clients, or why what needs one can't be brought to a verdict.
    pub chain: ChainMeans,
    /// Whether there is something that pays where there is no chain.
    pub payer: PayerMeans,
    /// Whether there is a node that takes channels where there is no chain.
    pub client_node: bool,
    /// Whether the operator gave a good token.
    pub token: bool,
    /// Whether the operator gave a token that was good once.
    pub spent_token: bool,
    /// Whether the target lets its time be moved.
    pub clock: bool,
    /// Whether the harness has started the target, and can do so again.
    pub restart: bool,
}

/// One face of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Face {
    /// None was given: its scenarios aren't part of the run.
    #[default]
    None,
    /// It can be spoken to.
    There,
    /// It was given, but can't be reached, for this reason.
    Unavailable(String),
}

/// The chain side of [`Means`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ChainMeans {
    /// None was asked for.
    #[default]
    None,
    /// It is there.
    Ready,
    /// It was asked for, but its set-up failed.
    Failed(String),
}

/// What pays where there is no chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PayerMeans {
    /// None was given.
    #[default]
    None,
    /// It is there.
    Ready,
    /// It was given, but its set-up failed.
    Failed(String),
}

impl Means {
    /// The target's face for a transport.
    #[must_use]
    pub const fn face(&self, transport: Transport) -> &Face {
        match transport {
            Transport::P2p => &self.p2p,
            Transport::Rest => &self.rest,
        }
    }
}

/// What is said of a scenario that can't be run without a chain.
pub(super) const NEEDS_CHAIN: &str =
    "needs a chain (give --regtest with --target-cmd, or --bitcoind-rpc)";

/// What is said of a scenario that can't be run without somebody who pays.
const NEEDS_PAYER: &str = "needs a payer (give --pay-cmd with --allow-spend; or a chain: --regtest with --target-cmd, or --bitcoind-rpc)";

/// What is said of a scenario in which a channel is bought where there is no chain.
const NEEDS_CLIENT_NODE: &str = "needs a node that gets the channel (give --client-node; or a chain: --regtest with --target-cmd, or --bitcoind-rpc)";

/// What the operator wants to see run.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// A scenario has to contain one of these in its name or requirement ids, if there are any.
    pub filter: Vec<String>,
    /// A scenario must contain none of these.
    pub skip: Vec<String>,
    /// Only this transport.
    pub transport: Option<Transport>,
    /// Only scenarios in which orders are paid, or the target is started again.
    pub only_on_chain: bool,
}

/// A scenario on a transport.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its place in the list that the plan was made from.
    pub index: usize,
    /// How it is run.
    pub transport: Transport,
    /// Why it isn't run, known beforehand.
    pub obstacle: Option<Obstacle>,
}

/// Why a planned scenario can't be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// What it needs wasn't given: it is skipped.
    NotGiven(String),
    /// What it needs was given, but failed: it is inconclusive.
    Failed(String),
}

/// Why a scenario isn't part of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The operator's selection leaves it out.
    Filtered,
    /// The target has no such transport.
    NoTransport(Transport),
}

/// What a run does, in order: what takes no payment first, what needs the target for itself last, and what moves its clock
/// behind that; custom messages before REST.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The scenarios that are part of the run.
    pub planned: Vec<Planned>,
    left_out: BTreeMap<RequirementId, Left>,
    /// The interfaces that the target hasn't got, or isn't known to have.
    missing: Vec<Transport>,
    has_chain: bool,
}

impl Plan {
    /// Chooses from `scenarios`.
    #[must_use]
    pub fn new(scenarios: &[Scenario], selection: &Selection, means: &Means) -> Self {
        let missing = Transport::ALL.into_iter().filter(|face| *means.face(*face) == Face::None);
        let mut plan = Self {
            missing: missing.collect(),
            has_chain: means.chain == ChainMeans::Ready,
            ..Self::default()
        };
        for (index, scenario) in scenarios.iter().enumerate() {
            for &transport in scenario.transports() {
                if let Some(left) = left_out(scenario, transport, selection, means) {
                    for requirement in scenario.requirements() {
                        // Left out by choice says more than left out for want of a transport.
                        let known = plan.left_out.entry(requirement).or_insert(left);
                        if left == Left::Filtered {
                            *known = left;
                        }
                    }
                    continue;
                }
                let obstacle = obstacle(scenario, transport, means);
                plan.planned.push(Planned { index, transport, obstacle });
            }
        }
        plan.planned.sort_by_key(|planned| {
            let scenario = scenarios.get(planned.index);
            let is_paid = scenario.is_some_and(Scenario::is_paid);
            let is_alone = scenario.is_some_and(Scenario::is_alone);
            // Times that the target names are ahead once its clock was moved: the fewest see that.
            let moves_clock = scenario.is_some_and(Scenario::moves_clock);
            (is_paid, moves_clock, is_alone, planned.transport)
        });
        plan
    }

    /// Whether there is a chain around the target.
    #[must_use]
    pub const fn has_chain(&self) -> bool {
        self.has_chain
    }

    /// The interface without which nothing is seen of `row`, if it is missing.
    #[must_use]
    pub fn missing_for(&self, row: &Requirement) -> Option<Transport> {
        let is_seen = |transport: &Transport| match transport {
            Transport::P2p => row.on_p2p(),
            Transport::Rest => row.on_rest(),
        };
        let mut seen = Transport::ALL.into_iter().filter(is_seen);
        match (seen.next(), seen.next()) {
            (Some(only), None) if self.missing.contains(&only) => Some(only),
            _ => None,
        }
    }

    /// Why the scenarios that check `requirement` aren't part of the plan, if there are any.
    #[must_use]
    pub fn left_out(&self, requirement: &RequirementId) -> Option<Left> {
        self.left_out.get(requirement).copied()
    }
}

/// `p2p::get-info-shape`.
#[must_use]
pub fn name(scenario: &Scenario, transport: Transport) -> String {
    format!("{transport}::{}", scenario.id())
}

fn left_out(
    scenario: &Scenario,
    transport: Transport,
    selection: &Selection,
    means: &Means,
) -> Option<Left> {
    let name = name(scenario, transport);
    let requirements = scenario.requirements();
    let contains = |text: &String| {
        name.contains(text.as_str())
            || requirements.iter().any(|id| id.as_str().contains(text.as_str()))
    };
    let selected = selection.transport.is_none_or(|only| only == transport)
        && (selection.filter.is_empty() || selection.filter.iter().any(contains))
        && !selection.skip.iter().any(contains)
        && (!selection.only_on_chain
            || scenario.is_paid()
            || scenario.needs().contains(&Need::Restart));
    if *means.face(transport) == Face::None {
        Some(Left::NoTransport(transport))
    } else if !selected {
        Some(Left::Filtered)
    } else {
        None
    }
}

fn obstacle(scenario: &Scenario, transport: Transport, means: &Means) -> Option<Obstacle> {
    if let Face::Unavailable(reason) = means.face(transport) {
        return Some(Obstacle::Failed(reason.clone()));
    }
    scenario.needs().iter().find_map(|need| match need {
        Need::Chain => match &means.chain {
            ChainMeans::Ready => None,
            ChainMeans::None => Some(Obstacle::NotGiven(NEEDS_CHAIN.to_owned())),
            ChainMeans::Failed(reason) => Some(Obstacle::Failed(reason.clone())),
        },
        Need::Payer => match (&means.chain, &means.payer) {
            (ChainMeans::Ready, _) | (ChainMeans::None, PayerMeans::Ready) => None,
            (ChainMeans::None, PayerMeans::None) => {
                Some(Obstacle::NotGiven(NEEDS_PAYER.to_owned()))
            }
            (ChainMeans::Failed(reason), _) | (ChainMeans::None, PayerMeans::Failed(reason)) => {
                Some(Obstacle::Failed(reason.clone()))
            }
        },
        Need::ClientNode if means.client_node || means.chain != ChainMeans::None => None,
        Need::ClientNode => Some(Obstacle::NotGiven(NEEDS_CLIENT_NODE.to_owned())),
        Need::Token if means.token => None,
        Need::Token => Some(Obstacle::NotGiven(
            "needs a token that the target accepts (give --token)".to_owned(),
        )),
        Need::SpentToken if means.spent_token => None,
        Need::SpentToken => Some(Obstacle::NotGiven(
            "needs a token that the target accepted once and doesn't any more (give --spent-token)"
                .to_owned(),
        )),
        Need::Clock if means.clock => None,
        Need::Clock => Some(Obstacle::NotGiven(
            "needs control of the target's time (give --control, or \"control\" in the ready line of --target-cmd)"
                .to_owned(),
        )),
        Need::Restart if means.restart => None,
        Need::Restart => Some(Obstacle::NotGiven(
            "needs a target that goes on where it was when it is killed and started again (give --restarts with --target-cmd, or \"restart\": true in its ready line)"
                .to_owned(),
        )),
        // Keys cost nothing.
        Need::SecondKey => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn scenarios() -> Vec<Scenario> {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let steps = "steps:\n  - call: get_info\n    expect:\n      - for: [L1-004]\n        at: $.result\n        is: {}\n";
        write("a.yaml", &format!("id: chained\ntitle: t\nneeds: [chain]\n{steps}"));
        write("b.yaml", &format!("id: plain\ntitle: t\n{steps}"));
        write(
            "c.yaml",
            &format!("id: with-token\ntitle: t\ntransports: [rest]\nneeds: [token]\n{steps}"),
        );
        load(folder.path())
    }

    fn load(folder: &Path) -> Vec<Scenario> {
        lsps1_scenarios::load_dir(folder).unwrap()
    }

    fn names(plan: &Plan, scenarios: &[Scenario]) -> Vec<String> {
        plan.planned
            .iter()
            .map(|planned| name(&scenarios[planned.index], planned.transport))
            .collect()
    }

    #[test]
    fn what_needs_a_chain_comes_last_and_says_what_it_lacks() {
        let scenarios = scenarios();
        let means = Means { rest: Face::There, p2p: Face::There, ..Means::default() };
        let plan = Plan::new(&scenarios, &Selection::default(), &means);
        assert_eq!(
            names(&plan, &scenarios),
            ["p2p::plain", "rest::plain", "rest::with-token", "p2p::chained", "rest::chained"]
        );
        assert_eq!(plan.planned[0].obstacle, None);
        let reason = |at: usize| match plan.planned[at].obstacle.clone() {
            Some(Obstacle::NotGiven(reason)) => reason,
            other => panic!("{other:?}"),
        };
        assert!(reason(2).contains("--token"));
        assert!(reason(3).contains("--regtest"));
    }

    #[test]
    fn what_moves_the_clock_comes_behind_all_others() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, needs: &str, step: &str| {
            let text = format!("id: {name}\ntitle: t\nneeds: [{needs}]\nsteps:\n  - {step}\n");
            std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
        };
        write("clocked", "chain, clock", "advance_clock: 3600");
        write("reorganised", "chain", "reorganise: 1");
        write("shared", "chain", "mine: 1");
        let scenarios = load(folder.path());
        let means = Means { p2p: Face::There, rest: Face::There, ..Means::default() };
        let plan = Plan::new(&scenarios, &Selection::default(), &means);
        let expected = [
            "p2p::shared",
            "rest::shared",
            "p2p::reorganised",
            "rest::reorganised",
            "p2p::clocked",
            "rest::clocked",
        ];
        assert_eq!(names(&plan, &scenarios), expected);
    }

    #[test]
    fn a_chain_that_failed_is_no_reason_to_skip() {
        let scenarios = scenarios();
        let chain = ChainMeans::Failed("no bitcoind".into());
        let means =
            Means { rest: Face::There, p2p: Face::There, chain, token: true, ..Means::default() };
        let plan = Plan::new(&scenarios, &Selection::default(), &means);
        assert_eq!(plan.planned[2].obstacle, None);
        assert_eq!(plan.planned[3].obstacle, Some(Obstacle::Failed("no bitcoind".into())));
    }

    #[test]
    fn a_payer_is_a_command_or_a_chain() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "id: paid\ntitle: t\ntransports: [p2p]\nneeds: [payer]\nsteps:\n  - call: get_info\n";
        std::fs::write(folder.path().join("a.yaml"), text).unwrap();
        let scenarios = load(folder.path());
        let obstacle = |chain: ChainMeans, payer: PayerMeans| {
            let means = Means { p2p: Face::There, chain, payer, ..Means::default() };
            Plan::new(&scenarios, &Selection::default(), &means).planned[0].obstacle.clone()
        };
        let given = obstacle(ChainMeans::None, PayerMeans::None);
        assert_eq!(given, Some(Obstacle::NotGiven(NEEDS_PAYER.to_owned())));
        assert_eq!(obstacle(ChainMeans::None, PayerMeans::Ready), None);
        assert_eq!(obstacle(ChainMeans::Ready, PayerMeans::None), None);
        let failed = Some(Obstacle::Failed("x".to_owned()));
        assert_eq!(obstacle(ChainMeans::Failed("x".to_owned()), PayerMeans::None), failed);
        assert_eq!(obstacle(ChainMeans::None, PayerMeans::Failed("x".to_owned())), failed);
    }

    #[test]
    fn a_channel_is_only_bought_for_a_node_that_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let text = "id: bought\ntitle: t\ntransports: [rest]\nneeds: [payer, client-node]\nsteps:\n  - call: get_info\n";
        std::fs::write(folder.path().join("a.yaml"), text).unwrap();
        let scenarios = load(folder.path());
        let obstacle = |client_node: bool, chain: ChainMeans| {
            let payer = PayerMeans::Ready;
            let means = Means { rest: Face::There, chain, payer, client_node, ..Means::default() };
            Plan::new(&scenarios, &Selection::default(), &means).planned[0].obstacle.clone()
        };
        let given = Some(Obstacle::NotGiven(NEEDS_CLIENT_NODE.to_owned()));
        assert_eq!(obstacle(false, ChainMeans::None), given);
        assert_eq!(obstacle(true, ChainMeans::None), None);
        assert_eq!(obstacle(false, ChainMeans::Ready), None);
    }

    #[test]
    fn a_face_that_is_unavailable_makes_its_scenarios_inconclusive() {
        let scenarios = scenarios();
        let means = Means {
            rest: Face::There,
            p2p: Face::Unavailable("refused".into()),
            ..Means::default()
        };
        let plan = Plan::new(&scenarios, &Selection::default(), &means);
        assert_eq!(plan.planned[0].obstacle, Some(Obstacle::Failed("refused".into())));
        assert_eq!(plan.planned[1].obstacle, None);
    }

    #[test]
    fn filters_look_at_names_and_requirements_and_skip_wins() {
        let scenarios = scenarios();
        let means = Means { rest: Face::There, p2p: Face::There, ..Means::default() };
        let select = |filter: &[&str], skip: &[&str]| {
            let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
            let selection =
                Selection { filter: own(filter), skip: own(skip), ..Selection::default() };
            names(&Plan::new(&scenarios, &selection, &means), &scenarios)
        };
        assert_eq!(select(&["rest::plain"], &[]), ["rest::plain"]);
        assert_eq!(select(&["L1-004"], &[]).len(), 5);
        assert_eq!(select(&["plain", "token"], &["p2p::"]), ["rest::plain", "rest::with-token"]);
        assert!(select(&["nothing"], &[]).is_empty());
    }

    #[test]
    fn what_is_left_out_keeps_its_reason() {
        let scenarios = scenarios();
        let means = Means { rest: Face::There, ..Means::default() };
        let id: RequirementId = "L1-004".into();
        let selection = Selection { filter: vec!["with-token".into()], ..Selection::default() };
        assert_eq!(Plan::new(&scenarios, &selection, &means).left_out(&id), Some(Left::Filtered));
        let plan = Plan::new(&scenarios, &Selection::default(), &means);
        assert_eq!(plan.left_out(&id), Some(Left::NoTransport(Transport::P2p)));
        assert_eq!(plan.left_out(&"L1-999".into()), None);
    }
}
