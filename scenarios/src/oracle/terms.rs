//! The options of get_info, as numbers.

use serde_json::Value;

use crate::base::{self, BaseError};
use crate::decode::sat;

/// The options of get_info that bound an order. All bounds are inclusive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// `min_required_channel_confirmations`
    pub min_confirmations: u64,
    /// `min_funding_confirms_within_blocks`
    pub min_funding_blocks: u64,
    /// `max_channel_expiry_blocks`
    pub max_expiry_blocks: u64,
    /// `min_initial_client_balance_sat` and `max_initial_client_balance_sat`
    pub client_balance: (u64, u64),
    /// `min_initial_lsp_balance_sat` and `max_initial_lsp_balance_sat`
    pub lsp_balance: (u64, u64),
    /// `min_channel_balance_sat` and `max_channel_balance_sat`
    pub channel_balance: (u64, u64),
    /// The parameters of the smallest order that fits.
    pub base: serde_json::Map<String, Value>,
}

impl Terms {
    /// Reads a get_info result. `public_key` is what REST adds to an order.
    ///
    /// # Errors
    ///
    /// If an option is missing or can't be read; it has a finding of its own elsewhere.
    pub fn read(info: &Value, public_key: Option<&str>) -> Result<Self, BaseError> {
        let number = |name| info.get(name).and_then(Value::as_u64).ok_or(BaseError::Option(name));
        let amount = |name| {
            let value = info.get(name);
            let amount = value.and_then(|value| sat::amount(value).or_else(|| value.as_u64()));
            amount.ok_or(BaseError::Option(name))
        };
        Ok(Self {
            min_confirmations: number("min_required_channel_confirmations")?,
            min_funding_blocks: number("min_funding_confirms_within_blocks")?,
            max_expiry_blocks: number("max_channel_expiry_blocks")?,
            client_balance: (
                amount("min_initial_client_balance_sat")?,
                amount("max_initial_client_balance_sat")?,
            ),
            lsp_balance: (
                amount("min_initial_lsp_balance_sat")?,
                amount("max_initial_lsp_balance_sat")?,
            ),
            channel_balance: (
                amount("min_channel_balance_sat")?,
                amount("max_channel_balance_sat")?,
            ),
            base: base::create_order(info, public_key)?,
        })
    }
}
