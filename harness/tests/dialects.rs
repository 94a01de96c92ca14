//! Targets that speak an older text of LSPS1: one headline finding, and no other but what the text doesn't explain.
//!
//! They are the mock behind a relay that puts its answers into the words of the time.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[path = "support/mock.rs"]
mod mock;
mod support;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{InboundPolicy, LSPS_MESSAGE_TYPE, Node, NodeConfig, NodeEvent};
use mock::Mock;
use serde_json::{Map, Value, json};
use support::{Ended, harness_with_report};
use tokio::runtime::Runtime;

/// Scenarios about what differs between the texts.
const ABOUT: [&str; 5] =
    ["get-info", "create-order", "get-order", "bolt11-option", "unknown-order"];

fn judge(face: &[&str], more: &[&str]) -> (Ended, Value) {
    let mut arguments = vec!["run", "--seed", "1", "--network", "regtest", "--jobs", "1"];
    arguments.extend(face);
    for filter in ABOUT {
        arguments.extend(["--filter", filter]);
    }
    arguments.extend(more);
    harness_with_report(&arguments)
}

fn findings<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    let findings = report["findings"].as_array().unwrap();
    let of = findings
        .iter()
        .filter(|finding| finding["verdict"] == verdict && finding["requirement"] != "dialect");
    of.map(|finding| finding["requirement"].as_str().unwrap()).collect()
}

fn explained(dialect: &Value) -> Vec<&str> {
    dialect["finding"]["explains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_str().unwrap())
        .collect()
}

/// Answers of the mock as of spring 2024.
fn to_d1(reply: &mut Value) {
    let Some(result) = reply.get_mut("result").and_then(Value::as_object_mut) else { return };
    if result.contains_key("max_channel_expiry_blocks") {
        let options = std::mem::take(result);
        result.insert("options".into(), Value::Object(options));
    }
    let Some(bolt11) = result.get_mut("payment").and_then(|payment| payment.get_mut("bolt11"))
    else {
        return;
    };
    let mut payment: Map<String, Value> = bolt11.as_object_mut().map(std::mem::take).unwrap();
    let invoice = payment.remove("invoice").unwrap();
    payment.insert("bolt11_invoice".into(), invoice);
    let expires_at = payment.remove("expires_at").unwrap();
    result.insert("expires_at".into(), expires_at);
    result.insert("payment".into(), Value::Object(payment));
}

/// A node that passes messages on to the mock, and its answers back, rewritten.
fn relay(runtime: &Runtime, mock: &Mock, rewrite: fn(&mut Value)) -> String {
    let (lsp, lsp_address) = mock
        .p2p()
        .split_once('@')
        .map(|(id, address)| {
            (id.parse::<PublicKey>().unwrap(), address.parse::<SocketAddr>().unwrap())
        })
        .unwrap();
    runtime.block_on(async {
        let (node, mut events) = Node::start(NodeConfig {
            listen: Some("127.0.0.1:0".parse().unwrap()),
            inbound: InboundPolicy::Refuse,
            ..NodeConfig::message_peer("relay", [9; 32])
        })
        .await
        .unwrap();
        node.connect(lsp, lsp_address, Duration::from_secs(10)).await.unwrap();
        let address = format!("{}@{}", node.id(), node.address().unwrap());
        tokio::spawn(async move {
            let mut askers: HashMap<String, PublicKey> = HashMap::new();
            while let Some(event) = events.recv().await {
                let NodeEvent::CustomMessage { peer, payload, .. } = event else { continue };
                let mut message: Value = serde_json::from_slice(&payload).unwrap_or_default();
                let id = message["id"].to_string();
                let (to, payload) = if peer == lsp {
                    rewrite(&mut message);
                    let Some(asker) = askers.remove(&id) else { continue };
                    (asker, message.to_string().into_bytes())
                } else {
                    askers.insert(id, peer);
                    (lsp, payload)
                };
                // The harness may have gone.
                let _ = node.send_custom(to, LSPS_MESSAGE_TYPE, payload);
            }
        });
        address
    })
}

#[test]
fn an_old_text_is_one_finding_over_custom_messages() {
    let mock = Mock::start(&[]);
    let runtime = Runtime::new().unwrap();
    let address = relay(&runtime, &mock, to_d1);
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");

    let (ended, report) = judge(&["--p2p", &address], &["--junit", junit.to_str().unwrap()]);

    let dialect = &report["dialect"]["p2p"];
    assert_eq!(
        (&dialect["name"], &dialect["confidence"]),
        (&json!("d1"), &json!("certain")),
        "{dialect:#}"
    );
    assert_eq!(dialect["finding"]["verdict"], "fail");
    let headline = &report["findings"][0];
    assert_eq!(
        (&headline["requirement"], &headline["verdict"], &headline["message"]),
        (&json!("dialect"), &json!("fail"), &dialect["finding"]["message"])
    );
    assert_eq!(ended.stdout.matches("fail dialect").count(), 1, "{}", ended.stdout);
    assert_eq!(findings(&report, "fail"), Vec::<&str>::new(), "{}", ended.stdout);
    let rows = explained(dialect);
    assert!(rows.contains(&"L1-011") && rows.contains(&"L1-125"), "{rows:?}");
    assert_eq!(ended.code, 1, "an old text is not bLIP-51");
    assert!(
        ended.stdout.contains("dialect over p2p: d1 (LSPS1 of April and May 2024), certain"),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("fail dialect d1 on p2p: ")
            && ended.stdout.contains("What changed since:")
    );
    let reasons: Vec<&str> = report["not_judged"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["reason"].as_str().unwrap())
        .collect();
    assert!(reasons.contains(&"explained by dialect d1"), "{reasons:?}");
    let suites =
        quick_junit::Report::deserialize_from_str(&std::fs::read_to_string(junit).unwrap())
            .unwrap();
    assert_eq!((suites.failures, suites.errors), (1, 0), "the headline only");
}

#[test]
fn in_compat_an_old_text_is_a_warning_that_names_clients() {
    let mock = Mock::start(&[]);
    let runtime = Runtime::new().unwrap();
    let address = relay(&runtime, &mock, to_d1);
    let (ended, report) = judge(&["--p2p", &address], &["--profile", "compat"]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    let finding = &report["dialect"]["p2p"]["finding"];
    assert_eq!(finding["verdict"], "warn");
    assert!(finding["message"].as_str().unwrap().contains("Alby Hub"), "{finding:#}");
}

#[test]
fn what_the_text_does_not_explain_is_found() {
    let mock = Mock::start(&["order-total-off-by-one"]);
    let runtime = Runtime::new().unwrap();
    let address = relay(&runtime, &mock, to_d1);
    let (ended, report) = judge(&["--p2p", &address], &[]);
    assert_eq!(findings(&report, "fail"), ["L1-134"], "{}", ended.stdout);
}

#[test]
fn a_forced_dialect_is_taken_at_its_word() {
    let mock = Mock::start(&[]);
    let runtime = Runtime::new().unwrap();
    let address = relay(&runtime, &mock, to_d1);

    let (_, report) = judge(&["--p2p", &address], &["--dialect", "d3"]);
    assert_eq!(report["dialect"]["p2p"]["confidence"], "forced");
    assert!(report["dialect"]["p2p"].get("finding").is_none());
    assert!(findings(&report, "fail").len() > 5, "{:?}", findings(&report, "fail"));

    let (ended, report) = judge(&["--p2p", &address], &["--dialect", "d1"]);
    assert_eq!(findings(&report, "fail"), Vec::<&str>::new(), "{}", ended.stdout);
    assert_eq!(report["dialect"]["p2p"]["finding"]["verdict"], "fail");
}

/// An HTTP server that passes requests on to the mock and rewrites the answers.
fn http_relay(mock: &Mock, rewrite: fn(&mut Value)) -> String {
    let base = mock.rest();
    let upstream = base.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "http://{}{}",
        listener.local_addr().unwrap(),
        base.split_once(&upstream).unwrap().1
    );
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let upstream = upstream.clone();
            std::thread::spawn(move || pass_on(stream, &upstream, rewrite));
        }
    });
    url
}

