//! Paying by a command of the operator's, such as `lncli payinvoice --force {invoice}`, where there is no chain of one's own.
//!
//! What is spent may be real, so nothing is without an allowance. What the target says never reaches a shell: the command is split
//! into words before the invoice is put in, and what isn't an invoice isn't put in.

use bitcoin::Network;
use bitcoin::hashes::Hash;
use lsps1_fixtures::node::Bolt11Invoice;

/// What stands for the invoice in the command.
const PLACEHOLDER: &str = "{invoice}";

/// The longest invoice that is paid, in characters.
const LONGEST_INVOICE: usize = 2_048;

/// A command that pays, and how much it may spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayHook {
    pub(super) program: String,
    /// One of them has the placeholder.
    arguments: Vec<String>,
    /// The most that all payments of a run may add up to, in sat.
    allowed_sat: u64,
    /// Whether invoices of mainnet are paid.
    mainnet: bool,
}

/// A command that can't be used for paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayHookError {
    /// A quote is open, or there is nothing.
    #[error("it is empty, or has an open quote")]
    Words,
    /// Nobody would know what to pay.
    #[error("none of its arguments has {PLACEHOLDER}, the place of the invoice")]
    NoPlaceholder,
}

/// Why nothing was paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The target sent something else.
    #[error("nothing is paid, as that is no BOLT 11 invoice: {0}")]
    NoInvoice(String),
    /// How much it would cost is the payer's choice.
    #[error("nothing is paid, as the invoice names no amount")]
    NoAmount,
    /// It would cost more than is left.
    #[error(
        "nothing is paid, as {amount_sat} sat are more than --allow-spend leaves: {left_sat} sat of {allowed_sat}"
    )]
    TooMuch {
        /// What it would cost.
        amount_sat: u64,
        /// What is left.
        left_sat: u64,
        /// What was allowed.
        allowed_sat: u64,
    },
    /// Nobody said that this is wanted.
    #[error("nothing is paid, as the invoice is for mainnet: give --allow-mainnet, too")]
    Mainnet,
    /// The command didn't start.
    #[error("failed to {0}")]
    NotRun(String),
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) arguments: Vec<String>,
    /// What it costs, in sat.
    pub(super) amount_sat: u64,
    pub(super) payment_hash: [u8; 32],
}

impl PayHook {
    /// Reads a command in which `{invoice}` stands for the invoice. It is split into words as a shell does.
    ///
    /// # Errors
    /// Says what the command lacks.
    pub fn new(command: &str, allowed_sat: u64, mainnet: bool) -> Result<Self, PayHookError> {
        let mut words = shlex::split(command).unwrap_or_default().into_iter();
        let program = words.next().ok_or(PayHookError::Words)?;
        let arguments: Vec<String> = words.collect();
        if !arguments.iter().any(|word| word.contains(PLACEHOLDER)) {
            return Err(PayHookError::NoPlaceholder);
        }
        Ok(Self { program, arguments, allowed_sat, mainnet })
    }

    /// What pays `invoice`, if that may be paid with `spent_sat` spent before.
    pub(super) fn order(&self, invoice: &str, spent_sat: u64) -> Result<Order, Refusal> {
        if invoice.len() > LONGEST_INVOICE {
            let length = invoice.len();
            return Err(Refusal::NoInvoice(format!("it has {length} characters")));
        }
        let read: Bolt11Invoice =
            invoice.parse().map_err(|error| Refusal::NoInvoice(format!("{error}")))?;
        // What is paid is what the invoice says, whatever the order does.
        let amount_msat = read.amount_milli_satoshis().ok_or(Refusal::NoAmount)?;
        if read.network() == Network::Bitcoin && !self.mainnet {
            return Err(Refusal::Mainnet);
        }
        let amount_sat = amount_msat.div_ceil(1_000);
        let left_sat = self.allowed_sat.saturating_sub(spent_sat);
        if amount_sat > left_sat {
            let allowed_sat = self.allowed_sat;
            return Err(Refusal::TooMuch { amount_sat, left_sat, allowed_sat });
        }
        let payment_hash = read.payment_hash().to_byte_array();
        // As it was read, so that nothing but an invoice gets into the command.
        let invoice = read.to_string();
        let arguments = self.arguments.iter().map(|word| word.replace(PLACEHOLDER, &invoice));
        Ok(Order { arguments: arguments.collect(), amount_sat, payment_hash })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use lsps1_fixtures::node::{HoldInvoice, Node, NodeConfig};

    use super::*;

    /// The preimage of [`invoice`].
    pub(crate) const PREIMAGE: [u8; 32] = [1; 32];

    pub(crate) async fn invoice(network: Network, amount_msat: u64) -> String {
        let config = NodeConfig { network, ..NodeConfig::message_peer("payee", [5; 32]) };
        let (node, _events) = Node::start(config).await.unwrap();
        let terms = HoldInvoice {
            amount_msat,
            description: String::new(),
            expiry: Duration::from_secs(3_600),
            min_final_cltv_delta: 144,
            preimage: PREIMAGE,
            created_at: Duration::from_secs(1_700_000_000),
        };
        node.hold_invoice(terms).unwrap().to_string()
    }

    #[test]
    fn a_command_without_a_place_for_the_invoice_is_refused() {
        let new = |command| PayHook::new(command, 1, false).map(|_| ());
        assert_eq!(new("lncli payinvoice --force {invoice}"), Ok(()));
        assert_eq!(new("lncli 'payinvoice"), Err(PayHookError::Words));
        assert_eq!(new(""), Err(PayHookError::Words));
        assert_eq!(new("lncli payinvoice"), Err(PayHookError::NoPlaceholder));
        assert_eq!(new("{invoice}"), Err(PayHookError::NoPlaceholder));
    }

    #[tokio::test]
    async fn the_invoice_is_one_word_whatever_the_target_sends() {
        let hook = PayHook::new("pay --invoice={invoice} --now", 10, false).unwrap();
        let invoice = invoice(Network::Regtest, 9_001).await;
        let order = hook.order(&invoice, 0).unwrap();
        assert_eq!(order.arguments, [format!("--invoice={invoice}"), "--now".to_owned()]);
        assert_eq!(order.amount_sat, 10);
        let long = invoice.repeat(20);
        for hostile in
            ["--help", "$(reboot)", "", "lnbcrt1", &format!("{invoice}; reboot"), long.as_str()]
        {
            assert!(matches!(hook.order(hostile, 0), Err(Refusal::NoInvoice(_))), "{hostile}");
        }
    }

    #[tokio::test]
    async fn real_bitcoin_takes_a_second_word() {
        let invoice = invoice(Network::Bitcoin, 1_000).await;
        let hook = |mainnet| PayHook::new("true {invoice}", 100, mainnet).unwrap();
        assert_eq!(hook(false).order(&invoice, 0), Err(Refusal::Mainnet));
        assert!(hook(true).order(&invoice, 0).is_ok());
    }
}
