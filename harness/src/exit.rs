//! The exit codes of `lsps1-harness`, in one place: the program returns them, `--help` prints them.

use std::fmt::Write as _;
use std::process::{ExitCode, Termination};

/// How a run of the program ended, as its process exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Nothing that was judged is broken. Warnings are allowed.
    Conformant = 0,
    /// At least one MUST, MUST NOT or implied requirement is broken. That stands, whatever else went wrong.
    Broken = 1,
    /// The command line or the configuration is wrong. Nothing was sent.
    Usage = 2,
    /// The target could not be reached, or some scenario could not be brought to a verdict, or, with
    /// `--require-judged`, some MUST was not judged.
    Inconclusive = 3,
    /// No scenario was run: the filters matched nothing, or everything was skipped.
    NothingRun = 4,
    /// The harness itself failed, and nothing was found broken before.
    Internal = 70,
}

impl Exit {
    /// Every exit code, in ascending order.
    pub const ALL: [Self; 6] = [
        Self::Conformant,
        Self::Broken,
        Self::Usage,
        Self::Inconclusive,
        Self::NothingRun,
        Self::Internal,
    ];

    /// The number that the process returns.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// One line for `--help`.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Conformant => "conformant: nothing that was judged is broken",
            Self::Broken => "at least one MUST is broken",
            Self::Usage => "wrong use or configuration",
            Self::Inconclusive => {
                "target unreachable, run inconclusive, or (--require-judged) a MUST was not judged"
            }
            Self::NothingRun => "nothing was run",
            Self::Internal => "the harness itself failed",
        }
    }

    /// One line for `self-test --help`: there it is about the harness's own checks.
    #[must_use]
    pub const fn self_test_meaning(self) -> &'static str {
        match self {
            Self::Conformant => {
                "clean: nothing found without a fault, and every fault found by what it breaks only"
            }
            Self::Broken => {
                "something found without a fault, a fault undetected, a row outside its set found, or a row never shown to fail"
            }
            Self::Usage => "wrong use, or there is no mock-lsp",
            Self::Inconclusive => "a mock could not be started or judged",
            Self::NothingRun => "no fault was tried",
            Self::Internal => "the harness itself failed",
        }
    }

    /// The section of `--help` that lists the exit codes.
    #[must_use]
    pub fn help_section() -> String {
        Self::section(Self::meaning) + "If several apply: 2, 1, 70, 3, 4.\n"
    }

    /// The same for `self-test`.
    #[must_use]
    pub fn self_test_section() -> String {
        Self::section(Self::self_test_meaning)
    }

    fn section(meaning: impl Fn(Self) -> &'static str) -> String {
        let mut text = String::from("Exit codes:\n");
        for exit in Self::ALL {
            // Writing to a String doesn't fail.
            let _ = writeln!(text, "  {:>2}  {}", exit.code(), meaning(exit));
        }
        text
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_that_the_documentation_promises() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 70]);
    }

    #[test]
    fn help_names_every_code() {
        let help = Exit::help_section();
        for exit in Exit::ALL {
            assert!(help.contains(&format!("{:>2}  {}", exit.code(), exit.meaning())), "{help}");
        }
    }
}
