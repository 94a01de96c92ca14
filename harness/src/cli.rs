//! The command line: what can be asked for, said once, and turned into what the library does. Each subcommand has a file.

mod choice;
mod explain;
mod list;
mod regtest;
mod run;
mod self_test;
mod value;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::exit::Exit;
use crate::list::ListError;
use crate::run::Settings;
use crate::text::without_users;
use explain::ExplainArgs;
use list::ListArgs;
use regtest::RegtestCommand;
use run::RunArgs;
use self_test::SelfTestArgs;

/// Judges an LSP by the letter of LSPS1 (bLIP-51), over REST and Lightning custom messages.
#[derive(Debug, Parser)]
#[command(
    name = "lsps1-harness",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = Exit::help_section(),
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the scenarios against a target and reports what it breaks
    #[command(after_help = run::examples())]
    Run(Box<RunArgs>),
    /// Lists the scenarios, or the requirements and what checks them
    #[command(
        after_help = "Examples:\n  lsps1-harness list\n  lsps1-harness list --requirements --long"
    )]
    List(ListArgs),
    /// Explains a requirement (L1-042) or a scenario (purchase-bolt11)
    #[command(
        after_help = "Examples:\n  lsps1-harness explain L1-042\n  lsps1-harness explain get-info-shape"
    )]
    Explain(ExplainArgs),
    /// Keeps a regtest network running, for an LSP that you start yourself
    #[command(subcommand)]
    Regtest(RegtestCommand),
    /// Judges the mock LSP without and with each of its faults, to show that every check can fail
    #[command(name = "self-test", after_help = self_test::help())]
    SelfTest(SelfTestArgs),
}

/// Parses `arguments` (the program's name first), does what they ask for, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain_usage(&error),
    };
    match cli.command {
        Command::Run(args) => run::run(*args),
        Command::List(args) => list::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Regtest(command) => regtest::run(command),
        Command::SelfTest(args) => self_test::run(args),
    }
}

/// The settings of `lsps1-harness run` with these flags, for programs that run scenarios themselves.
///
/// # Errors
/// One line that says what is wrong with the flags.
pub fn run_settings(
    flags: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Settings, String> {
    let arguments = ["lsps1-harness".into(), "run".into()];
    let cli = Cli::try_parse_from(arguments.into_iter().chain(flags.into_iter().map(Into::into)));
    match cli.map_err(|error| one_line_of(&error))?.command {
        Command::Run(args) => args.into_settings(),
        other => Err(format!("{other:?} is no run")),
    }
}

/// Help and version go to standard output; a wrong use is one line on standard error.
fn explain_usage(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nothing is left to be done about a closed standard output.
            let _ = error.print();
            Exit::Conformant
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Exit::Usage
        }
        _ => usage(&one_line_of(error)),
    }
}

fn one_line_of(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .collect();
    let line = lines.join(" ");
    // clap repeats the value that it refuses.
    without_users(line.strip_prefix("error: ").unwrap_or(&line))
}

fn usage(message: &str) -> Exit {
    failed(Exit::Usage, &format!("{message} (try --help)"))
}

fn failed(exit: Exit, message: &str) -> Exit {
    anstream::eprintln!("error: {}", crate::text::one_line(message));
    exit
}

fn print_or_explain(text: Result<String, ListError>) -> Exit {
    use std::io::Write as _;
    match text {
        Ok(text) => match anstream::stdout().write_all(text.as_bytes()) {
            Ok(()) => Exit::Conformant,
            // The reader (`head`, say) has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Conformant,
            Err(error) => failed(Exit::Internal, &format!("failed to print: {error}")),
        },
        Err(error) => failed(error.exit(), &error.to_string()),
    }
}

/// Whatever a hostile target left hanging doesn't hold up the end: it goes with the process, which is about to end, and
/// all that was started has been. A shutdown would be waited for, and makes tokio's timers panic in tasks that still run.
fn leave(runtime: tokio::runtime::Runtime) {
    std::mem::forget(runtime);
}

fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| {
        failed(Exit::Internal, &format!("failed to start the async runtime: {error}"))
    })
}

/// `RUST_LOG` switches logs of the inner parts on; they go to standard error.
fn init_tracing() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    // A second initialisation, in tests, is no loss.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_run_has_its_help() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        for argument in run.get_arguments() {
            assert!(argument.get_help().is_some(), "--{} has no help", argument.get_id());
        }
        assert!(run.get_after_help().unwrap().to_string().contains("Exit codes:"));
    }
}
