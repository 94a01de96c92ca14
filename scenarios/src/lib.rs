//! What an LSPS0/LSPS1 target is judged by: the requirement catalogue, JSON Schemas of all messages, scripted scenarios
//! and invariants, and the interpreter that turns bytes into verdicts.

pub mod action;
mod embedded;
pub mod expr;
pub mod matcher;
pub mod requirement;
pub mod scenario;
pub mod schema;
pub mod transcript;
pub mod verdict;
