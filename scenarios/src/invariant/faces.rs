//! Whether REST and custom messages offer the same options: RD-009.

use std::collections::BTreeMap;

use serde_json::Value;

use super::collect::Collector;
use super::info::OPTIONS;
use super::view::View;
use crate::action::Transport;
use crate::matcher::shorten;

/// The options that a face offers, by name.
type Options = BTreeMap<&'static str, Value>;

/// What each face was seen to offer first.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    p2p: Option<Options>,
    rest: Option<Options>,
}

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>, offers: &mut Offers) {
    for (reply, info) in view.results("lsps1.get_info") {
        let option = |name: &'static str| Some((name, info.get(name)?.clone()));
        let options: Options = OPTIONS.into_iter().filter_map(option).collect();
        // Another shape is another row.
        if options.is_empty() {
            continue;
        }
        let (own, other, there) = match reply.transport {
            Transport::P2p => (&mut offers.p2p, &offers.rest, "REST"),
            Transport::Rest => (&mut offers.rest, &offers.p2p, "custom messages"),
        };
        let own = own.get_or_insert(options);
        let Some(other) = other else { continue };
        let differing = OPTIONS.into_iter().find(|name| own.get(name) != other.get(name));
        collector.require("RD-009", reply, differing.is_none(), || {
            let name = differing.unwrap_or_default();
            let shown = |side: &Options| side.get(name).map_or_else(|| "missing".into(), shorten);
            format!("`{name}` is {} here, and {} over {there}", shown(own), shown(other))
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::action::Transport;
    use crate::base::tests::info;
    use crate::invariant::RunFacts;
    use crate::invariant::testing::{Found, answered_info};
    use crate::verdict::Verdict;

    fn both(p2p: &Value, rest: &Value) -> (Found, Found) {
        let mut facts = RunFacts::default();
        let first = answered_info(Transport::P2p, p2p, &mut facts);
        (first, answered_info(Transport::Rest, rest, &mut facts))
    }

    #[test]
    fn both_faces_have_the_same_options() {
        let mut rest = info();
        rest["uris"] = json!([]);
        rest["min_onchain_payment_confirmations"] = Value::Null;
        let (alone, agreeing) = both(&info(), &rest);
        assert_eq!(alone.verdict("RD-009"), None);
        assert_eq!(agreeing.verdict("RD-009"), Some(Verdict::Pass));
        rest["max_initial_lsp_balance_sat"] = json!("9");
        assert_eq!(both(&info(), &rest).1.verdict("RD-009"), Some(Verdict::Warn));
        rest.as_object_mut().unwrap().remove("max_initial_lsp_balance_sat");
        assert_eq!(both(&info(), &rest).1.verdict("RD-009"), Some(Verdict::Warn));
    }
}
