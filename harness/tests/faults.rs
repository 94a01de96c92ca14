//! The self-test with each fault of the mock as a test of its own, for `cargo nextest` to split between machines:
//!
//! ```console
//! $ cargo nextest run -p lsps1-harness --test faults --run-ignored only --partition count:1/4 chain::
//! ```
//!
//! They are ignored unless they are asked for: `ci/test` runs the program's own self-test, which tells in addition which
//! rows no fault was seen to break. Faults that take a chain are named `chain::`, the others `messages::`; of each kind
//! there is the mock `without-a-fault`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use lsps1_harness::list;
use lsps1_harness::self_test::judge::{Judge, takes_chain};
use lsps1_harness::self_test::mock::{Fault, MockProgram};
use lsps1_harness::self_test::report::FaultOutcome;
use tokio::runtime::Runtime;

/// The first words of the command lines that ask the mock for its faults, and start it. Tests have no such arguments: by
/// them this very program knows that it has to act as the mock.
const TO_THE_MOCK: &[&str] = &["faults", "--token"];

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let first = std::env::args().nth(1).unwrap_or_default();
    if TO_THE_MOCK.contains(&first.as_str()) {
        return mock_lsp::cli::main();
    }
    match trials() {
        Ok(trials) => libtest_mimic::run(&Arguments::from_args(), trials).exit_code(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trials() -> Result<Vec<Trial>, Failure> {
    let catalogue = list::catalogue()?;
    let program = MockProgram::find(Some(&std::env::current_exe()?))?;
    let faults = Runtime::new()?.block_on(program.faults())?;
    let stage = Arc::new(Stage { program });
    let mut trials = Vec::new();
    for (kind, regtest) in [("messages", false), ("chain", true)] {
        let unbroken = Arc::clone(&stage);
        let name = format!("{kind}::without-a-fault");
        trials.push(Trial::test(name, move || unbroken.is_clean(regtest)));
        for fault in faults.iter().filter(|fault| takes_chain(fault, catalogue) == regtest) {
            let (stage, fault) = (Arc::clone(&stage), fault.clone());
            let name = format!("{kind}::{}", fault.name);
            trials.push(Trial::test(name, move || stage.detects(&fault, regtest)));
        }
    }
    Ok(trials.into_iter().map(|trial| trial.with_ignored_flag(true)).collect())
}

struct Stage {
    program: MockProgram,
}

impl Stage {
    fn judge(&self, regtest: bool, data: &Path) -> Judge {
        Judge {
            program: self.program.clone(),
            regtest,
            full: false,
            seed: 1,
            data: data.to_owned(),
        }
    }

    fn is_clean(&self, regtest: bool) -> Result<(), Failed> {
        let data = tempfile::tempdir()?;
        let judge = self.judge(regtest, data.path());
        let unbroken = Runtime::new()?.block_on(judge.unbroken());
        match unbroken.clean && unbroken.scenarios > 0 {
            true => Ok(()),
            false => Err(format!("{unbroken:#?}").into()),
        }
    }

    fn detects(&self, fault: &Fault, regtest: bool) -> Result<(), Failed> {
        let data = tempfile::tempdir()?;
        let judge = self.judge(regtest, data.path());
        let report = Runtime::new()?.block_on(judge.fault(fault));
        match report.outcome {
            FaultOutcome::Detected => Ok(()),
            _ => Err(format!("{report:#?}").into()),
        }
    }
}
