//! BOLT 12 offers.

use std::str::FromStr;

use bitcoin::Network;
use bitcoin::constants::ChainHash;
use jiff::Timestamp;
use lightning::offers::offer::{Amount, Offer as Bolt12Offer};

/// A text that is no BOLT 12 offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it isn't a BOLT 12 offer: {0}")]
pub struct OfferError(String);

/// What an offer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Amount, in millisatoshi; `None` if the payer chooses it, or if it is in another currency.
    pub amount_msat: Option<u64>,
    /// Until when it can be paid, if it ends.
    pub expires_at: Option<Timestamp>,
    chains: Vec<ChainHash>,
}

impl Offer {
    /// Whether the offer can be paid on this network. `None` if the network isn't known.
    pub fn is_for_network(&self, network: &str) -> Option<bool> {
        let network = match network {
            "main" | "mainnet" | "bitcoin" => Network::Bitcoin,
            "test" | "testnet" | "testnet3" => Network::Testnet,
            "testnet4" => Network::Testnet4,
            "signet" => Network::Signet,
            "regtest" => Network::Regtest,
            // Custom signets don't agree on the hash of their chain.
            _ => return None,
        };
        Some(self.chains.contains(&ChainHash::using_genesis_block(network)))
    }
}

/// Reads an offer.
///
/// # Errors
///
/// If it isn't bech32 without a checksum, its records are out of order or unknown, or it lacks what an offer has to
/// have.
pub fn read(text: &str) -> Result<Offer, OfferError> {
    let offer = Bolt12Offer::from_str(text).map_err(|error| OfferError(format!("{error:?}")))?;
    let expires_at = offer
        .absolute_expiry()
        .and_then(|since| i64::try_from(since.as_secs()).ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let amount_msat = match offer.amount() {
        Some(Amount::Bitcoin { amount_msats }) => Some(amount_msats),
        Some(Amount::Currency { .. }) | None => None,
    };
    Ok(Offer { amount_msat, expires_at, chains: offer.chains() })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use bitcoin::secp256k1::{PublicKey, Secp256k1, SecretKey};
    use lightning::offers::offer::OfferBuilder;

    use super::*;

    pub(crate) fn make(network: Network, amount_msat: u64, end_s: u64) -> String {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        let builder = OfferBuilder::new(PublicKey::from_secret_key(&Secp256k1::new(), &key));
        let builder = builder.chain(network).description("channel".into());
        let builder = builder.absolute_expiry(Duration::from_secs(end_s));
        builder.amount_msats(amount_msat).build().unwrap().to_string()
    }

    #[test]
    fn an_offer_is_read() {
        let offer = read(&make(Network::Regtest, 20_100_000, 1_795_345_200)).unwrap();
        assert_eq!(offer.amount_msat, Some(20_100_000));
        assert_eq!(offer.expires_at, Some(Timestamp::from_second(1_795_345_200).unwrap()));
        assert_eq!(offer.is_for_network("regtest"), Some(true));
        assert_eq!(offer.is_for_network("mainnet"), Some(false));
        assert_eq!(offer.is_for_network("mutinynet"), None);
    }

    #[test]
    fn what_is_no_offer_is_refused() {
        for text in ["", "lno1", "lno1qqqqqqqq", "lnbc1", "LNO1é"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
