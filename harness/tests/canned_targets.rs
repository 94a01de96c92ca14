//! Two targets that don't look at what they are asked: one refuses everything, one answers everything with the same
//! result. A negative check that only waits for 'an error', or a positive one that only waits for 'a result', would pass
//! against one of them. So both have to fail in most rows, and every row that either passes has its reason here.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

#[allow(dead_code, reason = "other tests use more of it")]
#[path = "support/node.rs"]
mod node;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use lsps1_harness::run::suite::Suite;
use lsps1_harness::run::{Settings, Silent, TargetSettings};
use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Transport, Verdict};
use node::{Reaction, node_target};
use serde_json::{Value, json};

/// What a target does with every request: makes a message of its id, and a status and a body for HTTP.
#[derive(Clone)]
struct Canned {
    message: fn(Option<&Value>) -> Value,
    http: fn() -> (u16, Value),
}

/// Refuses with 'Invalid params'.
const INVALID_PARAMS: Canned = Canned {
    message: |id| json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32602, "message": "Invalid params", "data": {}}}),
    http: || (400, json!({"error": {"code": -32602, "message": "Invalid params", "data": {}}})),
};

/// Refuses with 'Parse error', as for what can't be read.
const PARSE_ERROR: Canned = Canned {
    message: |_| json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}),
    http: || (400, json!({"error": {"code": -32700, "message": "Parse error"}})),
};

/// Has the results of all methods in one object: what is asked for is always somewhere in it.
const EVERYTHING: Canned = Canned {
    message: |id| json!({"jsonrpc": "2.0", "id": id, "result": everything()}),
    http: || (200, everything()),
};

fn everything() -> Value {
    json!({
        "protocols": [1],
        "uris": ["02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619@127.0.0.1:9735"],
        "min_required_channel_confirmations": 0,
        "min_funding_confirms_within_blocks": 1,
        "supports_zero_channel_reserve": true,
        "max_channel_expiry_blocks": 20160,
        "min_initial_client_balance_sat": "0",
        "max_initial_client_balance_sat": "100000000",
        "min_initial_lsp_balance_sat": "20000",
        "max_initial_lsp_balance_sat": "100000000",
        "min_channel_balance_sat": "50000",
        "max_channel_balance_sat": "100000000",
        "order_id": "bb4b5d0a-8334-49d8-9463-90a6d413af7c",
        "lsp_balance_sat": "100000",
        "client_balance_sat": "0",
        "required_channel_confirmations": 0,
        "funding_confirms_within_blocks": 6,
        "channel_expiry_blocks": 144,
        "token": "",
        "created_at": "2030-01-01T00:00:00.000Z",
        "announce_channel": false,
        "order_state": "CREATED",
        "payment": {"bolt11": {
            "state": "EXPECT_PAYMENT",
            "expires_at": "2030-01-01T01:00:00.000Z",
            "fee_total_sat": "1000",
            "order_total_sat": "1000",
            "invoice": "lnbcrt1",
        }},
        "channel": null,
    })
}

/// Of each row that was judged, the verdicts that it got.
type Rows = BTreeMap<String, BTreeSet<Verdict>>;

/// What of `rows` was only passed, and what was broken.
fn passed_and_broken(rows: &Rows) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let is_broken = |verdicts: &BTreeSet<Verdict>| {
        verdicts.contains(&Verdict::Fail) || verdicts.contains(&Verdict::Warn)
    };
    let broken = rows.iter().filter(|(_, verdicts)| is_broken(verdicts));
    let passed = rows
        .iter()
        .filter(|(_, verdicts)| !is_broken(verdicts) && verdicts.contains(&Verdict::Pass));
    (passed.map(|(row, _)| row.as_str()).collect(), broken.map(|(row, _)| row.as_str()).collect())
}

