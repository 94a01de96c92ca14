//! Runs that pay by a command of the operator's: on a network that the program knows nothing of, the command is this very
//! program, which has a wallet of that network pay.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bitcoin::Amount;
use libtest_mimic::{Arguments, Failed, Trial};
use lsps1_fixtures::node::Bolt11Invoice;
use lsps1_fixtures::peers::{ChannelPlan, PaymentOutcome, Peer, PeerConfig, open_channels};
use lsps1_fixtures::{Network, NetworkConfig};
use mock_lsp::{BitcoindConfig, Config, EngineConfig, Fault, MockLsp};
use serde_json::Value;
use support::{Ended, harness_with_report};
use tokio::runtime::Runtime;

/// The first argument that makes this program the command that pays; the wallet's address and the invoice follow.
const PAY: &str = "pay";

/// The scenario that is paid in.
const SCENARIO: &str = "::refused-channel-refunded";

/// How long the wallet waits for a payment to end.
const PAID_WITHIN: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(PAY) {
        return pay(&arguments.collect::<Vec<_>>());
    }
    let arguments = Arguments::from_args();
    let trials = vec![
        Trial::test("a_payment_that_comes_back_passes", comes_back),
        Trial::test("an_lsp_that_keeps_the_payment_is_found", is_kept),
        Trial::test("a_channel_to_a_node_of_the_operators_is_bought", is_bought),
        Trial::test("an_lsp_that_names_another_outpoint_is_found", is_misnamed),
        Trial::test("no_more_is_spent_than_allowed", too_much),
        Trial::test("a_command_that_fails_says_nothing_about_the_target", command_fails),
        Trial::test("mainnet_takes_a_second_word", mainnet),
        Trial::test("wrong_use_is_told", wrong_use),
    ];
    // Each has a network of its own, and the machine may have two cores.
    let arguments = Arguments { test_threads: arguments.test_threads.or(Some(2)), ..arguments };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The command: asks the wallet to pay, and tells how that ended as `lncli payinvoice` does.
fn pay(arguments: &[String]) -> ExitCode {
    let asked = || -> std::io::Result<String> {
        let [address, invoice] = arguments else { return Err(std::io::Error::other("wrong use")) };
        let mut wallet = TcpStream::connect(address)?;
        writeln!(wallet, "{invoice}")?;
        let mut answer = String::new();
        BufReader::new(wallet).read_line(&mut answer)?;
        Ok(answer)
    };
    match asked() {
        Ok(answer) if answer.contains("preimage") => {
            print!("{answer}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("{other:?}");
            ExitCode::FAILURE
        }
    }
}

/// A mock on a network, and a wallet with a channel to it.
struct Stage {
    runtime: Arc<Runtime>,
    mock: MockLsp,
    payer: Arc<Peer>,
    /// How many payments the wallet was asked for.
    asked: Arc<AtomicUsize>,
    wallet: SocketAddr,
    // Ends last.
    network: Network,
}

impl Stage {
    fn set(faults: &[&str]) -> Result<Self, Failed> {
        let runtime = Arc::new(Runtime::new()?);
        let (network, mock, payer) = runtime.block_on(async {
            let network = Network::start(NetworkConfig::default().without_electrs()).await?;
            let rpc = network.bitcoind().rpc();
            let mut config = Config::default();
            config.engine = EngineConfig::Regtest {
                bitcoind: Some(BitcoindConfig {
                    rpc: rpc.url().to_owned(),
                    auth: rpc.auth().clone(),
                }),
                faucet: Some(network.faucet_url()),
            };
            config.faults = faults.iter().filter_map(|name| Fault::by_name(name)).collect();
            let mock = MockLsp::start(config).await?;
            let (id, address) = mock.p2p().split_once('@').ok_or("the mock has no address")?;
            let (id, address) = (id.parse()?, address.parse()?);
            let config = PeerConfig::new("payer").trust_no_reserve(id);
            let payer = Peer::start(&network, config).await?;
            network.miner().fund(&[(payer.new_address()?, Amount::ONE_BTC)]).await?;
            payer.synced().await?;
            let plan = ChannelPlan {
                from: &payer,
                to: id,
                address,
                capacity_sat: 10_000_000,
                push_msat: 0,
                announce: false,
            };
            open_channels(&network, &[plan]).await?;
            Ok::<_, Failed>((network, mock, Arc::new(payer)))
        })?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let wallet = listener.local_addr()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let (of_wallet, handle, count) =
            (Arc::clone(&payer), runtime.handle().clone(), Arc::clone(&asked));
        // Ends with this program.
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::Relaxed);
                let (payer, handle) = (Arc::clone(&of_wallet), handle.clone());
                std::thread::spawn(move || handle.block_on(serve(connection, &payer)));
            }
        });
        Ok(Self { runtime, mock, payer, asked, wallet, network })
    }

    /// Runs the scenario with this command, which may spend so much.
    fn run(&self, command: &str, allowed_sat: &str, more: &[&str]) -> (Ended, Value) {
        let (rest, p2p) = (self.mock.rest_url(), self.mock.p2p().to_owned());
        let target = ["run", "--rest", &rest, "--p2p", &p2p, "--filter", SCENARIO];
        let payer = ["--pay-cmd", command, "--allow-spend", allowed_sat, "--cases", "0"];
        harness_with_report(&[&target[..], &payer, more].concat())
    }

    fn command(&self) -> Result<String, Failed> {
        let program = std::env::current_exe()?;
        let program = program.to_str().ok_or("the path of this program is no UTF-8")?;
        let wallet = self.wallet.to_string();
        Ok(shlex::try_join([program, PAY, &wallet, "{invoice}"])?)
    }

    fn end(self) {
        let Self { runtime, mock, payer, .. } = self;
        runtime.block_on(async {
            mock.shutdown().await;
            let _ = payer.synced().await;
            drop(payer);
        });
    }
}

