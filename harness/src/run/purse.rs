//! What a run spends by a command of the operator's: never more than is allowed, and the allowance is used up when a payment
//! begins, whatever becomes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::hex::FromHex;
use lsps1_fixtures::process::{Process, ProcessConfig};
use lsps1_fixtures::run_dir::RunDir;
use tokio::sync::{mpsc, watch};

use super::pay_hook::{PayHook, Refusal};
use crate::report::model::PaymentsReport;
use crate::text::{Redactor, clipped, one_line};

/// How much of what a command prints is kept, in bytes.
const MAX_OUTPUT: usize = 64 * 1024;

/// How much of that a reason shows, in characters.
const OUTPUT_SHOWN: usize = 300;

/// How long a command has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(2);

/// How long the last of what a command that has ended printed may be on its way.
const OUTPUT_WITHIN: Duration = Duration::from_secs(1);

/// What a run spends by a hook.
pub struct Purse {
    hook: PayHook,
    run_dir: Arc<RunDir>,
    redactor: Redactor,
    spent: Mutex<PaymentsReport>,
}

/// How a payment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The command hasn't ended: the payment is on its way or held.
    Pending,
    /// The command has ended well, or has shown the preimage.
    Succeeded {
        /// The payment's preimage, if the command has printed it.
        preimage: Option<[u8; 32]>,
    },
    /// The command has ended otherwise.
    Failed {
        /// How it ended, and the end of what it printed.
        reason: String,
    },
}

/// A payment that was begun. The command is ended with this.
pub struct HookPayment {
    process: Process,
    payment_hash: [u8; 32],
    /// What the command has printed, and whether that is all.
    printed: watch::Receiver<(String, bool)>,
    number: usize,
}

impl Purse {
    /// A run's purse, from which nothing is spent yet. What commands print goes to the logs of `run_dir`, cleaned by
    /// `redactor`.
    #[must_use]
    pub fn new(hook: PayHook, run_dir: Arc<RunDir>, redactor: Redactor) -> Self {
        Self { hook, run_dir, redactor, spent: Mutex::default() }
    }

    /// Starts to pay an invoice.
    ///
    /// # Errors
    /// Says why nothing is paid.
    pub fn pay(&self, invoice: &str) -> Result<HookPayment, Refusal> {
        // Locked until the payment is counted: another one must not take the same allowance.
        let mut spent = self.lock();
        let order = self.hook.order(invoice, spent.sat)?;
        let number = spent.begun + 1;
        // What is printed is logged later, cleaned and cut.
        let config = ProcessConfig::new(
            format!("payment {number}"),
            &self.hook.program,
            "/dev/null",
            self.run_dir.id(),
        );
        let config = config.args(order.arguments).with_lines_of_both().grace(GRACE);
        let mut process =
            Process::spawn(config).map_err(|error| Refusal::NotRun(error.to_string()))?;
        spent.begun = number;
        spent.sat += order.amount_sat;
        let (sender, printed) = watch::channel((String::new(), false));
        if let Some(lines) = process.take_lines() {
            tokio::spawn(gather(lines, sender));
        }
        Ok(HookPayment { process, payment_hash: order.payment_hash, printed, number })
    }

    /// Ends a payment's command, notes what became of it, and keeps what it printed.
    pub async fn close(&self, mut payment: HookPayment) {
        let status = payment.status(Duration::ZERO).await;
        match status {
            Status::Pending => self.lock().open += 1,
            Status::Failed { .. } => self.lock().failed += 1,
            Status::Succeeded { .. } => {}
        }
        let HookPayment { process, printed, number, .. } = payment;
        process.stop().await;
        let text = self.redactor.clean_beginning(&printed.borrow().0);
        let log = self.run_dir.log(&format!("payment-{number}"));
        if let Err(error) = tokio::fs::write(&log, text).await {
            tracing::warn!(%error, log = %log.display(), "what a payment's command printed is lost");
        }
    }

