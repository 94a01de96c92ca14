//! Generated conversations with a target: how much of them, and what a counter-example leaves behind.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lsps1_scenarios::property::{
    CounterExample, Driver, Effort, Exploration, Possible, Property, Replay, World, explore, repeat,
};
use lsps1_scenarios::{
    Action, Evidence, Observation, Profile, RequirementId, SessionContext, SessionOutcome, Span,
    Transcript, Transport, Verdict,
};

use super::keys::fresh_key;
use super::orders::Budget;
use super::step::Stage;
use super::{ChainFrom, Settings, millis};

/// How much is generated, and where counter-examples go.
#[derive(Clone, Debug, Default)]
pub struct PropertySettings {
    /// How many requests are generated on each transport, and an eighth as many sequences; `None`:
    /// [`PropertySettings::DEFAULT_CASES`].
    pub cases: Option<u32>,
    /// How many orders may be made for them on the target; `None`: [`PropertySettings::DEFAULT_MAX_ORDERS`], or
    /// [`PropertySettings::DEFAULT_MAX_ORDERS_ON_LOOPBACK`] for a target on this machine.
    pub max_orders: Option<u32>,
    /// The folder that replay files are written to; `None`: none are written.
    pub folder: Option<PathBuf>,
    /// A counter-example to be carried out instead of generated ones.
    pub replay: Option<Replay>,
}

impl PropertySettings {
    /// Requests for each transport.
    pub const DEFAULT_CASES: u32 = 100;

    /// Orders on a target that others use as well, and that may count them.
    pub const DEFAULT_MAX_ORDERS: u32 = 20;

    /// Orders on a target of one's own.
    pub const DEFAULT_MAX_ORDERS_ON_LOOPBACK: u32 = 2_000;
}

/// A property to be tried on a target.
pub(super) struct Trial<'a> {
    pub(super) property: Property,
    pub(super) settings: &'a Settings,
    /// How long to listen on where silence is the right answer.
    pub(super) quiet: Duration,
    /// What may be ordered.
    pub(super) budget: &'a Budget,
    /// What can be done beside sending messages.
    pub(super) possible: Possible,
}

/// What came of a [`Trial`].
pub(super) struct CarriedOut {
    pub(super) outcome: SessionOutcome,
    /// Whether the first thing sent got any answer, if anything was sent.
    pub(super) answered: Option<bool>,
    /// How many orders were made.
    pub(super) orders: usize,
}

impl Trial<'_> {
    pub(super) async fn carry_out(
        &self,
        context: SessionContext,
        stage: Stage<'_>,
        started: Instant,
    ) -> CarriedOut {
        let mut driver = StageDriver { stage, started };
        let may_order = self.budget.take();
        let outcome = self.converse(may_order, context, &mut driver).await;
        let orders = driver.stage.orders().len();
        let made = u32::try_from(orders).unwrap_or(u32::MAX);
        self.budget.give_back(may_order.saturating_sub(made));
        let answered = driver.stage.first_answered();
        driver.stage.close().await;
        CarriedOut { outcome, answered, orders }
    }

    async fn converse(
        &self,
        may_order: u32,
        context: SessionContext,
        driver: &mut StageDriver<'_>,
    ) -> SessionOutcome {
        let Self { property, settings, quiet, possible, .. } = *self;
        let transport = context.transport;
        let seed = context.seed;
        let mut world = match World::prepare(context, may_order, quiet, driver).await {
            Ok(world) => world,
            Err(error) => return undecided(Verdict::Inconclusive, error.to_string()),
        };
        let exploration = match &settings.property.replay {
            Some(replay) => repeat(&replay.steps, &mut world, driver).await,
            None => {
                let cases = settings.property.cases.unwrap_or(PropertySettings::DEFAULT_CASES);
                let cases = match property {
                    Property::Requests => cases,
                    Property::Sequences => cases.div_ceil(8),
                };
                let effort = Effort { seed, cases, possible };
                explore(property, effort, &mut world, driver).await
            }
        };
        conclude(property, transport, settings, exploration)
    }
}

/// What there is to say if nothing was tried.
pub(super) fn undecided(verdict: Verdict, reason: String) -> SessionOutcome {
    SessionOutcome {
        checks: Vec::new(),
        verdict,
        reason: Some(reason),
        transcript: Transcript::default(),
    }
}

/// Gives every finding the case that shows it, and the command that repeats it.
fn conclude(
    property: Property,
    transport: Transport,
    settings: &Settings,
    mut exploration: Exploration,
) -> SessionOutcome {
    for example in &mut exploration.counter_examples {
        let notes = notes(property, transport, settings, example);
        for check in &mut example.broken {
            check.evidence.splice(0..0, notes.iter().cloned());
        }
    }
    let checks = exploration.checks();
    let worst = checks.iter().max_by(|a, b| {
        // Of equals the first, so that the reason is the first finding.
        a.verdict.cmp(&b.verdict).then(b.requirement.cmp(&a.requirement))
    });
    let worst = worst.filter(|check| check.verdict >= Verdict::Warn);
    let gap = gap(&exploration);
    let (verdict, reason) = match (worst, &exploration.stopped) {
        (Some(worst), _) => {
            let gap = gap.map(|gap| format!(" ({gap})")).unwrap_or_default();
            (worst.verdict, Some(format!("{}: {}{gap}", worst.requirement, worst.message)))
        }
        (None, Some(_)) => (Verdict::Inconclusive, gap),
        (None, None) => (Verdict::Pass, gap),
    };
    SessionOutcome { checks, verdict, reason, transcript: exploration.transcript }
}

