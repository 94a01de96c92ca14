//! What faults make of what happens to an order, before the order core hears of it, and of what that wants done.
//!
//! The core itself stays honest: a fault keeps an event from it, or does something else than it says.

use std::borrow::Cow;

use super::Service;
use crate::engine::{OpenTerms, RefundTerms};
use crate::fault::Switch;
use crate::order::{
    Action, Coin, Event, Ignored, LightningState, OnchainPayment, Opening, Order, OrderState,
    PaymentOption,
};

/// How many times what is reasonable a refund with a fault pays: more than the ten times that are let pass.
const DEAR: u32 = 40;

/// How many confirmations more than were ordered a fault waits for.
const LATE_BY: u32 = 3;

impl Service {
    /// Whether an event doesn't get to the order core.
    pub(super) fn misses(&self, order: &Order, event: &Event) -> bool {
        let on = |switch| self.faults().on(switch);
        match event {
            Event::OpenFailed => on(Switch::IgnoresFailedOpens),
            Event::Tip { .. } | Event::PaymentLost { .. } => on(Switch::IgnoresDeadlines),
            Event::CoinsSeen { .. } if on(Switch::NeverSeesCoins) => true,
            Event::CoinsSeen { coins } => {
                let deepest = coins.iter().map(|coin| coin.confirmations).max();
                let total_sat = order.onchain.as_ref().map(|onchain| onchain.price.order_total_sat);
                let sum_sat = coins.iter().map(|coin| coin.amount_sat).sum::<u64>();
                (on(Switch::ConfirmsAfterSevenBlocks) && deepest < Some(7))
                    || (on(Switch::IgnoresOverpayments) && total_sat < Some(sum_sat))
                    || (on(Switch::GivesUpOnReplacedPayments) && has_lost_coins(order, coins))
                    || (on(Switch::IgnoresPaymentsAfterALoss) && is_after_a_loss(order, coins))
            }
            // Time passes for refunds all the same.
            Event::Expire | Event::TimePassed if order.state == OrderState::Created => {
                let switch = match is_holding(order) {
                    true => Switch::IgnoresExpiryOfHeld,
                    false => Switch::IgnoresExpiryOfUnpaid,
                };
                on(switch)
            }
            _ => false,
        }
    }

