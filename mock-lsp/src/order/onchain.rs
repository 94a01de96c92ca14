//! How payment on-chain moves an order, and how coins go back.

use jiff::{SignedDuration, Timestamp};

use super::{
    Action, Coin, Ignored, OnchainPayment, OnchainState, Opening, Order, OrderState, PaymentOption,
    Refund, RefundStage, Rules, SignedRefund, lightning,
};

/// After so many confirmations a payment counts, whatever the option asks for.
pub(crate) const MAX_CONFIRMATIONS: u32 = 6;

/// What refunds pay at first, in sat per 1000 weight units: 2 sat per vbyte.
const REFUND_SAT_PER_KWU: u32 = 500;

/// What refunds pay at most, in sat per 1000 weight units.
const MAX_REFUND_SAT_PER_KWU: u32 = 10 * REFUND_SAT_PER_KWU;

/// After how long without a block a refund pays more.
const BUMP_AFTER: SignedDuration = SignedDuration::from_hours(6);

/// Less than this isn't relayed, in sat.
const DUST_SAT: u64 = 546;

/// The vbytes of a refund but for its inputs, and of each input.
const REFUND_VBYTES: (u64, u64) = (54, 68);

impl OnchainPayment {
    /// Whether the coin is confirmed in the sense of bLIP-51 section 3.3.
    fn counts(&self, coin: &Coin) -> bool {
        let depth = u32::from(self.min_confirmations).clamp(1, MAX_CONFIRMATIONS);
        let is_dear = self.min_fee_for_0conf.is_some_and(|least| coin.sat_per_kwu > least);
        coin.confirmations >= depth || (self.min_confirmations == 0 && is_dear)
    }

    /// Takes the coins that count, if they are enough.
    fn take(&mut self, rules: Rules) -> bool {
        let total_sat = self.price.order_total_sat;
        let is_part = |coin: &Coin| rules.choices.parts_dont_add_up && coin.amount_sat < total_sat;
        let counting = || self.coins.iter().filter(|coin| self.counts(coin) && !is_part(coin));
        let is_enough = sum(counting()) >= total_sat;
        if is_enough {
            self.taken = counting().map(|coin| coin.outpoint).collect();
        }
        is_enough
    }

    /// Whether the coins that were taken are still there. A reorganisation or a double-spend takes them away.
    pub(crate) fn is_covered(&self) -> bool {
        self.taken.iter().all(|outpoint| {
            self.coins.iter().any(|coin| coin.outpoint == *outpoint && self.counts(coin))
        })
    }

    /// Whether coins that were taken are gone, and what is left isn't worth a refund.
    fn is_lost(&self) -> bool {
        let is_here = |outpoint| self.coins.iter().any(|coin| coin.outpoint == outpoint);
        !self.taken.iter().copied().all(is_here) && !is_worth_sending(&self.coins)
    }

    /// The coins that can go back and aren't on their way yet.
    fn returnable(&self, is_kept: impl Fn(&Coin) -> bool) -> Vec<Coin> {
        let is_returning = |coin: &Coin| {
            let mut live = self.refunds.iter().filter(|refund| refund.stage != RefundStage::Void);
            live.any(|refund| refund.coins.iter().any(|other| other.outpoint == coin.outpoint))
        };
        let is_here = |coin: &&Coin| coin.confirmations > 0 || self.counts(coin);
        let coins = self.coins.iter().filter(is_here);
        coins.filter(|coin| !is_kept(coin) && !is_returning(coin)).copied().collect()
    }
}

/// What is at the order's address has changed.
pub(super) fn coins_seen(
    order: &mut Order,
    coins: &[Coin],
    now: Timestamp,
    rules: Rules,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    let onchain = order.onchain.as_mut().ok_or(Ignored::Beyond)?;
    if onchain.coins == coins {
        return Err(Ignored::NothingNew);
    }
    onchain.coins = coins.to_vec();
    let is_created = order.state == OrderState::Created;
    let is_new = is_created && order.paid_by.is_none() && now < onchain.price.expires_at;
    // The coins may have been gone for a while, or be others now.
    let is_waiting = is_created
        && order.paid_by == Some(PaymentOption::Onchain)
        && order.opening == Opening::WaitingForPeer;
    if (is_new || is_waiting) && onchain.take(rules) {
        if is_new {
            onchain.state = OnchainState::Paid;
            order.paid_by = Some(PaymentOption::Onchain);
            order.opening = Opening::WaitingForPeer;
            lightning::void_unpaid(order, actions);
        }
        actions.push(Action::SeekPeer);
    }
    give_back(order, rules, actions);
    Ok(())
}