    /// What was begun so far, and what became of that.
    #[must_use]
    pub fn spent(&self) -> PaymentsReport {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, PaymentsReport> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HookPayment {
    /// How it stands once it has succeeded or failed, or after `within`.
    pub async fn status(&mut self, within: Duration) -> Status {
        let payment_hash = self.payment_hash;
        let shown = |printed: &(String, bool)| preimage_in(&printed.0, payment_hash);
        let mut printed = self.printed.clone();
        let ended = tokio::time::timeout(within, async {
            tokio::select! {
                status = self.process.exited() => Some(status),
                // Whoever shows the preimage has paid.
                Ok(_) = printed.wait_for(|printed| shown(printed).is_some()) => None,
            }
        });
        let Ok(ended) = ended.await else { return Status::Pending };
        let _ = tokio::time::timeout(OUTPUT_WITHIN, printed.wait_for(|printed| printed.1)).await;
        let printed = self.printed.borrow();
        match (shown(&printed), ended) {
            (Some(preimage), _) => Status::Succeeded { preimage: Some(preimage) },
            (None, Some(status)) if status.success() => Status::Succeeded { preimage: None },
            (None, Some(status)) => {
                let reason = format!("--pay-cmd ended with {status}: {}", end_of(&printed.0));
                Status::Failed { reason }
            }
            (None, None) => Status::Pending,
        }
    }
}

/// Gathers what a command prints, and goes on reading when that is too much.
async fn gather(mut lines: mpsc::Receiver<String>, printed: watch::Sender<(String, bool)>) {
    while let Some(line) = lines.recv().await {
        printed.send_if_modified(|(text, _)| {
            let fits = text.len() + line.len() < MAX_OUTPUT;
            if fits {
                text.push_str(&line);
                text.push('\n');
            }
            fits
        });
    }
    printed.send_modify(|(_, is_all)| *is_all = true);
}

/// The preimage of a payment, if it is in what its command printed.
fn preimage_in(printed: &str, payment_hash: [u8; 32]) -> Option<[u8; 32]> {
    let words = printed.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter_map(|word| <[u8; 32]>::from_hex(word).ok())
        .find(|preimage| sha256::Hash::hash(preimage).to_byte_array() == payment_hash)
}

/// The end of what a command printed, which is where errors are, as one line.
fn end_of(printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    let shown = lines[lines.len().saturating_sub(3)..].join(" ");
    match shown.trim() {
        "" => "it printed nothing".to_owned(),
        shown => clipped(&one_line(shown), OUTPUT_SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::Network;
    use lsps1_fixtures::process::left_over;

    use super::*;
    use crate::run::pay_hook::tests::{PREIMAGE, invoice};
    use crate::text::hex;

    /// Longer than any command of these tests takes.
    const LONG: Duration = Duration::from_secs(60);

    fn purse(command: &str, allowed_sat: u64) -> Purse {
        let hook = PayHook::new(command, allowed_sat, false).unwrap();
        let run_dir = Arc::new(RunDir::new(None).unwrap());
        Purse::new(hook, run_dir, Redactor::new(["open-sesame"]))
    }

    #[tokio::test]
    async fn no_more_is_spent_than_allowed_counted_over_the_run() {
        let purse = purse("true {invoice}", 25);
        let invoice = invoice(Network::Regtest, 10_000).await;
        for _ in 0..2 {
            let mut payment = purse.pay(&invoice).unwrap();
            assert_eq!(payment.status(LONG).await, Status::Succeeded { preimage: None });
            purse.close(payment).await;
        }
        let refused = purse.pay(&invoice).map(|_| ());
        let expected = Refusal::TooMuch { amount_sat: 10, left_sat: 5, allowed_sat: 25 };
        assert_eq!(refused, Err(expected));
        assert_eq!(purse.spent(), PaymentsReport { begun: 2, sat: 20, failed: 0, open: 0 });
    }

    #[tokio::test]
    async fn a_command_that_does_not_start_spends_nothing() {
        let purse = purse("/does/not/exist {invoice}", 100);
        let refused = purse.pay(&invoice(Network::Regtest, 1_000).await).map(|_| ());
        assert!(matches!(refused, Err(Refusal::NotRun(_))), "{refused:?}");
        assert_eq!(purse.spent(), PaymentsReport::default());
    }

    #[tokio::test]
    async fn a_command_that_fails_says_why_and_what_it_printed_is_kept_clean() {
        let purse = purse("sh -c 'echo open-sesame; echo no route >&2; exit 2' {invoice}", 1);
        let mut payment = purse.pay(&invoice(Network::Regtest, 1_000).await).unwrap();
        let Status::Failed { reason } = payment.status(LONG).await else { panic!("it failed") };
        assert!(reason.contains("exit status: 2") && reason.contains("no route"), "{reason}");
        purse.close(payment).await;
        assert_eq!(purse.spent(), PaymentsReport { begun: 1, sat: 1, failed: 1, open: 0 });
        let log = std::fs::read_to_string(purse.run_dir.log("payment-1")).unwrap();
        assert_eq!(log, "[token]\nno route\n");
    }

    #[tokio::test]
    async fn a_preimage_is_taken_if_it_is_that_of_the_payment() {
        let status = async |printed: &str| {
            let purse = purse(&format!("sh -c 'echo {printed}' {{invoice}}"), 1);
            let mut payment = purse.pay(&invoice(Network::Regtest, 1_000).await).unwrap();
            payment.status(LONG).await
        };
        let right = format!("preimage: {}, paid", hex(&PREIMAGE));
        assert_eq!(status(&right).await, Status::Succeeded { preimage: Some(PREIMAGE) });
        for wrong in [hex(&[2; 32]), format!("{}00", hex(&PREIMAGE))] {
            assert_eq!(status(&wrong).await, Status::Succeeded { preimage: None }, "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_command_that_hangs_is_ended_with_all_it_started() {
        let purse = purse("sh -c 'trap \"\" TERM; sleep 600 & sleep 600' {invoice}", 1);
        let mut payment = purse.pay(&invoice(Network::Regtest, 1_000).await).unwrap();
        assert_eq!(payment.status(Duration::from_millis(50)).await, Status::Pending);
        purse.close(payment).await;
        assert_eq!(left_over(purse.run_dir.id()), []);
        assert_eq!(purse.spent(), PaymentsReport { begun: 1, sat: 1, failed: 0, open: 1 });
    }

    #[tokio::test]
    async fn a_command_that_prints_without_end_does_not_fill_anything() {
        let purse = purse("yes {invoice}", 1);
        let mut payment = purse.pay(&invoice(Network::Regtest, 1_000).await).unwrap();
        assert_eq!(payment.status(Duration::from_millis(200)).await, Status::Pending);
        purse.close(payment).await;
        let length = std::fs::metadata(purse.run_dir.log("payment-1")).unwrap().len();
        assert!((1_000..=MAX_OUTPUT as u64).contains(&length), "{length}");
    }
}
