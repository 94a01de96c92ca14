//! What a run leaves behind: the report as data, and its three renderings.

pub mod dialect;
pub mod evidence;
pub mod finding;
pub mod json;
pub mod junit;
pub mod model;
pub mod terminal;

use std::path::{Path, PathBuf};

pub use model::Report;

/// Where the reports go.
#[derive(Clone, Debug, Default)]
pub struct Outputs {
    /// The JSON report.
    pub json: Option<PathBuf>,
    /// The JUnit XML report.
    pub junit: Option<PathBuf>,
}

/// Why a report couldn't be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file system refused.
    #[error("failed to write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The report couldn't be put into its format.
    #[error("failed to render {}: {reason}", .path.display())]
    Render {
        /// The file.
        path: PathBuf,
        /// The serialiser's words.
        reason: String,
    },
}

impl Outputs {
    /// Writes every report that was asked for, creating the folders that are missing.
    ///
    /// # Errors
    /// The first file that can't be written.
    pub fn write(&self, report: &Report) -> Result<(), OutputError> {
        if let Some(path) = &self.json {
            write(path, json::render(report).map_err(|error| error.to_string()))?;
        }
        if let Some(path) = &self.junit {
            write(path, junit::render(report).map_err(|error| error.to_string()))?;
        }
        Ok(())
    }
}

/// Writes anything else as JSON, creating the folders that are missing.
///
/// # Errors
/// If the file can't be written.
pub fn write_json(path: &Path, report: &impl serde::Serialize) -> Result<(), OutputError> {
    let text = serde_json::to_string_pretty(report).map(|text| text + "\n");
    write(path, text.map_err(|error| error.to_string()))
}

fn write(path: &Path, text: Result<String, String>) -> Result<(), OutputError> {
    let text = text.map_err(|reason| OutputError::Render { path: path.to_owned(), reason })?;
    let write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)
    };
    write().map_err(|source| OutputError::Write { path: path.to_owned(), source })
}
