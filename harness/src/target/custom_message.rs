//! The custom-message face of a target: connections from nodes of our own, and LSPS0 messages over them.
//!
//! LSPs limit orders and connections per node id, so every scenario comes with a fresh key, and a second connection of
//! the same scenario with another one.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{
    LSPS_FEATURE_BIT, LSPS_MESSAGE_TYPE, LspsFeature, Node, NodeConfig, NodeError, NodeEvent,
    NodeEvents,
};
use lsps1_scenarios::{End, Frame, Wait};
use serde_json::Value;

/// The most bytes of answers that are kept of one exchange; a target that floods is cut off there.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How often a reconnect is tried again.
pub(crate) const RECONNECT_EVERY: Duration = Duration::from_millis(20);

/// Where the target's node is, and how long to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct MessageTarget {
    /// The node's id.
    pub id: PublicKey,
    /// Where it listens.
    pub address: SocketAddr,
    /// The longest wait for one answer, and for a connection.
    pub timeout: Duration,
    /// How long nothing has to come for it to count as silent: where silence is the right answer, and after an answer
    /// that matches no request.
    pub quiet: Duration,
    /// Whether to ask for a sign of life when an answer takes longer than two quiet windows. If that is answered and
    /// nothing else within another window, no answer comes: the target is known to answer in the order of the requests.
    pub answers_in_order: bool,
    /// Whether its `init` has the even bit of LSPS0, so that it takes only peers that set the odd one, which clients don't
    /// (bLIP-50, Lightning Feature Bit). The connections here then do what no client should, so that the rest can be judged.
    pub demands_feature: bool,
}

/// The feature bit that compels peers to know LSPS0, which no LSP sets (bLIP-50, Lightning Feature Bit).
const COMPULSORY_FEATURE: usize = LSPS_FEATURE_BIT - 1;

impl MessageTarget {
    /// Sees whether clients can connect. If only LSPs can, all later connections are made as theirs.
    ///
    /// # Errors
    /// Says why nobody can connect.
    pub async fn probe(&mut self) -> Result<(), String> {
        let Self { id, address, .. } = *self;
        let refused = match self.features_in_init().await {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        // LDK hangs up on a peer that demands what we don't know. As one who knows it we learn what it was.
        let as_lsp = Self { demands_feature: true, ..*self };
        if matches!(refused, NodeError::Handshake { .. })
            && let Ok(features) = as_lsp.features_in_init().await
            && features.contains(&COMPULSORY_FEATURE)
        {
            *self = as_lsp;
            return Ok(());
        }
        Err(failed_to_connect(id, address, &refused))
    }

    async fn features_in_init(&self) -> Result<Vec<usize>, NodeError> {
        let (peer, _events) = self.fresh_peer("probe").await?;
        peer.connect(self.id, self.address, self.timeout).await?;
        let features = features(&peer, &self.id);
        peer.disconnect(&self.id);
        Ok(features)
    }

    async fn fresh_peer(&self, name: &str) -> Result<(Node, NodeEvents), NodeError> {
        let lsps_feature = match self.demands_feature {
            true => LspsFeature::Optional,
            false => LspsFeature::Absent,
        };
        let peer = NodeConfig::message_peer(name, rand::random());
        Node::start(NodeConfig { lsps_feature, ..peer }).await
    }
}

fn failed_to_connect(id: PublicKey, address: SocketAddr, error: &NodeError) -> String {
    format!("failed to connect to {id}@{address}: {error}")
}

/// The feature bits that are set in the peer's `init`, by number.
fn features(node: &Node, peer: &PublicKey) -> Vec<usize> {
    bits(&node.peer_features(peer).unwrap_or_default())
}

/// The numbers of the bits that are set in bytes in the order of BOLT 9, which has bit 0 in the last one.
fn bits(bytes: &[u8]) -> Vec<usize> {
    let is_set = |bit: &usize| {
        let byte = bytes.iter().rev().nth(bit / 8);
        byte.is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
    };
    (0..bytes.len() * 8).filter(is_set).collect()
}

/// The connections of one scenario, by the names that the scenario gives them.
pub struct Connections {
    target: MessageTarget,
    started: Instant,
    peers: HashMap<String, Peer>,
}

struct Peer {
    node: Node,
    events: NodeEvents,
    /// Whether there was a connection before, which the target may not know to be gone yet.
    reconnects: bool,
    /// Ids of all requests so far: a late or second answer to one of them isn't the answer to another.
    used: HashSet<String>,
    /// Ids of all questions whether the target is there. The answer may come when the exchange has ended without it.
    signs_of_life: Vec<String>,
}

impl Peer {
    fn new(node: Node, events: NodeEvents) -> Self {
        Self { node, events, reconnects: false, used: HashSet::new(), signs_of_life: Vec::new() }
    }
}

impl Connections {
    /// No connection yet. Times are given in milliseconds since `started`.
    #[must_use]
    pub fn new(target: MessageTarget, started: Instant) -> Self {
        Self { target, started, peers: HashMap::new() }
    }

