//! What comes after an error: the requirement that is about it, and what is known of the target.

use serde_json::Value;

/// What an error was about, as far as it matters for what comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// A message of bad format, or what the target takes for one.
    OfBadFormat,
    /// Anything else.
    OfOtherErrors,
}

impl Aftermath {
    /// What comes after this answer. `bad_format` is whether the message that it answers was bad.
    pub(crate) fn of(bad_format: bool, answer: &Value) -> Self {
        if bad_format || answer["error"]["code"] == -32700 {
            Self::OfBadFormat
        } else {
            Self::OfOtherErrors
        }
    }

    /// The requirement that a target breaks which doesn't go on as before.
    pub(crate) fn row(self) -> &'static str {
        match self {
            // bLIP-50, Message Payload Format.
            Self::OfBadFormat => "L0-026",
            // No row is about what comes after other errors; the request that isn't answered is one of JSON-RPC 2.0.
            Self::OfOtherErrors => "L0-052",
        }
    }

    /// What that requirement says.
    pub(crate) fn rule(self) -> &'static str {
        match self {
            Self::OfBadFormat => "a message of bad format has no effect but its error",
            Self::OfOtherErrors => "each request is answered, whatever error came before it",
        }
    }
}

/// After which errors a target is known to ignore the client until it reconnects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ignoring {
    /// After those about messages of bad format.
    pub bad_format: bool,
    /// After others.
    pub others: bool,
}

impl Ignoring {
    /// What is known from either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            bad_format: self.bad_format || other.bad_format,
            others: self.others || other.others,
        }
    }

    pub(crate) fn includes(self, aftermath: Aftermath) -> bool {
        match aftermath {
            Aftermath::OfBadFormat => self.bad_format,
            Aftermath::OfOtherErrors => self.others,
        }
    }

    pub(crate) fn learn(&mut self, aftermath: Aftermath) {
        match aftermath {
            Aftermath::OfBadFormat => self.bad_format = true,
            Aftermath::OfOtherErrors => self.others = true,
        }
    }
}
