//! LSPS0 and LSPS1 over a real Lightning connection.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use common::{Peer, SOON, create, get, order_body, order_params, read_order, start};
use lsps1_fixtures::node::NodeEvent;
use mock_lsp::{Config, Fault};
use serde_json::{Value, json};

#[tokio::test]
async fn the_methods_are_served_and_agree_with_rest() {
    let lsp = start(Config::default()).await;
    let mut peer = Peer::connect(&lsp, 1).await;
    assert_eq!(
        peer.call("lsps0.list_protocols", json!({})).await["result"],
        json!({"protocols": [1]})
    );
    let info = peer.call("lsps1.get_info", json!({})).await["result"].clone();
    let (_, mut rest) = get(format!("{}/get_info", lsp.rest_url())).await;
    for name in ["uris", "min_onchain_payment_confirmations", "min_onchain_payment_size_sat"] {
        rest.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(info, rest);
    let order = peer.call("lsps1.create_order", order_params()).await["result"].clone();
    assert_eq!(read_order(&lsp, &order["order_id"]).await, order);
    let id = json!({"order_id": order["order_id"]});
    assert_eq!(peer.call("lsps1.get_order", id).await["result"], order);
}

#[tokio::test]
async fn orders_are_private_to_their_key_and_survive_reconnection() {
    let lsp = start(Config::default()).await;
    let mut owner = Peer::connect(&lsp, 1).await;
    let order = owner.call("lsps1.create_order", order_params()).await["result"].clone();
    let id = json!({"order_id": order["order_id"]});
    let mut stranger = Peer::connect(&lsp, 2).await;
    assert_eq!(stranger.call("lsps1.get_order", id.clone()).await["error"]["code"], 101);
    drop(owner);
    let mut owner = Peer::connect(&lsp, 1).await;
    assert_eq!(owner.call("lsps1.get_order", id.clone()).await["result"], order);

    // Made over REST for this key: its own, too.
    let mut body = order_body();
    body["public_key"] = json!(owner.node.id().to_string());
    let rest_order = create(&lsp, &body).await;
    let id = json!({"order_id": rest_order["order_id"]});
    assert_eq!(owner.call("lsps1.get_order", id).await["result"], rest_order);
}

#[tokio::test]
async fn bad_payloads_are_answered_and_have_no_effect() {
    let lsp = start(Config::default()).await;
    let mut peer = Peer::connect(&lsp, 1).await;
    let order = json!({"jsonrpc": "2.0", "id": "a", "method": "lsps1.create_order", "params": order_params()});
    let two = format!("{order} {order}");
    let payloads: [&[u8]; 7] = [b"", b"   ", b"{", b"[]", b"\xff\xfe", b"\0", two.as_bytes()];
    for payload in payloads {
        let reply = peer.ask(payload).await;
        let expected = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "parse error"}});
        assert_eq!(reply, expected, "{payload:?}");
    }
    let (_, orders) = get(format!("{}/orders", lsp.control_url())).await;
    assert_eq!(orders, json!({"orders": []}));
    let mut longest =
        br#"{"jsonrpc":"2.0","id":"a","method":"lsps0.list_protocols","params":{}}"#.to_vec();
    longest.resize(65_533, b' ');
    assert_eq!(peer.ask(&longest).await["result"], json!({"protocols": [1]}));
}

#[tokio::test]
async fn pipelined_requests_each_get_one_answer_and_notifications_none() {
    let lsp = start(Config::default()).await;
    let mut peer = Peer::connect(&lsp, 1).await;
    peer.send(br#"{"jsonrpc":"2.0","method":"lsps1.get_info","params":{}}"#);
    for id in 0..50 {
        peer.send(
            json!({"jsonrpc": "2.0", "id": id, "method": "lsps0.list_protocols"})
                .to_string()
                .as_bytes(),
        );
    }
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(peer.receive().await["id"].as_u64().unwrap());
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..50).collect::<Vec<_>>());
    // Anything more would have come before this.
    assert_eq!(peer.ask(b"{}").await["id"], Value::Null);
}

#[tokio::test]
async fn other_message_types_are_left_alone_and_the_feature_bit_is_set() {
    let lsp = start(Config::default()).await;
    let mut peer = Peer::connect(&lsp, 1).await;
    let (id, _) = lsp.p2p().split_once('@').unwrap();
    let id = id.parse().unwrap();
    let features = peer.node.peer_features(&id).unwrap();
    let has_bit = |bit: usize| features[features.len() - 1 - bit / 8] >> (bit % 8) & 1 == 1;
    assert!(has_bit(729) && !has_bit(728));
    let request = br#"{"jsonrpc":"2.0","id":"a","method":"lsps0.list_protocols","params":{}}"#;
    peer.node.send_custom(id, 37915, request.to_vec()).unwrap();
    assert_eq!(
        peer.call("lsps0.list_protocols", json!({})).await["result"],
        json!({"protocols": [1]})
    );
}

#[tokio::test]
async fn faults_show_on_the_wire() {
    let mut config = Config::default();
    config.faults = vec![Fault::by_name("trailing-newline-garbage").unwrap()];
    let lsp = start(config).await;
    let mut peer = Peer::connect(&lsp, 1).await;
    assert!(peer.call("lsps1.get_info", json!({})).await["result"].is_object());
    peer.send(
        br#"{"jsonrpc":"2.0","id":"a","method":"lsps1.get_order","params":{"order_id":"x"}}"#,
    );
    let payload = tokio::time::timeout(SOON, async {
        loop {
            if let Some(NodeEvent::CustomMessage { payload, .. }) = peer.events.recv().await {
                break payload;
            }
        }
    });
    assert!(payload.await.unwrap().ends_with(b"}\nOK"));
}
