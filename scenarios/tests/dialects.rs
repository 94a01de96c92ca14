//! Targets that keep to an older text as a whole: they are recognised, and the built-in scenarios find nothing but what
//! the text explains; what else is wrong is still found.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod lsp;

use std::collections::BTreeMap;

use lsp::{Choices, Lsp};
use lsps1_scenarios::dialect::{Confidence, Dialect, Fingerprint, Reading};
use lsps1_scenarios::{
    Action, Frame, Need, Observation, Scenario, SessionOutcome, Transport, Verdict,
    builtin_scenarios,
};
use serde_json::{Map, Value, json};

/// How the LSP of the other tests would have been written to an older text.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Elder {
    dialect: Dialect,
    /// Charges another sum than it says.
    cheats: bool,
}

const ELDERS: [Elder; 4] = [
    Elder { dialect: Dialect::D0, cheats: false },
    Elder { dialect: Dialect::D1, cheats: false },
    Elder { dialect: Dialect::D2, cheats: false },
    Elder { dialect: Dialect::RestSeed, cheats: false },
];

impl Elder {
    fn transport(self) -> Transport {
        match self.dialect {
            Dialect::RestSeed => Transport::Rest,
            _ => Transport::P2p,
        }
    }

    fn ask(self, lsp: &mut Lsp, mut action: Action, now: u64) -> Observation {
        match &mut action {
            Action::Exchange { frames, .. } => {
                frames.iter_mut().for_each(|frame| self.understand(frame));
            }
            Action::Http(request) if self.dialect == Dialect::RestSeed => {
                let ids = request.query.iter_mut().filter(|(_, id)| id.len() == 32);
                ids.for_each(|(_, id)| {
                    [8, 13, 18, 23].into_iter().for_each(|at| id.insert(at, '-'))
                });
            }
            _ => {}
        }
        let mut observation = lsp.carry_out(action, now);
        match &mut observation {
            Observation::Frames { frames, .. } => {
                frames.iter_mut().for_each(|Frame { bytes, .. }| self.put(bytes));
            }
            Observation::Http { body, .. } => self.put(body),
            _ => {}
        }
        observation
    }

    /// From the words of the dialect to those of the LSP, which refuses what it doesn't know.
    fn understand(self, frame: &mut Vec<u8>) {
        let Ok(mut request) = serde_json::from_slice::<Value>(frame) else { return };
        if self.dialect != Dialect::D0 || request["method"] != "lsps1.create_order" {
            return;
        }
        let Some(params) = request["params"].as_object_mut() else { return };
        for name in ["funding_confirms_within_blocks", "required_channel_confirmations"] {
            if let Some(value) = params.remove(name) {
                params.insert(format!("unknown_{name}"), value);
            }
        }
        if let Some(value) = params.remove("confirms_within_blocks") {
            params.insert("funding_confirms_within_blocks".into(), value);
        }
        params.insert("required_channel_confirmations".into(), json!(0));
        *frame = request.to_string().into_bytes();
    }

    /// From the words of the LSP to those of the dialect.
    fn put(self, bytes: &mut Vec<u8>) {
        let Ok(mut reply) = serde_json::from_slice::<Value>(bytes) else { return };
        let before = reply.clone();
        let result = match reply.get_mut("result") {
            Some(result) => result.as_object_mut(),
            None => reply.as_object_mut(),
        };
        if let Some(result) = result {
            match result.contains_key("order_id") {
                true => self.put_order(result),
                false if result.contains_key("max_channel_expiry_blocks") => self.put_info(result),
                false => {}
            }
        }
        if let Some(Value::Object(error)) = reply.get_mut("error") {
            self.put_error(error);
        }
        if reply != before {
            *bytes = reply.to_string().into_bytes();
        }
    }

    fn put_info(self, info: &mut Map<String, Value>) {
        let leftovers = [
            ("min_onchain_payment_confirmations", Value::Null),
            ("min_onchain_payment_size_sat", Value::Null),
        ];
        info.extend(leftovers.map(|(name, value)| (name.to_owned(), value)));
        if matches!(self.dialect, Dialect::D0 | Dialect::D1) {
            let mut options = std::mem::take(info);
            if self.dialect == Dialect::D0 {
                options.remove("min_funding_confirms_within_blocks");
                let confirmations = options.remove("min_required_channel_confirmations").unwrap();
                options.insert("min_channel_confirmations".into(), confirmations);
                info.insert("website".into(), json!("https://lsp.example"));
            }
            info.insert("options".into(), Value::Object(options));
        }
    }

    fn put_order(self, order: &mut Map<String, Value>) {
        if matches!(self.dialect, Dialect::D0 | Dialect::RestSeed) {
            order.remove("required_channel_confirmations");
        }
        if self.dialect == Dialect::RestSeed {
            let id = order["order_id"].as_str().unwrap().replace('-', "");
            order.insert("order_id".into(), json!(id));
        }
        if self.dialect == Dialect::D0 {
            let blocks = order.remove("funding_confirms_within_blocks").unwrap();
            order.insert("confirms_within_blocks".into(), blocks);
        }
        let bolt11 = order["payment"]["bolt11"].as_object_mut().unwrap();
        if self.cheats {
            bolt11.insert("order_total_sat".into(), json!("1"));
        }
        if self.dialect == Dialect::D2 {
            let invoice = bolt11.remove("invoice").unwrap();
            bolt11.insert("bolt11_invoice".into(), invoice);
        }
        if matches!(self.dialect, Dialect::D0 | Dialect::D1) {
            let mut payment = std::mem::take(bolt11);
            order.insert("expires_at".into(), payment.remove("expires_at").unwrap());
            let name =
                if self.dialect == Dialect::D0 { "lightning_invoice" } else { "bolt11_invoice" };
            let invoice = payment.remove("invoice").unwrap();
            payment.insert(name.into(), invoice);
            payment.insert("onchain_address".into(), Value::Null);
            payment.insert("onchain_payment".into(), Value::Null);
            order.insert("payment".into(), Value::Object(payment));
        }
    }

