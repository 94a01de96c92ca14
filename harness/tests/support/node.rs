//! A node that reacts to every LSPS0 message in a way of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test helper that can't go on fails its test"
)]

use lsps1_fixtures::node::{
    InboundPolicy, LSPS_MESSAGE_TYPE, LspsFeature, Node, NodeConfig, NodeEvent,
};

/// What the node does with a message.
pub(crate) enum Reaction {
    /// It sends these, one after the other.
    Answer(Vec<Vec<u8>>),
    HangUp,
}

impl Reaction {
    pub(crate) fn nothing() -> Self {
        Self::Answer(Vec::new())
    }

    pub(crate) fn one(answer: impl Into<Vec<u8>>) -> Self {
        Self::Answer(vec![answer.into()])
    }
}

/// Starts the node in the runtime that this is called in, and gives its address.
pub(crate) async fn node_target(
    mut react: impl FnMut(&[u8]) -> Reaction + Send + 'static,
) -> String {
    let (node, mut events) = Node::start(NodeConfig {
        listen: Some("127.0.0.1:0".parse().unwrap()),
        lsps_feature: LspsFeature::Optional,
        inbound: InboundPolicy::Refuse,
        ..NodeConfig::message_peer("canned", [3; 32])
    })
    .await
    .unwrap();
    let address = format!("{}@{}", node.id(), node.address().unwrap());
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            let NodeEvent::CustomMessage { peer, payload, .. } = event else { continue };
            match react(&payload) {
                Reaction::Answer(answers) => {
                    for answer in answers {
                        // The harness may have gone.
                        let _ = node.send_custom(peer, LSPS_MESSAGE_TYPE, answer);
                    }
                }
                Reaction::HangUp => node.disconnect(&peer),
            }
        }
    });
    address
}
