//! Runs with a chain, as a user starts them: `--regtest --target-cmd`. The command is this very program, which acts as
//! the mock LSP when [`ACT_AS_MOCK`] is set.

mod support;

use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use lsps1_harness::run::{self, ChainFrom, Settings, Silent, TargetSettings};
use mock_lsp::Fault;
use serde_json::Value;
use support::{ACT_AS_MOCK, harness_with_report};

/// A token that the mock accepts.
const TOKEN: &str = "open-sesame";

/// Faults that show after the payment only. Which of the rows that a fault breaks is caught can depend on which of its
/// consequences is seen first, so one of those that the mock names for it has to be found broken. (That nothing beside
/// them is reported isn't asked here: what follows from a wait that ran out can fall with them.)
const FAULTS: &[&str] = &[
    // A scenario waits for HOLD as long as a payment may take.
    "skip-hold",
    "claims-before-open",
    "open-one-sat-short",
    "push-one-sat-short",
    "opens-announced",
    "outpoint-with-dash",
];

/// What an LSP may choose that is paid on the chain: its name, the mock's options, and the scenarios that don't apply then.
const LEGAL_CHOICES: &[(&str, &str, &[&str])] = &[
    (
        "three_confirmations",
        "--onchain-confirmations 3 --onchain-0conf-max-sat 0 --choice parts-dont-add-up --choice expired-stays-created",
        &["onchain-off", "onchain-zero-confirmations"],
    ),
    (
        "six_confirmations",
        "--onchain-confirmations 6 --onchain-0conf-max-sat 0 --pay-by bolt12,onchain --choice lost-payment-is-expected",
        &["onchain-off", "onchain-zero-confirmations"],
    ),
    (
        "no_confirmation",
        "--onchain-0conf-max-sat 10000000 --onchain-0conf-fee-rate 253 --pay-by bolt11,onchain --choice child-bumps --strict-rest",
        // What counts at once can't be taken back in time.
        &["onchain-off", "onchain-replaced"],
    ),
];

