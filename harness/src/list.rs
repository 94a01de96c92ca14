//! `list`: what there is to be run, and what it is for.

use std::fmt::Write as _;
use std::path::PathBuf;

use lsps1_scenarios::coverage::{Covered, coverage};
use lsps1_scenarios::property::Property;
use lsps1_scenarios::{Catalogue, Need, Scenario, ScenarioError, builtin_scenarios, load_dir};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::faults;
use crate::list_summary::Summary;
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

/// How the requirements are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line each, with the names of the first scenario only.
    Short,
    /// With the names of all scenarios, invariants and faults.
    Long,
    /// As JSON.
    Json,
}

/// The requirements with what checks them or why nothing does, one a line and then the sums, or as JSON.
///
/// # Errors
/// As [`load`] and [`catalogue`].
pub fn requirements(folders: &[PathBuf], form: Form) -> Result<String, ListError> {
    catalogue()?;
    let rows = coverage(&load(folders)?);
    if form == Form::Json {
        let list: Vec<Value> = rows.iter().map(requirement_as_json).collect();
        return Ok(pretty(&json!(list)));
    }
    let mut text = String::new();
    for row in &rows {
        // Writing to a String doesn't fail, here and below.
        let _ = writeln!(
            text,
            "{:<7} {:<10} {:<60}  {}",
            row.row.id,
            row.row.level,
            clipped(&row.row.text, 40),
            match form {
                Form::Long => all_that_checks(row),
                Form::Short | Form::Json => what_checks(row),
            }
        );
    }
    let _ = writeln!(text, "\n{}", Summary::of(&rows));
    Ok(text)
}

fn requirement_as_json(covered: &Covered) -> Value {
    let faults: Vec<&str> =
        faults::breaking(covered.row.id.as_str()).map(|fault| fault.name.as_str()).collect();
    let mut value = json!(covered.row);
    value["scenarios"] = json!(covered.scenarios);
    value["invariants"] = json!(covered.invariants);
    value["faults"] = json!(faults);
    value["can_be_broken"] = json!(can_be_broken(covered.row));
    value["unchecked"] = json!(covered.unchecked());
    value
}

/// `above-max-lsp-balance and 2 more; invariant payment; 3 faults`, or why there is nothing.
fn what_checks(covered: &Covered) -> String {
    if !covered.is_checked() {
        return match covered.unchecked() {
            Some(unchecked) => format!("- {}", unchecked.why),
            None => "- neither checked nor explained".to_owned(),
        };
    }
    let mut parts = Vec::new();
    match covered.scenarios.as_slice() {
        [] => {}
        [only] => parts.push(only.clone()),
        [first, rest @ ..] => parts.push(format!("{first} and {} more", rest.len())),
    }
    parts.extend(covered.invariants.iter().map(|name| format!("invariant {name}")));
    match faults::breaking(covered.row.id.as_str()).count() {
        0 => {}
        count => parts.push(counted(count, "fault", "faults")),
    }
    parts.join("; ")
}

/// `scenarios: a b; invariants: payment; faults: c d`, or why there is nothing.
fn all_that_checks(covered: &Covered) -> String {
    if !covered.is_checked() {
        return what_checks(covered);
    }
    let faults: Vec<&str> =
        faults::breaking(covered.row.id.as_str()).map(|fault| fault.name.as_str()).collect();
    let parts = [
        ("scenarios", covered.scenarios.join(" ")),
        ("invariants", covered.invariants.join(" ")),
        ("faults", faults.join(" ")),
    ];
    let told = parts.iter().filter(|(_, names)| !names.is_empty());
    told.map(|(what, names)| format!("{what}: {names}")).collect::<Vec<_>>().join("; ")
}

fn pretty(value: &Value) -> String {
    // A Value always serialises.
    let mut text = format!("{value:#}");
    text.push('\n');
    text
}