    /// Has the connection `name` made by `node`, which stays its owner's, instead of one with a fresh key.
    pub fn lend(&mut self, name: &str, node: Node, events: NodeEvents) {
        self.peers.insert(name.to_owned(), Peer::new(node, events));
    }

    /// Opens the connection, with a fresh key if the scenario hasn't used this name yet.
    ///
    /// # Errors
    /// Says what failed.
    pub async fn connect(&mut self, name: &str) -> Result<(), String> {
        if !self.peers.contains_key(name) {
            let (node, events) = self
                .target
                .fresh_peer(name)
                .await
                .map_err(|error| format!("failed to start a node of our own: {error}"))?;
            self.peers.insert(name.to_owned(), Peer::new(node, events));
        }
        let MessageTarget { id, address, timeout, .. } = self.target;
        let Some(peer) = self.peers.get_mut(name) else {
            return Err(format!("there is no connection '{name}'"));
        };
        if peer.node.is_connected(&id) {
            return Ok(());
        }
        // What is left of the connection before isn't an answer to anything that is sent from now on.
        while peer.events.try_recv().is_some() {}
        let deadline = tokio::time::Instant::now() + timeout;
        let connected = loop {
            let connected = peer.node.connect(id, address, timeout).await;
            // A node closes a second connection of a key as long as it holds the first.
            if connected.is_ok() || !peer.reconnects || tokio::time::Instant::now() >= deadline {
                break connected;
            }
            tokio::time::sleep(RECONNECT_EVERY).await;
        };
        peer.reconnects = true;
        connected.map_err(|error| failed_to_connect(id, address, &error))
    }

    /// The feature bits that are set in the target's `init`, by number, as it was sent over the connection `name`.
    #[must_use]
    pub fn features(&self, name: &str) -> Vec<usize> {
        self.peers.get(name).map(|peer| features(&peer.node, &self.target.id)).unwrap_or_default()
    }

    /// Drops the connection; its key stays for a reconnect.
    pub fn disconnect(&mut self, name: &str) {
        if let Some(peer) = self.peers.get(name) {
            peer.node.disconnect(&self.target.id);
        }
    }

    /// Drops all connections; their keys stay for reconnects.
    pub fn disconnect_all(&mut self) {
        for peer in self.peers.values() {
            peer.node.disconnect(&self.target.id);
        }
    }

    /// The node id that the connection `name` has or will have, if it was opened.
    #[must_use]
    pub fn node_id(&self, name: &str) -> Option<PublicKey> {
        self.peers.get(name).map(|peer| peer.node.id())
    }

    /// Sends one message of any type without waiting for what comes of it, and then hangs up if that is wanted.
    ///
    /// # Errors
    /// Says why it couldn't be sent.
    pub fn tell(
        &mut self,
        name: &str,
        type_id: u16,
        payload: Vec<u8>,
        hang_up: bool,
    ) -> Result<(), String> {
        let id = self.target.id;
        let Some(peer) = self.peers.get_mut(name) else {
            return Err(format!("there is no connection '{name}'"));
        };
        let sent = peer.node.send_custom(id, type_id, payload);
        if hang_up {
            peer.node.disconnect(&id);
        }
        sent.map_err(|error| format!("failed to {error}"))
    }

