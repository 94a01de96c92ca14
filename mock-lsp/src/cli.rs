//! The command line.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use bitcoin::Network;
use bitcoin::hex::FromHex;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lsps1_fixtures::Endpoint;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::config::{BitcoindConfig, Config, EngineConfig};
use crate::fault::Fault;
use crate::order::{Choice, Fee, OnchainTerms, PaymentOption, PaymentWays, Terms};
use crate::{MockLsp, StartError};

/// The exit status for wrong use, which clap has, too.
const WRONG_USE: u8 = 2;

const AFTER_HELP: &str = "\
When it can be used, it prints one line of JSON on stdout; logs go to stderr (set RUST_LOG for more or less):
  {\"rest\":\"http://HOST:PORT/api/v1\",\"p2p\":\"NODEID@HOST:PORT\",\"control\":\"http://HOST:PORT\"}

Buy a channel by hand, without a chain:
  mock-lsp --rest 127.0.0.1:8080 --control 127.0.0.1:8081
  curl localhost:8080/api/v1/get_info
  curl localhost:8080/api/v1/create_order -H 'content-type: application/json' -d '{
    \"lsp_balance_sat\":\"100000\", \"client_balance_sat\":\"0\", \"required_channel_confirmations\":0,
    \"funding_confirms_within_blocks\":6, \"channel_expiry_blocks\":144, \"announce_channel\":false,
    \"public_key\":\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"}'
  curl -X POST localhost:8081/orders/ORDER_ID/pay     its payment arrives and is held: HOLD; or pay another way:
                                  -d '{\"option\":\"onchain\",\"amount_sat\":5000,\"confirmations\":0}'
  curl -X POST localhost:8081/orders/ORDER_ID/open    its channel is opened: COMPLETED, PAID
  curl 'localhost:8080/api/v1/get_order?order_id=ORDER_ID'

