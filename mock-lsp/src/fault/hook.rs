//! The points at which faults take hold.

use bitcoin::Network;
use jiff::Timestamp;
use serde_json::Value;

use super::edit::Edit;
use crate::message::{Method, Object, RpcError};
use crate::order::{PaymentOption, Terms};

/// Where a fault takes hold, and what it does there.
#[derive(Clone, Copy)]
pub(super) enum Hook {
    /// Part of the code does something else.
    Switch(Switch),
    /// Payloads are changed before they are read.
    Incoming(fn(&mut Vec<u8>)),
    /// Payloads are refused before they are read, with an id of null.
    Rejects(fn(&[u8]) -> Option<RpcError>),
    /// Payloads are not answered.
    Drops(fn(&[u8]) -> bool),
    /// The params of these methods are changed before they are read.
    Params(Faces, &'static [Method], &'static [Edit]),
    /// These methods are refused.
    Refuses(Faces, &'static [Method], fn(&Object) -> Option<RpcError>),
    /// Other terms are offered, and others again are held to.
    Terms {
        /// Changes what get_info says and create_order checks.
        offered: fn(&mut Terms),
        /// Changes what create_order checks.
        checked: fn(&mut Terms),
    },
    /// The results of these methods are changed, on both faces.
    Result(&'static [Method], &'static [Edit]),
    /// Error objects of these codes, or of all if none is named, are changed on both faces.
    Error(&'static [i64], &'static [Edit]),
    /// The JSON-RPC responses to these methods, or all if none is named, are changed.
    Response(&'static [Method], &'static [Edit]),
    /// The bytes of the JSON-RPC responses to these methods, or all if none is named, are changed.
    Payload(&'static [Method], fn(&mut Vec<u8>)),
    /// HTTP answers to these methods are changed.
    Http(&'static [Method], fn(&mut HttpReply)),
}

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Switch(switch) => f.debug_tuple("Switch").field(switch).finish(),
            Self::Incoming(_) => f.write_str("Incoming"),
            Self::Rejects(_) => f.write_str("Rejects"),
            Self::Drops(_) => f.write_str("Drops"),
            Self::Params(_, methods, _) => f.debug_tuple("Params").field(methods).finish(),
            Self::Refuses(_, methods, _) => f.debug_tuple("Refuses").field(methods).finish(),
            Self::Terms { .. } => f.write_str("Terms"),
            Self::Result(methods, _) => f.debug_tuple("Result").field(methods).finish(),
            Self::Error(codes, _) => f.debug_tuple("Error").field(codes).finish(),
            Self::Response(methods, _) => f.debug_tuple("Response").field(methods).finish(),
            Self::Payload(methods, _) => f.debug_tuple("Payload").field(methods).finish(),
            Self::Http(methods, _) => f.debug_tuple("Http").field(methods).finish(),
        }
    }
}

/// The face that a request came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// Custom messages.
    P2p,
    /// HTTP.
    Rest,
}

/// The faces that a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Faces {
    Both,
    P2p,
    Rest,
}

impl Faces {
    pub(super) fn include(self, face: Face) -> bool {
        match self {
            Self::Both => true,
            Self::P2p => face == Face::P2p,
            Self::Rest => face == Face::Rest,
        }
    }
}

/// An HTTP answer on its way out.
#[derive(Clone, Debug)]
pub(crate) struct HttpReply {
    /// The status code.
    pub(crate) status: u16,
    /// The content type.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) body: Value,
}

/// What a rewriting fault may want to know.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// The method that was called, if it is known.
    pub(crate) method: Option<Method>,
    /// The time.
    pub(crate) now: Timestamp,
    /// Counts the answers of this run.
    pub(crate) serial: u64,
    /// The chain of addresses and invoices.
    pub(crate) network: Network,
    /// The refund address of the order that is shown.
    pub(crate) refund_onchain_address: Option<String>,
    /// How the order that is shown was paid.
    pub(crate) paid_by: Option<PaymentOption>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            method: None,
            now: Timestamp::UNIX_EPOCH,
            serial: 0,
            network: Network::Regtest,
            refund_onchain_address: None,
            paid_by: None,
        }
    }
}

