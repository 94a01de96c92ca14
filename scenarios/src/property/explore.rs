//! Many cases, and the smallest ones that break something.

use std::collections::BTreeSet;

use proptest::strategy::{SBoxedStrategy, Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::attempt::{Attempt, attempt, one_each};
use super::case::{Call, Case};
use super::world::{Driver, World};
use super::{Possible, Property, cases};
use crate::action::Transport;
use crate::invariant::{self, RunFacts};
use crate::requirement::RequirementId;
use crate::transcript::Transcript;
use crate::verdict::{CheckResult, Verdict};

/// Tries in shrinking one case.
const SHRINK_STEPS: usize = 96;

/// How often shrinking one case may wait for an answer in vain.
const SHRINK_SILENCES: u32 = 16;

/// The same over REST, where the wait can't be cut short.
const SHRINK_SILENCES_OVER_REST: u32 = 4;

/// Requests of drawn cases that may be left unanswered, each of which costs a wait.
const MOST_SILENCES: u32 = 100;

/// Counter-examples after which there is no use in going on.
const MOST_COUNTER_EXAMPLES: usize = 24;

/// Counter-examples that come from one case.
const MOST_PER_CASE: u32 = 4;

/// How much is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Where everything is drawn from.
    pub seed: u64,
    /// How many cases are drawn.
    pub cases: u32,
    /// What can be done beside sending messages.
    pub possible: Possible,
}

/// A case that breaks something, made as small as it could.
#[derive(Clone, Debug)]
pub struct CounterExample {
    /// The case.
    pub case: Case,
    /// What it breaks.
    pub broken: Vec<CheckResult>,
}

/// What came of many cases.
#[derive(Clone, Debug, Default)]
pub struct Exploration {
    /// How many cases were carried out, not counting those tried in shrinking.
    pub tried: u32,
    /// How many were left out because no more orders may be made.
    pub left_out: u32,
    /// The counter-examples, in the order in which they were found.
    pub counter_examples: Vec<CounterExample>,
    /// What get_info breaks whatever is asked.
    pub beforehand: Vec<CheckResult>,
    /// The requirements that were kept, one result each.
    pub kept: Vec<CheckResult>,
    /// Why it ended before the last case.
    pub stopped: Option<String>,
    /// Whether that is the harness's trouble and not the target's.
    pub trouble: bool,
    /// What went over the wire, the first 2,000 exchanges of it at most.
    pub transcript: Transcript,
}

impl Exploration {
    /// All findings and all that was kept, one result for each requirement.
    pub fn checks(&self) -> Vec<CheckResult> {
        let broken = self.counter_examples.iter().flat_map(|example| &example.broken);
        one_each(self.beforehand.iter().chain(broken).chain(&self.kept).cloned())
    }
}

/// Tries as many cases of a property as asked for.
pub async fn explore<D: Driver>(
    property: Property,
    effort: Effort,
    world: &mut World,
    driver: &mut D,
) -> Exploration {
    world.shares_orders = property == Property::Requests;
    let mut search = Search::new(world, driver);
    if property == Property::Requests {
        // What the plainest requests break isn't to be found in others, which would be larger.
        for case in plain_cases(search.world.context.transport) {
            search.try_plain(&case).await;
        }
    }
    // After the plain cases, so that the target's network is known from an invoice.
    let strategies = cases(property, &search.world.facts(), effort.possible);
    for (index, strategy) in (0..effort.cases).zip(strategies.iter().cycle()) {
        if search.has_ended() {
            break;
        }
        search.try_drawn(&Drawn { strategy, seed: effort.seed, index }).await;
    }
    search.finish()
}

/// Carries out one case that is known, and doesn't shrink it.
pub async fn repeat<D: Driver>(case: &Case, world: &mut World, driver: &mut D) -> Exploration {
    world.shares_orders = false;
    let mut search = Search::new(world, driver);
    search.try_plain(case).await;
    search.finish()
}

