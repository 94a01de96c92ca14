//! The program as a user meets it: exit codes, the lines that it prints, the reports that it writes, and that it names
//! the requirement that a target breaks.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test helper that can't go on fails its test"
)]

#[path = "support/mock.rs"]
mod mock;
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use mock::{Mock, TOKEN};
use serde_json::Value;
use support::{harness, harness_with_report};

const SOMEBODY: &str =
    "02eec7245d6b7d2ccb30380bfbe2a3648cd7a942653f5aa340edcea1f283686619@127.0.0.1:9735";

/// A token that no mock knows.
const TOKEN_OF_OLD: &str = "open-barley";

/// Runs against a mock with these faults, over both transports, and gives the report.
fn judge(faults: &[&str], arguments: &[&str]) -> (support::Ended, Value) {
    let mock = Mock::start(faults);
    let (rest, p2p) = (mock.rest(), mock.p2p());
    let mut all =
        vec!["run", "--rest", &rest, "--p2p", &p2p, "--network", "regtest", "--seed", "1"];
    all.extend(arguments);
    harness_with_report(&all)
}

/// The ids of the requirements that were found to be broken.
fn broken(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .map(|finding| finding["requirement"].as_str().unwrap())
        .collect()
}

#[test]
fn wrong_use_exits_with_2_and_one_line_that_says_what_is_wrong() {
    for (arguments, says) in [
        (&["run"][..], "there is no target"),
        (&["run", "--p2p", "nobody"], "--p2p"),
        (&["run", "--p2p", "02ab@127.0.0.1:1"], "node id"),
        (&["run", "--rest", "127.0.0.1:3000"], "--rest"),
        (&["run", "--rest", "ftp://127.0.0.1"], "only http and https"),
        (&["run", "--regtest"], "--target-cmd"),
        (&["run", "--regtest", "--rest", "http://127.0.0.1:1"], "--target-cmd"),
        (&["run", "--rest", "http://127.0.0.1:1", "--timeout", "0"], "--timeout"),
        (&["run", "--rest", "http://127.0.0.1:1", "--profile", "lax"], "--profile"),
        (&["run", "--rest", "http://127.0.0.1:1", "--seed", "x"], "--seed"),
        (&["run", "--target-cmd", "open 'quote"], "open quote"),
        (
            &["run", "--rest", "http://127.0.0.1:1", "--scenarios", "/does/not/exist"],
            "/does/not/exist",
        ),
        (&["run", "--no-such-flag"], "--no-such-flag"),
        (&["explain", "L9-999"], "L9-999"),
        (&["walk"], "walk"),
    ] {
        let ended = harness(arguments);
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(says), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{arguments:?}: {}", ended.stdout);
    }
}

#[test]
fn help_teaches_with_examples_and_the_exit_codes() {
    let ended = harness(&["run", "--help"]);
    assert_eq!(ended.code, 0);
    for taught in [
        "--rest http://",
        "--target-cmd '",
        "LSPS1_FAUCET_URL",
        "Exit codes:",
        "70  the harness itself failed",
    ] {
        assert!(ended.stdout.contains(taught), "{taught}: {}", ended.stdout);
    }
    assert!(harness(&["--help"]).stdout.contains("Exit codes:"));
}

#[test]
fn listings_are_complete_and_their_json_parses() {
    let scenarios: Value = serde_json::from_str(&harness(&["list", "--json"]).stdout).unwrap();
    assert!(scenarios.as_array().unwrap().len() >= 40);
    let requirements: Value =
        serde_json::from_str(&harness(&["list", "--requirements", "--json"]).stdout).unwrap();
    assert!(requirements.as_array().unwrap().len() > 400);
    let long = harness(&["list", "--requirements", "--long"]).stdout;
    let row = long.lines().find(|line| line.starts_with("L1-044 ")).unwrap();
    for name in ["scenarios: above-max-lsp-balance", "property-requests", "faults: "] {
        assert!(row.contains(name), "{row}");
    }
    let text = harness(&["list", "--requirements"]).stdout;
    assert!(text.lines().any(|line| line.starts_with("L1-042 ")), "{text}");
}

#[test]
fn explaining_a_requirement_names_its_scenarios() {
    let ended = harness(&["explain", "L1-044"]);
    assert_eq!(ended.code, 0);
    assert!(
        ended.stdout.contains("Judged by:") && ended.stdout.contains("Scenarios:"),
        "{}",
        ended.stdout
    );
}

