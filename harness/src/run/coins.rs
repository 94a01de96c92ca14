//! Payments on the chain: coins of the payer's that are sent, and coins that come back.

use std::time::{Duration, Instant};

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, BlockHash, SignedAmount, Txid};
use lsps1_fixtures::rpc::{FeePaid, MempoolEntry};
use lsps1_fixtures::{BitcoindRpc, RpcError};
use serde::Deserialize;
use serde_json::{Value, json};

/// How often the wallet is looked at while coins are waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a payment that is taken back pays to the payer, in sat, beside the change.
const REPLACEMENT_SAT: u64 = 1_000;

/// The fee rate of the transaction by which a payment is taken back, in sat per vbyte: more than payments pay.
const REPLACEMENT_SAT_PER_VB: u64 = 25;

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

/// Replaces a payment of the wallet's by one to itself.
pub(super) async fn take_back(wallet: &BitcoindRpc, txid: &str) -> Result<Value, String> {
    let failed = |error: RpcError| format!("the payer failed to {error}");
    let to = wallet.new_address().await.map_err(failed)?;
    // Any amount: the rest is change.
    let outputs = json!([{to.to_string(): Amount::from_sat(REPLACEMENT_SAT).to_btc()}]);
    let bumped: Bumped = wallet
        .call("bumpfee", json!([txid, {"outputs": outputs, "fee_rate": REPLACEMENT_SAT_PER_VB}]))
        .await
        .map_err(failed)?;
    Ok(json!({"txid": bumped.txid.to_string()}))
}

/// What coins are waited for; whatever comes if nothing is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// How much, in sat, in as many transactions as it takes.
    pub(super) at_least_sat: Option<u64>,
    /// More than this by each transaction, in sat per 1000 weight units.
    pub(super) above_sat_per_kwu: Option<u64>,
}

