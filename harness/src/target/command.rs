//! A target that the harness starts itself: `--target-cmd`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lsps1_fixtures::process::{Process, ProcessConfig, RunId, tail};
use serde::Deserialize;
use tokio::sync::{Mutex, mpsc};

use super::address::{BaseUrl, NodeAddress};
use crate::text::{clipped, one_line, without_users};

/// How many lines of standard output are looked at for the ready line.
const MAX_LINES: usize = 10_000;

/// How many lines of its log are shown when a command doesn't get ready.
const LOG_LINES_SHOWN: usize = 5;

/// The line of JSON by which a target says that it can be used. Members that aren't known are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct ReadyLine {
    /// The base URL of its REST face.
    pub rest: Option<String>,
    /// `NODEID@HOST:PORT`.
    pub p2p: Option<String>,
    /// An address on the regtest chain where it wants coins, if it doesn't ask the faucet itself.
    pub address: Option<String>,
    /// The base URL of its control API, see [`control`](super::control).
    pub control: Option<String>,
    /// Whether it goes on with its orders, payments and channels when it is killed and started again by the same command.
    #[serde(default)]
    pub restart: bool,
    /// Whether it takes payments on the chain; left out, that isn't known.
    pub onchain: Option<bool>,
}

/// What a target said about itself, parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The base URL of its REST face.
    pub rest: Option<BaseUrl>,
    /// The address of its node.
    pub p2p: Option<NodeAddress>,
    /// Where it wants coins.
    pub address: Option<String>,
    /// The base URL of its control API.
    pub control: Option<BaseUrl>,
    /// Whether it goes on where it was when it is killed and started again.
    pub restart: bool,
    /// Whether it says that on-chain payment is switched off.
    pub onchain_off: bool,
}

/// Why a command is no target.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The command line can't be split into words.
    #[error("--target-cmd '{0}' has an open quote or is empty")]
    Words(String),
    /// The process couldn't be started.
    #[error("failed to start the target: {0}")]
    Start(String),
    /// It ended before it was ready.
    #[error("the target ended ({status}) before it was ready; the end of its log says: {log}")]
    Ended {
        /// Its exit status.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// It didn't say anything in time.
    #[error(
        "the target was not ready after {} s: its standard output has no line of JSON with \"rest\" or \"p2p\"; the end of its log says: {log}",
        .within.as_secs()
    )]
    NotReady {
        /// The time that was given.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// What it said can't be used.
    #[error("the target's ready line is wrong: \"{member}\" is '{value}': {reason}")]
    Line {
        /// Which member.
        member: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// It was started again, and is somewhere else.
    #[error(
        "the target, started again, is not where it was: its ready line is now {now}; give it fixed ports and a fixed node key"
    )]
    Elsewhere {
        /// The addresses that it has now.
        now: String,
    },
}

/// A running target.
#[derive(Debug)]
pub struct CommandTarget {
    launch: Launch,
    life: Mutex<Life>,
}

/// What it takes to start it.
#[derive(Debug)]
struct Launch {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    log: PathBuf,
    run: RunId,
}

/// The process, of which there may be several, one after the other.
#[derive(Debug)]
struct Life {
    /// None if it was killed and couldn't be started again.
    process: Option<Process>,
    lines: Option<mpsc::Receiver<String>>,
    /// What it said when it was started first.
    announced: Option<Announced>,
}

impl Launch {
    fn start(&self) -> Result<(Process, Option<mpsc::Receiver<String>>), CommandError> {
        let mut config = ProcessConfig::new("target", &self.program, &self.log, &self.run)
            .args(self.arguments.iter().map(String::as_str))
            .with_lines();
        for (name, value) in &self.environment {
            config = config.env(name, value);
        }
        let mut process =
            Process::spawn(config).map_err(|error| CommandError::Start(error.to_string()))?;
        let lines = process.take_lines();
        Ok((process, lines))
    }

