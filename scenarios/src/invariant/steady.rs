//! That the options of get_info stay what they are for a day: L1-007.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::collect::Collector;
use super::view::View;
use crate::action::Transport;
use crate::known::OPTIONS;

/// Changes in one run that are taken for one: sessions overlap, so that an answer that was given before a change may come
/// in after one that was given behind it.
const MOST_CHANGES: usize = 3;

/// When which options were seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    p2p: Vec<Sight>,
    rest: Vec<Sight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sight {
    /// In milliseconds since 1970.
    at_ms: i64,
    /// Stands for the values: a target may send much of them.
    options: u64,
}

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>, seen: &mut Seen) {
    let start_ms = collector.context.now.as_millisecond();
    for (reply, info) in view.results("lsps1.get_info") {
        let mut hasher = DefaultHasher::new();
        OPTIONS.map(|name| info.get(name).map(ToString::to_string)).hash(&mut hasher);
        let at_ms = start_ms.saturating_add(i64::try_from(reply.at_ms).unwrap_or(i64::MAX));
        let sights = match reply.transport {
            Transport::P2p => &mut seen.p2p,
            Transport::Rest => &mut seen.rest,
        };
        let sight = Sight { at_ms, options: hasher.finish() };
        // Sessions are judged one after the other, but may have overlapped.
        sights.insert(sights.partition_point(|other| *other <= sight), sight);
        let changes = sights.windows(2).filter(|two| two[0].options != two[1].options).count();
        let lasted = sights.last().map_or(0, |last| last.at_ms)
            - sights.first().map_or(0, |first| first.at_ms);
        // As far as a run can tell, which is shorter than a day.
        collector.require("L1-007", reply, changes <= MOST_CHANGES, || {
            format!("the options have changed {changes} times within {lasted} ms")
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::action::Transport;
    use crate::base::tests::info;
    use crate::invariant::RunFacts;
    use crate::invariant::testing::answered_info;
    use crate::verdict::Verdict;

    /// The verdict after so many answers at the same time, of which some have another maximum.
    fn after(answers: usize, is_other: impl Fn(usize) -> bool) -> Option<Verdict> {
        let mut facts = RunFacts::default();
        let mut verdict = None;
        for number in 0..answers {
            let mut info: Value = info();
            if is_other(number) {
                info["max_channel_expiry_blocks"] = json!(9);
            }
            verdict = answered_info(Transport::P2p, &info, &mut facts).verdict("L1-007");
        }
        verdict
    }

    #[test]
    fn options_that_stay_or_change_once_are_nothing_to_complain_about() {
        assert_eq!(after(9, |_| false), Some(Verdict::Pass));
        assert_eq!(after(9, |number| number > 4), Some(Verdict::Pass));
    }

    #[test]
    fn options_that_move_are_a_warning() {
        let mut facts = RunFacts::default();
        let seen = &mut facts.steady;
        for number in 0..6 {
            seen.p2p.push(super::Sight { at_ms: number, options: (number % 2) as u64 });
        }
        let found = answered_info(Transport::P2p, &info(), &mut facts);
        assert_eq!(found.verdict("L1-007"), Some(Verdict::Warn));
    }
}