#[test]
fn an_honest_target_exits_with_0_and_the_last_line_says_what_was_not_judged() {
    let (ended, report) = judge(&[], &["--token", TOKEN]);
    assert_eq!(ended.code, 0, "{}", ended.stdout);
    assert_eq!(report["findings"], serde_json::json!([]));
    assert!(report["summary"]["pass"].as_u64().unwrap() >= 40, "{}", report["summary"]);
    let last = ended.stdout.lines().last().unwrap();
    assert!(last.contains("MUST rows were not judged: ") && last.contains("chain"), "{last}");
    let not_judged = report["not_judged"].as_array().unwrap();
    let count: usize =
        not_judged.iter().map(|group| group["requirements"].as_array().unwrap().len()).sum();
    assert!(last.starts_with(&format!("{count} ")), "{last}");
    assert!(ended.stdout.contains("seed 1 "), "{}", ended.stdout);
    let orders = report["run"]["orders"].as_u64().unwrap();
    assert!(orders > 20, "{orders}");
    assert!(ended.stdout.contains(&format!("; {orders} orders made")), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "colours only on a terminal");
}

#[test]
fn require_judged_exits_with_3_when_a_must_was_not_judged() {
    let (ended, _) = judge(&[], &["--require-judged", "--filter", "get-info"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stdout.contains("exit 3: not judged with --require-judged: "), "{ended:?}");
}

#[test]
fn nothing_run_exits_with_4() {
    let (ended, report) = judge(&[], &["--filter", "no-scenario-is-called-that"]);
    assert_eq!(ended.code, 4, "{}", ended.stdout);
    assert_eq!(report["scenarios"], serde_json::json!([]));
    let (ended, report) = judge(&[], &["--filter", "purchase"]);
    assert_eq!(ended.code, 4, "everything was skipped: {}", ended.stdout);
    assert!(report["summary"]["skip"].as_u64().unwrap() > 0);
}

#[test]
fn an_unreachable_target_exits_with_3() {
    let ended =
        harness(&["run", "--p2p", SOMEBODY, "--timeout", "1", "--filter", "list-protocols"]);
    // Somebody may listen at the usual port, but not with this key.
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("exit 3: target unreachable: "), "{ended:?}");
}

