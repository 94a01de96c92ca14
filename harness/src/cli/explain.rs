//! `explain`: its flags.

use std::path::PathBuf;

use clap::Args;

use super::print_or_explain;
use crate::exit::Exit;
use crate::explain;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// A requirement's or a scenario's id
    id: String,
    /// A folder with more scenarios; repeatable
    #[arg(long, value_name = "DIR")]
    scenarios: Vec<PathBuf>,
}

pub(super) fn run(args: &ExplainArgs) -> Exit {
    print_or_explain(explain::explain(&args.id, &args.scenarios))
}
