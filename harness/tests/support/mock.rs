//! A mock LSP in this process, with a runtime of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test helper that can't go on fails its test"
)]

use mock_lsp::{Config, Fault, MockLsp};
use tokio::runtime::Runtime;

/// A running mock; ends when dropped.
pub(crate) struct Mock {
    // Ends before the runtime that it runs on.
    mock: Option<MockLsp>,
    runtime: Runtime,
}

/// A token that the mock accepts.
pub(crate) const TOKEN: &str = "open-sesame";

impl Mock {
    /// An honest one, or one with these faults.
    pub(crate) fn start(faults: &[&str]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut config = Config::default();
        config.seed = Some([5; 32]);
        config.tokens = vec![TOKEN.to_owned()];
        config.faults = faults
            .iter()
            .map(|name| {
                Fault::by_name(name).unwrap_or_else(|| panic!("the mock has no fault '{name}'"))
            })
            .collect();
        let mock = runtime.block_on(MockLsp::start(config)).unwrap();
        Self { mock: Some(mock), runtime }
    }

    pub(crate) fn rest(&self) -> String {
        self.mock.as_ref().unwrap().rest_url()
    }

    #[allow(dead_code, reason = "not every test moves the mock's time")]
    pub(crate) fn control(&self) -> String {
        self.mock.as_ref().unwrap().control_url()
    }

    pub(crate) fn p2p(&self) -> String {
        self.mock.as_ref().unwrap().p2p().to_owned()
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        if let Some(mock) = self.mock.take() {
            self.runtime.block_on(mock.shutdown());
        }
    }
}