/// One request and its answer; `None` if either side goes away.
fn pass_on(mut stream: TcpStream, upstream: &str, rewrite: fn(&mut Value)) -> Option<()> {
    let (head, body) = read_message(&stream)?;
    let mut mock = TcpStream::connect(upstream).ok()?;
    let head: Vec<&str> = head
        .lines()
        .filter(|line| !line.to_lowercase().starts_with("connection:") && !line.is_empty())
        .collect();
    write!(mock, "{}\r\nConnection: close\r\n\r\n", head.join("\r\n")).ok()?;
    mock.write_all(&body).ok()?;
    let (head, body) = read_message(&mock)?;
    let mut value: Value = serde_json::from_slice(&body).ok()?;
    rewrite(&mut value);
    let body = value.to_string();
    let status = head.lines().next()?;
    let length = body.len();
    write!(stream, "{status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").ok()
}

/// The head of an HTTP message, and its body.
fn read_message(stream: &TcpStream) -> Option<(String, Vec<u8>)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Orders as on the published page of June 2024.
fn to_page(body: &mut Value) {
    let Some(body) = body.as_object_mut() else { return };
    if body.contains_key("max_channel_expiry_blocks") {
        body.insert("min_onchain_payment_confirmations".into(), Value::Null);
        body.insert("min_onchain_payment_size_sat".into(), Value::Null);
    }
    body.remove("required_channel_confirmations");
    if let Some(payment) = body.get_mut("payment").and_then(Value::as_object_mut) {
        // Offers came later.
        payment.remove("bolt12");
    }
}

#[test]
fn the_rest_page_of_2024_is_a_warning() {
    let mock = Mock::start(&["order-id-hex"]);
    let url = http_relay(&mock, to_page);
    let (ended, report) = judge(&["--rest", &url], &[]);
    let dialect = &report["dialect"]["rest"];
    assert_eq!(
        (&dialect["name"], &dialect["confidence"]),
        (&json!("rest-seed"), &json!("certain")),
        "{dialect:#}"
    );
    assert_eq!(dialect["finding"]["verdict"], "warn");
    assert!(explained(dialect).contains(&"L1-083"), "{dialect:#}");
    assert_eq!(findings(&report, "fail"), Vec::<&str>::new(), "{}", ended.stdout);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn todays_text_is_told_and_no_finding() {
    let mock = Mock::start(&[]);
    let (ended, report) = judge(&["--rest", &mock.rest(), "--p2p", &mock.p2p()], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", ended.stdout);
    for transport in ["p2p", "rest"] {
        let dialect = &report["dialect"][transport];
        assert_eq!((&dialect["name"], &dialect["confidence"]), (&json!("d3"), &json!("certain")));
        assert!(dialect.get("finding").is_none());
        assert!(ended.stdout.contains(&format!("dialect over {transport}: d3 (bLIP-51), certain")));
    }
}
