//! The names that expressions can use, and what they stand for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The names that expressions can use.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub(super) variables: BTreeMap<String, Variable>,
}

#[derive(Clone, Debug)]
pub(super) enum Variable {
    Json(Arc<Value>),
    /// A value that is drawn anew by `name()`; `name` alone is the first of them.
    Drawn(Arc<Draws>),
}

/// The values of such a variable, and which comes next.
#[derive(Debug)]
pub(super) struct Draws {
    pub(super) values: Vec<String>,
    pub(super) next: Mutex<usize>,
}

impl Scope {
    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.variables.insert(name.into(), Variable::Json(Arc::new(value)));
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    /// Sets a drawn value: `name` is the first of `values`, each `name()` the next one, the last one repeated.
    pub fn set_drawn(&mut self, name: impl Into<String>, values: Vec<String>) {
        let draws = Draws { values, next: Mutex::new(0) };
        self.variables.insert(name.into(), Variable::Drawn(Arc::new(draws)));
    }

    /// The value of a variable that isn't drawn.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self.variables.get(name) {
            Some(Variable::Json(value)) => Some(value),
            _ => None,
        }
    }
}
