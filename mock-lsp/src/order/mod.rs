//! The order core: what an order is and how it moves, as plain code.
//!
//! Nothing in here does I/O or looks at a clock. [`machine::step`] takes an order, an [`Event`] and the time, and gives
//! the order's next state with the [`Action`]s that the caller has to carry out. bLIP-51 sections 2 to 4 are the text
//! behind it.

mod action;
mod event;
mod fee;
pub(crate) mod machine;
#[expect(clippy::module_inception, reason = "the order is the subject of this folder")]
mod order;
mod terms;

#[cfg(test)]
mod property_test;

pub(crate) use action::Action;
pub(crate) use event::Event;
pub use fee::Fee;
pub(crate) use fee::Quote;
pub(crate) use machine::{Ignored, Rules};
pub(crate) use order::{
    Bolt11Payment, Channel, Opening, Order, OrderRequest, OrderState, PaymentState,
};
pub(crate) use terms::Mismatch;
pub use terms::{Terms, TermsError};
