//! `self-test`: its flags.

use std::path::PathBuf;

use clap::Args;

use super::value::jobs;
use super::{failed, init_tracing, leave, runtime};
use crate::exit::Exit;
use crate::report;
use crate::self_test::{self, SelfTestSettings, Share};

#[derive(Debug, Args)]
pub(super) struct SelfTestArgs {
    /// The mock LSP's program [default: the one beside this program, else the one in PATH]
    #[arg(long, value_name = "PATH")]
    mock: Option<PathBuf>,
    /// Tries the faults that only show on a chain, each on a regtest network of its own, instead of the others
    #[arg(long)]
    regtest: bool,
    /// Every fault meets all scenarios that can show it, not only those of its requirements and a small smoke set
    #[arg(long)]
    full: bool,
    /// Only the Nth of M shares of the faults, to split the work between machines
    #[arg(long, value_name = "N/M", value_parser = share)]
    share: Option<Share>,
    /// Only faults whose name contains this; repeatable, any may match
    #[arg(long, value_name = "NAME")]
    filter: Vec<String>,
    /// How many mocks run at the same time [default: twice as many as there are processors, or, built with --release and with --regtest, three times; at most 8]
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<usize>,
    /// Writes the JSON report (schema: harness/schemas/self-test.json)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seed of every generated value
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(super) fn help() -> String {
    format!(
        "Examples:\n  lsps1-harness self-test\n  \
         # One fault, met with everything\n  \
         lsps1-harness self-test --full --filter order-total-off-by-one\n  \
         # What only shows on a chain, a quarter of it\n  \
         lsps1-harness self-test --regtest --share 1/4\n\n\
         Each mock is a process of its own, on ports of its own. `mock-lsp faults` lists the faults and the requirements\n\
         that each may break; those that only show on a chain are listed, but only tried with --regtest.\n\n{}",
        Exit::self_test_section()
    )
}

pub(super) fn run(args: SelfTestArgs) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    init_tracing();
    let SelfTestArgs { mock, regtest, full, share, filter, jobs, json, seed } = args;
    let settings = SelfTestSettings { mock, regtest, full, share, filter, jobs, seed };
    let view = self_test::table::TableView::new();
    let finished = runtime.block_on(self_test::self_test(&settings, &view));
    leave(runtime);
    let report = match finished {
        Ok(report) => report,
        Err(error) => return failed(error.exit(), &error.to_string()),
    };
    view.finish(&report);
    match json.map(|path| report::write_json(&path, &report)) {
        Some(Err(error)) => failed(Exit::Usage, &error.to_string()),
        Some(Ok(())) | None => report.exit(),
    }
}

fn share(text: &str) -> Result<Share, String> {
    let parts =
        text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((part @ 1.., of)) if part <= of => Ok(Share { part, of }),
        _ => Err("give two numbers, such as 1/4 for the first of four shares".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_parts_of_a_whole() {
        assert_eq!(share("2/3"), Ok(Share { part: 2, of: 3 }));
        for wrong in ["0/3", "4/3", "1", "1/0", "x/2"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
