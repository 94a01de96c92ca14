//! What a session asks its driver to do, and what the driver reports back.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The type of the messages that carry LSPS0 (bLIP-50, Lightning Peer-To-Peer Transport).
pub const LSPS0_TYPE: u16 = 37913;

/// The interface over which a target is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Lightning custom messages of type 37913 (bLIP-50).
    P2p,
    /// HTTP, as in the published REST dialect.
    Rest,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::P2p, Self::Rest];
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::P2p => "p2p",
            Self::Rest => "rest",
        })
    }
}

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Connect to the target. Each `conn` has a node key of its own and keeps it for the session.
    /// Answered by `Connected` or `ConnectFailed`.
    Connect {
        /// Name of the connection.
        conn: String,
    },
    /// Drop a connection. Answered by `Done`.
    Disconnect {
        /// Name of the connection.
        conn: String,
    },
    /// Send payloads of type 37913, in order and without waiting between them, and collect what comes back.
    /// Answered by `Frames`.
    Exchange {
        /// Name of the connection.
        conn: String,
        /// The payloads.
        frames: Vec<Vec<u8>>,
        /// What to wait for.
        wait: Wait,
    },
    /// Send one message and don't wait for what comes of it. Answered by `Done` or `Failed`.
    Tell {
        /// Name of the connection.
        conn: String,
        /// The type of the message (BOLT 8), which may be another than that of LSPS0.
        type_id: u16,
        /// The bytes behind the type.
        payload: Vec<u8>,
        /// Whether to drop the connection right behind it.
        hang_up: bool,
    },
    /// Send an HTTP request. Answered by `Http` or `HttpFailed`.
    Http(HttpRequest),
    /// Let the client's node do something. Answered by `Done` or `Failed`.
    Client(ClientAct),
    /// Let the client's own LSPS1 implementation order a channel. Answered by `Document` (`order_id`, `payment`, …) or `Failed`.
    OrderThroughClient {
        /// What to order, named as the parameters of create_order.
        params: Map<String, Value>,
    },
    /// Let the payer start to pay, without waiting for the outcome. Answered by `Document` (`payment`: its name) or
    /// `Failed`.
    Pay {
        /// A BOLT 11 invoice.
        invoice: String,
        /// What to pay, in msat, where that isn't what the invoice asks for.
        amount_msat: Option<u64>,
    },
    /// Let the payer ask for an invoice of an offer (BOLT 12) and start to pay it. Answered by `Document` (`payment`: its
    /// name), as soon as the payment is on its way or has failed, or `Failed`.
    PayOffer {
        /// The offer.
        offer: String,
    },
    /// Wait for a payment. Answered by `Document` (`status`: `succeeded`, `failed` or, after the time has passed,
    /// `pending`; `preimage`; what is known of its HTLC).
    AwaitPayment {
        /// The payment's name; `None`: the latest one.
        payment: Option<String>,
        /// What is waited for.
        until: PaymentStage,
        /// How long to wait at most.
        within: Duration,
    },
    /// Mine blocks. Answered by `Done` or `Failed`.
    Mine {
        /// How many.
        blocks: u32,
    },
    /// Wait for a channel of the target's to the client's node. Answered by `Document` (`asked`, `usable`, `closed`,
    /// `capacity_sat`, …), as it was seen last.
    AwaitChannel {
        /// The funding output of the channel that is meant; `None`: the latest one.
        outpoint: Option<String>,
        /// What is waited for.
        until: ChannelStage,
        /// How long to wait at most.
        within: Duration,
    },
    /// Look up an output on the chain. Answered by `Document` (`found`, `value_sat`, …).
    ChainOutput {
        /// `txid:index`, the txid in the order that block explorers show.
        outpoint: String,
    },
    /// Send coins of the payer's to an address. Answered by `Document` (`txid`) or `Failed`.
    PayOnchain {
        /// The address.
        address: String,
        /// How much, in sat.
        amount_sat: u64,
        /// What the transaction pays, in sat per 1000 weight units; `None`: as its wallet likes.
        sat_per_kwu: Option<u64>,
    },
    /// Replace a payment of the payer's that waits for its block by one that leaves the payer its coins. Answered by
    /// `Document` (`txid`) or `Failed`.
    TakeBack {
        /// The id of the payment's transaction.
        txid: String,
    },
    /// Take the latest blocks off the chain, and mine one more than that without any of the transactions that wait.
    /// Answered by `Done` or `Failed`.
    Reorganise {
        /// How many are taken off.
        blocks: u32,
    },
    /// Wait until coins are on their way to one of the payer's own addresses. Answered by `Document` (`found`,
    /// `amount_sat`, `confirmations`, `fee_sat`, `sat_per_kwu`, …) or `Failed`.
    AwaitCoins {
        /// The address.
        address: String,
        /// Waits for a transaction that pays more than this, while it waits for its block with what spends it, in sat per
        /// 1000 weight units; `None`: for any.
        above_sat_per_kwu: Option<u64>,
        /// How much has to come, in sat; `None`: anything.
        at_least_sat: Option<u64>,
        /// How long to wait at most.
        within: Duration,
    },
    /// Let the time pass at which an order expires. Answered by `Done` or `Failed`.
    LetExpire {
        /// The order's id; `None`: that of all orders.
        order_id: Option<String>,
    },
    /// Move the target's clock on. Answered by `Document` (`moved`, `reason`) or `Failed`.
    AdvanceClock {
        /// By how many seconds.
        seconds: u32,
    },
    /// End the target and start it again on what it has stored. Answered by `Done` or `Failed`.
    Restart,
    /// Wait between two polls: the driver waits for its poll interval, but not longer than given. Answered by `Done`.
    Pause {
        /// Time that is left to the poll.
        until_changed_within: Duration,
    },
}

