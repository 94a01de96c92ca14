//! The ways to pay an order: the options of bLIP-51 section 3.

use bitcoin::{OutPoint, Txid};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A payment option, by its name on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum PaymentOption {
    /// `payment.bolt11`
    Bolt11,
    /// `payment.bolt12`
    Bolt12,
    /// `payment.onchain`
    Onchain,
}

impl PaymentOption {
    /// The option of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Bolt11, Self::Bolt12, Self::Onchain].into_iter().find(|option| option.wire() == name)
    }

    /// The name on the wire.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::Bolt11 => "bolt11",
            Self::Bolt12 => "bolt12",
            Self::Onchain => "onchain",
        }
    }
}

/// What every option says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Price {
    /// Until when it may be paid.
    pub(crate) expires_at: Timestamp,
    /// The fee in sat.
    pub(crate) fee_total_sat: u64,
    /// The amount to pay in sat.
    pub(crate) order_total_sat: u64,
}

/// Payment over Lightning, by invoice or offer (bLIP-51 sections 3.1 and 3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LightningPayment {
    /// What is asked for, until when.
    pub(crate) price: Price,
    /// The payment's state.
    pub(crate) state: LightningState,
    /// The invoice or the offer.
    pub(crate) request: String,
    /// How payments for it are told from others.
    pub(crate) key: LightningKey,
    /// The payment that was taken on hold, also when it is claimed or failed by now.
    pub(crate) held: Option<Htlc>,
}

/// How a Lightning payment is matched to its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LightningKey {
    /// By the invoice's payment hash.
    Invoice {
        /// The SHA-256 of `preimage`.
        payment_hash: [u8; 32],
        /// What the payer buys.
        preimage: [u8; 32],
    },
    /// By the offer's id: each invoice that is made for it has a hash of its own.
    Offer {
        /// The id.
        id: [u8; 32],
    },
}

/// A payment that has arrived in full, in as many parts as its payer liked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Htlc {
    /// Its hash.
    pub(crate) payment_hash: [u8; 32],
    /// What releases it.
    pub(crate) preimage: [u8; 32],
    /// What arrived, in msat.
    pub(crate) amount_msat: u64,
    /// The height of the block from which on it can no longer be claimed.
    pub(crate) claim_deadline: Option<u32>,
}

/// `payment.bolt11.state` and `payment.bolt12.state` of bLIP-51, with one step more than shows on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LightningState {
    /// Nothing has arrived.
    ExpectPayment,
    /// The payment is here and neither claimed nor failed.
    Hold,
    /// The preimage is released, the claim isn't final yet. Shows as HOLD.
    Claiming,
    /// The payment is ours.
    Paid,
    /// The payment went back, or the invoice or offer is void.
    Refunded,
}

impl LightningState {
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

/// Payment on-chain (bLIP-51 section 3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnchainPayment {
    /// What is asked for, until when.
    pub(crate) price: Price,
    /// The payment's state.
    pub(crate) state: OnchainState,
    /// Where to pay to; of this order alone.
    pub(crate) address: String,
    /// How many confirmations a payment needs.
    pub(crate) min_confirmations: u16,
    /// The fee rate above which a payment needs none, in sat per 1000 weight units. Only where `min_confirmations` is 0.
    pub(crate) min_fee_for_0conf: Option<u32>,
    /// The coins that were last seen at the address.
    pub(crate) coins: Vec<Coin>,
    /// The coins that the order is paid with. Whatever else arrives goes back.
    pub(crate) taken: Vec<OutPoint>,
    /// What went back, or is on its way.
    pub(crate) refunds: Vec<Refund>,
}

/// An unspent output at an order's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coin {
    /// The output.
    pub(crate) outpoint: OutPoint,
    /// Its value in sat.
    pub(crate) amount_sat: u64,
    /// How deep it is in the chain; 0 for the mempool.
    pub(crate) confirmations: u32,
    /// What its transaction pays while it is in the mempool, in sat per 1000 weight units.
    pub(crate) sat_per_kwu: u32,
}

/// `payment.onchain.state` of bLIP-51.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OnchainState {
    /// Too little has arrived, or it isn't confirmed.
    ExpectPayment,
    /// The payment is confirmed.
    Paid,
    /// A refund is broadcast, or there is nothing left to refund.
    Refunded,
}

impl OnchainState {
    /// The name on the wire.
    pub(crate) fn wire(self) -> &'static str {
        match self {
            Self::ExpectPayment => "EXPECT_PAYMENT",
            Self::Paid => "PAID",
            Self::Refunded => "REFUNDED",
        }
    }
}

/// A transaction that sends coins of an order back. It spends these very coins and no others, so whichever of its
/// versions confirms, they go back once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refund {
    /// What goes back.
    pub(crate) coins: Vec<Coin>,
    /// The fee rate of the version that is wanted, in sat per 1000 weight units.
    pub(crate) sat_per_kwu: u32,
    /// How far it is.
    pub(crate) stage: RefundStage,
    /// The newest version that is signed.
    pub(crate) signed: Option<SignedRefund>,
    /// All versions that were signed.
    pub(crate) txids: Vec<Txid>,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RefundStage {
    /// It is being signed, or signed anew for a higher fee.
    Planned,
    /// It is signed and being broadcast.
    Signed,
    /// It waits for a block.
    Broadcast {
        /// Since when.
        at: Timestamp,
    },
    /// It is in a block.
    Confirmed,
    /// It can't be broadcast: somebody took the coins back first.
    Void,
}

/// A signed refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedRefund {
    /// Its id.
    pub(crate) txid: Txid,
    /// The transaction in hex.
    pub(crate) hex: String,
}
