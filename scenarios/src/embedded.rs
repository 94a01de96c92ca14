//! The data files that are compiled into the library, as (path below the crate, content as JSON).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
