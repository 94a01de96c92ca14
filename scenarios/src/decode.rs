//! Reading the encodings of LSPS values: amounts, points in time, addresses, invoices.

pub mod address;
pub mod datetime;
pub mod invoice;
pub mod offer;
pub mod sat;
