//! The built-in scenarios: they can be used as they are written, a correct LSP passes them whatever it legally chooses
//! to offer, and one that answers everything alike passes next to none.

mod lsp;

use std::collections::BTreeSet;
use std::path::Path;

use lsp::Choices;
use lsps1_scenarios::{Scenario, SessionOutcome, Transport, Verdict, load_dir};
use serde_json::{Value, json};

/// What these judge takes coins that can be split, replaced, confirmed and taken away: that of a chain, not of the LSP
/// here, which has flags instead. They are run against the mock LSP on regtest, as it is, with other legal choices
/// (`harness/tests/regtest.rs`), and with its faults.
const OF_REAL_COINS: [&str; 10] = [
    "onchain-late",
    "onchain-overpaid",
    "onchain-paid-in-parts",
    "onchain-paid-twice",
    "onchain-payment-lost",
    "onchain-refund-bumped",
    "onchain-reorganised",
    "onchain-replaced",
    "onchain-underpaid",
    "onchain-underpaid-expires",
];

#[test]
fn scenarios_load_without_defects() {
    let scripts = scripts();
    assert!(scripts.len() >= 100, "only {} scenarios found", scripts.len());
    for script in &scripts {
        assert!(!script.requirements().is_empty(), "{} judges nothing", script.id());
        let stem = Path::new(script.source()).file_stem().and_then(|stem| stem.to_str());
        assert_eq!(stem, Some(script.id()), "the file of a scenario is named after its id");
    }
}

#[test]
fn a_full_purchase_is_there_for_each_transport() {
    let transports: BTreeSet<Transport> = scripts()
        .iter()
        .filter(|script| script.id().contains("purchase"))
        .flat_map(|script| script.transports().to_vec())
        .collect();
    assert_eq!(transports, BTreeSet::from([Transport::P2p, Transport::Rest]));
}

#[test]
fn a_correct_lsp_passes() {
    let skipped = outcomes(&Choices::default());
    // What the usual choices leave out; the other tests judge it.
    let expected = [
        "below-min-client-balance",
        "below-min-confirmations",
        "bolt12-deadline",
        "bolt12-held-order-expires",
        "bolt12-open-refused",
        "bolt12-option",
        "bolt12-paid-twice",
        "bolt12-purchase",
        "large-channels",
        "onchain-addresses-differ",
        "onchain-option",
        "onchain-paid",
        "onchain-refunded",
        "onchain-zero-confirmations",
        "restart-paid-onchain",
        "restart-unpaid-onchain",
        "zero-reserve",
    ];
    assert_eq!(skipped, expected.map(str::to_owned).into());
}

#[test]
fn a_correct_lsp_with_more_on_offer_passes() {
    let mut info = Choices::default().info;
    info["min_required_channel_confirmations"] = json!(3);
    info["min_initial_client_balance_sat"] = json!("10000");
    info["min_initial_lsp_balance_sat"] = json!("1");
    info["max_initial_lsp_balance_sat"] = json!("10000001");
    info["supports_zero_channel_reserve"] = json!(true);
    let choices = Choices {
        info,
        bolt12: true,
        onchain: true,
        fee_sat: 0,
        extra_keys: true,
        expired_is_failed: false,
        takes_less: true,
        tries_again: false,
        features: &[],
        canned: None,
    };

    let skipped = outcomes(&choices);

    let expected = [
        "below-min-lsp-balance",
        "greatest-lsp-balance",
        "large-channels",
        "no-client-balance",
        "onchain-off",
        "onchain-zero-confirmations",
        "zero-confirmations",
    ];
    assert_eq!(skipped, expected.map(str::to_owned).into());
}

#[test]
fn a_correct_lsp_with_one_size_only_passes() {
    let mut info = Choices::default().info;
    for (name, value) in [
        ("min_initial_client_balance_sat", "0"),
        ("max_initial_client_balance_sat", "0"),
        ("min_initial_lsp_balance_sat", "1000000"),
        ("max_initial_lsp_balance_sat", "1000000"),
        ("min_channel_balance_sat", "1000000"),
        ("max_channel_balance_sat", "1000000"),
    ] {
        info[name] = json!(value);
    }
    info["max_channel_expiry_blocks"] = json!(1);
    info["min_funding_confirms_within_blocks"] = json!(65_535);

    outcomes(&Choices { info, ..Choices::default() });
}