    /// Sends `frames` at once and collects what comes until everything awaited is there.
    pub async fn exchange(
        &mut self,
        name: &str,
        frames: Vec<Vec<u8>>,
        wait: Wait,
    ) -> (Vec<Frame>, End) {
        let MessageTarget { id, timeout, quiet, .. } = self.target;
        let started = self.started;
        let Some(peer) = self.peers.get_mut(name) else {
            return (Vec::new(), End::Closed);
        };
        for frame in frames {
            if peer.node.send_custom(id, LSPS_MESSAGE_TYPE, frame).is_err() {
                return (Vec::new(), End::Closed);
            }
        }
        peer.used.extend(wait.ids.iter().map(Value::to_string));
        let mut awaited = Awaited::new(wait.ids);
        let usual = if awaited.any { timeout } else { quiet };
        let mut deadline = tokio::time::Instant::now() + wait.timeout.unwrap_or(usual);
        let asked_before = peer.signs_of_life.len();
        let mut sign_of_life = SignOfLife::new(self.target, awaited.any);
        let mut received = Vec::new();
        let mut bytes = 0;
        let end = loop {
            if awaited.is_complete() {
                break End::Complete;
            }
            let until = sign_of_life.due.map_or(deadline, |due| due.min(deadline));
            let event = match tokio::time::timeout_at(until, peer.events.recv()).await {
                Err(_) if until < deadline => {
                    let request = sign_of_life.request(&mut peer.signs_of_life);
                    if peer.node.send_custom(id, LSPS_MESSAGE_TYPE, request).is_err() {
                        break End::Closed;
                    }
                    continue;
                }
                Err(_) => break End::TimedOut,
                Ok(None) => break End::Closed,
                Ok(Some(event)) => event,
            };
            match event {
                NodeEvent::CustomMessage {
                    peer: from,
                    type_id: LSPS_MESSAGE_TYPE,
                    payload,
                    ..
                } if from == id => {
                    let (late, own) = peer.signs_of_life.split_at(asked_before);
                    if is_sign_of_life(&payload, own) {
                        deadline = deadline.min(tokio::time::Instant::now() + quiet);
                        continue;
                    }
                    if is_sign_of_life(&payload, late) {
                        continue;
                    }
                    bytes += payload.len();
                    let taken = awaited.take(&payload, &peer.used);
                    if taken == Match::Stray && awaited.strays_cover_the_rest() {
                        deadline = deadline.min(tokio::time::Instant::now() + quiet);
                    }
                    let at_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
                    received.push(Frame { bytes: payload, at_ms });
                    if bytes > MAX_ANSWER_BYTES {
                        peer.node.disconnect(&id);
                        break End::Closed;
                    }
                }
                NodeEvent::PeerDisconnected { id: gone } if gone == id => break End::Closed,
                _ => {}
            }
        };
        (received, end)
    }

    /// Ends every connection, and the nodes that were made for them. Lent nodes are only disconnected.
    pub fn close(self) {
        for peer in self.peers.into_values() {
            // A node of ours ends with its last handle, a lent one goes on without the connection.
            peer.node.disconnect(&self.target.id);
        }
    }
}

/// The question whether the target is there, see [`MessageTarget::answers_in_order`].
struct SignOfLife {
    /// When to ask, unless that has been done.
    due: Option<tokio::time::Instant>,
}

impl SignOfLife {
    fn new(target: MessageTarget, is_awaiting: bool) -> Self {
        let due = (target.answers_in_order && is_awaiting)
            .then(|| tokio::time::Instant::now() + 2 * target.quiet);
        Self { due }
    }

    fn request(&mut self, asked: &mut Vec<String>) -> Vec<u8> {
        self.due = None;
        let id = format!("there-{:016x}", rand::random::<u64>());
        let request = serde_json::json!({"jsonrpc": "2.0", "id": id, "method": "lsps0.list_protocols", "params": {}});
        asked.push(id);
        request.to_string().into_bytes()
    }
}

/// Whether this answers one of these questions, whatever is wrong with the answer.
fn is_sign_of_life(payload: &[u8], asked: &[String]) -> bool {
    asked.iter().any(|id| payload.windows(id.len()).any(|window| window == id.as_bytes()))
}

/// Which answers are still to come.
struct Awaited {
    ids: Vec<Value>,
    /// Whether there was anything to wait for at all: an empty list means 'listen for the whole time'.
    any: bool,
    /// Answers to ids that nobody has used, which may be all that the target has to say.
    strays: usize,
}

#[derive(Debug, PartialEq, Eq)]
enum Match {
    /// It answers one of the requests.
    Awaited,
    /// It answers a request that was never made.
    Stray,
    /// It is a notification, or a late or second answer.
    Unrelated,
}

impl Awaited {
    fn new(ids: Vec<Value>) -> Self {
        Self { any: !ids.is_empty(), ids, strays: 0 }
    }

