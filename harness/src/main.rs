//! `lsps1-harness`: judges an LSP by the letter of LSPS1 (bLIP-51), over REST and Lightning custom messages.

use lsps1_harness::{cli, exit::Exit};

fn main() -> Exit {
    cli::main(std::env::args_os())
}
