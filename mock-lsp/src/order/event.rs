//! What can happen to an order.

use bitcoin::OutPoint;

/// Something that happened, as told to [`machine::step`](super::machine::step).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A payment with the order's payment hash has arrived in full and is being held.
    PaymentHeld {
        /// What arrived, in msat.
        amount_msat: u64,
        /// The height of the block from which on the payment can no longer be claimed.
        claim_deadline: Option<u32>,
    },
    /// The client is connected.
    PeerConnected,
    /// The funding transaction is published.
    Published {
        /// The funding output.
        outpoint: OutPoint,
    },
    /// The open came to nothing; no funding transaction was published.
    OpenFailed,
    /// The claimed payment is ours.
    Claimed,
    /// Time has passed. Whether that is enough is for the core to see.
    TimePassed,
    /// The chain has grown.
    Tip {
        /// The height of its newest block.
        height: u32,
    },
    /// The operator lets the order expire now.
    Expire,
    /// The operator lets the order fail.
    Fail,
}
