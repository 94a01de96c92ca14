//! What the LSP offers: the options of `lsps1.get_info` (bLIP-51 section 1), and whether an order fits them.

use super::OrderRequest;

/// The options of `lsps1.get_info`. All bounds are inclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The fewest confirmations after which a client may ask its channel to be usable.
    pub min_required_channel_confirmations: u16,
    /// The fewest blocks within which a client may ask the funding transaction to confirm; at least 1.
    pub min_funding_confirms_within_blocks: u16,
    /// Whether the client may do without a channel reserve.
    pub supports_zero_channel_reserve: bool,
    /// The longest lease in blocks; at least 1.
    pub max_channel_expiry_blocks: u32,
    /// The smallest client balance in sat.
    pub min_initial_client_balance_sat: u64,
    /// The largest client balance in sat.
    pub max_initial_client_balance_sat: u64,
    /// The smallest LSP balance in sat.
    pub min_initial_lsp_balance_sat: u64,
    /// The largest LSP balance in sat.
    pub max_initial_lsp_balance_sat: u64,
    /// The smallest channel in sat, both sides together.
    pub min_channel_balance_sat: u64,
    /// The largest channel in sat, both sides together.
    pub max_channel_balance_sat: u64,
}

impl Default for Terms {
    /// Chosen so that each bound can be broken by itself, and every order is one that a Lightning node without large
    /// channels can open.
    fn default() -> Self {
        Self {
            min_required_channel_confirmations: 0,
            min_funding_confirms_within_blocks: 6,
            supports_zero_channel_reserve: false,
            max_channel_expiry_blocks: 13_000,
            min_initial_client_balance_sat: 0,
            max_initial_client_balance_sat: 1_000_000,
            min_initial_lsp_balance_sat: 20_000,
            max_initial_lsp_balance_sat: 10_000_000,
            min_channel_balance_sat: 25_000,
            max_channel_balance_sat: 10_500_000,
        }
    }
}

/// Terms that bLIP-51 doesn't allow, or that no order fits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offer such orders: {0}")]
pub struct TermsError(pub(super) String);

/// An order that doesn't fit: error 100 of bLIP-51.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The option that isn't met, by its name in `lsps1.get_info`.
    pub(crate) bound: &'static str,
    /// The parameter that doesn't meet it, by its name in `lsps1.create_order`.
    pub(crate) field: &'static str,
    /// What is wrong, for people.
    pub(crate) message: String,
}

impl Terms {
    /// Whether bLIP-51 allows these terms and at least one order fits them.
    ///
    /// # Errors
    ///
    /// Says which option to change.
    pub fn validate(&self) -> Result<(), TermsError> {
        let at_least_one = [
            (
                "min-funding-confirms-within-blocks",
                u64::from(self.min_funding_confirms_within_blocks),
            ),
            ("max-channel-expiry-blocks", u64::from(self.max_channel_expiry_blocks)),
            ("max-initial-lsp-balance-sat", self.max_initial_lsp_balance_sat),
        ];
        for (name, value) in at_least_one {
            if value == 0 {
                return Err(TermsError(format!("--{name} has to be at least 1")));
            }
        }
        let ranges = [
            (
                "initial-client-balance-sat",
                self.min_initial_client_balance_sat,
                self.max_initial_client_balance_sat,
            ),
            (
                "initial-lsp-balance-sat",
                self.min_initial_lsp_balance_sat,
                self.max_initial_lsp_balance_sat,
            ),
            ("channel-balance-sat", self.min_channel_balance_sat, self.max_channel_balance_sat),
        ];
        for (name, min, max) in ranges {
            if min > max {
                return Err(TermsError(format!(
                    "--min-{name} is {min}, more than --max-{name}, {max}"
                )));
            }
        }
        let smallest = u128::from(self.min_initial_lsp_balance_sat.max(1))
            + u128::from(self.min_initial_client_balance_sat);
        let largest = u128::from(self.max_initial_lsp_balance_sat)
            + u128::from(self.max_initial_client_balance_sat);
        if smallest > self.max_channel_balance_sat.into()
            || largest < self.min_channel_balance_sat.into()
        {
            return Err(TermsError(
                "the balances of both sides never add up to a channel between --min-channel-balance-sat and --max-channel-balance-sat".to_owned(),
            ));
        }
        Ok(())
    }