/// Something that the code does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    // Connecting.
    DemandsFeature,
    HidesLargeChannels,
    GreetsPeers,
    // Reading requests.
    TakesBadUtf8,
    TakesZeroBytes,
    TakesTrailingBytes,
    TakesAnyVersion,
    MatchesMethodsLoosely,
    ServesPositional,
    ServesNotifications,
    ChecksParamsFirst,
    IgnoresUnknownParams,
    TakesAnyAddress,
    TakesNumericSat,
    TakesZeroBalance,
    // Answering.
    AnswersOtherTypes,
    SilentOnUnknownMethod,
    SilentOnBadFormat,
    ParseErrorEchoesId,
    IgnoresAfterBadFormat,
    IgnoresAfterErrors,
    AnswersTwice,
    NotifiesWithoutParams,
    NotifiesByPosition,
    ReplaysAnswers,
    WantsInfoFirst,
    TiresOfGetInfo,
    TiresOfListProtocols,
    WantsInfoParamsLater,
    WantsProtocolsParamsLater,
    // Orders.
    TotalOffByOne,
    InvoiceOffByOne,
    LongOrderIds,
    HexOrderIds,
    RepeatsOrderIds,
    CreatesOnce,
    RepeatsInvoices,
    TakesOnchainWithoutRefund,
    TakesAnyToken,
    TakesSpentTokens,
    OffersOnchainWhenOff,
    RefusesRefundsWhenOff,
    DisclosesOrders,
    ForgetsUnpaidOrders,
    // Life.
    ClaimsBeforeOpen,
    KeepsPaymentOfFailedOrder,
    ClaimsOffersBeforeOpen,
    NeverClaims,
    NeverClaimsOffers,
    NeverSeesCoins,
    ConfirmsAfterSevenBlocks,
    NeverRefundsCoins,
    RefundsCoinsInWords,
    RefundsCoinsToItself,
    RefundIsDear,
    TakesUnderpayments,
    KeepsUnderpayments,
    IgnoresOverpayments,
    KeepsTheSurplus,
    KeepsItsFee,
    KeepsSecondPayments,
    KeepsLateCoins,
    CountsReplacedPayments,
    GivesUpOnReplacedPayments,
    LosesReorganisedPayments,
    IgnoresPaymentsAfterALoss,
    KeepsParts,
    NeverServesParts,
    NeverBumpsRefunds,
    BumpsRefundsToItself,
    ClaimsEveryPayment,
    KeepsEveryPayment,
    ClaimsLatePayments,
    KeepsLatePayments,
    ClaimsAfterFailedOpen,
    KeepsAfterFailedOpen,
    ClaimsAtExpiry,
    KeepsAtExpiry,
    ClaimsAtDeadline,
    FailsTooLate,
    IgnoresFailedOpens,
    IgnoresDeadlines,
    IgnoresExpiryOfHeld,
    IgnoresExpiryOfUnpaid,
    WaitsForNobody,
    NeverOpens,
    RefundsWithoutTrying,
    OneChannelPerClient,
    OpensOneSatShort,
    OpensWithoutClientBalance,
    PushesOneSatShort,
    PushesNothing,
    PushesTooMuchOfItsOwn,
    FlipsAnnounce,
    AnnouncesAll,
    AnnouncesNone,
    BatchesZeroConf,
    ReadyTooLate,
    BatchStaysUnconfirmed,
    ClosesAtHalfLease,
    RefusesZeroReserve,
    // Restarts.
    ForgetsOrders,
    ForgetsUnpaid,
    StrandsHeld,
    FailsCompleted,
    CreatesAnew,
    RenamesOrders,
    InvoicesAnew,
    OffersAnew,
    AddressesAnew,
    OpensAgain,
    TakesHeld,
    ReturnsHeld,
    StrandsCoins,
    // REST.
    RestErrorsAreOk,
    RestOmitsUris,
    RestServesAnyVerb,
}
