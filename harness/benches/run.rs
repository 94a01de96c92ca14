//! How long the harness takes, as medians. `cargo bench -p lsps1-harness` runs all, `-- NAME` those whose name contains
//! NAME. A plain program instead of criterion: each of these takes from milliseconds to seconds, and a handful of runs
//! tells what there is to know.

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsps1_fixtures::{Network, NetworkConfig};
use lsps1_harness::run::client::Client;
use lsps1_harness::run::plan::Planned;
use lsps1_harness::run::suite::Suite;
use lsps1_harness::run::{Settings, Silent, TargetSettings, run};
use lsps1_scenarios::{ClientKind, PayerKind, Verdict};
use mock_lsp::{BitcoindConfig, Config, EngineConfig, MockLsp};
use tokio::runtime::Runtime;

type Failure = Box<dyn std::error::Error>;

/// How often each is run, unless it takes long.
const RUNS: usize = 9;

/// A token that the mocks accept: ldk-node's own LSPS1 client orders with one.
const TOKEN: &str = "bench-token";

/// The purchases that are timed, with their limits in milliseconds.
const PURCHASES: [(&str, u64); 6] = [
    ("::purchase-bolt11", 400),
    ("::purchase-bolt11-peer-offline", 400),
    // The wallet's own start and first sync are counted in.
    ("::purchase-ldk-node", 1_000),
    ("::purchase-ldk-node-lsps1-client", 1_000),
    ("::bolt12-purchase", 500),
    ("::onchain-paid", 800),
];

/// Set for the mocks of the self-test, which this program acts as.
const ACT_AS_MOCK: &str = "LSPS1_BENCH_ACT_AS_MOCK";

fn main() -> ExitCode {
    if std::env::var_os(ACT_AS_MOCK).is_some() {
        return mock_lsp::cli::main();
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> Result<(), Failure> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|text| name.contains(text.as_str()));
    println!("{:<44} {:>10} {:>10} {:>10}", "", "median", "fastest", "limit");
    if is_wanted("help") {
        measure("--help", 20, || program(&["--help"]))?;
    }
    if is_wanted("list") {
        measure("list", 20, || program(&["list"]))?;
    }
    let runtime = Runtime::new()?;
    if is_wanted("messages") {
        measure("messages, both transports, mock start included", 5_000, || {
            runtime.block_on(messages(None, None))
        })?;
        measure("the same without generated requests", 2_000, || {
            runtime.block_on(messages(Some(0), None))
        })?;
        measure("the same, one scenario at a time", 5_000, || {
            runtime.block_on(messages(Some(0), Some(1)))
        })?;
    }
    if is_wanted("self-test") {
        measure_times(1, "self-test, all faults", 90_000, self_test)?;
    }
    if is_wanted("network") {
        measure("network with LSP, payer, channel and client", 1_500, || {
            runtime.block_on(network())
        })?;
    }
    if is_wanted("purchase") {
        purchases(&runtime)?;
    }
    Ok(())
}

/// Runs `once` and prints the median of the times it says, in milliseconds, beside the limit that is held to.
fn measure(
    name: &str,
    limit_ms: u64,
    once: impl FnMut() -> Result<Duration, Failure>,
) -> Result<(), Failure> {
    measure_times(RUNS, name, limit_ms, once)
}

fn measure_times(
    runs: usize,
    name: &str,
    limit_ms: u64,
    mut once: impl FnMut() -> Result<Duration, Failure>,
) -> Result<(), Failure> {
    let mut times = (0..runs).map(|_| once()).collect::<Result<Vec<_>, _>>()?;
    times.sort();
    let shown = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
    println!(
        "{name:<44} {:>10} {:>10} {:>10}",
        shown(times[runs / 2]),
        shown(times[0]),
        format!("{limit_ms} ms")
    );
    Ok(())
}

fn program(arguments: &[&str]) -> Result<Duration, Failure> {
    let started = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_lsps1-harness"));
    let status = command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if !status.success() {
        return Err(format!("lsps1-harness {arguments:?} ended with {status}").into());
    }
    Ok(started.elapsed())
}

