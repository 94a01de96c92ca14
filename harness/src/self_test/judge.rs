//! One mock, judged: as it is, or with one of its faults.

use std::path::PathBuf;
use std::time::Duration;

use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::{Catalogue, RequirementId};

use super::mock::{self, Fault, MockProgram};
use super::report::{FaultReport, Unbroken};
use crate::run::collect::needs_chain;
use crate::run::{self, ChainFrom, Settings, Silent, TargetSettings};

/// A token that the mock is told to accept, so that the scenarios that need one are run.
pub(super) const TOKEN: &str = "self-test-token";

/// A token that the mock is told to have accepted once.
pub(super) const SPENT_TOKEN: &str = "self-test-spent-token";

/// The longest wait for one answer. Silence on custom messages is told earlier, as the mock answers in order.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Run for every fault beside the scenarios of its rows, so that a row that it isn't meant to break has a chance to show:
/// each method's good case and each kind of refusal, on both transports.
const SMOKE: &[&str] = &[
    "::list-protocols",
    "::get-info-options",
    "p2p::create-order",
    "::get-order",
    "::create-and-get-order",
    "::two-orders-differ",
    "::ids-are-echoed",
    "::unknown-method",
    "::unknown-order",
    "::unknown-params-get-info",
    "::above-max-expiry",
    "::good-token",
    "::order-after-reconnect",
    "::bolt12-option",
    "::onchain-option",
];

/// The same for faults that only show on a chain: a purchase over each transport, and what becomes of an order that fails.
const SMOKE_ON_CHAIN: &[&str] =
    &["p2p::purchase-bolt11", "rest::purchase-bolt11", "rest::open-refused"];

/// The longest wait for a payment, a channel or a state with a fault. The mock takes less than a second for each.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many scenarios are run at the same time against one mock on a chain.
const SCENARIOS_ON_CHAIN: usize = 4;

/// How mocks are judged.
#[derive(Clone, Debug)]
pub struct Judge {
    /// The mock LSP's program.
    pub program: MockProgram,
    /// Each mock is judged on a regtest network of its own, by what takes a chain; else by messages alone.
    pub regtest: bool,
    /// Every fault is met with all scenarios, not only with those of its rows.
    pub full: bool,
    /// Where generated values are drawn from.
    pub seed: u64,
    /// Where mocks on a chain keep what they need for their restarts, each in a folder of its own.
    pub data: PathBuf,
}

impl Judge {
    /// Judges the mock as it is.
    pub async fn unbroken(&self) -> Unbroken {
        Unbroken::new(run::run(self.settings(None), &Silent).await)
    }

    /// Judges the mock with a fault.
    pub async fn fault(&self, fault: &Fault) -> FaultReport {
        FaultReport::new(fault, run::run(self.settings(Some(fault)), &Silent).await)
    }

    fn settings(&self, fault: Option<&Fault>) -> Settings {
        let data = self.data.join(fault.map_or("unbroken", |fault| fault.name.as_str()));
        let data = self.regtest.then_some(data.as_path());
        let target = TargetSettings {
            command: Some(self.program.command(fault, TOKEN, SPENT_TOKEN, data)),
            token: Some(TOKEN.to_owned()),
            spent_token: Some(SPENT_TOKEN.to_owned()),
            network: Some("regtest".to_owned()),
            ..TargetSettings::default()
        };
        let mut run = Settings::new(target, self.seed);
        run.timeout = Some(TIMEOUT);
        run.answers_in_order = true;
        // Some faults count the answers that the mock gives. They show the same each time only if nothing overlaps. Those
        // that take a chain don't count, and spend most of their time waiting.
        run.jobs = Some(if self.regtest { SCENARIOS_ON_CHAIN } else { 1 });
        if self.regtest {
            run.chain = ChainFrom::Started;
        }
        run.only_on_chain = self.regtest;
        if let Some(fault) = fault {
            run.patience = Some(PATIENCE);
            // A fault is a departure from bLIP-51; some look like an older text of it, and would be translated.
            run.dialect = Some(Dialect::D3);
            if !self.full {
                run.property.cases = Some(0);
                let smoke = if self.regtest { SMOKE_ON_CHAIN } else { SMOKE };
                let smoke = smoke.iter().map(|name| (*name).to_owned());
                run.filter = smoke.chain(fault.breaks.iter().cloned()).collect();
            }
        }
        run
    }
}

/// Whether a fault only shows on a chain: because the mock says so, or as all that it breaks needs one.
pub fn takes_chain(fault: &Fault, catalogue: &Catalogue) -> bool {
    let on_chain = |row: &String| {
        let row = catalogue.get(&RequirementId::new(row.as_str()));
        row.is_some_and(|row| row.needs.iter().any(|need| needs_chain(*need)))
    };
    fault.needs != mock::MESSAGES || fault.breaks.iter().all(on_chain)
}
