//! The orders, and everything that moves them: requests, the engine, the operator and the clock.
//!
//! Both faces hand typed calls to [`Service::answer`]; the order core decides what happens, and its actions go to the
//! engine, whose events come back through [`Service::run`].

mod create;
mod store;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bitcoin::Network;
use bitcoin::secp256k1::PublicKey;
use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};

use crate::clock::{Clock, to_millis};
use crate::engine::{Engine, EngineEvent, OpenTerms};
use crate::fault::{Faults, Scene, Switch};
use crate::journal::Journal;
use crate::message::{Method, Object, RpcError, lsps0, lsps1};
use crate::order::{
    Action, Event, Fee, Ignored, Opening, Order, OrderRequest, OrderState, PaymentState, Terms,
    machine,
};
use store::Store;

/// How long the operator's `open` waits for the engine before it shows the order as it is.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(2);

/// What a service is made of.
pub(crate) struct Setup {
    pub(crate) terms: Terms,
    pub(crate) fee: Fee,
    pub(crate) tokens: Vec<String>,
    pub(crate) network: Network,
    pub(crate) order_expiry: SignedDuration,
    pub(crate) faults: Faults,
    pub(crate) clock: Arc<dyn Clock>,
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

/// What the operator may do to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Pretend that its payment has arrived (`sim` only).
    Pay,
    /// Let it expire now.
    Expire,
    /// Let it fail.
    Fail,
    /// Open its channel without waiting for the client.
    Open,
}

/// Why an operation has no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperationError {
    #[error("there is no such order; GET /orders lists them")]
    NoSuchOrder,
    #[error("{0}")]
    Ignored(#[from] Ignored),
    #[error("this engine takes real payments; pay the order's invoice")]
    RealPayments,
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
    /// The clients that have called get_info on their connection, for a fault.
    informed: Mutex<HashSet<PublicKey>>,
    /// Counts the changes of orders.
    changes: watch::Sender<u64>,
    /// Wakes the timer when an order with an earlier expiry has come.
    new_expiry: Notify,
}

