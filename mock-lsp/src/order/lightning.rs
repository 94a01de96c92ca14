//! How payment over Lightning moves an order: BOLT 11 and BOLT 12 are alike once the payment is here.

use jiff::Timestamp;

use super::{
    Action, Htlc, Ignored, LightningKey, LightningPayment, LightningState, Opening, Order,
    OrderState, PaymentOption, Rules,
};

/// How many blocks before its claim deadline a held payment is failed back. Payers by BOLT 12 may leave no more than two
/// blocks until then; the HTLC itself ends some forty blocks after it.
const CLAIM_MARGIN_BLOCKS: u32 = 1;

/// A payment has arrived: take it on hold, or say that it has to go back.
pub(super) fn held(
    order: &mut Order,
    option: PaymentOption,
    htlc: Htlc,
    now: Timestamp,
    rules: Rules,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    let (state, paid_by) = (order.state, order.paid_by);
    let payment = match option {
        PaymentOption::Bolt11 => order.bolt11.as_mut(),
        PaymentOption::Bolt12 => order.bolt12.as_mut(),
        PaymentOption::Onchain => None,
    };
    let refusal = match (state, payment) {
        (OrderState::Created, Some(payment)) if payment.is_holding(&htlc.payment_hash) => {
            // Told again after a restart.
            return Err(Ignored::PaidAlready);
        }
        (OrderState::Created, Some(_)) if paid_by.is_some() => Ignored::PaidAlready,
        (OrderState::Created, Some(payment)) if now >= payment.price.expires_at => Ignored::Expired,
        (OrderState::Created, Some(payment))
            if htlc.amount_msat / 1_000 < payment.price.order_total_sat =>
        {
            Ignored::Underpaid
        }
        (OrderState::Created, Some(payment)) => {
            payment.state = LightningState::Hold;
            payment.held = Some(htlc);
            payment.close(actions);
            order.paid_by = Some(option);
            order.opening = Opening::WaitingForPeer;
            void_unpaid(order, actions);
            let is_offer = option == PaymentOption::Bolt12;
            if rules.claims_before_open || (is_offer && rules.claims_offers_before_open) {
                claim(order, actions);
            }
            actions.push(Action::SeekPeer);
            return Ok(());
        }
        _ => Ignored::Beyond,
    };
    actions.push(Action::Fail { payment_hash: htlc.payment_hash });
    Err(refusal)
}

/// What was claimed is ours.
pub(super) fn claimed(order: &mut Order, payment_hash: &[u8; 32]) -> Result<(), Ignored> {
    let payment = order.paid_lightning_mut().ok_or(Ignored::Unpaid)?;
    let is_it = payment.held.is_some_and(|held| held.payment_hash == *payment_hash);
    if !is_it || payment.state != LightningState::Claiming {
        return Err(Ignored::Beyond);
    }
    payment.state = LightningState::Paid;
    Ok(())
}

/// Releases the preimage of the payment on hold, once.
pub(super) fn claim(order: &mut Order, actions: &mut Vec<Action>) {
    if let Some(payment) = order.paid_lightning_mut()
        && payment.state == LightningState::Hold
        && let Some(Htlc { payment_hash, preimage, .. }) = payment.held
    {
        payment.state = LightningState::Claiming;
        actions.push(Action::Claim { payment_hash, preimage });
    }
}

/// Nothing can be paid over Lightning any more, and what is on hold goes back.
pub(super) fn give_back(order: &mut Order, rules: Rules, actions: &mut Vec<Action>) {
    void_unpaid(order, actions);
    for payment in order.lightning_mut() {
        // What was claimed before the open, which only a fault does, can't be failed any more.
        if payment.state == LightningState::Hold
            && !rules.keeps_payment_of_failed_order
            && let Some(Htlc { payment_hash, .. }) = payment.held
        {
            payment.state = LightningState::Refunded;
            actions.push(Action::Fail { payment_hash });
        }
    }
}

/// Whether the payment on hold has to go back now, so that it does before its time is up.
pub(super) fn is_due(order: &Order, height: u32) -> Result<(), Ignored> {
    let payment = order.paid_lightning().filter(|payment| payment.state == LightningState::Hold);
    let deadline = payment.and_then(|payment| payment.held).and_then(|held| held.claim_deadline);
    match deadline {
        None => Err(Ignored::Beyond),
        Some(deadline) if height.saturating_add(CLAIM_MARGIN_BLOCKS) < deadline => {
            Err(Ignored::TooEarly)
        }
        Some(_) => Ok(()),
    }
}

/// Whether this payment is the one on hold.
pub(super) fn holds(order: &Order, payment_hash: &[u8; 32]) -> bool {
    order.paid_lightning().is_some_and(|payment| payment.is_holding(payment_hash))
}

/// Asks again for what may not have been done before a restart. Claiming what is claimed and failing what is gone
/// does nothing.
pub(super) fn resume(order: &Order, actions: &mut Vec<Action>) {
    for (_, payment) in order.lightning() {
        if payment.state != LightningState::ExpectPayment {
            payment.close(actions);
        }
        let Some(Htlc { payment_hash, preimage, .. }) = payment.held else { continue };
        match payment.state {
            LightningState::Claiming => actions.push(Action::Claim { payment_hash, preimage }),
            LightningState::Refunded => actions.push(Action::Fail { payment_hash }),
            LightningState::ExpectPayment | LightningState::Hold | LightningState::Paid => {}
        }
    }
}

/// Options that weren't paid can't be paid any more.
pub(super) fn void_unpaid(order: &mut Order, actions: &mut Vec<Action>) {
    for payment in order.lightning_mut() {
        if payment.state == LightningState::ExpectPayment {
            payment.state = LightningState::Refunded;
            payment.close(actions);
        }
    }
}

impl LightningPayment {
    /// No more invoices are given for an offer.
    fn close(&self, actions: &mut Vec<Action>) {
        if let LightningKey::Offer { id } = self.key {
            actions.push(Action::CloseOffer { id });
        }
    }

    fn is_holding(&self, payment_hash: &[u8; 32]) -> bool {
        self.state == LightningState::Hold
            && self.held.is_some_and(|held| held.payment_hash == *payment_hash)
    }
}
