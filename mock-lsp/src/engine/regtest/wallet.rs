//! What is paid to orders on-chain: a wallet of bitcoind that holds nothing else, so that no channel is paid with coins
//! that may have to go back.

use std::collections::HashMap;
use std::time::Duration;

use bitcoin::address::NetworkUnchecked;
use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Address, Amount, OutPoint, ScriptBuf, Transaction, Txid};
use lsps1_fixtures::BitcoindRpc;
use lsps1_fixtures::rpc::{RpcError, RpcErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::engine::refund::{self, OwnCoin};
use crate::engine::{EngineError, RefundTerms};
use crate::order::{Coin, MAX_CONFIRMATIONS, SignedRefund};

/// The pause after a call that bitcoind didn't answer.
const PAUSE: Duration = Duration::from_millis(500);

/// What goes through refunds that can be lifted by a child, and what it costs to bring it here, in sat per vbyte: no less
/// than refunds pay in the end, so that they don't wait for it.
const OWN_COIN: Amount = Amount::from_sat(20_000);
const OWN_COIN_SAT_PER_VB: u64 = 20;

/// The wallet of the payments.
#[derive(Clone)]
pub(super) struct Wallet {
    rpc: BitcoindRpc,
    /// The wallet with coins of our own.
    funds: BitcoindRpc,
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
struct WalletHex {
    hex: String,
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
    /// The wallet behind `rpc`; `funds` has coins of our own.
    pub(super) fn new(rpc: BitcoindRpc, funds: BitcoindRpc) -> Self {
        Self { rpc, funds }
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
        let own = match terms.can_be_lifted {
            true => Some(self.own_coin().await?),
            false => None,
        };
        let unsigned = refund::unsigned(terms, own.as_ref())?;
        let from = terms.from.parse::<Address<_>>().map(Address::assume_checked);
        let from = from.map_err(|error| EngineError(error.to_string()))?.script_pubkey();
        // bitcoind may not know them any more; the signature then serves for nothing, but bitcoind says so later.
        let mut spent: Vec<Value> = terms
            .coins
            .iter()
            .map(|coin| spendable(coin.outpoint, Amount::from_sat(coin.amount_sat), &from))
            .collect();
        spent
            .extend(own.as_ref().map(|own| spendable(own.outpoint, own.value, &own.script_pubkey)));
        self.sign_raw(&unsigned, spent).await
    }

    /// Sends a coin of our own to this wallet.
    async fn own_coin(&self) -> Result<OwnCoin, EngineError> {
        let failed = |error: RpcError| EngineError(error.to_string());
        let to = self.rpc.new_address().await.map_err(failed)?;
        let txid = self
            .funds
            .send_to_address(&to, OWN_COIN, Some(OWN_COIN_SAT_PER_VB))
            .await
            .map_err(failed)?;
        let sent: WalletHex = Self::insist_on(&self.funds, "gettransaction", json!([txid])).await?;
        let sent: Transaction =
            deserialize_hex(&sent.hex).map_err(|error| EngineError(error.to_string()))?;
        let script_pubkey = to.script_pubkey();
        let output = sent.output.iter().zip(0..).find(|(it, _)| it.script_pubkey == script_pubkey);
        let (_, vout) =
            output.ok_or_else(|| EngineError(format!("find the coin that {txid} sends")))?;
        Ok(OwnCoin { outpoint: OutPoint { txid, vout }, value: OWN_COIN, script_pubkey })
    }

    /// Lifts a refund in the mempool to a fee rate, in sat per 1000 weight units, by a child that spends its own coin. An
    /// earlier child is replaced.
    pub(super) async fn lift(
        &self,
        signed: &SignedRefund,
        sat_per_kwu: u32,
    ) -> Result<(), EngineError> {
        let failed = |error: RpcError| EngineError(error.to_string());
        let parent: Transaction =
            deserialize_hex(&signed.hex).map_err(|error| EngineError(error.to_string()))?;
        let entry: MempoolEntry = self.insist("getmempoolentry", json!([signed.txid])).await?;
        let to = self.funds.new_address().await.map_err(failed)?.script_pubkey();
        let fee_sat = entry.fees.base.to_sat();
        let child = refund::child(&parent, fee_sat, entry.weight, sat_per_kwu, to)?;
        let spent = child.input.first().map(|input| input.previous_output);
        let output = spent.and_then(|spent| {
            let output = parent.output.get(usize::try_from(spent.vout).ok()?)?;
            Some(spendable(spent, output.value, &output.script_pubkey))
        });
        let child = self.sign_raw(&child, output.into_iter().collect()).await?;
        self.insist::<Txid>("sendrawtransaction", json!([child.hex])).await?;
        Ok(())
    }

    /// Signs a transaction that spends these outputs of the wallet's.
    async fn sign_raw(
        &self,
        unsigned: &Transaction,
        spent: Vec<Value>,
    ) -> Result<SignedRefund, EngineError> {
        let params = json!([serialize_hex(unsigned), spent]);
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
        Self::insist_on(&self.rpc, method, params).await
    }

    async fn insist_on<T>(rpc: &BitcoindRpc, method: &str, params: Value) -> Result<T, EngineError>
    where
        T: DeserializeOwned + Send + 'static,
    {
        loop {
            match rpc.call(method, params.clone()).await {
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

/// What bitcoind has to know of an output to sign a transaction that spends it.
fn spendable(outpoint: OutPoint, value: Amount, script_pubkey: &ScriptBuf) -> Value {
    json!({
        "txid": outpoint.txid, "vout": outpoint.vout, "scriptPubKey": script_pubkey,
        "amount": value.to_btc(),
    })
}
