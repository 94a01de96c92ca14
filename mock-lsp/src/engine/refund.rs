//! The transaction that sends an order's coins back.

use std::str::FromStr;

use bitcoin::absolute::LockTime;
use bitcoin::address::NetworkUnchecked;
use bitcoin::transaction::Version;
use bitcoin::{Address, Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use super::{EngineError, RefundTerms};

/// What a signature and a key weigh in the witness of a P2WPKH input: 2 lengths, 72 bytes at most, 33 bytes.
const WITNESS_WEIGHT: u64 = 1 + 1 + 72 + 1 + 33;

/// A coin that goes through a refund and comes out of it again.
#[derive(Clone, Debug)]
pub(super) struct OwnCoin {
    pub(super) outpoint: OutPoint,
    pub(super) value: Amount,
    pub(super) script_pubkey: ScriptBuf,
}

/// The refund: all of its coins, less its virtual size times the fee rate, to where they are to go.
pub(super) fn unsigned(
    terms: &RefundTerms,
    own: Option<&OwnCoin>,
) -> Result<Transaction, EngineError> {
    let output = |address: &str, sat| {
        let address = Address::<NetworkUnchecked>::from_str(address)
            .map_err(|error| EngineError(format!("refund to {address}: {error}")))?;
        let script_pubkey = address.assume_checked().script_pubkey();
        Ok(TxOut { value: Amount::from_sat(sat), script_pubkey })
    };
    let mut transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: terms.coins.iter().map(|coin| input(coin.outpoint)).collect(),
        output: vec![output(&terms.to, 0)?],
    };
    if terms.kept_sat > 0 {
        transaction.output.push(output(&terms.from, terms.kept_sat)?);
    }
    if let Some(own) = own {
        transaction.input.push(input(own.outpoint));
        let script_pubkey = own.script_pubkey.clone();
        transaction.output.push(TxOut { value: own.value, script_pubkey });
    }
    let sum: u64 = terms.coins.iter().map(|coin| coin.amount_sat).sum();
    let value = sum
        .checked_sub(fee_sat(&transaction, terms.sat_per_kwu))
        .and_then(|value| value.checked_sub(terms.kept_sat))
        .ok_or_else(|| EngineError(format!("{sum} sat don't pay for their own refund")))?;
    if let Some(output) = transaction.output.first_mut() {
        output.value = Amount::from_sat(value);
    }
    Ok(transaction)
}

/// A transaction that spends the own coin of a refund, which costs `parent_fee_sat` and weighs `parent_weight`, so that
/// both together pay a fee rate, in sat per 1000 weight units.
pub(super) fn child(
    refund: &Transaction,
    parent_fee_sat: u64,
    parent_weight: u64,
    sat_per_kwu: u32,
    to: ScriptBuf,
) -> Result<Transaction, EngineError> {
    let own = refund.output.iter().zip(0..).skip(1).last();
    let (own, vout) =
        own.ok_or_else(|| EngineError("lift a refund: it has no output of our own".to_owned()))?;
    let mut transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input(OutPoint { txid: refund.compute_txid(), vout })],
        output: vec![TxOut { value: own.value, script_pubkey: to }],
    };
    let of_parent = parent_weight.saturating_mul(sat_per_kwu.into()).div_ceil(1_000);
    let fee_sat = fee_sat(&transaction, sat_per_kwu) + of_parent.saturating_sub(parent_fee_sat);
    if let Some(output) = transaction.output.first_mut() {
        output.value = own
            .value
            .checked_sub(Amount::from_sat(fee_sat))
            .ok_or_else(|| EngineError(format!("lift a refund: {} is too little", own.value)))?;
    }
    Ok(transaction)
}

fn input(outpoint: OutPoint) -> TxIn {
    TxIn {
        previous_output: outpoint,
        script_sig: ScriptBuf::new(),
        // Replaceable, for a higher fee later.
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}

/// What the transaction costs once it is signed, in sat.
fn fee_sat(transaction: &Transaction, sat_per_kwu: u32) -> u64 {
    let inputs = u64::try_from(transaction.input.len()).unwrap_or(u64::MAX);
    // Marker and flag come with the first witness.
    let weight = transaction.weight().to_wu() + 2 + inputs.saturating_mul(WITNESS_WEIGHT);
    let vbytes = weight.div_ceil(4);
    (vbytes * 4).saturating_mul(sat_per_kwu.into()).div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Coin;

    #[test]
    fn all_goes_back_but_the_fee() {
        let coin = |amount_sat| Coin {
            outpoint: OutPoint::null(),
            amount_sat,
            confirmations: 1,
            sat_per_kwu: 0,
        };
        let terms = |amounts: &[u64]| RefundTerms {
            order_id: String::new(),
            refund: 0,
            from: String::new(),
            to: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".to_owned(),
            coins: amounts.iter().copied().map(coin).collect(),
            sat_per_kwu: 500,
            kept_sat: 0,
            can_be_lifted: false,
        };
        // One P2WPKH input and one P2WPKH output are 110 vbytes, at 2 sat each.
        let one = unsigned(&terms(&[10_000]), None).unwrap();
        assert_eq!(one.output[0].value, Amount::from_sat(10_000 - 220));
        let two = unsigned(&terms(&[10_000, 5_000]), None).unwrap();
        assert_eq!((two.input.len(), two.output[0].value), (2, Amount::from_sat(15_000 - 356)));
        assert!(unsigned(&terms(&[100]), None).is_err());
        // A fault keeps some of it.
        let own = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080".to_owned();
        let less = RefundTerms { kept_sat: 4_000, from: own, ..terms(&[10_000]) };
        let less = unsigned(&less, None).unwrap();
        let values: Vec<u64> = less.output.iter().map(|output| output.value.to_sat()).collect();
        assert_eq!(values, [6_000 - 220 - 62, 4_000]);
    }

    #[test]
    fn a_child_lifts_both_to_the_fee_rate() {
        let address = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
        let terms = RefundTerms {
            order_id: String::new(),
            refund: 0,
            from: String::new(),
            to: address.to_owned(),
            coins: vec![Coin {
                outpoint: OutPoint::null(),
                amount_sat: 10_000,
                confirmations: 1,
                sat_per_kwu: 0,
            }],
            sat_per_kwu: 500,
            kept_sat: 0,
            can_be_lifted: true,
        };
        let script_pubkey = address.parse::<Address<_>>().unwrap().assume_checked().script_pubkey();
        let own = OwnCoin {
            outpoint: OutPoint::null(),
            value: Amount::from_sat(20_000),
            script_pubkey: script_pubkey.clone(),
        };
        let refund = unsigned(&terms, Some(&own)).unwrap();
        // Two inputs and two outputs are 209 vbytes, 110 more are the child's.
        let values = |of: &Transaction| of.output.iter().map(|it| it.value.to_sat()).collect();
        let paid: Vec<u64> = values(&refund);
        assert_eq!(paid, [10_000 - 418, 20_000]);
        let child = child(&refund, 418, 209 * 4, 1_000, script_pubkey).unwrap();
        let left: Vec<u64> = values(&child);
        assert_eq!(left, [20_000 - (209 * 4 - 418) - 110 * 4]);
        assert_eq!(
            child.input[0].previous_output,
            OutPoint { txid: refund.compute_txid(), vout: 1 }
        );
    }
}
