//! What is paid to orders on-chain: a wallet of bitcoind that holds nothing else, so that no channel is paid with coins
//! that may have to go back.

use std::collections::HashMap;
use std::time::Duration;

use bitcoin::address::NetworkUnchecked;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Address, Amount, OutPoint, Transaction, Txid};
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::rpc::{RpcError, RpcErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::engine::{EngineError, RefundTerms, refund};
use crate::order::{Coin, MAX_CONFIRMATIONS, SignedRefund};

/// The pause after a call that bitcoind didn't answer.
const PAUSE: Duration = Duration::from_millis(500);

/// The wallet of the payments.
#[derive(Clone)]
pub(super) struct Wallet {
    rpc: BitcoindRpc,
}

#[derive(Deserialize)]
struct Unspent {
    txid: Txid,
    vout: u32,
    address: Option<Address<NetworkUnchecked>>,
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    amount: Amount,
    confirmations: u32,
}

#[derive(Deserialize)]
struct MempoolEntry {
    weight: u64,
    fees: MempoolFees,
    #[serde(rename = "ancestorsize")]
    ancestor_vbytes: u64,
}

#[derive(Deserialize)]
struct MempoolFees {
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    base: Amount,
    #[serde(with = "bitcoin::amount::serde::as_btc")]
    ancestor: Amount,
}

#[derive(Deserialize)]
struct Signed {
    hex: String,
    complete: bool,
}

#[derive(Deserialize)]
struct WalletTransaction {
    /// Negative for a transaction that can't be in this chain any more.
    confirmations: i64,
}

#[derive(Deserialize)]
struct Mempool {
    mempool_sequence: u64,
}

impl Wallet {
    /// The wallet behind `rpc`.
    pub(super) fn new(rpc: BitcoindRpc) -> Self {
        Self { rpc }
    }

    /// A new address.
    pub(super) async fn address(&self) -> Result<String, EngineError> {
        let address = self.rpc.new_address().await;
        address.map(|address| address.to_string()).map_err(|error| EngineError(error.to_string()))
    }

    /// Changes with whatever enters or leaves the mempool.
    pub(super) async fn mempool_sequence(&self) -> Result<u64, RpcError> {
        let mempool: Mempool = self.rpc.call("getrawmempool", json!([false, true])).await?;
        Ok(mempool.mempool_sequence)
    }

    /// All unspent coins, by address, in a fixed order.
    pub(super) async fn coins(&self) -> Result<HashMap<String, Vec<Coin>>, RpcError> {
        let unspent: Vec<Unspent> =
            self.rpc.call("listunspent", json!([0, 9_999_999, [], true])).await?;
        let mut coins: HashMap<String, Vec<Coin>> = HashMap::new();
        for output in unspent {
            let Some(address) = output.address else { continue };
            let rate = match output.confirmations {
                0 => self.sat_per_kwu(output.txid).await?,
                _ => 0,
            };
            coins.entry(address.assume_checked().to_string()).or_default().push(Coin {
                outpoint: OutPoint { txid: output.txid, vout: output.vout },
                amount_sat: output.amount.to_sat(),
                // Deeper makes no difference.
                confirmations: output.confirmations.min(MAX_CONFIRMATIONS),
                sat_per_kwu: rate,
            });
        }
        coins.values_mut().for_each(|coins| coins.sort_by_key(|coin| coin.outpoint));
        Ok(coins)
    }

    /// What a transaction in the mempool pays, or it and what it depends on together if that is less.
    async fn sat_per_kwu(&self, txid: Txid) -> Result<u32, RpcError> {
        let entry = self.rpc.call::<MempoolEntry>("getmempoolentry", json!([txid])).await;
        let Ok(entry) = entry else {
            // It was confirmed or replaced meanwhile; the next look tells.
            return Ok(0);
        };
        let rate = |fee: Amount, weight: u64| fee.to_sat().saturating_mul(1_000) / weight.max(1);
        let own = rate(entry.fees.base, entry.weight);
        let with_ancestors = rate(entry.fees.ancestor, entry.ancestor_vbytes.saturating_mul(4));
        Ok(u32::try_from(own.min(with_ancestors)).unwrap_or(u32::MAX))
    }

    /// Whether a transaction of the wallet is in a block.
    pub(super) async fn is_confirmed(&self, txid: Txid) -> Result<bool, RpcError> {
        match self.rpc.call::<WalletTransaction>("gettransaction", json!([txid])).await {
            Ok(transaction) => Ok(transaction.confirmations > 0),
            // Never broadcast.
            Err(error) if error.code().is_some() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Signs a refund.
    pub(super) async fn sign(&self, terms: &RefundTerms) -> Result<SignedRefund, EngineError> {
        let unsigned = refund::unsigned(terms)?;
        let from = terms.from.parse::<Address<_>>().map(Address::assume_checked);
        let from = from.map_err(|error| EngineError(error.to_string()))?.script_pubkey();
        // bitcoind may not know them any more; the signature then serves for nothing, but bitcoind says so later.
        let spent: Vec<Value> = terms
            .coins
            .iter()
            .map(|coin| {
                json!({
                    "txid": coin.outpoint.txid, "vout": coin.outpoint.vout, "scriptPubKey": from,
                    "amount": Amount::from_sat(coin.amount_sat).to_btc(),
                })
            })
            .collect();
        let params = json!([serialize_hex(&unsigned), spent]);
        let signed: Signed = self.insist("signrawtransactionwithwallet", params).await?;
        let transaction: Transaction =
            deserialize_hex(&signed.hex).map_err(|error| EngineError(error.to_string()))?;
        if !signed.complete {
            return Err(EngineError("sign a refund: the wallet doesn't have all keys".to_owned()));
        }
        Ok(SignedRefund { txid: transaction.compute_txid(), hex: signed.hex })
    }

    /// Broadcasts a refund; again makes no difference.
    pub(super) async fn broadcast(&self, signed: &SignedRefund) -> Result<(), EngineError> {
        match self.insist::<Txid>("sendrawtransaction", json!([signed.hex])).await {
            Err(error) if !self.is_confirmed(signed.txid).await.unwrap_or(false) => Err(error),
            _ => Ok(()),
        }
    }

    /// Calls bitcoind until it answers. What it refuses, it would refuse again.
    async fn insist<T>(&self, method: &str, params: Value) -> Result<T, EngineError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        loop {
            match self.rpc.call(method, params.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(RpcError { kind: RpcErrorKind::Unreachable { .. }, .. }) => {
                    tracing::warn!("bitcoind doesn't answer to {method}; asking again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(EngineError(error.to_string())),
            }
        }
    }
}
