//! Payment on-chain with the engine `regtest`. Needs bitcoind.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::sync::Arc;
use std::time::Duration;

use bitcoin::{Address, Amount, BlockHash, Txid};
use common::{SOON, control, create, get, order_params, read_order, start, wait_for_order, with};
use jiff::Timestamp;
use lsps1_fixtures::node::{ChainConfig, InboundPolicy, Node, NodeConfig, NodeEvents};
use lsps1_fixtures::{BitcoindRpc, Network, NetworkConfig};
use mock_lsp::{BitcoindConfig, Config, EngineConfig, ManualClock, MockLsp};
use serde_json::{Value, json};

/// More than `min_fee_for_0conf` by default, in sat per vbyte.
const DEAR: u64 = 11;

/// Less than that.
const CHEAP: u64 = 2;

/// A network, a mock LSP on it, and a client without a channel.
struct Stage {
    // Ends in this order.
    client: Node,
    _client_events: NodeEvents,
    lsp: MockLsp,
    clock: ManualClock,
    /// Where refunds go.
    payee: BitcoindRpc,
    refund_address: Address,
    network: Network,
}

impl Stage {
    async fn set() -> Self {
        let network = Network::start(NetworkConfig::default().without_electrs()).await.unwrap();
        let rpc = network.bitcoind().rpc().clone();
        let clock = ManualClock::new(Timestamp::now());
        let mut config = Config::default();
        config.engine = EngineConfig::Regtest {
            bitcoind: Some(BitcoindConfig { rpc: rpc.url().to_owned(), auth: rpc.auth().clone() }),
            faucet: Some(network.faucet_url()),
        };
        config.clock = Arc::new(clock.clone());
        let lsp = start(config).await;
        let payee = rpc.ensure_wallet("payee").await.unwrap();
        let refund_address = payee.new_address().await.unwrap();
        let chain = Some(ChainConfig { rpc, wallet: "payee".to_owned() });
        let inbound = InboundPolicy::AcceptZeroConf;
        let config = NodeConfig { chain, inbound, ..NodeConfig::message_peer("client", [7; 32]) };
        let (client, _client_events) = Node::start(config).await.unwrap();
        Self { client, _client_events, lsp, clock, payee, refund_address, network }
    }

    /// An order that `client_balance_sat` makes large or small.
    async fn order(&self, client_balance_sat: u64) -> Value {
        let body = with(order_params(), "public_key", json!(self.client.id().to_string()));
        let body = with(body, "refund_onchain_address", json!(self.refund_address.to_string()));
        create(&self.lsp, &with(body, "client_balance_sat", json!(client_balance_sat.to_string())))
            .await
    }

    /// One that needs a confirmation.
    async fn large_order(&self) -> Value {
        let order = self.order(60_000).await;
        let onchain = &order["payment"]["onchain"];
        assert_eq!(onchain["min_onchain_payment_confirmations"], 1);
        assert_eq!(onchain["min_fee_for_0conf"], Value::Null);
        order
    }

    async fn send(&self, order: &Value, sat: u64, rate: u64) -> Txid {
        let address: Address<_> =
            order["payment"]["onchain"]["address"].as_str().unwrap().parse().unwrap();
        let miner = self.network.miner();
        let (address, amount) = (address.assume_checked(), Amount::from_sat(sat));
        miner.wallet().send_to_address(&address, amount, Some(rate)).await.unwrap()
    }

    async fn mine(&self, blocks: u32) -> BlockHash {
        self.network.miner().mine(blocks).await.unwrap()
    }

    async fn connect(&self) {
        let (id, address) = self.lsp.p2p().split_once('@').unwrap();
        let address = address.parse().unwrap();
        self.client.connect(id.parse().unwrap(), address, SOON).await.unwrap();
    }

    async fn becomes(&self, order: &Value, wanted: (&str, &str, bool)) -> Value {
        wait_for_order(&self.lsp, &order["order_id"], |order| states(order) == wanted).await
    }

    /// What the refund address has received, unconfirmed coins included, in sat.
    async fn refunded_sat(&self) -> u64 {
        let params = json!([self.refund_address.to_string(), 0]);
        let btc: f64 = self.payee.call("getreceivedbyaddress", params).await.unwrap();
        Amount::from_btc(btc).unwrap().to_sat()
    }

    /// The transactions in the mempool.
    async fn mempool(&self) -> Vec<Txid> {
        self.network.bitcoind().rpc().call("getrawmempool", json!([])).await.unwrap()
    }

    /// Waits until the LSP has seen the mempool and the blocks as they are: an order is paid that came after them.
    async fn lsp_has_seen_all(&self) {
        let marker = self.order(1).await;
        self.send(&marker, total(&marker), DEAR).await;
        self.becomes(&marker, ("CREATED", "PAID", false)).await;
    }
}

fn total(order: &Value) -> u64 {
    order["payment"]["onchain"]["order_total_sat"].as_str().unwrap().parse().unwrap()
}

