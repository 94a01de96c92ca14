//! What has to hold of every message, whichever scenario caused it.
//!
//! [`judge`] looks at the transcript of one session and reports each requirement at most once: kept if it was judged
//! and never broken, else the gravest deviation with the messages that show it. What spans sessions is kept in
//! [`RunFacts`].

mod channel;
mod collect;
mod envelope;
mod error;
mod escapes;
mod faces;
mod info;
mod life;
mod onchain;
mod order;
mod payment;
mod steady;
mod subject;
mod types;
mod unique;
mod view;

#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;

use crate::context::SessionContext;
use crate::dialect;
use crate::requirement::RequirementId;
use crate::transcript::Transcript;
use crate::verdict::{CheckResult, Verdict};

pub use subject::{SUBJECTS, Subject};
pub use unique::RunFacts;

use collect::Collector;
use view::View;

/// Rows about the bytes of a message, which no translation keeps.
const BYTES: [&str; 4] = ["L0-002", "L0-004", "L0-041", "L0-132"];

/// Judges all that went over the wire in a session.
pub fn judge(
    transcript: &Transcript,
    context: &SessionContext,
    facts: &mut RunFacts,
) -> Vec<CheckResult> {
    judge_as_read(transcript, transcript, context, facts)
}

/// The same for a target that speaks another dialect: it is judged by the translation of its messages, and what is only
/// kept there is a consequence of the dialect.
pub fn judge_in(
    dialect: dialect::View,
    transcript: &Transcript,
    context: &SessionContext,
    facts: &mut RunFacts,
) -> Vec<CheckResult> {
    if !dialect.explains() {
        return judge(transcript, context, facts);
    }
    // No order is met twice.
    let originally = judge(transcript, context, &mut facts.clone());
    let mut read: BTreeMap<RequirementId, CheckResult> =
        judge_as_read(&dialect.transcript(transcript), transcript, context, facts)
            .into_iter()
            .map(|result| (result.requirement.clone(), result))
            .collect();
    for original in originally {
        let holds_translated =
            read.get(&original.requirement).is_none_or(|result| result.verdict == Verdict::Pass);
        let is_about_bytes = BYTES.contains(&original.requirement.as_str());
        let is_settled = !holds_translated
            || original.verdict == Verdict::Pass
            || dialect::is_about_encoding(&original.requirement);
        if !is_about_bytes && is_settled {
            continue;
        }
        let result = match is_about_bytes {
            true => original,
            false => CheckResult {
                verdict: Verdict::Inconclusive,
                message: dialect.explanation(&original.message),
                ..original
            },
        };
        read.insert(result.requirement.clone(), result);
    }
    for result in read.values_mut().filter(|result| result.verdict > Verdict::Inconclusive) {
        if let Some(why) = dialect.excuse(&result.requirement) {
            result.verdict = Verdict::Inconclusive;
            result.message = dialect.explanation(why);
        }
    }
    read.into_values().collect()
}

