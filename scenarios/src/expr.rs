//! Expressions in scenarios: minijinja over saved documents, with exact integers.
//!
//! What isn't there is an error, never an empty value: an expectation about something that is missing has to be
//! inconclusive instead of holding by accident. Who wants to ask for presence writes `is defined`.

mod environment;
mod scope;
mod value;

use std::sync::Arc;

use minijinja::Error as JinjaError;
use minijinja::value::{Enumerator, Object, Value as JinjaValue};
use serde_json::{Map, Value};

use environment::ENVIRONMENT;
pub use scope::Scope;
use scope::Variable;
use value::{Drawn, Misses, Place, to_json};

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExprError {
    /// It can't be parsed.
    #[error("expression `{expression}` can't be read: {message}")]
    Syntax {
        /// The expression.
        expression: String,
        /// What the parser says.
        message: String,
    },
    /// It uses something that isn't there.
    #[error("expression `{expression}` needs {missing}, which isn't there")]
    Missing {
        /// The expression.
        expression: String,
        /// The path that was looked up.
        missing: String,
    },
    /// It can't be computed with the values that are there.
    #[error("expression `{expression}` can't be computed: {message}")]
    Evaluation {
        /// The expression.
        expression: String,
        /// What went wrong.
        message: String,
    },
}

/// Whether `expression` (without braces) can be parsed.
///
/// # Errors
///
/// What the parser says.
pub fn check_expression(expression: &str) -> Result<(), ExprError> {
    ENVIRONMENT.compile_expression(expression).map(drop).map_err(|error| syntax(expression, &error))
}

/// Whether the expressions in `text` can be parsed.
///
/// # Errors
///
/// What the parser says.
pub fn check_text(text: &str) -> Result<(), ExprError> {
    match single_expression(text) {
        Some(expression) => check_expression(expression),
        None if text.contains("{{") || text.contains("{%") => {
            ENVIRONMENT.template_from_str(text).map(drop).map_err(|error| syntax(text, &error))
        }
        None => Ok(()),
    }
}

/// Evaluates a boolean expression.
///
/// # Errors
///
/// If it can't be computed, or isn't boolean.
pub fn holds(expression: &str, scope: &Scope) -> Result<bool, ExprError> {
    let value = evaluate(expression, scope)?;
    bool::try_from(value.clone()).map_err(|_| ExprError::Evaluation {
        expression: expression.into(),
        message: format!("its value is {value}, neither true nor false"),
    })
}

/// Renders the expressions in all strings of `value`. A string that is exactly one `{{ expression }}` becomes the
/// expression's value, and a decimal string if it is an integer and its key ends in `_sat`.
///
/// # Errors
///
/// If an expression can't be computed.
pub fn render_json(value: &Value, scope: &Scope) -> Result<Value, ExprError> {
    render_member("", value, scope)
}

/// [`render_json`] for the members of an object.
///
/// # Errors
///
/// If an expression can't be computed.
pub fn render_map(
    map: &Map<String, Value>,
    scope: &Scope,
) -> Result<Map<String, Value>, ExprError> {
    map.iter().map(|(key, value)| Ok((key.clone(), render_member(key, value, scope)?))).collect()
}

/// Renders the expressions in `text`; the result is text.
///
/// # Errors
///
/// If an expression can't be computed.
pub fn render_text(text: &str, scope: &Scope) -> Result<String, ExprError> {
    if let Some(expression) = single_expression(text) {
        return evaluate(expression, scope).map(|value| value.to_string());
    }
    if !text.contains("{{") && !text.contains("{%") {
        return Ok(text.into());
    }
    let misses = Arc::new(Misses::default());
    let root = JinjaValue::from_object(Root { scope: scope.clone(), misses: misses.clone() });
    let rendered =
        ENVIRONMENT.render_str(text, root).map_err(|error| failure(text, &misses, &error))?;
    refuse_misses(text, &misses)?;
    Ok(rendered)
}

