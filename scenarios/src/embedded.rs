//! The data files that are compiled into the library, as (path below the crate, content as JSON).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The content of a file of the folder `requirements`; empty if there is none.
pub(crate) fn requirement_file(name: &str) -> &'static str {
    REQUIREMENTS
        .iter()
        .find(|(path, _)| path.rsplit('/').next() == Some(name))
        .map_or("", |(_, text)| text)
}
