//! `regtest`: its subcommand and flags.

use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::{failed, init_tracing, runtime};
use crate::exit::Exit;
use crate::regtest_up;

#[derive(Debug, Subcommand)]
pub(super) enum RegtestCommand {
    /// Starts bitcoind, electrs, a miner and a faucet, and keeps them running until Ctrl-C
    #[command(after_help = "Examples:\n  lsps1-harness regtest up --env-file regtest.env\n  \
        # In another shell, or in a script that has waited for the file: your LSP, then the harness\n  \
        set -a; . ./regtest.env; set +a\n  \
        my-lsp --bitcoind \"$LSPS1_BITCOIND_RPC_URL\" &\n  \
        lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --bitcoind-rpc \"$LSPS1_BITCOIND_RPC_URL\" --bitcoind-cookie \"$LSPS1_BITCOIND_COOKIE_FILE\"")]
    Up {
        /// Where the endpoints are written, a variable per line, once the network can be used
        #[arg(long, value_name = "FILE")]
        env_file: PathBuf,
        /// Keeps the logs of bitcoind and electrs in this folder
        #[arg(long, value_name = "DIR")]
        logs: Option<PathBuf>,
    },
}

/// Carries the subcommand out.
pub(super) fn run(command: RegtestCommand) -> Exit {
    let RegtestCommand::Up { env_file, logs } = command;
    up(&env_file, logs)
}

fn up(env_file: &Path, logs: Option<PathBuf>) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    init_tracing();
    let say = |text: &str| anstream::print!("{text}");
    match runtime.block_on(regtest_up::up(env_file, logs, say)) {
        Ok(never) => match never {},
        Err(error) => failed(error.exit(), &error.to_string()),
    }
}
