//! The program dies before or after any of its writes, and nothing is lost: see `lsps1_fixtures::crash`. Needs bitcoind.
//!
//! By default a few moments of each purchase are drawn (`LSPS1_SEED` draws others), and the program dies a second time while it recovers.
//! `cargo test -p mock-lsp --test kill_at_every_write -- --ignored` goes through all of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod common;

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bitcoin::{Address, Amount, OutPoint};
use common::chain::{Payer, node};
use common::program::{Program, engine, log};
use common::{SOON, order_params, with};
use lsps1_fixtures::node::{InboundPolicy, Node, NodeEvent, NodeEvents};
use lsps1_fixtures::{BitcoindRpc, Network, NetworkConfig};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A purchase: its way of payment, and whether the client takes the channel. If not, the payment has to go back.
#[derive(Clone, Copy, Debug)]
struct Plan {
    way: &'static str,
    is_taken: bool,
}

const PLANS: [Plan; 6] = [
    Plan { way: "bolt11", is_taken: true },
    Plan { way: "bolt11", is_taken: false },
    Plan { way: "bolt12", is_taken: true },
    Plan { way: "bolt12", is_taken: false },
    Plan { way: "onchain", is_taken: true },
    Plan { way: "onchain", is_taken: false },
];

/// How many moments of each purchase are drawn.
const DRAWN: usize = 4;

/// A second death comes within so many moments of the first, if the recovery has so many.
const SECOND_DEATH_WITHIN: u64 = 30;

/// How long a purchase may take, with two deaths in it.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the program is left alone when all is done, for the last of its writes.
const REST: Duration = Duration::from_millis(200);

/// With more channels than this, every start takes longer.
const MOST_CHANNELS: usize = 20;

/// What the mock's refunds cost here, in sat.
const REFUND_FEE_SAT: u64 = 220;

/// A network with a client, and a payer that has a channel to the program.
struct Stage {
    // Ends in this order.
    payer: Payer,
    client: Node,
    _client_events: NodeEvents,
    lsp: Option<Program>,
    data: PathBuf,
    _folder: TempDir,
    engine: Vec<String>,
    payee: BitcoindRpc,
    /// The channels that were bought.
    bought: HashSet<OutPoint>,
    network: Network,
}

/// One purchase, as the buyer knows it.
struct Purchase {
    plan: Plan,
    refund_address: Address,
    /// As it was made.
    order: Value,
    /// As it was seen last.
    state: Value,
    /// The payment that is on its way over Lightning.
    attempt: Option<[u8; 32]>,
    /// How many payments succeeded, or were sent on-chain.
    paid: usize,
}

impl Stage {
    async fn set() -> Self {
        let network = Network::start(NetworkConfig::default().without_electrs()).await.unwrap();
        let engine = engine(&network);
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let lsp = Program::start(&data, &engine);
        let payee = network.bitcoind().rpc().ensure_wallet("payee").await.unwrap();
        let payer = Payer::start(&network, lsp.address(), 5_000_000).await;
        let (client, _client_events) =
            node(&network, "client", InboundPolicy::AcceptZeroConf).await;
        Self {
            payer,
            client,
            _client_events,
            lsp: Some(lsp),
            data,
            _folder: folder,
            engine,
            payee,
            bought: HashSet::new(),
            network,
        }
    }

    /// Buys a channel from an LSP that dies at the first of `deaths`, is started again, dies at the next, and so on. Gives
    /// how many times it died.
    async fn buy(&mut self, plan: Plan, deaths: &[u64]) -> usize {
        let policy =
            if plan.is_taken { InboundPolicy::AcceptZeroConf } else { InboundPolicy::Refuse };
        self.client.set_inbound_policy(policy);
        let balance_before = self.payer_balance_msat();
        let mut deaths = deaths.iter().copied();
        let mut died = 0;
        self.start_again(deaths.next());
        let mut purchase = None;
        let mut over_since = None;
        let deadline = Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        loop {
            looks.tick().await;
            let seen = purchase.as_ref().map(|purchase: &Purchase| purchase.state.to_string());
            assert!(Instant::now() < deadline, "last seen: {seen:?}\n{}", self.log());
            if self.lsp.as_mut().is_none_or(Program::is_dead) {
                died += 1;
                over_since = None;
                self.start_again(deaths.next());
                if let Some(purchase) = &mut purchase {
                    self.give_up_lost_request(purchase);
                }
                continue;
            }
            self.connect_all().await;
            match &mut purchase {
                None => purchase = self.order(plan).await,
                Some(purchase) => {
                    self.look(purchase).await;
                    if !purchase.is_over() || !self.payer.pending_htlcs().is_empty() {
                        self.pay(purchase).await;
                    } else if over_since.is_none() {
                        over_since = Some(Instant::now());
                        self.network.miner().mine(1).await.unwrap();
                    }
                }
            }
            if over_since.is_some_and(|since| since.elapsed() > REST) {
                break;
            }
        }
        let purchase = purchase.unwrap();
        self.judge(&purchase, balance_before).await;
        died
    }