    fn log(&self) -> String {
        clipped(&one_line(&tail(&self.log, LOG_LINES_SHOWN)), 1000)
    }
}

impl CommandTarget {
    /// Starts `command`, split into words as a shell does (but no shell is involved), with `environment` added to ours
    /// and both of its outputs in `log`.
    ///
    /// # Errors
    /// If the words can't be split or the program can't be started.
    pub fn start(
        command: &str,
        environment: &[(String, String)],
        log: &Path,
        run: &RunId,
    ) -> Result<Self, CommandError> {
        let mut words = shlex::split(command).unwrap_or_default().into_iter();
        let program = words.next().ok_or_else(|| CommandError::Words(command.to_owned()))?;
        let launch = Launch {
            program,
            arguments: words.collect(),
            environment: environment.to_vec(),
            log: log.to_owned(),
            run: run.clone(),
        };
        let (process, lines) = launch.start()?;
        let life = Mutex::new(Life { process: Some(process), lines, announced: None });
        Ok(Self { launch, life })
    }

    /// Waits for the ready line.
    ///
    /// # Errors
    /// If the process ends first, nothing comes `within`, the line can't be used, or a target that was started again is
    /// somewhere else.
    pub async fn ready(&self, within: Duration) -> Result<Announced, CommandError> {
        let mut life = self.life.lock().await;
        let (Some(mut lines), Some(process)) = (life.lines.take(), &life.process) else {
            return Ok(Announced::default());
        };
        let find = async {
            for _ in 0..MAX_LINES {
                let line = lines.recv().await?;
                if let Some(ready) = parse(&line) {
                    return Some(ready);
                }
            }
            None
        };
        let log = || self.launch.log();
        let line = match tokio::time::timeout(within, find).await {
            Ok(Some(line)) => line,
            // Its standard output is closed: either it has ended, or it never will say anything.
            Ok(None) => {
                let ended = tokio::time::timeout(Duration::from_secs(1), process.exited()).await;
                return Err(match ended {
                    Ok(status) => CommandError::Ended { status: status.to_string(), log: log() },
                    Err(_) => CommandError::NotReady { within, log: log() },
                });
            }
            Err(_) => return Err(CommandError::NotReady { within, log: log() }),
        };
        let now = announced(line)?;
        let before = life.announced.get_or_insert_with(|| now.clone());
        match before.is_where(&now) {
            true => Ok(now),
            false => Err(CommandError::Elsewhere { now: now.to_string() }),
        }
    }

    /// Kills the process, as a crash would, and starts it again. It may take a while until it is ready.
    ///
    /// # Errors
    /// If the program can't be started.
    pub async fn restart(&self) -> Result<(), CommandError> {
        let mut life = self.life.lock().await;
        if let Some(process) = life.process.take() {
            process.kill().await;
        }
        let (process, lines) = self.launch.start()?;
        life.process = Some(process);
        life.lines = lines;
        Ok(())
    }

    /// How the process ended, if it has.
    pub async fn ended(&self) -> Option<String> {
        let life = self.life.lock().await;
        let status = life.process.as_ref().and_then(Process::exit_status);
        status.map(|status| status.to_string())
    }

    /// Ends the process and everything it started.
    pub async fn stop(self) {
        if let Some(process) = self.life.into_inner().process {
            process.stop().await;
        }
    }
}

impl Announced {
    /// Whether another ready line has the same addresses.
    fn is_where(&self, other: &Self) -> bool {
        self.rest == other.rest && self.p2p == other.p2p && self.control == other.control
    }
}

impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let urls = [("rest", &self.rest), ("control", &self.control)];
        let urls = urls.iter().filter_map(|(name, url)| Some((*name, url.as_ref()?.to_string())));
        let p2p = self.p2p.iter().map(|node| ("p2p", node.to_string()));
        let shown: Vec<String> = urls.chain(p2p).map(|(name, it)| format!("{name} {it}")).collect();
        f.write_str(&shown.join(", "))
    }
}

