//! `LSPS0.sat`: an amount as a string of decimal digits (bLIP-50, Common Schemas).

use serde_json::Value;

/// Why a value is no `LSPS0.sat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SatError {
    /// It isn't a JSON string.
    #[error("it isn't a string")]
    NotAString,
    /// It has a minus sign.
    #[error("it is negative")]
    Negative,
    /// It has other characters than decimal digits, or none.
    #[error("it isn't made of decimal digits")]
    NotDecimal,
    /// It has more digits than an unsigned 64-bit integer.
    #[error("it is more than 18446744073709551615")]
    TooLarge,
}

/// An amount that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sat {
    /// The amount, in satoshi.
    pub amount: u64,
    /// Whether it is written without needless zeros in front.
    pub canonical: bool,
}

/// Reads an `LSPS0.sat`.
///
/// # Errors
///
/// If `value` isn't one. Zeros in front are no error here, since they have a rule of their own.
pub fn read(value: &Value) -> Result<Sat, SatError> {
    let digits = value.as_str().ok_or(SatError::NotAString)?;
    if let Some(rest) = digits.strip_prefix('-')
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(SatError::Negative);
    }
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SatError::NotDecimal);
    }
    // Only overflow is left to go wrong.
    let amount = digits.parse().map_err(|_| SatError::TooLarge)?;
    Ok(Sat { amount, canonical: digits == "0" || !digits.starts_with('0') })
}

/// The amount in an `LSPS0.sat`, if `value` is one.
pub fn amount(value: &Value) -> Option<u64> {
    read(value).ok().map(|sat| sat.amount)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_read_exactly() {
        assert_eq!(read(&json!("0")), Ok(Sat { amount: 0, canonical: true }));
        assert_eq!(
            read(&json!("18446744073709551615")),
            Ok(Sat { amount: u64::MAX, canonical: true })
        );
        assert_eq!(read(&json!("007")), Ok(Sat { amount: 7, canonical: false }));
        assert_eq!(read(&json!("00")), Ok(Sat { amount: 0, canonical: false }));
        assert_eq!(read(&json!("18446744073709551616")), Err(SatError::TooLarge));
        assert_eq!(read(&json!("-1")), Err(SatError::Negative));
        for text in ["", "-", "1e6", "1.0", "1,000", " 1", "+1", "0x10", "１"] {
            assert_eq!(read(&json!(text)), Err(SatError::NotDecimal), "{text}");
        }
        for value in [json!(1), json!(null), json!(1.5)] {
            assert_eq!(read(&value), Err(SatError::NotAString));
        }
    }
}
