//! A run that is interrupted takes the target along that it has started.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lsps1_fixtures::process::{RunId, left_over};

/// Whatever hangs longer hangs.
const HANGS: Duration = Duration::from_secs(60);

fn interrupted(signal: &str) -> Option<i32> {
    // Takes connections and says nothing, so that the run waits.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let ready = format!(r#"{{"rest":"http://{}/api/v1"}}"#, listener.local_addr().unwrap());
    let quoted = shlex::try_quote(&ready).unwrap().into_owned();
    let script = format!("sleep 600 & echo {quoted}; sleep 600");
    let target = shlex::try_join(["sh", "-c", &script]).unwrap();
    let run_id = RunId::new();
    let mut harness = Command::new(env!("CARGO_BIN_EXE_lsps1-harness"))
        .args(["run", "--target-cmd", &target, "--timeout", "600", "--filter", "get-info"])
        .env("LSPS1_RUN_ID", run_id.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("starting the target")));
    // The harness, the shell and its two children; the run has begun when it asks for something.
    let (asked, _) = listener.accept().unwrap();
    let deadline = Instant::now() + HANGS;
    // The shell says that it is ready before it starts the second of them.
    while left_over(&run_id).len() < 4 {
        assert!(Instant::now() < deadline, "{:?}", left_over(&run_id));
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = harness.id().to_string();
    assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    let status = loop {
        match harness.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            None => {
                harness.kill().unwrap();
                panic!("the harness doesn't end on SIG{signal}");
            }
        }
    };
    drop(asked);
    assert_eq!(left_over(&run_id), [], "left over after SIG{signal}");
    status.code()
}

#[test]
fn sigint_ends_the_target_too() {
    assert_eq!(interrupted("INT"), Some(130));
}

#[test]
fn sigterm_ends_the_target_too() {
    assert_eq!(interrupted("TERM"), Some(143));
}
