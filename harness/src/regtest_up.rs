//! `regtest up`: a regtest network that stays, for an LSP that is started by hand or by another tool.

use std::path::{Path, PathBuf};

use lsps1_fixtures::{ElectrsError, Network, NetworkConfig, NetworkError};

use crate::exit::Exit;

/// Why there is no network, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// It didn't start.
    #[error("failed to start the regtest network: {0}")]
    Network(#[from] NetworkError),
    /// electrs didn't become ready.
    #[error("failed to start the regtest network: {0}")]
    Electrs(#[from] ElectrsError),
    /// The endpoints can't be written down.
    #[error("failed to write the endpoints to {}: {source}; name another --env-file", .path.display())]
    EnvFile {
        /// Where they were to be.
        path: PathBuf,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It ended by itself.
    #[error("bitcoind ended by itself ({0}); its log is in the folder of --logs")]
    Ended(String),
}

impl UpError {
    /// The exit code that goes with the error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::EnvFile { .. } => Exit::Usage,
            Self::Network(_) | Self::Electrs(_) | Self::Ended(_) => Exit::Inconclusive,
        }
    }
}

/// Starts a network, writes its endpoints into `env_file` once it can be used, shows them through `say`, and keeps it
/// running until a signal ends the program (see [`lsps1_fixtures::signal`]) or bitcoind ends by itself.
///
/// # Errors
/// If it can't be started or its endpoints not be written, and when it has ended.
pub async fn up(
    env_file: &Path,
    logs: Option<PathBuf>,
    say: impl Fn(&str),
) -> Result<std::convert::Infallible, UpError> {
    let unwritable = |source| UpError::EnvFile { path: env_file.to_owned(), source };
    // Scripts wait for the file, so that one of an earlier network mustn't be there.
    match std::fs::remove_file(env_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(unwritable(error));
        }
        Ok(()) | Err(_) => {}
    }
    let mut config = NetworkConfig::default();
    if let Some(logs) = logs {
        config = config.run_dir(logs);
    }
    let network = Network::start(config).await?;
    network.electrum_url().await?;
    let lines = env_lines(&network.env());
    write_at_once(env_file, &lines).map_err(unwritable)?;
    say(&format!("A regtest network is up; its endpoints are in {}:\n", env_file.display()));
    say(&lines);
    say("Ctrl-C ends it.\n");
    match network.bitcoind().own() {
        Some(own) => Err(UpError::Ended(own.process().exited().await.to_string())),
        None => std::future::pending().await,
    }
}

/// `NAME=value` on each line, for a shell's `source` as for `docker run --env-file`.
fn env_lines(variables: &[(&'static str, String)]) -> String {
    let line = |(name, value): &(&str, String)| {
        // None of the values has a zero byte.
        let value = shlex::try_quote(value).unwrap_or_default();
        format!("{name}={value}\n")
    };
    variables.iter().map(line).collect()
}

/// Whoever sees the file sees all of it.
fn write_at_once(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_only_where_a_shell_would_misread_them() {
        let lines = env_lines(&[
            ("LSPS1_NETWORK", "regtest".to_owned()),
            ("LSPS1_BITCOIND_RPC_URL", "http://127.0.0.1:18443".to_owned()),
            ("LSPS1_BITCOIND_COOKIE_FILE", "/my folder/.cookie".to_owned()),
        ]);
        assert_eq!(
            lines,
            "LSPS1_NETWORK=regtest\nLSPS1_BITCOIND_RPC_URL=http://127.0.0.1:18443\nLSPS1_BITCOIND_COOKIE_FILE='/my folder/.cookie'\n"
        );
    }
}
