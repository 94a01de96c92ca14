//! A network that stays up (`regtest up`), an LSP that somebody starts on it, and a run that attaches to it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use lsps1_fixtures::Auth;
use mock_lsp::{BitcoindConfig, Config, EngineConfig, MockLsp};
use support::{harness, harness_with_report};

/// How long a network may take to come up or to go, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// `lsps1-harness regtest up`, ended with this.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        // Gone already, if all went well.
        let _ = (self.0.kill(), self.0.wait());
    }
}

impl Up {
    fn start(env_file: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lsps1-harness"));
        command.args(["regtest", "up", "--env-file"]).arg(env_file);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn terminate(mut self) -> Option<i32> {
        Command::new("kill").arg(self.0.id().to_string()).status().unwrap();
        until("it ends", || self.0.try_wait().unwrap()).code()
    }
}

fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn variables(env_file: &Path) -> BTreeMap<String, String> {
    let text = until("the endpoints are written", || std::fs::read_to_string(env_file).ok());
    text.lines()
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), shlex::split(value).unwrap().concat()))
        .collect()
}

#[test]
fn an_lsp_on_a_standing_network_is_judged_with_payments_and_channels() {
    let folder = tempfile::tempdir().unwrap();
    let env_file = folder.path().join("regtest.env");
    let up = Up::start(&env_file);
    let env = variables(&env_file);
    assert_eq!(env["LSPS1_NETWORK"], "regtest");
    let (rpc, cookie) = (&env["LSPS1_BITCOIND_RPC_URL"], &env["LSPS1_BITCOIND_COOKIE_FILE"]);

    let mut config = Config::default();
    config.engine = EngineConfig::Regtest {
        bitcoind: Some(BitcoindConfig { rpc: rpc.clone(), auth: Auth::CookieFile(cookie.into()) }),
        faucet: Some(env["LSPS1_FAUCET_URL"].clone()),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mock = runtime.block_on(MockLsp::start(config)).unwrap();
    let (rest, p2p) = (mock.rest_url(), mock.p2p());
    let (ended, report) = harness_with_report(&[
        "run",
        "--rest",
        rest.as_str(),
        "--p2p",
        p2p,
        "--bitcoind-rpc",
        rpc,
        "--bitcoind-cookie",
        cookie,
        "--filter",
        "purchase-bolt11",
        "--filter",
        "purchase-ldk-node",
    ]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(report["summary"]["pass"].as_u64().unwrap() >= 2, "{report:#}");
    runtime.block_on(mock.shutdown());

    assert_eq!(up.terminate(), Some(143));
    let address = rpc.trim_start_matches("http://");
    assert!(TcpStream::connect(address).is_err(), "bitcoind is still at {address}");
}

#[test]
fn a_bitcoind_that_is_not_there_is_named() {
    let node = format!("02{}@127.0.0.1:1", "ab".repeat(32));
    let ended = harness(&["run", "--p2p", &node, "--bitcoind-rpc", "http://me:secret@127.0.0.1:1"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("http://127.0.0.1:1") && !said.contains("secret"), "{ended:?}");
}

#[test]
fn a_bitcoind_that_cannot_be_called_is_wrong_use() {
    let node = format!("02{}@127.0.0.1:1", "ab".repeat(32));
    for url in ["http://127.0.0.1:18443", "127.0.0.1:18443", "https://a:b@127.0.0.1:18443"] {
        let ended = harness(&["run", "--p2p", &node, "--bitcoind-rpc", url]);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.starts_with("error: --bitcoind-rpc: "), "{ended:?}");
    }
}