/// Whether the channel can be opened for what was paid on-chain, if it was.
pub(super) fn check_covered(order: &Order) -> Result<(), Ignored> {
    match &order.onchain {
        Some(onchain) if order.paid_by == Some(PaymentOption::Onchain) && !onchain.is_covered() => {
            Err(Ignored::PaymentGone)
        }
        _ => Ok(()),
    }
}

/// Sends back what the order isn't paid with, once that is decided.
pub(super) fn give_back(order: &mut Order, rules: Rules, actions: &mut Vec<Action>) {
    let is_paid_so = order.paid_by == Some(PaymentOption::Onchain);
    let has_failed = order.state == OrderState::Failed;
    let is_decided = order.state != OrderState::Created || (order.paid_by.is_some() && !is_paid_so);
    let Some(onchain) = &mut order.onchain else { return };
    if !is_decided || (has_failed && rules.keeps_payment_of_failed_order) {
        return;
    }
    let keeps_taken = is_paid_so && !has_failed;
    let coins = onchain.returnable(|coin| keeps_taken && onchain.taken.contains(&coin.outpoint));
    if is_worth_sending(&coins) {
        let refund = Refund {
            coins: coins.clone(),
            sat_per_kwu: REFUND_SAT_PER_KWU,
            stage: RefundStage::Planned,
            signed: None,
            txids: Vec::new(),
        };
        let (number, sat_per_kwu) = (onchain.refunds.len(), refund.sat_per_kwu);
        onchain.refunds.push(refund);
        actions.push(Action::SignRefund { refund: number, coins, sat_per_kwu });
    }
    admit_loss(order);
}

/// Nothing is left to send back once the payer has taken the payment back by a double-spend, dust aside.
fn admit_loss(order: &mut Order) {
    let has_failed = order.state == OrderState::Failed;
    if let Some(onchain) = &mut order.onchain
        && has_failed
        && onchain.state == OnchainState::Paid
        && onchain.is_lost()
        && onchain.refunds.iter().all(|refund| refund.stage == RefundStage::Void)
    {
        onchain.state = OnchainState::Refunded;
    }
}

/// A refund is signed; from now on it is this one that is broadcast, also after a restart.
pub(super) fn refund_signed(
    order: &mut Order,
    number: usize,
    signed: &SignedRefund,
    actions: &mut Vec<Action>,
) -> Result<(), Ignored> {
    let refund = find(order, number)?;
    if refund.stage != RefundStage::Planned {
        return Err(Ignored::Beyond);
    }
    refund.stage = RefundStage::Signed;
    refund.txids.push(signed.txid);
    refund.signed = Some(signed.clone());
    actions.push(Action::BroadcastRefund { refund: number, signed: signed.clone() });
    Ok(())
}

/// A refund is in the mempool.
pub(super) fn refund_broadcast(
    order: &mut Order,
    number: usize,
    now: Timestamp,
) -> Result<(), Ignored> {
    let refund = find(order, number)?;
    if refund.stage != RefundStage::Signed {
        return Err(Ignored::Beyond);
    }
    refund.stage = RefundStage::Broadcast { at: now };
    let keeps_payment = order.state == OrderState::Completed;
    if let Some(onchain) = &mut order.onchain
        && !(keeps_payment && onchain.state == OnchainState::Paid)
    {
        onchain.state = OnchainState::Refunded;
    }
    Ok(())
}

/// A refund can't be signed or broadcast. What is left of its coins is looked at when they next change.
pub(super) fn refund_failed(order: &mut Order, number: usize) -> Result<(), Ignored> {
    let refund = find(order, number)?;
    match refund.stage {
        RefundStage::Planned | RefundStage::Signed => refund.stage = RefundStage::Void,
        RefundStage::Broadcast { .. } | RefundStage::Confirmed | RefundStage::Void => {
            return Err(Ignored::Beyond);
        }
    }
    admit_loss(order);
    Ok(())
}

