//! Going on with the orders of before a restart, and what faults make of them.

use jiff::SignedDuration;

use super::bent::is_holding;
use super::create::Draft;
use super::{Service, watched};
use crate::fault::{Faults, Switch};
use crate::order::{Event, Htlc, LightningState, OnchainState, Opening, Order, OrderState};

impl Service {
    /// Goes on with the orders of before a restart. To be called once, before the engine tells of anything.
    pub(crate) async fn resume(&self) {
        let engine = &self.parts.setup.engine;
        for order in self.orders() {
            let order = self.asked_for_anew(order).await;
            if let Some(onchain) = &order.onchain {
                engine.watch(watched(&order.id, onchain));
            }
            let held = order.paid_lightning().filter(|paid| paid.state == LightningState::Hold);
            if let Some(held) = held.and_then(|paid| paid.held) {
                self.bend_held(&order, held);
                if !engine.holds(&held.payment_hash) {
                    let payment_hash = held.payment_hash;
                    self.tell(&order.id, &Event::PaymentLost { payment_hash });
                }
            }
            self.tell(&order.id, &Event::Restarted);
        }
    }

    /// What faults do with a payment that was held.
    fn bend_held(&self, order: &Order, held: Htlc) {
        let Htlc { payment_hash, preimage, .. } = held;
        if self.faults().on(Switch::TakesHeld) {
            self.parts.setup.engine.claim(payment_hash, preimage);
            self.tell(&order.id, &Event::PaymentLost { payment_hash });
        }
        if self.faults().on(Switch::ReturnsHeld) {
            self.parts.setup.engine.fail(payment_hash);
        }
    }

    /// Whether a fault has sent a payment back that is to be claimed.
    pub(super) fn has_returned(&self, payment_hash: &[u8; 32]) -> bool {
        self.faults().on(Switch::ReturnsHeld) && !self.parts.setup.engine.holds(payment_hash)
    }

    /// An order as it is shown: with a fault, one of before the restart has another id.
    pub(super) fn renamed(&self, mut order: Order) -> Order {
        if self.faults().on(Switch::RenamesOrders)
            && order.created_at < self.parts.started_at
            && let Ok(id) = order.id.parse::<uuid::Uuid>()
        {
            let other = id.into_bytes().map(|byte| !byte);
            order.id = uuid::Builder::from_random_bytes(other).into_uuid().to_string();
        }
        order
    }

    /// An unpaid order for which a fault asks for another invoice, offer or address than before.
    async fn asked_for_anew(&self, mut order: Order) -> Order {
        let on = |switch| self.faults().on(switch);
        let changes =
            [Switch::InvoicesAnew, Switch::OffersAnew, Switch::AddressesAnew].into_iter().any(on);
        if !changes || order.state != OrderState::Created || order.paid_by.is_some() {
            return order;
        }
        let Some(draft) = self.draft_of(&order) else { return order };
        if on(Switch::InvoicesAnew)
            && let Ok(bolt11) = self.bolt11(&draft).await
        {
            order.bolt11 = bolt11;
        }
        if on(Switch::OffersAnew) {
            order.bolt12 = self.bolt12(&draft).await;
        }
        if on(Switch::AddressesAnew) {
            order.onchain = self.onchain(&draft, &order.request).await;
        }
        if let Err(error) = self.parts.store.lock().replace(order.clone()) {
            tracing::error!(order = order.id, "failed to {error}");
        }
        order
    }

    /// What an order was made of, with other secrets.
    fn draft_of(&self, order: &Order) -> Option<Draft> {
        let price = order.lightning().map(|(_, payment)| payment.price).next();
        let price = price.or_else(|| order.onchain.as_ref().map(|onchain| onchain.price))?;
        let secrets = self.draw_secrets();
        Some(Draft { id: order.id.clone(), created_at: order.created_at, price, secrets })
    }
}

/// What is left of an order when the mock is started again.
pub(super) fn remembered(faults: &Faults, mut order: Order) -> Option<Order> {
    let on = |switch| faults.on(switch);
    let is_open = order.state == OrderState::Created;
    let is_forgotten = on(Switch::ForgetsOrders)
        || (on(Switch::ForgetsUnpaid) && is_open && order.paid_by.is_none());
    if is_forgotten {
        return None;
    }
    let has_coins =
        order.onchain.as_ref().is_some_and(|onchain| onchain.state == OnchainState::Paid);
    if is_open
        && ((on(Switch::StrandsHeld) && is_holding(&order))
            || (on(Switch::StrandsCoins) && has_coins))
    {
        order.opening = Opening::Over;
    }
    if on(Switch::FailsCompleted) && order.state == OrderState::Completed {
        order.state = OrderState::Failed;
    }
    if on(Switch::OpensAgain) && order.state == OrderState::Completed {
        order.opening = Opening::WaitingForPeer;
    }
    if on(Switch::CreatesAnew) {
        order.created_at += SignedDuration::from_secs(1);
    }
    Some(order)
}
