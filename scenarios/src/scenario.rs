//! Scenarios: scripted conversations with a target, and what is expected at each step.
//!
//! A scenario is one YAML file. `schemas/scenario.json` describes the format; [`file`] reads it.

mod file;
mod load;
mod validate;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use load::{ScenarioError, builtin_scenarios, load_dir};
pub use validate::Defect;

use crate::action::{ChannelStage, ClientAct, PaymentStage, Transport};
use crate::oracle;
use crate::property::Property;
use crate::requirement::RequirementId;

/// What a scenario needs beside a target that can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Control of the chain: a payer, a miner and a client's node.
    Chain,
    /// Somebody who pays an invoice, and a client's node that takes no channel. A chain gives both.
    Payer,
    /// A node of the operator's that takes channels of the target's. A chain gives one, too.
    ClientNode,
    /// A good token, given by the target's operator.
    Token,
    /// A second node key.
    SecondKey,
    /// Control of the target's time.
    Clock,
    /// A target that can be ended and started again.
    Restart,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Chain => "chain",
            Self::Payer => "payer",
            Self::ClientNode => "client-node",
            Self::Token => "token",
            Self::SecondKey => "second-key",
            Self::Clock => "clock",
            Self::Restart => "restart",
        })
    }
}

/// Which node gets the channel in a scenario that needs a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// The harness's own node, which sees the raw custom messages and channel messages.
    #[default]
    LspsNode,
    /// An ldk-node wallet.
    LdkNode,
}

/// Who pays in a scenario that needs a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayerKind {
    /// An ldk-node wallet.
    #[default]
    LdkNode,
    /// The harness's own node, which pays what it is told to and sees its HTLCs.
    LspsNode,
}

/// A document that is fetched before the first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// The answer to get_info, saved as `info`.
    Info,
    /// The answer to create_order with the base request, saved as `order`.
    Order,
}

/// A scripted conversation with a target.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    id: String,
    title: String,
    source: String,
    transports: Vec<Transport>,
    needs: Vec<Need>,
    client: ClientKind,
    payer: PayerKind,
    alone: bool,
    given: Vec<Given>,
    only_if: Vec<Condition>,
    steps: Vec<Step>,
    property: Option<Property>,
}

impl Scenario {
    /// The scenario of a property, whose steps are drawn when it is run.
    pub fn of_property(property: Property) -> Self {
        Self {
            id: property.id().to_owned(),
            title: property.title().to_owned(),
            source: "generated".to_owned(),
            transports: vec![Transport::P2p, Transport::Rest],
            needs: Vec::new(),
            client: ClientKind::default(),
            payer: PayerKind::default(),
            alone: false,
            given: Vec::new(),
            only_if: Vec::new(),
            steps: Vec::new(),
            property: Some(property),
        }
    }

    /// The property that its steps are drawn from, if they aren't written down.
    pub fn property(&self) -> Option<Property> {
        self.property
    }

    /// Unique and stable id, in kebab-case.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the scenario shows, in one line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The file that it was read from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The interfaces over which it can be run.
    pub fn transports(&self) -> &[Transport] {
        &self.transports
    }

    /// What it needs beside a target.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }

    /// Whether orders are paid in it.
    pub fn is_paid(&self) -> bool {
        self.needs.iter().any(|need| matches!(need, Need::Chain | Need::Payer))
    }

    /// Which node gets the channel, if it needs a chain.
    pub fn client(&self) -> ClientKind {
        self.client
    }

    /// Who pays, if it needs a chain.
    pub fn payer(&self) -> PayerKind {
        self.payer
    }

    /// Whether nothing else may go on around the target meanwhile: it mines many blocks or takes some off the chain,
    /// moves the target's time or starts it anew.
    pub fn is_alone(&self) -> bool {
        let disturbs = |step: &Step| {
            matches!(step.act, Act::Reorganise { .. } | Act::AdvanceClock { .. } | Act::Restart)
        };
        self.alone || self.needs.contains(&Need::Restart) || self.steps.iter().any(disturbs)
    }

    /// Whether the target's clock is ahead of everybody's afterwards.
    pub fn moves_clock(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.act, Act::AdvanceClock { .. }))
    }

    /// The requirements that its expectations judge, sorted.
    pub fn requirements(&self) -> Vec<RequirementId> {
        if self.property.is_some() {
            let rows = self.transports.iter().flat_map(|transport| oracle::rows(*transport));
            return rows.collect::<BTreeSet<_>>().into_iter().collect();
        }
        let ids: BTreeSet<&RequirementId> =
            self.expectations().flat_map(|expectation| &expectation.requirements).collect();
        ids.into_iter().cloned().collect()
    }

    /// What is fetched before the first step, in order.
    pub fn given(&self) -> &[Given] {
        &self.given
    }

    /// Under which conditions the scenario applies.
    pub fn only_if(&self) -> &[Condition] {
        &self.only_if
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn expectations(&self) -> impl Iterator<Item = &Expectation> {
        self.steps.iter().flat_map(|step| &step.expect)
    }
}

/// A condition under which a scenario applies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Boolean expression over the documents of the prelude.
    pub that: String,
    /// Why the scenario ends if it doesn't hold.
    pub reason: String,
    /// What the scenario is then.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// What a scenario is if a condition of it doesn't hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Otherwise {
    /// It doesn't apply to the target.
    #[default]
    Skip,
    /// Something that isn't the target's has failed.
    Inconclusive,
    /// What it has judged by then: nothing else applies to the case at hand.
    End,
}

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

/// What is expected of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// The requirements that it judges; each gets a result of its own level.
    pub requirements: Vec<RequirementId>,
    /// The check.
    pub check: Check,
    /// Boolean expression: the check is only made if it holds.
    pub when: Option<String>,
    /// JSON Schema: a broken check whose values satisfy it is a warning.
    pub warn: Option<Value>,
    /// JSON Schema: a broken check whose values satisfy it is a warning in profile `compat`.
    pub compat: Option<Value>,
    /// What is expected, in words, for the finding.
    pub says: Option<String>,
}

/// How an expectation is checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// At least one node is there, and every node satisfies the schema.
    At {
        /// RFC 9535 JSONPath on the step's document.
        path: String,
        /// JSON Schema; strings are rendered.
        schema: Value,
    },
    /// No node is there.
    Absent {
        /// RFC 9535 JSONPath on the step's document.
        path: String,
    },
    /// A boolean expression over saved documents; the step's own is `this`.
    That(String),
    /// The request is refused, and the target still answers afterwards.
    Refused(Refusal),
}

/// How a request has to be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As a payload that can't be read: code -32700, id null.
    ParseError,
    /// With an error of one of these kinds.
    Error(Vec<RefusalKind>),
}

/// One way in which a request may be refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalKind {
    /// Allowed error codes.
    pub codes: Vec<i64>,
    /// Allowed values of `data.property`; empty: not looked at.
    pub property: Vec<String>,
    /// The exact set of names in `data.unrecognized`.
    pub unrecognized: Option<Vec<String>>,
}
