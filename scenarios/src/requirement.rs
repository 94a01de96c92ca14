//! The requirement catalogue: every row of bLIP-50, bLIP-51 and the REST dialect.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::embedded;

/// The stable id of a requirement: `L0-…` (bLIP-50), `L1-…` (bLIP-51), `RD-…` (REST dialect).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequirementId(String);

impl RequirementId {
    /// Takes `id` as it is; whether the catalogue knows it is asked with [`Catalogue::get`].
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for RequirementId {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

/// How strongly a requirement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// RFC 2119 MUST.
    #[serde(rename = "MUST")]
    Must,
    /// RFC 2119 MUST NOT.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// Follows from a type, table, sample key or JSON-RPC 2.0 by reference; has the strength of a MUST.
    #[serde(rename = "IMPLIED")]
    Implied,
    /// RFC 2119 SHOULD.
    #[serde(rename = "SHOULD")]
    Should,
    /// RFC 2119 SHOULD NOT.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// A sensible check without a textual basis.
    #[serde(rename = "ADVISORY")]
    Advisory,
    /// Read from the published description of the REST dialect, which has no normative words.
    #[serde(rename = "DIALECT")]
    Dialect,
    /// RFC 2119 MAY: a liberty, never broken.
    #[serde(rename = "MAY")]
    May,
}

impl Level {
    /// Whether breaking the requirement makes a target non-conformant.
    pub fn is_must(self) -> bool {
        matches!(self, Self::Must | Self::MustNot | Self::Implied)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Implied => "IMPLIED",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::Advisory => "ADVISORY",
            Self::Dialect => "DIALECT",
            Self::May => "MAY",
        })
    }
}

/// Whom a requirement binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Binds {
    /// The LSP.
    Lsp,
    /// The client.
    Client,
    /// LSP and client alike.
    Both,
    /// The authors of LSPS texts.
    Spec,
}

impl Binds {
    /// Whether an LSP can break the requirement.
    pub fn binds_lsp(self) -> bool {
        matches!(self, Self::Lsp | Self::Both)
    }
}

/// Where a requirement can be observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Observable {
    /// In a custom message.
    Cm,
    /// On the REST face.
    Rest,
    /// Needs a payment.
    Pay,
    /// Needs an on-chain action or view.
    Chain,
    /// Needs waiting.
    Time,
    /// Needs the BOLT wire: init, open_channel, channel_ready, gossip.
    P2p,
    /// Needs a client under test and a mock LSP.
    Cli,
    /// In logs only.
    Wb,
    /// By reading the text only.
    Doc,
}

/// What a tester needs to judge an LSP by a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prerequisite {
    /// Messages only.
    Messages,
    /// A payment of an order.
    Payment,
    /// An action or a look on the chain.
    Chain,
    /// Waiting.
    Time,
    /// The BOLT wire.
    Wire,
    /// The help of the LSP's operator, such as a token or a blocked key.
    Operator,
}

/// One row of the catalogue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable id.
    pub id: RequirementId,
    /// Heading of the section of the specification (REST dialect: the call).
    pub section: String,
    /// Lines of the specification's text, such as `41-44,86-87`; empty for the REST dialect.
    #[serde(default)]
    pub lines: String,
    /// How strongly it binds.
    pub level: Level,
    /// Whom it binds.
    pub binds: Binds,
    /// Where it can be observed.
    pub observable: Vec<Observable>,
    /// What a tester needs to judge an LSP by it; empty if it can't be judged from outside an LSP.
    #[serde(default)]
    pub needs: Vec<Prerequisite>,
    /// Whether it only restates what other rows hold one by one.
    #[serde(default)]
    pub umbrella: bool,
    /// The requirement.
    pub text: String,
    /// How it is judged.
    pub test: String,
    /// The positions taken where the text is ambiguous: ids of [`Position`]s.
    #[serde(default)]
    pub position: Vec<String>,
}

impl Requirement {
    /// Whether the row can be judged in a session over REST. What is seen by a payment or on the chain is seen there, too.
    pub fn on_rest(&self) -> bool {
        self.observable.contains(&Observable::Rest) || !self.observable.contains(&Observable::Cm)
    }

    /// Whether the row can be judged in a session over custom messages.
    pub fn on_p2p(&self) -> bool {
        self.observable.contains(&Observable::Cm) || !self.observable.contains(&Observable::Rest)
    }
}

/// A position taken where the text is ambiguous or contradicts itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// Stable id: `A-…`.
    pub id: String,
    /// What is ambiguous.
    pub ambiguity: String,
    /// What the checks do about it.
    pub position: String,
}

/// All requirements, by id.
#[derive(Debug, Default)]
pub struct Catalogue {
    rows: BTreeMap<RequirementId, Requirement>,
    positions: BTreeMap<String, Position>,
    /// A defect of the built-in files; a test asserts that there is none.
    defect: Option<String>,
}

impl Catalogue {
    /// The catalogue that is compiled into the library; parsed when it is first asked for.
    pub fn builtin() -> &'static Self {
        static BUILTIN: LazyLock<Catalogue> = LazyLock::new(Catalogue::parse);
        &BUILTIN
    }

    /// The row with this id.
    pub fn get(&self, id: &RequirementId) -> Option<&Requirement> {
        self.rows.get(id)
    }

    /// All rows, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.rows.values()
    }

    /// The position with this id (`A-…`).
    pub fn position(&self, id: &str) -> Option<&Position> {
        self.positions.get(id)
    }

    /// All positions, ordered by id.
    pub fn positions(&self) -> impl Iterator<Item = &Position> {
        self.positions.values()
    }

    /// What is wrong with the built-in files, if anything. Without a defect every row has been read.
    pub fn defect(&self) -> Option<&str> {
        self.defect.as_deref()
    }

    fn parse() -> Self {
        let mut catalogue = Self::default();
        let is_about_rows =
            |file: &str| ["compat.yaml", "gaps.yaml"].iter().any(|name| file.ends_with(name));
        for (file, text) in embedded::REQUIREMENTS.iter().filter(|(file, _)| !is_about_rows(file)) {
            let outcome = if file.ends_with("positions.yaml") {
                serde_json::from_str::<Vec<Position>>(text).map(|positions| {
                    catalogue.positions.extend(
                        positions.into_iter().map(|position| (position.id.clone(), position)),
                    );
                })
            } else {
                serde_json::from_str::<Vec<Requirement>>(text).map(|rows| {
                    for row in rows {
                        let id = row.id.clone();
                        if catalogue.rows.insert(id.clone(), row).is_some() {
                            catalogue.defect = Some(format!("{file} has a second row {id}"));
                        }
                    }
                })
            };
            if let Err(error) = outcome {
                catalogue.defect = Some(format!("{file}: {error}"));
            }
        }
        catalogue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builtin_catalogue_is_sound() {
        let catalogue = Catalogue::builtin();
        assert_eq!(catalogue.defect(), None);
        assert!(catalogue.iter().count() > 400);
        for row in catalogue.iter() {
            for position in &row.position {
                assert!(
                    catalogue.position(position).is_some(),
                    "{} names the unknown position {position}",
                    row.id
                );
            }
        }
        let total = catalogue.get(&"L1-134".into()).unwrap();
        assert_eq!(total.level, Level::Must);
        assert!(total.on_rest() && total.on_p2p() && total.binds.binds_lsp());
    }
}
