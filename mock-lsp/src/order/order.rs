//! The order and its parts.

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;

/// What the client ordered: the parameters of `lsps1.create_order` (bLIP-51 section 2), checked for their types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRequest {
    /// The LSP's side of the channel, in sat.
    pub(crate) lsp_balance_sat: u64,
    /// The client's side of the channel, in sat.
    pub(crate) client_balance_sat: u64,
    /// After how many confirmations the channel has to be usable.
    pub(crate) required_channel_confirmations: u16,
    /// Within how many blocks the funding transaction has to confirm.
    pub(crate) funding_confirms_within_blocks: u16,
    /// How long the channel is kept, in blocks.
    pub(crate) channel_expiry_blocks: u32,
    /// A token, if the client gave one that isn't empty.
    pub(crate) token: Option<String>,
    /// Where on-chain refunds go, as the client wrote it.
    pub(crate) refund_onchain_address: Option<String>,
    /// Whether the channel is to be announced.
    pub(crate) announce_channel: bool,
}

impl OrderRequest {
    /// The size of the channel in sat. Wide, since the two sides are the client's choice.
    pub(crate) fn capacity_sat(&self) -> u128 {
        u128::from(self.lsp_balance_sat) + u128::from(self.client_balance_sat)
    }
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// The order's id, a UUIDv4.
    pub(crate) id: String,
    /// The node that gets the channel. Over custom messages, it alone may read the order.
    pub(crate) client: PublicKey,
    /// What was ordered.
    pub(crate) request: OrderRequest,
    /// When, to the millisecond.
    pub(crate) created_at: Timestamp,
    /// The order's state.
    pub(crate) state: OrderState,
    /// How far the channel is.
    pub(crate) opening: Opening,
    /// The payment by BOLT 11.
    pub(crate) bolt11: Bolt11Payment,
    /// The channel, once its funding transaction is published.
    pub(crate) channel: Option<Channel>,
}

impl Order {
    /// Whether nothing can happen to the order any more.
    pub(crate) fn has_ended(&self) -> bool {
        match self.state {
            OrderState::Created => false,
            OrderState::Completed => self.bolt11.state == PaymentState::Paid,
            OrderState::Failed => true,
        }
    }
}

/// `order_state` of bLIP-51.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OrderState {
    /// Waiting for the payment, or for the channel.
    Created,
    /// The funding transaction is published.
    Completed,
    /// No channel, and no payment kept.
    Failed,
}

impl OrderState {
    /// The name on the wire.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// How far the opening of the channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// Nothing has been tried.
    Unasked,
    /// The order is paid; the open waits for the client to connect (bLIP-51 section 4.1).
    WaitingForPeer,
    /// The open is being tried.
    Underway,
    /// The open has succeeded or failed, or is no longer wanted.
    Over,
}

/// The payment of an order by a BOLT 11 hold invoice (bLIP-51 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bolt11Payment {
    /// The payment's state.
    pub(crate) state: PaymentState,
    /// Until when it may be paid.
    pub(crate) expires_at: Timestamp,
    /// The fee in sat.
    pub(crate) fee_total_sat: u64,
    /// The amount to pay in sat.
    pub(crate) order_total_sat: u64,
    /// The invoice.
    pub(crate) invoice: String,
    /// The SHA-256 of `preimage`.
    pub(crate) payment_hash: [u8; 32],
    /// What the payer buys.
    pub(crate) preimage: [u8; 32],
    /// The height of the block from which on the held payment can no longer be claimed.
    pub(crate) claim_deadline: Option<u32>,
}

/// `payment.bolt11.state` of bLIP-51, with one step more than shows on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentState {
    /// Nothing has arrived.
    ExpectPayment,
    /// The payment is here and neither claimed nor failed.
    Hold,
    /// The preimage is released, the claim isn't final yet. Shows as HOLD.
    Claiming,
    /// The payment is ours.
    Paid,
    /// The payment went back, or the invoice is void.
    Refunded,
}

impl PaymentState {
    /// The name on the wire.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::ExpectPayment => "EXPECT_PAYMENT",
            Self::Hold | Self::Claiming => "HOLD",
            Self::Paid => "PAID",
            Self::Refunded => "REFUNDED",
        }
    }
}

/// The channel object of bLIP-51 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    /// When the funding transaction was published.
    pub(crate) funded_at: Timestamp,
    /// The funding output.
    pub(crate) outpoint: OutPoint,
    /// Until when the channel is kept.
    pub(crate) expires_at: Timestamp,
}
