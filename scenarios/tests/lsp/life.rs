//! What happens after an order was made: payments, channels, blocks and time, as flags.

use bitcoin::hashes::Hash as _;
use bitcoin::{Address, Network, ScriptBuf, WPubkeyHash};
use lsps1_scenarios::{Action, ClientAct, Observation};
use serde_json::{Map, Value, json};

use super::{Lsp, Refused};

/// After how many blocks an HTLC is the payer's again.
const CLTV_BLOCKS: u32 = 180;

/// How many blocks before that the LSP gives it back.
const MARGIN_BLOCKS: u32 = 20;

/// An order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) serial: usize,
    pub(super) owner: String,
    pub(super) params: Map<String, Value>,
    pub(super) state: State,
    /// The payment that was taken for it, by its place in [`World::payments`].
    pub(super) held: Option<usize>,
    /// Whether that was a payment of its offer.
    pub(super) by_offer: bool,
    /// What was paid on the chain.
    pub(super) coins: Coins,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coins {
    Awaited,
    Unconfirmed,
    Paid,
    Refunded,
}

impl Coins {
    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Awaited | Self::Unconfirmed => "EXPECT_PAYMENT",
            Self::Paid => "PAID",
            Self::Refunded => "REFUNDED",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Created,
    /// Nobody may pay it any more, but it shows as CREATED.
    Expired,
    Completed,
    Failed,
}

impl State {
    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Created | Self::Expired => "CREATED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Clone, Debug)]
struct Payment {
    status: &'static str,
    amount_msat: u64,
    cltv_expiry: u32,
}

/// Payer, client and chain.
#[derive(Debug)]
pub(super) struct World {
    connected: bool,
    policy: ClientAct,
    /// How many opens the client was asked for.
    asks: usize,
    blocks: u32,
    payments: Vec<Payment>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            connected: false,
            policy: ClientAct::Accept,
            asks: 0,
            blocks: 0,
            payments: Vec::new(),
        }
    }
}

impl Lsp {
    pub(super) fn on_chain(&mut self, action: Action) -> Observation {
        match action {
            Action::Client(ClientAct::Connect) => {
                self.world.connected = true;
                self.open_channels();
            }
            Action::Client(ClientAct::Disconnect) => self.client_goes(),
            Action::Client(ClientAct::AskNoReserve) => {}
            Action::Client(policy) => {
                self.world.policy = policy;
                self.open_channels();
            }
            Action::OrderThroughClient { params } => {
                return match self.create_order("main", params) {
                    Ok(order) => Observation::Document(order),
                    Err(Refused(code, data)) => {
                        Observation::Failed { reason: format!("{code} {data}") }
                    }
                };
            }
            Action::Pay { invoice, amount_msat } => return self.pay(&invoice, amount_msat),
            Action::PayOffer { .. } => return self.pay_offer(),
            Action::AwaitPayment { payment, .. } => return self.payment(payment.as_deref()),
            Action::PayOnchain { address, .. } => {
                let mut orders = self.orders.values_mut();
                if let Some(order) = orders.find(|order| order.address() == address) {
                    order.coins = Coins::Unconfirmed;
                }
                return Observation::Document(json!({"txid": "ab"}));
            }
            Action::AwaitCoins { .. } => {
                let mut orders = self.orders.values();
                let refunded = orders.find(|order| order.coins == Coins::Refunded);
                return Observation::Document(match refunded {
                    Some(order) => {
                        let total_sat = self.choices.fee_sat + order.sat("client_balance_sat");
                        json!({"found": true, "amount_sat": total_sat.saturating_sub(300), "fee_sat": 300, "sat_per_kwu": 500})
                    }
                    None => json!({"found": false}),
                });
            }
            Action::Mine { blocks } => {
                self.world.blocks += blocks;
                let unconfirmed =
                    self.orders.values_mut().filter(|it| it.coins == Coins::Unconfirmed);
                if blocks > 0 {
                    unconfirmed.for_each(|order| order.coins = Coins::Paid);
                    self.open_channels();
                }
                self.give_back_in_time();
            }
            Action::AwaitChannel { outpoint, .. } => return self.channel(outpoint.as_deref()),
            Action::ChainOutput { outpoint } => return self.output(&outpoint),
            Action::LetExpire { order_id } => self.expire(&order_id.unwrap_or_default()),
            // The client's connection goes with the LSP that it was made to.
            Action::Restart => self.client_goes(),
            other => return Observation::Failed { reason: format!("{other:?} is no chain step") },
        }
        Observation::Done
    }

