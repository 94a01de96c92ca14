//! How much waiting a run does: scenarios overlap, and what is known to stay unanswered isn't waited for again.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/node.rs"]
mod node;
#[allow(dead_code, reason = "other tests use more of it")]
mod support;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use node::{Reaction, node_target};
use serde_json::{Value, json};
use support::harness_with_report;

/// How long the slow target takes for each answer.
const DELAY: Duration = Duration::from_millis(100);

/// Serves each connection in a thread of its own, and takes its time.
fn slow_rest() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut head = [0; 16 * 1024];
                // The harness may hang up first.
                let _ = stream.read(&mut head);
                std::thread::sleep(DELAY);
                let _ = stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
                );
            });
        }
    });
    url
}

/// What a report says, without times.
fn said(report: &Value) -> (Vec<String>, Vec<String>, Value) {
    let scenarios = report["scenarios"].as_array().unwrap().iter();
    let findings = report["findings"].as_array().unwrap().iter();
    (
        scenarios.map(|it| format!("{} {} {}", it["id"], it["verdict"], it["reason"])).collect(),
        findings
            .map(|it| format!("{} {} {}", it["requirement"], it["scenario"], it["message"]))
            .collect(),
        report["not_judged"].clone(),
    )
}

#[test]
fn scenarios_overlap_and_the_report_is_the_same() {
    let url = slow_rest();
    let run = |jobs: &str| {
        let arguments = ["run", "--rest", &url, "--seed", "1", "--cases", "0", "--dialect", "d3"];
        let (ended, report) = harness_with_report(&[&arguments[..], &["--jobs", jobs]].concat());
        assert_eq!(ended.code, 1, "{ended:?}");
        report
    };
    let (alone, together) = (run("1"), run("8"));
    assert!(alone["scenarios"].as_array().unwrap().len() > 30, "{}", alone["summary"]);
    assert_eq!(said(&alone), said(&together));
    let took = |report: &Value| report["run"]["duration_ms"].as_u64().unwrap();
    let (alone, together) = (took(&alone), took(&together));
    // Nearly all of it is waiting, so that this holds on a busy machine, too.
    assert!(alone >= 3 * together, "{alone} ms one by one, {together} ms eight at a time");
}

/// A target that answers everything but get_info, which most scenarios begin with.
#[test]
fn what_depends_on_an_answer_that_never_comes_is_not_waited_for() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let address = runtime.block_on(node_target(|request| {
        let request: Value = serde_json::from_slice(request).unwrap_or_default();
        let method = request["method"].as_str().unwrap_or_default();
        if method.ends_with("get_info") || method == "lsps1.info" {
            return Reaction::nothing();
        }
        let answer = match method {
            "lsps0.list_protocols" => json!({"result": {"protocols": [1]}}),
            _ => json!({"error": {"code": -32601, "message": "Method not found"}}),
        };
        let envelope = json!({"jsonrpc": "2.0", "id": request["id"]});
        let mut answer = answer;
        answer.as_object_mut().unwrap().extend(envelope.as_object().unwrap().clone());
        Reaction::one(answer.to_string())
    }));
    let timeout = Duration::from_secs(4);
    let arguments =
        ["--timeout", "4", "--seed", "1", "--cases", "0", "--dialect", "d3", "--jobs", "1"];
    let (ended, report) =
        harness_with_report(&[&["run", "--p2p", &address][..], &arguments].concat());
    assert_eq!(ended.code, 1, "{ended:?}");
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for scenario in report["scenarios"].as_array().unwrap() {
        let reason = scenario["reason"].as_str().unwrap_or_default();
        if reason.contains("depends on a failed check") {
            assert_eq!(scenario["verdict"], "inconclusive", "{scenario}");
            *reasons.entry(reason).or_default() += 1;
        }
    }
    let says = "identical lsps1.get_info unanswered";
    let depending: usize = reasons.values().sum();
    assert!(depending > 20 && reasons.keys().all(|it| it.contains(says)), "{reasons:?}");
    // Two waits tell; a few scenarios ask for it in a way of their own.
    let took = report["run"]["duration_ms"].as_u64().unwrap();
    let each = timeout.as_millis() as u64;
    assert!(took < each * depending as u64 / 2, "{took} ms for {depending} scenarios");
}
