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
mod testing;

use crate::session::SessionContext;
use crate::transcript::Transcript;
use crate::verdict::CheckResult;

pub use unique::RunFacts;

use collect::Collector;
use view::View;

/// Judges all that went over the wire in a session.
pub fn judge(
    transcript: &Transcript,
    context: &SessionContext,
    facts: &mut RunFacts,
) -> Vec<CheckResult> {
    let view = View::of(transcript);
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