    /// What the order core is told instead of an event.
    pub(super) fn mistakes<'a>(&self, order: &Order, event: &'a Event) -> Cow<'a, Event> {
        let on = |switch| self.faults().on(switch);
        let (Some(onchain), Event::CoinsSeen { coins }) = (&order.onchain, event) else {
            return Cow::Borrowed(event);
        };
        let mut coins = coins.clone();
        if on(Switch::TakesUnderpayments)
            && let Some(coin) = coins.first_mut()
        {
            coin.amount_sat = coin.amount_sat.max(onchain.price.order_total_sat);
        }
        if on(Switch::CountsReplacedPayments) && has_lost_coins(order, &coins) {
            let known = onchain.coins.iter();
            coins = known.map(|coin| Coin { confirmations: 6, ..*coin }).collect();
        }
        if on(Switch::LosesReorganisedPayments) && was_reorganised(onchain, &coins) {
            coins.clear();
        }
        if on(Switch::KeepsParts) && is_in_parts(onchain, &coins) {
            coins.clear();
        }
        Cow::Owned(Event::CoinsSeen { coins })
    }

    /// What is done where the order core wants `action`, which follows from `event`. `ignored` is why that changed nothing.
    pub(super) fn bend(
        &self,
        order: &Order,
        event: &Event,
        ignored: Option<Ignored>,
        action: Action,
    ) -> Option<Action> {
        let on = |switch| self.faults().on(switch);
        match action {
            Action::SeekPeer if on(Switch::WaitsForNobody) => {
                self.tell(&order.id, &Event::PeerConnected);
                None
            }
            Action::SeekPeer if on(Switch::BatchesZeroConf) && is_held_zero_conf(order) => None,
            Action::SeekPeer if on(Switch::NeverServesParts) && has_taken_parts(order) => None,
            Action::Open if on(Switch::NeverOpens) => None,
            Action::Open if on(Switch::RefundsWithoutTrying) || self.has_enough(order) => {
                self.tell(&order.id, &Event::OpenFailed);
                None
            }
            Action::Claim { .. } if on(Switch::NeverClaims) => None,
            Action::Claim { payment_hash, .. } if self.has_returned(&payment_hash) => {
                self.tell(&order.id, &Event::Claimed { payment_hash });
                None
            }
            Action::Claim { .. }
                if on(Switch::NeverClaimsOffers)
                    && order.paid_by == Some(PaymentOption::Bolt12) =>
            {
                None
            }
            Action::SignRefund { .. } if on(Switch::NeverRefundsCoins) => None,
            Action::SignRefund { refund, .. }
                if on(Switch::NeverBumpsRefunds) && is_bump(order, refund) =>
            {
                None
            }
            Action::LiftRefund { .. } if on(Switch::NeverBumpsRefunds) => None,
            Action::SignRefund { .. } if kept_coins(order, event).is_some_and(on) => None,
            Action::SignRefund { refund, coins, sat_per_kwu } if on(Switch::RefundIsDear) => {
                Some(Action::SignRefund { refund, coins, sat_per_kwu: sat_per_kwu * DEAR })
            }
            Action::BroadcastRefund { refund, .. } if on(Switch::RefundsCoinsInWords) => {
                self.tell(&order.id, &Event::RefundBroadcast { refund });
                None
            }
            Action::Fail { payment_hash } => {
                let (claims, keeps) = match (event, ignored) {
                    (Event::PaymentHeld { .. }, _) if order.state == OrderState::Completed => {
                        (Switch::ClaimsEveryPayment, Switch::KeepsEveryPayment)
                    }
                    (Event::PaymentHeld { .. }, Some(Ignored::Expired | Ignored::Beyond)) => {
                        (Switch::ClaimsLatePayments, Switch::KeepsLatePayments)
                    }
                    (Event::OpenFailed, _) => {
                        (Switch::ClaimsAfterFailedOpen, Switch::KeepsAfterFailedOpen)
                    }
                    (Event::Expire | Event::TimePassed, _) => {
                        (Switch::ClaimsAtExpiry, Switch::KeepsAtExpiry)
                    }
                    (Event::Tip { .. }, _) => (Switch::ClaimsAtDeadline, Switch::FailsTooLate),
                    _ => return Some(action),
                };
                match preimage(order, event) {
                    Some(preimage) if on(claims) => Some(Action::Claim { payment_hash, preimage }),
                    _ => (!on(keeps)).then_some(action),
                }
            }
            action => Some(action),
        }
    }

    /// The refund that is made instead of the one that is owed.
    pub(super) fn bend_refund(&self, order: &Order, mut terms: RefundTerms) -> RefundTerms {
        let on = |switch| self.faults().on(switch);
        let is_bump = is_bump(order, terms.refund);
        if on(Switch::RefundsCoinsToItself) || (on(Switch::BumpsRefundsToItself) && is_bump) {
            terms.to.clone_from(&terms.from);
        }
        if let Some(onchain) = &order.onchain {
            let sum_sat = terms.coins.iter().map(|coin| coin.amount_sat).sum::<u64>();
            if on(Switch::KeepsItsFee) {
                terms.kept_sat = onchain.price.fee_total_sat;
            }
            if on(Switch::KeepsTheSurplus) {
                terms.kept_sat = sum_sat.saturating_sub(onchain.price.order_total_sat);
            }
        }
        terms
    }

    /// The channel that is opened instead of the one that was ordered.
    pub(super) fn bend_terms(&self, mut terms: OpenTerms) -> OpenTerms {
        let on = |switch| self.faults().on(switch);
        let lsp_sat = terms.capacity_sat.saturating_sub(terms.push_msat / 1_000);
        if on(Switch::OpensOneSatShort) {
            terms.capacity_sat = terms.capacity_sat.saturating_sub(1);
        }
        if on(Switch::OpensWithoutClientBalance) {
            terms.capacity_sat = lsp_sat;
            terms.push_msat = 0;
        }
        if on(Switch::PushesOneSatShort) {
            terms.push_msat = terms.push_msat.saturating_sub(1_000);
        }
        if on(Switch::PushesNothing) {
            terms.push_msat = 0;
        }
        if on(Switch::PushesTooMuchOfItsOwn) {
            terms.push_msat += lsp_sat / 2 * 1_000;
        }
        if on(Switch::FlipsAnnounce) {
            terms.announce = !terms.announce;
        }
        if on(Switch::ReadyTooLate) {
            terms.required_confirmations += LATE_BY;
        }
        terms.announce |= on(Switch::AnnouncesAll);
        terms.announce &= !on(Switch::AnnouncesNone);
        terms
    }

    /// Whether the funding transaction of an order never gets into a block.
    pub(super) fn keeps_unconfirmed(&self, order: &Order) -> bool {
        self.faults().on(Switch::BatchStaysUnconfirmed) && self.is_second(order)
    }

    /// What happens with a new block that should have happened before.
    pub(super) fn bend_tip(&self) {
        if !self.faults().on(Switch::BatchesZeroConf) {
            return;
        }
        let waits = |order: &Order| order.opening == Opening::WaitingForPeer;
        for order in self.orders().into_iter().filter(waits) {
            self.carry_out(&order, Action::SeekPeer);
        }
    }

    /// What happens to a channel that is there now.
    pub(super) fn bend_channel(&self, order_id: &str) {
        if self.faults().on(Switch::ClosesAtHalfLease)
            && let Some(order) = self.order(order_id)
        {
            let depth = order.request.channel_expiry_blocks / 2;
            self.parts.setup.engine.close_channel(order_id, depth);
        }
    }

    /// Whether the client has a channel already, where a fault gives no second one.
    fn has_enough(&self, order: &Order) -> bool {
        self.faults().on(Switch::OneChannelPerClient) && self.is_second(order)
    }

    /// Whether the client has another channel, or is getting one.
    fn is_second(&self, order: &Order) -> bool {
        let is_another = |other: &Order| {
            other.client == order.client
                && other.id != order.id
                && (other.state == OrderState::Completed || other.opening == Opening::Underway)
        };
        self.orders().iter().any(is_another)
    }
}

