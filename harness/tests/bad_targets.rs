//! Targets that misbehave below the level of LSPS1 give a verdict with evidence and exit 1 or 3, never a panic or a
//! hang.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test helper that can't go on fails its test"
)]

#[path = "support/node.rs"]
mod node;
mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use node::{Reaction, node_target};
use serde_json::Value;
use support::{Ended, harness_with_report};

/// A node id that nobody has.
const SOMEBODY: &str = "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619";

/// What all of these runs have in common.
fn run(arguments: &[&str]) -> (Ended, Value) {
    let mut all = vec!["run", "--timeout", "0.5", "--seed", "1"];
    all.extend(arguments);
    let started = Instant::now();
    let (ended, report) = harness_with_report(&all);
    let took = started.elapsed();
    assert!(matches!(ended.code, 1 | 3), "{ended:?}");
    assert!(took < Duration::from_secs(30), "it took {took:?}");
    (ended, report)
}

/// The reasons of all scenarios that came to no verdict.
fn inconclusive(report: &Value) -> Vec<&str> {
    let scenarios = report["scenarios"].as_array().unwrap();
    scenarios
        .iter()
        .filter(|scenario| scenario["verdict"] == "inconclusive")
        .map(|scenario| scenario["reason"].as_str().unwrap())
        .collect()
}

/// Something went wrong for this reason.
fn says(report: &Value, text: &str) {
    let mut reasons = inconclusive(report);
    let findings = report["findings"].as_array().unwrap();
    reasons.extend(findings.iter().map(|finding| finding["message"].as_str().unwrap()));
    assert!(reasons.iter().any(|reason| reason.contains(text)), "{reasons:#?}");
}

/// Everything that the findings show as evidence.
fn evidence(report: &Value) -> String {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["evidence"].to_string()).collect()
}

/// Serves every connection with `serve` in a thread of its own; gives the base URL.
fn tcp_target(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// An HTTP server that reads each request's head and answers it with these bytes, then closes.
fn http_target(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    let port = tcp_target(move |mut stream| {
        let mut head = [0; 16 * 1024];
        if stream.read(&mut head).is_ok() {
            // The harness may hang up first.
            let _ = stream.write_all(&answer);
        }
    });
    format!("http://127.0.0.1:{port}/api/v1")
}

fn ok(content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn rest_that_refuses_connections() {
    let (ended, report) = run(&["--rest", &format!("http://127.0.0.1:{}", closed_port())]);
    assert_eq!(ended.code, 3);
    let reasons = inconclusive(&report);
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| reason.contains("refused")), "{reasons:?}");
    assert_eq!(report["summary"]["fail"], 0);
}

#[test]
fn rest_that_closes_in_mid_answer() {
    let url = http_target(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"min",
    );
    let (_, report) = run(&["--rest", &url]);
    assert_eq!(report["summary"]["pass"], 0, "{report:#}");
    says(&report, "broke off");
}

#[test]
fn rest_that_answers_with_html() {
    let url = http_target(ok("text/html", b"<html><body>It works!</body></html>"));
    let (ended, report) = run(&["--rest", &url]);
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("It works!"), "{report:#}");
}

#[test]
fn rest_that_answers_with_ten_megabytes() {
    let mut body = b"{\"x\":\"".to_vec();
    body.resize(10_000_000, b'y');
    body.extend(b"\"}");
    let url = http_target(ok("application/json", &body));
    let (ended, report) = run(&["--rest", &url]);
    assert_eq!(ended.code, 1);
    assert!(report.to_string().len() < 5_000_000, "evidence is bounded");
}