/// The mock without and with each of its faults, each a process of its own.
fn self_test() -> Result<Duration, Failure> {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_lsps1-harness"))
        .args(["self-test", "--mock"])
        .arg(std::env::current_exe()?)
        .env(ACT_AS_MOCK, "1")
        .stdin(Stdio::null())
        .output()?;
    let took = started.elapsed();
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.success() {
        true => Ok(took),
        false => Err(format!("the self-test took {took:?}, but is not clean:\n{text}").into()),
    }
}

/// What needs no chain, over both transports, on a mock that is started for it; with so many generated cases and so many
/// scenarios at a time, or the usual numbers.
async fn messages(cases: Option<u32>, jobs: Option<usize>) -> Result<Duration, Failure> {
    let started = Instant::now();
    let mock = MockLsp::start(mock_config()).await?;
    let mut settings = Settings::new(target_of(&mock)?, 1);
    settings.property.cases = cases;
    settings.jobs = jobs;
    let report = run(settings, &Silent).await?;
    let took = started.elapsed();
    mock.shutdown().await;
    if report.exit().code() != 0 {
        return Err(format!("the mock is found wanting: {:#?}", report.findings).into());
    }
    Ok(took)
}

/// From nothing to a network on which a channel can be bought.
async fn network() -> Result<Duration, Failure> {
    let started = Instant::now();
    let (mock, suite) = standing_network().await?;
    let client = match suite.chain() {
        Some(chain) => Client::start(chain, ClientKind::LspsNode, PayerKind::LdkNode, None).await?,
        None => return Err("there is no chain".into()),
    };
    let took = started.elapsed();
    client.close().await;
    mock.shutdown().await;
    suite.stop().await;
    Ok(took)
}

/// Full purchases, each with a fresh client, on one standing network.
fn purchases(runtime: &Runtime) -> Result<(), Failure> {
    let (mock, suite) = runtime.block_on(standing_network())?;
    let suite = Arc::new(suite);
    let plan = suite.plan();
    for planned in &plan.planned {
        let name = suite.name(planned);
        let Some((_, limit_ms)) = PURCHASES.iter().find(|(id, _)| name.ends_with(id)) else {
            continue;
        };
        measure(&name, *limit_ms, || runtime.block_on(purchase(&suite, planned)))?;
    }
    runtime.block_on(async {
        mock.shutdown().await;
        if let Some(suite) = Arc::into_inner(suite) {
            suite.stop().await;
        }
    });
    Ok(())
}

async fn purchase(suite: &Arc<Suite>, planned: &Planned) -> Result<Duration, Failure> {
    let started = Instant::now();
    let outcome = Arc::clone(suite).run_scenario(planned.clone()).await;
    let took = started.elapsed();
    match outcome.report.verdict {
        Verdict::Pass | Verdict::Warn => Ok(took),
        verdict => Err(format!(
            "{} ended with {verdict}: {:?}",
            suite.name(planned),
            outcome.report.reason
        )
        .into()),
    }
}

async fn standing_network() -> Result<(MockLsp, Suite), Failure> {
    let network = Network::start(NetworkConfig::default()).await?;
    let rpc = network.bitcoind().rpc();
    let mut config = mock_config();
    config.engine = EngineConfig::Regtest {
        bitcoind: Some(BitcoindConfig { rpc: rpc.url().to_owned(), auth: rpc.auth().clone() }),
        faucet: Some(network.faucet_url()),
    };
    let mock = MockLsp::start(config).await?;
    let suite =
        Suite::prepare_on(Settings::new(target_of(&mock)?, 1), Some(network), &Silent).await?;
    Ok((mock, suite))
}

fn mock_config() -> Config {
    let mut config = Config::default();
    config.tokens = vec![TOKEN.to_owned()];
    config
}

fn target_of(mock: &MockLsp) -> Result<TargetSettings, Failure> {
    Ok(TargetSettings {
        rest: Some(mock.rest_url().parse()?),
        p2p: Some(mock.p2p().parse()?),
        network: Some("regtest".to_owned()),
        token: Some(TOKEN.to_owned()),
        ..TargetSettings::default()
    })
}
