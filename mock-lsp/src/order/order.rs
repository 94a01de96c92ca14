//! The order and its parts.

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    LightningPayment, LightningState, OnchainPayment, OnchainState, PaymentOption, Price,
    RefundStage,
};

/// What the client ordered: the parameters of `lsps1.create_order` (bLIP-51 section 2), checked for their types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The option whose payment counts: the first that was paid.
    pub(crate) paid_by: Option<PaymentOption>,
    /// Payment by BOLT 11, if it is offered.
    pub(crate) bolt11: Option<LightningPayment>,
    /// Payment by BOLT 12, if it is offered.
    pub(crate) bolt12: Option<LightningPayment>,
    /// Payment on-chain, if it is offered.
    pub(crate) onchain: Option<OnchainPayment>,
    /// The channel, once its funding transaction is published.
    pub(crate) channel: Option<Channel>,
}

impl Order {
    /// Whether nothing can happen to the order any more, unless somebody sends coins to its address.
    pub(crate) fn has_ended(&self) -> bool {
        let is_settled = match (self.state, self.paid_by) {
            (OrderState::Created, _) => false,
            (OrderState::Completed, Some(PaymentOption::Onchain)) | (OrderState::Failed, _) => true,
            (OrderState::Completed, _) => {
                self.paid_lightning().is_some_and(|paid| paid.state == LightningState::Paid)
            }
        };
        let owes = self.onchain.as_ref().is_some_and(|onchain| {
            let is_over = |stage| matches!(stage, RefundStage::Confirmed | RefundStage::Void);
            let pays_back = onchain.refunds.iter().any(|refund| !is_over(refund.stage));
            pays_back || (self.state == OrderState::Failed && onchain.state == OnchainState::Paid)
        });
        is_settled && !owes
    }

    /// When nothing of it can be paid any more, in any way.
    pub(crate) fn expires_at(&self) -> Timestamp {
        let lightning = self.lightning().map(|(_, payment)| payment.price);
        let onchain = self.onchain.iter().map(|payment| payment.price);
        let ends = lightning.chain(onchain).map(|Price { expires_at, .. }| expires_at);
        ends.max().unwrap_or(self.created_at)
    }

    /// The Lightning options that are offered.
    pub(crate) fn lightning(&self) -> impl Iterator<Item = (PaymentOption, &LightningPayment)> {
        let bolt11 = self.bolt11.iter().map(|payment| (PaymentOption::Bolt11, payment));
        bolt11.chain(self.bolt12.iter().map(|payment| (PaymentOption::Bolt12, payment)))
    }

    /// The Lightning options that are offered.
    pub(super) fn lightning_mut(&mut self) -> impl Iterator<Item = &mut LightningPayment> {
        self.bolt11.iter_mut().chain(self.bolt12.iter_mut())
    }

    /// The Lightning option that the order is paid by.
    pub(crate) fn paid_lightning(&self) -> Option<&LightningPayment> {
        self.lightning()
            .find(|(option, _)| self.paid_by == Some(*option))
            .map(|(_, payment)| payment)
    }

    /// The Lightning option that the order is paid by.
    pub(super) fn paid_lightning_mut(&mut self) -> Option<&mut LightningPayment> {
        match self.paid_by {
            Some(PaymentOption::Bolt11) => self.bolt11.as_mut(),
            Some(PaymentOption::Bolt12) => self.bolt12.as_mut(),
            Some(PaymentOption::Onchain) | None => None,
        }
    }
}

/// `order_state` of bLIP-51.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// The channel object of bLIP-51 section 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Channel {
    /// When the funding transaction was published.
    pub(crate) funded_at: Timestamp,
    /// The funding output.
    pub(crate) outpoint: OutPoint,
    /// Until when the channel is kept.
    pub(crate) expires_at: Timestamp,
}