#[test]
fn rest_that_never_ends_its_answer() {
    let port = tcp_target(|mut stream| {
        // Who answers before the question has broken HTTP already.
        let _ = stream.read(&mut [0; 16 * 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while stream.write_all(b"1\r\n \r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let (_, report) = run(&["--rest", &format!("http://127.0.0.1:{port}/api/v1")]);
    assert_eq!(report["summary"]["pass"], 0, "{report:#}");
    says(&report, "no complete answer");
}

#[test]
fn rest_that_is_silent() {
    let port = tcp_target(|mut stream| {
        // Until the harness hangs up.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (_, report) = run(&["--rest", &format!("http://127.0.0.1:{port}/api/v1")]);
    let reasons = inconclusive(&report);
    assert!(reasons.iter().any(|reason| reason.contains("target never answered")), "{reasons:?}");
}

#[test]
fn rest_that_answers_with_invalid_utf8() {
    let url = http_target(ok("application/json", b"{\"min_channel_balance_sat\":\"\xff\xfe\"}"));
    let (ended, report) = run(&["--rest", &url]);
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("fffe"), "{report:#}");
}

#[test]
fn rest_that_does_not_speak_http() {
    let url = http_target("SSH-2.0-OpenSSH_9.2p1\r\n");
    let (_, report) = run(&["--rest", &url]);
    assert_eq!(report["summary"]["pass"], 0, "{report:#}");
    says(&report, "broke off");
}

#[test]
fn rest_that_tries_to_take_over_the_terminal() {
    let body = "{\"min_channel_balance_sat\":\"\u{1b}]0;owned\u{7}\u{202e}\"}";
    let url = http_target(ok("application/json", body.as_bytes()));
    let (ended, report) = run(&["--rest", &url]);
    assert!(evidence(&report).contains("owned"), "what is looked for was there: {report:#}");
    for forbidden in ['\u{1b}', '\u{7}', '\u{202e}'] {
        assert!(
            !ended.stdout.contains(forbidden) && !ended.stderr.contains(forbidden),
            "{forbidden:?}"
        );
    }
}

#[test]
fn rest_that_redirects_elsewhere_is_not_followed() {
    let followed = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&followed);
    let elsewhere = tcp_target(move |_| seen.store(true, Ordering::SeqCst));
    let answer = format!(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
    );
    let (ended, report) = run(&["--rest", &http_target(answer)]);
    assert_eq!(ended.code, 1);
    assert!(report["findings"].to_string().contains("302"), "{report:#}");
    assert!(!followed.load(Ordering::SeqCst));
}

#[test]
fn p2p_that_refuses_connections() {
    let (ended, report) = run(&["--p2p", &format!("{SOMEBODY}@127.0.0.1:{}", closed_port())]);
    assert_eq!(ended.code, 3);
    let reasons = inconclusive(&report);
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| reason.contains("target unreachable")), "{reasons:?}");
}

#[test]
fn p2p_that_never_shakes_hands() {
    let port = tcp_target(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (ended, report) = run(&["--p2p", &format!("{SOMEBODY}@127.0.0.1:{port}")]);
    assert_eq!(ended.code, 3);
    let reasons = inconclusive(&report);
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| reason.contains("target unreachable")), "{reasons:?}");
}

#[test]
fn p2p_that_answers_the_handshake_with_noise() {
    let port = tcp_target(|mut stream| {
        let _ = stream.write_all(&[0xaa; 50]);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (ended, report) = run(&["--p2p", &format!("{SOMEBODY}@127.0.0.1:{port}")]);
    assert_eq!(ended.code, 3);
    let reasons = inconclusive(&report);
    assert!(!reasons.is_empty());
    assert!(reasons.iter().all(|reason| reason.contains("target unreachable")), "{reasons:?}");
}

/// Starts a node that reacts to everything in one way, and runs the harness against it.
fn run_against_node(react: impl FnMut(&[u8]) -> Reaction + Send + 'static) -> (Ended, Value) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(node_target(react));
    run(&["--p2p", &address])
}

/// The same for one answer.
fn run_against_answer(answer: impl Into<Vec<u8>>) -> (Ended, Value) {
    let answer = answer.into();
    run_against_node(move |_| Reaction::one(answer.clone()))
}

#[test]
fn p2p_that_is_silent() {
    let (_, report) = run_against_node(|_| Reaction::nothing());
    let reasons = inconclusive(&report);
    assert!(reasons.iter().any(|reason| reason.contains("target never answered")), "{reasons:?}");
}

#[test]
fn p2p_that_hangs_up_on_every_message() {
    let (ended, report) = run_against_node(|_| Reaction::HangUp);
    assert_eq!((ended.code, &report["summary"]["pass"]), (1, &0.into()), "{ended:?}");
    says(&report, "closed");
}

#[test]
fn p2p_that_answers_with_html() {
    let (ended, report) = run_against_answer(b"<html>It works!</html>".to_vec());
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("It works!"), "{report:#}");
}

#[test]
fn p2p_that_answers_with_invalid_utf8() {
    let (ended, report) = run_against_answer(b"{\"id\":\"\xff\xfe\"}".to_vec());
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("fffe"), "{report:#}");
}

#[test]
fn p2p_that_answers_with_the_largest_message_there_is() {
    let (ended, report) = run_against_answer(vec![b'['; 65_533]);
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("\"length\":65533"), "{report:#}");
}

#[test]
fn p2p_that_answers_everything_with_one_error() {
    let error = br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse error"}}"#;
    let (ended, report) = run_against_answer(error.to_vec());
    assert_eq!(ended.code, 1);
    assert!(evidence(&report).contains("-32700"), "{report:#}");
}

#[test]
fn p2p_that_answers_each_message_ten_thousand_times() {
    let answer =
        format!(r#"{{"jsonrpc":"2.0","id":"nobody's","result":{{"x":"{}"}}}}"#, "x".repeat(1_000));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(node_target(move |_| {
        Reaction::Answer(vec![answer.clone().into_bytes(); 10_000])
    }));
    // Nothing ends the wait but that there is too much.
    let (ended, report) = harness_with_report(&[
        "run",
        "--p2p",
        &address,
        "--seed",
        "1",
        "--timeout",
        "300",
        "--quiet",
        "300000",
        "--dialect",
        "d3",
        "--filter",
        "p2p::list-protocols-without-params",
    ]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let scenario = &report["scenarios"][0];
    assert!(scenario["reason"].as_str().unwrap().starts_with("L0-107: "), "{report:#}");
    assert!(scenario["duration_ms"].as_u64().unwrap() < 250_000, "{report:#}");
    assert!(evidence(&report).contains("nobody's"), "{report:#}");
    assert!(report.to_string().len() < 5_000_000, "evidence is bounded");
}
