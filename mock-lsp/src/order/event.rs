//! What can happen to an order.

use bitcoin::{OutPoint, Txid};

use super::{Coin, Htlc, PaymentOption, SignedRefund};

/// Something that happened, as told to [`machine::step`](super::machine::step).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A Lightning payment for the order has arrived in full and is being held.
    PaymentHeld {
        /// The option that it is for.
        option: PaymentOption,
        /// The payment.
        htlc: Htlc,
    },
    /// A payment that was on hold is gone: its payer has it back.
    PaymentLost {
        /// Its hash.
        payment_hash: [u8; 32],
    },
    /// The claimed payment is ours.
    Claimed {
        /// Its hash.
        payment_hash: [u8; 32],
    },
    /// What is at the order's address has changed.
    CoinsSeen {
        /// All that is unspent there.
        coins: Vec<Coin>,
    },
    /// A refund is signed.
    RefundSigned {
        /// Which of the order's refunds it is.
        refund: usize,
        /// The transaction.
        signed: SignedRefund,
    },
    /// A refund is in bitcoind's mempool.
    RefundBroadcast {
        /// Which of the order's refunds it is.
        refund: usize,
    },
    /// A refund can't be signed or broadcast now.
    RefundFailed {
        /// Which of the order's refunds it is.
        refund: usize,
    },
    /// A version of a refund is in a block.
    RefundConfirmed {
        /// That version.
        txid: Txid,
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
    /// Time has passed. Whether that is enough is for the core to see.
    TimePassed,
    /// The chain has grown.
    Tip {
        /// The height of its newest block.
        height: u32,
    },
    /// The LSP has been restarted: what was asked for before may not have been done.
    Restarted,
    /// The operator lets the order expire now.
    Expire,
    /// The operator lets the order fail.
    Fail,
}