    /// Kills the LSP, if it lives, and starts it again.
    fn start_again(&mut self, abort_at: Option<u64>) {
        drop(self.lsp.take());
        self.lsp = match abort_at {
            Some(_) => Program::start_to_die(&self.data, &self.engine, abort_at),
            None => Some(Program::start(&self.data, &self.engine)),
        };
        // They have to see that their connections are dead.
        let lsp = self.payer.channels()[0].peer;
        self.payer.disconnect(&lsp);
        self.client.disconnect(&lsp);
    }

    async fn connect_all(&self) {
        let Some(lsp) = &self.lsp else { return };
        let (id, address) = lsp.address();
        for node in [&*self.payer, &self.client] {
            if !node.is_connected(&id) {
                // If it has died meanwhile, the next look shows that.
                let _ = node.connect(id, address, SOON).await;
            }
        }
    }

    /// Makes an order, unless the LSP dies.
    async fn order(&self, plan: Plan) -> Option<Purchase> {
        let refund_address = self.payee.new_address().await.unwrap();
        let body = with(order_params(), "public_key", json!(self.client.id().to_string()));
        let body = with(body, "refund_onchain_address", json!(refund_address.to_string()));
        let url = format!("{}/create_order", self.lsp.as_ref()?.url("rest"));
        let answer = reqwest::Client::new().post(url).json(&body).send().await.ok()?;
        let status = answer.status();
        let order: Value = answer.json().await.ok()?;
        assert_eq!(status, 200, "{order}");
        let state = order.clone();
        Some(Purchase { plan, refund_address, order, state, attempt: None, paid: 0 })
    }

    /// Looks at the order, unless the LSP dies, and at what has become of the payment.
    async fn look(&mut self, purchase: &mut Purchase) {
        while let Some(event) = self.payer.try_see() {
            match event {
                NodeEvent::PaymentSent { payment_id, .. } => {
                    assert_eq!(purchase.attempt.take(), Some(payment_id), "paid twice");
                    purchase.paid += 1;
                }
                NodeEvent::PaymentFailed { payment_id, .. }
                    if purchase.attempt == Some(payment_id) =>
                {
                    purchase.attempt = None;
                }
                _ => {}
            }
        }
        let lsp = self.lsp.as_ref().unwrap();
        let Some(now) = lsp.try_order(&purchase.order["order_id"]).await else { return };
        for member in ["order_id", "created_at", "lsp_balance_sat"] {
            assert_eq!(now[member], purchase.order[member], "{now}");
        }
        for (option, member) in [("bolt11", "invoice"), ("bolt12", "offer"), ("onchain", "address")]
        {
            let (now, before) = (&now["payment"][option], &purchase.order["payment"][option]);
            assert_eq!(now[member], before[member]);
        }
        if purchase.state["order_state"] != "CREATED" {
            assert_eq!(now["order_state"], purchase.state["order_state"], "{}", self.log());
        }
        purchase.state = now;
    }

    /// Pays, if nothing is on its way and the order still wants to be paid.
    async fn pay(&self, purchase: &mut Purchase) {
        let payment = &purchase.order["payment"][purchase.plan.way];
        if purchase.state["payment"][purchase.plan.way]["state"] != "EXPECT_PAYMENT" {
            return;
        }
        if purchase.plan.way == "onchain" {
            if purchase.paid == 0 {
                let address: Address<_> = payment["address"].as_str().unwrap().parse().unwrap();
                let amount = Amount::from_sat(purchase.total_sat());
                let wallet = self.network.miner().wallet();
                let address = address.assume_checked();
                wallet.send_to_address(&address, amount, Some(20)).await.unwrap();
                purchase.paid = 1;
            }
        } else if purchase.attempt.is_none() && self.payer.channels()[0].usable {
            let attempt = match payment["invoice"].as_str() {
                Some(invoice) => self.payer.pay(&invoice.parse().unwrap()),
                None => self.payer.pay_offer(payment["offer"].as_str().unwrap(), None),
            };
            // There is no way to an LSP that has just died.
            purchase.attempt = attempt.ok();
        }
    }

    /// The request for an invoice died with the LSP; the payer would wait for the answer.
    fn give_up_lost_request(&self, purchase: &mut Purchase) {
        if let Some(attempt) = purchase.attempt
            && self.payer.payment_hash(&attempt).is_none()
        {
            self.payer.abandon_payment(attempt);
        }
    }