fn states(order: &Value) -> (&str, &str, bool) {
    (
        order["order_state"].as_str().unwrap(),
        order["payment"]["onchain"]["state"].as_str().unwrap_or("?"),
        order["channel"].is_object(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_counts_once_it_is_confirmed_and_the_channel_follows() {
    let stage = Stage::set().await;
    let order = stage.large_order().await;
    stage.send(&order, total(&order) - 1_000, DEAR).await;
    stage.send(&order, 1_000, CHEAP).await;
    stage.lsp_has_seen_all().await;
    let unconfirmed = read_order(&stage.lsp, &order["order_id"]).await;
    assert_eq!(states(&unconfirmed), ("CREATED", "EXPECT_PAYMENT", false));

    stage.mine(1).await;
    let paid = stage.becomes(&order, ("CREATED", "PAID", false)).await;
    assert_eq!(paid["payment"]["bolt11"]["state"], "REFUNDED", "can't be paid any more");
    stage.connect().await;
    let done = stage.becomes(&order, ("COMPLETED", "PAID", true)).await;
    let outpoint: bitcoin::OutPoint =
        done["channel"]["funding_outpoint"].as_str().unwrap().parse().unwrap();
    let output =
        stage.network.bitcoind().rpc().tx_out(outpoint.txid, outpoint.vout).await.unwrap().unwrap();
    assert_eq!(output.value, Amount::from_sat(160_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dear_payment_of_a_small_order_needs_no_block() {
    let stage = Stage::set().await;
    stage.connect().await;
    let (cheap, dear) = (stage.order(0).await, stage.order(1).await);
    assert_eq!(dear["payment"]["onchain"]["min_onchain_payment_confirmations"], 0);
    assert_eq!(dear["payment"]["onchain"]["min_fee_for_0conf"], 2_500);
    stage.send(&cheap, total(&cheap), CHEAP).await;
    stage.send(&dear, total(&dear), DEAR).await;
    stage.becomes(&dear, ("COMPLETED", "PAID", true)).await;
    let still = read_order(&stage.lsp, &cheap["order_id"]).await;
    assert_eq!(states(&still), ("CREATED", "EXPECT_PAYMENT", false));
    stage.mine(1).await;
    stage.becomes(&cheap, ("COMPLETED", "PAID", true)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_open_is_refunded_and_the_refund_pays_more_after_six_hours() {
    let stage = Stage::set().await;
    stage.client.set_inbound_policy(InboundPolicy::Refuse);
    stage.connect().await;
    let order = stage.large_order().await;
    stage.send(&order, total(&order), CHEAP).await;
    stage.mine(1).await;
    stage.becomes(&order, ("FAILED", "REFUNDED", false)).await;

    // One input and one output are 110 vbytes, at 2 sat each.
    let back = stage.refunded_sat().await;
    assert_eq!(back, total(&order) - 220);
    let first = stage.mempool().await;
    assert_eq!(first.len(), 1);
    stage.clock.advance(Duration::from_secs(6 * 3_600));
    let deadline = tokio::time::Instant::now() + SOON;
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        let now = stage.mempool().await;
        if now.len() == 1 && now != first {
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "no replacement; mempool: {now:?}");
    }
    stage.mine(1).await;
    assert_eq!(stage.mempool().await, []);
    assert_eq!(stage.refunded_sat().await, total(&order) - 440);
    let still = read_order(&stage.lsp, &order["order_id"]).await;
    assert_eq!(states(&still), ("FAILED", "REFUNDED", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_little_and_too_late_go_back() {
    let stage = Stage::set().await;
    let (part, late) = (stage.large_order().await, stage.large_order().await);
    stage.send(&part, total(&part) - 1, CHEAP).await;
    stage.mine(6).await;
    stage.lsp_has_seen_all().await;
    let unpaid = read_order(&stage.lsp, &part["order_id"]).await;
    assert_eq!(states(&unpaid), ("CREATED", "EXPECT_PAYMENT", false));

    stage.clock.advance(Duration::from_secs(3_600));
    stage.becomes(&part, ("FAILED", "REFUNDED", false)).await;
    let expired = stage.becomes(&late, ("FAILED", "EXPECT_PAYMENT", false)).await;
    assert_eq!(expired["payment"]["bolt11"]["state"], "REFUNDED");
    stage.send(&late, total(&late), CHEAP).await;
    stage.mine(1).await;
    stage.becomes(&late, ("FAILED", "REFUNDED", false)).await;
    // The marker of above was paid, never opened, and goes back, too.
    let (_, marker) = last_order(&stage.lsp).await;
    stage.becomes(&marker, ("FAILED", "REFUNDED", false)).await;
    let expected = total(&part) - 1 + total(&late) + total(&marker) - 3 * 220;
    assert_eq!(stage.refunded_sat().await, expected);
}

async fn last_order(lsp: &MockLsp) -> (u16, Value) {
    let (status, orders) = get(format!("{}/orders", lsp.control_url())).await;
    (status, orders["orders"].as_array().unwrap().last().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_waits_for_a_payment_that_a_reorganisation_took() {
    let stage = Stage::set().await;
    let order = stage.large_order().await;
    stage.send(&order, total(&order), CHEAP).await;
    let block = stage.mine(1).await;
    stage.becomes(&order, ("CREATED", "PAID", false)).await;
    let rpc = stage.network.bitcoind().rpc();
    rpc.call::<Value>("invalidateblock", json!([block])).await.unwrap();
    stage.lsp_has_seen_all().await;
    let (status, refusal) = control(&stage.lsp, &order["order_id"], "open").await;
    assert_eq!(status, 409, "{refusal}");
    stage.connect().await;
    let waiting = read_order(&stage.lsp, &order["order_id"]).await;
    assert_eq!(states(&waiting), ("CREATED", "PAID", false));
    stage.mine(1).await;
    stage.becomes(&order, ("COMPLETED", "PAID", true)).await;
}
