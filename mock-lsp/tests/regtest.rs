//! The engine `regtest`: real payments and real channels. Needs bitcoind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use bitcoin::{Amount, OutPoint};
use common::chain::{Payer, node, sees};
use common::{SOON, control, create, order_body, read_order, start, states, wait_for_order, with};
use jiff::Timestamp;
use lsps1_fixtures::node::{Bolt11Invoice, InboundPolicy, Node, NodeEvent};
use lsps1_fixtures::{Network, NetworkConfig};
use mock_lsp::{BitcoindConfig, Config, EngineConfig, Fault, ManualClock, MockLsp};
use serde_json::{Value, json};

/// A network, a mock LSP on it, and a payer with a channel to the LSP.
struct Stage {
    // Ends in this order.
    payer: Payer,
    lsp: MockLsp,
    network: Network,
}

impl Stage {
    async fn set(faults: &[&str], clock: &ManualClock) -> Self {
        let network = Network::start(NetworkConfig::default().without_electrs()).await.unwrap();
        let rpc = network.bitcoind().rpc().clone();
        let mut config = Config::default();
        config.engine = EngineConfig::Regtest {
            bitcoind: Some(BitcoindConfig { rpc: rpc.url().to_owned(), auth: rpc.auth().clone() }),
            faucet: Some(network.faucet_url()),
        };
        config.faults = faults.iter().map(|name| Fault::by_name(name).unwrap()).collect();
        config.clock = Arc::new(clock.clone());
        let lsp = start(config).await;

        let payer = Payer::start(&network, address(&lsp), 2_000_000).await;
        Self { payer, lsp, network }
    }

    fn lsp_address(&self) -> (PublicKey, SocketAddr) {
        address(&self.lsp)
    }

    async fn payer_sees(&mut self, wanted: impl Fn(&NodeEvent) -> bool) -> NodeEvent {
        self.payer.sees(wanted).await
    }

    /// Starts to pay an order and waits until the LSP shows it as held.
    async fn pay(&self, order: &Value) {
        let invoice = order["payment"]["bolt11"]["invoice"].as_str().unwrap();
        self.payer.pay(&invoice.parse::<Bolt11Invoice>().unwrap()).unwrap();
        wait_for_order(&self.lsp, &order["order_id"], |order| {
            states(order) == ("CREATED", "HOLD", false)
        })
        .await;
    }
}

/// Where its node is.
fn address(lsp: &MockLsp) -> (PublicKey, SocketAddr) {
    let (id, address) = lsp.p2p().split_once('@').unwrap();
    (id.parse().unwrap(), address.parse().unwrap())
}

fn now() -> ManualClock {
    ManualClock::new(Timestamp::now())
}

