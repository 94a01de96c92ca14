//! Events that change nothing.

/// Why an event has no effect on an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ignored {
    /// The order has ended, or its channel is published.
    #[error("the order is beyond that")]
    Beyond,
    /// The order waits for its payment.
    #[error("the order isn't paid")]
    Unpaid,
    /// The order's payment is here already.
    #[error("the order is paid already")]
    PaidAlready,
    /// The payment is smaller than the order's total.
    #[error("the payment is too small")]
    Underpaid,
    /// The order's payment on-chain isn't there any more.
    #[error("the payment is gone; it has to confirm again first")]
    PaymentGone,
    /// The order has passed its expiry.
    #[error("the order has expired")]
    Expired,
    /// The channel is being opened, which has to end first.
    #[error("the channel is being opened; wait for that to end")]
    OpenUnderway,
    /// It is too early.
    #[error("it isn't time yet")]
    TooEarly,
    /// Nothing has changed.
    #[error("that is known already")]
    NothingNew,
}
