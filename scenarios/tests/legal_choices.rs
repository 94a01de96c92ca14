//! No false alarms: whatever a correct LSP legally chooses, no scenario, no invariant and no generated request finds
//! anything to complain about.
//!
//! The choices are drawn. `LSPS1_CHOICES_SEED` draws others and `LSPS1_CHOICES` more of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is a finding")]

mod legal;
#[allow(dead_code, reason = "the tests of scenarios use more of it")]
mod lsp;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use legal::{LegalLsp, Liberties};
use lsp::Choices;
use lsps1_scenarios::invariant::{self, RunFacts};
use lsps1_scenarios::property::{Driver, Effort, Possible, Property, World, WorldError, explore};
use lsps1_scenarios::{
    Action, CheckResult, Observation, Session, Span, Transport, Verdict, builtin_scenarios,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// Most that a client's balance is, in sat: an invoice counts in tenths of a msat, with 64 bits.
const MOST_CLIENT_SAT: u64 = 1_000_000_000_000_000;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn whatever_a_correct_lsp_chooses_nothing_is_found() {
    let seed = variable("LSPS1_CHOICES_SEED", 20_261_125);
    let cases = u32::try_from(variable("LSPS1_CHOICES", 6)).unwrap();
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 20, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let found = TestRunner::new_with_rng(config, rng).run(
        &(choices(), liberties()),
        |(choices, liberties)| {
            let complaints = complaints(&choices, &liberties);
            prop_assert!(complaints.is_empty(), "{}", complaints.join("\n"));
            Ok(())
        },
    );
    if let Err(found) = found {
        panic!("LSPS1_CHOICES_SEED={seed}: {found}");
    }
}

/// What is offered. At least one order is possible.
fn choices() -> impl Strategy<Value = Choices> {
    let amount = || {
        prop_oneof![
            select(vec![0, 1, 20_000, 1_000_000, 10_000_000, 9_007_199_254_740_993, u64::MAX]),
            1..10_000_000_u64,
        ]
    };
    let amounts = (amount(), amount(), amount(), amount(), amount(), amount());
    let numbers = (
        select(vec![0_u16, 1, 3, 65_534, 65_535]),
        select(vec![1_u16, 6, 144, 65_534, 65_535]),
        select(vec![1_u32, 2, 144, 13_000, u32::MAX]),
        any::<bool>(),
    );
    let offers = (any::<bool>(), any::<bool>(), select(vec![1_u64, 1_450, 1_000_000]));
    (amounts, numbers, offers).prop_map(|(amounts, numbers, (bolt12, onchain, fee_sat))| {
        let (a, b, c, d, e, f) = amounts;
        let lsp = (a.min(b), a.max(b).max(1));
        let (c, d) = (c.min(MOST_CLIENT_SAT), d.min(MOST_CLIENT_SAT));
        let client = (c.min(d), c.max(d));
        let least = lsp.0.max(1).saturating_add(client.0);
        let greatest = lsp.1.saturating_add(client.1);
        let channel_min = e.min(greatest);
        let channel_max = f.max(channel_min).max(least);
        let (confirmations, funding, expiry, reserve) = numbers;
        let info = json!({
            "min_required_channel_confirmations": confirmations,
            "min_funding_confirms_within_blocks": funding,
            "supports_zero_channel_reserve": reserve, "max_channel_expiry_blocks": expiry,
            "min_initial_client_balance_sat": client.0.to_string(),
            "max_initial_client_balance_sat": client.1.to_string(),
            "min_initial_lsp_balance_sat": lsp.0.to_string(),
            "max_initial_lsp_balance_sat": lsp.1.to_string(),
            "min_channel_balance_sat": channel_min.to_string(),
            "max_channel_balance_sat": channel_max.to_string(),
        });
        Choices { info, bolt12, onchain, fee_sat, ..Choices::default() }
    })
}

fn liberties() -> impl Strategy<Value = Liberties> {
    let rest = (select(vec![400_u16, 404, 409, 422]), any::<bool>());
    let others = (
        select(vec![-32602_i64, -32600, -32700]),
        rest,
        prop::bool::weighted(0.1),
        select(vec![0_u32, 0, 0, 7]),
    );
    (any::<u64>(), any::<[bool; 14]>(), others).prop_map(|(seed, flags, others)| {
        let (positional, rest_error, rejects_clients, rate_limit) = others;
        let [extra_members, any_order, spaces, out_of_order, no_bolt11, answers_notifications, ..] =
            flags;
        let [
            ..,
            refuses_escaped_zeros,
            refuses_leading_zeros,
            zero_breaks_option,
            null_is_none,
            takes_whole_floats,
            odd_order_ids_are_invalid,
            names_unknown,
            null_error_on_rest,
        ] = flags;
        Liberties {
            seed,
            extra_members,
            any_order,
            spaces,
            out_of_order,
            no_bolt11,
            answers_notifications,
            refuses_escaped_zeros,
            positional,
            refuses_leading_zeros,
            zero_breaks_option,
            null_is_none,
            takes_whole_floats,
            odd_order_ids_are_invalid,
            names_unknown,
            null_error_on_rest,
            rest_error,
            rejects_clients,
            rate_limit,
        }
    })
}

fn complaints(choices: &Choices, liberties: &Liberties) -> Vec<String> {
    // What can't be paid in any way is no offer.
    let no_bolt11 = liberties.no_bolt11 && choices.bolt12;
    let liberties = Liberties { no_bolt11, ..liberties.clone() };
    let may_be_undecided = liberties.rejects_clients || liberties.rate_limit > 0;
    let mut complaints = Vec::new();
    let mut target = Target { lsp: LegalLsp::new(choices, &liberties), now: 0, keys: 0 };
    let mut facts = RunFacts::default();
    let mut judged = 0;
    for scenario in builtin_scenarios().unwrap() {
        if scenario.is_paid() || scenario.property().is_some() {
            continue;
        }
        for transport in scenario.transports() {
            let context = lsp::context(*transport);
            let mut session = Session::new(&scenario, context.clone());
            while let Some(action) = session.next_action() {
                let (span, observation) = target.carry_out(action);
                session.observe(span, observation);
            }
            let outcome = session.finish();
            judged += outcome.checks.len();
            let place = format!("{transport}::{}", scenario.id());
            if outcome.verdict == Verdict::Inconclusive && !may_be_undecided {
                complaints.push(format!("{place} is inconclusive: {:?}", outcome.reason));
            }
            note(&mut complaints, &place, &outcome.checks);
            let found = invariant::judge(&outcome.transcript, &context, &mut facts);
            note(&mut complaints, &place, &found);
        }
    }
    assert!(judged > 100, "only {judged} checks were made");
    for transport in [Transport::P2p, Transport::Rest] {
        for (property, cases) in [(Property::Requests, 60), (Property::Sequences, 5)] {
            let mut target = Target { lsp: LegalLsp::new(choices, &liberties), now: 0, keys: 0 };
            let checks = at_once(async {
                let (context, quiet) = (lsp::context(transport), Duration::from_millis(250));
                let mut world = match World::prepare(context, 200, quiet, &mut target).await {
                    Err(WorldError::NoInfo(_)) if may_be_undecided => return Vec::new(),
                    world => world.unwrap(),
                };
                let effort = Effort { seed: liberties.seed, cases, possible: Possible::default() };
                let found = explore(property, effort, &mut world, &mut target).await;
                assert!(
                    !found.trouble && (found.stopped.is_none() || may_be_undecided),
                    "{:?}",
                    found.stopped
                );
                let mut facts = RunFacts::default();
                let more =
                    invariant::judge(&found.transcript, &lsp::context(transport), &mut facts);
                let examples =
                    found.counter_examples.iter().map(|example| example.case.to_string());
                let examples: Vec<String> = examples.collect();
                let mut checks = found.checks();
                if !examples.is_empty() {
                    checks.iter_mut().for_each(|check| check.message += &format!(" {examples:?}"));
                }
                checks.extend(more);
                checks
            });
            note(&mut complaints, &format!("{transport}::{property}"), &checks);
        }
    }
    complaints
}

fn note(complaints: &mut Vec<String>, place: &str, checks: &[CheckResult]) {
    for check in checks.iter().filter(|check| check.verdict >= Verdict::Warn) {
        complaints
            .push(format!("{place} {} {}: {}", check.verdict, check.requirement, check.message));
    }
}

struct Target {
    lsp: LegalLsp,
    now: u64,
    keys: u8,
}

impl Target {
    fn carry_out(&mut self, action: Action) -> (Span, Observation) {
        self.now += 1;
        let observation = self.lsp.carry_out(action, self.now);
        (Span { from_ms: self.now, to_ms: self.now }, observation)
    }
}

impl Driver for Target {
    async fn perform(&mut self, action: Action) -> (Span, Observation) {
        self.carry_out(action)
    }

    fn fresh_key(&mut self) -> String {
        self.keys += 1;
        let secret = bitcoin::secp256k1::SecretKey::from_slice(&[self.keys; 32]).unwrap();
        secret.public_key(&bitcoin::secp256k1::Secp256k1::new()).to_string()
    }
}

/// Nothing in these tests ever has to wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the driver waits"),
    }
}

#[test]
fn the_choices_are_made_use_of() {
    let choices = Choices { bolt12: true, ..Choices::default() };
    let liberties = Liberties { extra_members: true, no_bolt11: true, ..Liberties::default() };
    let mut lsp = LegalLsp::new(&choices, &liberties);
    let request = json!({"jsonrpc": "2.0", "id": "a", "method": "lsps1.get_info", "params": {}});
    let mut ask = || {
        let action = Action::Exchange {
            conn: "main".into(),
            frames: vec![request.to_string().into_bytes()],
            wait: lsps1_scenarios::Wait::default(),
        };
        let Observation::Frames { frames, .. } = lsp.carry_out(action, 1) else {
            panic!("no frames")
        };
        serde_json::from_slice::<Value>(&frames[0].bytes).unwrap()["result"].clone()
    };
    let (first, second) = (ask(), ask());
    assert_ne!(first, second, "what is unknown changes");
    assert_eq!(first["max_channel_balance_sat"], second["max_channel_balance_sat"]);
}