/// Whether the channel needs no confirmation, and the payment is one for whose deadline blocks are looked at.
fn is_held_zero_conf(order: &Order) -> bool {
    order.request.required_channel_confirmations == 0 && is_holding(order)
}

pub(super) fn is_holding(order: &Order) -> bool {
    order.paid_lightning().is_some_and(|payment| payment.state == LightningState::Hold)
}

/// Whether coins are gone that were seen at the order's address.
fn has_lost_coins(order: &Order, coins: &[Coin]) -> bool {
    let is_here = |known: &Coin| coins.iter().any(|coin| coin.outpoint == known.outpoint);
    order.onchain.as_ref().is_some_and(|onchain| !onchain.coins.iter().all(is_here))
}

/// Whether other coins are here than those that the order was paid with.
fn is_after_a_loss(order: &Order, coins: &[Coin]) -> bool {
    let is_gone = |taken| !coins.iter().any(|coin| coin.outpoint == taken);
    let is_open = order.state == OrderState::Created;
    let taken = order.onchain.iter().flat_map(|onchain| onchain.taken.iter().copied());
    is_open && !coins.is_empty() && taken.into_iter().any(is_gone)
}

/// Whether it takes several of the coins to make up the order's price.
fn is_in_parts(onchain: &OnchainPayment, coins: &[Coin]) -> bool {
    let is_part = |coin: &Coin| coin.amount_sat < onchain.price.order_total_sat;
    coins.len() > 1 && coins.iter().all(is_part)
}

/// Whether the order is paid with several coins.
fn has_taken_parts(order: &Order) -> bool {
    order.onchain.as_ref().is_some_and(|onchain| onchain.taken.len() > 1)
}

/// Whether the order's payment has lost confirmations, now or earlier.
fn was_reorganised(onchain: &OnchainPayment, coins: &[Coin]) -> bool {
    let is_shallower = |known: &Coin| {
        coins
            .iter()
            .any(|coin| coin.outpoint == known.outpoint && coin.confirmations < known.confirmations)
    };
    let is_lost = !onchain.taken.is_empty() && onchain.coins.is_empty();
    is_lost || onchain.coins.iter().any(is_shallower)
}

/// Whether coins are less than the order's price.
fn is_short(order: &Order, coins: &[Coin]) -> bool {
    let paid = coins.iter().fold(0u64, |sum, coin| sum.saturating_add(coin.amount_sat));
    order.onchain.as_ref().is_some_and(|onchain| paid < onchain.price.order_total_sat)
}

/// Which fault keeps coins that are to go back.
fn kept_coins(order: &Order, event: &Event) -> Option<Switch> {
    match (order.state, event) {
        (OrderState::Completed, _) => Some(Switch::KeepsSecondPayments),
        // Coins of before the expiry may be seen after it.
        (OrderState::Failed, Event::CoinsSeen { coins }) => match is_short(order, coins) {
            true => Some(Switch::KeepsUnderpayments),
            false => Some(Switch::KeepsLateCoins),
        },
        (OrderState::Failed, Event::Expire | Event::TimePassed) if order.paid_by.is_none() => {
            Some(Switch::KeepsUnderpayments)
        }
        _ => None,
    }
}

/// Whether an earlier version of the refund was signed.
fn is_bump(order: &Order, refund: usize) -> bool {
    let refunds = order.onchain.as_ref().and_then(|onchain| onchain.refunds.get(refund));
    refunds.is_some_and(|refund| !refund.txids.is_empty())
}

/// What releases the payment that is to be failed.
fn preimage(order: &Order, event: &Event) -> Option<[u8; 32]> {
    match event {
        Event::PaymentHeld { htlc, .. } => Some(htlc.preimage),
        _ => order.paid_lightning()?.held.map(|held| held.preimage),
    }
}
