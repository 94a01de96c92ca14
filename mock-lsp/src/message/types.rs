//! The common schemas of bLIP-50 that LSPS1 uses.
//!
//! Readers give what is wrong as a text that follows the parameter's name.

use std::str::FromStr;

use bitcoin::address::NetworkUnchecked;
use bitcoin::secp256k1::PublicKey;
use bitcoin::{Address, Network};
use jiff::Timestamp;
use serde_json::Value;

/// What a reader gives.
pub(crate) type Read<T> = Result<T, &'static str>;

/// Reads an LSPS0.sat: a string of decimal digits, without sign, leading zeros or white space, up to 2^64 - 1.
pub(crate) fn read_sat(value: &Value) -> Read<u64> {
    let text = value.as_str().ok_or("has to be a string of decimal digits")?;
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("has to be a string of decimal digits");
    }
    if text.len() > 1 && text.starts_with('0') {
        return Err("must not have leading zeros");
    }
    text.parse().map_err(|_| "has to be at most 18446744073709551615")
}

/// Writes an LSPS0.sat.
pub(crate) fn write_sat(sat: u64) -> Value {
    sat.to_string().into()
}

/// Reads an integer of 16 bits.
pub(crate) fn read_u16(value: &Value) -> Read<u16> {
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number.ok_or("has to be an integer from 0 to 65535")
}

/// Reads an integer of 32 bits.
pub(crate) fn read_u32(value: &Value) -> Read<u32> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or("has to be an integer from 0 to 4294967295")
}

/// Reads a boolean.
pub(crate) fn read_bool(value: &Value) -> Read<bool> {
    value.as_bool().ok_or("has to be true or false")
}

/// Reads a string.
pub(crate) fn read_string(value: &Value) -> Read<String> {
    value.as_str().map(str::to_owned).ok_or("has to be a string")
}

/// Reads an LSPS0.pubkey: 66 hex digits of either case, a point on the curve.
pub(crate) fn read_public_key(value: &Value) -> Read<PublicKey> {
    let text = value.as_str().ok_or("has to be a string of 66 hex digits")?;
    if text.len() != 66 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("has to be a string of 66 hex digits");
    }
    PublicKey::from_str(&text.to_ascii_lowercase())
        .map_err(|_| "has to be a point on the curve secp256k1")
}

/// Reads an LSPS0.onchain_address: a SegWit address of the network, bech32 for version 0 and bech32m for later ones.
pub(crate) fn read_address(value: &Value, network: Network) -> Read<String> {
    let text = value.as_str().ok_or("has to be a string with a SegWit address")?;
    let address =
        Address::<NetworkUnchecked>::from_str(text).map_err(|_| "has to be a SegWit address")?;
    let address = address
        .require_network(network)
        .map_err(|_| "has to be an address of the LSP's network")?;
    if address.witness_program().is_none() {
        return Err("has to be a SegWit address");
    }
    Ok(text.to_owned())
}

/// Writes an LSPS0.datetime: UTC, with exactly three digits after the second.
pub(crate) fn write_datetime(time: Timestamp) -> Value {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn sat_strings_are_read_to_the_letter() {
        for (text, sat) in [
            ("0", 0),
            ("1", 1),
            ("9007199254740993", 9_007_199_254_740_993),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(read_sat(&json!(text)), Ok(sat));
            assert_eq!(write_sat(sat), json!(text));
        }
        let bad = [
            "",
            "-1",
            "1.5",
            "1e5",
            "+1",
            " 1",
            "1 ",
            "0x10",
            "abc",
            "007",
            "1,000",
            "١",
            "18446744073709551616",
        ];
        for text in bad {
            assert!(read_sat(&json!(text)).is_err(), "{text:?}");
        }
        assert!(read_sat(&json!(100_000)).is_err() && read_sat(&Value::Null).is_err());
    }

    #[test]
    fn counters_are_integers_of_their_size() {
        assert_eq!(read_u16(&json!(65_535)), Ok(u16::MAX));
        assert_eq!(read_u32(&json!(4_294_967_295_u32)), Ok(u32::MAX));
        for bad in [
            json!("6"),
            json!(-1),
            json!(1.5),
            json!(6.0),
            json!(65_536),
            json!(true),
            Value::Null,
            json!([]),
        ] {
            assert!(read_u16(&bad).is_err(), "{bad}");
        }
        assert!(read_u32(&json!(4_294_967_296_u64)).is_err());
    }

    #[test]
    fn addresses_are_segwit_and_of_the_network() {
        let regtest = [
            "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
            "BCRT1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KYGT080",
        ];
        for text in regtest {
            assert_eq!(read_address(&json!(text), Network::Regtest), Ok(text.to_owned()), "{text}");
        }
        let mainnet = [
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
            "bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        ];
        for text in mainnet {
            assert!(read_address(&json!(text), Network::Bitcoin).is_ok(), "{text}");
            assert!(read_address(&json!(text), Network::Regtest).is_err(), "{text}");
        }
        let bad = [
            "",
            "nope",
            "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", // version 0 in bech32m
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", // version 1 in bech32
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", // checksum
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kV8F3T4", // mixed case
        ];
        for text in bad {
            assert!(read_address(&json!(text), Network::Bitcoin).is_err(), "{text}");
        }
        assert!(
            read_address(&json!("2N3oefVeg6stiTb5Kh3ozCSkaqmx91FDbsm"), Network::Regtest).is_err()
        );
    }

    #[test]
    fn public_keys_are_on_the_curve() {
        let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";
        assert_eq!(read_public_key(&json!(key)), read_public_key(&json!(key.to_uppercase())));
        assert!(read_public_key(&json!(key)).is_ok());
        let off_curve = format!("02{}05", "00".repeat(31));
        for bad in [&off_curve, &key[..64], &format!("04{}", &key[2..]), "", "zz"] {
            assert!(read_public_key(&json!(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn datetimes_have_three_digits() {
        let time = |text: &str| write_datetime(text.parse().unwrap());
        assert_eq!(time("2026-03-01T00:00:00Z"), json!("2026-03-01T00:00:00.000Z"));
        assert_eq!(time("2026-03-01T01:02:03.0459Z"), json!("2026-03-01T01:02:03.045Z"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC*") {
            let value = Value::String(text);
            let _ = (read_sat(&value), read_public_key(&value), read_address(&value, Network::Regtest));
        }

        #[test]
        fn sat_round_trips(sat in any::<u64>()) {
            prop_assert_eq!(read_sat(&write_sat(sat)), Ok(sat));
        }

        #[test]
        fn datetimes_keep_their_form(millis in -62_000_000_000_000_i64..253_000_000_000_000) {
            let time = Timestamp::from_millisecond(millis).unwrap();
            let text = write_datetime(time);
            let text = text.as_str().unwrap();
            prop_assert_eq!(text.len(), "2026-03-01T00:00:00.000Z".len(), "{}", text);
            prop_assert_eq!(text.parse::<Timestamp>().unwrap(), time);
        }
    }
}
