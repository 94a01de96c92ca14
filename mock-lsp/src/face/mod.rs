//! The ways to reach the mock: custom messages and REST for clients, the control API for the operator.

pub(crate) mod control;
pub(crate) mod custom_message;
mod http;
pub(crate) mod rest;

pub(crate) use http::{HttpServer, Shutdown};