fn render_member(key: &str, value: &Value, scope: &Scope) -> Result<Value, ExprError> {
    match value {
        Value::String(text) => match single_expression(text) {
            Some(expression) => {
                let value = evaluate(expression, scope)?;
                if key.ends_with("_sat") && value.is_integer() {
                    return Ok(Value::String(value.to_string()));
                }
                to_json(&value).ok_or_else(|| ExprError::Evaluation {
                    expression: expression.into(),
                    message: format!("its value {value} has no JSON form"),
                })
            }
            None => render_text(text, scope).map(Value::String),
        },
        Value::Array(items) => items
            .iter()
            .map(|item| render_member(key, item, scope))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Value::Object(map) => render_map(map, scope).map(Value::Object),
        plain => Ok(plain.clone()),
    }
}

/// The expression of a text that is nothing but `{{ expression }}`.
fn single_expression(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inner.contains("{{") && !inner.contains("}}")).then(|| inner.trim())
}

fn evaluate(expression: &str, scope: &Scope) -> Result<JinjaValue, ExprError> {
    let compiled =
        ENVIRONMENT.compile_expression(expression).map_err(|error| syntax(expression, &error))?;
    let misses = Arc::new(Misses::default());
    let root = JinjaValue::from_object(Root { scope: scope.clone(), misses: misses.clone() });
    let value = compiled.eval(root).map_err(|error| failure(expression, &misses, &error))?;
    refuse_misses(expression, &misses)?;
    if value.is_undefined() {
        return Err(ExprError::Missing {
            expression: expression.into(),
            missing: "a value".into(),
        });
    }
    Ok(value)
}

fn syntax(expression: &str, error: &JinjaError) -> ExprError {
    ExprError::Syntax { expression: expression.into(), message: describe(error) }
}

fn failure(expression: &str, misses: &Misses, error: &JinjaError) -> ExprError {
    match misses.first() {
        Some(missing) => ExprError::Missing { expression: expression.into(), missing },
        None => ExprError::Evaluation { expression: expression.into(), message: describe(error) },
    }
}

fn describe(error: &JinjaError) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// minijinja lets undefined values be compared. An expression that asks for presence deals with it itself.
fn refuse_misses(expression: &str, misses: &Misses) -> Result<(), ExprError> {
    let asks_for_presence = ["is defined", "is not defined", "is undefined", "default("];
    match misses.first() {
        Some(missing) if !asks_for_presence.iter().any(|words| expression.contains(words)) => {
            Err(ExprError::Missing { expression: expression.into(), missing })
        }
        _ => Ok(()),
    }
}

/// The outermost names.
#[derive(Debug)]
struct Root {
    scope: Scope,
    misses: Arc<Misses>,
}

impl Object for Root {
    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        let name = key.as_str()?;
        match self.scope.variables.get(name) {
            Some(Variable::Json(value)) => {
                let misses = self.misses.clone();
                Some(Place::whole(value.clone(), name.into(), misses).into_jinja())
            }
            Some(Variable::Drawn(draws)) => Some(JinjaValue::from_object(Drawn(draws.clone()))),
            None => {
                // Functions of the environment (`range`, …) are looked up here first.
                if ENVIRONMENT.globals().all(|(global, _)| global != name) {
                    self.misses.add(name.into());
                }
                None
            }
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.scope.variables.keys().map(JinjaValue::from).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        let mut scope = Scope::default();
        scope.set(
            "info",
            json!({"result": {"max_sat": "18446744073709551615", "min": 3, "neg": -2, "list": [1, {"a": "b"}], "none": null}}),
        );
        scope.set("again", json!({"result": {"min": 3}}));
        scope.set_drawn("uuid", vec!["first".into(), "second".into(), "third".into()]);
        scope
    }

