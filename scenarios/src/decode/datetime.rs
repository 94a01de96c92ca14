//! `LSPS0.datetime`: a point in time as `YYYY-MM-DDThh:mm:ss.uuuZ` (bLIP-50, Common Schemas).

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Why a text is no `LSPS0.datetime`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatetimeError {
    /// It has another form.
    #[error("it hasn't the form YYYY-MM-DDThh:mm:ss.uuuZ")]
    Form,
    /// There is no such day or time.
    #[error("there is no such day or time")]
    NoSuchTime,
}

/// A point in time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datetime {
    /// The point in time.
    pub at: Timestamp,
    /// Whether it has exactly three digits of fraction, as it has to.
    pub exact: bool,
}

/// Reads an `LSPS0.datetime`. A fraction of other than three digits (or none) is read and told apart, since it is a
/// known deviation; another zone than `Z`, another separator or lower-case letters are not.
///
/// # Errors
///
/// If the text has another form, or no such time exists.
pub fn read(text: &str) -> Result<Datetime, DatetimeError> {
    let local = text.strip_suffix('Z').ok_or(DatetimeError::Form)?;
    let (seconds, fraction) = match local.split_once('.') {
        Some((seconds, fraction)) => (seconds, Some(fraction)),
        None => (local, None),
    };
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let fits = seconds.len() == pattern.len()
        && seconds.bytes().zip(pattern).all(|(byte, place)| match place {
            b'd' => byte.is_ascii_digit(),
            literal => byte == *literal,
        });
    let fraction_fits = fraction.is_none_or(|digits| {
        (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if !fits || !fraction_fits {
        return Err(DatetimeError::Form);
    }
    let civil: DateTime = local.parse().map_err(|_| DatetimeError::NoSuchTime)?;
    let at = civil.to_zoned(TimeZone::UTC).map_err(|_| DatetimeError::NoSuchTime)?.timestamp();
    Ok(Datetime { at, exact: fraction.is_some_and(|digits| digits.len() == 3) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_form_is_told_from_others() {
        let read_at = read("2026-02-28T23:59:59.999Z").unwrap();
        assert!(read_at.exact);
        assert_eq!(read_at.at.as_millisecond(), 1_772_323_199_999);
        for other in
            ["2025-01-01T00:00:00Z", "2025-01-01T00:00:00.1Z", "2025-01-01T00:00:00.123456789Z"]
        {
            assert!(!read(other).unwrap().exact, "{other}");
        }
        for wrong in [
            "2025-01-01T00:00:00.000+00:00",
            "2025-01-01 00:00:00.000Z",
            "2025-01-01t00:00:00.000z",
            "20250101T000000.000Z",
            "2025-01-01T00:00:00.Z",
            "2025-1-01T00:00:00.000Z",
            "1735689600",
            "",
            "Z",
            "２025-01-01T00:00:00.000Z",
        ] {
            assert_eq!(read(wrong), Err(DatetimeError::Form), "{wrong}");
        }
        for impossible in
            ["2025-02-29T00:00:00.000Z", "2025-13-01T00:00:00.000Z", "2025-01-01T24:00:00.000Z"]
        {
            assert_eq!(read(impossible), Err(DatetimeError::NoSuchTime), "{impossible}");
        }
    }
}