#[test]
fn a_target_that_ends_before_it_is_ready_exits_with_3_and_its_last_words() {
    let (ended, report) =
        harness_with_report(&["run", "--target-cmd", "sh -c 'echo no coins >&2; exit 9'"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(report["scenarios"][0]["reason"].as_str().unwrap().contains("no coins"), "{report:#}");
}

#[test]
fn either_address_alone_is_enough() {
    let mock = Mock::start(&[]);
    for (arguments, transports) in [
        // The node is the one of get_info's uris.
        (&["--rest", &mock.rest()][..], &["p2p", "rest"][..]),
        (&["--rest", &mock.rest(), "--transport", "rest"], &["rest"]),
        (&["--rest", &mock.rest(), "--transport", "p2p"], &["p2p"]),
        (&["--p2p", &mock.p2p()], &["p2p"]),
    ] {
        let (ended, report) =
            harness_with_report(&[&["run", "--filter", "get-info"], arguments].concat());
        assert_eq!(ended.code, 0, "{}", ended.stdout);
        let scenarios = report["scenarios"].as_array().unwrap();
        let of = |transport: &&str| scenarios.iter().any(|it| it["transport"] == **transport);
        let seen: Vec<&str> = ["p2p", "rest"].into_iter().filter(of).collect();
        assert_eq!(seen, transports, "{arguments:?}");
        let is_found = ended.stdout.contains("the target's node, by its get_info: ");
        assert_eq!(is_found, arguments[0] == "--rest" && seen.contains(&"p2p"), "{ended:?}");
        if is_found {
            assert_eq!(report["target"]["p2p"], mock.p2p());
        }
    }
}

/// Serves every request with this object.
fn rest_that_says(body: Value) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 16 * 1024];
            // The harness may hang up first.
            let _ = stream.read(&mut head);
            let body = body.to_string();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn with_rest_alone_and_no_node_in_uris_the_run_says_so() {
    let url = rest_that_says(serde_json::json!({}));
    let (ended, report) = harness_with_report(&["run", "--rest", &url, "--filter", "get-info"]);
    let says = "only REST is judged: there is no --p2p, and get_info has no uris";
    assert!(ended.stdout.contains(says), "{ended:?}");
    let not_judged = report["not_judged"].as_array().unwrap();
    assert!(not_judged.iter().any(|group| group["reason"] == "need --p2p"), "{not_judged:?}");

    // One that can't be reached hides no MUST.
    let url = rest_that_says(
        serde_json::json!({"uris": [SOMEBODY.replace(":9735", &format!(":{}", closed_port()))]}),
    );
    let (ended, report) = harness_with_report(&["run", "--rest", &url, "--filter", "p2p::"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let reason = report["scenarios"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("unreachable") && reason.contains("--transport rest"), "{reason}");
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A node elsewhere behind a REST proxy on this machine isn't hurried, and neither is the proxy as if it were elsewhere.
#[test]
fn each_interface_is_waited_for_by_where_it_is() {
    // An address for documentation, RFC 5737: nobody is there.
    let elsewhere = SOMEBODY.replace("127.0.0.1:9735", "192.0.2.1:9735");
    let url = rest_that_says(serde_json::json!({"uris": [elsewhere]}));
    let arguments = ["run", "--rest", &url, "--timeout", "0.3", "--filter", "get-info"];
    let (ended, report) = harness_with_report(&arguments);
    for says in [
        "over p2p an answer may take 0.3 s, silence counts after 5000 ms",
        "over rest an answer may take 0.3 s, silence counts after 250 ms",
        "up to 1 scenario at a time",
    ] {
        assert!(ended.stdout.contains(says), "{says}: {ended:?}");
    }
    assert_eq!((&report["run"]["quiet_ms"], &report["run"]["jobs"]), (&5000.into(), &1.into()));
}

#[test]
fn the_time_for_silence_can_be_given() {
    let (ended, report) =
        judge(&["answers-twice"], &["--quiet", "321", "--filter", "p2p::ids-are-echoed"]);
    assert_eq!(report["run"]["quiet_ms"], 321);
    assert!(ended.stdout.contains("silence counts after 321 ms"), "{ended:?}");
    let listened = report["findings"].to_string();
    let (_, listened) = listened.split_once("listened on for ").expect("it was listened on");
    let ms: u64 = listened.split(' ').next().unwrap().parse().unwrap();
    assert!(ms >= 321, "{ms}");
}

#[test]
fn for_a_bare_origin_the_usual_path_is_tried() {
    // Serves the API below /api/v1 only, and an empty object for everything in it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            let length = stream.read(&mut head).unwrap_or(0);
            let found = String::from_utf8_lossy(&head[..length]).contains(" /api/v1/");
            let status = if found { "200 OK" } else { "404 Not Found" };
            // The harness may hang up first.
            let _ = stream.write_all(
                format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}")
                    .as_bytes(),
            );
        }
    });
    let (_, report) = harness_with_report(&["run", "--rest", &origin, "--filter", "get-info"]);
    assert_eq!(report["target"]["rest"], format!("{origin}/api/v1"));
    let (_, report) =
        harness_with_report(&["run", "--rest", &format!("{origin}/v2"), "--filter", "get-info"]);
    assert_eq!(report["target"]["rest"], format!("{origin}/v2"), "a path that was given is kept");
}