The control API also takes POST /orders/ID/fail and /orders/ID/expire, POST /clock {\"advance_seconds\":N} and
/blocks {\"count\":N}, and GET /orders, /orders/ID, /journal, /health.";

#[derive(Debug, Parser)]
#[command(
    name = "mock-lsp",
    version,
    about = "A mock LSP that speaks LSPS1 over REST and Lightning custom messages",
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the faults that can be switched on
    Faults {
        /// Print JSON: name, summary and the ids of the requirements that each breaks
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct RunArgs {
    #[command(flatten, next_help_heading = "Addresses")]
    addresses: AddressArgs,
    #[command(flatten, next_help_heading = "Engine")]
    engine: EngineArgs,
    #[command(flatten, next_help_heading = "Behaviour")]
    behaviour: BehaviourArgs,
    #[command(flatten, next_help_heading = "Offer (the options of get_info)")]
    terms: TermsArgs,
    #[command(flatten, next_help_heading = "Price")]
    fee: FeeArgs,
    #[command(flatten, next_help_heading = "Payment")]
    payment: PaymentArgs,
}

#[derive(Debug, Args)]
struct AddressArgs {
    /// Where to serve REST; port 0 means any
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    rest: SocketAddr,
    /// Where to listen for Lightning nodes; port 0 means any
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    p2p: SocketAddr,
    /// What to tell clients to connect to, where that isn't the address of --p2p (behind a port mapping, say)
    #[arg(long, value_name = "HOST:PORT")]
    public_p2p: Option<String>,
    /// Where to serve the control API, which has no authentication; port 0 means any
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Let --control be an address that other machines can reach
    #[arg(long)]
    control_public: bool,
}

#[derive(Debug, Args)]
struct EngineArgs {
    /// What takes payments and opens channels
    #[arg(long, value_enum, default_value_t = EngineName::Sim)]
    engine: EngineName,
    /// regtest: the bitcoind to use, http://HOST:PORT or http://USER:PASSWORD@HOST:PORT; without it, one is started
    #[arg(long, value_name = "URL", env = "LSPS1_BITCOIND_RPC_URL", hide_env_values = true)]
    bitcoind_rpc: Option<String>,
    /// regtest: the cookie file of that bitcoind
    #[arg(long, value_name = "FILE", env = "LSPS1_BITCOIND_COOKIE_FILE")]
    bitcoind_cookie: Option<PathBuf>,
    /// regtest: where to ask for coins if the wallet is empty, by a POST of {"address","amount_sat"}
    #[arg(long, value_name = "URL", env = "LSPS1_FAUCET_URL")]
    faucet: Option<String>,
    /// sim: the network of invoices and addresses
    #[arg(long, value_enum, default_value_t = NetworkName::Regtest)]
    network: NetworkName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EngineName {
    /// No chain: invoices are genuine, payments and channels are pretended through the control API
    Sim,
    /// A Lightning node on a regtest bitcoind: real payments, real channels
    Regtest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum NetworkName {
    Regtest,
    Signet,
    Testnet,
    Bitcoin,
}

#[derive(Debug, Args)]
struct BehaviourArgs {
    /// Up to 64 hex digits that give the node's key, the order ids and the preimages; random if left out, and logged
    #[arg(long, value_name = "HEX", value_parser = parse_seed)]
    seed: Option<Seed>,
    /// A folder for orders, keys and channels: a mock that is started on it again, also after being killed, goes on where
    /// it was, on the same ports
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A token to accept; any other is refused with error 102. Can be given more than once
    #[arg(long = "token", value_name = "TOKEN")]
    tokens: Vec<String>,
    /// A token that was accepted once; it is refused with error 102, too. Can be given more than once
    #[arg(long = "spent-token", value_name = "TOKEN")]
    spent_tokens: Vec<String>,
    /// How long an order waits for its payment and its channel, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = Config::default().order_expiry.as_secs())]
    order_expiry_seconds: u64,
    /// Read REST bodies as strictly as custom messages: refuse client_info, and null or empty values where a parameter
    /// is meant to be left out
    #[arg(long)]
    strict_rest: bool,
    /// Do otherwise where bLIP-51 leaves the choice. Can be given more than once
    #[arg(long = "choice", value_enum, value_name = "CHOICE")]
    choices: Vec<ChoiceName>,
    /// Switch on a departure from the specifications; `mock-lsp faults` lists them. Can be given more than once
    #[arg(long = "fault", value_name = "NAME", value_parser = parse_fault)]
    faults: Vec<&'static Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ChoiceName {
    /// regtest: refunds that wait for a block are bumped by a child that pays for both, instead of by a replacement
    ChildBumps,
    /// Payments on-chain don't add up: what is too small goes back when the order ends
    PartsDontAddUp,
    /// Unpaid orders that have expired go on to show as CREATED, instead of FAILED
    ExpiredStaysCreated,
    /// A payment on-chain that is gone, by a reorganisation say, shows as EXPECT_PAYMENT again, instead of PAID
    LostPaymentIsExpected,
}

impl ChoiceName {
    fn choice(self) -> Choice {
        match self {
            Self::ChildBumps => Choice::ChildBumps,
            Self::PartsDontAddUp => Choice::PartsDontAddUp,
            Self::ExpiredStaysCreated => Choice::ExpiredStaysCreated,
            Self::LostPaymentIsExpected => Choice::LostPaymentIsExpected,
        }
    }
}

/// The options of get_info. The names are those of the options.
#[derive(Debug, Args)]
struct TermsArgs {
    /// Fewest confirmations that a client may ask its channel to wait for
    #[arg(long, value_name = "BLOCKS", default_value_t = Terms::default().min_required_channel_confirmations)]
    min_required_channel_confirmations: u16,
    /// Fewest blocks within which a client may ask the funding transaction to confirm
    #[arg(long, value_name = "BLOCKS", default_value_t = Terms::default().min_funding_confirms_within_blocks)]
    min_funding_confirms_within_blocks: u16,
    /// Say that clients may do without a channel reserve. regtest: that is what its open_channel says, but the node still
    /// refuses payments that leave the client less than 1,000 sat
    #[arg(long)]
    supports_zero_channel_reserve: bool,
    /// Longest lease
    #[arg(long, value_name = "BLOCKS", default_value_t = Terms::default().max_channel_expiry_blocks)]
    max_channel_expiry_blocks: u32,
    /// Smallest balance on the client's side
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().min_initial_client_balance_sat)]
    min_initial_client_balance_sat: u64,
    /// Largest balance on the client's side
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().max_initial_client_balance_sat)]
    max_initial_client_balance_sat: u64,
    /// Smallest balance on the LSP's side
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().min_initial_lsp_balance_sat)]
    min_initial_lsp_balance_sat: u64,
    /// Largest balance on the LSP's side
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().max_initial_lsp_balance_sat)]
    max_initial_lsp_balance_sat: u64,
    /// Smallest channel, both sides together
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().min_channel_balance_sat)]
    min_channel_balance_sat: u64,
    /// Largest channel, both sides together
    #[arg(long, value_name = "SAT", default_value_t = Terms::default().max_channel_balance_sat)]
    max_channel_balance_sat: u64,
}

