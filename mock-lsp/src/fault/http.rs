//! What faults do to HTTP answers.

use serde_json::{Value, json};

use super::hook::HttpReply;

const URIS: &str = "uris";

pub(super) fn wrap_in_json_rpc(reply: &mut HttpReply) {
    let result = reply.body.take();
    reply.body = json!({"jsonrpc": "2.0", "id": null, "result": result});
}

pub(super) fn wrap_in_order(reply: &mut HttpReply) {
    if reply.status < 400 {
        reply.body = json!({"order": reply.body.take()});
    }
}

/// An order for everybody.
pub(super) fn order_for_error(reply: &mut HttpReply) {
    if reply.status >= 400 {
        reply.status = 200;
        reply.body =
            json!({"order_id": "00000000-0000-4000-8000-000000000001", "order_state": "FAILED"});
    }
}

pub(super) fn nothing_for_error(reply: &mut HttpReply) {
    if reply.status >= 400 {
        reply.status = 200;
        reply.body = json!({});
    }
}

fn set(reply: &mut HttpReply, name: &str, value: Value) {
    if let Value::Object(body) = &mut reply.body {
        body.insert(name.to_owned(), value);
    }
}

pub(super) fn onchain_confirmations_as_text(reply: &mut HttpReply) {
    set(reply, "min_onchain_payment_confirmations", "1".into());
}

pub(super) fn onchain_size_as_number(reply: &mut HttpReply) {
    set(reply, "min_onchain_payment_size_sat", 100_000.into());
}

pub(super) fn other_maximum(reply: &mut HttpReply) {
    set(reply, "max_initial_lsp_balance_sat", "9999999".into());
}

pub(super) fn no_uris(reply: &mut HttpReply) {
    set(reply, URIS, json!([]));
}

fn edit_uri(reply: &mut HttpReply, edit: impl FnOnce(&str) -> Value) {
    let uri = reply.body[URIS][0].as_str().map(str::to_owned);
    if let Some(uri) = uri {
        set(reply, URIS, edit(&uri));
    }
}

pub(super) fn uri_without_port(reply: &mut HttpReply) {
    edit_uri(reply, |uri| json!([uri.rsplit_once(':').map_or(uri, |(start, _)| start)]));
}

/// The node's own and that of another node.
pub(super) fn uris_of_two_nodes(reply: &mut HttpReply) {
    edit_uri(reply, |uri| json!([uri, of_other_node(uri)]));
}

/// The generator point's key at the same address.
fn of_other_node(uri: &str) -> String {
    let address = uri.split_once('@').map_or("", |(_, address)| address);
    format!("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798@{address}")
}

pub(super) fn uri_with_short_key(reply: &mut HttpReply) {
    edit_uri(reply, |uri| json!([uri.get(2..).unwrap_or_default()]));
}
