//! Fifty clients that buy a channel at once from one mock LSP on regtest: `cargo bench -p lsps1-harness --bench crowd`.
//! Each has to end with its channel and a payment that was taken; how long that takes and how much memory the LSP needs
//! is printed. The LSP is a process of its own: this program, started again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use lsps1_harness::run::suite::Suite;
use lsps1_harness::run::{ChainFrom, Settings, Silent, TargetSettings};
use lsps1_scenarios::Verdict;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const CLIENTS: usize = 50;

/// Set for the LSP that this program acts as.
const ACT_AS_MOCK: &str = "LSPS1_BENCH_ACT_AS_MOCK";

fn main() -> ExitCode {
    if std::env::var_os(ACT_AS_MOCK).is_some() {
        return mock_lsp::cli::main();
    }
    let run = || tokio::runtime::Runtime::new()?.block_on(crowd());
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn crowd() -> Result<(), Failure> {
    let suite = Arc::new(Suite::prepare(settings()?, &Silent).await?);
    let plan = suite.plan();
    let Some(purchase) = plan.planned.first().cloned() else {
        return Err("the scenario of a purchase is not among those that are run".into());
    };
    if let Some(obstacle) = &purchase.obstacle {
        return Err(format!("no purchase is possible: {obstacle:?}").into());
    }
    let before = peak_of_mock()?;
    let started = Instant::now();
    let mut buying = JoinSet::new();
    for _ in 0..CLIENTS {
        buying.spawn(Arc::clone(&suite).run_scenario(purchase.clone()));
    }
    let outcomes = buying.join_all().await;
    let took = started.elapsed();
    let lost = outcomes.iter().filter(|it| it.report.verdict != Verdict::Pass);
    let lost: Vec<_> = lost.map(|it| it.report.reason.clone().unwrap_or_default()).collect();
    println!(
        "{CLIENTS} purchases by {CLIENTS} clients at once: {:.1} s, {} lost; the LSP's memory was at most {} MiB, before {} MiB",
        took.as_secs_f64(),
        lost.len(),
        peak_of_mock()? / 1_024,
        before / 1_024,
    );
    if let Some(suite) = Arc::into_inner(suite) {
        suite.stop().await;
    }
    match lost.is_empty() {
        true => Ok(()),
        false => Err(lost.join("\n").into()),
    }
}

fn settings() -> Result<Settings, Failure> {
    let program = std::env::current_exe()?;
    let program = program.to_str().ok_or("the path of this program is no UTF-8")?;
    let set = format!("{ACT_AS_MOCK}=1");
    let command = ["env", set.as_str(), program, "--engine", "regtest"];
    let addresses = ["--rest", "127.0.0.1:0", "--p2p", "127.0.0.1:0"];
    let command = shlex::try_join(command.into_iter().chain(addresses))?;
    let target = TargetSettings { command: Some(command), ..TargetSettings::default() };
    let mut settings = Settings::new(target, 1);
    settings.chain = ChainFrom::Started;
    settings.scenario_folders =
        vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/crowd")];
    settings.filter = vec!["crowd-purchase".to_owned()];
    Ok(settings)
}

/// The most memory that the LSP's process has had, in KiB.
fn peak_of_mock() -> Result<u64, Failure> {
    let own = std::process::id().to_string();
    let program = std::env::current_exe()?;
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let folder = entry.path();
        let is_this_program =
            std::fs::read_link(folder.join("exe")).is_ok_and(|exe| exe == program);
        let Ok(status) = std::fs::read_to_string(folder.join("status")) else { continue };
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1).map(ToOwned::to_owned)
        };
        if is_this_program
            && field("PPid:") == Some(own.clone())
            && let Some(peak) = field("VmHWM:")
        {
            return Ok(peak.parse()?);
        }
    }
    Err("the LSP's process is not to be found".into())
}
