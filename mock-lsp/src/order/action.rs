//! What the order core asks its surroundings to do.

use super::{Coin, SignedRefund};

/// One thing to do for an order. The order's new state is to be stored before it is done. All but `Open` may be done
/// again, after a restart, which must change nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Find out whether the client is connected, and say so with
    /// [`Event::PeerConnected`](super::Event::PeerConnected) once it is.
    SeekPeer,
    /// Open the ordered channel to the client.
    Open,
    /// Find out what became of an open that was asked for before a restart; an open that leads to no channel has failed.
    ResumeOpen,
    /// Give up the open that is underway.
    AbandonOpen,
    /// Release the preimage of a held payment.
    Claim {
        /// The payment's hash.
        payment_hash: [u8; 32],
        /// What releases it.
        preimage: [u8; 32],
    },
    /// Fail a held payment back to its payer.
    Fail {
        /// The payment's hash.
        payment_hash: [u8; 32],
    },
    /// Answer no more requests for invoices of the order's offer.
    CloseOffer {
        /// The offer's id.
        id: [u8; 32],
    },
    /// Sign a transaction that sends all of these coins to the order's refund address, less its fee.
    SignRefund {
        /// Which of the order's refunds it is.
        refund: usize,
        /// What it spends.
        coins: Vec<Coin>,
        /// Its fee rate, in sat per 1000 weight units.
        sat_per_kwu: u32,
    },
    /// Lift a refund that waits in the mempool by a child that pays for both.
    LiftRefund {
        /// Which of the order's refunds it is.
        refund: usize,
        /// The transaction, which has an output of our own.
        signed: SignedRefund,
        /// What both are to pay together, in sat per 1000 weight units.
        sat_per_kwu: u32,
    },
    /// Broadcast a refund.
    BroadcastRefund {
        /// Which of the order's refunds it is.
        refund: usize,
        /// The transaction.
        signed: SignedRefund,
    },
}
