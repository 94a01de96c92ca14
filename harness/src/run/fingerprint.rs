//! The first step of a run: finding out which text of LSPS1 the target keeps to.

use std::collections::BTreeMap;

use lsps1_scenarios::dialect::{Confidence, Dialect, Fingerprint, Reading};
use lsps1_scenarios::{SessionContext, Transport};

use super::Watcher;
use super::step::Stage;
use crate::text::Redactor;

/// What is known of the dialects that a target speaks, by transport.
pub type Readings = BTreeMap<Transport, Reading>;

/// Takes the fingerprint over one transport, and says how many orders that took. Where the operator names the dialect,
/// no more is found out than what has to be known to speak it.
pub(super) async fn take(
    context: &SessionContext,
    given: Option<Dialect>,
    mut stage: Stage<'_>,
) -> (Reading, usize) {
    let is_needed = match given {
        None => true,
        // The first text of it has another method than the last one.
        Some(Dialect::D0) => context.transport == Transport::P2p,
        Some(_) => false,
    };
    let found = match is_needed {
        // An order is only made where other answers leave the dialect open.
        true => probe(Fingerprint::new(context, given.is_none()), &mut stage).await,
        false => Reading::of(Vec::new(), false),
    };
    let orders = stage.orders().len();
    stage.close().await;
    let reading = match given {
        None => found,
        Some(dialect) => {
            Reading { early: found.early, markers: found.markers, ..Reading::forced(dialect) }
        }
    };
    (reading, orders)
}

async fn probe(mut fingerprint: Fingerprint, stage: &mut Stage<'_>) -> Reading {
    while let Some(action) = fingerprint.next_action() {
        fingerprint.observe(stage.perform(action).await);
    }
    fingerprint.finish()
}

/// Tells the watcher what was found.
pub(super) fn tell(readings: &Readings, redactor: &Redactor, watcher: &dyn Watcher) {
    for (transport, reading) in readings {
        let found = redactor.clean(&describe(reading));
        watcher.step(&format!("dialect over {transport}: {found}"));
    }
}

/// `d3 (bLIP-51), certain`, and what speaks against it.
#[must_use]
pub fn describe(reading: &Reading) -> String {
    let confidence = confidence(reading);
    let against: Vec<&str> = reading
        .markers
        .iter()
        .filter(|marker| !marker.fits(reading.dialect))
        .map(|marker| marker.seen.as_str())
        .collect();
    let against = match against.as_slice() {
        [] => String::new(),
        against => format!("; but {}", against.join(", ")),
    };
    format!("{} ({}), {confidence}{against}", reading.dialect, reading.dialect.title())
}

fn confidence(reading: &Reading) -> &'static str {
    match reading.confidence {
        Confidence::Certain => "certain",
        Confidence::Likely => "likely",
        Confidence::Mixed => "mixed with others",
        Confidence::None => "assumed, as its answers tell nothing",
        Confidence::Forced => "given by --dialect",
    }
}