/// What wasn't tried, and why; a search that isn't whole says so, whatever it found.
fn gap(exploration: &Exploration) -> Option<String> {
    let Exploration { tried, left_out, stopped, .. } = exploration;
    let mut parts = Vec::new();
    if let Some(stopped) = stopped {
        parts.push(format!("ended after {tried} cases: {stopped}"));
    }
    if *left_out > 0 {
        let drawn = tried + left_out;
        parts.push(format!(
            "{left_out} of {drawn} generated cases were left out, as no more orders may be made (--max-orders)"
        ));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn notes(
    property: Property,
    transport: Transport,
    settings: &Settings,
    example: &CounterExample,
) -> Vec<Evidence> {
    let mut notes = vec![Evidence::note(format!("counter-example: {}", example.case))];
    let Some(folder) =
        settings.property.folder.as_deref().filter(|_| settings.property.replay.is_none())
    else {
        return notes;
    };
    let rows: Vec<RequirementId> =
        example.broken.iter().map(|check| check.requirement.clone()).collect();
    let first = rows.first().map(RequirementId::as_str).unwrap_or_default();
    let path = folder.join(format!("replay-{transport}-{property}-{first}.json"));
    let replay = Replay::new(property, transport, settings.seed, rows, example.case.clone());
    notes.push(Evidence::note(match write(&path, &replay.text()) {
        Ok(()) => format!("replay with: {}", command(settings, transport, &path)),
        Err(error) => format!("failed to write {}: {error}", path.display()),
    }));
    notes
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

/// The command that carries out a replay file on the same target. The operator's token isn't shown.
fn command(settings: &Settings, transport: Transport, path: &Path) -> String {
    let target = &settings.target;
    let mut words = vec!["lsps1-harness".to_owned(), "run".to_owned()];
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), value]);
        }
    };
    // A target that is started says where it is, if nobody else does.
    let is_there = |wanted: Transport| transport == wanted || target.command.is_some();
    add("--target-cmd", target.command.clone());
    let rest = target.rest.as_ref().filter(|_| is_there(Transport::Rest) || target.p2p.is_none());
    add("--rest", rest.map(ToString::to_string));
    let p2p = target.p2p.as_ref().filter(|_| is_there(Transport::P2p));
    add("--p2p", p2p.map(ToString::to_string));
    add("--network", target.network.clone());
    add("--dialect", settings.dialect.map(|dialect| dialect.to_string()));
    let is_strict = settings.profile == Profile::Strict;
    add("--profile", (!is_strict).then(|| settings.profile.to_string()));
    add("--timeout", settings.timeout.map(|timeout| timeout.as_secs_f64().to_string()));
    add("--quiet", settings.quiet.map(|quiet| quiet.as_millis().to_string()));
    add("--replay", Some(path.display().to_string()));
    let on_own_chain = matches!(settings.chain, ChainFrom::Started);
    for (name, given) in [("--any-token", target.any_token), ("--regtest", on_own_chain)] {
        words.extend(given.then(|| name.to_owned()));
    }
    let quoted = shlex::try_join(words.iter().map(String::as_str));
    let command = quoted.unwrap_or_else(|_| words.join(" "));
    if target.token.is_some() { format!("LSPS1_TOKEN=… {command}") } else { command }
}

/// Lets a stage do what generated cases ask for.
struct StageDriver<'a> {
    stage: Stage<'a>,
    started: Instant,
}

impl Driver for StageDriver<'_> {
    async fn perform(&mut self, action: Action) -> (Span, Observation) {
        let from_ms = millis(self.started.elapsed());
        let observation = self.stage.perform(action).await;
        (Span { from_ms, to_ms: millis(self.started.elapsed()) }, observation)
    }

    fn fresh_key(&mut self) -> String {
        fresh_key().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::TargetSettings;
    use lsps1_scenarios::dialect::Dialect;

    #[test]
    fn the_replay_command_says_how_it_was_judged() {
        let rest = Some("http://me:secret@127.0.0.1:1/api/v1".parse().unwrap());
        let mut settings = Settings::new(TargetSettings { rest, ..TargetSettings::default() }, 1);
        let plain = command(&settings, Transport::Rest, Path::new("a b.json"));
        let start = "lsps1-harness run --rest 'http://***@127.0.0.1:1/api/v1'";
        assert_eq!(plain, format!("{start} --replay 'a b.json'"));
        settings.dialect = Some(Dialect::D1);
        settings.profile = Profile::Compat;
        settings.timeout = Some(Duration::from_millis(2_500));
        settings.quiet = Some(Duration::from_millis(300));
        settings.target.token = Some("sesame".to_owned());
        let judged = "--dialect d1 --profile compat --timeout 2.5 --quiet 300";
        assert_eq!(
            command(&settings, Transport::Rest, Path::new("a.json")),
            format!("LSPS1_TOKEN=… {start} {judged} --replay a.json")
        );
    }
}
