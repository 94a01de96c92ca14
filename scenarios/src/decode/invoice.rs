//! BOLT 11 invoices.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use lightning_invoice::{Bolt11Invoice, Currency};

/// A text that is no BOLT 11 invoice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it isn't a BOLT 11 invoice: {0}")]
pub struct InvoiceError(String);

/// What an invoice says, signature and checksum verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Amount, in millisatoshi.
    pub amount_msat: Option<u64>,
    /// Payment hash, in lower-case hexadecimal.
    pub payment_hash: String,
    /// Until when it can be paid.
    pub expires_at: Option<Timestamp>,
    currency: Currency,
}

impl Invoice {
    /// Whether the invoice's prefix is the one of this network. `None` if the network isn't known.
    pub fn is_for_network(&self, network: &str) -> Option<bool> {
        let expected: &[Currency] = match network {
            "main" | "mainnet" | "bitcoin" => &[Currency::Bitcoin],
            "test" | "testnet" | "testnet3" | "testnet4" => &[Currency::BitcoinTestnet],
            // Custom signets use the prefix of testnet as well.
            "mutinynet" => &[Currency::Signet, Currency::BitcoinTestnet],
            "signet" => &[Currency::Signet],
            "regtest" => &[Currency::Regtest],
            _ => return None,
        };
        Some(expected.contains(&self.currency))
    }
}

/// Reads an invoice.
///
/// # Errors
///
/// If checksum, signature or a mandatory field is wrong.
pub fn read(text: &str) -> Result<Invoice, InvoiceError> {
    let invoice = Bolt11Invoice::from_str(text).map_err(|error| InvoiceError(error.to_string()))?;
    let expires_at = invoice
        .duration_since_epoch()
        .checked_add(invoice.expiry_time())
        .and_then(|since: Duration| i64::try_from(since.as_secs()).ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    Ok(Invoice {
        amount_msat: invoice.amount_milli_satoshis(),
        payment_hash: invoice.payment_hash().to_string(),
        expires_at,
        currency: invoice.currency(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use bitcoin::hashes::{Hash, sha256};
    use bitcoin::secp256k1::{Secp256k1, SecretKey};
    use lightning_invoice::{InvoiceBuilder, PaymentSecret};

    use super::*;

    /// An invoice with a genuine signature.
    pub(crate) fn make(
        amount_msat: Option<u64>,
        currency: Currency,
        hash: u8,
        at: Duration,
        expiry: Duration,
    ) -> String {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        let builder = InvoiceBuilder::new(currency)
            .description("channel".into())
            .payment_hash(sha256::Hash::hash(&[hash]))
            .payment_secret(PaymentSecret([hash; 32]))
            .duration_since_epoch(at)
            .expiry_time(expiry)
            .min_final_cltv_expiry_delta(144);
        let sign = |message: &_| Secp256k1::new().sign_ecdsa_recoverable(message, &key);
        match amount_msat {
            Some(amount) => builder.amount_milli_satoshis(amount).build_signed(sign),
            None => builder.build_signed(sign),
        }
        .unwrap()
        .to_string()
    }

    #[test]
    fn invoices_are_read_and_verified() {
        let day = Duration::from_secs(86_400);
        let text = make(Some(1_000), Currency::Regtest, 1, day, day);
        let invoice = read(&text).unwrap();
        assert_eq!(invoice.amount_msat, Some(1_000));
        assert_eq!(invoice.expires_at, Timestamp::from_second(2 * 86_400).ok());
        assert_eq!(invoice.is_for_network("regtest"), Some(true));
        assert_eq!(invoice.is_for_network("mainnet"), Some(false));
        assert_eq!(invoice.is_for_network("nonet"), None);
        let mut broken = text.clone();
        broken.replace_range(20..21, if &text[20..21] == "q" { "p" } else { "q" });
        assert!(read(&broken).is_err());
        assert!(read("").is_err());
    }
}