/// A version of a refund is in a block.
pub(super) fn refund_confirmed(order: &mut Order, txid: &bitcoin::Txid) -> Result<(), Ignored> {
    let onchain = order.onchain.as_mut().ok_or(Ignored::Beyond)?;
    let refund = onchain.refunds.iter_mut().find(|refund| refund.txids.contains(txid));
    let refund = refund.filter(|refund| refund.stage != RefundStage::Confirmed);
    refund.ok_or(Ignored::Beyond)?.stage = RefundStage::Confirmed;
    Ok(())
}

/// When the next refund has waited for too long.
pub(super) fn next_bump(order: &Order) -> Option<Timestamp> {
    let refunds = order.onchain.iter().flat_map(|onchain| &onchain.refunds);
    refunds.filter_map(|refund| refund.bump_at()).min()
}

impl Refund {
    fn bump_at(&self) -> Option<Timestamp> {
        match self.stage {
            RefundStage::Broadcast { at } => at.checked_add(BUMP_AFTER).ok(),
            _ => None,
        }
    }
}

/// Lets refunds pay more that have waited for too long; whether there were any.
pub(super) fn bump(
    order: &mut Order,
    now: Timestamp,
    rules: Rules,
    actions: &mut Vec<Action>,
) -> bool {
    let before = actions.len();
    let refunds = order.onchain.iter_mut().flat_map(|onchain| &mut onchain.refunds);
    for (number, refund) in refunds.enumerate() {
        if refund.bump_at().is_none_or(|at| now < at) {
            continue;
        }
        let dearer = refund.sat_per_kwu.saturating_mul(2).min(MAX_REFUND_SAT_PER_KWU);
        let is_affordable = fee_sat(refund.coins.len(), dearer) + DUST_SAT <= sum(&refund.coins);
        match &refund.signed {
            // A coin of our own pays for it.
            Some(signed) if rules.choices.child_bumps && dearer > refund.sat_per_kwu => {
                refund.sat_per_kwu = dearer;
                refund.stage = RefundStage::Signed;
                let signed = signed.clone();
                let lift = Action::LiftRefund { refund: number, signed, sat_per_kwu: dearer };
                actions.push(lift);
            }
            Some(signed) if dearer == refund.sat_per_kwu || !is_affordable => {
                // As much as is sensible: bitcoind may have dropped it.
                refund.stage = RefundStage::Signed;
                actions.push(Action::BroadcastRefund { refund: number, signed: signed.clone() });
            }
            _ => {
                refund.sat_per_kwu = dearer;
                refund.stage = RefundStage::Planned;
                actions.push(refund.sign(number));
            }
        }
    }
    actions.len() > before
}

/// Asks again for what may not have been done before a restart.
pub(super) fn resume(order: &Order, actions: &mut Vec<Action>) {
    let refunds = order.onchain.iter().flat_map(|onchain| &onchain.refunds);
    for (number, refund) in refunds.enumerate() {
        match (refund.stage, &refund.signed) {
            (RefundStage::Planned, _) => actions.push(refund.sign(number)),
            (RefundStage::Signed | RefundStage::Broadcast { .. }, Some(signed)) => {
                actions.push(Action::BroadcastRefund { refund: number, signed: signed.clone() });
            }
            _ => {}
        }
    }
}

impl Refund {
    fn sign(&self, number: usize) -> Action {
        let (coins, sat_per_kwu) = (self.coins.clone(), self.sat_per_kwu);
        Action::SignRefund { refund: number, coins, sat_per_kwu }
    }
}

fn find(order: &mut Order, number: usize) -> Result<&mut Refund, Ignored> {
    let onchain = order.onchain.as_mut().ok_or(Ignored::Beyond)?;
    onchain.refunds.get_mut(number).ok_or(Ignored::Beyond)
}

/// Whether anything is left of these coins once the fee is paid.
fn is_worth_sending(coins: &[Coin]) -> bool {
    !coins.is_empty() && sum(coins) >= fee_sat(coins.len(), REFUND_SAT_PER_KWU) + DUST_SAT
}

/// About what a refund costs.
fn fee_sat(inputs: usize, sat_per_kwu: u32) -> u64 {
    let (base, input) = REFUND_VBYTES;
    let vbytes = base + input * u64::try_from(inputs).unwrap_or(u64::MAX / 1_000_000);
    (vbytes * 4).saturating_mul(sat_per_kwu.into()).div_ceil(1_000)
}

fn sum<'a>(coins: impl IntoIterator<Item = &'a Coin>) -> u64 {
    coins.into_iter().fold(0, |sum, coin| sum.saturating_add(coin.amount_sat))
}
