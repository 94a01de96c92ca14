//! What an order costs.

use super::OrderRequest;

/// How the fee is reckoned: a base, a share of the LSP's balance, and a share of it for each block of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    /// What every order costs, in sat.
    pub base_sat: u64,
    /// What the LSP's balance costs, in millionths of it.
    pub ppm: u64,
    /// What each block of the lease costs, in millionths of the LSP's balance.
    pub ppm_per_block: u64,
}

impl Default for Fee {
    /// 1,000 sat, 0.2 % of the balance, and 1 % more for a lease of 10,000 blocks.
    fn default() -> Self {
        Self { base_sat: 1_000, ppm: 2_000, ppm_per_block: 1 }
    }
}

/// A price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quote {
    /// The LSP's fee in sat, at least 1.
    pub(crate) fee_total_sat: u64,
    /// Fee and client balance together: what the client pays, in sat.
    pub(crate) order_total_sat: u64,
}

impl Fee {
    /// The price of an order, rounded up to whole sat; `None` if it is more than an invoice can ask for.
    ///
    /// An order costs at least 1 sat, since a BOLT 11 invoice can't ask for nothing.
    pub(crate) fn quote(&self, request: &OrderRequest) -> Option<Quote> {
        let blocks = u128::from(request.channel_expiry_blocks);
        let ppm =
            u128::from(self.ppm_per_block).checked_mul(blocks)?.checked_add(self.ppm.into())?;
        let share = ppm.checked_mul(request.lsp_balance_sat.into())?.div_ceil(1_000_000);
        let fee = share.checked_add(self.base_sat.into())?.max(1);
        let fee_total_sat = u64::try_from(fee).ok()?;
        let order_total_sat = fee_total_sat.checked_add(request.client_balance_sat)?;
        order_total_sat.checked_mul(1_000)?;
        Some(Quote { fee_total_sat, order_total_sat })
    }
}

#[cfg(test)]
mod tests {
    use super::super::terms::tests::request;
    use super::*;

    #[test]
    fn the_three_parts_add_up_and_round_up() {
        let fee = Fee { base_sat: 10, ppm: 1_000, ppm_per_block: 2 };
        let mut order = request();
        (order.lsp_balance_sat, order.client_balance_sat) = (100_001, 7);
        order.channel_expiry_blocks = 100;
        // 10 + 100,001 * (1000 + 200) / 1,000,000 = 10 + 120.0012
        assert_eq!(fee.quote(&order), Some(Quote { fee_total_sat: 131, order_total_sat: 138 }));
    }

    #[test]
    fn no_order_is_free_and_none_overflows() {
        let free = Fee { base_sat: 0, ppm: 0, ppm_per_block: 0 };
        assert_eq!(free.quote(&request()).map(|quote| quote.fee_total_sat), Some(1));
        let mut huge = request();
        huge.lsp_balance_sat = u64::MAX;
        assert_eq!(
            Fee { base_sat: u64::MAX, ppm: u64::MAX, ppm_per_block: u64::MAX }.quote(&huge),
            None
        );
        huge.client_balance_sat = u64::MAX;
        assert_eq!(free.quote(&huge), None);
    }
}
