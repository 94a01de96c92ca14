//! Who pays in scenarios on a chain: a wallet as people use it, or a node that pays what it is told to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::Network;
use lsps1_fixtures::node::{
    Bolt11Invoice, ChainConfig, Direction, HtlcInfo, InboundPolicy, Node, NodeConfig, NodeEvent,
    NodeEvents, OpenChannel, Payment,
};
use lsps1_fixtures::peers::PaymentOutcome;
use lsps1_scenarios::PaymentStage;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::target::custom_message::{MessageTarget, RECONNECT_EVERY};
use crate::text::hex;

/// How often an HTLC is looked at while it is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How long the free payer's channel may take, apart from mining.
const CHANNEL_WITHIN: Duration = Duration::from_secs(30);

/// What LDK says of a payment that it sees no way for.
const NO_ROUTE: &str = "RouteNotFound";

/// How long the invoice of an offer may take.
const INVOICE_WITHIN: Duration = Duration::from_secs(30);

/// How many blocks more than it has to an HTLC leaves, as with any payer (BOLT 7, shadow routes): others may mine meanwhile.
const SPARE_BLOCKS: u32 = 36;

/// The bitcoind wallet of the free payer.
pub(super) const WALLET: &str = "payer";

/// A node that pays less or more than it is asked to, twice, or too late, and that sees what becomes of its HTLCs.
pub(super) struct FreePayer {
    node: Node,
    outcomes: watch::Receiver<Outcomes>,
    attempts: Mutex<Attempts>,
    listener: AbortHandle,
}

/// What is known of each attempt, by its id.
type Attempts = HashMap<[u8; 32], Attempt>;

#[derive(Default)]
struct Attempt {
    /// The offer that it is for, if it is for one.
    offer: Option<String>,
    /// What it is locked to; that of an offer isn't known before its invoice has come.
    hash: Option<[u8; 32]>,
    /// Its HTLC, once that was seen.
    htlc: Option<HtlcInfo>,
}

/// How payments ended, by the id of the attempt.
type Outcomes = HashMap<[u8; 32], PaymentOutcome>;

impl Drop for FreePayer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl FreePayer {
    /// Starts it, and begins to open its channel. Its wallet has to have coins.
    pub(super) async fn start(
        network: &Network,
        target: MessageTarget,
        capacity_sat: u64,
    ) -> Result<Self, String> {
        let rpc = network.bitcoind().rpc().clone();
        let config = NodeConfig {
            chain: Some(ChainConfig { rpc, wallet: WALLET.to_owned() }),
            inbound: InboundPolicy::Refuse,
            ..NodeConfig::message_peer("free-payer", rand::random())
        };
        let (node, mut events) = Node::start(config).await.map_err(|error| error.to_string())?;
        node.connect(target.id, target.address, target.timeout)
            .await
            .map_err(|error| error.to_string())?;
        // Many nodes make offers only where an announced channel leads to them; but not every node takes such channels.
        if let Err(reason) = open(&node, &mut events, target.id, capacity_sat, true).await {
            open(&node, &mut events, target.id, capacity_sat, false)
                .await
                .map_err(|error| format!("{error}; before that, announced: {reason}"))?;
        }
        let (sender, outcomes) = watch::channel(Outcomes::default());
        let listener = tokio::spawn(listen(events, sender)).abort_handle();
        Ok(Self { node, outcomes, attempts: Mutex::default(), listener })
    }

    /// Connects again to a target that was started again, until its channel can be used.
    pub(super) async fn reconnect(&self, target: MessageTarget) -> Result<(), String> {
        // What is left of the old connection would pass for a new one.
        self.node.disconnect(&target.id);
        let deadline = Instant::now() + target.timeout;
        while let Err(error) = self.node.connect(target.id, target.address, target.timeout).await {
            if Instant::now() >= deadline {
                return Err(format!("the free payer failed to connect again: {error}"));
            }
            tokio::time::sleep(RECONNECT_EVERY).await;
        }
        self.usable().await
    }