#[test]
fn who_demands_what_clients_do_not_know_is_told_so_and_judged_all_the_same() {
    let (ended, report) = judge(&["compulsory-feature"], &["--transport", "p2p", "--cases", "0"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(broken(&report), ["L0-101"]);
    assert_eq!(report["summary"]["inconclusive"], 0, "{report:#}");
}

#[test]
fn what_the_operator_says_of_the_target_is_held_against_it() {
    let only = ["--filter", "spent-token", "--filter", "onchain-off"];
    // Unknown tokens are refused, so that this one is, too.
    let honest = [&only[..], &["--spent-token", TOKEN_OF_OLD]].concat();
    let (ended, report) = judge(&[], &honest);
    assert_eq!((ended.code, &report["summary"]["pass"]), (0, &2.into()), "{}", ended.stdout);
    // It does offer payment on the chain, and knows this token.
    let wrong = [&only[..], &["--spent-token", TOKEN, "--no-onchain"]].concat();
    let (ended, report) = judge(&[], &wrong);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert_eq!(broken(&report), ["L1-109", "L1-109", "L1-173", "L1-173"]);
    assert!(!report.to_string().contains(TOKEN), "{report:#}");
}

#[test]
fn the_token_is_in_no_report_and_not_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let (ended, report) =
        judge(&["token-not-echoed"], &["--token", TOKEN, "--junit", junit.to_str().unwrap()]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    for shown in
        [ended.stdout, ended.stderr, report.to_string(), std::fs::read_to_string(junit).unwrap()]
    {
        assert!(!shown.contains(TOKEN), "{shown}");
    }
    assert!(report.to_string().contains("[token]"), "{report:#}");
}

#[test]
fn the_password_of_the_url_is_in_no_report_and_not_on_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let junit = folder.path().join("junit.xml");
    let server =
        rest_that_says(serde_json::json!({"min_channel_balance_sat": "bWU6aHVudGVyMg== hunter2"}));
    let port = closed_port();
    for target in [
        format!("http://me:hunter2@127.0.0.1:{port}"),
        format!("http://hunter2@127.0.0.1:{port}/x"),
        server.replace("http://", "http://me:hunter2@"),
    ] {
        let arguments = ["run", "--rest", &target, "--seed", "1", "--junit"];
        let (ended, report) =
            harness_with_report(&[&arguments[..], &[junit.to_str().unwrap()]].concat());
        assert!(matches!(ended.code, 1 | 3), "{ended:?}");
        let junit = std::fs::read_to_string(&junit).unwrap();
        for shown in [ended.stdout, ended.stderr, report.to_string(), junit] {
            // As it is, and as it is sent.
            assert!(!shown.contains("hunter2") && !shown.contains("bWU6aHVudGVyMg"), "{shown}");
        }
        assert!(report["target"]["rest"].as_str().unwrap().contains("***@"), "{report:#}");
    }
    let ended = harness(&["run", "--rest", "http://me:hunter2@127.0.0.1/?x"]);
    assert!(ended.code == 2 && !ended.stderr.contains("hunter2"), "{ended:?}");
}

#[test]
fn the_same_seed_gives_the_same_requests() {
    let requests = || {
        let (_, report) = judge(&["order-total-off-by-one"], &["--transport", "p2p"]);
        let finding = &report["findings"][0];
        finding["evidence"][0]["bytes"]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(requests(), requests());
}

#[test]
fn junit_says_the_same_as_the_summary() {
    let folder = tempfile::tempdir().unwrap();
    // In a folder that isn't there yet.
    let path = folder.path().join("reports/junit.xml");
    let (_, report) = judge(&["order-total-off-by-one"], &["--junit", path.to_str().unwrap()]);
    let junit =
        quick_junit::Report::deserialize_from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let summary = &report["summary"];
    let total = report["scenarios"].as_array().unwrap().len();
    assert_eq!(junit.tests, total);
    assert_eq!(junit.failures as u64, summary["fail"].as_u64().unwrap());
    assert_eq!(
        junit.errors as u64,
        summary["inconclusive"].as_u64().unwrap() + summary["error"].as_u64().unwrap()
    );
    assert_eq!(junit.skipped as u64, summary["skip"].as_u64().unwrap());
}

/// Each of these breaks one thing, and the harness has to exit with 1 and name (at least) the requirement for it.
#[test]
fn broken_targets_are_told_by_the_requirement_that_they_break() {
    let unnamed: Vec<String> = [
        ("order-total-off-by-one", "L1-134"),
        ("silent-on-unknown-method", "L0-058"),
        ("error-data-string", "L0-060"),
        ("takes-bad-utf8", "L0-010"),
        ("takes-zero-bytes", "L0-016"),
        ("takes-any-version", "L0-018"),
        ("parse-error-echoes-id", "L0-024"),
        ("ignores-unknown-params", "L0-083"),
        ("id-not-echoed", "L0-048"),
        ("result-and-error", "L0-050"),
        ("zero-in-protocols", "L0-110"),
        ("info-sat-as-number", "L0-136"),
        ("wrong-option-code", "L1-100"),
        ("bound-exclusive", "L1-046"),
        ("order-id-too-long", "L1-079"),
        ("expiry-not-echoed", "L1-085"),
        ("invoice-wrong-amount", "L1-137"),
        ("datetime-no-millis", "L0-161"),
    ]
    .into_iter()
    .filter_map(|(fault, requirement)| {
        let (ended, report) = judge(
            &[fault],
            &["--timeout", "2", "--filter", requirement, "--filter", "create-order"],
        );
        let broken = broken(&report);
        let named = ended.code == 1 && broken.contains(&requirement);
        (!named).then(|| format!("{fault} ({requirement}): exit {}, named {broken:?}", ended.code))
    })
    .collect();
    assert!(unnamed.is_empty(), "{unnamed:#?}");
}

#[test]
fn a_tolerated_deviation_warns_in_profile_compat() {
    let arguments = ["--filter", "get-order", "--filter", "create-order"];
    let (strict, _) = judge(&["datetime-no-millis"], &arguments);
    assert_eq!(strict.code, 1, "{}", strict.stdout);
    let compat: Vec<&str> = arguments.into_iter().chain(["--profile", "compat"]).collect();
    let (compat, report) = judge(&["datetime-no-millis"], &compat);
    assert_eq!(compat.code, 0, "{}", compat.stdout);
    assert_eq!(report["findings"][0]["verdict"], "warn");
}
