//! The mock LSP as a program: where it is, which faults it has, how it is started with one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;

use crate::text::{clipped, one_line};

/// The name of the program.
const NAME: &str = "mock-lsp";

/// How long it may take to list its faults.
const LISTED_WITHIN: Duration = Duration::from_secs(20);

/// Why the mock can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    /// There is none.
    #[error("there is no mock-lsp beside this program{beside} and none in PATH; build it with `cargo build -p mock-lsp`, or give --mock PATH", beside = .beside.as_ref().map(|folder| format!(" (in {})", folder.display())).unwrap_or_default())]
    Missing {
        /// Where it was looked for.
        beside: Option<PathBuf>,
    },
    /// There is none where it was said to be.
    #[error("--mock {}: there is no such file", .0.display())]
    NotThere(PathBuf),
    /// It didn't list its faults.
    #[error("failed to list the faults of {}: {reason}; is it the mock-lsp of this version?", .program.display())]
    Faults {
        /// The program.
        program: PathBuf,
        /// What went wrong.
        reason: String,
    },
}

/// One of the mock's faults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Fault {
    /// Its name, as `--fault` takes it.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
    /// Ids of the requirements that it may break, and no others.
    pub breaks: Vec<String>,
    /// What it takes to see it: `messages`, or more (`chain`).
    #[serde(default = "messages")]
    pub needs: String,
    /// Its place in the mock's list.
    #[serde(skip)]
    pub place: usize,
}

/// The word for what every mock can be asked for.
pub const MESSAGES: &str = "messages";

fn messages() -> String {
    MESSAGES.to_owned()
}

/// The mock LSP's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockProgram(PathBuf);

impl MockProgram {
    /// The program at `given`, or else the one beside this program, or else the first in `PATH`.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(given: Option<&Path>) -> Result<Self, MockError> {
        if let Some(given) = given {
            return match given.is_file() {
                // Without a folder in front it would be looked for in PATH.
                true => Ok(Self(std::path::absolute(given).unwrap_or_else(|_| given.to_owned()))),
                false => Err(MockError::NotThere(given.to_owned())),
            };
        }
        let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.to_owned()));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = beside
            .iter()
            .cloned()
            .chain(std::env::split_paths(&path))
            .map(|folder| folder.join(NAME))
            .find(|program| program.is_file());
        found.map(Self).ok_or(MockError::Missing { beside })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Asks it for its faults.
    ///
    /// # Errors
    /// If it doesn't tell.
    pub async fn faults(&self) -> Result<Vec<Fault>, MockError> {
        let failed = |reason: String| MockError::Faults { program: self.0.clone(), reason };
        let mut command = tokio::process::Command::new(&self.0);
        command.args(["faults", "--json"]).stdin(Stdio::null()).kill_on_drop(true);
        let output = tokio::time::timeout(LISTED_WITHIN, command.output())
            .await
            .map_err(|_| failed(format!("no end within {} s", LISTED_WITHIN.as_secs())))?
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let said = one_line(&clipped(&String::from_utf8_lossy(&output.stderr), 300));
            return Err(failed(format!(
                "`mock-lsp faults --json` ended with {}: {said}",
                output.status
            )));
        }
        parse(&output.stdout).map_err(failed)
    }

    /// The command line that starts it with a fault, on ports of its own; for real payments, and to go on where it was,
    /// if there is a folder for its data.
    #[must_use]
    pub fn command(
        &self,
        fault: Option<&Fault>,
        token: &str,
        spent_token: &str,
        data_dir: Option<&Path>,
    ) -> String {
        let program = self.0.to_string_lossy();
        let data_dir = data_dir.map(Path::to_string_lossy);
        let mut words = vec![program.as_ref(), "--token", token, "--spent-token", spent_token];
        for address in ["--rest", "--p2p", "--control"] {
            words.extend([address, "127.0.0.1:0"]);
        }
        if let Some(data_dir) = &data_dir {
            words.extend(["--engine", "regtest", "--data-dir", data_dir.as_ref()]);
        }
        if let Some(fault) = fault {
            words.extend(["--fault", fault.name.as_str()]);
        }
        // Only a zero byte can't be quoted, which no path and no name has.
        shlex::try_join(words).unwrap_or_default()
    }
}

fn parse(json: &[u8]) -> Result<Vec<Fault>, String> {
    let mut faults: Vec<Fault> =
        serde_json::from_slice(json).map_err(|error| format!("its JSON can't be used: {error}"))?;
    for (place, fault) in faults.iter_mut().enumerate() {
        fault.place = place;
        if fault.breaks.is_empty() {
            return Err(format!("the fault '{}' breaks no requirement", fault.name));
        }
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_faults_is_read_in_its_order() {
        let json = br#"[{"name":"a","summary":"x","breaks":["L0-001"],"new":1},
            {"name":"b","summary":"y","breaks":["L1-139"],"needs":"chain"}]"#;
        let faults = parse(json).unwrap();
        assert_eq!(faults.iter().map(|fault| fault.place).collect::<Vec<_>>(), [0, 1]);
        assert_eq!([faults[0].needs.as_str(), faults[1].needs.as_str()], ["messages", "chain"]);
    }

    #[test]
    fn a_fault_without_requirements_is_refused() {
        let error = parse(br#"[{"name":"a","summary":"x","breaks":[]}]"#).unwrap_err();
        assert!(error.contains("'a' breaks no requirement"), "{error}");
        assert!(parse(b"{}").is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = MockProgram::find(Some(Path::new("/does/not/exist"))).unwrap_err();
        assert!(error.to_string().contains("/does/not/exist"), "{error}");
    }

    #[test]
    fn the_command_survives_spaces_in_the_path() {
        let program = MockProgram("/a folder/mock-lsp".into());
        let words = shlex::split(&program.command(None, "t", "s", None)).unwrap();
        assert_eq!(words[0], "/a folder/mock-lsp");
        assert!(!words.contains(&"--fault".to_owned()));
    }
}