    fn pay(&mut self, invoice: &str, amount_msat: Option<u64>) -> Observation {
        let id = invoice.trim_start_matches("lnbcrt1");
        let order = self.orders.iter().find(|(_, order)| order.invoice() == id);
        match order.map(|(id, _)| id.clone()) {
            Some(order_id) => self.take(&order_id, amount_msat, false),
            None => Observation::Failed { reason: format!("no such invoice: {invoice}") },
        }
    }

    /// All offers look alike: that of the newest order is meant.
    fn pay_offer(&mut self) -> Observation {
        let order = self.orders.iter().max_by_key(|(_, order)| order.serial);
        match order.map(|(id, _)| id.clone()) {
            Some(order_id) => self.take(&order_id, None, true),
            None => Observation::Failed { reason: "there is no offer".to_owned() },
        }
    }

    /// A payment arrives.
    fn take(&mut self, order_id: &str, amount_msat: Option<u64>, by_offer: bool) -> Observation {
        let fee = self.choices.fee_sat;
        let takes_less = self.choices.takes_less;
        let Some(order) = self.orders.get_mut(order_id) else {
            return Observation::Failed { reason: format!("no order {order_id}") };
        };
        let total_msat = 1_000 * (fee + order.sat("client_balance_sat"));
        let amount_msat = amount_msat.unwrap_or(total_msat);
        let is_enough = amount_msat >= total_msat || takes_less;
        let is_taken = order.state == State::Created
            && order.held.is_none()
            && order.coins != Coins::Paid
            && is_enough;
        let payments = &mut self.world.payments;
        if is_taken {
            order.held = Some(payments.len());
            order.by_offer = by_offer;
        }
        payments.push(Payment {
            status: if is_taken { "pending" } else { "failed" },
            amount_msat,
            cltv_expiry: self.world.blocks + CLTV_BLOCKS,
        });
        let name = (payments.len() - 1).to_string();
        self.open_channels();
        Observation::Document(json!({"payment": name}))
    }

    fn payment(&self, name: Option<&str>) -> Observation {
        let payments = &self.world.payments;
        let place = name.map_or(payments.len().checked_sub(1), |name| name.parse().ok());
        let Some(payment) = place.and_then(|place| payments.get(place)) else {
            return Observation::Failed { reason: format!("no payment {name:?}") };
        };
        Observation::Document(json!({
            "status": payment.status, "amount_msat": payment.amount_msat, "cltv_expiry": payment.cltv_expiry,
            "height": self.world.blocks, "blocks_left": payment.cltv_expiry - self.world.blocks, "payer_channel_open": true,
        }))
    }

    fn open_channels(&mut self) {
        if !self.world.connected {
            return;
        }
        for order in self.orders.values_mut() {
            let is_paid = order.held.is_some() || order.coins == Coins::Paid;
            if !is_paid || order.state != State::Created {
                continue;
            }
            self.world.asks += 1;
            let (state, status) = match self.world.policy {
                ClientAct::Accept => (State::Completed, "succeeded"),
                ClientAct::Refuse => (State::Failed, "failed"),
                _ => continue,
            };
            order.state = state;
            if let Some(held) = order.held {
                self.world.payments[held].status = status;
            }
            if state == State::Failed && order.coins == Coins::Paid {
                order.coins = Coins::Refunded;
            }
        }
    }

    fn client_goes(&mut self) {
        self.world.connected = false;
        if self.world.asks > 0 && !self.choices.tries_again {
            self.fail_where(|_, _| true);
        }
    }

