//! What the tests over the wire share.
#![allow(dead_code, reason = "each test file uses a part of this")]

pub(crate) mod chain;
pub(crate) mod program;

use std::time::Duration;

use lsps1_fixtures::node::{LSPS_MESSAGE_TYPE, Node, NodeConfig, NodeEvent, NodeEvents};
use mock_lsp::{Config, MockLsp};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// How long anything may take.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A key on the curve.
pub(crate) const KEY: &str = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

pub(crate) async fn start(config: Config) -> MockLsp {
    MockLsp::start(config).await.unwrap_or_else(|error| panic!("failed to {error}"))
}

/// The parameters of a legal order.
pub(crate) fn order_params() -> Value {
    json!({
        "lsp_balance_sat": "100000",
        "client_balance_sat": "2000",
        "required_channel_confirmations": 0,
        "funding_confirms_within_blocks": 6,
        "channel_expiry_blocks": 144,
        "announce_channel": false,
    })
}

/// The same as REST wants it.
pub(crate) fn order_body() -> Value {
    let mut body = order_params();
    body["public_key"] = json!(KEY);
    body
}

/// `body` with one member changed.
pub(crate) fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

/// `body` without one member.
pub(crate) fn without(mut body: Value, name: &str) -> Value {
    body.as_object_mut().unwrap().remove(name);
    body
}

/// Status and body of a JSON answer.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert_eq!(content_type, "application/json");
    (status, response.json().await.unwrap())
}

pub(crate) async fn get(url: String) -> (u16, Value) {
    read(Client::new().get(url).send().await.unwrap()).await
}

pub(crate) async fn post(url: String, body: &Value) -> (u16, Value) {
    read(Client::new().post(url).json(body).send().await.unwrap()).await
}

/// Makes an order over REST.
pub(crate) async fn create(lsp: &MockLsp, body: &Value) -> Value {
    let (status, order) = post(format!("{}/create_order", lsp.rest_url()), body).await;
    assert_eq!(status, 200, "{order}");
    order
}

/// Reads an order over REST.
pub(crate) async fn read_order(lsp: &MockLsp, id: &Value) -> Value {
    let id = id.as_str().unwrap();
    let (status, order) = get(format!("{}/get_order?order_id={id}", lsp.rest_url())).await;
    assert_eq!(status, 200, "{order}");
    order
}

/// Reads an order until it is as wanted.
pub(crate) async fn wait_for_order(
    lsp: &MockLsp,
    id: &Value,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    let deadline = tokio::time::Instant::now() + SOON;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    loop {
        looks.tick().await;
        let order = read_order(lsp, id).await;
        if wanted(&order) {
            return order;
        }
        assert!(tokio::time::Instant::now() < deadline, "not within {SOON:?}; last seen: {order}");
    }
}

/// Order state, payment state, and whether there is a channel.
pub(crate) fn states(order: &Value) -> (&str, &str, bool) {
    (
        order["order_state"].as_str().unwrap_or("?"),
        order["payment"]["bolt11"]["state"].as_str().unwrap_or("?"),
        order["channel"].is_object(),
    )
}

/// Uses the control API.
pub(crate) async fn control(lsp: &MockLsp, id: &Value, operation: &str) -> (u16, Value) {
    let id = id.as_str().unwrap();
    post(format!("{}/orders/{id}/{operation}", lsp.control_url()), &Value::Null).await
}

/// Uses the control API with a body.
pub(crate) async fn control_with(
    lsp: &MockLsp,
    id: &Value,
    operation: &str,
    body: &Value,
) -> (u16, Value) {
    let id = id.as_str().unwrap();
    post(format!("{}/orders/{id}/{operation}", lsp.control_url()), body).await
}

/// A refund address on regtest.
pub(crate) const REFUND_ADDRESS: &str = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";

/// A client that speaks custom messages.
pub(crate) struct Peer {
    pub(crate) node: Node,
    pub(crate) events: NodeEvents,
    lsp: bitcoin::secp256k1::PublicKey,
}

impl Peer {
    pub(crate) async fn connect(lsp: &MockLsp, seed: u8) -> Self {
        let (node, events) =
            Node::start(NodeConfig::message_peer("client", [seed; 32])).await.unwrap();
        let (id, address) = lsp.p2p().split_once('@').unwrap();
        let id = id.parse().unwrap();
        node.connect(id, address.parse().unwrap(), SOON).await.unwrap();
        Self { node, events, lsp: id }
    }

    pub(crate) fn send(&self, payload: &[u8]) {
        self.node.send_custom(self.lsp, LSPS_MESSAGE_TYPE, payload.to_vec()).unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Value {
        let message = async {
            loop {
                match self.events.recv().await.expect("the node runs") {
                    NodeEvent::CustomMessage { peer, type_id, payload, .. } => {
                        assert_eq!((peer, type_id), (self.lsp, LSPS_MESSAGE_TYPE));
                        break payload;
                    }
                    NodeEvent::PeerDisconnected { .. } => panic!("disconnected"),
                    _ => {}
                }
            }
        };
        let payload = tokio::time::timeout(SOON, message).await.expect("an answer within 20 s");
        serde_json::from_slice(&payload).unwrap()
    }

    pub(crate) async fn ask(&mut self, payload: &[u8]) -> Value {
        self.send(payload);
        self.receive().await
    }

    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": "an id", "method": method, "params": params});
        let reply = self.ask(request.to_string().as_bytes()).await;
        assert_eq!((&reply["jsonrpc"], &reply["id"]), (&json!("2.0"), &json!("an id")));
        reply
    }
}
