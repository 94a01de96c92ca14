//! The catalogue of faults: a table for each part of the specifications, an entry for each fault.
//!
//! An entry has the fault's name, the requirements that it may break, what it does, and where. The requirements are
//! those that a run of all scenarios reports, no fewer and no more; what follows from a deviation belongs to them, too.

mod create_order;
mod envelope;
mod error;
mod format;
mod get_info;
mod life;
mod method;
mod option;
mod order;
mod rest;
mod restart;

use super::edit::Edit;
use super::hook::{Faces, Hook, Switch};
use super::{Fault, Needs};
use crate::message::Method::{self, CreateOrder, GetInfo, GetOrder, ListProtocols};

/// What shows an order.
const ORDERS: &[Method] = &[CreateOrder, GetOrder];

/// Whatever is answered.
const ALL: &[Method] = &[];

/// A table of faults: `needs; name, requirements, summary, hook; …`
macro_rules! faults {
    ($needs:ident; $($name:literal, $breaks:literal, $summary:literal, $hook:expr;)+) => {
        &[$(Fault { name: $name, summary: $summary, breaks: $breaks, needs: Needs::$needs, hook: $hook }),+]
    };
}
use faults;

/// All faults, in the order of the specifications' sections.
pub(super) const FAULTS: &[&[Fault]] = &[
    format::FAULTS,
    envelope::FAULTS,
    error::FAULTS,
    method::FAULTS,
    get_info::FAULTS,
    create_order::READING,
    create_order::CHECKING,
    order::FAULTS,
    option::BOLT11,
    option::BOLT12,
    option::ONCHAIN,
    rest::FAULTS,
    life::PAYMENT,
    life::ONCHAIN,
    life::CHANNEL,
    restart::FAULTS,
];
