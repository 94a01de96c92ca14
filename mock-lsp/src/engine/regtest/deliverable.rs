//! What a wallet and an LDK node can deliver.

use crate::order::Terms;

/// The largest channel that needs no agreement on large channels (BOLT 2), in sat.
const MAX_CHANNEL_SAT: u64 = (1 << 24) - 1;

/// What the engine's side of a channel has to hold beyond its reserve for the fees of the commitment transaction, sat.
const COMMITMENT_FEES_SAT: u64 = 5_000;

/// What is left in the wallet for the fee of a funding transaction, in sat.
const FUNDING_FEE_SAT: u64 = 10_000;

/// The part of the terms that this engine can deliver with a wallet of `balance_sat`. An empty wallet is expected to be
/// filled, and limits nothing.
pub(crate) fn deliverable(terms: &Terms, balance_sat: u64) -> Terms {
    let mut terms = terms.clone();
    let affordable =
        if balance_sat == 0 { u64::MAX } else { balance_sat.saturating_sub(FUNDING_FEE_SAT) };
    terms.max_channel_balance_sat =
        terms.max_channel_balance_sat.min(MAX_CHANNEL_SAT).min(affordable);
    let max = terms.max_channel_balance_sat;
    terms.max_initial_lsp_balance_sat = terms.max_initial_lsp_balance_sat.min(max);
    terms.max_initial_client_balance_sat = terms.max_initial_client_balance_sat.min(max);
    // The LSP's side has to cover its reserve, 1 % of the channel, and the fees of the commitment transaction.
    let largest_client = terms.max_initial_client_balance_sat;
    let least = largest_client / 99 + COMMITMENT_FEES_SAT;
    terms.min_initial_lsp_balance_sat = terms.min_initial_lsp_balance_sat.max(least);
    terms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_terms_can_be_delivered_as_they_are() {
        let terms = Terms::default();
        assert_eq!(deliverable(&terms, 0), terms);
        assert_eq!(deliverable(&terms, 100_000_000), terms);
    }

    #[test]
    fn nothing_is_offered_that_the_wallet_or_the_node_cannot_open() {
        let mut terms = deliverable(&Terms::default(), 1_010_000);
        assert_eq!(
            (terms.max_channel_balance_sat, terms.max_initial_lsp_balance_sat),
            (1_000_000, 1_000_000)
        );
        assert_eq!(terms.validate(), Ok(()));

        terms = Terms {
            max_channel_balance_sat: u64::MAX,
            max_initial_lsp_balance_sat: u64::MAX,
            ..Terms::default()
        };
        terms = deliverable(&terms, 0);
        assert_eq!(
            (terms.max_channel_balance_sat, terms.max_initial_lsp_balance_sat),
            (16_777_215, 16_777_215)
        );

        let poor = deliverable(&Terms::default(), 15_000);
        assert!(poor.validate().is_err());
    }
}
