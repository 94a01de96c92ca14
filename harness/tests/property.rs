//! Property-based scenarios against the mock LSP: an honest one keeps everything; a fault is found, named by its
//! requirement, shown by the smallest request there is, and its replay file shows it again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

#[path = "support/mock.rs"]
mod mock;
#[allow(dead_code, reason = "other tests use more of it")]
mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use lsps1_harness::report::Report;
use lsps1_harness::report::finding::FindingReport;
use lsps1_harness::run::property::PropertySettings;
use lsps1_harness::run::{Settings, Silent, TargetSettings, run};
use lsps1_harness::target::rest::{RestRequest, RestTarget};
use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::property::Replay;
use lsps1_scenarios::{Evidence, Transport, Verdict};
use mock::{Mock, TOKEN};
use serde_json::{Value, json};
use support::harness;

/// Runs only the properties, so many cases of them.
fn settings(mock: &Mock, filter: &str, cases: u32) -> Settings {
    let target = TargetSettings {
        rest: Some(mock.rest().parse().unwrap()),
        p2p: Some(mock.p2p().parse().unwrap()),
        token: Some(TOKEN.to_owned()),
        network: Some("regtest".to_owned()),
        ..TargetSettings::default()
    };
    let mut settings = Settings::new(target, 5);
    settings.filter = vec![filter.to_owned()];
    // A fault is a departure from bLIP-51 and not an older text of it.
    settings.dialect = Some(Dialect::D3);
    settings.property.cases = Some(cases);
    settings
}

fn judged(settings: Settings) -> Report {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(run(settings, &Silent)).unwrap()
}

fn note(finding: &FindingReport, start: &str) -> Option<String> {
    finding.evidence.iter().find_map(|piece| match piece {
        Evidence::Note { text } => text.strip_prefix(start).map(str::to_owned),
        _ => None,
    })
}

/// The finding for a requirement on a transport, and what its counter-example does, step by step.
fn shown<'a>(
    report: &'a Report,
    requirement: &str,
    transport: Transport,
) -> (&'a FindingReport, Vec<Value>) {
    let found = report
        .findings
        .iter()
        .find(|finding| finding.requirement == requirement && finding.transport == transport)
        .unwrap_or_else(|| panic!("{requirement} isn't found over {transport}: {report:#?}"));
    let case = note(found, "counter-example: ").unwrap_or_else(|| panic!("{found:#?}"));
    let steps = case.split(", then ").map(|step| serde_json::from_str(step).unwrap());
    (found, steps.collect())
}

#[test]
fn an_honest_target_keeps_everything() {
    let mock = Mock::start(&[]);
    let report = judged(settings(&mock, "property", 600));
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.summary.pass, 4, "{:#?}", report.scenarios);
    for scenario in &report.scenarios {
        assert_eq!((scenario.verdict, &scenario.reason), (Verdict::Pass, &None));
    }
}

#[test]
fn one_wrong_value_is_all_that_a_counter_example_has() {
    for (fault, requirement, transport, cases, minimal) in [
        (
            "bound-exclusive",
            "L1-046",
            Transport::P2p,
            300,
            json!({"call": "create_order", "with": {"lsp_balance_sat": "10000000"}}),
        ),
        (
            "bound-exclusive",
            "L1-046",
            Transport::Rest,
            300,
            json!({"call": "create_order", "with": {"lsp_balance_sat": "10000000"}}),
        ),
        (
            "takes-zero-balance",
            "L1-043",
            Transport::P2p,
            300,
            json!({"call": "create_order", "with": {"lsp_balance_sat": "0"}}),
        ),
        (
            "takes-numeric-sat",
            "L1-041",
            Transport::Rest,
            900,
            json!({"call": "create_order", "with": {"lsp_balance_sat": 20000}}),
        ),
        (
            "ignores-unknown-params",
            "L0-084",
            Transport::P2p,
            300,
            json!({"call": "get_info", "with": {"zz": 1}}),
        ),
        (
            "parse-error-echoes-id",
            "L0-024",
            Transport::P2p,
            300,
            json!({"call": "list_protocols", "envelope": {"jsonrpc": "1.0"}}),
        ),
    ] {
        let mock = Mock::start(&[fault]);
        let name = format!("{transport}::property-requests");
        let report = judged(settings(&mock, &name, cases));
        let (finding, steps) = shown(&report, requirement, transport);
        assert_eq!(finding.verdict, Verdict::Fail, "{fault}");
        match requirement {
            // Whichever member made it bad format: there is one, and nothing else.
            "L0-024" => {
                let size = |name: &str| {
                    steps[0].get(name).map_or(0, |part| {
                        part.as_array().map_or_else(|| part.as_object().unwrap().len(), Vec::len)
                    })
                };
                assert_eq!(steps.len(), 1, "{fault}: {steps:?}");
                if steps[0].get("send").is_none() {
                    assert_eq!(size("envelope") + size("envelope_without"), 1, "{steps:?}");
                    assert_eq!(size("with") + size("without"), 0, "{steps:?}");
                }
            }
            "L1-041" => {
                // A number in either field breaks one of two rows; the value is the least one.
                assert_eq!(steps.len(), 1);
                assert_eq!(steps[0], minimal, "{fault}");
            }
            _ => assert_eq!(steps, [minimal], "{fault}"),
        }
    }
}

