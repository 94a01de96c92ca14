//! `--restarts`: a target that can be started again but doesn't say so in its ready line. The command is this very
//! program, which acts as the mock LSP when [`ACT_AS_MOCK`] is set, without the word for it.

mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use support::{ACT_AS_MOCK, Ended, harness_with_report};

/// What is judged of a target that is killed and started again: without a chain, that it still knows an unpaid order.
const SCENARIO: &str = "restart-unpaid";

fn main() -> ExitCode {
    if std::env::var_os(ACT_AS_MOCK).is_some() {
        return mock_lsp::cli::main();
    }
    let trials = vec![
        Trial::test("without_the_flag_such_a_target_is_not_killed", is_left_alone),
        Trial::test("with_the_flag_it_is_killed_and_judged", is_judged),
        Trial::test("with_the_flag_one_that_forgets_is_found", forgetting_is_found),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Runs the scenarios on restarts against a mock with these options, which keeps to itself that it can be started again.
fn run(options: &str, flags: &[&str]) -> Result<(Ended, Value), Failed> {
    let data = tempfile::tempdir()?;
    let quoted = |path: &std::path::Path| -> Result<String, Failed> {
        let path = path.to_str().ok_or("the path is no UTF-8")?;
        Ok(shlex::try_quote(path)?.into_owned())
    };
    let (program, data) = (quoted(&std::env::current_exe()?)?, quoted(data.path())?);
    let mock =
        format!("{program} --rest 127.0.0.1:0 --p2p 127.0.0.1:0 --data-dir {data} {options}");
    let silent = format!("{mock} | sed -u 's/\"restart\":true/\"restart\":false/'");
    let command = shlex::try_join(["sh", "-c", &silent])?;
    let arguments = ["run", "--target-cmd", &command, "--filter", SCENARIO];
    Ok(harness_with_report(&[&arguments, flags].concat()))
}

/// The verdicts of the scenario, with the reasons, if there are two: one for each transport.
fn verdicts(report: &Value) -> Result<[(&str, &str); 2], Failed> {
    let scenarios = report["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    let its = scenarios.iter().filter(|it| it["id"] == SCENARIO);
    let found: Vec<(&str, &str)> = its
        .map(|it| {
            let text = |member: &str| it[member].as_str().unwrap_or_default();
            (text("verdict"), text("reason"))
        })
        .collect();
    found.try_into().map_err(|found| format!("not two of them: {found:?}").into())
}

fn is_left_alone() -> Result<(), Failed> {
    let (ended, report) = run("", &[])?;
    let is_skipped = |(verdict, reason): &(&str, &str)| {
        *verdict == "skip" && reason.contains("give --restarts with --target-cmd")
    };
    match verdicts(&report)?.iter().all(is_skipped) {
        true => Ok(()),
        false => Err(format!("{}\n{}", ended.stdout, report["scenarios"]).into()),
    }
}

fn is_judged() -> Result<(), Failed> {
    let (ended, report) = run("", &["--restarts"])?;
    let all_pass = verdicts(&report)?.iter().all(|(verdict, _)| *verdict == "pass");
    match all_pass && ended.code == 0 {
        true => Ok(()),
        false => Err(format!("exit {}: {}\n{}", ended.code, ended.stdout, ended.stderr).into()),
    }
}

fn forgetting_is_found() -> Result<(), Failed> {
    let (ended, report) = run("--fault forgets-unpaid-orders-at-restart", &["--restarts"])?;
    let all_fail = verdicts(&report)?
        .iter()
        .all(|(verdict, reason)| *verdict == "fail" && reason.starts_with("L1-116"));
    match all_fail && ended.code == 1 {
        true => Ok(()),
        false => Err(format!("exit {}: {}\n{}", ended.code, ended.stdout, ended.stderr).into()),
    }
}