impl Service {
    pub(crate) fn new(setup: Setup) -> Self {
        let setup = Setup { terms: setup.faults.offer(setup.terms), ..setup };
        let store = Mutex::new(Store::new(&setup.seed));
        Self {
            parts: Arc::new(Parts {
                setup,
                store,
                journal: Journal::default(),
                answers: AtomicU64::new(0),
                informed: Mutex::default(),
                changes: watch::Sender::new(0),
                new_expiry: Notify::new(),
            }),
        }
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
            (Some(order), _) => lsps1::write_order(order),
            (None, Some(Method::ListProtocols)) => lsps0::write_protocols(),
            (None, _) => lsps1::write_info(&self.parts.setup.terms),
        };
        scene.refund_onchain_address = order.and_then(|order| order.request.refund_onchain_address);
        self.faults().rewrite_result(&mut result, &scene);
        Ok(result)
    }

    /// Whether a client has called get_info on its connection, or does so now. Only a fault asks.
    pub(crate) fn has_asked(&self, client: PublicKey, method: Method) -> bool {
        let mut informed = self.parts.informed.lock();
        if method == Method::GetInfo {
            informed.insert(client);
        }
        method != Method::CreateOrder || informed.contains(&client)
    }

    /// Forgets what a client has asked for on its former connection.
    pub(crate) fn forget_questions(&self, client: &PublicKey) {
        self.parts.informed.lock().remove(client);
    }

    fn find_order(&self, id: &str, reader: Option<&PublicKey>) -> Result<Order, RpcError> {
        let order = self.order(id).ok_or_else(RpcError::order_not_found)?;
        let is_foreign = reader.is_some_and(|reader| *reader != order.client);
        if is_foreign && !self.faults().on(Switch::DisclosesOrders) {
            return Err(RpcError::order_not_found());
        }
        let is_unpaid = order.bolt11.state == PaymentState::ExpectPayment;
        if is_unpaid && self.faults().on(Switch::ForgetsUnpaidOrders) {
            return Err(RpcError::order_not_found());
        }
        Ok(order)
    }

    /// The faults that are on.
    pub(crate) fn faults(&self) -> &Faults {
        &self.parts.setup.faults
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

    /// Does what the operator asks for, and gives the order as it is afterwards.
    pub(crate) async fn operate(
        &self,
        id: &str,
        operation: Operation,
    ) -> Result<Order, OperationError> {
        let order = self.order(id).ok_or(OperationError::NoSuchOrder)?;
        let event = match operation {
            Operation::Pay if !self.parts.setup.engine.is_simulated() => {
                return Err(OperationError::RealPayments);
            }
            Operation::Pay => {
                let amount_msat = order.bolt11.order_total_sat.saturating_mul(1_000);
                Event::PaymentHeld { amount_msat, claim_deadline: None }
            }
            Operation::Expire => Event::Expire,
            Operation::Fail => Event::Fail,
            Operation::Open => Event::PeerConnected,
        };
        let mut changes = self.parts.changes.subscribe();
        self.drive(id, &event)?;
        // What the engine still has to say to this is worth a short wait, so that the answer shows it.
        let settled = changes.wait_for(|_| self.order(id).is_none_or(|order| !is_moving(&order)));
        let _ = tokio::time::timeout(OPERATOR_PATIENCE, settled).await;
        self.order(id).ok_or(OperationError::NoSuchOrder)
    }

    /// Moves an order on and carries out what follows.
    fn drive(&self, id: &str, event: &Event) -> Result<(), Ignored> {
        let (order, actions, ignored) = {
            let mut store = self.parts.store.lock();
            let Some(order) = store.order_mut(id) else { return Err(Ignored::Beyond) };
            let step = machine::step(order.clone(), event, self.now(), self.faults().rules());
            *order = step.order;
            (order.clone(), step.actions, step.ignored)
        };
        match ignored {
            None => tracing::info!(
                order = id,
                state = order.state.wire(),
                payment = order.bolt11.state.wire(),
                "{event:?}"
            ),
            Some(reason) => tracing::debug!(order = id, "{event:?} is ignored: {reason}"),
        }
        for action in actions {
            self.carry_out(&order, action);
        }
        self.parts.changes.send_modify(|count| *count += 1);
        ignored.map_or(Ok(()), Err)
    }

    /// Moves an order on where an event that comes too late, or too early, is nothing to act on.
    fn tell(&self, id: &str, event: &Event) {
        // The log has what was ignored, and why.
        let _ = self.drive(id, event);
    }

    fn carry_out(&self, order: &Order, action: Action) {
        let engine = &self.parts.setup.engine;
        match action {
            Action::SeekPeer => {
                if engine.is_connected(&order.client) {
                    self.tell(&order.id, &Event::PeerConnected);
                }
            }
            Action::Open => engine.open(self.open_terms(order)),
            Action::Claim => engine.claim(order.bolt11.payment_hash, order.bolt11.preimage),
            Action::Fail => engine.fail(order.bolt11.payment_hash),
        }
    }

    fn open_terms(&self, order: &Order) -> OpenTerms {
        let request = &order.request;
        let capacity = u64::try_from(request.capacity_sat()).unwrap_or(u64::MAX);
        let short = |switch| u64::from(self.faults().on(switch));
        let push_sat = request.client_balance_sat.saturating_sub(short(Switch::PushesOneSatShort));
        OpenTerms {
            order_id: order.id.clone(),
            client: order.client,
            capacity_sat: capacity.saturating_sub(short(Switch::OpensOneSatShort)),
            push_msat: push_sat.saturating_mul(1_000),
            announce: request.announce_channel != self.faults().on(Switch::FlipsAnnounce),
        }
    }

    /// Works on the engine's events and the orders' expiries until the engine is gone.
    pub(crate) async fn run(self, mut events: mpsc::UnboundedReceiver<EngineEvent>) {
        loop {
            let expiry = self.parts.store.lock().next_expiry();
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => self.on_engine_event(event),
                    None => return,
                },
                () = self.parts.new_expiry.notified() => {}
                () = self.sleep_until(expiry) => self.expire_due(),
            }
        }
    }

    async fn sleep_until(&self, at: Option<Timestamp>) {
        match at {
            Some(at) => self.parts.setup.clock.sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    fn expire_due(&self) {
        let due = self.parts.store.lock().take_expired(self.now());
        for id in due {
            self.tell(&id, &Event::TimePassed);
        }
    }

    fn on_engine_event(&self, event: EngineEvent) {
        match event {
            EngineEvent::PaymentHeld { payment_hash, amount_msat, claim_deadline } => {
                match self.id_by_hash(&payment_hash) {
                    Some(id) => self.tell(&id, &Event::PaymentHeld { amount_msat, claim_deadline }),
                    // An order of before a restart: nobody would ever claim it.
                    None => self.parts.setup.engine.fail(payment_hash),
                }
            }
            EngineEvent::Claimed { payment_hash } => {
                if let Some(id) = self.id_by_hash(&payment_hash) {
                    self.tell(&id, &Event::Claimed);
                }
            }
            EngineEvent::Published { order_id, outpoint } => {
                if let Err(reason) = self.drive(&order_id, &Event::Published { outpoint }) {
                    tracing::error!(
                        order = order_id,
                        "channel {outpoint} is opened for nothing: {reason}"
                    );
                }
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
            EngineEvent::Tip { height } => {
                let held = |order: &Order| {
                    order.bolt11.claim_deadline.is_some() && order.state == OrderState::Created
                };
                self.drive_all(held, &Event::Tip { height });
            }
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

    fn id_by_hash(&self, payment_hash: &[u8; 32]) -> Option<String> {
        self.parts.store.lock().id_by_hash(payment_hash).map(str::to_owned)
    }
}

/// Whether the engine is at work on the order.
fn is_moving(order: &Order) -> bool {
    order.opening == Opening::Underway || order.bolt11.state == PaymentState::Claiming
}