    /// Waits until its channel can be used; the blocks for that have to be mined meanwhile.
    pub(super) async fn usable(&self) -> Result<(), String> {
        let deadline = Instant::now() + CHANNEL_WITHIN;
        loop {
            let channels = self.node.channels();
            if channels.iter().any(|channel| channel.usable) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let within = CHANNEL_WITHIN.as_secs();
                return Err(format!(
                    "its channel was not usable within {within} s; last seen: {channels:?}"
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    pub(super) const fn node(&self) -> &Node {
        &self.node
    }

    /// Starts to pay, and gives the attempt's id.
    pub(super) fn pay(
        &self,
        invoice: &Bolt11Invoice,
        amount_msat: Option<u64>,
    ) -> Result<[u8; 32], String> {
        let mut payment = Payment::from(invoice);
        payment.final_cltv_delta += SPARE_BLOCKS;
        if let Some(amount_msat) = amount_msat {
            payment.amount_msat = amount_msat;
            payment.total_msat = amount_msat;
        }
        let hash = payment.payment_hash;
        let id = self.node.pay_with(payment).map_err(|error| error.to_string())?;
        let attempt = Attempt { offer: None, hash: Some(hash), htlc: self.latest_htlc(&hash) };
        self.attempts().insert(id, attempt);
        Ok(id)
    }

    /// Asks for an invoice of an offer and starts to pay it. Gives the attempt's id as soon as its HTLC is on its way,
    /// or there is no invoice for it: the payee says so, or is silent though it gave one before.
    pub(super) async fn pay_offer(&self, offer: &str) -> Result<[u8; 32], String> {
        let id = self.node.pay_offer(offer, None).map_err(|error| error.to_string())?;
        let attempt = Attempt { offer: Some(offer.to_owned()), ..Attempt::default() };
        self.attempts().insert(id, attempt);
        let outcome = self.wait(id, PaymentStage::Held, INVOICE_WITHIN).await;
        match outcome {
            // The payee gave an invoice, but nothing was sent.
            PaymentOutcome::Failed { reason } if reason == NO_ROUTE => {
                return Err("pay the offer: it has no route to the payee".to_owned());
            }
            PaymentOutcome::Pending if self.htlc(&id).is_none() => {}
            _ => return Ok(id),
        }
        self.node.abandon_payment(id);
        // Else the request may not have found its way to the payee.
        let is_answered = |it: &Attempt| it.offer.as_deref() == Some(offer) && it.htlc.is_some();
        match self.attempts().values().any(is_answered) {
            true => Ok(id),
            false => {
                let within = INVOICE_WITHIN.as_secs();
                Err(format!("pay the offer: no invoice came for it within {within} s"))
            }
        }
    }

    /// Waits until the payment is as far as is asked for, and tells how it stands.
    pub(super) async fn wait(
        &self,
        id: [u8; 32],
        until: PaymentStage,
        within: Duration,
    ) -> PaymentOutcome {
        let mut outcomes = self.outcomes.clone();
        let is_held = async {
            while until != PaymentStage::Held || self.htlc(&id).is_none() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let reached = async {
            tokio::select! {
                () = is_held => {}
                // The task goes on for as long as the node does.
                _ = outcomes.wait_for(|outcomes| outcomes.contains_key(&id)) => {}
            }
        };
        // Whether in time or not, the outcome tells.
        let _ = tokio::time::timeout(within, reached).await;
        self.outcomes.borrow().get(&id).cloned().unwrap_or(PaymentOutcome::Pending)
    }

    /// The HTLC of an attempt, as it was sent.
    pub(super) fn htlc(&self, id: &[u8; 32]) -> Option<HtlcInfo> {
        let mut attempts = self.attempts();
        let attempt = attempts.get_mut(id)?;
        if attempt.htlc.is_none() {
            attempt.hash = attempt.hash.or_else(|| self.node.payment_hash(id));
            attempt.htlc = attempt.hash.and_then(|hash| self.latest_htlc(&hash));
        }
        attempt.htlc.clone()
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of several attempts with the same hash, the HTLC that was sent last.
    fn latest_htlc(&self, hash: &[u8; 32]) -> Option<HtlcInfo> {
        let mut htlcs = self.node.pending_htlcs().into_iter();
        htlcs.rfind(|it| it.payment_hash == *hash && it.direction == Direction::Out)
    }

    /// Whether there is a channel to the target still.
    pub(super) fn has_channel(&self, target: &PublicKey) -> bool {
        self.node.channels().iter().any(|channel| channel.peer == *target)
    }
}

/// Opens a channel until its funding transaction is published.
async fn open(
    node: &Node,
    events: &mut NodeEvents,
    peer: PublicKey,
    capacity_sat: u64,
    announce: bool,
) -> Result<(), String> {
    // Two opens may not have the same.
    let tag = 1 + u128::from(announce);
    let open = OpenChannel {
        peer,
        capacity_sat,
        push_msat: 0,
        announce,
        tag,
        required_confirmations: None,
        funding_feerate_sat_per_kwu: None,
    };
    node.open_channel(open).map_err(|error| error.to_string())?;
    let published = published(events).await;
    if published.is_err() {
        // It may still be waiting for an answer, with the wallet's only coin.
        node.abandon_open(tag);
    }
    published
}

/// Waits until the channel's funding transaction is published.
async fn published(events: &mut NodeEvents) -> Result<(), String> {
    let published = async {
        while let Some(event) = events.recv().await {
            match event {
                NodeEvent::FundingPublished { .. } => return Ok(()),
                NodeEvent::OpenFailed { reason, .. } => return Err(reason),
                _ => {}
            }
        }
        Err("the node has ended".to_owned())
    };
    let within = CHANNEL_WITHIN.as_secs();
    tokio::time::timeout(CHANNEL_WITHIN, published).await.unwrap_or_else(|_| {
        Err(format!("the target did not take part in the opening of its channel within {within} s"))
    })
}

/// Notes how payments end.
async fn listen(mut events: NodeEvents, outcomes: watch::Sender<Outcomes>) {
    while let Some(event) = events.recv().await {
        let (id, outcome) = match event {
            NodeEvent::PaymentSent { payment_id, preimage, .. } => {
                (payment_id, PaymentOutcome::Succeeded { preimage })
            }
            NodeEvent::PaymentFailed { payment_id, reason, .. } => {
                (payment_id, PaymentOutcome::Failed { reason })
            }
            _ => continue,
        };
        outcomes.send_modify(|outcomes| {
            outcomes.insert(id, outcome);
        });
    }
}

/// How a payment stands, as a document.
pub(super) fn describe(outcome: PaymentOutcome) -> Value {
    match outcome {
        PaymentOutcome::Succeeded { preimage } => {
            json!({"status": "succeeded", "preimage": hex(&preimage)})
        }
        PaymentOutcome::Failed { reason } => json!({"status": "failed", "reason": reason}),
        PaymentOutcome::Pending => json!({"status": "pending"}),
    }
}
