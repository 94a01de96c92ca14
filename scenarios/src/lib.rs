//! What an LSPS0/LSPS1 target is judged by: the requirement catalogue, JSON Schemas of all messages, scripted scenarios
//! and invariants, and the interpreter that turns bytes into verdicts.
//!
//! The crate does no I/O, knows no clock and starts no task. A [`Session`] says what has to be done next ([`Action`]),
//! its driver does it and gives back what came of it ([`Observation`]) and when ([`Span`]):
//!
//! ```
//! use lsps1_scenarios::{Action, Observation, Session, SessionContext, SessionOutcome, Span, Scenario};
//!
//! fn run(scenario: &Scenario, context: SessionContext, mut carry_out: impl FnMut(Action) -> (Span, Observation)) -> SessionOutcome {
//!     let mut session = Session::new(scenario, context);
//!     while let Some(action) = session.next_action() {
//!         let (span, observation) = carry_out(action);
//!         session.observe(span, observation);
//!     }
//!     session.finish()
//! }
//! ```
//!
//! Afterwards [`invariant::judge`] looks at everything that went over the wire. A target that speaks an older text of the
//! specification is recognised by a [`dialect::Fingerprint`] beforehand.

pub mod action;
pub mod base;
pub mod compat;
mod context;
pub mod coverage;
pub mod decode;
pub mod dialect;
mod document;
mod embedded;
pub mod expr;
pub mod invariant;
mod json;
mod known;
pub mod matcher;
pub mod oracle;
pub mod property;
pub mod requirement;
pub mod scenario;
pub mod schema;
pub mod session;
pub mod transcript;
pub mod verdict;

pub use action::{
    Action, ChannelStage, ClientAct, End, Frame, HttpRequest, Observation, PaymentStage, Span,
    Transport, Wait,
};
pub use context::SessionContext;
pub use requirement::{Binds, Catalogue, Level, Position, Requirement, RequirementId};
pub use scenario::{
    ClientKind, Need, Otherwise, PayerKind, Scenario, ScenarioError, builtin_scenarios, load_dir,
};
pub use session::{Ignoring, Session, SessionOutcome};
pub use transcript::{Exchange, Transcript};
pub use verdict::{CheckResult, Evidence, Profile, Verdict};
