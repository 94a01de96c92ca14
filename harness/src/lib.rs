//! Judges an LSP by LSPS1 (bLIP-51): runs scenarios against it over REST and Lightning custom messages, and reports
//! what it breaks, requirement by requirement.
//!
//! The walk from bytes to verdict: a [`target`] is spoken to, by the [`run`] that carries out what each scenario asks
//! for; the scenarios crate judges the transcript; [`run::collect`] makes findings of it; [`report`] shows them.
//!
//! The program `lsps1-harness` is [`cli::main`]. A Rust project that has an LSP to test can call [`run::run`] itself:
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lsps1_harness::exit::Exit;
//! use lsps1_harness::run::{Settings, Silent, TargetSettings, run};
//!
//! let rest = Some("http://127.0.0.1:3000/api/v1".parse()?);
//! let report = run(Settings::new(TargetSettings { rest, ..TargetSettings::default() }, 1), &Silent).await?;
//! assert_eq!(report.exit(), Exit::Conformant, "{:#?}", report.findings);
//! # Ok(())
//! # }
//! ```

pub mod cli;
pub mod describe;
pub mod exit;
pub mod explain;
pub mod faults;
pub mod list;
mod list_summary;
pub mod regtest_up;
pub mod report;
pub mod run;
pub mod self_test;
mod shorthand;
pub mod target;
pub mod text;