#[derive(Debug, Args)]
struct FeeArgs {
    /// What every order costs
    #[arg(long, value_name = "SAT", default_value_t = Fee::default().base_sat)]
    fee_base_sat: u64,
    /// What the LSP's balance costs, in millionths of it
    #[arg(long, value_name = "PPM", default_value_t = Fee::default().ppm)]
    fee_ppm: u64,
    /// What each block of the lease costs, in millionths of the LSP's balance
    #[arg(long, value_name = "PPM", default_value_t = Fee::default().ppm_per_block)]
    fee_ppm_per_block: u64,
}

#[derive(Debug, Args)]
struct PaymentArgs {
    /// How orders can be paid: any of bolt11, bolt12, onchain. On-chain takes a refund address in the order
    #[arg(long, value_name = "OPTIONS", value_delimiter = ',', value_parser = parse_option, default_value = "bolt11,bolt12,onchain")]
    pay_by: Vec<PaymentOption>,
    /// After how many confirmations a payment on-chain counts, 1 to 6
    #[arg(long, value_name = "BLOCKS", default_value_t = OnchainTerms::default().confirmations)]
    onchain_confirmations: u16,
    /// Up to which total a payment on-chain needs no confirmation if its fee is high enough
    #[arg(long, value_name = "SAT", default_value_t = OnchainTerms::default().zero_conf_max_sat)]
    onchain_0conf_max_sat: u64,
    /// The fee rate above which that is so (min_fee_for_0conf), in sat per 1000 weight units
    #[arg(long, value_name = "RATE", default_value_t = OnchainTerms::default().min_fee_for_0conf)]
    onchain_0conf_fee_rate: u32,
}

impl PaymentArgs {
    fn ways(&self) -> PaymentWays {
        let has = |option| self.pay_by.contains(&option);
        let onchain = OnchainTerms {
            confirmations: self.onchain_confirmations,
            zero_conf_max_sat: self.onchain_0conf_max_sat,
            min_fee_for_0conf: self.onchain_0conf_fee_rate,
        };
        PaymentWays {
            bolt11: has(PaymentOption::Bolt11),
            bolt12: has(PaymentOption::Bolt12),
            onchain: has(PaymentOption::Onchain).then_some(onchain),
        }
    }
}

#[derive(Clone, Copy)]
struct Seed([u8; 32]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seed(…)")
    }
}

fn parse_seed(text: &str) -> Result<Seed, String> {
    if text.is_empty() || text.len() > 64 {
        return Err("a seed has 1 to 64 hex digits".to_owned());
    }
    let bytes = <[u8; 32]>::from_hex(&format!("{text:0>64}"));
    bytes.map(Seed).map_err(|_| "a seed has hex digits only, 0 to 9 and a to f".to_owned())
}

fn parse_option(name: &str) -> Result<PaymentOption, String> {
    PaymentOption::from_name(name).ok_or_else(|| "use bolt11, bolt12 or onchain".to_owned())
}