fn plain_cases(transport: Transport) -> Vec<Case> {
    let mut cases = vec![
        Case::of(Call::plain("get_info")),
        Case::of(Call::plain("create_order")),
        Case::after_order(Call::plain("get_order").with("order_id", "order[0]")),
    ];
    if transport == Transport::P2p {
        cases.insert(0, Case::of(Call::plain("list_protocols")));
    }
    cases
}

struct Search<'a, D> {
    world: &'a mut World,
    driver: &'a mut D,
    /// What is known to be broken.
    known: BTreeSet<RequirementId>,
    found: Exploration,
    kept: Vec<CheckResult>,
    kept_rows: BTreeSet<RequirementId>,
    silences: u32,
}

impl<'a, D: Driver> Search<'a, D> {
    fn new(world: &'a mut World, driver: &'a mut D) -> Self {
        let info = Transcript { exchanges: vec![world.info.clone()] };
        let beforehand: Vec<CheckResult> =
            invariant::judge(&info, &world.context, &mut RunFacts::default())
                .into_iter()
                .filter(|check| check.verdict >= Verdict::Warn)
                .collect();
        Self {
            world,
            driver,
            known: beforehand.iter().map(|check| check.requirement.clone()).collect(),
            found: Exploration { beforehand, ..Exploration::default() },
            kept: Vec::new(),
            kept_rows: BTreeSet::new(),
            silences: 0,
        }
    }

    fn has_ended(&self) -> bool {
        self.found.stopped.is_some()
    }

    fn finish(mut self) -> Exploration {
        self.found.kept = self.kept;
        self.found.transcript = Transcript { exchanges: std::mem::take(&mut self.world.history) };
        self.found
    }

    async fn try_plain(&mut self, case: &Case) {
        if self.has_ended() {
            return;
        }
        let outcome = self.try_once(case).await;
        self.count_silence(&outcome);
        let broken = self.new_in(&outcome);
        if !broken.is_empty() {
            self.add(case.clone(), broken);
        }
        self.take_note(&outcome);
    }

    async fn try_drawn(&mut self, drawn: &Drawn<'_>) {
        let Some((case, _)) = drawn.after(&[]) else { return };
        let outcome = self.try_once(&case).await;
        self.count_silence(&outcome);
        for _ in 0..MOST_PER_CASE {
            let broken = self.new_in(&outcome);
            if broken.is_empty() || self.has_ended() {
                break;
            }
            let mut smallest = (case.clone(), broken);
            // Without a target there is nothing to try a smaller case on.
            if !outcome.is_over() {
                self.shrink(drawn, &mut smallest).await;
            }
            self.add(smallest.0, smallest.1);
        }
        self.take_note(&outcome);
    }

    /// Makes a case smaller as long as it still breaks something that isn't known yet.
    async fn shrink(&mut self, drawn: &Drawn<'_>, smallest: &mut (Case, Vec<CheckResult>)) {
        let mut silences_left = match self.world.context.transport {
            Transport::P2p => SHRINK_SILENCES,
            Transport::Rest => SHRINK_SILENCES_OVER_REST,
        };
        let mut path = vec![Move::Simplify];
        while path.len() <= SHRINK_STEPS && silences_left > 0 {
            let Some((case, true)) = drawn.after(&path) else { break };
            let outcome = self.try_once(&case).await;
            silences_left -= u32::from(outcome.silent);
            let broken = self.new_in(&outcome);
            path.push(if broken.is_empty() { Move::Complicate } else { Move::Simplify });
            if !broken.is_empty() {
                *smallest = (case, broken);
            }
            if outcome.is_over() {
                self.take_note(&outcome);
                break;
            }
        }
        self.strip(smallest, silences_left).await;
    }