/// Runs everything that needs no chain over one transport.
fn judge(canned: &Canned, transport: Transport) -> Rows {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let target = match transport {
            Transport::P2p => {
                let p2p = Some(message_target(canned.message).await.parse().unwrap());
                TargetSettings { p2p, ..TargetSettings::default() }
            }
            Transport::Rest => {
                let rest = Some(http_target(canned.http).parse().unwrap());
                TargetSettings { rest, ..TargetSettings::default() }
            }
        };
        let mut settings = Settings::new(target, 1);
        settings.target.network = Some("regtest".to_owned());
        settings.target.token = Some("token".to_owned());
        settings.dialect = Some(Dialect::D3);
        settings.property.cases = Some(0);
        settings.timeout = Some(Duration::from_secs(2));
        let suite = Arc::new(Suite::prepare(settings, &Silent).await.unwrap());
        let mut rows = Rows::new();
        for planned in suite.plan().planned.into_iter().filter(|it| it.obstacle.is_none()) {
            let outcome = Arc::clone(&suite).run_scenario(planned).await;
            assert_ne!(outcome.report.verdict, Verdict::Error, "{:?}", outcome.report);
            for check in outcome.checks {
                rows.entry(check.requirement.to_string()).or_default().insert(check.verdict);
            }
        }
        rows
    })
}

/// A node that answers every message.
async fn message_target(answer: fn(Option<&Value>) -> Value) -> String {
    let react = move |request: &[u8]| {
        let request: Value = serde_json::from_slice(request).unwrap_or(Value::Null);
        Reaction::one(answer(request.get("id")).to_string())
    };
    node_target(react).await
}

/// An HTTP server that answers every request.
fn http_target(answer: fn() -> (u16, Value)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // The harness may hang up first.
                let _ = serve(stream, answer);
            });
        }
    });
    url
}

fn serve(mut stream: TcpStream, answer: fn() -> (u16, Value)) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 8192];
    // Closing with unread bytes would reset the connection, and take the answer along.
    while !is_complete(&request) {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            length => request.extend_from_slice(&piece[..length]),
        }
    }
    let (status, body) = answer();
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} Canned\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())
}

fn is_complete(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_ascii_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse::<usize>().ok()).unwrap_or(0);
    request.len() >= head.len() + 4 + length
}

/// Rows that a target passes, and why that is right.
type Allowed = &'static [(&'static str, &'static [&'static str])];

/// The same for whoever refuses everything in messages that are well-formed.
const WELL_FORMED: (&str, &[&str]) = (
    "its messages are well-formed, one for each request, and their error code has its range",
    &[
        "L0-001", "L0-002", "L0-041", "L0-047", "L0-050", "L0-051", "L0-052", "L0-053", "L0-087",
        "L0-132",
    ],
);

/// Of its connections, before a message.
const INIT: (&str, &[&str]) =
    ("it is a node like others until it is asked", &["L0-045", "L0-101", "L1-074"]);

const JSON_OVER_HTTP: (&str, &[&str]) = ("its bodies are JSON, and say so", &["L0-132", "RD-002"]);

#[test]
fn who_refuses_everything_with_invalid_params_passes_nothing_by_that() {
    let allowed: Allowed = &[
        WELL_FORMED,
        INIT,
        ("it repeats the id of the request", &["L0-048", "L0-049"]),
        ("its errors have an object as data", &["L0-060", "L0-079"]),
        ("-32602 is right for most of what is refused rightly", &["L0-044"]),
        ("it refuses unknown params, with the right code", &["L0-083", "L0-084", "L0-129"]),
    ];
    hold(&INVALID_PARAMS, Transport::P2p, allowed, 40);
    hold(&INVALID_PARAMS, Transport::Rest, &[JSON_OVER_HTTP], 15);
}

#[test]
fn who_refuses_everything_with_parse_error_passes_only_what_is_about_bad_payloads() {
    let allowed: Allowed = &[
        WELL_FORMED,
        INIT,
        (
            "to what it can't read it gives the very answer that bLIP-50 asks for",
            &["L0-017", "L0-018", "L0-019", "L0-020", "L0-021", "L0-022", "L0-024", "L0-025"],
        ),
    ];
    hold(&PARSE_ERROR, Transport::P2p, allowed, 40);
    hold(&PARSE_ERROR, Transport::Rest, &[JSON_OVER_HTTP], 15);
}