fn parse_fault(name: &str) -> Result<&'static Fault, String> {
    Fault::by_name(name)
        .ok_or_else(|| "there is no such fault; `mock-lsp faults` lists them".to_owned())
}

impl RunArgs {
    fn into_config(self) -> Result<Config, String> {
        let engine = match self.engine.engine {
            EngineName::Sim => EngineConfig::Sim,
            EngineName::Regtest => EngineConfig::Regtest {
                bitcoind: self.engine.bitcoind()?,
                faucet: self.engine.faucet,
            },
        };
        let network = match self.engine.network {
            NetworkName::Regtest => Network::Regtest,
            NetworkName::Signet => Network::Signet,
            NetworkName::Testnet => Network::Testnet,
            NetworkName::Bitcoin => Network::Bitcoin,
        };
        let terms = self.terms;
        Ok(Config {
            rest: self.addresses.rest,
            p2p: self.addresses.p2p,
            public_p2p: self.addresses.public_p2p,
            control: self.addresses.control,
            control_is_public: self.addresses.control_public,
            engine,
            network,
            seed: self.behaviour.seed.map(|Seed(seed)| seed),
            data_dir: self.behaviour.data_dir,
            terms: Terms {
                min_required_channel_confirmations: terms.min_required_channel_confirmations,
                min_funding_confirms_within_blocks: terms.min_funding_confirms_within_blocks,
                supports_zero_channel_reserve: terms.supports_zero_channel_reserve,
                max_channel_expiry_blocks: terms.max_channel_expiry_blocks,
                min_initial_client_balance_sat: terms.min_initial_client_balance_sat,
                max_initial_client_balance_sat: terms.max_initial_client_balance_sat,
                min_initial_lsp_balance_sat: terms.min_initial_lsp_balance_sat,
                max_initial_lsp_balance_sat: terms.max_initial_lsp_balance_sat,
                min_channel_balance_sat: terms.min_channel_balance_sat,
                max_channel_balance_sat: terms.max_channel_balance_sat,
            },
            fee: Fee {
                base_sat: self.fee.fee_base_sat,
                ppm: self.fee.fee_ppm,
                ppm_per_block: self.fee.fee_ppm_per_block,
            },
            payment: self.payment.ways(),
            choices: self.behaviour.choices.into_iter().map(ChoiceName::choice).collect(),
            tokens: self.behaviour.tokens,
            spent_tokens: self.behaviour.spent_tokens,
            order_expiry: Duration::from_secs(self.behaviour.order_expiry_seconds),
            strict_rest: self.behaviour.strict_rest,
            faults: self.behaviour.faults,
            ..Config::default()
        })
    }
}

impl EngineArgs {
    fn bitcoind(&self) -> Result<Option<BitcoindConfig>, String> {
        let Some(url) = &self.bitcoind_rpc else {
            return match self.bitcoind_cookie {
                Some(_) => {
                    Err("--bitcoind-cookie is of no use without --bitcoind-rpc URL".to_owned())
                }
                None => Ok(None),
            };
        };
        let Endpoint { url: rpc, auth } = Endpoint::parse(url, self.bitcoind_cookie.clone())
            .map_err(|error| format!("--bitcoind-rpc: {error} (--bitcoind-cookie FILE)"))?;
        Ok(Some(BitcoindConfig { rpc, auth }))
    }
}

/// Runs the program.
///
/// The exit status is 0 after SIGINT or SIGTERM, 1 when the mock can't be started, and 2 for wrong use.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Faults { json }) = cli.command {
        return match print_faults(json) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let config = match cli.run.into_config() {
        Ok(config) => config,
        Err(problem) => {
            eprintln!("error: {problem}");
            return ExitCode::from(WRONG_USE);
        }
    };
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,mock_lsp=info"));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(is_terminal)
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: failed to start a runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(run(config))
}