/// What the client's node can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAct {
    /// Connect to the target.
    Connect,
    /// Drop the connection to the target.
    Disconnect,
    /// Accept channels from now on, also those that were held back.
    Accept,
    /// Hold channels back from now on: an open that comes is neither accepted nor refused.
    Hold,
    /// Refuse channels from now on, also those that were held back.
    Refuse,
    /// Let the target keep nothing back in channels that are accepted from now on: a `channel_reserve_satoshis` of 0.
    #[serde(rename = "ask_no_reserve")]
    AskNoReserve,
}

/// How far a payment is, as its payer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PaymentStage {
    /// Its HTLC is with the target.
    Held,
    /// It has succeeded or failed.
    Settled,
}

/// How far a channel is, as the client's node sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelStage {
    /// The target has sent `open_channel`.
    Asked,
    /// It can be used.
    Usable,
    /// It is being closed, or was.
    Closed,
}

/// What an exchange waits for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wait {
    /// Ids of the awaited responses, one entry each. A response with an equal id ends the wait for its entry. So does a
    /// response with id null, for the first entry that is left: who can't read a request can't repeat its id.
    pub ids: Vec<Value>,
    /// How long to wait at most; `None`: the driver's usual time, or, where no id is awaited, its quiet window: how long
    /// nothing has to come for a target to count as silent.
    pub timeout: Option<Duration>,
}

/// A request to the REST face.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// HTTP method.
    pub method: String,
    /// Path below the base URL, without a leading slash, such as `get_info`.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers beyond those that the driver sends itself.
    pub headers: Vec<(String, String)>,
    /// Body, if any.
    pub body: Option<Vec<u8>>,
}

/// When something was done, in milliseconds since the start of the session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When the driver began with the action.
    pub from_ms: u64,
    /// When it had the observation.
    pub to_ms: u64,
}

/// What came of an action.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The connection is up, the init handshake done.
    Connected {
        /// The feature bits that are set in the target's `init` (BOLT 9), by number.
        features: Vec<usize>,
    },
    /// The connection didn't come up.
    ConnectFailed {
        /// Why, as a fragment that completes 'failed to connect: …'.
        reason: String,
    },
    /// What came over a connection since the last exchange on it, unsolicited and late messages included.
    Frames {
        /// The payloads of type 37913, in the order in which they came.
        frames: Vec<Frame>,
        /// How the wait ended.
        end: End,
    },
    /// An HTTP response.
    Http {
        /// Status code.
        status: u16,
        /// Headers, in the order in which they came.
        headers: Vec<(String, String)>,
        /// Body; cut off at the driver's limit.
        body: Vec<u8>,
        /// Whether the body was cut off.
        truncated: bool,
    },
    /// No HTTP response.
    HttpFailed {
        /// Why, as a fragment that completes 'failed to get a response: …'.
        reason: String,
        /// Whether the target was reached but said nothing in time.
        timed_out: bool,
    },
    /// What the client, the payer or the chain reports.
    Document(Value),
    /// The driver couldn't do it for a reason that isn't the target's: what depends on it is inconclusive.
    Failed {
        /// Why.
        reason: String,
    },
    /// Done.
    Done,
}

/// A payload that came from the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The payload of type 37913.
    pub bytes: Vec<u8>,
    /// When it came, in milliseconds since the start of the session.
    pub at_ms: u64,
}

/// How the wait of an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All awaited responses came.
    Complete,
    /// The time had passed.
    TimedOut,
    /// The target closed the connection.
    Closed,
}