    #[test]
    fn sats_stay_exact() {
        let scope = scope();
        let rendered = render_json(
            &json!({"a_sat": "{{ info.result.max_sat | int + 1 }}", "b": "{{ info.result.max_sat | int - 1 }}",
                "c": "{{ info.result.max_sat | int - 1 }} sat", "d": "{{ (info.result.max_sat | int) | string }}",
                "e_sat": 7, "f": "{{ info.result.min }}"}),
            &scope,
        )
        .unwrap();
        assert_eq!(
            rendered,
            json!({"a_sat": "18446744073709551616", "b": 18446744073709551614u64, "c": "18446744073709551614 sat",
                "d": "18446744073709551615", "e_sat": 7, "f": 3})
        );
        assert!(render_json(&json!("{{ info.result.max_sat | int + 1 }}"), &scope).is_err());
    }

    #[test]
    fn what_is_missing_is_an_error() {
        let scope = scope();
        for expression in [
            "nothing == nothing",
            "info.result.nope != again.result.nope",
            "info.error.code == 1",
            "info.result.list[7] == 1",
            "info.result.nope | int > 1",
        ] {
            let error = holds(expression, &scope).unwrap_err();
            assert!(matches!(error, ExprError::Missing { .. }), "{expression}: {error}");
        }
        assert_eq!(holds("info.result.nope is defined", &scope), Ok(false));
        assert_eq!(holds("info.result.min is defined", &scope), Ok(true));
        assert!(render_text("x {{ nothing }}", &scope).is_err());
        assert!(matches!(
            holds("info.result.none | int > 1", &scope),
            Err(ExprError::Evaluation { .. })
        ));
        assert!(matches!(holds("info.result.min", &scope), Err(ExprError::Evaluation { .. })));
        assert!(matches!(holds("1 +", &scope), Err(ExprError::Syntax { .. })));
    }

    #[test]
    fn documents_are_compared_and_converted_whole() {
        let mut scope = scope();
        scope.set("copy", scope.get("info").cloned().unwrap_or_default());
        assert_eq!(holds("copy.result == info.result", &scope), Ok(true));
        assert_eq!(holds("copy.result == again.result", &scope), Ok(false));
        assert_eq!(
            holds("info.result.neg < 0 and info.result.min == again.result.min", &scope),
            Ok(true)
        );
        assert_eq!(
            render_json(&json!("{{ info.result.list }}"), &scope),
            Ok(json!([1, {"a": "b"}]))
        );
        assert_eq!(render_json(&json!("{{ info.result.none }}"), &scope), Ok(Value::Null));
        assert_eq!(holds("info.result.list | length == 2", &scope), Ok(true));
        assert_eq!(holds("range(3) | list | length == 3", &scope), Ok(true));
        for (name, extra) in [("one", 1), ("two", 2)] {
            scope.set(name, json!({"max_channel_expiry_blocks": 7, "server_time": extra}));
        }
        scope.set("three", json!({"max_channel_expiry_blocks": 8}));
        assert_eq!(holds("one | known_options == two | known_options", &scope), Ok(true));
        assert_eq!(holds("one | known_options == three | known_options", &scope), Ok(false));
        assert!(holds("nothing | known_options == one | known_options", &scope).is_err());
    }

    #[test]
    fn int_takes_digits_only() {
        let scope = scope();
        for expression in [
            "'1e3' | int > 0",
            "'1.5' | int > 0",
            "'' | int == 0",
            "'+1' | int == 1",
            "1.5 | int == 1",
        ] {
            assert!(holds(expression, &scope).is_err(), "{expression}");
        }
        assert_eq!(holds("'-7' | int == -7", &scope), Ok(true));
    }

    #[test]
    fn drawn_values_are_values_and_functions() {
        let scope = scope();
        assert_eq!(render_json(&json!("{{ uuid }}"), &scope), Ok(json!("first")));
        assert_eq!(
            render_json(&json!("a{{ uuid() }}{{ uuid() }}"), &scope),
            Ok(json!("asecondthird"))
        );
        assert_eq!(render_json(&json!("{\"a\":{}}"), &scope), Ok(json!("{\"a\":{}}")));
    }
}
