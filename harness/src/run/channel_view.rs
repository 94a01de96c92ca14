//! A channel of the target's as the client's node sees it, on the wire and afterwards.

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::node::{ChannelInfo, ChannelMessage, Direction, Node};
use lsps1_fixtures::peers::{Peer, PeerChannel};
use lsps1_scenarios::ChannelStage;
use serde_json::{Value, json};

/// What the harness's own node has seen. `outpoint` is the funding output of the channel that is meant.
pub(super) fn of_node(node: &Node, target: &PublicKey, outpoint: Option<&str>) -> Value {
    let records = node.tap().records();
    let from_target =
        || records.iter().filter(|it| it.peer == *target && it.direction == Direction::In);
    let opens: Vec<_> = from_target()
        .filter_map(|record| match &record.message {
            ChannelMessage::OpenChannel(open) => Some(open),
            _ => None,
        })
        .collect();
    let channels = node.channels().into_iter().filter(|channel| {
        channel.peer == *target && !channel.outbound && is_meant(channel.outpoint, outpoint)
    });
    let channel: Option<ChannelInfo> = channels.max_by_key(|channel| channel.usable);
    // Of several opens the one that the channel came of is told by its size.
    let open = match &channel {
        Some(channel) => opens
            .iter()
            .rev()
            .find(|open| open.common_fields.funding_satoshis == channel.capacity_sat),
        None => opens.last(),
    };
    let ready_sent = from_target().any(|record| match (&record.message, &channel) {
        (ChannelMessage::ChannelReady(ready), Some(channel)) => {
            ready.channel_id == channel.channel_id
        }
        _ => false,
    });
    let capacity_sat = open.map(|open| open.common_fields.funding_satoshis);
    let client_sat = open.map(|open| open.push_msat / 1_000);
    let channel = channel.as_ref();
    json!({
        "asked": !opens.is_empty(),
        "asks": opens.len(),
        "usable": channel.is_some_and(|channel| channel.usable),
        "ready_sent": ready_sent,
        "closed": !opens.is_empty() && channel.is_none(),
        "capacity_sat": channel.map(|channel| channel.capacity_sat).or(capacity_sat),
        // What each side has at first is what was said when the channel was opened; capacities leave out the reserve.
        "client_sat": client_sat,
        "lsp_sat": capacity_sat.zip(client_sat).map(|(all, client)| all.saturating_sub(client)),
        "announced": open.map(|open| open.common_fields.channel_flags & 1 == 1),
        // What the client would have to keep.
        "reserve_sat": open.map(|open| open.channel_reserve_satoshis),
        "funding_outpoint": channel.and_then(|it| it.outpoint).map(|outpoint| outpoint.to_string()),
        "confirmations": channel.map(|channel| channel.confirmations),
        "zero_conf": channel.is_some_and(|channel| channel.usable && channel.confirmations == 0),
    })
}

/// What a wallet tells.
pub(super) fn of_wallet(wallet: &Peer, target: &PublicKey, outpoint: Option<&str>) -> Value {
    let channels = wallet.channels().into_iter().filter(|channel| {
        channel.counterparty == *target && !channel.outbound && is_meant(channel.funding, outpoint)
    });
    let Some(channel) = channels.max_by_key(|channel| channel.usable) else {
        return json!({"asked": false, "usable": false, "closed": false});
    };
    let client_sat = own_share(&channel);
    json!({
        "asked": true,
        "usable": channel.usable,
        "closed": false,
        "capacity_sat": channel.capacity_sat,
        "client_sat": client_sat,
        "lsp_sat": client_sat.map(|client| channel.capacity_sat.saturating_sub(client)),
        "announced": channel.announced,
        "funding_outpoint": channel.funding.map(|outpoint| outpoint.to_string()),
        "confirmations": channel.confirmations,
        "zero_conf": channel.confirmations_required == Some(0),
    })
}

/// Whether a channel is as far as is waited for.
pub(super) fn has_reached(seen: &Value, stage: ChannelStage) -> bool {
    let member = match stage {
        ChannelStage::Asked => "asked",
        ChannelStage::Usable => "usable",
        ChannelStage::Closed => "closed",
    };
    seen.get(member) == Some(&Value::Bool(true))
}

fn is_meant(funding: Option<bitcoin::OutPoint>, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| {
        funding.is_some_and(|funding| funding.to_string().eq_ignore_ascii_case(wanted))
    })
}

/// What the client has in a channel that nothing was sent over yet, in sat. ldk-node only tells what could be sent and
/// received, and that leaves out the reserves, and what the opener pays for anchors.
fn own_share(channel: &PeerChannel) -> Option<u64> {
    /// Two anchor outputs of 330 sat (BOLT 3), in each channel that ldk-node agrees on with a node that knows them.
    const ANCHORS_SAT: u64 = 660;
    let reserve = channel.reserve_sat?;
    if channel.outbound_msat > 0 {
        return Some(channel.outbound_msat / 1_000 + reserve);
    }
    // No more than the reserve: what isn't the other side's. LDK asks that for a reserve of 1 %, at least 1,000 sat.
    let others =
        channel.inbound_msat / 1_000 + (channel.capacity_sat / 100).max(1_000) + ANCHORS_SAT;
    Some(channel.capacity_sat.saturating_sub(others))
}
