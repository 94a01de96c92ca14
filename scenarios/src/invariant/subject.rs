//! The subjects of the invariants, each with the rows that it judges.

use super::collect::Collector;
use super::unique::RunFacts;
use super::view::View;
use super::{
    channel, envelope, error, escapes, faces, info, life, onchain, order, payment, steady, types,
    unique,
};

/// What one group of invariants is about.
#[derive(Clone, Copy)]
pub struct Subject {
    /// Its name.
    pub name: &'static str,
    /// What it looks at.
    pub about: &'static str,
    /// The ids of the requirements that it judges: all that it can report, and no other.
    pub rows: &'static [&'static str],
    pub(super) judge: fn(&View<'_>, &mut Collector<'_>, &mut RunFacts),
}

/// All subjects.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "envelope",
        about: "framing and the JSON-RPC envelope",
        rows: &[
            "L0-002", "L0-004", "L0-041", "L0-042", "L0-043", "L0-047", "L0-048", "L0-050",
            "L0-052", "L0-053", "L0-063",
        ],
        judge: |view, collector, _| envelope::judge(view, collector),
    },
    Subject {
        name: "error",
        about: "errors and their data",
        rows: &[
            "L0-024", "L0-025", "L0-044", "L0-051", "L0-060", "L0-079", "L0-080", "L0-087",
            "L0-088", "L0-167", "L1-075", "L1-101", "L1-102", "L1-104", "L1-105", "L1-106",
            "L1-108", "L1-110", "L1-118",
        ],
        judge: |view, collector, _| error::judge(view, collector),
    },
    Subject {
        name: "escapes",
        about: "needless escapes in strings",
        rows: &["L0-132"],
        judge: |view, collector, _| escapes::judge(view, collector),
    },
    Subject {
        name: "types",
        about: "amounts and points in time wherever they occur",
        rows: &["L0-136", "L0-137", "L0-161"],
        judge: |view, collector, _| types::judge(view, collector),
    },
    Subject {
        name: "info",
        about: "the result of get_info",
        rows: &[
            "L1-011", "L1-012", "L1-013", "L1-014", "L1-015", "L1-016", "L1-017", "L1-018",
            "L1-019", "L1-020", "L1-021", "L1-022", "L1-024", "L1-025", "L1-026", "L1-027",
            "L1-028", "L1-029", "L1-030", "L1-031", "L1-032", "L1-033", "L1-034", "L1-035",
        ],
        judge: |view, collector, _| info::judge(view, collector),
    },
    Subject {
        name: "order",
        about: "the order object",
        rows: &[
            "L0-162", "L1-070", "L1-077", "L1-079", "L1-080", "L1-081", "L1-082", "L1-083",
            "L1-084", "L1-085", "L1-086", "L1-087", "L1-088", "L1-089", "L1-091", "L1-092",
            "L1-094", "L1-172",
        ],
        judge: |view, collector, _| order::judge(view, collector),
    },
    Subject {
        name: "channel",
        about: "the channel of an order",
        rows: &[
            "L0-164", "L0-165", "L1-095", "L1-096", "L1-207", "L1-208", "L1-209", "L1-211",
            "L1-212", "L1-230", "L1-236",
        ],
        judge: |view, collector, _| channel::judge(view, collector),
    },
    Subject {
        name: "payment",
        about: "the payment options of an order",
        rows: &[
            "L1-124", "L1-125", "L1-126", "L1-127", "L1-131", "L1-132", "L1-133", "L1-134",
            "L1-135", "L1-136", "L1-137", "L1-138", "L1-140", "L1-141", "L1-152", "L1-153",
            "L1-154", "L1-155", "L1-156", "L1-157", "L1-158", "L1-159", "L1-160", "L1-161",
            "L1-162", "L1-174", "L1-175", "L1-176", "L1-177", "L1-178", "L1-179",
        ],
        judge: |view, collector, _| payment::judge(view, collector),
    },
    Subject {
        name: "onchain",
        about: "on-chain payment",
        rows: &[
            "L0-140", "L0-141", "L0-142", "L0-155", "L0-157", "L1-180", "L1-182", "L1-183",
            "L1-184", "L1-185", "L1-187",
        ],
        judge: |view, collector, _| onchain::judge(view, collector),
    },
    Subject {
        name: "life",
        about: "what follows what in the life of an order",
        rows: &[
            "L1-005", "L1-090", "L1-115", "L1-116", "L1-148", "L1-151", "L1-168", "L1-171",
            "L1-198", "L1-215", "L1-232", "L1-237", "L1-238", "L1-239", "L1-240",
        ],
        judge: |view, collector, _| life::judge(view, collector),
    },
    Subject {
        name: "faces",
        about: "whether both faces are those of one LSP",
        rows: &["RD-008", "RD-009"],
        judge: |view, collector, facts| faces::judge(view, collector, &mut facts.faces),
    },
    Subject {
        name: "steady",
        about: "whether the options of get_info stay what they are",
        rows: &["L1-007"],
        judge: |view, collector, facts| steady::judge(view, collector, &mut facts.steady),
    },
    Subject {
        name: "unique",
        about: "what no two orders of a run share",
        rows: &["L1-078", "L1-142", "L1-181"],
        judge: |view, collector, facts| unique::judge(view, collector, facts),
    },
];
