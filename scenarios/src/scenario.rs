//! Scenarios: scripted conversations with a target, and what is expected at each step.
//!
//! A scenario is one YAML file. `schemas/scenario.json` describes the format; [`file`] reads it.

mod expectation;
mod file;
mod load;
mod step;
mod validate;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use expectation::{Check, Expectation, Refusal, RefusalKind};
pub use load::{ScenarioError, builtin_scenarios, load_dir};
pub use step::{Act, Call, HttpCall, Payload, Step};
pub use validate::Defect;

use crate::action::Transport;
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
    /// A token that was good once and isn't any more, given by the target's operator.
    SpentToken,
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
            Self::SpentToken => "spent-token",
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
