//! Selecting values of a document with JSONPath (RFC 9535), and judging them with JSON Schema.

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::json::shorten;
use crate::schema;

/// A matcher that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// The path isn't a JSONPath.
    #[error("`{path}` isn't a JSONPath (RFC 9535): {message}")]
    Path {
        /// The path.
        path: String,
        /// What the parser says.
        message: String,
    },
    /// The schema can't be used.
    #[error(transparent)]
    Schema(#[from] schema::SchemaError),
}

/// What a matcher found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    /// As expected.
    Holds,
    /// Not as expected, and what was found instead.
    Broken(String),
}

/// Whether there is a node at `path` and every node there satisfies `expected`.
///
/// # Errors
///
/// If path or schema can't be used.
pub fn at(document: &Value, path: &str, expected: &Value) -> Result<Match, MatcherError> {
    let validator = schema::compile(expected)?;
    let nodes = select(document, path)?;
    if nodes.is_empty() {
        return Ok(Match::Broken(format!("there is nothing at {path}")));
    }
    for (place, node) in nodes {
        if let Some(complaint) = schema::complaints(&validator, node) {
            return Ok(Match::Broken(format!("{place}: {complaint}")));
        }
    }
    Ok(Match::Holds)
}

/// Whether there is no node at `path`.
///
/// # Errors
///
/// If the path can't be used.
pub fn absent(document: &Value, path: &str) -> Result<Match, MatcherError> {
    Ok(match select(document, path)?.first() {
        None => Match::Holds,
        Some((place, node)) => Match::Broken(format!("{place} is there: {}", shorten(node))),
    })
}

/// Whether there is a node at `path` and every node there satisfies `tolerated`.
///
/// # Errors
///
/// If path or schema can't be used.
pub fn tolerated(document: &Value, path: &str, tolerated: &Value) -> Result<bool, MatcherError> {
    at(document, path, tolerated).map(|found| found == Match::Holds)
}

/// Whether `path` is a JSONPath.
///
/// # Errors
///
/// What the parser says.
pub fn check_path(path: &str) -> Result<(), MatcherError> {
    parse(path).map(drop)
}

fn parse(path: &str) -> Result<JsonPath, MatcherError> {
    JsonPath::parse(path)
        .map_err(|error| MatcherError::Path { path: path.into(), message: error.to_string() })
}

fn select<'a>(document: &'a Value, path: &str) -> Result<Vec<(String, &'a Value)>, MatcherError> {
    let located = parse(path)?.query_located(document);
    Ok(located.iter().map(|node| (node.location().to_string(), node.node())).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_are_selected_and_judged() {
        let document =
            json!({"result": {"state": "CREATED", "list": [{"n": 1}, {"n": 2}], "onchain": null}});
        assert_eq!(at(&document, "$.result.state", &json!({"const": "CREATED"})), Ok(Match::Holds));
        assert_eq!(
            at(&document, "$.result.list[*].n", &json!({"type": "integer"})),
            Ok(Match::Holds)
        );
        assert!(matches!(
            at(&document, "$.result.list[*].n", &json!({"maximum": 1})),
            Ok(Match::Broken(_))
        ));
        assert!(matches!(at(&document, "$.result.nope", &json!(true)), Ok(Match::Broken(_))));
        assert_eq!(absent(&document, "$.result.nope"), Ok(Match::Holds));
        assert!(matches!(absent(&document, "$.result.onchain"), Ok(Match::Broken(_))));
        assert_eq!(tolerated(&document, "$.result.onchain", &json!({"type": "null"})), Ok(true));
        assert!(at(&document, "result", &json!(true)).is_err());
        assert!(at(&document, "$", &json!({"type": 7})).is_err());
    }
}