async fn run(config: Config) -> ExitCode {
    let signals =
        signal(SignalKind::interrupt()).and_then(|int| Ok((int, signal(SignalKind::terminate())?)));
    let (mut interrupt, mut terminate) = match signals {
        Ok(signals) => signals,
        Err(error) => {
            eprintln!("error: failed to listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let started = tokio::select! {
        started = MockLsp::start(config) => started,
        _ = interrupt.recv() => return ExitCode::SUCCESS,
        _ = terminate.recv() => return ExitCode::SUCCESS,
    };
    let mock = match started {
        Ok(mock) => mock,
        Err(error) => {
            eprintln!("error: failed to {error}");
            let is_wrong_use = matches!(error, StartError::Config(_));
            return if is_wrong_use { ExitCode::from(WRONG_USE) } else { ExitCode::FAILURE };
        }
    };
    if let Err(error) = print_line(&mock.ready_line()) {
        tracing::warn!("failed to print the ready line: {error}");
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    mock.shutdown().await;
    ExitCode::SUCCESS
}

fn print_line(line: &Value) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

fn print_faults(as_json: bool) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    if as_json {
        let faults: Vec<Value> = Fault::all()
            .map(|fault| json!({"name": fault.name, "summary": fault.summary, "needs": fault.needs.name(), "breaks": fault.breaks()}))
            .collect();
        return writeln!(stdout, "{:#}", Value::from(faults));
    }
    let width = Fault::all().map(|fault| fault.name.len()).max().unwrap_or_default();
    for fault in Fault::all() {
        let breaks = fault.breaks().join(" ");
        writeln!(stdout, "{:width$}  {} ({breaks})", fault.name, fault.summary)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use lsps1_fixtures::Auth;

    use super::*;

    fn config(args: &[&str]) -> Result<Config, String> {
        let cli = Cli::try_parse_from([&["mock-lsp"], args].concat())
            .map_err(|error| error.to_string())?;
        cli.run.into_config()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_flags_it_is_the_default() {
        let (given, default) = (config(&[]).unwrap(), Config::default());
        assert_eq!(format!("{given:?}"), format!("{default:?}"));
        assert_eq!(given.order_expiry, default.order_expiry);
    }

    #[test]
    fn flags_arrive() {
        let flags = [
            "--seed",
            "ff",
            "--token",
            "a",
            "--token",
            "b",
            "--fault",
            "skip-hold",
            "--max-channel-expiry-blocks",
            "9",
        ];
        let config = config(&flags).unwrap();
        assert_eq!(config.seed.unwrap()[31], 0xff);
        assert_eq!(config.tokens, ["a", "b"]);
        assert_eq!(config.faults[0].name, "skip-hold");
        assert_eq!(config.terms.max_channel_expiry_blocks, 9);
    }

    #[test]
    fn wrong_use_is_refused_with_a_hint() {
        let cases: [(&[&str], &str); 6] = [
            (&["--pay-by", "cash"], "onchain"),
            (&["--seed", "xyz"], "hex digits"),
            (&["--fault", "nope"], "mock-lsp faults"),
            (&["--rest", "localhost"], "--rest"),
            (&["--engine", "regtest", "--bitcoind-rpc", "http://127.0.0.1:1"], "--bitcoind-cookie"),
            (
                &["--engine", "regtest", "--bitcoind-rpc", "nope", "--bitcoind-cookie", "x"],
                "http://HOST:PORT",
            ),
        ];
        for (flags, hint) in cases {
            let problem = config(flags).unwrap_err();
            assert!(problem.contains(hint), "{flags:?}: {problem}");
        }
    }

    #[test]
    fn a_name_and_password_are_taken_from_the_url() {
        let flags = ["--engine", "regtest", "--bitcoind-rpc", "http://me:secret@127.0.0.1:18443"];
        let EngineConfig::Regtest { bitcoind: Some(bitcoind), .. } = config(&flags).unwrap().engine
        else {
            panic!("no bitcoind");
        };
        assert_eq!(bitcoind.rpc, "http://127.0.0.1:18443");
        assert!(
            matches!(bitcoind.auth, Auth::UserPass { user, password } if user == "me" && password == "secret")
        );
    }
}
