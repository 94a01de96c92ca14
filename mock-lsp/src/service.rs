//! The orders, and everything that moves them: requests, the engine, the operator and the clock.
//!
//! Both faces hand typed calls to [`Service::answer`]; the order core decides what happens, and its actions go to the
//! engine, whose events come back through [`Service::run`].

mod bent;
mod calls;
mod create;
pub(crate) mod db;
mod operator;
mod restart;
mod store;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bitcoin::Network;
use bitcoin::secp256k1::PublicKey;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};

use crate::clock::{Clock, ShiftedClock, to_millis};
use crate::data_dir::DataDirError;
use crate::engine::{Engine, EngineEvent, HeldOffer, OpenTerms, RefundTerms, Watched};
use crate::fault::{Faults, Scene, Switch};
use crate::journal::Journal;
use crate::message::{Method, Object, RpcError, lsps0, lsps1};
use crate::order::{
    Action, Choices, Event, Fee, Htlc, Ignored, LightningKey, LightningState, OnchainPayment,
    Opening, Order, OrderRequest, OrderState, PaymentOption, PaymentWays, RefundStage, Rules,
    Terms, machine,
};
use calls::Calls;
use db::Db;
pub(crate) use operator::{Operation, OperationError, Pretence};
use store::Store;

/// What a service is made of.
pub(crate) struct Setup {
    pub(crate) terms: Terms,
    pub(crate) fee: Fee,
    pub(crate) payment: PaymentWays,
    pub(crate) choices: Choices,
    pub(crate) tokens: Vec<String>,
    pub(crate) spent_tokens: Vec<String>,
    pub(crate) network: Network,
    pub(crate) order_expiry: SignedDuration,
    pub(crate) faults: Faults,
    pub(crate) clock: ShiftedClock,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) seed: [u8; 32],
}

/// A request that has been read.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// `lsps0.list_protocols`
    ListProtocols,
    /// `lsps1.get_info`
    GetInfo,
    /// `lsps1.create_order`
    CreateOrder {
        /// The node that gets the channel.
        client: PublicKey,
        /// What it orders.
        request: OrderRequest,
    },
    /// `lsps1.get_order`
    GetOrder {
        /// The order's id.
        order_id: String,
        /// The node that asks, where that is known. It sees its own orders only.
        reader: Option<PublicKey>,
    },
}

impl Call {
    /// The method that was called.
    pub(crate) fn method(&self) -> Method {
        match self {
            Self::ListProtocols => Method::ListProtocols,
            Self::GetInfo => Method::GetInfo,
            Self::CreateOrder { .. } => Method::CreateOrder,
            Self::GetOrder { .. } => Method::GetOrder,
        }
    }
}

/// Why an event has no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DriveError {
    #[error(transparent)]
    Ignored(#[from] Ignored),
    /// What isn't on disk isn't done.
    #[error(transparent)]
    NotStored(DataDirError),
}

/// The mock's heart. Clones share it.
#[derive(Clone)]
pub(crate) struct Service {
    parts: Arc<Parts>,
}

struct Parts {
    setup: Setup,
    store: Mutex<Store>,
    journal: Journal,
    answers: AtomicU64,
    /// Orders that were made earlier were there before a restart. Only faults ask.
    started_at: Timestamp,
    /// What clients have called on their connections, for faults.
    calls: Mutex<HashMap<PublicKey, Calls>>,
    /// Counts the changes of orders.
    changes: watch::Sender<u64>,
    /// Wakes the timer when orders have to be looked at earlier.
    new_wakeup: Notify,
}

impl Service {
    /// A service with the orders of `db`, if there is one.
    ///
    /// # Errors
    ///
    /// If they can't be read.
    pub(crate) fn new(setup: Setup, db: Option<Db>) -> Result<Self, DataDirError> {
        let setup = Setup { terms: setup.faults.offer(setup.terms), ..setup };
        let started_at = to_millis(setup.clock.now());
        let store = Mutex::new(Store::open(&setup.seed, db, |order| {
            restart::remembered(&setup.faults, order)
        })?);
        Ok(Self {
            parts: Arc::new(Parts {
                setup,
                store,
                journal: Journal::default(),
                answers: AtomicU64::new(0),
                started_at,
                calls: Mutex::default(),
                changes: watch::Sender::new(0),
                new_wakeup: Notify::new(),
            }),
        })
    }

