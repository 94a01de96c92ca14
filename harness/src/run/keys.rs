//! Keys and addresses that nobody has seen before.

use bitcoin::key::{CompressedPublicKey, Secp256k1};
use bitcoin::secp256k1::{PublicKey, SecretKey};

/// The public key of a node that nobody has seen before.
pub(super) fn fresh_key() -> PublicKey {
    loop {
        // All but a negligible number of 32-byte strings are secret keys.
        if let Ok(secret) = SecretKey::from_slice(&rand::random::<[u8; 32]>()) {
            return secret.public_key(&Secp256k1::signing_only());
        }
    }
}

/// A P2WPKH address of `key` on the chain called `network`.
pub(super) fn refund_address(network: &str, key: PublicKey) -> Option<String> {
    let network = match network {
        "mainnet" => bitcoin::Network::Bitcoin,
        other => other.parse().ok()?,
    };
    Some(bitcoin::Address::p2wpkh(&CompressedPublicKey(key), network).to_string())
}
