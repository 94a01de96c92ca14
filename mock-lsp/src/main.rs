//! The program `mock-lsp`; see `mock-lsp --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mock_lsp::cli::main()
}
