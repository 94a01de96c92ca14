//! The order core: what an order is and how it moves, as plain code.
//!
//! Nothing in here does I/O or looks at a clock. [`machine::step`] takes an order, an [`Event`] and the time, and gives
//! the order's next state with the [`Action`]s that the caller has to carry out. bLIP-51 sections 2 to 4 are the text
//! behind it.

mod action;
mod choice;
mod event;
mod fee;
mod ignored;
mod lightning;
pub(crate) mod machine;
mod onchain;
#[expect(clippy::module_inception, reason = "the order is the subject of this folder")]
mod order;
mod payment;
mod rules;
mod terms;
mod ways;

#[cfg(test)]
mod machine_test;
#[cfg(test)]
mod onchain_test;
#[cfg(test)]
mod property_test;

pub(crate) use action::Action;
pub use choice::Choice;
pub(crate) use choice::Choices;
pub(crate) use event::Event;
pub use fee::Fee;
pub(crate) use fee::Quote;
pub(crate) use ignored::Ignored;
pub(crate) use onchain::MAX_CONFIRMATIONS;
pub(crate) use order::{Channel, Opening, Order, OrderRequest, OrderState};
pub(crate) use payment::{
    Coin, Htlc, LightningKey, LightningPayment, LightningState, OnchainPayment, OnchainState,
    PaymentOption, Price, Refund, RefundStage, SignedRefund,
};
pub(crate) use rules::Rules;
pub(crate) use terms::Mismatch;
pub use terms::{Terms, TermsError};
pub use ways::{OnchainTerms, PaymentWays};
