//! What the operator does by hand, through the control API.

use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use jiff::{SignedDuration, Timestamp};

use super::{DriveError, Service};
use crate::engine::PretendedCoin;
use crate::order::{
    Event, Htlc, LightningKey, LightningState, MAX_CONFIRMATIONS, Opening, Order, PaymentOption,
    RefundStage,
};

/// How long the operator's `open` waits for the engine before it shows the order as it is.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(2);

/// What the operator may do to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Pretend that a payment has arrived (`sim` only).
    Pay(Pretence),
    /// Let it expire now.
    Expire,
    /// Let it fail.
    Fail,
    /// Open its channel without waiting for the client.
    Open,
}

/// A payment that the operator pretends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pretence {
    /// How it is paid.
    pub(crate) option: PaymentOption,
    /// What arrives, in sat; the option's total if `None`.
    pub(crate) amount_sat: Option<u64>,
    /// On-chain: how deep it is in the chain.
    pub(crate) confirmations: u32,
    /// On-chain: what its transaction pays, in sat per 1000 weight units.
    pub(crate) sat_per_kwu: u32,
}

impl Default for Pretence {
    /// The full amount by BOLT 11; on-chain, confirmed beyond doubt.
    fn default() -> Self {
        let option = PaymentOption::Bolt11;
        Self { option, amount_sat: None, confirmations: MAX_CONFIRMATIONS, sat_per_kwu: 0 }
    }
}

/// Why an operation has no effect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OperationError {
    #[error("there is no such order; GET /orders lists them")]
    NoSuchOrder,
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error("this engine takes real payments and real blocks; pay the order, mine on its bitcoind")]
    Real,
    #[error("the order can't be paid so; see its payment object")]
    NoSuchOption,
}

impl Service {
    /// Does what the operator asks for, and gives the order as it is afterwards.
    pub(crate) async fn operate(
        &self,
        id: &str,
        operation: Operation,
    ) -> Result<Order, OperationError> {
        let order = self.order(id).ok_or(OperationError::NoSuchOrder)?;
        let mut changes = self.parts.changes.subscribe();
        let event = match operation {
            Operation::Pay(pretence) => self.pretend(&order, pretence)?,
            Operation::Expire => Event::Expire,
            Operation::Fail => Event::Fail,
            Operation::Open => Event::PeerConnected,
        };
        self.drive(id, &event)?;
        // What the engine still has to say to this is worth a short wait, so that the answer shows it.
        let settled = changes.wait_for(|_| self.order(id).is_none_or(|order| !is_moving(&order)));
        let _ = tokio::time::timeout(OPERATOR_PATIENCE, settled).await;
        self.order(id).ok_or(OperationError::NoSuchOrder)
    }

    /// What a pretended payment is to the order.
    fn pretend(&self, order: &Order, pretence: Pretence) -> Result<Event, OperationError> {
        let pretender = self.parts.setup.engine.pretender().ok_or(OperationError::Real)?;
        if pretence.option == PaymentOption::Onchain {
            let onchain = order.onchain.as_ref().ok_or(OperationError::NoSuchOption)?;
            let coin = PretendedCoin {
                amount_sat: pretence.amount_sat.unwrap_or(onchain.price.order_total_sat),
                confirmations: pretence.confirmations,
                sat_per_kwu: pretence.sat_per_kwu,
            };
            let event = pretender.send_coin(&order.id, coin).into_iter().next();
            return event.map(|(_, event)| event).ok_or(OperationError::NoSuchOption);
        }
        let payment = order.lightning().find(|(option, _)| *option == pretence.option);
        let (option, payment) = payment.ok_or(OperationError::NoSuchOption)?;
        let (payment_hash, preimage) = match payment.key {
            LightningKey::Invoice { payment_hash, preimage } => (payment_hash, preimage),
            LightningKey::Offer { .. } => {
                let preimage = self.parts.store.lock().draw().preimage;
                (sha256::Hash::hash(&preimage).to_byte_array(), preimage)
            }
        };
        let amount_sat = pretence.amount_sat.unwrap_or(payment.price.order_total_sat);
        let amount_msat = amount_sat.saturating_mul(1_000);
        let htlc = Htlc { payment_hash, preimage, amount_msat, claim_deadline: None };
        Ok(Event::PaymentHeld { option, htlc })
    }

    /// Pretends that blocks are found (`sim` only).
    pub(crate) fn mine(&self, blocks: u32) -> Result<(), OperationError> {
        let pretender = self.parts.setup.engine.pretender().ok_or(OperationError::Real)?;
        for (id, event) in pretender.mine(blocks) {
            self.tell(&id, &event);
        }
        Ok(())
    }

    /// Moves the clock on, and gives the time.
    pub(crate) fn advance_clock(&self, by: SignedDuration) -> Timestamp {
        self.parts.setup.clock.advance(by);
        self.wake_due();
        self.now()
    }
}

/// Whether the engine is at work on the order.
fn is_moving(order: &Order) -> bool {
    let is_claiming =
        order.paid_lightning().is_some_and(|paid| paid.state == LightningState::Claiming);
    let is_signing =
        |stage: RefundStage| matches!(stage, RefundStage::Planned | RefundStage::Signed);
    let mut refunds = order.onchain.iter().flat_map(|onchain| &onchain.refunds);
    order.opening == Opening::Underway
        || is_claiming
        || refunds.any(|refund| is_signing(refund.stage))
}