async fn serve(mut connection: TcpStream, payer: &Peer) {
    let mut invoice = String::new();
    let read = connection.try_clone().and_then(|it| BufReader::new(it).read_line(&mut invoice));
    let paid = match (read, invoice.trim().parse::<Bolt11Invoice>()) {
        (Ok(_), Ok(invoice)) => payer.pay(&invoice).await.map_err(|error| error.to_string()),
        other => Err(format!("{other:?}")),
    };
    let answer = match paid {
        Ok(hash) => match payer.wait_payment(hash, PAID_WITHIN).await {
            PaymentOutcome::Succeeded { preimage } => {
                let digits: String = preimage.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("preimage: {digits}")
            }
            other => format!("{other:?}"),
        },
        Err(reason) => reason,
    };
    // The command may have been ended.
    let _ = writeln!(connection, "{answer}");
}

/// The verdict and the reason of each scenario.
fn scenarios(report: &Value) -> Vec<(&str, &str)> {
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    scenarios
        .iter()
        .map(|it| {
            (it["verdict"].as_str().unwrap_or_default(), it["reason"].as_str().unwrap_or_default())
        })
        .collect()
}

fn check(holds: bool, (ended, report): &(Ended, Value)) -> Result<(), Failed> {
    match holds {
        true => Ok(()),
        false => Err(format!(
            "exit {}, {:?}, payments {}\n{}{}",
            ended.code,
            scenarios(report),
            report["run"]["payments"],
            ended.stdout,
            ended.stderr
        )
        .into()),
    }
}

fn comes_back() -> Result<(), Failed> {
    let stage = Stage::set(&[])?;
    let logs = tempfile::tempdir()?;
    let folder = logs.path().to_str().ok_or("a temporary folder is no UTF-8")?;
    let run = stage.run(&stage.command()?, "1000000", &["--logs", folder]);
    let payments = &run.1["run"]["payments"];
    let log = std::fs::read_to_string(logs.path().join("payment-1.log"))?;
    check(
        run.0.code == 0
            && scenarios(&run.1).iter().all(|(verdict, _)| *verdict == "pass")
            && scenarios(&run.1).len() == 2
            && payments["begun"] == 2
            && payments["failed"] == 2
            && payments["open"] == 0
            && log.contains("Failed")
            && stage.asked.load(Ordering::Relaxed) == 2,
        &run,
    )?;
    stage.end();
    Ok(())
}

fn is_kept() -> Result<(), Failed> {
    let stage = Stage::set(&["claims-after-failed-open"])?;
    let run = stage.run(&stage.command()?, "1000000", &["--transport", "p2p"]);
    let findings = run.1["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let kept = findings.iter().any(|finding| {
        let message = finding["message"].as_str().unwrap_or_default();
        finding["requirement"] == "L1-232" && message.contains("nothing is spent")
    });
    let payments = &run.1["run"]["payments"];
    check(run.0.code == 1 && kept && payments["begun"] == 1 && payments["failed"] == 0, &run)?;
    stage.end();
    Ok(())
}

