//! The LSP under test, as the harness reaches it: over HTTP, over Lightning custom messages, or started as a
//! command.

pub mod address;
pub mod command;
pub mod control;
pub mod custom_message;
pub mod rest;
