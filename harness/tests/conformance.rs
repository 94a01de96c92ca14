//! Every scenario as a test of its own, named `transport::scenario-id`, under `cargo test` and `cargo nextest run`.
//!
//! By default the target is the mock LSP, in this process: its engine `sim` for what needs messages only, and for the
//! rest its engine `regtest` on a regtest network that all tests of the process share. Environment variables point the
//! tests at another target:
//!
//! | variable | as the flag of `lsps1-harness run` |
//! |---|---|
//! | `LSPS1_REST_URL` | `--rest`, the base URL of its REST face |
//! | `LSPS1_P2P` | `--p2p`, `NODEID@HOST:PORT` |
//! | `LSPS1_CONTROL_URL` | `--control`, the base URL of its control API |
//! | `LSPS1_TARGET_CMD` | `--regtest --target-cmd`: starts it on a regtest network |
//! | `LSPS1_TOKEN` | `--token`, a token that it accepts |
//! | `LSPS1_SPENT_TOKEN` | `--spent-token`, a token that it accepted once |
//! | `LSPS1_NETWORK` | `--network`, its chain |
//! | `LSPS1_DIALECT`, `LSPS1_PROFILE` | `--dialect`, `--profile` |
//! | `LSPS1_TIMEOUT`, `LSPS1_QUIET` | `--timeout` in seconds, `--quiet` in milliseconds |
//! | `LSPS1_SEED` | `--seed`, which repeats generated values; 1 if it isn't set |
//! | `LSPS1_BITCOIND_RPC_URL`, `LSPS1_BITCOIND_COOKIE_FILE`, `LSPS1_ELECTRUM_URL` | `--bitcoind-rpc`, `--bitcoind-cookie`, `--electrum-url`: a regtest network that is joined instead of starting one |
//!
//! Under `cargo nextest` each test is a process, and starts what it needs anew, unless there is a network to join:
//! `lsps1-harness regtest up` keeps one, and writes these variables. Another target fails a test by breaking a MUST, and
//! by being inconclusive. From the mock only a pass is taken, or what is listed in [`EXPECTED`].

use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bitcoin::{Address, Amount};
use libtest_mimic::{Arguments, Failed, Trial};
use lsps1_fixtures::{Network, NetworkConfig};
use lsps1_harness::cli;
use lsps1_harness::list;
use lsps1_harness::report::evidence;
use lsps1_harness::run::plan::{Obstacle, Planned};
use lsps1_harness::run::suite::Suite;
use lsps1_harness::run::{ChainFrom, Settings, Silent, TargetSettings};
use lsps1_scenarios::{Transport, Verdict};
use mock_lsp::{BitcoindConfig, Config, EngineConfig, MockLsp};
use tokio::runtime::Runtime;

/// What isn't a pass against the mock, and why that is right: name, verdict, part of the reason.
const EXPECTED: &[(&str, Verdict, &str)] = &[
    ("p2p::below-min-client-balance", Verdict::Skip, "there is no smaller balance to order"),
    ("rest::below-min-client-balance", Verdict::Skip, "there is no smaller balance to order"),
    ("p2p::below-min-confirmations", Verdict::Skip, "there is no smaller number to order"),
    ("rest::below-min-confirmations", Verdict::Skip, "there is no smaller number to order"),
    ("p2p::large-channels", Verdict::Skip, "no channel of more than 16777215 sat"),
    ("p2p::onchain-off", Verdict::Skip, "--no-onchain"),
    ("rest::onchain-off", Verdict::Skip, "--no-onchain"),
    ("p2p::restart-completed", Verdict::Skip, "is killed and started again"),
    ("rest::restart-completed", Verdict::Skip, "is killed and started again"),
    ("p2p::restart-held", Verdict::Skip, "is killed and started again"),
    ("rest::restart-held", Verdict::Skip, "is killed and started again"),
    ("p2p::restart-mid-open", Verdict::Skip, "is killed and started again"),
    ("rest::restart-mid-open", Verdict::Skip, "is killed and started again"),
    ("p2p::restart-paid-onchain", Verdict::Skip, "is killed and started again"),
    ("rest::restart-paid-onchain", Verdict::Skip, "is killed and started again"),
    ("p2p::restart-unpaid", Verdict::Skip, "is killed and started again"),
    ("rest::restart-unpaid", Verdict::Skip, "is killed and started again"),
    ("p2p::restart-unpaid-onchain", Verdict::Skip, "is killed and started again"),
    ("rest::restart-unpaid-onchain", Verdict::Skip, "is killed and started again"),
    ("p2p::zero-reserve", Verdict::Skip, "doesn't support a channel reserve of zero"),
    ("rest::zero-reserve", Verdict::Skip, "doesn't support a channel reserve of zero"),
];

/// A token that the mock accepts.
const TOKEN: &str = "open-sesame";

/// A token that it accepted once.
const SPENT_TOKEN: &str = "open-barley";