/// Buys a channel for a wallet that is connected to the mock.
fn buy(faults: &[&str]) -> Result<(Ended, Value), Failed> {
    let stage = Stage::set(faults)?;
    let wallet = stage.runtime.block_on(async {
        let (id, address) = stage.mock.p2p().split_once('@').ok_or("the mock has no address")?;
        let wallet = Peer::start(&stage.network, PeerConfig::new("wallet")).await?;
        wallet.connect(id.parse()?, address.parse()?).await?;
        Ok::<_, Failed>(wallet)
    })?;
    let id = wallet.id().to_string();
    let rest = stage.mock.rest_url();
    let run = harness_with_report(&[
        "run",
        "--rest",
        &rest,
        "--filter",
        "purchase-own-node",
        "--pay-cmd",
        &stage.command()?,
        "--allow-spend",
        "1000000",
        "--client-node",
        &id,
    ]);
    stage.runtime.block_on(wallet.stop())?;
    stage.end();
    Ok(run)
}

fn is_bought() -> Result<(), Failed> {
    let run = buy(&[])?;
    let payments = &run.1["run"]["payments"];
    check(
        run.0.code == 0
            && matches!(scenarios(&run.1)[..], [("pass", _)])
            && payments["begun"] == 1
            && payments["failed"] == 0
            && payments["open"] == 0,
        &run,
    )
}

fn is_misnamed() -> Result<(), Failed> {
    let run = buy(&["outpoint-with-dash"])?;
    let findings = run.1["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    check(run.0.code == 1 && findings.iter().any(|it| it["requirement"] == "L1-210"), &run)
}

fn too_much() -> Result<(), Failed> {
    let stage = Stage::set(&[])?;
    let run = stage.run(&stage.command()?, "1", &[]);
    let refused = |(verdict, reason): &(&str, &str)| {
        *verdict == "inconclusive"
            && reason.contains("1 sat of 1")
            && reason.contains("--allow-spend")
    };
    check(
        run.0.code == 3
            && scenarios(&run.1).iter().all(refused)
            && run.1["run"]["payments"]["begun"] == 0
            && stage.asked.load(Ordering::Relaxed) == 0,
        &run,
    )?;
    stage.end();
    Ok(())
}

fn command_fails() -> Result<(), Failed> {
    let stage = Stage::set(&[])?;
    let command = "sh -c 'echo no route for $0 >&2; exit 3' {invoice}";
    let run = stage.run(command, "1000000", &["--transport", "rest"]);
    let [(verdict, reason)] = scenarios(&run.1)[..] else {
        return check(false, &run);
    };
    check(
        run.0.code == 3
            && verdict == "inconclusive"
            && reason.contains("exit status: 3")
            && reason.contains("no route for lnbcrt"),
        &run,
    )?;
    stage.end();
    Ok(())
}

/// Nothing needs to be real for what isn't paid.
fn mainnet() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let mut config = Config::default();
    config.network = bitcoin::Network::Bitcoin;
    let mock = runtime.block_on(MockLsp::start(config))?;
    let folder = tempfile::tempdir()?;
    let paid = folder.path().join("paid");
    let command = format!("touch {} {{invoice}}", paid.display());
    let run = harness_with_report(&[
        "run",
        "--p2p",
        mock.p2p(),
        "--network",
        "mainnet",
        "--filter",
        SCENARIO,
        "--pay-cmd",
        &command,
        "--allow-spend",
        "1000000",
    ]);
    let [(verdict, reason)] = scenarios(&run.1)[..] else {
        return check(false, &run);
    };
    check(
        run.0.code == 3
            && verdict == "inconclusive"
            && reason.contains("--allow-mainnet")
            && !paid.exists(),
        &run,
    )?;
    runtime.block_on(mock.shutdown());
    Ok(())
}

fn wrong_use() -> Result<(), Failed> {
    let node = format!("02{}@127.0.0.1:1", "ab".repeat(32));
    let run = |more: &[&str]| support::harness(&[&["run", "--p2p", &node][..], more].concat());
    for (more, said) in [
        (&["--pay-cmd", "pay {invoice}"][..], "--allow-spend"),
        (&["--pay-cmd", "pay", "--allow-spend", "1"], "{invoice}"),
        (&["--pay-cmd", "pay '{invoice}", "--allow-spend", "1"], "open quote"),
        (&["--pay-cmd", "{invoice}", "--allow-spend", "1"], "{invoice}"),
        (&["--allow-spend", "1"], "--pay-cmd"),
        (&["--allow-mainnet"], "--pay-cmd"),
    ] {
        let ended = run(more);
        if ended.code != 2 || !ended.stderr.contains(said) {
            return Err(format!("{more:?}: {ended:?}").into());
        }
    }
    Ok(())
}