    /// Answers a request, with the faults that concern results.
    pub(crate) async fn answer(&self, call: Call) -> Result<Object, RpcError> {
        let mut scene = self.scene(Some(call.method()));
        let order = match call {
            Call::ListProtocols | Call::GetInfo => None,
            Call::CreateOrder { client, request } => {
                Some(self.create_order(client, request).await?)
            }
            Call::GetOrder { order_id, reader } => {
                Some(self.find_order(&order_id, reader.as_ref())?)
            }
        };
        let mut result = match (&order, scene.method) {
            (Some(order), _) => lsps1::write_order(order, self.choices()),
            (None, Some(Method::ListProtocols)) => lsps0::write_protocols(),
            (None, _) => lsps1::write_info(&self.parts.setup.terms),
        };
        if let Some(order) = order {
            scene.refund_onchain_address = order.request.refund_onchain_address;
            scene.paid_by = order.paid_by;
        }
        self.faults().rewrite_result(&mut result, &scene);
        Ok(result)
    }

    /// Notes a call of a client's, and tells of those on its connection. Only faults ask.
    pub(crate) fn note_call(&self, client: PublicKey, method: Method) -> Calls {
        let mut calls = self.parts.calls.lock();
        let known = calls.entry(client).or_default();
        known.note(method);
        *known
    }

    /// Forgets what a client has called on its former connection.
    pub(crate) fn forget_calls(&self, client: &PublicKey) {
        self.parts.calls.lock().remove(client);
    }

    fn find_order(&self, id: &str, reader: Option<&PublicKey>) -> Result<Order, RpcError> {
        let order = self.order(id).ok_or_else(RpcError::order_not_found)?;
        let is_foreign = reader.is_some_and(|reader| *reader != order.client);
        if is_foreign && !self.faults().on(Switch::DisclosesOrders) {
            return Err(RpcError::order_not_found());
        }
        let is_unpaid = order.state == OrderState::Created && order.paid_by.is_none();
        if is_unpaid && self.faults().on(Switch::ForgetsUnpaidOrders) {
            return Err(RpcError::order_not_found());
        }
        Ok(self.renamed(order))
    }

    /// The faults that are on.
    pub(crate) fn faults(&self) -> &Faults {
        &self.parts.setup.faults
    }

    /// The choices that were made where bLIP-51 leaves any.
    pub(crate) fn choices(&self) -> Choices {
        self.parts.setup.choices
    }

    fn rules(&self) -> Rules {
        self.faults().rules(self.choices())
    }

    /// What a rewriting fault is told about the next answer.
    pub(crate) fn scene(&self, method: Option<Method>) -> Scene {
        let serial = self.parts.answers.fetch_add(1, Ordering::Relaxed);
        Scene {
            method,
            now: self.now(),
            serial,
            network: self.network(),
            refund_onchain_address: None,
            paid_by: None,
        }
    }

    /// The record of messages.
    pub(crate) fn journal(&self) -> &Journal {
        &self.parts.journal
    }

    /// The time, to the millisecond.
    pub(crate) fn now(&self) -> Timestamp {
        to_millis(self.parts.setup.clock.now())
    }

    /// The network of addresses.
    pub(crate) fn network(&self) -> Network {
        self.parts.setup.network
    }

