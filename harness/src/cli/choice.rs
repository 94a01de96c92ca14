//! Flags that take one of a few words.

use clap::ValueEnum;
use lsps1_scenarios::dialect::Dialect;

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum TransportArg {
    /// Lightning custom messages (bLIP-50)
    P2p,
    /// HTTP
    Rest,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ProfileArg {
    Strict,
    Compat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DialectArg {
    /// Found out by a few messages
    Auto,
    /// LSPS1 of 2023
    D0,
    /// LSPS1 of April and May 2024
    D1,
    /// LSPS1 of mid-2024
    D2,
    /// bLIP-51
    D3,
    /// The published REST page of June 2024
    RestSeed,
}

impl DialectArg {
    pub(super) const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::D0 => Some(Dialect::D0),
            Self::D1 => Some(Dialect::D1),
            Self::D2 => Some(Dialect::D2),
            Self::D3 => Some(Dialect::D3),
            Self::RestSeed => Some(Dialect::RestSeed),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum NetworkArg {
    Mainnet,
    Testnet,
    Signet,
    Regtest,
}

impl NetworkArg {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }
}