#[test]
fn an_unknown_token_is_found_without_anything_else_in_the_order() {
    let mock = Mock::start(&["takes-any-token"]);
    let report = judged(settings(&mock, "property-requests", 300));
    for transport in [Transport::P2p, Transport::Rest] {
        let (_, steps) = shown(&report, "L1-107", transport);
        let [step] = &steps[..] else { panic!("{steps:?}") };
        let with = step["with"].as_object().unwrap();
        assert!(with.len() == 1 && with.contains_key("token"), "{step}");
        assert_eq!(step.as_object().unwrap().len(), 2, "{step}");
    }
}

#[test]
fn a_forgotten_order_takes_an_order_and_a_reading() {
    let mock = Mock::start(&["forgets-unpaid-orders"]);
    let report = judged(settings(&mock, "property-sequences", 400));
    for transport in [Transport::P2p, Transport::Rest] {
        let (_, steps) = shown(&report, "L1-115", transport);
        let reading = json!({"call": "get_order", "with": {"order_id": "order[0]"}});
        assert_eq!(steps, [json!({"call": "create_order"}), reading]);
    }
}

#[test]
fn a_target_that_says_nothing_is_found_silent_and_goes_on_being_judged() {
    let mock = Mock::start(&["silent-on-unknown-method"]);
    let mut settings = settings(&mock, "p2p::property-requests", 200);
    settings.timeout = Some(Duration::from_millis(1_500));
    settings.quiet = Some(Duration::from_millis(100));
    let started = Instant::now();
    let report = judged(settings);
    let (finding, steps) = shown(&report, "L0-130", Transport::P2p);
    assert!(finding.message.contains("no reply"), "{}", finding.message);
    let [step] = &steps[..] else { panic!("{steps:?}") };
    assert!(step["envelope"]["method"].is_string(), "{step}");
    assert_eq!(step["envelope"].as_object().unwrap().len(), 1, "{step}");
    // It isn't waited for as long each time.
    assert!(started.elapsed() < Duration::from_secs(100), "{:?}", started.elapsed());
    let scenario = &report.scenarios[0];
    assert_eq!(scenario.verdict, Verdict::Fail);
}

#[test]
fn where_the_target_can_be_controlled_orders_expire_on_the_way() {
    let mock = Mock::start(&[]);
    let mut settings = settings(&mock, "property-sequences", 400);
    settings.target.control = Some(mock.control().parse().unwrap());
    let report = judged(settings);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.summary.pass, 2, "{:#?}", report.scenarios);

    let orders = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let control = RestTarget::new(mock.control().parse().unwrap(), Duration::from_secs(30));
        control.unwrap().send(&RestRequest::get("orders")).await.unwrap()
    });
    let orders = orders.success_object().unwrap()["orders"].as_array().unwrap().clone();
    let failed = orders.iter().filter(|order| order["order_state"] == "FAILED").count();
    assert!(failed > 10 && failed < orders.len(), "{failed} of {}", orders.len());
    assert_eq!(orders.len(), report.run.orders, "the run counts its orders");
}

#[test]
fn the_budget_of_orders_is_kept_and_a_pass_that_is_not_whole_says_so() {
    let mock = Mock::start(&[]);
    let mut settings = settings(&mock, "property", 200);
    settings.property.max_orders = Some(8);
    let report = judged(settings);
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let requests = report.scenarios.iter().filter(|scenario| scenario.id == "property-requests");
    for scenario in requests {
        let reason = scenario.reason.as_deref().unwrap_or_default();
        assert!(reason.contains("--max-orders"), "{scenario:?}");
    }
}