    /// The engine's name.
    pub(crate) fn engine_name(&self) -> &'static str {
        self.parts.setup.engine.name()
    }

    /// An order, whoever it belongs to.
    pub(crate) fn order(&self, id: &str) -> Option<Order> {
        self.parts.store.lock().order(id).cloned()
    }

    /// All orders, oldest first.
    pub(crate) fn orders(&self) -> Vec<Order> {
        self.parts.store.lock().orders().cloned().collect()
    }

    /// Moves an order on and carries out what follows.
    fn drive(&self, id: &str, event: &Event) -> Result<(), DriveError> {
        let (order, actions, ignored) = {
            let mut store = self.parts.store.lock();
            let order = store.order(id).cloned().ok_or(Ignored::Beyond)?;
            if self.misses(&order, event) {
                return Ok(());
            }
            let event = &*self.mistakes(&order, event);
            let step = machine::step(order, event, self.now(), self.rules());
            store.update(step.order.clone()).map_err(DriveError::NotStored)?;
            (step.order, step.actions, step.ignored)
        };
        match ignored {
            None => tracing::info!(
                order = id,
                state = order.state.wire(),
                paid_by = order.paid_by.map(PaymentOption::wire),
                "{event:?}"
            ),
            Some(reason) => tracing::debug!(order = id, "{event:?} is ignored: {reason}"),
        }
        for action in actions {
            if let Some(action) = self.bend(&order, event, ignored, action) {
                self.carry_out(&order, action);
            }
        }
        self.parts.new_wakeup.notify_one();
        self.parts.changes.send_modify(|count| *count += 1);
        ignored.map_or(Ok(()), |ignored| Err(ignored.into()))
    }

    /// Moves an order on where an event that comes too late, or too early, is nothing to act on.
    fn tell(&self, id: &str, event: &Event) {
        if let Err(DriveError::NotStored(error)) = self.drive(id, event) {
            tracing::error!(order = id, "{event:?} has no effect: failed to {error}");
        }
    }

    fn carry_out(&self, order: &Order, action: Action) {
        let engine = &self.parts.setup.engine;
        match action {
            Action::SeekPeer => {
                if engine.is_connected(&order.client) {
                    self.tell(&order.id, &Event::PeerConnected);
                }
            }
            Action::Open => {
                // It may have ended meanwhile, by its deadline say.
                let current = self.order(&order.id).map(|order| order.opening);
                if current == Some(Opening::Underway) {
                    engine.open(self.open_terms(order));
                }
            }
            Action::ResumeOpen => engine.resume_open(self.open_terms(order)),
            Action::AbandonOpen => engine.abandon_open(&order.id),
            Action::Claim { payment_hash, preimage } => engine.claim(payment_hash, preimage),
            Action::Fail { payment_hash } => engine.fail(payment_hash),
            Action::CloseOffer { id } => engine.close_offer(id),
            Action::SignRefund { refund, coins, sat_per_kwu } => {
                let from = order.onchain.as_ref().map(|onchain| onchain.address.clone());
                let terms = RefundTerms {
                    order_id: order.id.clone(),
                    refund,
                    from: from.unwrap_or_default(),
                    to: order.request.refund_onchain_address.clone().unwrap_or_default(),
                    coins,
                    sat_per_kwu,
                    kept_sat: 0,
                    can_be_lifted: self.choices().child_bumps,
                };
                engine.sign_refund(self.bend_refund(order, terms));
            }
            Action::LiftRefund { refund, signed, sat_per_kwu } => {
                engine.lift_refund(&order.id, refund, signed, sat_per_kwu);
            }
            Action::BroadcastRefund { refund, signed } => {
                engine.broadcast_refund(&order.id, refund, signed);
            }
        }
    }

    fn open_terms(&self, order: &Order) -> OpenTerms {
        let request = &order.request;
        let capacity = u64::try_from(request.capacity_sat()).unwrap_or(u64::MAX);
        self.bend_terms(OpenTerms {
            order_id: order.id.clone(),
            client: order.client,
            capacity_sat: capacity,
            push_msat: request.client_balance_sat.saturating_mul(1_000),
            announce: request.announce_channel,
            required_confirmations: request.required_channel_confirmations.into(),
            confirms_within_blocks: request.funding_confirms_within_blocks,
            stays_unconfirmed: self.keeps_unconfirmed(order),
        })
    }

    /// Works on the engine's events and the passing of time until the engine is gone.
    pub(crate) async fn run(self, mut events: mpsc::UnboundedReceiver<EngineEvent>) {
        loop {
            let wakeup = self.parts.store.lock().next_wakeup();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.on_engine_event(event),
                    None => return,
                },
                () = self.parts.new_wakeup.notified() => {}
                () = self.sleep_until(wakeup) => self.wake_due(),
            }
        }
    }

    async fn sleep_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.parts.setup.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn wake_due(&self) {
        let due = self.parts.store.lock().due(self.now());
        for id in due {
            self.tell(&id, &Event::TimePassed);
        }
    }

    fn on_engine_event(&self, event: EngineEvent) {
        match event {
            EngineEvent::PaymentHeld { payment_hash, offer, amount_msat, claim_deadline } => {
                match self.payee(payment_hash, offer) {
                    Some((id, option, preimage)) => {
                        let htlc = Htlc { payment_hash, preimage, amount_msat, claim_deadline };
                        self.tell(&id, &Event::PaymentHeld { option, htlc });
                    }
                    // Nobody would ever claim it.
                    None => self.parts.setup.engine.fail(payment_hash),
                }
            }
            EngineEvent::Claimed { payment_hash } => {
                self.tell_holder(&payment_hash, &Event::Claimed { payment_hash });
            }
            EngineEvent::Onchain { order_id, event } => self.tell(&order_id, &event),
            EngineEvent::Published { order_id, outpoint } => {
                if let Err(reason) = self.drive(&order_id, &Event::Published { outpoint }) {
                    tracing::error!(
                        order = order_id,
                        "channel {outpoint} is opened for nothing: {reason}"
                    );
                }
                self.bend_channel(&order_id);
            }
            EngineEvent::OpenFailed { order_id, reason } => {
                tracing::warn!(order = order_id, "failed to open the channel: {reason}");
                self.tell(&order_id, &Event::OpenFailed);
            }
            EngineEvent::PeerConnected { peer } => {
                let waiting = |order: &Order| {
                    order.client == peer && order.opening == Opening::WaitingForPeer
                };
                self.drive_all(waiting, &Event::PeerConnected);
            }
            EngineEvent::Reported(event) => self.parts.setup.engine.acknowledge(&event),
            EngineEvent::Tip { height } => {
                let holds = |order: &Order| {
                    let paid = order.paid_lightning();
                    paid.is_some_and(|payment| payment.state == LightningState::Hold)
                };
                self.drive_all(holds, &Event::Tip { height });
                self.bend_tip();
            }
        }
    }

    /// The order that a payment is for, the option, and what releases it.
    fn payee(
        &self,
        payment_hash: [u8; 32],
        offer: Option<HeldOffer>,
    ) -> Option<(String, PaymentOption, [u8; 32])> {
        let store = self.parts.store.lock();
        let (order, option, key) = store.by_key(&offer.map_or(payment_hash, |offer| offer.id))?;
        let preimage = match (key, offer) {
            (LightningKey::Invoice { preimage, .. }, None) => preimage,
            (LightningKey::Offer { .. }, Some(offer)) => offer.preimage,
            _ => return None,
        };
        Some((order.id.clone(), option, preimage))
    }

    fn tell_holder(&self, payment_hash: &[u8; 32], event: &Event) {
        let id = self.parts.store.lock().by_held(payment_hash).map(|order| order.id.clone());
        if let Some(id) = id {
            self.tell(&id, event);
        }
    }

    fn drive_all(&self, concerned: impl Fn(&Order) -> bool, event: &Event) {
        let ids: Vec<String> = {
            let store = self.parts.store.lock();
            store.orders().filter(|order| concerned(order)).map(|order| order.id.clone()).collect()
        };
        for id in ids {
            self.tell(&id, event);
        }
    }
}

/// What the engine watches of an order.
fn watched(order_id: &str, onchain: &OnchainPayment) -> Watched {
    let refunds = onchain.refunds.iter();
    let waiting = refunds.filter(|refund| refund.stage != RefundStage::Confirmed);
    Watched {
        order_id: order_id.to_owned(),
        address: onchain.address.clone(),
        coins: onchain.coins.clone(),
        refunds: waiting.flat_map(|refund| refund.txids.clone()).collect(),
    }
}
