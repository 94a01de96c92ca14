//! The published JSON Schemas, and schemas written in scenarios, which may refer to them.

use std::error::Error;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

use crate::embedded;
use crate::json::shorten;

/// Schemas are named `urn:lsps1-conformance:schema:NAME`, after the file `schemas/NAME.json`.
pub const URN_PREFIX: &str = "urn:lsps1-conformance:schema:";

/// The published schemas: (name, text of the JSON document).
pub fn published() -> impl Iterator<Item = (&'static str, &'static str)> {
    embedded::SCHEMAS.iter().map(|(file, text)| {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        (name.strip_suffix(".json").unwrap_or(name), *text)
    })
}

/// The text of a published schema.
pub fn text_of(name: &str) -> Option<&'static str> {
    published().find(|(known, _)| *known == name).map(|(_, text)| text)
}

/// A schema that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the JSON Schema can't be used: {0}")]
pub struct SchemaError(String);

/// Compiles a schema (draft 2020-12). References to published schemas are resolved, others refused.
///
/// # Errors
///
/// If it isn't a JSON Schema, or refers to one that isn't published here.
pub fn compile(schema: &Value) -> Result<Validator, SchemaError> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_retriever(Published)
        .build(schema)
        .map_err(|error| SchemaError(error.to_string()))
}

/// What in `value` breaks the schema: the first few places, in words.
pub fn complaints(validator: &Validator, value: &Value) -> Option<String> {
    const MOST: usize = 3;
    let mut errors = validator.iter_errors(value);
    let shown: Vec<String> = errors
        .by_ref()
        .take(MOST)
        .map(|error| {
            let mut complaint = bounded(&error.to_string());
            // Of a constant only what was expected is named.
            if matches!(error.kind(), ValidationErrorKind::Constant { .. }) {
                complaint = format!("{complaint}, found {}", shorten(error.instance()));
            }
            match error.instance_path().as_str() {
                "" => complaint,
                path => format!("{path}: {complaint}"),
            }
        })
        .collect();
    let more = if errors.next().is_some() { ", and more" } else { "" };
    (!shown.is_empty()).then(|| format!("{}{more}", shown.join(", ")))
}

fn bounded(text: &str) -> String {
    const MOST: usize = 240;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

struct Published;

impl Retrieve for Published {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let name = uri.as_str().strip_prefix(URN_PREFIX);
        let name = name
            .ok_or_else(|| format!("{uri} isn't one of the published schemas ({URN_PREFIX}…)"))?;
        let text = text_of(name).ok_or_else(|| format!("there is no published schema {name}"))?;
        Ok(serde_json::from_str(text)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn published_schemas_compile_and_are_named_after_their_file() {
        assert!(published().count() > 10);
        for (name, text) in published() {
            let schema: Value = serde_json::from_str(text).unwrap();
            assert_eq!(schema["$id"], format!("{URN_PREFIX}{name}"), "{name}");
            compile(&schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn scenarios_can_refer_to_published_schemas_only() {
        let sat =
            compile(&json!({"$ref": "urn:lsps1-conformance:schema:common#/$defs/sat"})).unwrap();
        assert_eq!(complaints(&sat, &json!("18446744073709551615")), None);
        assert!(complaints(&sat, &json!("18446744073709551616")).is_some());
        assert!(complaints(&sat, &json!(7)).is_some());
        assert!(compile(&json!({"$ref": "https://example.com/x.json"})).is_err());
        assert!(compile(&json!({"$ref": "urn:lsps1-conformance:schema:nope"})).is_err());
        assert!(compile(&json!({"type": "nope"})).is_err());
    }
}
