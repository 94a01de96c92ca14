//! What has to hold of every message, whichever scenario caused it.
//!
//! [`judge`] looks at the transcript of one session and reports each requirement at most once: kept if it was judged
//! and never broken, else the gravest deviation with the messages that show it. What spans sessions is kept in
//! [`RunFacts`].

mod collect;
mod envelope;
mod error;
mod escapes;
mod info;
mod life;
mod onchain;
mod order;
mod payment;
mod types;
mod unique;
mod view;

#[cfg(test)]
pub(crate) mod testing;

use std::collections::BTreeMap;

use crate::dialect;
use crate::requirement::RequirementId;
use crate::session::SessionContext;
use crate::transcript::Transcript;
use crate::verdict::{CheckResult, Verdict};

pub(crate) use info::OPTIONS;
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
    if dialect.is_current() {
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
        if !is_about_bytes && (!holds_translated || original.verdict == Verdict::Pass) {
            continue;
        }
        let result = match dialect.explains() && !is_about_bytes {
            true => CheckResult {
                verdict: Verdict::Inconclusive,
                message: dialect.explanation(&original.message),
                ..original
            },
            false => original,
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
    envelope::judge(&view, &mut collector);
    error::judge(&view, &mut collector);
    escapes::judge(&view, &mut collector);
    types::judge(&view, &mut collector);
    info::judge(&view, &mut collector);
    order::judge(&view, &mut collector);
    payment::judge(&view, &mut collector);
    onchain::judge(&view, &mut collector);
    life::judge(&view, &mut collector);
    unique::judge(&view, &mut collector, facts);
    collector.into_results()
}