fn body_for(client: &Node) -> Value {
    with(order_body(), "public_key", json!(client.id().to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_waits_for_the_client_and_ends_with_its_channel() {
    let mut stage = Stage::set(&[], &now()).await;
    let (client, mut client_events) =
        node(&stage.network, "client", InboundPolicy::AcceptZeroConf).await;
    let order = create(&stage.lsp, &body_for(&client)).await;
    let id = &order["order_id"];
    stage.pay(&order).await;
    assert_eq!(control(&stage.lsp, id, "pay").await.0, 409, "the payments here are real");

    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    let done =
        wait_for_order(&stage.lsp, id, |order| states(order) == ("COMPLETED", "PAID", true)).await;
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentSent { .. })).await;

    let outpoint: bitcoin::OutPoint =
        done["channel"]["funding_outpoint"].as_str().unwrap().parse().unwrap();
    let output =
        stage.network.bitcoind().rpc().tx_out(outpoint.txid, outpoint.vout).await.unwrap().unwrap();
    assert_eq!(output.value, Amount::from_sat(102_000));
    sees(&mut client_events, |event| matches!(event, NodeEvent::ChannelReady { .. })).await;
    let channels = client.channels();
    assert_eq!(
        (channels.len(), channels[0].capacity_sat, channels[0].announced),
        (1, 102_000, false)
    );
    assert_eq!(channels[0].outpoint, Some(outpoint));

    let time = |value: &Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let lease =
        time(&done["channel"]["expires_at"]).duration_since(time(&done["channel"]["funded_at"]));
    assert_eq!(lease.as_secs(), 144 * 600);
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_go_back_when_the_order_expires_or_its_open_fails() {
    let clock = now();
    let mut stage = Stage::set(&[], &clock).await;
    let (client, _client_events) = node(&stage.network, "client", InboundPolicy::Refuse).await;

    let expiring = create(&stage.lsp, &body_for(&client)).await;
    stage.pay(&expiring).await;
    clock.advance(Duration::from_secs(3_600));
    let failed = |order: &Value| states(order) == ("FAILED", "REFUNDED", false);
    wait_for_order(&stage.lsp, &expiring["order_id"], failed).await;
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { .. })).await;

    let refused = create(&stage.lsp, &body_for(&client)).await;
    stage.pay(&refused).await;
    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    wait_for_order(&stage.lsp, &refused["order_id"], failed).await;
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { .. })).await;
    assert_eq!(read_order(&stage.lsp, &expiring["order_id"]).await["channel"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_payment_goes_back_before_its_deadline() {
    let mut stage = Stage::set(&[], &now()).await;
    let (client, _client_events) = node(&stage.network, "client", InboundPolicy::Hold).await;
    let order = create(&stage.lsp, &body_for(&client)).await;
    stage.pay(&order).await;
    let wallet = stage.network.miner().wallet();
    let address = wallet.new_address().await.unwrap();
    let failed = |order: &Value| states(order) == ("FAILED", "REFUNDED", false);
    // The invoice wants 144 blocks, of which LDK needs 39; the payer may have added more.
    let mut blocks = 90;
    for _ in 0..30 {
        let hashes = wallet.generate_to_address(blocks, &address).await.unwrap();
        stage.payer.synced_to(*hashes.last().unwrap(), SOON).await.unwrap();
        blocks = 10;
        let seen = wait_for_order(&stage.lsp, &order["order_id"], failed);
        if tokio::time::timeout(Duration::from_millis(500), seen).await.is_ok() {
            break;
        }
    }
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { .. })).await;
    assert!(failed(&read_order(&stage.lsp, &order["order_id"]).await));
    assert!(stage.payer.channels()[0].usable, "failed back in time, the payer's channel lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_reach_the_channel() {
    let stage = Stage::set(&["open-one-sat-short", "opens-announced"], &now()).await;
    let (client, mut client_events) =
        node(&stage.network, "client", InboundPolicy::Accept { depth: 1 }).await;
    let order = create(&stage.lsp, &body_for(&client)).await;
    stage.pay(&order).await;
    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    let asked =
        sees(&mut client_events, |event| matches!(event, NodeEvent::ChannelRequested { .. })).await;
    let NodeEvent::ChannelRequested { capacity_sat, push_msat, announced, .. } = asked else {
        unreachable!()
    };
    assert_eq!((capacity_sat, push_msat, announced), (101_999, 2_000_000, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_orders_of_one_client_are_opened_at_once() {
    let stage = Stage::set(&[], &now()).await;
    let (client, _client_events) =
        node(&stage.network, "client", InboundPolicy::AcceptZeroConf).await;
    let mut orders = Vec::new();
    // More than the LSP has coins.
    for _ in 0..6 {
        let order = create(&stage.lsp, &body_for(&client)).await;
        stage.pay(&order).await;
        orders.push(order);
    }
    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    let mut outpoints = std::collections::HashSet::new();
    for order in &orders {
        let wanted = |order: &Value| states(order) == ("COMPLETED", "PAID", true);
        let done = wait_for_order(&stage.lsp, &order["order_id"], wanted).await;
        outpoints.insert(done["channel"]["funding_outpoint"].as_str().unwrap().to_owned());
    }
    assert_eq!((outpoints.len(), client.channels().len()), (6, 6));
    for outpoint in outpoints {
        let OutPoint { txid, vout } = outpoint.parse().unwrap();
        let output = stage.network.bitcoind().rpc().tx_out(txid, vout).await.unwrap();
        assert!(output.is_some(), "bitcoind has {outpoint}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_channel_is_usable_after_the_confirmations_that_were_ordered() {
    let stage = Stage::set(&[], &now()).await;
    let (client, mut client_events) =
        node(&stage.network, "client", InboundPolicy::AcceptZeroConf).await;
    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    let order =
        create(&stage.lsp, &with(body_for(&client), "required_channel_confirmations", json!(3)))
            .await;
    stage
        .payer
        .pay(&order["payment"]["bolt11"]["invoice"].as_str().unwrap().parse().unwrap())
        .unwrap();
    wait_for_order(&stage.lsp, &order["order_id"], |order| {
        states(order) == ("COMPLETED", "PAID", true)
    })
    .await;
    for _ in 0..2 {
        let tip = stage.network.miner().mine(1).await.unwrap();
        client.synced_to(tip, SOON).await.unwrap();
    }
    assert!(!client.channels()[0].usable);
    stage.network.miner().mine(1).await.unwrap();
    sees(&mut client_events, |event| matches!(event, NodeEvent::ChannelReady { .. })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_while_its_channel_is_opened_gets_its_money_back() {
    let mut stage = Stage::set(&[], &now()).await;
    let (client, mut client_events) = node(&stage.network, "client", InboundPolicy::Hold).await;
    let order = create(&stage.lsp, &body_for(&client)).await;
    stage.pay(&order).await;
    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    sees(&mut client_events, |event| matches!(event, NodeEvent::ChannelRequested { .. })).await;
    client.disconnect(&lsp_id);
    wait_for_order(&stage.lsp, &order["order_id"], |order| {
        states(order) == ("FAILED", "REFUNDED", false)
    })
    .await;
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { .. })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_is_paid_once_and_then_closed() {
    let mut stage = Stage::set(&[], &now()).await;
    let (client, _client_events) =
        node(&stage.network, "client", InboundPolicy::AcceptZeroConf).await;
    let order = create(&stage.lsp, &body_for(&client)).await;
    let offer = order["payment"]["bolt12"]["offer"].as_str().unwrap();
    let paid = stage.payer.pay_offer(offer, None).unwrap();
    let option = |order: &Value, option: &str| order["payment"][option]["state"].clone();
    wait_for_order(&stage.lsp, &order["order_id"], |order| option(order, "bolt12") == "HOLD").await;
    // Neither the offer nor the invoice can be paid any more.
    let second = stage.payer.pay_offer(offer, None).unwrap();
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { payment_id, .. } if *payment_id == second)).await;
    let invoice: Bolt11Invoice =
        order["payment"]["bolt11"]["invoice"].as_str().unwrap().parse().unwrap();
    let third = stage.payer.pay(&invoice).unwrap();
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentFailed { payment_id, .. } if *payment_id == third)).await;

    let (lsp_id, lsp_address) = stage.lsp_address();
    client.connect(lsp_id, lsp_address, SOON).await.unwrap();
    let done =
        wait_for_order(&stage.lsp, &order["order_id"], |order| option(order, "bolt12") == "PAID")
            .await;
    assert_eq!(
        (&done["order_state"], option(&done, "bolt11")),
        (&json!("COMPLETED"), json!("REFUNDED"))
    );
    stage.payer_sees(|event| matches!(event, NodeEvent::PaymentSent { payment_id, .. } if *payment_id == paid)).await;
}
