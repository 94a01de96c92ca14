//! A network that stays up (`regtest up`), an LSP that somebody starts on it, and a run that attaches to it.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bitcoin::Network;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::constants::genesis_block;
use lsps1_fixtures::Auth;
use mock_lsp::{BitcoindConfig, Config, EngineConfig, MockLsp};
use serde_json::{Value, json};
use support::{harness, harness_with_report};

/// How long a network may take to come up or to go, on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A token that the mock accepts: ldk-node's own client sends one.
const TOKEN: &str = "open-sesame";

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

/// A server that passes on all that it is told, and a record of that.
fn passed_on(upstream: &str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let (upstream, told) = (upstream.to_owned(), Arc::new(Mutex::new(String::new())));
    let record = Arc::clone(&told);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&upstream) else { continue };
            let (mut answers, mut back) =
                (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || std::io::copy(&mut answers, &mut back));
            let record = Arc::clone(&record);
            std::thread::spawn(move || {
                for line in BufReader::new(client).lines().map_while(Result::ok) {
                    record.lock().unwrap().push_str(&line);
                    if writeln!(&server, "{line}").is_err() {
                        break;
                    }
                }
                // The client has gone; either side may have closed it already.
                let _ = server.shutdown(Shutdown::Both);
            });
        }
    });
    (url, told)
}

/// An Electrum server whose chain ends with the first block of mainnet.
fn on_mainnet() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let header = serialize_hex(&genesis_block(Network::Bitcoin).header);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            for line in BufReader::new(&client).lines().map_while(Result::ok) {
                let asked: Value = serde_json::from_str(&line).unwrap();
                let result = match asked["method"].as_str() {
                    Some("server.version") => json!(["test", "1.4"]),
                    _ => json!({"height": 0, "hex": header}),
                };
                let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
                if writeln!(&client, "{answer}").is_err() {
                    break;
                }
            }
        }
    });
    url
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
    config.tokens = vec![TOKEN.to_owned()];
    config.engine = EngineConfig::Regtest {
        bitcoind: Some(BitcoindConfig { rpc: rpc.clone(), auth: Auth::CookieFile(cookie.into()) }),
        faucet: Some(env["LSPS1_FAUCET_URL"].clone()),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mock = runtime.block_on(MockLsp::start(config)).unwrap();
    let (rest, p2p) = (mock.rest_url(), mock.p2p());
    let judge = |more: &[&str]| {
        let target = ["run", "--rest", rest.as_str(), "--p2p", p2p, "--token", TOKEN];
        let chain = ["--bitcoind-rpc", rpc, "--bitcoind-cookie", cookie];
        harness_with_report(&[&target[..], &chain[..], more].concat())
    };
    let (ended, report) = judge(&["--filter", "purchase-bolt11", "--filter", "purchase-ldk-node"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(report["summary"]["pass"].as_u64().unwrap() >= 2, "{report:#}");

    let (electrum, calls) = passed_on(env["LSPS1_ELECTRUM_URL"].trim_start_matches("tcp://"));
    let wallet = ["--filter", "p2p::purchase-ldk-node"];
    let (ended, report) = judge(&[&wallet[..], &["--electrum-url", &electrum]].concat());
    assert_eq!((ended.code, &report["summary"]["pass"]), (0, &json!(1)), "{ended:?}");
    // The harness looks for blocks, the wallet for what is its own.
    let calls = calls.lock().unwrap();
    for method in ["blockchain.headers.subscribe", "blockchain.scripthash."] {
        assert!(calls.contains(method), "no {method} in {calls}");
    }

    for (url, reason) in [
        (
            "tcp://127.0.0.1:1".to_owned(),
            "failed to reach the Electrum server at tcp://127.0.0.1:1: ",
        ),
        (on_mainnet(), "both have to be on the same chain"),
    ] {
        let (ended, report) = judge(&[&wallet[..], &["--electrum-url", &url]].concat());
        let said = report["scenarios"][0]["reason"].as_str().unwrap_or_default();
        assert_eq!(ended.code, 3, "{ended:?}");
        assert!(said.contains(reason), "{said}");
    }
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
    for url in ["127.0.0.1:50001", "ssl://127.0.0.1:50001", "tcp://me:secret@127.0.0.1:50001"] {
        let bitcoind = ["--bitcoind-rpc", "http://a:b@127.0.0.1:18443"];
        let run = ["run", "--p2p", &node, "--electrum-url", url];
        let ended = harness(&[&run[..], &bitcoind[..]].concat());
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.starts_with("error: --electrum-url: "), "{ended:?}");
        assert!(!ended.stderr.contains("secret"), "{ended:?}");
    }
}
