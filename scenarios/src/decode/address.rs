//! `LSPS0.onchain_address`: a SegWit address (bLIP-50, Common Schemas).

use std::str::FromStr;

use bitcoin::address::{Address, NetworkUnchecked};
use bitcoin::{Network, WitnessVersion};

/// Why a text is no SegWit address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address.
    #[error("it isn't an address: {0}")]
    Unreadable(String),
    /// It is an address of another kind.
    #[error("it isn't a SegWit address")]
    NotSegwit,
}

/// A SegWit address that was read.
#[derive(Clone, Debug)]
pub struct SegwitAddress {
    address: Address<NetworkUnchecked>,
    version: WitnessVersion,
    program_length: usize,
}

impl SegwitAddress {
    /// Whether it is a P2WPKH, P2WSH or P2TR address.
    pub fn is_common_kind(&self) -> bool {
        matches!(
            (self.version, self.program_length),
            (WitnessVersion::V0, 20 | 32) | (WitnessVersion::V1, 32)
        )
    }

    /// Whether it is one of this network; test networks share their addresses.
    pub fn is_valid_on(&self, network: Network) -> bool {
        self.address.is_valid_for_network(network)
    }
}

/// Reads a SegWit address: version 0 in bech32, later versions in bech32m.
///
/// # Errors
///
/// If the checksum is wrong, or it isn't a SegWit address.
pub fn read(text: &str) -> Result<SegwitAddress, AddressError> {
    let address: Address<NetworkUnchecked> =
        Address::from_str(text).map_err(|error| AddressError::Unreadable(error.to_string()))?;
    let script = address.assume_checked_ref().script_pubkey();
    let version = script.witness_version().ok_or(AddressError::NotSegwit)?;
    // The script is the version, the length of the program, and the program.
    Ok(SegwitAddress { version, program_length: script.len().saturating_sub(2), address })
}

/// The network of that name, as bitcoind and the scenarios name it.
pub fn network(name: &str) -> Option<Network> {
    match name {
        "main" | "mainnet" | "bitcoin" => Some(Network::Bitcoin),
        "test" | "testnet" | "testnet3" => Some(Network::Testnet),
        "testnet4" => Some(Network::Testnet4),
        "signet" | "mutinynet" => Some(Network::Signet),
        "regtest" => Some(Network::Regtest),
        _ => None,
    }
}

/// How addresses begin on the network of that name.
pub fn prefix(network: &str) -> Option<&'static str> {
    match self::network(network)? {
        Network::Bitcoin => Some("bc"),
        Network::Regtest => Some("bcrt"),
        _ => Some("tb"),
    }
}

/// How addresses begin on the network that the invoice is for.
pub fn prefix_of_invoice(invoice: &str) -> Option<&'static str> {
    let invoice = invoice.to_ascii_lowercase();
    let known = [("lnbcrt", "bcrt"), ("lntb", "tb"), ("lnbc", "bc")];
    known.into_iter().find(|(start, _)| invoice.starts_with(start)).map(|(_, prefix)| prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_follow_the_network_by_name_or_by_invoice() {
        assert_eq!(
            ["mainnet", "mutinynet", "regtest", "moon"].map(prefix),
            [Some("bc"), Some("tb"), Some("bcrt"), None]
        );
        assert_eq!(
            ["LNBC1", "lntbs1", "lnbcrt1", "lno1"].map(prefix_of_invoice),
            [Some("bc"), Some("tb"), Some("bcrt"), None]
        );
    }

    #[test]
    fn kinds_and_networks_are_told_apart() {
        let wpkh = read("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4").unwrap();
        assert!(
            wpkh.is_common_kind()
                && wpkh.is_valid_on(Network::Bitcoin)
                && !wpkh.is_valid_on(Network::Regtest)
        );
        let taproot =
            read("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr").unwrap();
        assert!(taproot.is_common_kind());
        let future = read("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs").unwrap();
        assert!(!future.is_common_kind());
        assert_eq!(
            read("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa").unwrap_err(),
            AddressError::NotSegwit
        );
        for wrong in [
            "",
            "nope",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5",
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
        ] {
            assert!(matches!(read(wrong), Err(AddressError::Unreadable(_))), "{wrong}");
        }
    }
}
