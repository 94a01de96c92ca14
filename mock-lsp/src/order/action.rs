//! What the order core asks its surroundings to do.

/// One thing to do for an order. The order's new state is to be stored before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Find out whether the client is connected, and say so with
    /// [`Event::PeerConnected`](super::Event::PeerConnected) once it is.
    SeekPeer,
    /// Open the ordered channel to the client.
    Open,
    /// Release the preimage of the held payment.
    Claim,
    /// Fail the held payment back to its payer.
    Fail,
}
