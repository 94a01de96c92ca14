//! A case on file.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Case, Property};
use crate::action::Transport;
use crate::requirement::RequirementId;
use crate::schema;

/// Names the version of the file's form.
const FORM: &str = "lsps1-conformance/replay/1";

/// A case that can be carried out again, also on another target. `schemas/replay.json` describes its JSON form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    schema: String,
    /// The property that it is a counter-example of.
    pub property: Property,
    /// Over which interface.
    pub transport: Transport,
    /// The seed of the run that found it.
    pub seed: u64,
    /// The requirements that it broke then.
    pub requirements: Vec<RequirementId>,
    /// What is done.
    pub steps: Case,
}

/// A text that is no replay file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It isn't JSON.
    #[error("it isn't JSON: {0}")]
    Json(String),
    /// It hasn't the form.
    #[error("it breaks the schema of replay files: {0}")]
    Form(String),
}

impl Replay {
    /// A case of a property.
    pub fn new(
        property: Property,
        transport: Transport,
        seed: u64,
        requirements: Vec<RequirementId>,
        case: Case,
    ) -> Self {
        Self { schema: FORM.to_owned(), property, transport, seed, requirements, steps: case }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// If it isn't JSON, or breaks the schema.
    pub fn read(text: &str) -> Result<Self, ReplayError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| ReplayError::Json(error.to_string()))?;
        let form = |error: String| ReplayError::Form(error);
        let published = schema::text_of("replay").unwrap_or("false");
        let published: Value =
            serde_json::from_str(published).map_err(|error| form(error.to_string()))?;
        let validator = schema::compile(&published).map_err(|error| form(error.to_string()))?;
        if let Some(complaints) = schema::complaints(&validator, &value) {
            return Err(form(complaints));
        }
        serde_json::from_value(value).map_err(|error| form(error.to_string()))
    }

    /// The file's text.
    pub fn text(&self) -> String {
        // A value of strings and numbers always serialises.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}