/// The line as a ready line, if it is a JSON object with an address in it.
fn parse(line: &str) -> Option<ReadyLine> {
    let line: ReadyLine = serde_json::from_str(line.trim()).ok()?;
    (line.rest.is_some() || line.p2p.is_some()).then_some(line)
}

fn announced(line: ReadyLine) -> Result<Announced, CommandError> {
    fn member<T: std::str::FromStr<Err: std::fmt::Display>>(
        member: &'static str,
        value: Option<String>,
    ) -> Result<Option<T>, CommandError> {
        let Some(value) = value else { return Ok(None) };
        match value.parse() {
            Ok(parsed) => Ok(Some(parsed)),
            Err(error) => {
                let (reason, value) = (T::Err::to_string(&error), without_users(&value));
                Err(CommandError::Line { member, reason, value })
            }
        }
    }
    Ok(Announced {
        rest: member("rest", line.rest)?,
        p2p: member("p2p", line.p2p)?,
        address: line.address,
        control: member("control", line.control)?,
        restart: line.restart,
        onchain_off: line.onchain == Some(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_the_first_object_with_an_address() {
        assert_eq!(parse("starting…"), None);
        assert_eq!(parse(r#"{"level":"info"}"#), None);
        assert_eq!(parse("[1]"), None);
        let line =
            parse(r#" {"rest":"http://127.0.0.1:1/api/v1","control":"http://127.0.0.1:2"} "#)
                .unwrap();
        assert_eq!(line.rest.as_deref(), Some("http://127.0.0.1:1/api/v1"));
        assert_eq!(line.p2p, None);
    }

    #[test]
    fn a_wrong_address_in_it_is_named() {
        let line = ReadyLine { p2p: Some("nobody".into()), ..ReadyLine::default() };
        let error = announced(line).unwrap_err().to_string();
        assert!(error.contains("\"p2p\" is 'nobody'"), "{error}");
    }

    #[tokio::test]
    async fn a_command_that_ends_is_told_from_one_that_is_slow() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("target.log");
        let start = |command: &str| CommandTarget::start(command, &[], &log, &RunId::new());

        let ended = start("sh -c 'echo sorry >&2; exit 3'").unwrap();
        let error = ended.ready(Duration::from_secs(10)).await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("sorry"), "{error}");

        let slow = start("sleep 60").unwrap();
        let error = slow.ready(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(error, CommandError::NotReady { .. }), "{error}");

        let good =
            start(r#"sh -c 'echo hello; echo "{\"rest\":\"http://127.0.0.1:1/\"}"; sleep 60'"#)
                .unwrap();
        let announced = good.ready(Duration::from_secs(10)).await.unwrap();
        assert_eq!(announced.rest.unwrap().to_string(), "http://127.0.0.1:1");
        good.stop().await;

        assert!(matches!(start("unclosed 'quote"), Err(CommandError::Words(_))));
        assert!(matches!(start("/does/not/exist"), Err(CommandError::Start(_))));
    }

    #[tokio::test]
    async fn a_target_that_is_started_again_has_to_be_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("target.log");
        let again = async |path: &str| {
            let line = format!(r#"{{\"rest\":\"http://127.0.0.1:1/{path}\"}}"#);
            let command = format!("sh -c 'echo \"{line}\"; sleep 60'");
            let target = CommandTarget::start(&command, &[], &log, &RunId::new()).unwrap();
            target.ready(Duration::from_secs(10)).await.unwrap();
            target.restart().await.unwrap();
            let ready = target.ready(Duration::from_secs(10)).await;
            target.stop().await;
            ready
        };
        assert!(again("api").await.is_ok());
        // The shell's process id.
        let moved = again("$$").await.unwrap_err();
        assert!(matches!(moved, CommandError::Elsewhere { .. }), "{moved}");
    }
}