    fn put_error(self, error: &mut Map<String, Value>) {
        let code = match (self.dialect, error["code"].as_i64()) {
            (Dialect::D0, Some(100)) => 1000,
            (Dialect::D0, Some(101)) => 404,
            // What there is now is an invalid parameter then.
            (_, Some(102)) => -32602,
            _ => return,
        };
        error.insert("code".into(), json!(code));
        if code == -32602 {
            let data = json!({"unrecognized": [], "property": "token", "message": "no"});
            error.insert("data".into(), data);
        }
        if let Some(property) = error["data"].get_mut("property") {
            let name = property.as_str().unwrap().replace("min_required_channel", "min_channel");
            *property = json!(name);
        }
    }

    fn fingerprint(self) -> Reading {
        let mut lsp = Lsp::new(&Choices::default());
        let mut fingerprint = Fingerprint::new(&lsp::context(self.transport()), true);
        while let Some(action) = fingerprint.next_action() {
            fingerprint.observe(self.ask(&mut lsp, action, 0));
        }
        fingerprint.finish()
    }

    fn run(self, scenario: &Scenario, reading: &Reading) -> SessionOutcome {
        lsp::run_with(
            scenario,
            self.transport(),
            &Choices::default(),
            |session| session.in_dialect(reading.view()),
            |lsp, action, now| self.ask(lsp, action, now),
        )
    }
}

/// All scenarios of the transport that need no payment.
fn scenarios(transport: Transport) -> Vec<Scenario> {
    // What takes messages only.
    let applies = |scenario: &Scenario| {
        let needs_more =
            |need: &Need| !matches!(need, Need::Token | Need::SpentToken | Need::SecondKey);
        scenario.transports().contains(&transport) && !scenario.needs().iter().any(needs_more)
    };
    builtin_scenarios().unwrap().into_iter().filter(applies).collect()
}

/// How many checks came to each verdict, and the requirements that are broken.
fn judged(elder: Elder, reading: &Reading) -> (BTreeMap<Verdict, usize>, Vec<String>) {
    let mut verdicts = BTreeMap::new();
    let mut broken = Vec::new();
    for scenario in scenarios(elder.transport()) {
        for check in elder.run(&scenario, reading).checks {
            *verdicts.entry(check.verdict).or_default() += 1;
            if check.verdict >= Verdict::Warn {
                broken.push(format!("{} {}: {}", scenario.id(), check.requirement, check.message));
            }
        }
    }
    (verdicts, broken)
}

#[test]
fn each_dialect_is_recognised() {
    for elder in ELDERS {
        let reading = elder.fingerprint();
        assert_eq!(
            (reading.dialect, reading.confidence),
            (elder.dialect, Confidence::Certain),
            "{reading:#?}"
        );
        assert!(reading.view().explains(), "{reading:#?}");
    }
    let today = Elder { dialect: Dialect::D3, cheats: false };
    let mut lsp = Lsp::new(&Choices::default());
    for transport in [Transport::P2p, Transport::Rest] {
        let mut fingerprint = Fingerprint::new(&lsp::context(transport), true);
        while let Some(action) = fingerprint.next_action() {
            fingerprint.observe(lsp.carry_out(action, 0));
        }
        let reading = fingerprint.finish();
        assert_eq!((reading.dialect, reading.confidence), (today.dialect, Confidence::Certain));
        assert!(reading.view().is_current());
    }
}

#[test]
fn a_target_that_keeps_to_its_text_breaks_nothing_else() {
    for elder in ELDERS {
        let (verdicts, broken) = judged(elder, &elder.fingerprint());
        assert!(broken.is_empty(), "{}: {}", elder.dialect, broken.join("\n"));
        let of = |verdict| verdicts.get(&verdict).copied().unwrap_or(0);
        assert!(of(Verdict::Inconclusive) > 0, "{}: {verdicts:?}", elder.dialect);
        // Almost everything can still be judged.
        assert!(
            of(Verdict::Pass) > 3 * of(Verdict::Inconclusive),
            "{}: {verdicts:?}",
            elder.dialect
        );
    }
}

#[test]
fn what_the_dialect_doesnt_explain_is_still_found() {
    for elder in ELDERS {
        let cheat = Elder { cheats: true, ..elder };
        let (_, broken) = judged(cheat, &elder.fingerprint());
        let mut rows: Vec<&str> =
            broken.iter().filter_map(|text| text.split([' ', ':']).nth(1)).collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows, ["L1-134"], "{}: {}", elder.dialect, broken.join("\n"));
    }
}

#[test]
fn without_the_view_an_old_dialect_is_a_flood_of_findings() {
    let elder = ELDERS[1];
    let (_, broken) = judged(elder, &Reading::forced(Dialect::D3));
    let today = scenarios(Transport::P2p)
        .iter()
        .map(|scenario| lsp::run(scenario, Transport::P2p, &Choices::default()))
        .filter(|outcome| outcome.verdict >= Verdict::Inconclusive)
        .count();
    assert_eq!(today, 0, "the LSP itself is a good one");
    assert!(broken.len() > 10, "{}", broken.join("\n"));
}
