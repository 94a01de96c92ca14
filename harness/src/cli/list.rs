//! `list`: its flags.

use std::path::PathBuf;

use clap::Args;

use super::print_or_explain;
use crate::exit::Exit;
use crate::list;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The requirements with the scenarios that check them, instead of the scenarios
    #[arg(long)]
    requirements: bool,
    /// With the names of all scenarios, invariants and faults of each requirement
    #[arg(long, requires = "requirements", conflicts_with = "json")]
    long: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// A folder with more scenarios; repeatable
    #[arg(long, value_name = "DIR")]
    scenarios: Vec<PathBuf>,
}

pub(super) fn run(args: &ListArgs) -> Exit {
    let listed = if args.requirements {
        let form = match (args.json, args.long) {
            (true, _) => list::Form::Json,
            (false, true) => list::Form::Long,
            (false, false) => list::Form::Short,
        };
        list::requirements(&args.scenarios, form)
    } else {
        list::scenarios(&args.scenarios, args.json)
    };
    print_or_explain(listed)
}