fn judge_as_read(
    read: &Transcript,
    transcript: &Transcript,
    context: &SessionContext,
    facts: &mut RunFacts,
) -> Vec<CheckResult> {
    let view = View::of(read);
    let mut collector = Collector::new(transcript, context);
    for subject in SUBJECTS {
        (subject.judge)(&view, &mut collector, facts);
    }
    collector.into_results()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bitcoin::Network;
    use serde_json::{Value, json};

    use super::*;
    use crate::action::Transport;
    use crate::base::tests::info;
    use crate::decode::offer::tests::make as make_offer;
    use crate::dialect::{Dialect, Reading};
    use crate::requirement::Catalogue;
    use crate::verdict::Profile;
    use testing::{
        Found, answered_info, answered_protocols, completed, context, created, created_after,
        created_with, created_with_facts, history, onchain_order, order, p2p_call, p2p_exchanges,
        p2p_raw, read, wanted_with_refund,
    };

    /// Transcripts that meet every rule, most of them kept.
    fn transcripts() -> Vec<Found> {
        let strict = Profile::Strict;
        let error = |method: &str, params: Value, code: i64, data: Value| {
            let error = json!({"code": code, "message": "m", "data": data});
            p2p_call(method, params, json!({"error": error}), strict)
        };
        let property = |name: &str| json!({"unrecognized": [], "property": name, "message": "m"});
        let create = "lsps1.create_order";
        let mut confirmed = onchain_order();
        confirmed["payment"]["onchain"]["min_onchain_payment_confirmations"] = json!(1);
        confirmed["payment"]["onchain"]["min_fee_for_0conf"] = Value::Null;
        let mut shows_confirmations = info();
        shows_confirmations["min_onchain_payment_confirmations"] = json!(0);
        let mut bolt12 = order();
        bolt12["payment"]["bolt12"] = bolt12["payment"]["bolt11"].clone();
        bolt12["payment"]["bolt12"]["offer"] =
            json!(make_offer(Network::Regtest, 20_100_000, testing::START_S + 3600));
        let mut with_token = order();
        with_token["token"] = json!("T");
        let mut wanted_with_token = testing::wanted();
        wanted_with_token["token"] = json!("T");
        let state = |order: &Value, order_state: &str, option: &str, state: &str| {
            let mut order = order.clone();
            order["order_state"] = json!(order_state);
            order["payment"][option]["state"] = json!(state);
            order
        };
        let held = state(&order(), "CREATED", "bolt11", "HOLD");
        let failed = state(&order(), "FAILED", "bolt11", "REFUNDED");
        let held12 = state(&bolt12, "CREATED", "bolt12", "HOLD");
        let mut paid_onchain = state(&onchain_order(), "COMPLETED", "onchain", "PAID");
        paid_onchain["channel"] = completed()["channel"].clone();
        let mut paid12 = state(&bolt12, "COMPLETED", "bolt12", "PAID");
        paid12["channel"] = completed()["channel"].clone();
        let mut on_rest = info();
        on_rest["uris"] = json!([format!("{}@127.0.0.1:9735", testing::node())]);
        let mut facts = RunFacts::default();
        vec![
            answered_info(Transport::P2p, &info(), &mut facts),
            answered_info(Transport::Rest, &on_rest, &mut facts),
            answered_protocols(&json!({"protocols": [1]}), &mut facts),
            p2p_raw(&[br#"{"jsonrpc":"2.0","id":"a","result":{"protocols":[1]}}"#]),
            p2p_raw(&[br#"{"jsonrpc":"2.0","method":"lsps9.x","params":{}}"#]),
            p2p_exchanges(&[(
                "{",
                vec![
                    br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#,
                ],
            )]),
            p2p_call("lsps1.get_info", json!({}), json!({"result": info()}), strict),
            error(create, testing::wanted(), -32602, property("token")),
            error(
                create,
                testing::wanted(),
                100,
                json!({"property": "max_channel_balance_sat", "message": "m"}),
            ),
            error(create, testing::wanted(), 1, json!({"message": "m"})),
            error(create, wanted_with_token.clone(), 102, json!({})),
            error("lsps1.get_order", json!({"order_id": "x"}), 101, json!({})),
            created(&order(), strict),
            created_with(wanted_with_token, &with_token),
            created_with(wanted_with_refund(), &onchain_order()),
            created_with(wanted_with_refund(), &confirmed),
            created_after(&shows_confirmations, &onchain_order()),
            created_with_facts(&onchain_order(), &mut RunFacts::default()),
            created(&bolt12, strict),
            read(&completed()),
            history(&[order(), held.clone(), completed(), completed()], 10, strict),
            history(&[held, failed.clone(), failed], 10, strict),
            history(&[bolt12, held12, paid12.clone(), paid12], 10, strict),
            history(&[onchain_order(), paid_onchain.clone(), paid_onchain], 10, strict),
        ]
    }

    #[test]
    fn every_declared_row_is_judged() {
        // That a subject reports none beyond its own is asserted wherever a transcript is judged in a test.
        let judged: BTreeSet<String> =
            transcripts().iter().flat_map(|found| found.rows()).collect();
        let silent: Vec<&str> = SUBJECTS
            .iter()
            .flat_map(|subject| subject.rows)
            .copied()
            .filter(|row| !judged.contains(*row))
            .collect();
        assert_eq!(silent, Vec::<&str>::new());
        let broken: BTreeSet<String> =
            transcripts().iter().flat_map(|found| found.broken()).collect();
        assert_eq!(broken, BTreeSet::new(), "the transcripts are good ones");
    }

    #[test]
    fn declared_rows_bind_an_lsp_and_belong_to_one_subject() {
        let mut seen = BTreeSet::new();
        for subject in SUBJECTS {
            for row in subject.rows {
                let known = Catalogue::builtin().get(&(*row).into());
                assert!(
                    known.is_some_and(|row| row.binds.binds_lsp()),
                    "{row} of {}",
                    subject.name
                );
                assert!(seen.insert(*row), "{row} is declared twice");
            }
        }
    }

    #[test]
    fn a_dialect_explains_what_only_its_translation_keeps() {
        let mut old = order();
        let mut payment = old["payment"]["bolt11"].clone();
        let invoice = payment.as_object_mut().unwrap().remove("invoice").unwrap();
        payment["bolt11_invoice"] = invoice;
        old["expires_at"] = payment.as_object_mut().unwrap().remove("expires_at").unwrap();
        old["payment"] = payment;
        let judged = |order: &Value, reading: &Reading| {
            let transcript = testing::transcript_of_created(order);
            let context = context(Transport::P2p, Profile::Strict);
            judge_in(reading.view(), &transcript, &context, &mut RunFacts::default())
        };
        let of = |results: &[CheckResult], row: &str| {
            results.iter().find(|result| result.requirement.as_str() == row).cloned().unwrap()
        };

        let explained = judged(&old, &Reading::forced(Dialect::D1));
        let rule = of(&explained, "L1-125");
        assert_eq!(rule.verdict, Verdict::Inconclusive);
        assert!(rule.message.starts_with("explained by dialect d1: "), "{}", rule.message);
        assert!(explained.iter().all(|result| result.verdict <= Verdict::Inconclusive));
        assert_eq!(of(&explained, "L1-136").verdict, Verdict::Pass, "the invoice is found");

        old["payment"]["order_total_sat"] = json!("1");
        let wrong = of(&judged(&old, &Reading::forced(Dialect::D1)), "L1-134");
        assert_eq!(wrong.verdict, Verdict::Fail);
        let shown = serde_json::to_string(&wrong.evidence).unwrap();
        assert!(shown.contains("bolt11_invoice"), "evidence is what was sent: {shown}");
        assert_eq!(
            of(&judged(&old, &Reading::forced(Dialect::D3)), "L1-125").verdict,
            Verdict::Fail
        );
    }
}
