//! The program `mock-lsp` with a data directory, to be killed and started again.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use lsps1_fixtures::{Auth, Network, crash};
use reqwest::Client;
use serde_json::Value;

use super::{SOON, get, post};

/// The arguments for the engine `regtest` on a network.
pub(crate) fn engine(network: &Network) -> Vec<String> {
    let rpc = network.bitcoind().rpc();
    let Auth::CookieFile(cookie) = rpc.auth() else { panic!("no cookie") };
    let engine = ["--engine", "regtest", "--bitcoind-rpc", rpc.url(), "--bitcoind-cookie"];
    let mut engine: Vec<String> = engine.map(str::to_owned).into();
    engine.extend([cookie.display().to_string(), "--faucet".to_owned(), network.faucet_url()]);
    engine
}

/// The program, which is killed when this is dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) ready: Value,
}

impl Program {
    pub(crate) fn start(data_dir: &Path, engine: &[String]) -> Self {
        let started = Self::start_to_die(data_dir, engine, None);
        started.unwrap_or_else(|| panic!("not ready: {}", log(data_dir)))
    }

    /// Starts it so that it aborts at a moment of [`crash`]. None if it wasn't ready by then.
    pub(crate) fn start_to_die(
        data_dir: &Path,
        engine: &[String],
        abort_at: Option<u64>,
    ) -> Option<Self> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-lsp"));
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(data_dir.with_extension("log"))
            .unwrap();
        command.arg("--data-dir").arg(data_dir).args(engine).stdout(Stdio::piped()).stderr(log);
        if let Some(moment) = abort_at {
            command.env(crash::ABORT_AT, moment.to_string());
            command.env("RUST_LOG", "warn,mock_lsp=info,lsps1_fixtures=info");
        }
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        match serde_json::from_str(&line) {
            Ok(ready) => Some(Self { child, ready }),
            Err(_) => {
                child.wait().unwrap();
                None
            }
        }
    }

    pub(crate) fn url(&self, face: &str) -> &str {
        self.ready[face].as_str().unwrap()
    }

    /// Where its node is.
    pub(crate) fn address(&self) -> (PublicKey, SocketAddr) {
        let (id, address) = self.url("p2p").split_once('@').unwrap();
        (id.parse().unwrap(), address.parse().unwrap())
    }

    /// Whether it has died.
    pub(crate) fn is_dead(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// An order, unless the program dies.
    pub(crate) async fn try_order(&self, id: &Value) -> Option<Value> {
        let id = id.as_str().unwrap();
        let answer = Client::new().get(format!("{}/orders/{id}", self.url("control"))).send();
        let answer = answer.await.ok()?;
        let status = answer.status();
        let order = answer.json().await.ok()?;
        assert_eq!(status, 200, "{order}");
        Some(order)
    }

    pub(crate) async fn order(&self, id: &Value) -> Value {
        let id = id.as_str().unwrap();
        let (status, order) = get(format!("{}/orders/{id}", self.url("control"))).await;
        assert_eq!(status, 200, "{order}");
        order
    }

    pub(crate) async fn wait_for(&self, id: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = tokio::time::Instant::now() + 2 * SOON;
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        loop {
            looks.tick().await;
            let order = self.order(id).await;
            if wanted(&order) {
                return order;
            }
            assert!(tokio::time::Instant::now() < deadline, "last seen: {order}");
        }
    }

    pub(crate) async fn control(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = post(format!("{}/{path}", self.url("control")), body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SIGKILL.
        let _ = (self.child.kill(), self.child.wait());
    }
}

/// What all programs on a data directory have logged.
pub(crate) fn log(data_dir: &Path) -> String {
    std::fs::read_to_string(data_dir.with_extension("log")).unwrap()
}
