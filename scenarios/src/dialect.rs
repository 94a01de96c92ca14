//! Dialects: the revisions of LSPS1 that targets in the field still speak.
//!
//! A target that was written to the text of 2023 differs from today's in the names and places of almost everything, and
//! a hundred findings would all say the same. So a run begins with a [`Fingerprint`]: a few messages whose answers bear
//! [`Marker`]s of one revision or another. If they point to an older [`Dialect`], that is one finding of its own, and a
//! [`View`] translates requests and replies, so that everything else can still be judged. A row that is kept in the
//! translation only is a consequence of the dialect and neither kept nor broken on its own.

mod fingerprint;
mod history;
mod marker;
mod reading;
mod translate;
mod view;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use fingerprint::Fingerprint;
pub use history::{Change, excused};
pub use marker::{Group, Marker};
pub use reading::{Confidence, Reading};
pub(crate) use view::is_about_encoding;
pub use view::{View, is_explained};

/// A revision of LSPS1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The text of 2023, until March 2024.
    D0,
    /// The text of April and May 2024.
    D1,
    /// The text from June 2024 on, before bLIP-51 got error 102.
    D2,
    /// The published page of a REST interface, of June 2024: get_info of D1 without its wrapper, payment of D2.
    RestSeed,
    /// bLIP-51 as it is now, which is what everything is judged by.
    #[default]
    D3,
}

impl Dialect {
    /// All dialects, oldest first.
    pub const ALL: [Self; 5] = [Self::D0, Self::D1, Self::D2, Self::RestSeed, Self::D3];

    /// The name that the command line and the report use.
    pub fn name(self) -> &'static str {
        match self {
            Self::D0 => "d0",
            Self::D1 => "d1",
            Self::D2 => "d2",
            Self::RestSeed => "rest-seed",
            Self::D3 => "d3",
        }
    }

    /// What the name stands for.
    pub fn title(self) -> &'static str {
        match self {
            Self::D0 => "LSPS1 of 2023",
            Self::D1 => "LSPS1 of April and May 2024",
            Self::D2 => "LSPS1 of mid-2024",
            Self::RestSeed => "the published REST page of June 2024",
            Self::D3 => "bLIP-51",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// There is no dialect of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect '{0}'; the dialects are d0, d1, d2, d3 and rest-seed")]
pub struct UnknownDialect(String);

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|dialect| dialect.name() == name)
            .ok_or_else(|| UnknownDialect(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.name().parse(), Ok(dialect));
            assert_eq!(serde_json::to_value(dialect).unwrap(), dialect.name());
        }
        assert!("d4".parse::<Dialect>().unwrap_err().to_string().contains("rest-seed"));
        assert_eq!(Dialect::default(), Dialect::D3);
    }
}
