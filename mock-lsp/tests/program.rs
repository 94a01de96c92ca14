//! The program itself.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mock-lsp"));
    for variable in
        ["LSPS1_BITCOIND_RPC_URL", "LSPS1_BITCOIND_COOKIE_FILE", "LSPS1_FAUCET_URL", "RUST_LOG"]
    {
        command.env_remove(variable);
    }
    command
}

fn output(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

/// Ends a child that a failed test leaves behind.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

#[test]
fn it_prints_one_line_when_ready_and_ends_on_signals() {
    for signal in ["TERM", "INT"] {
        let child =
            program().args(["--seed", "1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut running = Running(child.unwrap());
        let mut stdout = BufReader::new(running.0.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let names: Vec<_> = ready.as_object().unwrap().keys().collect();
        assert_eq!(names, ["rest", "p2p", "control"]);
        assert!(ready["rest"].as_str().unwrap().ends_with("/api/v1"));

        let pid = running.0.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
        let status = running.0.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{signal}");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        let mut log = String::new();
        running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(log.contains("--seed 0000"), "{log}");
    }
}

#[test]
fn it_lists_its_faults() {
    let json: Value = serde_json::from_slice(&output(&["faults", "--json"]).stdout).unwrap();
    let faults = json.as_array().unwrap();
    assert!(faults.len() >= 25);
    let total = faults.iter().find(|fault| fault["name"] == "order-total-off-by-one").unwrap();
    assert_eq!(total["breaks"], serde_json::json!(["L1-134"]));
    let text = String::from_utf8(output(&["faults"]).stdout).unwrap();
    assert_eq!(text.lines().count(), faults.len());
}

#[test]
fn wrong_use_exits_with_2_and_one_hint() {
    let cases: [&[&str]; 5] = [
        &["--nope"],
        &["--fault", "nope"],
        &["--control", "0.0.0.0:0"],
        &["--order-expiry-seconds", "0"],
        &["--min-channel-balance-sat", "99999999"],
    ];
    for args in cases {
        let output = output(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn the_help_teaches() {
    let help = String::from_utf8(output(&["--help"]).stdout).unwrap();
    for word in ["--rest", "--fault", "/pay", "get_info", "PPM", "SAT", "LSPS1_BITCOIND_RPC_URL"] {
        assert!(help.contains(word), "{word}");
    }
}
