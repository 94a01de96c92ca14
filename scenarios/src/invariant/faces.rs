//! Whether REST and custom messages are two faces of one LSP: that they offer the same options (RD-009), and that the
//! node in `uris` is the one that serves LSPS1 (RD-008).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::collect::Collector;
use super::view::View;
use crate::action::Transport;
use crate::json::shorten;
use crate::known::OPTIONS;

/// The options that a face offers, by name.
type Options = BTreeMap<&'static str, Value>;

/// More nodes than a target has; one that sends thousands isn't remembered for it.
const MOST_NODES: usize = 32;

/// What each face was seen to offer first.
#[derive(Clone, Debug, Default)]
pub(super) struct Offers {
    p2p: Option<Options>,
    rest: Option<Options>,
    /// Ids of the nodes in `uris`.
    nodes: BTreeSet<String>,
    /// Whether the target's node lists LSPS1.
    lists_lsps1: Option<bool>,
}

pub(super) fn judge(view: &View<'_>, collector: &mut Collector<'_>, offers: &mut Offers) {
    judge_node(view, collector, offers);
    judge_options(view, collector, offers);
}

/// Only the node that the run speaks to can be judged, and only if `uris` names it: another one may serve LSPS1 as well.
fn judge_node(view: &View<'_>, collector: &mut Collector<'_>, offers: &mut Offers) {
    for (_, info) in view.results("lsps1.get_info") {
        let uris = info.get("uris").and_then(Value::as_array).into_iter().flatten();
        let ids = uris.filter_map(|uri| Some(uri.as_str()?.split_once('@')?.0.to_lowercase()));
        offers.nodes.extend(ids.take(MOST_NODES.saturating_sub(offers.nodes.len())));
    }
    for (_, result) in view.results("lsps0.list_protocols") {
        let protocols = result.get("protocols").and_then(Value::as_array);
        let lists = protocols.is_some_and(|numbers| numbers.iter().any(|number| number == 1));
        // One good answer doesn't make up for a bad one.
        offers.lists_lsps1 = Some(lists && offers.lists_lsps1.unwrap_or(true));
    }
    let (Some(node), Some(lists)) = (&collector.context.target_node, offers.lists_lsps1) else {
        return;
    };
    if !offers.nodes.contains(node) {
        return;
    }
    let node = node.clone();
    let shown = view.results("lsps1.get_info").chain(view.results("lsps0.list_protocols")).next();
    if let Some((reply, _)) = shown {
        collector.require("RD-008", reply, lists, || {
            format!("uris names the node {node}, which doesn't list LSPS1 (1) over custom messages")
        });
    }
}

fn judge_options(view: &View<'_>, collector: &mut Collector<'_>, offers: &mut Offers) {
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
    use crate::invariant::testing::{Found, answered_info, answered_protocols, node};
    use crate::verdict::Verdict;

    fn both(p2p: &Value, rest: &Value) -> (Found, Found) {
        let mut facts = RunFacts::default();
        let first = answered_info(Transport::P2p, p2p, &mut facts);
        (first, answered_info(Transport::Rest, rest, &mut facts))
    }

    /// The verdict on RD-008 after `uris` in get_info over REST and `protocols` in list_protocols over custom messages.
    fn node_after(uris: &Value, protocols: &Value) -> Option<Verdict> {
        let mut facts = RunFacts::default();
        let mut rest = info();
        rest["uris"] = uris.clone();
        answered_info(Transport::Rest, &rest, &mut facts);
        answered_protocols(&json!({"protocols": protocols}), &mut facts).verdict("RD-008")
    }

    #[test]
    fn the_node_in_uris_lists_lsps1() {
        let uris = json!([format!("{}@127.0.0.1:9735", node().to_uppercase())]);
        assert_eq!(node_after(&uris, &json!([2, 1])), Some(Verdict::Pass));
        assert_eq!(node_after(&uris, &json!([2])), Some(Verdict::Warn));
        let another = json!([format!("02{}@127.0.0.1:9735", "ab".repeat(32))]);
        assert_eq!(node_after(&another, &json!([2])), None);
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
