//! What the tests of the program share: starting it with a limit on its time, and reading what it left.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test helper that can't go on fails its test"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The longest that a run may take: the self-test judges hundreds of mocks, with programs that aren't optimised and beside
/// other tests.
const HANGS: Duration = Duration::from_secs(900);

/// Set for a target that the program starts, see `regtest.rs`.
pub(crate) const ACT_AS_MOCK: &str = "LSPS1_TEST_ACT_AS_MOCK";

/// Runs the program and fails the test if it hangs or is killed by a signal.
pub(crate) fn harness(arguments: &[&str]) -> Ended {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lsps1-harness"))
        .args(arguments)
        .env_remove("LSPS1_TOKEN")
        .env_remove("LSPS1_SPENT_TOKEN")
        .env_remove("RUST_LOG")
        .env(ACT_AS_MOCK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = read(child.stdout.take().unwrap());
    let stderr = read(child.stderr.take().unwrap());
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if started.elapsed() > HANGS {
            child.kill().unwrap();
            panic!("lsps1-harness {arguments:?} hangs; it has printed: {}", stdout.join().unwrap());
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let (stdout, stderr) = (stdout.join().unwrap(), stderr.join().unwrap());
    assert!(!stderr.contains("panicked"), "lsps1-harness {arguments:?} panicked: {stderr}");
    let code = status
        .code()
        .unwrap_or_else(|| panic!("lsps1-harness {arguments:?} ended by a signal: {stderr}"));
    Ended { code, stdout, stderr }
}

/// Runs the program with `--json` and gives its report, too. The report has to keep to its schema.
pub(crate) fn harness_with_report(arguments: &[&str]) -> (Ended, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let mut all = arguments.to_vec();
    all.extend(["--json", path.to_str().unwrap()]);
    let ended = harness(&all);
    let report = read_report(&path).unwrap_or_else(|| panic!("no report: {ended:?}"));
    assert_eq!(report["run"]["exit_code"], ended.code, "{ended:?}");
    (ended, report)
}

fn read_report(path: &Path) -> Option<Value> {
    let report: Value = serde_json::from_str(&std::fs::read_to_string(path).ok()?).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../schemas/report.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "the report breaks its schema: {wrong:#?}");
    Some(report)
}

fn read(mut pipe: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).expect("the program prints UTF-8")
    })
}
