//! Saved documents as expressions see them, and values of expressions as JSON.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value as JinjaValue, ValueKind};
use minijinja::{Error as JinjaError, State};
use serde_json::{Map, Number, Value};

use super::scope::Draws;

/// The paths that were looked up and not found.
#[derive(Debug, Default)]
pub(super) struct Misses(Mutex<Vec<String>>);

impl Misses {
    pub(super) fn add(&self, path: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }

    pub(super) fn first(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).first().cloned()
    }
}

/// An object or array within a saved document.
#[derive(Clone, Debug)]
pub(super) struct Place {
    root: Arc<Value>,
    /// RFC 6901.
    pointer: String,
    /// As written in expressions, for messages.
    name: String,
    misses: Arc<Misses>,
}

impl Place {
    /// A whole document, called `name` in expressions.
    pub(super) fn whole(root: Arc<Value>, name: String, misses: Arc<Misses>) -> Self {
        Self { root, pointer: String::new(), name, misses }
    }

    fn value(&self) -> &Value {
        self.root.pointer(&self.pointer).unwrap_or(&Value::Null)
    }

    pub(super) fn into_jinja(self) -> JinjaValue {
        match self.value() {
            Value::Null => JinjaValue::from(()),
            Value::Bool(value) => JinjaValue::from(*value),
            Value::Number(number) => number_to_jinja(number),
            Value::String(text) => JinjaValue::from(text.as_str()),
            Value::Array(_) | Value::Object(_) => JinjaValue::from_object(self),
        }
    }
}

fn number_to_jinja(number: &Number) -> JinjaValue {
    if let Some(number) = number.as_u64() {
        return JinjaValue::from(number);
    }
    match number.as_i64() {
        Some(number) => JinjaValue::from(number),
        None => JinjaValue::from(number.as_f64().unwrap_or(f64::NAN)),
    }
}

impl Object for Place {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        if self.value().is_array() { ObjectRepr::Seq } else { ObjectRepr::Map }
    }

    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        let (token, name) = match key.as_str() {
            Some(key) => {
                (key.replace('~', "~0").replace('/', "~1"), format!("{}.{key}", self.name))
            }
            None => (key.as_usize()?.to_string(), format!("{}[{key}]", self.name)),
        };
        let pointer = format!("{}/{token}", self.pointer);
        if self.root.pointer(&pointer).is_none() {
            self.misses.add(name);
            return None;
        }
        Some(
            Self { root: self.root.clone(), pointer, name, misses: self.misses.clone() }
                .into_jinja(),
        )
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.value() {
            Value::Array(items) => Enumerator::Seq(items.len()),
            Value::Object(map) => Enumerator::Values(map.keys().map(JinjaValue::from).collect()),
            _ => Enumerator::Empty,
        }
    }
}

/// A drawn value: its first as it is, the next one where it is called.
#[derive(Debug)]
pub(super) struct Drawn(pub(super) Arc<Draws>);

impl Object for Drawn {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        _args: &[JinjaValue],
    ) -> Result<JinjaValue, JinjaError> {
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.saturating_add(1).min(self.0.values.len().saturating_sub(1));
        Ok(JinjaValue::from(self.0.values.get(*next).cloned().unwrap_or_default()))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.values.first().map_or("", String::as_str))
    }
}

/// JSON of a value; `None` if it has none, such as an integer beyond 64 bits.
pub(super) fn to_json(value: &JinjaValue) -> Option<Value> {
    match value.kind() {
        ValueKind::None => Some(Value::Null),
        ValueKind::Bool => Some(Value::Bool(value.is_true())),
        ValueKind::Number if value.is_integer() => {
            let number = i128::try_from(value.clone()).ok()?;
            Number::from_i128(number).map(Value::Number)
        }
        ValueKind::Number => {
            Number::from_f64(f64::try_from(value.clone()).ok()?).map(Value::Number)
        }
        ValueKind::String => value.as_str().map(Value::from),
        ValueKind::Seq | ValueKind::Iterable => value
            .try_iter()
            .ok()?
            .map(|item| to_json(&item))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter().ok()? {
                map.insert(key.to_string(), to_json(&value.get_item(&key).ok()?)?);
            }
            Some(Value::Object(map))
        }
        ValueKind::Plain => Some(Value::String(value.to_string())),
        _ => None,
    }
}