    /// Neither both served and refunded, nor neither; and nothing else was touched.
    async fn judge(&mut self, purchase: &Purchase, balance_before: u64) {
        let Purchase { plan, state, refund_address, .. } = purchase;
        let is_served = state["order_state"] == "COMPLETED";
        let is_onchain = plan.way == "onchain";
        let log = self.log();
        let context = || format!("{plan:?}: {state}\n{log}");
        assert!(plan.is_taken || !is_served, "{}", context());

        let spent = balance_before - self.payer_balance_msat();
        let owed = if is_served && !is_onchain { purchase.total_sat() * 1_000 } else { 0 };
        assert_eq!(spent, owed, "{}", context());
        assert_eq!(purchase.paid, usize::from(is_served || is_onchain), "{}", context());
        let back = if is_onchain && !is_served { purchase.total_sat() - REFUND_FEE_SAT } else { 0 };
        assert_eq!(self.received_sat(refund_address).await, back, "{}", context());

        if is_served {
            let outpoint = state["channel"]["funding_outpoint"].as_str().unwrap();
            let is_new = self.bought.insert(outpoint.parse().unwrap());
            assert!(is_new, "{}", context());
        } else {
            assert_eq!(state["channel"], Value::Null, "{}", context());
        }
        let rpc = self.network.bitcoind().rpc();
        let mut there = HashSet::new();
        for outpoint in self.client.channels().iter().filter_map(|channel| channel.outpoint) {
            if rpc.tx_out(outpoint.txid, outpoint.vout).await.unwrap().is_some() {
                there.insert(outpoint);
            }
        }
        assert_eq!(there, self.bought, "closed, or opened for nothing: {}", context());
    }

    fn payer_balance_msat(&self) -> u64 {
        self.payer.channels()[0].outbound_capacity_msat
    }

    async fn received_sat(&self, address: &Address) -> u64 {
        let params = json!([address.to_string(), 0]);
        let btc: f64 = self.payee.call("getreceivedbyaddress", params).await.unwrap();
        Amount::from_btc(btc).unwrap().to_sat()
    }

    fn log(&self) -> String {
        log(&self.data)
    }

    /// How many moments the program has counted since it was started last.
    fn moments(&self) -> u64 {
        let log = self.log();
        let last = log.lines().rev().find_map(|line| line.split_once(" moment "));
        let number = last.and_then(|(_, rest)| rest.split(':').next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no moments in {log}"))
    }
}

impl Purchase {
    fn total_sat(&self) -> u64 {
        let total = &self.order["payment"][self.plan.way]["order_total_sat"];
        total.as_str().unwrap().parse().unwrap()
    }

    /// Whether the order has ended, and the payer knows what became of the payment.
    fn is_over(&self) -> bool {
        let payment = self.state["payment"][self.plan.way]["state"].as_str().unwrap();
        let order = self.state["order_state"].as_str().unwrap();
        self.attempt.is_none()
            && [("COMPLETED", "PAID"), ("FAILED", "REFUNDED")].contains(&(order, payment))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_whenever_the_program_dies() {
    let seed = std::env::var("LSPS1_SEED").ok().and_then(|seed| seed.parse().ok());
    // The same moments each time; other ones are drawn with other seeds, and all of them gone through below.
    let seed: u64 = seed.unwrap_or(1);
    println!("LSPS1_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stage = Stage::set().await;
    for plan in PLANS {
        assert_eq!(stage.buy(plan, &[0]).await, 0);
        let moments = stage.moments();
        for _ in 0..DRAWN {
            let deaths = [rng.random_range(1..=moments), rng.random_range(1..=SECOND_DEATH_WITHIN)];
            let started = Instant::now();
            println!("{plan:?} has {moments} moments; dying at {deaths:?}");
            let died = stage.buy(plan, &deaths).await;
            println!("died {died} times, {:?}", started.elapsed());
        }
    }
}

#[test]
fn a_first_start_may_end_at_any_moment() {
    for moment in 1.. {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        if Program::start_to_die(&data, &[], Some(moment)).is_some() {
            assert!(moment > 1, "nothing was written");
            break;
        }
        Program::start(&data, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn nothing_is_lost_at_any_moment() {
    for plan in PLANS {
        let mut stage = Stage::set().await;
        let (mut moment, mut served) = (1, 0);
        while stage.buy(plan, &[moment]).await > 0 {
            moment += 1;
            if stage.bought.len() >= MOST_CHANNELS {
                served += stage.bought.len();
                stage = Stage::set().await;
            }
        }
        served += stage.bought.len();
        println!("{plan:?}: died at {} moments, {served} served", moment - 1);
    }
}
