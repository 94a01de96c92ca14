//! The expression language: minijinja, strict about what isn't there, with filters of our own.

use std::sync::{Arc, LazyLock};

use minijinja::value::{Value as JinjaValue, ValueKind};
use minijinja::{Environment, Error as JinjaError, ErrorKind, UndefinedBehavior};
use serde_json::Value;

use super::value::{Place, to_json};
use crate::known;

pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.add_filter("int", int);
    environment.add_filter("known_options", |value: &JinjaValue| known(value, known::options));
    environment.add_filter("known_members", |value: &JinjaValue| known(value, known::order));
    environment.add_filter("known_terms", |value: &JinjaValue| known(value, known::terms));
    environment.add_filter("string", string);
    environment
});

/// Exact integer of an integer or a string of decimal digits. The built-in filter goes through floating point for
/// what it can't read and takes a missing value for 0.
fn int(value: &JinjaValue) -> Result<JinjaValue, JinjaError> {
    if value.is_integer() {
        return Ok(value.clone());
    }
    let digits = value.as_str().ok_or_else(|| {
        JinjaError::new(
            ErrorKind::InvalidOperation,
            format!("{} {value} isn't an integer", value.kind()),
        )
    })?;
    let number: Option<i128> = match digits.strip_prefix('-').unwrap_or(digits) {
        "" => None,
        unsigned if unsigned.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    number.map(JinjaValue::from).ok_or_else(|| {
        JinjaError::new(ErrorKind::InvalidOperation, format!("{digits:?} isn't an integer"))
    })
}

/// What bLIP-51 knows of a get_info result or an order.
fn known(value: &JinjaValue, part: fn(&Value) -> Value) -> Result<JinjaValue, JinjaError> {
    let value = to_json(value).ok_or_else(|| {
        JinjaError::new(ErrorKind::InvalidOperation, format!("{} has no JSON form", value.kind()))
    })?;
    let root = Arc::new(part(&value));
    let name = "what is known".to_owned();
    Ok(Place::whole(root, name, Arc::default()).into_jinja())
}

/// Text of a scalar; integers in decimal digits.
fn string(value: &JinjaValue) -> Result<JinjaValue, JinjaError> {
    match value.kind() {
        ValueKind::Undefined => {
            Err(JinjaError::new(ErrorKind::UndefinedError, "there is no value to make text of"))
        }
        _ => Ok(JinjaValue::from(value.to_string())),
    }
}
