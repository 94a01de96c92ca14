//! In which ways orders can be paid: what of bLIP-51 section 3 is offered, and on which terms.

use super::{OnchainPayment, OnchainState, Price, TermsError};

/// The payment options that orders come with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentWays {
    /// Whether orders have an invoice.
    pub bolt11: bool,
    /// Whether orders have an offer.
    pub bolt12: bool,
    /// Payment on-chain, for orders with a refund address.
    pub onchain: Option<OnchainTerms>,
}

/// The terms of payment on-chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnchainTerms {
    /// After how many confirmations a payment counts, 1 to 6.
    pub confirmations: u16,
    /// Up to this total a payment needs no confirmation if its fee is high enough, in sat.
    pub zero_conf_max_sat: u64,
    /// The fee rate above which that is so, in sat per 1000 weight units, at least 253.
    pub min_fee_for_0conf: u32,
}

impl Default for PaymentWays {
    /// All of them.
    fn default() -> Self {
        Self { bolt11: true, bolt12: true, onchain: Some(OnchainTerms::default()) }
    }
}

impl Default for OnchainTerms {
    /// Small orders without confirmation, so that both kinds are met.
    fn default() -> Self {
        Self { confirmations: 1, zero_conf_max_sat: 50_000, min_fee_for_0conf: 2_500 }
    }
}

impl PaymentWays {
    /// Whether bLIP-51 allows this, and every order can be paid.
    ///
    /// # Errors
    ///
    /// Says what to change.
    pub fn validate(&self) -> Result<(), TermsError> {
        if !self.bolt11 && !self.bolt12 {
            return Err(TermsError(
                "--pay-by has to name bolt11 or bolt12, since on-chain payment takes a refund address, which not every order has".to_owned(),
            ));
        }
        let Some(onchain) = self.onchain else { return Ok(()) };
        if !(1..=6).contains(&onchain.confirmations) {
            return Err(TermsError("--onchain-confirmations has to be 1 to 6".to_owned()));
        }
        if onchain.min_fee_for_0conf < 253 {
            return Err(TermsError("--onchain-0conf-fee-rate has to be at least 253".to_owned()));
        }
        Ok(())
    }
}

impl OnchainTerms {
    /// The option of a new order.
    pub(crate) fn payment(&self, price: Price, address: String) -> OnchainPayment {
        let is_small = price.order_total_sat <= self.zero_conf_max_sat;
        OnchainPayment {
            price,
            state: OnchainState::ExpectPayment,
            address,
            min_confirmations: if is_small { 0 } else { self.confirmations },
            min_fee_for_0conf: is_small.then_some(self.min_fee_for_0conf),
            coins: Vec::new(),
            taken: Vec::new(),
            refunds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::machine_test::at;
    use super::*;

    #[test]
    fn only_small_orders_need_no_confirmation() {
        let payment = |total| {
            let price = Price { expires_at: at(1), fee_total_sat: 1, order_total_sat: total };
            let payment = OnchainTerms::default().payment(price, String::new());
            (payment.min_confirmations, payment.min_fee_for_0conf)
        };
        assert_eq!((payment(50_000), payment(50_001)), ((0, Some(2_500)), (1, None)));
    }

    #[test]
    fn ways_that_lead_nowhere_are_refused() {
        assert_eq!(PaymentWays::default().validate(), Ok(()));
        let onchain = |terms| PaymentWays { onchain: Some(terms), ..PaymentWays::default() };
        let bad = [
            PaymentWays { bolt11: false, bolt12: false, ..PaymentWays::default() },
            onchain(OnchainTerms { confirmations: 7, ..OnchainTerms::default() }),
            onchain(OnchainTerms { min_fee_for_0conf: 252, ..OnchainTerms::default() }),
        ];
        for ways in bad {
            assert!(ways.validate().is_err(), "{ways:?}");
        }
    }
}
