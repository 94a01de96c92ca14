//! What is done in a scenario, one step after the other.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{Check, Condition, Expectation};
use crate::action::{ChannelStage, ClientAct, PaymentStage};

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub act: Act,
    /// Name under which the step's document is saved.
    pub save_as: Option<String>,
    /// Boolean expression: the step is only done, and its expectations judged, if it holds.
    pub when: Option<String>,
    /// Whether to listen on after the awaited replies (p2p), for more than was asked for.
    pub quiet: bool,
    /// A condition over the step's document: if it doesn't hold, the scenario ends here, as one that doesn't apply.
    pub only_if: Option<Condition>,
    /// What is expected of the step's document.
    pub expect: Vec<Expectation>,
}

impl Step {
    /// Whether it is there to be refused.
    pub(crate) fn wants_refusal(&self) -> bool {
        self.expect.iter().any(|expectation| matches!(expectation.check, Check::Refused(_)))
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A request.
    Call(Call),
    /// A raw payload.
    Send {
        /// The payload.
        payload: Payload,
        /// The connection.
        conn: String,
    },
    /// A message that nobody waits for: of another type than that of LSPS0, or the last one before a connection is
    /// dropped.
    Tell {
        /// The request.
        call: Call,
        /// The type of the message.
        type_id: u16,
        /// Whether the connection is dropped behind it.
        hang_up: bool,
    },
    /// A raw HTTP request.
    Http(HttpCall),
    /// Several requests sent at once; the document has `replies`.
    Pipeline {
        /// The requests.
        calls: Vec<Call>,
        /// The connection.
        conn: String,
    },
    /// Drops a connection and connects again with the same key.
    Reconnect {
        /// The connection.
        conn: String,
    },
    /// Sends nothing, and listens for a quiet window.
    Listen {
        /// The connection.
        conn: String,
    },
    /// The client's node does something.
    Client(ClientAct),
    /// The client's own LSPS1 implementation orders a channel.
    OrderThroughClient {
        /// What to order.
        params: Map<String, Value>,
    },
    /// The payer starts to pay.
    Pay {
        /// The invoice; an expression.
        invoice: String,
        /// What to pay, in msat, where that isn't what the invoice asks for: a number or an expression.
        amount_msat: Option<Value>,
    },
    /// The payer starts to pay an offer.
    PayOffer {
        /// The offer; an expression.
        offer: String,
    },
    /// Repeats a request until its document satisfies a schema.
    Poll {
        /// The request.
        call: Call,
        /// JSON Schema on the document.
        until: Value,
        /// How long to poll at most.
        within: Duration,
    },
    /// Waits for a payment.
    AwaitPayment {
        /// The payment's name, an expression; `None`: the latest one.
        of: Option<String>,
        /// What is waited for.
        until: PaymentStage,
        /// How long to wait at most.
        within: Duration,
    },
    /// Mines blocks.
    Mine {
        /// How many: a number or an expression.
        blocks: Value,
    },
    /// Waits for a channel.
    AwaitChannel {
        /// Its funding output, an expression; `None`: the latest one.
        of: Option<String>,
        /// What is waited for.
        until: ChannelStage,
        /// How long to wait at most.
        within: Duration,
    },
    /// Looks up an output.
    ChainOutput {
        /// The outpoint; an expression.
        outpoint: String,
    },
    /// Sends coins to an address.
    PayOnchain {
        /// The address; an expression.
        address: String,
        /// How much, in sat: a number or an expression.
        amount_sat: Value,
        /// What the transaction pays, in sat per 1000 weight units: a number or an expression.
        sat_per_kwu: Option<Value>,
    },
    /// Replaces a payment on the chain that waits for its block by one to the payer.
    TakeBack {
        /// The id of its transaction; an expression.
        txid: String,
    },
    /// Takes the latest blocks off the chain and mines others, without the transactions that wait.
    Reorganise {
        /// How many: a number or an expression.
        blocks: Value,
    },
    /// Waits for coins at one of the payer's own addresses.
    AwaitCoins {
        /// The address; an expression.
        address: String,
        /// How much has to come, in sat, in as many transactions as it takes: a number or an expression.
        at_least_sat: Option<Value>,
        /// More than what their transaction has to pay, in sat per 1000 weight units: a number or an expression.
        above_sat_per_kwu: Option<Value>,
        /// How long to wait at most.
        within: Duration,
    },
    /// Lets the time pass at which an order expires.
    LetExpire {
        /// The order's id; an expression.
        order_id: String,
    },
    /// Moves the target's clock on.
    AdvanceClock {
        /// By how many seconds.
        seconds: u32,
    },
    /// Ends the target and starts it again.
    Restart,
}

/// A request by method name.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// `list_protocols`, `get_info`, `create_order`, `get_order`, or any full method name (p2p only).
    pub method: String,
    /// The connection.
    pub conn: String,
    /// Members that are set in the base params.
    pub with: Map<String, Value>,
    /// Members that are removed from the params.
    pub without: Vec<String>,
    /// Members that are set in the JSON-RPC envelope.
    pub envelope: Map<String, Value>,
    /// Members that are removed from the JSON-RPC envelope.
    pub envelope_without: Vec<String>,
}

/// A raw payload.
#[derive(Clone, Debug, PartialEq)]
pub enum Payload {
    /// Text, expressions rendered.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// JSON, expressions rendered, serialised without white space.
    Json(Value),
}

/// A raw HTTP request.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpCall {
    /// HTTP method.
    pub method: String,
    /// Path below the base URL; an expression.
    pub path: String,
    /// Query parameters; expressions.
    pub query: Map<String, Value>,
    /// Headers; expressions.
    pub headers: Map<String, Value>,
    /// Body, if any.
    pub body: Option<Payload>,
}
