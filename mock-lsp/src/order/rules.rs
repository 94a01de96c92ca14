//! What the core does where it has a choice.

use super::Choices;

/// What the core does where bLIP-51 leaves the choice, and where it departs from bLIP-51, for faults. The default is
/// honest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// What bLIP-51 leaves open.
    pub(crate) choices: Choices,
    /// Claims a payment as soon as it is held.
    pub(crate) claims_before_open: bool,
    /// Claims a payment of an offer as soon as it is held.
    pub(crate) claims_offers_before_open: bool,
    /// Keeps the payment of a failed order.
    pub(crate) keeps_payment_of_failed_order: bool,
}
