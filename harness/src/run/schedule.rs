//! The order in which scenarios are run, and how many at a time.
//!
//! Scenarios that need messages only are independent of each other: each has connections and keys of its own. So they
//! may overlap, and a target that answers in 100 ms is waited for in parallel. What they found is concluded and reported
//! in the order of the plan all the same. Those on a chain share it and may overlap, too, but for those that need the
//! target for themselves: they wait for their turn.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use lsps1_scenarios::{CheckResult, Transport, Verdict};
use tokio::task::JoinSet;

use super::Watcher;
use super::liveness::Liveness;
use super::plan::{Obstacle, Plan, Planned};
use super::suite::{Outcome, Performed, Suite};
use crate::report::model::ScenarioReport;

/// Runs the whole plan; `add` gets what came of each scenario, in the order of the plan.
pub(super) async fn run_all(
    suite: &Arc<Suite>,
    plan: &Plan,
    watcher: &dyn Watcher,
    mut add: impl FnMut(ScenarioReport, Vec<CheckResult>),
) {
    let mut schedule = Schedule {
        suite,
        liveness: HashMap::new(),
        running: JoinSet::new(),
        places: HashMap::new(),
        ended: BTreeMap::new(),
    };
    let mut concluded = 0;
    for (place, planned) in plan.planned.iter().enumerate() {
        while schedule.running.len() >= suite.jobs() {
            schedule.wait(plan).await;
        }
        watcher.began(&suite.name(planned));
        schedule.start(place, planned);
        schedule.conclude(plan, &mut concluded, watcher, &mut add);
    }
    while !schedule.running.is_empty() {
        schedule.wait(plan).await;
        schedule.conclude(plan, &mut concluded, watcher, &mut add);
    }
}

struct Schedule<'a> {
    suite: &'a Arc<Suite>,
    liveness: HashMap<Transport, Liveness>,
    /// Each in a task of its own, so that a panic is one scenario's error and not the end of the run.
    running: JoinSet<Performed>,
    /// Which place of the plan each task has.
    places: HashMap<tokio::task::Id, usize>,
    /// What has ended but waits for one before it.
    ended: BTreeMap<usize, Ended>,
}

enum Ended {
    /// It wasn't run, or didn't survive it.
    Without(Verdict, String),
    Performed(Performed),
}

impl Schedule<'_> {
    /// Starts a scenario, unless something stands in its way.
    fn start(&mut self, place: usize, planned: &Planned) {
        let not_run = match &planned.obstacle {
            Some(Obstacle::NotGiven(reason)) => Some((Verdict::Skip, reason.clone())),
            Some(Obstacle::Failed(reason)) => Some((Verdict::Inconclusive, reason.clone())),
            None => {
                let dead = self.liveness.entry(planned.transport).or_default().dead();
                dead.map(|reason| (Verdict::Inconclusive, reason.to_owned()))
            }
        };
        if let Some((verdict, reason)) = not_run {
            self.ended.insert(place, Ended::Without(verdict, reason));
            return;
        }
        let (suite, planned) = (Arc::clone(self.suite), planned.clone());
        let task = self.running.spawn(async move { suite.perform(&planned).await });
        self.places.insert(task.id(), place);
    }

    /// Waits for the next end, and looks after it whether the target is still there.
    async fn wait(&mut self, plan: &Plan) {
        let (id, ended) = match self.running.join_next_with_id().await {
            None => return,
            Some(Ok((id, performed))) => (id, Ended::Performed(performed)),
            Some(Err(error)) => {
                let reason = format!("the harness failed: {error}");
                (error.id(), Ended::Without(Verdict::Error, reason))
            }
        };
        let Some(place) = self.places.remove(&id) else { return };
        let answered = match &ended {
            Ended::Performed(performed) => performed.answered,
            Ended::Without(..) => None,
        };
        self.ended.insert(place, ended);
        let Some(planned) = plan.planned.get(place) else { return };
        let liveness = self.liveness.entry(planned.transport).or_default();
        if liveness.dead().is_none() && liveness.scenario_ended(&self.suite.name(planned), answered)
        {
            liveness.probed(self.suite.probe(planned.transport).await);
        }
    }

    /// Concludes what has ended and waits for nothing before it.
    fn conclude(
        &mut self,
        plan: &Plan,
        concluded: &mut usize,
        watcher: &dyn Watcher,
        add: &mut impl FnMut(ScenarioReport, Vec<CheckResult>),
    ) {
        while let Some(ended) = self.ended.remove(concluded) {
            let Some(planned) = plan.planned.get(*concluded) else { return };
            *concluded += 1;
            let (report, checks) = match ended {
                Ended::Without(verdict, reason) => {
                    let report = self.suite.report(planned, verdict, Some(reason), Duration::ZERO);
                    (report, Vec::new())
                }
                Ended::Performed(performed) => {
                    let Outcome { report, checks, .. } = self.suite.conclude(planned, performed);
                    (report, checks)
                }
            };
            watcher.ended(&report);
            add(report, checks);
        }
    }
}
