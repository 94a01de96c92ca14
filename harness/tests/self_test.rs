//! The self-test as a user runs it: a fault of the mock is found by a row that it breaks, and the mock as it is gives
//! nothing to complain about. The mock is this very program, which acts as one when [`ACT_AS_MOCK`]
//! is set: like that it is built for the tests alone, and always up to date.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[allow(dead_code, reason = "not every test runs the subcommand `run`")]
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use support::{ACT_AS_MOCK, harness};

fn main() -> ExitCode {
    if std::env::var_os(ACT_AS_MOCK).is_some() {
        return mock_lsp::cli::main();
    }
    let trials = vec![
        Trial::test("a_fault_is_found_by_what_it_breaks", one_fault),
        Trial::test("what_a_restart_breaks_is_found_in_drawn_sequences", sequences_with_restarts),
        Trial::test("a_filter_that_matches_nothing_exits_with_4", nothing_tried),
        Trial::test("without_a_mock_it_says_what_to_do", no_mock),
        Trial::test("a_program_that_is_no_mock_is_named", not_a_mock),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the self-test and gives its report, which has to keep to its schema.
fn self_test(arguments: &[&str]) -> Result<(support::Ended, Value), Failed> {
    let own = std::env::current_exe()?;
    let own = own.to_str().ok_or("the path of this program is no UTF-8")?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("self-test.json");
    let json = path.to_str().ok_or("the path of the report is no UTF-8")?;
    let ended = harness(&[&["self-test", "--mock", own, "--json", json], arguments].concat());
    let text = std::fs::read_to_string(&path)
        .map_err(|error| format!("there is no report ({error}): {ended:?}"))?;
    let report: Value = serde_json::from_str(&text)?;
    let schema: Value = serde_json::from_str(include_str!("../schemas/self-test.json"))?;
    let validator = jsonschema::validator_for(&schema)?;
    let wrong: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if !wrong.is_empty() || report["exit_code"] != ended.code {
        return Err(format!("the report breaks its schema: {wrong:#?}, exit {}", ended.code).into());
    }
    Ok((ended, report))
}

/// A mock that forgets orders when it is started again is found, shown by the fewest steps, and by its replay.
fn sequences_with_restarts() -> Result<(), Failed> {
    let own = std::env::current_exe()?;
    for fault in [None, Some("forgets-unpaid-orders-at-restart")] {
        let folder = tempfile::tempdir()?;
        let in_folder = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (data, report) = (in_folder("data"), in_folder("report.json"));
        let own = own.to_string_lossy();
        let mut words = vec![own.as_ref(), "--rest", "127.0.0.1:0", "--p2p", "127.0.0.1:0"];
        words.extend(["--data-dir", &data]);
        words.extend(fault.iter().flat_map(|fault| ["--fault", *fault]));
        let target = shlex::try_join(words)?;
        let run = ["run", "--target-cmd", &target, "--dialect", "d3", "--network", "regtest"];
        let drawn = ["--filter", "p2p::property-sequences", "--cases", "400", "--seed", "5"];
        let ended = harness(&[&run[..], &drawn, &["--json", &report]].concat());
        let Some(_) = fault else {
            if ended.code != 0 {
                return Err(format!("the unbroken mock: {ended:?}").into());
            }
            continue;
        };
        let smallest = r#"counter-example: {"call":"create_order"}, then {"restart":true}, then {"call":"get_order","with":{"order_id":"order[0]"}}"#;
        if ended.code != 1 || !ended.stdout.contains(smallest) {
            return Err(format!("found: {ended:?}").into());
        }
        let replay = in_folder("replay-p2p-property-sequences-L1-115.json");
        let again = harness(&[&run[..], &["--replay", &replay]].concat());
        if again.code != 1 || !again.stdout.contains("L1-121") {
            return Err(format!("replayed: {again:?}").into());
        }
    }
    Ok(())
}

/// All of them are tried by `ci/test`, which runs the program itself.
fn one_fault() -> Result<(), Failed> {
    let (ended, report) = self_test(&["--filter", "order-total-off-by-one"])?;
    let is_found = report["summary"]["detected"] == 1;
    if ended.code == 0 && report["unbroken"]["clean"] == true && is_found {
        return Ok(());
    }
    Err(format!("exit {}\n{}\n{}", ended.code, ended.stdout, ended.stderr).into())
}

fn nothing_tried() -> Result<(), Failed> {
    let (ended, report) = self_test(&["--filter", "no-fault-is-called-that"])?;
    if ended.code == 4 && report["faults"] == Value::Array(Vec::new()) {
        return Ok(());
    }
    Err(format!("exit {}\n{}", ended.code, ended.stdout).into())
}

fn no_mock() -> Result<(), Failed> {
    refused(&["self-test", "--mock", "/does/not/exist"], "/does/not/exist")
}

fn not_a_mock() -> Result<(), Failed> {
    refused(&["self-test", "--mock", "/bin/true"], "failed to list the faults of /bin/true")
}

fn refused(arguments: &[&str], says: &str) -> Result<(), Failed> {
    let ended = harness(arguments);
    if ended.code == 2 && ended.stderr.contains(says) && ended.stdout.is_empty() {
        return Ok(());
    }
    Err(format!("{ended:?}").into())
}
