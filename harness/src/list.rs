//! `list`: what there is to be run, and what it is for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use lsps1_scenarios::property::Property;
use lsps1_scenarios::{Catalogue, Need, Scenario, ScenarioError, builtin_scenarios, load_dir};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::run::collect::can_be_broken;
use crate::text::{clipped, counted};

/// Why nothing could be listed or explained.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// A scenario file is wrong, or two scenarios have the same id.
    #[error("{0}")]
    Scenarios(String),
    /// The built-in catalogue is defective.
    #[error("the built-in requirement catalogue is defective: {0}")]
    Catalogue(String),
    /// There is neither a requirement nor a scenario with this id.
    #[error("there is neither a requirement nor a scenario '{id}'{}", .near.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        id: String,
        /// The nearest id there is.
        near: Option<String>,
    },
}

impl ListError {
    /// The exit code that goes with the error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Scenarios(_) | Self::Unknown { .. } => Exit::Usage,
            Self::Catalogue(_) => Exit::Internal,
        }
    }
}

impl From<ScenarioError> for ListError {
    fn from(error: ScenarioError) -> Self {
        Self::Scenarios(error.to_string())
    }
}

/// The built-in scenarios and those of `folders`.
///
/// # Errors
/// If a file can't be read or an id is used twice.
pub fn load(folders: &[PathBuf]) -> Result<Vec<Scenario>, ListError> {
    let mut scenarios = builtin_scenarios()?;
    scenarios.extend(Property::ALL.map(Scenario::of_property));
    for folder in folders {
        for scenario in load_dir(folder)? {
            if let Some(known) = scenarios.iter().find(|known| known.id() == scenario.id()) {
                return Err(ListError::Scenarios(format!(
                    "scenario id {} is used by {} and by {}; give one of them another id",
                    scenario.id(),
                    known.source(),
                    scenario.source()
                )));
            }
            scenarios.push(scenario);
        }
    }
    Ok(scenarios)
}

/// The built-in catalogue.
///
/// # Errors
/// If it has a defect, which a test rules out.
pub fn catalogue() -> Result<&'static Catalogue, ListError> {
    let catalogue = Catalogue::builtin();
    match catalogue.defect() {
        None => Ok(catalogue),
        Some(defect) => Err(ListError::Catalogue(defect.to_owned())),
    }
}

/// The scenarios, one a line, or as JSON.
///
/// # Errors
/// As [`load`].
pub fn scenarios(folders: &[PathBuf], as_json: bool) -> Result<String, ListError> {
    let scenarios = load(folders)?;
    if as_json {
        let list: Vec<Value> = scenarios
            .iter()
            .map(|scenario| {
                json!({
                    "id": scenario.id(),
                    "title": scenario.title(),
                    "transports": scenario.transports(),
                    "needs": scenario.needs(),
                    "requirements": scenario.requirements(),
                    "source": scenario.source(),
                })
            })
            .collect();
        return Ok(pretty(&json!(list)));
    }
    let width = scenarios.iter().map(|scenario| scenario.id().len()).max().unwrap_or(0);
    let mut text = String::new();
    for scenario in &scenarios {
        let transports: Vec<String> =
            scenario.transports().iter().map(ToString::to_string).collect();
        let needs = match scenario.needs() {
            [] => String::new(),
            needs => format!(
                " (needs {})",
                needs.iter().map(Need::to_string).collect::<Vec<_>>().join(", ")
            ),
        };
        // Writing to a String doesn't fail.
        let _ = writeln!(
            text,
            "{:<width$}  {:<8}  {}{needs}",
            scenario.id(),
            transports.join(" "),
            scenario.title()
        );
    }
    let _ = writeln!(text, "\n{}", counted(scenarios.len(), "scenario", "scenarios"));
    Ok(text)
}

/// The requirements with the scenarios that check them, one a line, or as JSON.
///
/// # Errors
/// As [`load`] and [`catalogue`].
pub fn requirements(folders: &[PathBuf], as_json: bool) -> Result<String, ListError> {
    let catalogue = catalogue()?;
    let scenarios = load(folders)?;
    let mut checked_by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for scenario in &scenarios {
        for requirement in scenario.requirements() {
            checked_by.entry(requirement.to_string()).or_default().push(scenario.id());
        }
    }
    let by = |id: &str| checked_by.get(id).map(Vec::as_slice).unwrap_or_default();
    if as_json {
        let list: Vec<Value> = catalogue
            .iter()
            .map(|row| {
                let mut value = json!(row);
                value["scenarios"] = json!(by(row.id.as_str()));
                value["can_be_broken"] = json!(can_be_broken(row));
                value
            })
            .collect();
        return Ok(pretty(&json!(list)));
    }
    let mut text = String::new();
    let (mut breakable, mut covered) = (0, 0);
    for row in catalogue.iter() {
        let by = by(row.id.as_str());
        if can_be_broken(row) {
            breakable += 1;
            covered += usize::from(!by.is_empty());
        }
        let checks = match by {
            [] => "-".to_owned(),
            [only] => (*only).to_owned(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        // Writing to a String doesn't fail.
        let _ = writeln!(
            text,
            "{:<7} {:<10} {:<60}  {checks}",
            row.id,
            row.level,
            clipped(&row.text, 40)
        );
    }
    let _ = writeln!(
        text,
        "\n{breakable} MUST rows can be broken by an LSP where it can be seen; scenarios name {covered} of them"
    );
    Ok(text)
}

fn pretty(value: &Value) -> String {
    // A Value always serialises.
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}