#[test]
fn no_cases_are_no_scenarios() {
    let mock = Mock::start(&[]);
    let report = judged(settings(&mock, "property", 0));
    assert!(report.scenarios.is_empty());
    assert_eq!(report.exit().code(), 4);
}

/// The one replay file in a folder whose name has this in it.
fn replay_in(folder: &Path, part: &str) -> (std::path::PathBuf, Replay) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files = files.filter(|path| path.to_str().unwrap().contains(part));
    let path = files.next().unwrap_or_else(|| panic!("no file has {part} in its name"));
    assert_eq!(files.next(), None);
    let replay = Replay::read(&std::fs::read_to_string(&path).unwrap()).unwrap();
    (path, replay)
}

#[test]
fn the_printed_command_replays_the_counter_example() {
    for (fault, requirement, scenario) in [
        ("bound-exclusive", "L1-046", "p2p::property-requests"),
        ("get-order-other-object", "L1-116", "rest::property-sequences"),
        ("takes-zero-balance", "L1-043", "rest::property-requests"),
    ] {
        let mock = Mock::start(&[fault]);
        let folder = tempfile::tempdir().unwrap();
        let json = folder.path().join("reports").join("report.json");
        let (rest, p2p) = (mock.rest(), mock.p2p());
        let target = ["run", "--rest", &rest, "--p2p", &p2p, "--network", "regtest"];
        let mut arguments = target.to_vec();
        let more = ["--dialect", "d3", "--seed", "5", "--cases", "300", "--filter", scenario];
        arguments.extend(more);
        arguments.extend(["--json", json.to_str().unwrap()]);
        let ended = harness(&arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stdout.contains("counter-example: {\"call\":\"create_order\""), "{ended:?}");

        let (path, replay) = replay_in(json.parent().unwrap(), requirement);
        assert_eq!(
            (replay.seed, replay.transport.to_string()),
            (5, scenario[..scenario.find(':').unwrap()].to_owned())
        );
        assert!(replay.requirements.iter().any(|row| row.as_str() == requirement));
        let command = ended
            .stdout
            .lines()
            .find_map(|line| line.trim().strip_prefix("replay with: lsps1-harness "))
            .unwrap();
        assert!(command.contains(path.to_str().unwrap()), "{command}");

        let words = shlex::split(command).unwrap();
        let again = harness(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(again.code, 1, "{again:?}");
        assert!(again.stdout.contains(requirement), "{again:?}");
        assert!(
            again.stdout.contains("1 scenario in "),
            "nothing but the replay is run: {again:?}"
        );

        // On a target that keeps the requirement, the same file passes: it names no id of the first one.
        let honest = Mock::start(&[]);
        let (rest, p2p) = (honest.rest(), honest.p2p());
        let passes =
            harness(&["run", "--rest", &rest, "--p2p", &p2p, "--replay", path.to_str().unwrap()]);
        assert_eq!(passes.code, 0, "{passes:?}");
    }
}

#[test]
fn a_replay_file_that_cant_be_used_is_a_wrong_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("replay.json");
    std::fs::write(&path, "{}").unwrap();
    let file = path.to_str().unwrap();
    for arguments in [
        &["run", "--rest", "http://127.0.0.1:1", "--replay", file][..],
        &["run", "--rest", "http://127.0.0.1:1", "--replay", "/does/not/exist"],
        &["run", "--rest", "http://127.0.0.1:1", "--replay", file, "--filter", "x"],
    ] {
        let ended = harness(arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert_eq!(ended.stderr.trim_end().lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn properties_are_listed_and_explained_like_other_scenarios() {
    let list = harness(&["list"]).stdout;
    for property in ["property-requests", "property-sequences"] {
        assert!(list.lines().any(|line| line.starts_with(property)), "{list}");
        assert_eq!(harness(&["explain", property]).code, 0);
    }
}

#[test]
fn the_defaults_are_what_the_help_says() {
    let help = harness(&["run", "--help"]).stdout;
    let help: Vec<&str> = help.split_whitespace().collect();
    let help = help.join(" ");
    for says in [
        format!("[default: {}]", PropertySettings::DEFAULT_CASES),
        format!(
            "[default: {} for a target on this machine, else {}]",
            PropertySettings::DEFAULT_MAX_ORDERS_ON_LOOPBACK,
            PropertySettings::DEFAULT_MAX_ORDERS
        ),
    ] {
        assert!(help.contains(&says), "{says}");
    }
}