/// The variables that say what is judged and how, and the flags that they stand for.
const VARIABLES: &[(&str, &str)] = &[
    ("LSPS1_REST_URL", "--rest"),
    ("LSPS1_P2P", "--p2p"),
    ("LSPS1_CONTROL_URL", "--control"),
    (TARGET_CMD, "--target-cmd"),
    ("LSPS1_TOKEN", "--token"),
    ("LSPS1_SPENT_TOKEN", "--spent-token"),
    ("LSPS1_NETWORK", "--network"),
    ("LSPS1_DIALECT", "--dialect"),
    ("LSPS1_PROFILE", "--profile"),
    ("LSPS1_TIMEOUT", "--timeout"),
    ("LSPS1_QUIET", "--quiet"),
    (SEED, "--seed"),
    ("LSPS1_BITCOIND_RPC_URL", "--bitcoind-rpc"),
    ("LSPS1_BITCOIND_COOKIE_FILE", "--bitcoind-cookie"),
    ("LSPS1_ELECTRUM_URL", "--electrum-url"),
];

const TARGET_CMD: &str = "LSPS1_TARGET_CMD";

const SEED: &str = "LSPS1_SEED";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // RUST_LOG shows what the mock and the nodes do.
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let scenarios = match list::load(&[]) {
        Ok(scenarios) => scenarios,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let stage = Arc::new(Stage::default());
    let mut trials = Vec::new();
    for scenario in &scenarios {
        for &transport in scenario.transports() {
            let (id, on_chain) = (scenario.id().to_owned(), scenario.is_paid());
            let stage = Arc::clone(&stage);
            trials.push(Trial::test(format!("{transport}::{id}"), move || {
                stage.judge(&id, transport, on_chain)
            }));
        }
    }
    // About this program itself, whichever target it is pointed at.
    let is_pointed = VARIABLES.iter().any(|(name, _)| variable(name).is_some());
    trials.push(
        Trial::test("program::joins_a_network", joins_a_network).with_ignored_flag(is_pointed),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    stage.close();
    // `Conclusion::exit` would skip the destructors, and leave bitcoind and electrs behind.
    conclusion.exit_code()
}

/// Two processes with a test each, as nextest starts them, buy their channels on one network.
fn joins_a_network() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let network = runtime.block_on(Network::start(NetworkConfig::default()))?;
    let height = || runtime.block_on(network.bitcoind().rpc().block_count());
    let before = height()?;
    let program = std::env::current_exe()?;
    let run = |name: &str| {
        let mut command = Command::new(&program);
        command.args(["--exact", name]).envs(network.env()).output()
    };
    let outputs = std::thread::scope(|scope| {
        let names = ["p2p::purchase-bolt11", "rest::purchase-bolt11"];
        let running = names.map(|name| scope.spawn(move || run(name)));
        running.map(std::thread::ScopedJoinHandle::join)
    });
    for output in outputs {
        let output = output.map_err(|_| "a thread of this test panicked")??;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() || !said.contains("1 passed") {
            return Err(format!("{}: {said}", output.status).into());
        }
    }
    if height()? == before {
        return Err("the channels were bought on another network".into());
    }
    Ok(())
}

/// The targets that the tests share, each started when the first test needs it.
#[derive(Default)]
struct Stage {
    runtime: OnceLock<Result<Runtime, String>>,
    without_chain: Mutex<Option<Arc<Target>>>,
    on_chain: Mutex<Option<Arc<Target>>>,
}

/// A prepared suite, and the mock that it is for.
struct Target {
    suite: Arc<Suite>,
    mock: Option<MockLsp>,
}

impl Stage {
    fn judge(&self, id: &str, transport: Transport, on_chain: bool) -> Result<(), Failed> {
        let runtime = self.runtime()?;
        let target = self.target(runtime, on_chain)?;
        let plan = target.suite.plan();
        let name = format!("{transport}::{id}");
        let Some(planned) = plan.planned.iter().find(|planned| target.suite.name(planned) == name)
        else {
            // The target has no such transport.
            return accept(
                &target,
                &name,
                Verdict::Skip,
                &format!("the target has no {transport} address"),
            );
        };
        let planned: Planned = planned.clone();
        match planned.obstacle {
            Some(Obstacle::NotGiven(reason)) => {
                return accept(&target, &name, Verdict::Skip, &reason);
            }
            Some(Obstacle::Failed(reason)) => {
                return accept(&target, &name, Verdict::Inconclusive, &reason);
            }
            None => {}
        }
        let running = runtime.spawn(Arc::clone(&target.suite).run_scenario(planned));
        let outcome =
            runtime.block_on(running).map_err(|error| format!("the harness failed: {error}"))?;
        let mut reason = outcome.report.reason.unwrap_or_default();
        for check in outcome.checks.iter().filter(|check| check.verdict >= Verdict::Inconclusive) {
            reason
                .push_str(&format!("\n{} {}: {}", check.verdict, check.requirement, check.message));
            for piece in &check.evidence {
                reason.push_str(&format!("\n    {}", evidence::describe(piece)));
            }
        }
        accept(&target, &name, outcome.report.verdict, &reason)
    }

    fn runtime(&self) -> Result<&Runtime, Failed> {
        let started =
            self.runtime.get_or_init(|| Runtime::new().map_err(|error| error.to_string()));
        started
            .as_ref()
            .map_err(|error| Failed::from(format!("failed to start the async runtime: {error}")))
    }