    fn is_complete(&self) -> bool {
        self.any && self.ids.is_empty()
    }

    fn strays_cover_the_rest(&self) -> bool {
        self.any && self.strays >= self.ids.len()
    }

    /// Takes in a message; `used` are the ids of all requests so far, as JSON text.
    fn take(&mut self, payload: &[u8], used: &HashSet<String>) -> Match {
        let parsed: Option<Value> = serde_json::from_slice(payload).ok();
        let id = parsed.as_ref().and_then(|reply| reply.get("id"));
        if let Some(at) = self.ids.iter().position(|awaited| Some(awaited) == id) {
            self.ids.remove(at);
            return Match::Awaited;
        }
        match id {
            Some(id) if !id.is_null() => {
                if used.contains(&id.to_string()) {
                    return Match::Unrelated;
                }
                self.strays += 1;
                Match::Stray
            }
            None if parsed.as_ref().is_some_and(|message| message.get("method").is_some()) => {
                Match::Unrelated
            }
            _ if self.ids.is_empty() => Match::Unrelated,
            // Who can't read a request can't repeat its id, and garbage has none.
            _ => {
                self.ids.remove(0);
                Match::Awaited
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Whether each of the messages answers one of the ids. The id "old" was used before.
    fn take(ids: &[&str], messages: &[&[u8]]) -> (Vec<Match>, Awaited) {
        let used = ids.iter().chain(&["old"]).map(|id| json!(id).to_string()).collect();
        let mut awaited = Awaited::new(ids.iter().map(|id| json!(id)).collect());
        (messages.iter().map(|message| awaited.take(message, &used)).collect(), awaited)
    }

    #[test]
    fn bits_are_counted_from_the_end() {
        assert_eq!(bits(&[0b10, 0, 0b1001]), [0, 3, 17]);
        assert!(bits(&[]).is_empty());
    }

    #[test]
    fn a_sign_of_life_is_told_from_answers() {
        let asked = ["there-1".to_owned(), "there-2".to_owned()];
        assert!(is_sign_of_life(br#"{"jsonrpc":"2.0","id":"there-2","result":{}}"#, &asked));
        assert!(!is_sign_of_life(br#"{"jsonrpc":"2.0","id":"there-3","result":{}}"#, &asked));
        assert!(!is_sign_of_life(b"there-1", &[]));
    }

    #[test]
    fn answers_are_taken_in_any_order() {
        let (matches, awaited) =
            take(&["a", "b"], &[br#"{"id":"b","result":{}}"#, br#"{"id":"a","error":{}}"#]);
        assert_eq!(matches, [Match::Awaited, Match::Awaited]);
        assert!(awaited.is_complete());
    }

    #[test]
    fn what_has_no_id_answers_the_first_that_is_left() {
        for nameless in [
            &br#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#[..],
            b"<html>",
            b"",
            b"\xff",
            b"{}",
        ] {
            let (matches, awaited) = take(&["a", "b"], &[nameless]);
            assert_eq!(matches, [Match::Awaited]);
            assert_eq!(awaited.ids, [json!("b")]);
        }
    }

    #[test]
    fn an_answer_to_an_unknown_id_shortens_the_wait() {
        let (matches, awaited) = take(&["a"], &[br#"{"id":"other","result":{}}"#]);
        assert_eq!(matches, [Match::Stray]);
        assert!(awaited.strays_cover_the_rest() && !awaited.is_complete());
    }

    #[test]
    fn notifications_and_late_answers_change_nothing() {
        let (matches, awaited) =
            take(&["a"], &[br#"{"id":"old","result":{}}"#, br#"{"jsonrpc":"2.0","method":"x"}"#]);
        assert_eq!(matches, [Match::Unrelated, Match::Unrelated]);
        assert!(!awaited.strays_cover_the_rest() && !awaited.is_complete());
    }

    #[test]
    fn waiting_for_nothing_in_particular_is_never_complete() {
        let (matches, awaited) = take(&[], &[b"x", br#"{"id":"a","result":{}}"#]);
        assert_eq!(matches, [Match::Unrelated, Match::Stray]);
        assert!(!awaited.is_complete() && !awaited.strays_cover_the_rest());
    }
}