/// Waits until the wallet sees coins come to one of its addresses, in the mempool or in a block. If they don't come as
/// they are wanted, what has come is told as it was seen last.
pub(super) async fn received(
    wallet: &BitcoindRpc,
    address: &str,
    wanted: Wanted,
    within: Duration,
) -> Result<Value, String> {
    let deadline = Instant::now() + within;
    loop {
        let arrivals =
            arrivals(wallet, address).await.map_err(|error| format!("failed to {error}"))?;
        let is_there = wanted.is_met(&arrivals);
        if is_there || Instant::now() >= deadline {
            return Ok(describe(is_there, &arrivals));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Wanted {
    fn is_met(&self, arrivals: &[Arrival]) -> bool {
        let is_dear = |arrival: &Arrival| {
            let paid = arrival.cost.map(|cost| cost.sat_per_kwu);
            self.above_sat_per_kwu.is_none_or(|least| paid > Some(least))
        };
        let is_enough = self.at_least_sat.is_none_or(|least| sum_sat(arrivals) >= least);
        !arrivals.is_empty() && is_enough && arrivals.iter().all(is_dear)
    }
}

/// What bitcoind says of a payment's replacement.
#[derive(Deserialize)]
struct Bumped {
    txid: Txid,
}

/// The transactions that bitcoind knows for an address.
#[derive(Deserialize)]
struct Received {
    txids: Vec<Txid>,
}

/// What bitcoind's wallet says of a transaction.
#[derive(Deserialize)]
struct WalletTransaction {
    /// Negative where another one is in the chain instead.
    confirmations: i64,
    /// The block that it is in.
    #[serde(rename = "blockhash")]
    block_hash: Option<BlockHash>,
    details: Vec<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    address: Option<String>,
    category: String,
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    amount: SignedAmount,
}

/// Coins that a transaction brings to an address.
struct Arrival {
    txid: Txid,
    amount_sat: u64,
    confirmations: u32,
    /// What it pays, where bitcoind can tell.
    cost: Option<Cost>,
}

/// What a transaction pays to be mined.
#[derive(Clone, Copy)]
struct Cost {
    fee_sat: u64,
    /// While it waits with what spends it, if that is more.
    sat_per_kwu: u64,
}

impl Cost {
    fn waiting(entry: &MempoolEntry) -> Self {
        let MempoolEntry { vsize, descendant_vsize, fees } = entry;
        let rate = |fee: Amount, vsize: u64| fee.to_sat() * 250 / vsize.max(1);
        let sat_per_kwu = rate(fees.base, *vsize).max(rate(fees.descendant, *descendant_vsize));
        Self { fee_sat: fees.base.to_sat(), sat_per_kwu }
    }

    fn mined(paid: FeePaid) -> Self {
        let fee_sat = paid.fee.to_sat();
        Self { fee_sat, sat_per_kwu: fee_sat * 1_000 / paid.weight.max(1) }
    }
}

/// What has come to an address and is still there: a transaction that was replaced isn't.
async fn arrivals(wallet: &BitcoindRpc, address: &str) -> Result<Vec<Arrival>, RpcError> {
    let list: Vec<Received> =
        wallet.call("listreceivedbyaddress", json!([0, false, true, address])).await?;
    let mut arrivals = Vec::new();
    for txid in list.into_iter().flat_map(|received| received.txids) {
        let known: WalletTransaction = wallet.call("gettransaction", json!([txid])).await?;
        let Ok(confirmations) = u32::try_from(known.confirmations) else { continue };
        let cost = match known.block_hash {
            Some(block) => wallet.fee_in_block(txid, block).await?.map(Cost::mined),
            None => match wallet.mempool_entry(txid).await? {
                Some(entry) => Some(Cost::waiting(&entry)),
                None => continue,
            },
        };
        let is_ours = |detail: &&Detail| {
            detail.category == "receive" && detail.address.as_deref() == Some(address)
        };
        let amounts = known.details.iter().filter(is_ours).map(|detail| detail.amount.to_sat());
        let amount_sat = amounts.filter_map(|sat| u64::try_from(sat).ok()).sum();
        arrivals.push(Arrival { txid, amount_sat, confirmations, cost });
    }
    Ok(arrivals)
}

fn sum_sat(arrivals: &[Arrival]) -> u64 {
    arrivals.iter().map(|arrival| arrival.amount_sat).sum()
}

fn describe(found: bool, arrivals: &[Arrival]) -> Value {
    if arrivals.is_empty() {
        return json!({"found": false});
    }
    let mut document = json!({
        "found": found,
        "amount_sat": sum_sat(arrivals),
        "confirmations": arrivals.iter().map(|arrival| arrival.confirmations).min(),
        "transactions": arrivals.len(),
    });
    if let [arrival] = arrivals
        && let Some(Cost { fee_sat, sat_per_kwu }) = arrival.cost
    {
        document["txid"] = json!(arrival.txid.to_string());
        document["fee_sat"] = json!(fee_sat);
        document["sat_per_kwu"] = json!(sat_per_kwu);
    }
    document
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use lsps1_fixtures::rpc::MempoolFees;

    use super::*;

    #[test]
    fn a_child_that_pays_for_its_parent_counts() {
        let sat = Amount::from_sat;
        let arrival = |descendant_vsize, descendant| Arrival {
            txid: Txid::all_zeros(),
            amount_sat: 1_000,
            confirmations: 0,
            cost: Some(Cost::waiting(&MempoolEntry {
                vsize: 110,
                descendant_vsize,
                fees: MempoolFees { base: sat(220), descendant: sat(descendant) },
            })),
        };
        let sat_per_kwu = |arrival: Arrival| arrival.cost.unwrap().sat_per_kwu;
        assert_eq!(sat_per_kwu(arrival(110, 220)), 500);
        assert_eq!(sat_per_kwu(arrival(220, 2_200)), 2_500);
        // A cheap child takes nothing away.
        assert_eq!(sat_per_kwu(arrival(220, 330)), 500);
        let mined = Cost::mined(FeePaid { fee: sat(220), weight: 440 });
        assert_eq!((mined.fee_sat, mined.sat_per_kwu), (220, 500));
        let found = describe(true, &[arrival(220, 2_200)]);
        assert_eq!((&found["fee_sat"], &found["sat_per_kwu"]), (&json!(220), &json!(2_500)));
        let both = describe(true, &[arrival(110, 220), arrival(110, 220)]);
        assert_eq!((&both["amount_sat"], &both["transactions"]), (&json!(2_000), &json!(2)));
        assert_eq!(describe(false, &[]), json!({"found": false}));
        let wanted = |at_least_sat, above_sat_per_kwu| Wanted { at_least_sat, above_sat_per_kwu };
        let two = [arrival(110, 220), arrival(220, 2_200)];
        assert!(wanted(None, None).is_met(&two) && wanted(Some(2_000), Some(499)).is_met(&two));
        assert!(!wanted(Some(2_001), None).is_met(&two) && !wanted(None, Some(500)).is_met(&two));
        assert!(!wanted(None, None).is_met(&[]));
    }
}