    fn target(&self, runtime: &Runtime, on_chain: bool) -> Result<Arc<Target>, Failed> {
        // A command is started once, on a chain.
        let place = match on_chain || variable(TARGET_CMD).is_some() {
            true => &self.on_chain,
            false => &self.without_chain,
        };
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = &*place {
            return Ok(Arc::clone(target));
        }
        let target = Arc::new(runtime.block_on(start(on_chain))?);
        *place = Some(Arc::clone(&target));
        Ok(target)
    }

    fn close(&self) {
        let Some(Ok(runtime)) = self.runtime.get() else { return };
        for place in [&self.without_chain, &self.on_chain] {
            let target = place.lock().unwrap_or_else(PoisonError::into_inner).take();
            let Some(target) = target.and_then(Arc::into_inner) else { continue };
            runtime.block_on(async {
                // The mock first: it is on the network that ends with the suite.
                if let Some(mock) = target.mock {
                    mock.shutdown().await;
                }
                if let Some(suite) = Arc::into_inner(target.suite) {
                    suite.stop().await;
                }
            });
        }
    }
}

/// Whether the verdict is one that the target may get.
fn accept(target: &Target, name: &str, verdict: Verdict, reason: &str) -> Result<(), Failed> {
    let is_fine = match target.mock {
        Some(_) => match EXPECTED.iter().find(|(expected, ..)| *expected == name) {
            None => verdict == Verdict::Pass,
            Some((_, with, because)) if *with == verdict => reason.contains(because),
            Some((_, with, _)) => {
                return Err(format!(
                    "{verdict}, but EXPECTED has it as {with}; take it out: {reason}"
                )
                .into());
            }
        },
        None => matches!(verdict, Verdict::Pass | Verdict::Warn | Verdict::Skip),
    };
    if is_fine { Ok(()) } else { Err(format!("{verdict}: {reason}").into()) }
}

async fn start(on_chain: bool) -> Result<Target, Failed> {
    let mut settings = given_settings()?;
    let given = &settings.target;
    if given.rest.is_some() || given.p2p.is_some() || given.command.is_some() {
        settings.chain = match (settings.chain, given.command.is_some()) {
            (ChainFrom::None, true) => ChainFrom::Started,
            (joined, true) => joined,
            (joined, false) if on_chain => joined,
            (_, false) => ChainFrom::None,
        };
        let suite = Suite::prepare(settings, &Silent).await?;
        return Ok(Target { suite: Arc::new(suite), mock: None });
    }

    let mut config = Config::default();
    config.tokens = vec![TOKEN.to_owned()];
    config.spent_tokens = vec![SPENT_TOKEN.to_owned()];
    let network = match &settings.chain {
        _ if !on_chain => None,
        ChainFrom::Attached { bitcoind, electrum } => {
            Some(Network::attach(bitcoind, electrum.as_ref(), None).await?)
        }
        ChainFrom::None | ChainFrom::Started => {
            Some(Network::start(NetworkConfig::default()).await?)
        }
    };
    settings.chain = ChainFrom::None;
    if let Some(network) = &network {
        let rpc = network.bitcoind().rpc();
        config.engine = EngineConfig::Regtest {
            bitcoind: Some(BitcoindConfig { rpc: rpc.url().to_owned(), auth: rpc.auth().clone() }),
            faucet: Some(network.faucet_url()),
        };
    }
    let mock = MockLsp::start(config).await?;
    if let (Some(network), Some(address)) = (&network, mock.funding_address()) {
        give_coins(network, &address.parse::<Address<_>>()?.assume_checked()).await?;
    }
    settings.target = TargetSettings {
        rest: Some(mock.rest_url().parse()?),
        p2p: Some(mock.p2p().parse()?),
        control: Some(mock.control_url().parse()?),
        token: Some(TOKEN.to_owned()),
        spent_token: Some(SPENT_TOKEN.to_owned()),
        network: Some("regtest".to_owned()),
        ..TargetSettings::default()
    };
    let suite = Suite::prepare_on(settings, network, &Silent).await?;
    Ok(Target { suite: Arc::new(suite), mock: Some(mock) })
}

/// A coin for each test that buys a channel at the same time: one that funds a channel is locked until it is published.
async fn give_coins(network: &Network, address: &Address) -> Result<(), Failed> {
    for _ in 0..8 {
        network.miner().wallet().send_to_address(address, Amount::from_int_btc(1), None).await?;
    }
    network.miner().mine(1).await?;
    Ok(())
}

fn given_settings() -> Result<Settings, Failed> {
    let mut flags = Vec::new();
    for (name, flag) in VARIABLES {
        if let Some(value) = variable(name) {
            // In one word, so that a value may begin with a dash.
            flags.push(format!("{flag}={value}"));
        }
    }
    if variable(SEED).is_none() {
        flags.push("--seed=1".to_owned());
    }
    let mut settings = cli::run_settings(flags)?;
    // A test that fails says what the counter-example is; the working folder isn't for its files.
    settings.property.folder = None;
    Ok(settings)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