/// What the one result of [`EVERYTHING`] keeps on both transports.
const SHAPES: Allowed = &[
    (
        "its options have the right names, types and ranges",
        &[
            "L1-010", "L1-011", "L1-012", "L1-013", "L1-014", "L1-015", "L1-016", "L1-017",
            "L1-018", "L1-019", "L1-020", "L1-021", "L1-022", "L1-024", "L1-025", "L1-026",
            "L1-027", "L1-028", "L1-029", "L1-030", "L1-031", "L1-032", "L1-033", "L1-034",
            "L1-035", "L1-038", "L0-136",
        ],
    ),
    (
        "its order is a new, unpaid order by all that can be seen of it",
        &[
            "L0-161", "L1-070", "L1-077", "L1-079", "L1-080", "L1-088", "L1-091", "L1-092",
            "L1-094", "L1-095", "L1-096", "L1-124", "L1-125", "L1-126", "L1-127", "L1-131",
            "L1-132", "L1-133", "L1-135", "L1-140", "L1-172", "L1-207", "L1-236",
        ],
    ),
    (
        "it always says the same, and so contradicts itself never",
        &["L1-006", "L1-007", "L1-090", "L1-112", "L1-113", "L1-115", "L1-121"],
    ),
    (
        "it serves what has to be served, and leaves no order behind an error, as it has no errors",
        &["L0-120", "L0-156", "L1-009", "L1-066", "L1-067", "L1-069", "L1-075"],
    ),
];

#[test]
fn who_answers_everything_with_one_result_passes_what_that_result_keeps() {
    let over_messages: Allowed = &[
        WELL_FORMED,
        INIT,
        ("it repeats the id of the request", &["L0-048", "L0-049"]),
        ("its messages are short", &["L0-004", "L0-063"]),
        ("it answers after a reply was lost, and doesn't send that again", &["L0-098"]),
        (
            "it serves list_protocols, also among others, and lists LSPS1",
            &[
                "L0-012", "L0-017", "L0-046", "L0-055", "L0-106", "L0-107", "L0-108", "L0-109",
                "L0-110", "L0-111", "L0-112", "L0-113", "L1-001",
            ],
        ),
    ];
    hold(&EVERYTHING, Transport::P2p, &[SHAPES, over_messages].concat(), 70);
    let over_rest: Allowed = &[
        JSON_OVER_HTTP,
        ("its uris are addresses", &["L0-153", "RD-007"]),
        ("it takes keys in upper case, as any", &["L0-151"]),
        (
            "it has the page's three calls and their results",
            &[
                "RD-001", "RD-003", "RD-004", "RD-005", "RD-006", "RD-010", "RD-012", "RD-013",
                "RD-016", "RD-019", "RD-020",
            ],
        ),
    ];
    hold(&EVERYTHING, Transport::Rest, &[SHAPES, over_rest].concat(), 40);
}

/// A target passes no row without a reason, and breaks at least so many.
fn hold(canned: &Canned, transport: Transport, allowed: &[(&str, &[&str])], least_broken: usize) {
    let rows = judge(canned, transport);
    let (passed, broken) = passed_and_broken(&rows);
    let allowed: BTreeSet<&str> = allowed.iter().flat_map(|(_, rows)| *rows).copied().collect();
    let by_accident: Vec<&&str> = passed.difference(&allowed).collect();
    assert!(by_accident.is_empty(), "passed over {transport} by accident: {by_accident:?}");
    assert!(broken.len() >= least_broken, "only {} rows are broken: {broken:?}", broken.len());
    // The others depend on a check that failed, and came to no verdict.
    assert!(rows.len() >= 130, "only {} rows were tried over {transport}", rows.len());
}
