//! Generated conversations with the tiny LSP: a correct target keeps everything, a wrong one is found out, and the case
//! that shows it is small.

#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test a panic is a finding")]

#[allow(dead_code, reason = "the tests of scenarios use more of it")]
mod lsp;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use lsp::{Choices, Lsp};
use lsps1_scenarios::property::{
    Driver, Effort, Exploration, Possible, Property, Replay, World, explore, repeat,
};
use lsps1_scenarios::{Action, Observation, RequirementId, Span, Transport, Verdict};
use serde_json::{Value, json};

/// The LSP behind something that may change what it says.
struct Target<F> {
    lsp: Lsp,
    now: u64,
    keys: u32,
    change: F,
}

impl<F: FnMut(&Action, Observation) -> Observation + Send> Driver for Target<F> {
    async fn perform(&mut self, action: Action) -> (Span, Observation) {
        self.now += 1;
        let observation = self.lsp.carry_out(action.clone(), self.now);
        let observation = (self.change)(&action, observation);
        (Span { from_ms: self.now, to_ms: self.now }, observation)
    }

    fn fresh_key(&mut self) -> String {
        self.keys += 1;
        // Points on the curve that the LSP has not seen.
        let secret = bitcoin::secp256k1::SecretKey::from_slice(
            &[u8::try_from(self.keys % 200).unwrap() + 1; 32],
        );
        secret.unwrap().public_key(&bitcoin::secp256k1::Secp256k1::new()).to_string()
    }
}

/// Nothing in these tests ever has to wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the driver waits"),
    }
}

fn tried(
    property: Property,
    transport: Transport,
    choices: &Choices,
    cases: u32,
    max_orders: u32,
    change: impl FnMut(&Action, Observation) -> Observation + Send,
) -> (Exploration, u32) {
    let mut target = Target { lsp: Lsp::new(choices), now: 0, keys: 0, change };
    at_once(async {
        let quiet = Duration::from_millis(250);
        let mut world =
            World::prepare(lsp::context(transport), max_orders, quiet, &mut target).await.unwrap();
        let effort = Effort { seed: 11, cases, possible: Possible::default() };
        (explore(property, effort, &mut world, &mut target).await, target.keys)
    })
}

/// Its invoices and offers are none, and its order ids count.
fn is_of_the_tiny_lsp(row: &RequirementId) -> bool {
    let invoices = ["L1-136", "L1-137", "L1-138", "L1-141"];
    let offers = ["L1-159", "L1-160", "L1-162"];
    row.as_str() == "L1-080" || invoices.contains(&row.as_str()) || offers.contains(&row.as_str())
}

fn broken(exploration: &Exploration) -> Vec<String> {
    let examples = exploration.counter_examples.iter();
    examples
        .flat_map(|example| example.broken.iter().map(move |check| (example, check)))
        .filter(|(_, check)| !is_of_the_tiny_lsp(&check.requirement))
        .map(|(example, check)| {
            format!("{} {}: {} ({})", check.verdict, check.requirement, check.message, example.case)
        })
        .collect()
}

fn honest(_: &Action, observation: Observation) -> Observation {
    observation
}

fn other_choices() -> Choices {
    let mut choices =
        Choices { bolt12: true, onchain: true, extra_keys: true, ..Choices::default() };
    for (name, value) in [
        ("min_required_channel_confirmations", json!(3)),
        ("min_initial_client_balance_sat", json!("5000")),
        ("max_initial_client_balance_sat", json!("5000")),
        ("min_initial_lsp_balance_sat", json!("0")),
        ("max_initial_lsp_balance_sat", json!("18446744073709551615")),
        ("min_channel_balance_sat", json!("0")),
        ("max_channel_balance_sat", json!("18446744073709551615")),
        ("max_channel_expiry_blocks", json!(4_294_967_295_u32)),
    ] {
        choices.info[name] = value;
    }
    choices
}

#[test]
fn a_correct_target_keeps_everything_whatever_it_offers() {
    for choices in [Choices::default(), other_choices()] {
        for transport in [Transport::P2p, Transport::Rest] {
            for (property, cases) in [(Property::Requests, 800), (Property::Sequences, 60)] {
                let (found, keys) = tried(property, transport, &choices, cases, 100_000, honest);
                assert_eq!(broken(&found), Vec::<String>::new(), "{property} {transport}");
                assert_eq!((found.stopped, found.left_out), (None, 0));
                assert!(found.tried >= cases && !found.kept.is_empty());
                assert_eq!(keys > 0, transport == Transport::Rest, "keys are changed");
            }
        }
    }
}

#[test]
fn the_budget_of_orders_holds_with_everything_counted_in() {
    for (property, cases) in [(Property::Requests, 400), (Property::Sequences, 60)] {
        let mut made = 0;
        let count = |_: &Action, observation: Observation| {
            if let Observation::Frames { frames, .. } = &observation {
                for frame in frames {
                    let reply: Value = serde_json::from_slice(&frame.bytes).unwrap();
                    made += u32::from(
                        reply["result"]["payment"].is_object()
                            && reply["result"]["order_state"] == "CREATED",
                    );
                }
            }
            observation
        };
        let (found, _) = tried(property, Transport::P2p, &Choices::default(), cases, 5, count);
        assert!(found.left_out > 0);
        // Reading an order gives the same object; there are no more than five different ones, each read at times.
        assert!(made >= 5);
        let mut ids: Vec<String> = Vec::new();
        for exchange in &found.transcript.exchanges {
            for (sent, received) in exchange.sent.iter().zip(&exchange.received) {
                let sent: Value = serde_json::from_slice(&sent.bytes).unwrap_or_default();
                let received: Value = serde_json::from_slice(&received.bytes).unwrap_or_default();
                if sent["method"] == "lsps1.create_order"
                    && let Some(id) = received["result"]["order_id"].as_str()
                {
                    ids.push(id.to_owned());
                }
            }
        }
        assert!(ids.len() <= 5, "{property}: {}", ids.len());
    }
}

