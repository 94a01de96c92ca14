//! Where scenarios come from: compiled into the library, or a folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::file::ScenarioFile;
use super::{Defect, Scenario};
use crate::embedded;

/// Largest scenario file that is read, in bytes.
const FILE_LIMIT: u64 = 1 << 20;

/// Why scenarios couldn't be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// A file or folder couldn't be read.
    #[error("failed to read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is too large to be a scenario.
    #[error("failed to read {}: it has more than {FILE_LIMIT} bytes; split it, one scenario a file", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file isn't a scenario.
    #[error("failed to read scenario {file}: {message}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong and where.
        message: String,
    },
    /// A scenario can't work as written.
    #[error("failed to use scenario {file}: {defect}")]
    Defect {
        /// The file.
        file: String,
        /// What is wrong and where.
        defect: Defect,
    },
    /// Two scenarios have the same id.
    #[error("scenario id {id} is used by {first} and by {second}; give one of them another id")]
    DuplicateId {
        /// The id.
        id: String,
        /// The file that came first.
        first: String,
        /// The other file.
        second: String,
    },
}

/// The scenarios that are compiled into the library, ordered by file.
///
/// # Errors
///
/// If a built-in file is defective, which a test of this crate rules out.
pub fn builtin_scenarios() -> Result<Vec<Scenario>, ScenarioError> {
    let scenarios: Vec<Scenario> = embedded::SCRIPTS
        .iter()
        .map(|(file, json)| embedded_scenario(file, json))
        .collect::<Result<_, _>>()?;
    refuse_duplicates(&scenarios)?;
    Ok(scenarios)
}

/// Reads all scenarios (`*.yaml`, `*.yml`) in a folder and its subfolders, ordered by file.
///
/// Requirement ids, expressions, JSONPath and JSON Schemas are checked, so that a mistake shows here and not in a run.
///
/// # Errors
///
/// Names the first file that can't be read or used, the place and what is wrong with it.
pub fn load_dir(path: &Path) -> Result<Vec<Scenario>, ScenarioError> {
    let mut files = Vec::new();
    collect(path, &mut files)?;
    files.sort();
    let mut scenarios = Vec::with_capacity(files.len());
    for path in files {
        let file = path.display().to_string();
        let size = fs::metadata(&path)
            .map_err(|source| ScenarioError::Read { path: path.clone(), source })?
            .len();
        if size > FILE_LIMIT {
            return Err(ScenarioError::TooLarge { path });
        }
        let text =
            fs::read_to_string(&path).map_err(|source| ScenarioError::Read { path, source })?;
        let scenario = parse(&file, &text)?;
        if let Some(defect) = scenario.defects().into_iter().next() {
            return Err(ScenarioError::Defect { file, defect });
        }
        scenarios.push(scenario);
    }
    refuse_duplicates(&scenarios)?;
    Ok(scenarios)
}

/// Reads a built-in scenario, which has been turned into JSON when the library was compiled.
fn embedded_scenario(file: &str, json: &str) -> Result<Scenario, ScenarioError> {
    serde_json::from_str::<ScenarioFile>(json)
        .map(|parsed| parsed.into_scenario(file.into()))
        .map_err(|error| ScenarioError::Format { file: file.into(), message: error.to_string() })
}

/// Reads a scenario from YAML; `file` is only used to say where a mistake is.
fn parse(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
    serde_saphyr::from_str::<ScenarioFile>(text)
        .map(|parsed| parsed.into_scenario(file.into()))
        .map_err(|error| ScenarioError::Format { file: file.into(), message: error.to_string() })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    let failed = |source| ScenarioError::Read { path: folder.to_path_buf(), source };
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Links aren't followed into folders: a loop would never end.
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            files.push(path);
        }
    }
    Ok(())
}

fn refuse_duplicates(scenarios: &[Scenario]) -> Result<(), ScenarioError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for scenario in scenarios {
        if let Some(first) = seen.insert(scenario.id(), scenario.source()) {
            return Err(ScenarioError::DuplicateId {
                id: scenario.id().into(),
                first: first.into(),
                second: scenario.source().into(),
            });
        }
    }
    Ok(())
}