#[test]
fn a_correct_lsp_whose_balances_only_make_a_channel_together_passes() {
    let mut info = Choices::default().info;
    for (name, value) in [
        ("max_initial_lsp_balance_sat", "60000"),
        ("min_channel_balance_sat", "100000"),
        ("max_initial_client_balance_sat", "60000"),
    ] {
        info[name] = json!(value);
    }
    outcomes(&Choices { info, ..Choices::default() });
}

#[test]
fn a_correct_lsp_that_sells_any_amount_passes() {
    let mut info = Choices::default().info;
    for name in ["max_initial_lsp_balance_sat", "max_channel_balance_sat"] {
        info[name] = json!(u64::MAX.to_string());
    }
    outcomes(&Choices { info, ..Choices::default() });
}

#[test]
fn a_target_that_refuses_everything_passes_where_refusing_is_right_only() {
    let refusal = json!({"jsonrpc": "2.0", "error": {"code": -32602, "message": "no", "data": {"unrecognized": []}}});

    // It does give back the ids of the requests that it refuses, and null where there is none; and is silent until it is asked.
    let right = [
        "p2p::id-of-wrong-type",
        "p2p::ids-are-echoed",
        "p2p::numeric-id",
        "p2p::feature-bit",
        "p2p::silent-client",
    ];
    assert_eq!(passed_with(&refusal), right);
}

#[test]
fn a_target_with_one_answer_for_everything_passes_no_refusal() {
    let mut result = Choices::default().info;
    result["protocols"] = json!([1]);
    result["order_id"] = json!("00000001-0000-4000-8000-000000000000");
    let passed = passed_with(&json!({"jsonrpc": "2.0", "result": result}));

    for scenario in
        ["bad-token", "batch", "create-order", "get-order", "unknown-method", "unknown-order"]
    {
        let id = format!("p2p::{scenario}");
        assert!(!passed.contains(&id), "{id} passed");
    }
    let runs: usize = scripts().iter().map(|script| script.transports().len()).sum();
    assert!(passed.len() * 5 < runs, "{} of {runs} passed: {passed:?}", passed.len());
}

/// Runs all scenarios but those [`OF_REAL_COINS`]; all have to pass or be skipped, and those skipped are returned.
fn outcomes(choices: &Choices) -> BTreeSet<String> {
    let mut skipped = BTreeSet::new();
    let mut wrong = Vec::new();
    let scripts = scripts();
    for script in scripts.iter().filter(|script| !OF_REAL_COINS.contains(&script.id())) {
        for transport in script.transports() {
            let outcome = lsp::run(script, *transport, choices);
            match outcome.verdict {
                Verdict::Pass => {}
                Verdict::Skip => {
                    skipped.insert(script.id().to_owned());
                }
                _ => wrong.push(format!("{transport}::{} {}", script.id(), describe(&outcome))),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    skipped
}

/// The scenarios that a target passes which gives the same answer to every request that it can read.
fn passed_with(canned: &Value) -> Vec<String> {
    let choices = Choices { canned: Some(canned.clone()), ..Choices::default() };
    let mut passed = Vec::new();
    for script in scripts().iter().filter(|script| !OF_REAL_COINS.contains(&script.id())) {
        for transport in script.transports() {
            if lsp::run(script, *transport, &choices).verdict == Verdict::Pass {
                passed.push(format!("{transport}::{}", script.id()));
            }
        }
    }
    passed
}

fn describe(outcome: &SessionOutcome) -> String {
    let checks: Vec<String> = outcome
        .checks
        .iter()
        .filter(|check| check.verdict > Verdict::Pass)
        .map(|check| format!("{} {}: {}", check.requirement, check.verdict, check.message))
        .collect();
    format!("{}: {:?} {}", outcome.verdict, outcome.reason, checks.join("; "))
}

fn scripts() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
    load_dir(&folder).unwrap_or_else(|error| panic!("{error}"))
}