    /// Whether an order fits.
    pub(crate) fn check(&self, order: &OrderRequest) -> Result<(), Mismatch> {
        let at_least = [
            (
                "required_channel_confirmations",
                u128::from(order.required_channel_confirmations),
                "min_required_channel_confirmations",
                u64::from(self.min_required_channel_confirmations),
            ),
            (
                "funding_confirms_within_blocks",
                order.funding_confirms_within_blocks.into(),
                "min_funding_confirms_within_blocks",
                self.min_funding_confirms_within_blocks.into(),
            ),
            (
                "client_balance_sat",
                order.client_balance_sat.into(),
                "min_initial_client_balance_sat",
                self.min_initial_client_balance_sat,
            ),
            (
                "lsp_balance_sat",
                order.lsp_balance_sat.into(),
                "min_initial_lsp_balance_sat",
                self.min_initial_lsp_balance_sat,
            ),
            (
                "lsp_balance_sat",
                order.capacity_sat(),
                "min_channel_balance_sat",
                self.min_channel_balance_sat,
            ),
        ];
        let at_most = [
            (
                "channel_expiry_blocks",
                u128::from(order.channel_expiry_blocks),
                "max_channel_expiry_blocks",
                u64::from(self.max_channel_expiry_blocks),
            ),
            (
                "client_balance_sat",
                order.client_balance_sat.into(),
                "max_initial_client_balance_sat",
                self.max_initial_client_balance_sat,
            ),
            (
                "lsp_balance_sat",
                order.lsp_balance_sat.into(),
                "max_initial_lsp_balance_sat",
                self.max_initial_lsp_balance_sat,
            ),
            (
                "lsp_balance_sat",
                order.capacity_sat(),
                "max_channel_balance_sat",
                self.max_channel_balance_sat,
            ),
        ];
        let low = at_least.into_iter().find(|(_, value, _, limit)| *value < u128::from(*limit));
        let high = at_most.into_iter().find(|(_, value, _, limit)| *value > u128::from(*limit));
        let Some((field, value, bound, limit)) = low.or(high) else { return Ok(()) };
        let than = if low.is_some() { "less" } else { "more" };
        let subject =
            if bound.ends_with("channel_balance_sat") { "the channel's size" } else { field };
        let message = format!("{subject} is {value}, {than} than {bound}, which is {limit}");
        Err(Mismatch { bound, field, message })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An order that fits the default terms.
    pub(crate) fn request() -> OrderRequest {
        OrderRequest {
            lsp_balance_sat: 100_000,
            client_balance_sat: 0,
            required_channel_confirmations: 0,
            funding_confirms_within_blocks: 6,
            channel_expiry_blocks: 13_000,
            token: None,
            refund_onchain_address: None,
            announce_channel: false,
        }
    }

    /// The bound that an altered order breaks.
    fn broken(alter: impl FnOnce(&mut OrderRequest)) -> Option<&'static str> {
        let mut order = request();
        alter(&mut order);
        Terms::default().check(&order).err().map(|mismatch| mismatch.bound)
    }

    #[test]
    fn each_bound_can_be_met_exactly_and_broken_alone() {
        assert_eq!(broken(|_| ()), None);
        assert_eq!(
            broken(|o| o.funding_confirms_within_blocks = 5),
            Some("min_funding_confirms_within_blocks")
        );
        assert_eq!(broken(|o| o.channel_expiry_blocks = 13_001), Some("max_channel_expiry_blocks"));
        assert_eq!(broken(|o| o.client_balance_sat = 1_000_000), None);
        assert_eq!(
            broken(|o| o.client_balance_sat = 1_000_001),
            Some("max_initial_client_balance_sat")
        );
        assert_eq!(broken(|o| o.lsp_balance_sat = 10_000_000), None);
        assert_eq!(broken(|o| o.lsp_balance_sat = 10_000_001), Some("max_initial_lsp_balance_sat"));
        assert_eq!(broken(|o| o.lsp_balance_sat = 20_000), Some("min_channel_balance_sat"));
        assert_eq!(broken(|o| (o.lsp_balance_sat, o.client_balance_sat) = (20_000, 5_000)), None);
        assert_eq!(
            broken(|o| (o.lsp_balance_sat, o.client_balance_sat) = (19_999, 5_001)),
            Some("min_initial_lsp_balance_sat")
        );
        assert_eq!(
            broken(|o| (o.lsp_balance_sat, o.client_balance_sat) = (10_000_000, 500_000)),
            None
        );
        assert_eq!(
            broken(|o| (o.lsp_balance_sat, o.client_balance_sat) = (10_000_000, 500_001)),
            Some("max_channel_balance_sat")
        );
        assert_eq!(broken(|o| o.required_channel_confirmations = u16::MAX), None);
    }

    #[test]
    fn the_largest_sums_do_not_overflow() {
        let order =
            |o: &mut OrderRequest| (o.lsp_balance_sat, o.client_balance_sat) = (u64::MAX, u64::MAX);
        assert!(broken(order).is_some());
    }

    #[test]
    fn terms_that_no_order_fits_are_refused() {
        assert_eq!(Terms::default().validate(), Ok(()));
        let cases: [fn(&mut Terms); 4] = [
            |t| t.max_channel_expiry_blocks = 0,
            |t| t.min_funding_confirms_within_blocks = 0,
            |t| t.min_initial_client_balance_sat = t.max_initial_client_balance_sat + 1,
            |t| (t.min_channel_balance_sat, t.max_channel_balance_sat) = (11_000_001, 12_000_000),
        ];
        for alter in cases {
            let mut terms = Terms::default();
            alter(&mut terms);
            assert!(terms.validate().is_err(), "{terms:?}");
        }
    }
}