/// A target that serves what it should refuse, where `is_it` says so of the request.
fn serves(
    is_it: impl Fn(&Value) -> bool + Send,
) -> impl FnMut(&Action, Observation) -> Observation + Send {
    move |action, observation| {
        let Action::Exchange { frames, .. } = action else { return observation };
        let Observation::Frames { frames: mut replies, end } = observation else {
            return observation;
        };
        let request: Value = serde_json::from_slice(&frames[0]).unwrap_or_default();
        if is_it(&request)
            && let Some(reply) = replies.first_mut()
        {
            let result = json!({"order_id": "stolen"});
            let served = json!({"jsonrpc": "2.0", "id": request["id"], "result": result});
            reply.bytes = served.to_string().into_bytes();
        }
        Observation::Frames { frames: replies, end }
    }
}

#[test]
fn a_counter_example_is_minimal_and_a_replay_shows_the_same() {
    let change = || serves(|request| request["params"]["channel_expiry_blocks"] == 0);
    let (found, _) =
        tried(Property::Requests, Transport::P2p, &Choices::default(), 600, 10_000, change());
    let example = found
        .counter_examples
        .iter()
        .find(|example| example.broken.iter().any(|check| check.requirement == "L1-063".into()))
        .unwrap();
    assert_eq!(
        example.case.to_string(),
        r#"{"call":"create_order","with":{"channel_expiry_blocks":0}}"#
    );
    let rows = example.broken.iter().map(|check| check.requirement.clone()).collect();
    let text =
        Replay::new(Property::Requests, Transport::P2p, 11, rows, example.case.clone()).text();
    let replay = Replay::read(&text).unwrap();
    assert_eq!(replay.steps, example.case);
    let mut target =
        Target { lsp: Lsp::new(&Choices::default()), now: 0, keys: 0, change: change() };
    let again = at_once(async {
        let context = lsp::context(Transport::P2p);
        let mut world =
            World::prepare(context, 10, Duration::from_millis(250), &mut target).await.unwrap();
        repeat(&replay.steps, &mut world, &mut target).await
    });
    let shown: Vec<&RequirementId> = again.counter_examples[0]
        .broken
        .iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .map(|check| &check.requirement)
        .collect();
    assert!(shown.contains(&&"L1-063".into()), "{shown:?}");
}

#[test]
fn a_target_that_falls_silent_is_reconnected_to_and_named_for_it() {
    // Ignores the peer after a bad message until it comes again.
    let mut ignores = false;
    let change = move |action: &Action, observation: Observation| {
        match action {
            Action::Connect { .. } => ignores = false,
            Action::Exchange { frames, .. } => {
                let was = ignores;
                let read = |bytes: &Vec<u8>| serde_json::from_slice::<Value>(bytes);
                ignores |= frames.iter().any(|bytes| !read(bytes).is_ok_and(|v| v.is_object()));
                if was {
                    return Observation::Frames {
                        frames: Vec::new(),
                        end: lsps1_scenarios::End::TimedOut,
                    };
                }
            }
            _ => {}
        }
        observation
    };
    let (found, _) =
        tried(Property::Requests, Transport::P2p, &Choices::default(), 200, 10_000, change);
    assert_eq!(found.stopped, None);
    let example = found
        .counter_examples
        .iter()
        .find(|example| example.broken.iter().any(|check| check.requirement == "L0-026".into()))
        .unwrap();
    assert_eq!(example.case.steps.len(), 1, "{}", example.case);
    assert!(example.case.to_string().starts_with(r#"{"send""#), "{}", example.case);
}

#[test]
fn a_target_that_dies_ends_it_with_a_reason() {
    let mut left = 30;
    let change = move |action: &Action, observation: Observation| {
        left -= 1;
        match action {
            _ if left > 0 => observation,
            Action::Connect { .. } => Observation::ConnectFailed { reason: "refused".into() },
            Action::Exchange { .. } => {
                Observation::Frames { frames: Vec::new(), end: lsps1_scenarios::End::Closed }
            }
            _ => observation,
        }
    };
    let (found, _) =
        tried(Property::Requests, Transport::P2p, &Choices::default(), 200, 10_000, change);
    assert!(found.stopped.unwrap().contains("refused"));
    assert!(found.tried < 40 && !found.trouble);
}

#[test]
fn a_file_that_is_no_replay_is_refused_with_the_place() {
    for (text, says) in [
        ("{", "JSON"),
        ("{}", "schema"),
        (
            r#"{"schema":"lsps1-conformance/replay/1","property":"property-requests","transport":"p2p","seed":1,"requirements":[],"steps":[{"call":"nope"}]}"#,
            "/steps/0",
        ),
        (
            r#"{"schema":"lsps1-conformance/replay/1","property":"property-requests","transport":"p2p","seed":1,"requirements":[],"steps":[]}"#,
            "/steps",
        ),
    ] {
        let error = Replay::read(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn many_cases_keep_no_more_than_is_needed() {
    let choices = Choices::default();
    let (found, _) = tried(Property::Requests, Transport::Rest, &choices, 3_000, 10, honest);
    assert!(found.tried + found.left_out >= 3_000);
    assert_eq!(found.transcript.exchanges.len(), 2_000);
    assert_eq!(broken(&found), Vec::<String>::new());
}