    fn give_back_in_time(&mut self) {
        let blocks = self.world.blocks;
        self.fail_where(|_, payment| payment.cltv_expiry <= blocks + MARGIN_BLOCKS);
    }

    /// `wanted` may be an id as an older dialect writes it, without dashes.
    fn expire(&mut self, wanted: &str) {
        let is_meant = |id: &str| id.replace('-', "") == wanted.replace('-', "");
        self.fail_where(|id, _| is_meant(id));
        let state = if self.choices.expired_is_failed { State::Failed } else { State::Expired };
        for (id, order) in &mut self.orders {
            if is_meant(id) && order.state == State::Created {
                order.state = state;
            }
        }
    }

    /// Fails the paid orders without a channel that are chosen, and sends their payments back.
    fn fail_where(&mut self, choose: impl Fn(&str, &Payment) -> bool) {
        for (id, order) in &mut self.orders {
            let Some(held) = order.held.filter(|_| order.state == State::Created) else { continue };
            if choose(id, &self.world.payments[held]) {
                order.state = State::Failed;
                self.world.payments[held].status = "failed";
            }
        }
    }

    fn channel(&self, outpoint: Option<&str>) -> Observation {
        let is_meant = |order: &&Order| {
            order.state == State::Completed
                && outpoint.is_none_or(|outpoint| order.outpoint() == outpoint)
        };
        let asked = self.world.asks > 0;
        Observation::Document(match self.orders.values().rev().find(is_meant) {
            Some(order) => json!({
                "asked": true, "asks": self.world.asks, "capacity_sat": order.capacity_sat(), "client_sat": order.sat("client_balance_sat"),
                "lsp_sat": order.capacity_sat() - order.sat("client_balance_sat"),
                "announced": order.params["announce_channel"], "funding_outpoint": order.outpoint(),
                "usable": self.is_deep(order), "ready_sent": self.is_deep(order), "closed": false,
                "reserve_sat": 0,
            }),
            None => {
                json!({"asked": asked, "asks": self.world.asks, "usable": false, "ready_sent": false, "closed": false})
            }
        })
    }

    fn is_deep(&self, order: &Order) -> bool {
        let depth = order.params.get("required_channel_confirmations").and_then(Value::as_u64);
        u64::from(self.world.blocks) >= depth.unwrap_or(0)
    }

    fn output(&self, outpoint: &str) -> Observation {
        let is_meant =
            |order: &&Order| order.outpoint() == outpoint && order.state == State::Completed;
        Observation::Document(match self.orders.values().find(is_meant) {
            Some(order) => json!({
                "found": true, "value_sat": order.capacity_sat(), "script_type": "witness_v0_scripthash",
                "confirmations": self.world.blocks, "in_mempool": self.world.blocks == 0,
            }),
            None => json!({"found": false}),
        })
    }
}

impl Order {
    /// The state of the payment by invoice, or by offer.
    pub(super) fn payment_state(&self, by_offer: bool) -> &'static str {
        if self.by_offer != by_offer {
            return "EXPECT_PAYMENT";
        }
        match (self.state, self.held) {
            (State::Created | State::Expired, None) => "EXPECT_PAYMENT",
            (State::Created | State::Expired, Some(_)) => "HOLD",
            (State::Completed, Some(_)) => "PAID",
            (State::Completed, None) | (State::Failed, _) => "REFUNDED",
        }
    }

    pub(super) fn sat(&self, name: &str) -> u64 {
        let amount = self.params.get(name).and_then(Value::as_str);
        amount.and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    pub(super) fn capacity_sat(&self) -> u64 {
        self.sat("lsp_balance_sat") + self.sat("client_balance_sat")
    }

    pub(super) fn invoice(&self) -> String {
        format!("invoice{}", self.serial)
    }

    pub(super) fn address(&self) -> String {
        let hash = WPubkeyHash::from_byte_array([self.serial as u8; 20]);
        Address::from_script(&ScriptBuf::new_p2wpkh(&hash), Network::Regtest).unwrap().to_string()
    }

    pub(super) fn outpoint(&self) -> String {
        format!("{}:{}", "5f".repeat(32), self.serial)
    }
}
