//! What bLIP-51 leaves to the LSP beside its terms and prices.

/// A choice that departs from what the mock does otherwise, and is as legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A refund that waits for its block is bumped by a child that pays for both, instead of by a replacement.
    ChildBumps,
    /// Payments on-chain don't add up to the price: one that is too small goes back when the order ends.
    PartsDontAddUp,
    /// An unpaid order that has expired goes on to show as CREATED, instead of FAILED.
    ExpiredStaysCreated,
    /// A payment on-chain that is gone shows as EXPECT_PAYMENT again, instead of PAID.
    LostPaymentIsExpected,
}

/// The choices that were made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    /// [`Choice::ChildBumps`]
    pub(crate) child_bumps: bool,
    /// [`Choice::PartsDontAddUp`]
    pub(crate) parts_dont_add_up: bool,
    /// [`Choice::ExpiredStaysCreated`]
    pub(crate) expired_stays_created: bool,
    /// [`Choice::LostPaymentIsExpected`]
    pub(crate) lost_payment_is_expected: bool,
}

impl Choices {
    /// These and no others.
    pub(crate) fn new(made: &[Choice]) -> Self {
        let is_made = |choice| made.contains(&choice);
        Self {
            child_bumps: is_made(Choice::ChildBumps),
            parts_dont_add_up: is_made(Choice::PartsDontAddUp),
            expired_stays_created: is_made(Choice::ExpiredStaysCreated),
            lost_payment_is_expected: is_made(Choice::LostPaymentIsExpected),
        }
    }
}