    /// Takes away one thing after the other, as values that are drawn together are only shrunk together.
    async fn strip(&mut self, smallest: &mut (Case, Vec<CheckResult>), mut silences_left: u32) {
        let mut left = SHRINK_STEPS;
        let mut place = 0;
        while let Some(case) = smallest.0.without_part(place) {
            if left == 0 || silences_left == 0 || self.has_ended() {
                return;
            }
            left -= 1;
            let outcome = self.try_once(&case).await;
            silences_left -= u32::from(outcome.silent);
            let broken = self.new_in(&outcome);
            if outcome.is_over() {
                self.take_note(&outcome);
            }
            // What can be done without is gone, so that the next part is in its place now.
            match broken.is_empty() {
                true => place += 1,
                false => *smallest = (case, broken),
            }
        }
    }

    async fn try_once(&mut self, case: &Case) -> Attempt {
        let mut outcome = attempt(case, self.world, self.driver).await;
        if outcome.rejected && self.world.renew_keys(self.driver).await {
            // The key may have had its share of orders.
            outcome = attempt(case, self.world, self.driver).await;
        }
        if outcome.silent {
            // It has been waited for as long as is due. From now on a quiet window, and then a request that is answered,
            // tell silence from slowness.
            self.world.be_impatient();
        }
        outcome
    }

    fn count_silence(&mut self, outcome: &Attempt) {
        self.silences += u32::from(outcome.silent);
        if self.silences >= MOST_SILENCES && self.found.stopped.is_none() {
            let reason = format!("the target has left {MOST_SILENCES} requests unanswered");
            self.found.stopped = Some(reason);
        }
    }

    fn new_in(&self, outcome: &Attempt) -> Vec<CheckResult> {
        one_each(outcome.broken(&self.known).into_iter().cloned())
    }

    fn add(&mut self, case: Case, broken: Vec<CheckResult>) {
        self.known.extend(broken.iter().map(|check| check.requirement.clone()));
        self.found.counter_examples.push(CounterExample { case, broken });
        if self.found.counter_examples.len() >= MOST_COUNTER_EXAMPLES {
            self.found.stopped =
                Some(format!("{MOST_COUNTER_EXAMPLES} counter-examples are enough"));
        }
    }

    fn take_note(&mut self, outcome: &Attempt) {
        for check in outcome.kept() {
            if self.kept_rows.insert(check.requirement.clone()) {
                self.kept.push(check.clone());
            }
        }
        if outcome.left_out {
            self.found.left_out += 1;
        } else {
            self.found.tried += 1;
        }
        self.world.ignoring = self.world.ignoring.and(outcome.ignoring);
        if outcome.rejected {
            // More orders would only be turned away as well.
            self.world.orders_left = 0;
        }
        if let Some(reason) = &outcome.dead {
            self.found.stopped = Some(format!("the target is gone: {reason}"));
        }
        if let Some(reason) = outcome.busy {
            self.found.stopped = Some(reason.into());
        }
        if let Some(reason) = &outcome.failed {
            self.found.stopped = Some(reason.clone());
            self.found.trouble = true;
        }
    }
}

/// A step in shrinking.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Takes something away.
    Simplify,
    /// Takes the last step back, in part.
    Complicate,
}

/// A case and all smaller ones. It is drawn anew for every step, so that nothing has to be kept in between: the same seed
/// and number give the same case again, whatever was drawn before.
struct Drawn<'a> {
    strategy: &'a SBoxedStrategy<Case>,
    seed: u64,
    index: u32,
}

impl Drawn<'_> {
    /// The case after these moves, and whether the last of them could be made.
    fn after(&self, path: &[Move]) -> Option<(Case, bool)> {
        let mut seed = [0; 32];
        let drawn_from = self.seed.to_le_bytes().into_iter().chain(self.index.to_le_bytes());
        seed.iter_mut().zip(drawn_from).for_each(|(place, byte)| *place = byte);
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let config = Config { failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, rng);
        // Only a filter can make drawing fail, and there is none.
        let mut tree = self.strategy.new_tree(&mut runner).ok()?;
        let mut moved = true;
        for step in path {
            moved = match step {
                Move::Simplify => tree.simplify(),
                Move::Complicate => tree.complicate(),
            };
        }
        Some((tree.current(), moved))
    }
}
