//! The program is killed, and goes on where it was. Needs bitcoind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::time::Duration;

use bitcoin::{Address, Amount};
use common::chain::{Payer, node};
use common::program::{Program, engine};
use common::{SOON, order_params, post, with};
use lsps1_fixtures::node::{InboundPolicy, Node, NodeEvent, NodeEvents};
use lsps1_fixtures::{BitcoindRpc, Network, NetworkConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A network, the program on it, and a payer with a channel to it.
struct Stage {
    // Ends in this order.
    payer: Payer,
    client: Node,
    _client_events: NodeEvents,
    lsp: Option<Program>,
    folder: TempDir,
    engine: Vec<String>,
    payee: BitcoindRpc,
    network: Network,
}

impl Stage {
    async fn set() -> Self {
        let network = Network::start(NetworkConfig::default().without_electrs()).await.unwrap();
        let rpc = network.bitcoind().rpc().clone();
        let engine = engine(&network);
        let folder = tempfile::tempdir().unwrap();
        let lsp = Program::start(&folder.path().join("data"), &engine);
        let payee = rpc.ensure_wallet("payee").await.unwrap();
        let payer = Payer::start(&network, lsp.address(), 5_000_000).await;
        let (client, _client_events) =
            node(&network, "client", InboundPolicy::AcceptZeroConf).await;
        let lsp = Some(lsp);
        Self { payer, client, _client_events, lsp, folder, engine, payee, network }
    }

    fn lsp(&self) -> &Program {
        self.lsp.as_ref().unwrap()
    }

    async fn connect(&self, node: &Node) {
        let (id, address) = self.lsp().address();
        if !node.is_connected(&id) {
            node.connect(id, address, SOON).await.unwrap();
        }
    }

    /// Kills the LSP and starts it again.
    async fn kill(&mut self) {
        let before = self.lsp.take().unwrap();
        let ready = before.ready.clone();
        drop(before);
        let lsp = Program::start(&self.folder.path().join("data"), &self.engine);
        for face in ["rest", "p2p", "control"] {
            assert_eq!(lsp.ready[face], ready[face], "where it was before");
        }
        self.lsp = Some(lsp);
        let (id, _) = self.lsp().address();
        // It has to see that its connection is dead first.
        self.payer.disconnect(&id);
        self.client.disconnect(&id);
        self.connect(&self.payer).await;
    }

    /// Makes an order, and gives it with the address that refunds of it go to.
    async fn order(&self) -> (Value, Address) {
        let refund_address = self.payee.new_address().await.unwrap();
        let body = with(order_params(), "public_key", json!(self.client.id().to_string()));
        let body = with(body, "refund_onchain_address", json!(refund_address.to_string()));
        let (status, order) = post(format!("{}/create_order", self.lsp().url("rest")), &body).await;
        assert_eq!(status, 200, "{order}");
        (order, refund_address)
    }

    async fn pay_onchain(&self, order: &Value) {
        let onchain = &order["payment"]["onchain"];
        let address: Address<_> = onchain["address"].as_str().unwrap().parse().unwrap();
        let total: u64 = onchain["order_total_sat"].as_str().unwrap().parse().unwrap();
        let (wallet, amount) = (self.network.miner().wallet(), Amount::from_sat(total));
        wallet.send_to_address(&address.assume_checked(), amount, Some(20)).await.unwrap();
    }

    async fn received_sat(&self, address: &Address) -> u64 {
        let params = json!([address.to_string(), 0]);
        let btc: f64 = self.payee.call("getreceivedbyaddress", params).await.unwrap();
        Amount::from_btc(btc).unwrap().to_sat()
    }

    /// Whether the payer's payment went through, once that is decided.
    async fn payer_paid(&mut self) -> bool {
        let ended = |event: &NodeEvent| {
            matches!(event, NodeEvent::PaymentSent { .. } | NodeEvent::PaymentFailed { .. })
        };
        matches!(self.payer.sees(ended).await, NodeEvent::PaymentSent { .. })
    }

    fn channels(&self) -> usize {
        self.client.channels().len()
    }
}

fn state(order: &Value, option: &str) -> String {
    let payment = order["payment"][option]["state"].as_str().unwrap();
    format!("{} {payment}", order["order_state"].as_str().unwrap())
}

fn has_ended(order: &Value, option: &str) -> bool {
    ["COMPLETED PAID", "FAILED REFUNDED"].contains(&state(order, option).as_str())
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_and_payments_over_lightning_survive_being_killed() {
    let mut stage = Stage::set().await;
    for option in ["bolt11", "bolt12"] {
        // Before the payment.
        let (order, _) = stage.order().await;
        let id = &order["order_id"];
        stage.kill().await;
        let again = stage.lsp().order(id).await;
        assert_eq!(
            (&again["payment"], &again["created_at"]),
            (&order["payment"], &order["created_at"])
        );
        if option == "bolt11" {
            let invoice = order["payment"]["bolt11"]["invoice"].as_str().unwrap();
            wait_usable(&stage).await;
            stage.payer.pay(&invoice.parse().unwrap()).unwrap();
        } else {
            wait_usable(&stage).await;
            stage
                .payer
                .pay_offer(order["payment"]["bolt12"]["offer"].as_str().unwrap(), None)
                .unwrap();
        }
        // While the payment is held.
        stage.lsp().wait_for(id, |order| state(order, option) == "CREATED HOLD").await;
        stage.kill().await;
        assert_eq!(state(&stage.lsp().order(id).await, option), "CREATED HOLD");
        let before = stage.channels();
        stage.connect(&stage.client).await;
        stage.lsp().wait_for(id, |order| state(order, option) == "COMPLETED PAID").await;
        assert!(stage.payer_paid().await);
        assert_eq!(stage.channels(), before + 1);
        // When all is done.
        let done = stage.lsp().order(id).await;
        stage.kill().await;
        assert_eq!(stage.lsp().order(id).await, done);
    }
    // Nothing was closed.
    assert!(stage.client.channels().len() == 2 && stage.payer.channels().len() == 1);
}

/// Waits until the payer's channel can be used again.
async fn wait_usable(stage: &Stage) {
    let deadline = tokio::time::Instant::now() + SOON;
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    while !stage.payer.channels()[0].usable {
        looks.tick().await;
        assert!(tokio::time::Instant::now() < deadline, "{:?}", stage.payer.channels());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_that_is_interrupted_ends_either_way_but_only_once() {
    let mut stage = Stage::set().await;
    let mut completed = 0;
    // At several moments between the client's coming and the end.
    for wait_ms in [0, 10, 25, 50, 75, 100, 150, 200, 300] {
        let (order, _) = stage.order().await;
        let id = &order["order_id"];
        wait_usable(&stage).await;
        let invoice = order["payment"]["bolt11"]["invoice"].as_str().unwrap();
        stage.payer.pay(&invoice.parse().unwrap()).unwrap();
        stage.lsp().wait_for(id, |order| state(order, "bolt11") == "CREATED HOLD").await;
        let before = stage.channels();
        stage.connect(&stage.client).await;
        // Not a wait for something: the moment of the kill.
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        stage.kill().await;
        stage.connect(&stage.client).await;
        let end = stage.lsp().wait_for(id, |order| has_ended(order, "bolt11")).await;
        let is_sold = end["order_state"] == "COMPLETED";
        assert_eq!(stage.payer_paid().await, is_sold, "killed after {wait_ms} ms: {end}");
        let funded = |channel: &&lsps1_fixtures::node::ChannelInfo| channel.usable;
        if is_sold {
            completed += 1;
            let outpoint: bitcoin::OutPoint =
                end["channel"]["funding_outpoint"].as_str().unwrap().parse().unwrap();
            let rpc = stage.network.bitcoind().rpc();
            assert!(rpc.tx_out(outpoint.txid, outpoint.vout).await.unwrap().is_some());
            stage.network.miner().mine(1).await.unwrap();
        } else {
            let now = stage.client.channels().iter().filter(funded).count();
            assert!(now <= before, "a channel for nothing");
        }
    }
    println!("{completed} of 9 completed");
    assert!(stage.payer.channels()[0].usable);
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_on_chain_survive_being_killed_and_are_refunded_once() {
    let mut stage = Stage::set().await;
    // Seen and paid while the LSP is away.
    let (order, _) = stage.order().await;
    let id = &order["order_id"];
    drop(stage.lsp.take());
    stage.pay_onchain(&order).await;
    stage.lsp = Some(Program::start(&stage.folder.path().join("data"), &stage.engine));
    stage.lsp().wait_for(id, |order| state(order, "onchain") == "CREATED PAID").await;
    stage.kill().await;
    stage.connect(&stage.client).await;
    stage.lsp().wait_for(id, |order| state(order, "onchain") == "COMPLETED PAID").await;

    for wait_ms in [0, 2, 5, 10, 20, 50] {
        let (order, refund_address) = stage.order().await;
        let id = &order["order_id"];
        let (lsp_id, _) = stage.lsp().address();
        stage.client.disconnect(&lsp_id);
        stage.client.set_inbound_policy(InboundPolicy::Refuse);
        stage.pay_onchain(&order).await;
        stage.lsp().wait_for(id, |order| state(order, "onchain") == "CREATED PAID").await;
        let fail = format!("orders/{}/fail", id.as_str().unwrap());
        stage.lsp().control(&fail, &Value::Null).await;
        // Not a wait for something: the moment of the kill.
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        stage.kill().await;
        stage.lsp().wait_for(id, |order| state(order, "onchain") == "FAILED REFUNDED").await;
        stage.network.miner().mine(1).await.unwrap();
        let total: u64 =
            order["payment"]["onchain"]["order_total_sat"].as_str().unwrap().parse().unwrap();
        assert_eq!(stage.received_sat(&refund_address).await, total - 220, "after {wait_ms} ms");
    }
}

#[tokio::test]
async fn the_engine_sim_goes_on_too() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    let lsp = Program::start(&data_dir, &[]);
    let body = with(order_params(), "public_key", json!(common::KEY));
    let body = with(body, "refund_onchain_address", json!(common::REFUND_ADDRESS));
    let (_, order) = post(format!("{}/create_order", lsp.url("rest")), &body).await;
    let id = order["order_id"].as_str().unwrap();
    let part = json!({"option": "onchain", "amount_sat": 2_000});
    lsp.control(&format!("orders/{id}/pay"), &part).await;
    let ready = lsp.ready.clone();
    drop(lsp);

    let lsp = Program::start(&data_dir, &[]);
    assert_eq!(lsp.ready, ready);
    let (_, other) = post(format!("{}/create_order", lsp.url("rest")), &body).await;
    assert_ne!(other["order_id"], order["order_id"]);
    let rest = json!({"option": "onchain", "amount_sat": 1_215});
    let paid = lsp.control(&format!("orders/{id}/pay"), &rest).await;
    assert_eq!(state(&paid, "onchain"), "CREATED PAID");
    let opened = lsp.control(&format!("orders/{id}/open"), &Value::Null).await;
    assert_eq!(state(&opened, "onchain"), "COMPLETED PAID");
}