fn main() -> ExitCode {
    if std::env::var_os(ACT_AS_MOCK).is_some() {
        return mock_lsp::cli::main();
    }
    let arguments = Arguments::from_args();
    let mut trials = vec![
        Trial::test("purchases_over_both_transports_pass", purchases_pass),
        Trial::test("an_offer_buys_a_channel", offers_pass),
        Trial::test("without_invoices_there_is_nothing_to_pay", no_invoices),
        Trial::test("no_reserve_has_to_be_kept", no_reserve),
        Trial::test("payment_on_the_chain_may_be_switched_off", onchain_off),
        Trial::test("a_set_up_that_fails_names_its_step", set_up_fails),
    ];
    for (name, options, skipped) in LEGAL_CHOICES {
        let name = format!("a_correct_lsp_that_chooses_otherwise_passes::{name}");
        trials.push(Trial::test(name, move || is_legal(options, skipped)));
    }
    trials.push(Trial::test("a_child_that_does_not_come_is_missed", child_is_missed));
    for (fault, step) in
        [("claims-before-open", "pay"), ("forgets-unpaid-orders-at-restart", "restart")]
    {
        let name = format!("a_generated_sequence_shows_what_{step}_does::{fault}");
        trials.push(Trial::test(name, move || is_found_by_sequence(fault, step)));
    }
    for fault in FAULTS {
        trials.push(Trial::test(format!("fault::{fault}"), move || is_named(fault)));
    }
    // Each has a network of its own, and the machine may have two cores.
    let arguments = Arguments { test_threads: arguments.test_threads.or(Some(2)), ..arguments };
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn mock(options: &str) -> Result<String, Failed> {
    let program = std::env::current_exe()?;
    let program =
        shlex::try_quote(program.to_str().ok_or("the path of this program is no UTF-8")?)?
            .into_owned();
    Ok(format!("{program} --engine regtest --rest 127.0.0.1:0 --p2p 127.0.0.1:0 {options}"))
}

/// Runs the purchases whose name contains `filter`, against a mock with these options.
fn purchases(options: &str, filter: &str) -> Result<(support::Ended, Value), Failed> {
    let command = mock(&format!("--token {TOKEN} {options}"))?;
    let arguments = [
        "run",
        "--regtest",
        "--target-cmd",
        &command,
        "--filter",
        filter,
        "--token",
        TOKEN,
        "--seed",
        "1",
    ];
    Ok(harness_with_report(&arguments))
}

/// How many scenarios of a transport ended with a verdict.
fn count(report: &Value, transport: &str, verdict: &str) -> usize {
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    scenarios.iter().filter(|it| it["transport"] == transport && it["verdict"] == verdict).count()
}

/// Whether the scenarios pass, or are skipped, over both transports.
fn all_end(options: &str, filter: &str, verdict: &str) -> Result<(), Failed> {
    let (ended, report) = purchases(options, filter)?;
    let all = report["scenarios"].as_array().map_or(0, Vec::len);
    let counts = ["p2p", "rest"].map(|transport| count(&report, transport, verdict));
    if counts[0] > 0 && counts[1] > 0 && counts[0] + counts[1] == all {
        return Ok(());
    }
    Err(format!("exit {}: {}\n{}", ended.code, ended.stdout, ended.stderr).into())
}

fn offers_pass() -> Result<(), Failed> {
    all_end("", "::bolt12-", "pass")
}

fn no_invoices() -> Result<(), Failed> {
    all_end("--pay-by bolt12", "::purchase", "skip")
}

fn no_reserve() -> Result<(), Failed> {
    all_end("--supports-zero-channel-reserve", "::zero-reserve", "pass")
}

/// The mock says so in its ready line.
fn onchain_off() -> Result<(), Failed> {
    all_end("--pay-by bolt11,bolt12", "::onchain-off", "pass")
}

fn purchases_pass() -> Result<(), Failed> {
    let (ended, report) = purchases("", "::purchase")?;
    let by_transport = |transport: &str| count(&report, transport, "pass");
    let has_chain = report["target"]["chain"] == "regtest";
    if ended.code == 0 && has_chain && by_transport("p2p") >= 2 && by_transport("rest") >= 2 {
        return Ok(());
    }
    Err(format!("exit {}: {}\n{}", ended.code, ended.stdout, ended.stderr).into())
}

/// Whether nothing is found in payments on the chain, and no scenario is skipped but these.
fn is_legal(options: &str, skipped: &[&str]) -> Result<(), Failed> {
    let (ended, report) = purchases(options, "::onchain-")?;
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_right = |it: &Value| {
        let is_skipped = it["id"].as_str().is_some_and(|id| skipped.contains(&id));
        match it["verdict"].as_str() {
            Some("skip") => is_skipped,
            Some("pass") => !is_skipped,
            // Of a payment that is gone bLIP-51 says nothing, so that it is worth a word what becomes of it.
            Some("warn") => options.contains("lost-payment-is-expected"),
            _ => false,
        }
    };
    if ended.code == 0 && scenarios.len() >= 26 && scenarios.iter().all(is_right) {
        return Ok(());
    }
    Err(format!("exit {}: {}\n{}", ended.code, ended.stdout, ended.stderr).into())
}

/// An LSP that bumps refunds by a child in principle, but doesn't.
fn child_is_missed() -> Result<(), Failed> {
    let mock = mock("--choice child-bumps --fault never-bumps-refunds")?;
    let target = TargetSettings {
        command: Some(format!("env {ACT_AS_MOCK}=1 {mock}")),
        ..TargetSettings::default()
    };
    let settings = Settings {
        chain: ChainFrom::Started,
        filter: vec!["rest::onchain-refund-bumped".to_owned()],
        patience: Some(Duration::from_secs(5)),
        ..Settings::new(target, 1)
    };
    let report = tokio::runtime::Runtime::new()?.block_on(run::run(settings, &Silent))?;
    let found: Vec<&str> = report.findings.iter().map(|it| it.requirement.as_str()).collect();
    match found.as_slice() {
        ["L1-203"] => Ok(()),
        _ => Err(format!("{found:?} instead of L1-203").into()),
    }
}

fn is_named(fault: &str) -> Result<(), Failed> {
    let breaks = Fault::by_name(fault).ok_or("the mock has no such fault")?.breaks();
    let (ended, report) = purchases(&format!("--fault {fault}"), "p2p::purchase-bolt11")?;
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let broken: Vec<&str> = findings
        .iter()
        .filter(|it| it["verdict"] == "fail")
        .filter_map(|it| it["requirement"].as_str())
        .collect();
    if ended.code == 1 && broken.iter().any(|id| breaks.contains(id)) {
        return Ok(());
    }
    Err(format!("exit {}, {broken:?} has none of {breaks:?}\n{}", ended.code, ended.stdout).into())
}

/// What only shows after a payment or a restart is found by generated sequences, and shrunk to what it takes.
fn is_found_by_sequence(fault: &str, step: &str) -> Result<(), Failed> {
    let breaks = Fault::by_name(fault).ok_or("the mock has no such fault")?.breaks();
    let data = tempfile::tempdir()?;
    let data = shlex::try_quote(data.path().to_str().ok_or("the folder's path is no UTF-8")?)?;
    let command = mock(&format!("--fault {fault} --data-dir {data}"))?;
    let sequences = ["--filter", "rest::property-sequences", "--cases", "200", "--seed", "1"];
    let arguments = ["run", "--regtest", "--target-cmd", &command].into_iter().chain(sequences);
    let (ended, report) = harness_with_report(&arguments.collect::<Vec<_>>());
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown = findings.iter().filter(|it| {
        let is_meant = it["requirement"].as_str().is_some_and(|id| breaks.contains(&id));
        let evidence = it["evidence"].to_string();
        is_meant
            && evidence.contains("counter-example")
            && evidence.contains(&format!("{{\\\"{step}\\\":"))
    });
    match (ended.code, shown.count()) {
        (1, 1..) => Ok(()),
        _ => Err(format!("exit {}\n{}", ended.code, ended.stdout).into()),
    }
}

/// A target whose node isn't there: the payer's channel can't be opened.
fn set_up_fails() -> Result<(), Failed> {
    let nobody = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619@127.0.0.1:1";
    let command = format!("sh -c 'echo {{\\\"p2p\\\":\\\"{nobody}\\\"}}; sleep 600'");
    let arguments = ["run", "--regtest", "--target-cmd", &command, "--filter", "purchase"];
    let (ended, report) = harness_with_report(&arguments);
    let reason = report["scenarios"][0]["reason"].as_str().unwrap_or_default();
    if ended.code == 3 && reason.contains("unreachable") {
        return Ok(());
    }
    Err(format!("exit {}: {reason}\n{}", ended.code, ended.stdout).into())
}
