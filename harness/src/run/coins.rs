//! Payments on the chain: coins of the payer's that are sent, and coins that come back.

use std::time::{Duration, Instant};

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, Txid};
use lsps1_fixtures::BitcoindRpc;
use serde::Deserialize;
use serde_json::{Value, json};

/// How often the wallet is looked at while coins are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Sends coins from a wallet. A fee rate in sat per 1000 weight units is rounded up to whole sat per virtual byte.
pub(super) async fn pay(
    wallet: &BitcoindRpc,
    address: &str,
    amount_sat: u64,
    sat_per_kwu: Option<u64>,
) -> Result<Value, String> {
    let to = address
        .parse::<Address<NetworkUnchecked>>()
        .and_then(|address| address.require_network(bitcoin::Network::Regtest))
        .map_err(|error| format!("nothing can be paid to '{address}': {error}"))?;
    let rate = sat_per_kwu.map(|rate| (rate * 4).div_ceil(1_000));
    let sent = wallet.send_to_address(&to, Amount::from_sat(amount_sat), rate).await;
    let txid = sent.map_err(|error| format!("the payer failed to {error}"))?;
    Ok(json!({"txid": txid.to_string()}))
}

/// Waits until the wallet sees coins come to one of its addresses, in the mempool or in a block.
pub(super) async fn received(
    wallet: &BitcoindRpc,
    address: &str,
    within: Duration,
) -> Result<Value, String> {
    let deadline = Instant::now() + within;
    loop {
        let list: Vec<Received> = wallet
            .call("listreceivedbyaddress", json!([0, false, true, address]))
            .await
            .map_err(|error| format!("failed to {error}"))?;
        if let Some(received) = list.into_iter().find(|received| !received.txids.is_empty()) {
            return describe(wallet, &received).await;
        }
        if Instant::now() >= deadline {
            return Ok(json!({"found": false}));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What bitcoind says of an address.
#[derive(Debug, Deserialize)]
struct Received {
    /// In bitcoin.
    amount: f64,
    confirmations: u32,
    txids: Vec<Txid>,
}

async fn describe(wallet: &BitcoindRpc, received: &Received) -> Result<Value, String> {
    let amount = Amount::from_btc(received.amount)
        .map_err(|error| format!("bitcoind names an amount that there isn't: {error}"))?;
    let mut document = json!({
        "found": true,
        "amount_sat": amount.to_sat(),
        "confirmations": received.confirmations,
        "transactions": received.txids.len(),
    });
    // What it pays is known while it waits for its block.
    if let [txid] = received.txids.as_slice()
        && let Some(entry) =
            wallet.mempool_entry(*txid).await.map_err(|error| format!("failed to {error}"))?
    {
        let fee_sat = entry.fees.base.to_sat();
        document["txid"] = json!(txid.to_string());
        document["fee_sat"] = json!(fee_sat);
        document["sat_per_kwu"] = json!(fee_sat * 250 / entry.vsize.max(1));
    }
    Ok(document)
}
