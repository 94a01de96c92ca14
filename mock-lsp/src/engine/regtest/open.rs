//! The channels that are being opened.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::PublicKey;
use bitcoin::{OutPoint, Txid};
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::node::{Node, NodeError, OpenChannel};
use parking_lot::Mutex;
use serde_json::json;

use crate::engine::{EngineEvent, EngineEvents, OpenTerms};

/// How long a client may take over each of its messages that open a channel.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a channel is looked at that is to be closed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What is taken from a transaction's fee so that no block takes it, in sat: more than any has.
const NO_FEE: i64 = -100_000_000;

/// The opens in flight. Clones share them.
#[derive(Clone)]
pub(super) struct Opens {
    node: Node,
    rpc: BitcoindRpc,
    events: EngineEvents,
    attempts: Arc<Mutex<Attempts>>,
}

#[derive(Default)]
struct Attempts {
    /// How often a client's turn came so far.
    turns: u64,
    /// By the node's tag.
    underway: HashMap<u128, Attempt>,
}

struct Attempt {
    terms: OpenTerms,
    /// Which turn of a client's is waited for; none while the LSP gets the coins.
    turn: Option<u64>,
}

impl Opens {
    /// Opens by `node`.
    pub(super) fn new(node: Node, rpc: BitcoindRpc, events: EngineEvents) -> Self {
        Self { node, rpc, events, attempts: Arc::default() }
    }

    /// Opens a channel.
    pub(super) fn start(&self, terms: OpenTerms) {
        let tag = tag(&terms.order_id);
        let open = OpenChannel {
            peer: terms.client,
            capacity_sat: terms.capacity_sat,
            push_msat: terms.push_msat,
            announce: terms.announce,
            required_confirmations: Some(terms.required_confirmations),
            funding_feerate_sat_per_kwu: Some(funding_sat_per_kwu(terms.confirms_within_blocks)),
            tag,
        };
        self.begin(tag, terms);
        if let Err(error) = self.node.open_channel(open) {
            self.failed(tag, &error.to_string());
        }
    }

    /// Notes an open.
    fn begin(&self, tag: u128, terms: OpenTerms) {
        self.attempts.lock().underway.insert(tag, Attempt { terms, turn: None });
        self.is_clients_turn(tag);
    }

    /// A client has to send its next message; the open is given up if that takes too long.
    pub(super) fn is_clients_turn(&self, tag: u128) {
        let turn = {
            let mut attempts = self.attempts.lock();
            attempts.turns += 1;
            let turn = attempts.turns;
            let Some(attempt) = attempts.underway.get_mut(&tag) else { return };
            attempt.turn = Some(turn);
            turn
        };
        let opens = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(PATIENCE).await;
            if opens.waits_for(tag, turn) && opens.node.abandon_open(tag) {
                opens.failed(tag, "the client didn't go on with the opening within 60 seconds");
            }
        });
    }

    /// A client waits for the LSP, which may have to wait for coins that are in use.
    pub(super) fn is_our_turn(&self, tag: u128) {
        if let Some(attempt) = self.attempts.lock().underway.get_mut(&tag) {
            attempt.turn = None;
        }
    }

    /// Goes on with an open of before a restart if its channel is there: the node then tells how it ends. Else the open
    /// has failed.
    pub(super) fn resume(&self, terms: OpenTerms) {
        let tag = tag(&terms.order_id);
        self.begin(tag, terms);
        let is_there = self.node.channels().iter().any(|channel| channel.tag == tag);
        if !is_there {
            self.failed(tag, "the LSP was restarted before the channel was funded");
        }
    }

    /// Gives up the channel of an order that has failed.
    pub(super) fn abandon(&self, order_id: &str) {
        let tag = tag(order_id);
        if self.node.abandon_open(tag) {
            self.attempts.lock().underway.remove(&tag);
        }
    }

    /// The client is gone. LDK would wait for it.
    pub(super) fn disconnected(&self, client: &PublicKey) {
        let is_theirs =
            |(tag, attempt): (&u128, &Attempt)| (attempt.terms.client == *client).then_some(*tag);
        let tags: Vec<u128> = self.attempts.lock().underway.iter().filter_map(is_theirs).collect();
        for tag in tags {
            if self.node.abandon_open(tag) {
                self.failed(tag, "the client disconnected while its channel was being opened");
            }
        }
    }

    /// A funding transaction is published.
    pub(super) fn published(&self, tag: u128, outpoint: OutPoint) {
        let Some(Attempt { terms, .. }) = self.attempts.lock().underway.remove(&tag) else {
            return;
        };
        let (opens, rpc) = (self.clone(), self.rpc.clone());
        let published = EngineEvent::Published { order_id: terms.order_id, outpoint };
        match terms.stays_unconfirmed {
            false => opens.report(published),
            true => {
                tokio::spawn(async move {
                    keep_out_of_blocks(&rpc, outpoint.txid).await;
                    opens.report(published);
                });
            }
        }
    }

    /// Closes the channel of an order once its funding transaction is that deep.
    pub(super) async fn close(&self, order_id: &str, depth: u32) -> Result<(), NodeError> {
        let tag = tag(order_id);
        let find = || self.node.channels().into_iter().find(|channel| channel.tag == tag);
        while let Some(channel) = find() {
            if channel.confirmations >= depth {
                return self.node.close_channel(&channel.channel_id, &channel.peer);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// A channel came to nothing.
    pub(super) fn failed(&self, tag: u128, reason: &str) {
        let Some(Attempt { terms, .. }) = self.attempts.lock().underway.remove(&tag) else {
            return;
        };
        let reason = reason.to_owned();
        self.report(EngineEvent::OpenFailed { order_id: terms.order_id, reason });
    }

    fn waits_for(&self, tag: u128, turn: u64) -> bool {
        let attempts = self.attempts.lock();
        attempts.underway.get(&tag).is_some_and(|attempt| attempt.turn == Some(turn))
    }

    fn report(&self, event: EngineEvent) {
        // Nobody listens any more once the mock is being shut down.
        let _ = self.events.send(event);
    }
}

/// The node's name for the channel of an order: the same again after a restart, and never 0, which is that of channels
/// that others open.
fn tag(order_id: &str) -> u128 {
    let hash = sha256::Hash::hash(order_id.as_bytes()).to_byte_array();
    hash.iter().take(16).fold(0, |tag, byte| (tag << 8) | u128::from(*byte)).max(1)
}

/// Lets bitcoind treat a transaction as if it paid nothing.
async fn keep_out_of_blocks(rpc: &BitcoindRpc, txid: Txid) {
    let params = json!([txid, 0, NO_FEE]);
    if let Err(error) = rpc.call::<bool>("prioritisetransaction", params).await {
        tracing::warn!(%txid, "it will be mined: failed to {error}");
    }
}

/// What a funding transaction pays so that it confirms in time, in sat per 1000 weight units. Regtest has no estimate.
fn funding_sat_per_kwu(within_blocks: u16) -> u32 {
    match within_blocks {
        0..=1 => 2_500,
        2..=5 => 1_250,
        6..=23 => 500,
        24.. => 253,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_have_tags_of_their_own() {
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
    }
}
