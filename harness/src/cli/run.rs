//! `run`: its flags, and the settings that they give.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use clap::Args;
use lsps1_fixtures::{ElectrumAddress, Endpoint};
use lsps1_scenarios::property::Replay;
use lsps1_scenarios::{Profile, Transport};

use super::choice::{DialectArg, NetworkArg, ProfileArg, TransportArg};
use super::value::{command, jobs, milliseconds, seconds};
use super::{failed, init_tracing, leave, runtime, usage};
use crate::exit::Exit;
use crate::run::pay_hook::PayHook;
use crate::run::property::PropertySettings;
use crate::run::{ChainFrom, Settings, TargetSettings};
use crate::target::address::{BaseUrl, NodeAddress};
use crate::{report, run};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Base URL of the REST API, the one that /get_info is appended to; for a bare origin /api/v1 is tried, too
    #[arg(long, value_name = "URL", help_heading = "Target")]
    rest: Option<BaseUrl>,
    /// Address of the Lightning node that speaks LSPS0; with --rest alone it is taken from get_info's uris
    #[arg(long, value_name = "NODEID@HOST:PORT", help_heading = "Target")]
    p2p: Option<NodeAddress>,
    /// Starts the target, with the network's endpoints in its environment, and ends it after the run
    #[arg(long, value_name = "CMD", value_parser = command, help_heading = "Target")]
    target_cmd: Option<String>,
    /// Base URL of the target's control API, by which its time is moved: POST {URL}/orders/{order_id}/expire, and POST
    /// {URL}/clock with {"advance_seconds": 21660} if it can do that
    #[arg(long, value_name = "URL", help_heading = "Target")]
    control: Option<BaseUrl>,
    /// The target goes on with its orders, payments and channels when --target-cmd is killed and started again: judge that
    #[arg(long, requires = "target_cmd", help_heading = "Target")]
    restarts: bool,
    /// A token that the target accepts; without it the scenarios that need one are skipped. Not shown in any report
    #[arg(
        long,
        value_name = "TOKEN",
        env = "LSPS1_TOKEN",
        hide_env_values = true,
        help_heading = "Target"
    )]
    token: Option<String>,
    /// The target takes any text as a token: that it refuses unknown ones is not judged
    #[arg(long, help_heading = "Target")]
    any_token: bool,
    /// A token that the target accepted once and doesn't any more: used up, or expired. Not shown in any report
    #[arg(
        long,
        value_name = "TOKEN",
        env = "LSPS1_SPENT_TOKEN",
        hide_env_values = true,
        help_heading = "Target"
    )]
    spent_token: Option<String>,
    /// The target has on-chain payment switched off: that its orders don't offer it, and come with another option, is
    /// judged
    #[arg(long, help_heading = "Target")]
    no_onchain: bool,
    /// The chain that the target is on, which its invoices, offers and addresses have to be for; without it that is not
    /// judged
    #[arg(long, value_enum, help_heading = "Target")]
    network: Option<NetworkArg>,

    /// Starts bitcoind and electrs on a regtest chain and runs what needs a chain; needs --target-cmd
    #[arg(long, requires = "target_cmd", help_heading = "Chain")]
    regtest: bool,
    /// The bitcoind of somebody's regtest network (Polar's, nigiri's, your own), on which the target is: blocks are mined
    /// there, and coins spent from wallets that are made for it
    #[arg(
        long,
        value_name = "http://[USER:PASSWORD@]HOST:PORT",
        conflicts_with = "regtest",
        help_heading = "Chain"
    )]
    bitcoind_rpc: Option<String>,
    /// bitcoind's cookie file, if --bitcoind-rpc has no user and password
    #[arg(long, value_name = "FILE", requires = "bitcoind_rpc", help_heading = "Chain")]
    bitcoind_cookie: Option<PathBuf>,
    /// An Electrum server on the chain of --bitcoind-rpc, through which the ldk-node wallet sees it, as most wallets do;
    /// without it that takes its blocks from bitcoind
    #[arg(long, value_name = "tcp://HOST:PORT", requires = "bitcoind_rpc", help_heading = "Chain")]
    electrum_url: Option<String>,

    /// Pays invoices where there is no chain of one's own: a command in which {invoice} stands for the invoice, such as
    /// 'lncli payinvoice --force {invoice}'. It has to go on until the payment has succeeded (exit status 0) or failed
    #[arg(
        long,
        value_name = "CMD",
        requires = "allow_spend",
        conflicts_with_all = ["regtest", "bitcoind_rpc"],
        help_heading = "Payments"
    )]
    pay_cmd: Option<String>,
    /// The most that the invoices of the run may add up to, in sat, those that come back included. What the payer's node
    /// pays for routing isn't in an invoice: limit that in the command
    #[arg(long, value_name = "SAT", requires = "pay_cmd", help_heading = "Payments")]
    allow_spend: Option<u64>,
    /// The node id of a node of yours that gets a channel, which --pay-cmd pays for over REST. It has to be connected to
    /// the target, and to accept its channel. Without it nothing is bought: the channels are refused, and payments come back
    #[arg(long, value_name = "NODEID", requires = "pay_cmd", help_heading = "Payments")]
    client_node: Option<PublicKey>,
    /// Pays invoices of mainnet, too
    #[arg(long, requires = "pay_cmd", help_heading = "Payments")]
    allow_mainnet: bool,

    /// Only scenarios whose name, as in `p2p::get-info-shape`, or requirement ids contain this; repeatable, any may match
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    filter: Vec<String>,
    /// Leaves out the scenarios that contain this; repeatable, wins over --filter
    #[arg(long, value_name = "TEXT", help_heading = "Selection")]
    skip: Vec<String>,
    /// Only this transport
    #[arg(long, value_enum, help_heading = "Selection")]
    transport: Option<TransportArg>,
    /// A folder with more scenarios; repeatable
    #[arg(long, value_name = "DIR", help_heading = "Selection")]
    scenarios: Vec<PathBuf>,

    /// How many requests are generated for each transport, and an eighth as many sequences; 0: none [default: 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000), help_heading = "Generated conversations")]
    cases: Option<u32>,
    /// How many orders may be made for them, shrinking included, beside those of the other scenarios; cases that would need more are left out [default: 2000
    /// for a target on this machine, else 20]
    #[arg(long, value_name = "N", help_heading = "Generated conversations")]
    max_orders: Option<u32>,
    /// Only the counter-example in this file, which an earlier run wrote beside its --json report or into the working
    /// folder (schema: scenarios/schemas/replay.json)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["filter", "skip", "transport", "cases"], help_heading = "Generated conversations")]
    replay: Option<PathBuf>,

    /// strict: the letter of the spec; compat: deviations that clients are known to cope with only warn
    #[arg(long, value_enum, default_value_t = ProfileArg::Strict, help_heading = "Judging")]
    profile: ProfileArg,
    /// The text of LSPS1 that the target was written to; an older one is one finding, and what it explains is no other
    #[arg(long, value_enum, default_value_t = DialectArg::Auto, help_heading = "Judging")]
    dialect: DialectArg,
    /// Seed of every generated value [default: drawn anew, and printed]
    #[arg(long, value_name = "N", help_heading = "Judging")]
    seed: Option<u64>,
    /// Longest wait for one answer [default: 10 for a target on this machine, else 30, which is what the rows say]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, help_heading = "Judging")]
    timeout: Option<Duration>,
    /// How long to listen on where silence is the right answer [default: 250 for a target on this machine, else 5000]
    #[arg(long, value_name = "MS", value_parser = milliseconds, help_heading = "Judging")]
    quiet: Option<Duration>,
    /// How many scenarios may overlap [default: 4 for a target on this machine, else 1]
    #[arg(long, value_name = "N", value_parser = jobs, help_heading = "Judging")]
    jobs: Option<usize>,
    /// Exit with 3 if a MUST could not be judged
    #[arg(long, help_heading = "Judging")]
    require_judged: bool,

    /// Writes the JSON report (schema: harness/schemas/report.json)
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    json: Option<PathBuf>,
    /// Writes a JUnit XML report
    #[arg(long, value_name = "FILE", help_heading = "Reports")]
    junit: Option<PathBuf>,
    /// Keeps the logs of every process that was started in this folder, in place of those of an earlier run
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    logs: Option<PathBuf>,
}

pub(super) fn examples() -> String {
    format!(
        "Examples:\n  \
         # An LSP that is running, over both transports; what needs a payment is skipped\n  \
         lsps1-harness run --rest http://127.0.0.1:3000/api/v1 --p2p 02ab…@127.0.0.1:9735\n\n  \
         # The same, for CI: reports on file, and every MUST has to be judged\n  \
         lsps1-harness run --rest http://127.0.0.1:3000 --json report.json --junit report.xml --require-judged\n\n  \
         # A regtest network of its own, the LSP started on it, purchases included\n  \
         lsps1-harness run --regtest --target-cmd 'mock-lsp --engine regtest --rest 127.0.0.1:0 --p2p 127.0.0.1:0'\n\n  \
         # A regtest network that is there, the LSP on it\n  \
         lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --bitcoind-rpc http://polaruser:polarpass@127.0.0.1:18443\n\n  \
         # An LSP on signet or mainnet: an order is paid, its channel refused, and the payment has to come back\n  \
         lsps1-harness run --p2p 02ab…@lsp.example:9735 --pay-cmd 'lncli payinvoice --force {{invoice}}' --allow-spend 20000\n\n  \
         # One scenario again, with the same generated values\n  \
         lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --filter create-order --seed 7\n\n  \
         # Many generated requests; then what one of them has broken, once more\n  \
         lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --filter property --cases 5000\n  \
         lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --replay replay-p2p-property-requests-L1-044.json\n\n\
         Judging takes orders that nobody pays: the scenarios make about a hundred over both transports, each with a key of\n\
         its own, and generated conversations up to --max-orders more. The last lines and the report say how many were made.\n\n\
         The command given to --pay-cmd is run without a shell, too, once for each payment, and gets nothing but invoices that\n\
         can be read, are signed, and are within --allow-spend; a payment counts when it begins. If it prints the preimage,\n\
         that is proof of the payment. It is ended with its scenario, which doesn't end a payment of the node behind it.\n\
         Whoever is paid may keep the money: that is what is judged.\n\n\
         The command given to --target-cmd is split into words like a shell does, but no shell runs it. It finds the\n\
         network in LSPS1_BITCOIND_RPC_URL, LSPS1_BITCOIND_COOKIE_FILE, LSPS1_ELECTRUM_URL, LSPS1_FAUCET_URL and\n\
         LSPS1_NETWORK. Once it can be used it prints one line of JSON on standard output with \"rest\" and \"p2p\", unless\n\
         --rest and --p2p say where it will be; with \"address\" in that line it gets coins there, else it asks LSPS1_FAUCET_URL. With \"control\" (or --control)\n\
         orders are made to expire by POST {{control}}/orders/{{order_id}}/expire, and its clock is moved on by POST {{control}}/clock\n\
         with {{\"advance_seconds\": 21660}}, which it answers with 404 if it can't do that. The clock then stays ahead: start\n\
         a target anew before its next run. With \"restart\":true (or --restarts) it is killed and\n\
         started again by the same command, and has to come back at the same addresses with its orders, payments and channels. With\n\
         \"onchain\":false (or --no-onchain) no order may offer payment on the chain.\n\n\
         {}",
        Exit::help_section()
    )
}

pub(super) fn run(args: RunArgs) -> Exit {
    if args.rest.is_none() && args.p2p.is_none() && args.target_cmd.is_none() {
        return usage(
            "there is no target: give --rest URL, --p2p NODEID@HOST:PORT, or --target-cmd CMD",
        );
    }
    let outputs = report::Outputs { json: args.json.clone(), junit: args.junit.clone() };
    let settings = match args.into_settings() {
        Ok(settings) => settings,
        Err(reason) => return failed(Exit::Usage, &reason),
    };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    init_tracing();
    let view = report::terminal::View::new();
    let finished = runtime.block_on(run::run(settings, &view));
    leave(runtime);
    match finished {
        Ok(report) => match outputs.write(&report) {
            Ok(()) => {
                view.finish(&report);
                report.exit()
            }
            Err(error) => {
                view.finish(&report);
                failed(Exit::Usage, &error.to_string())
            }
        },
        Err(error) => failed(error.exit(), &error.to_string()),
    }
}

impl RunArgs {
    /// What is asked for; an error says what is wrong with a file that was named.
    pub(super) fn into_settings(self) -> Result<Settings, String> {
        let folder = self.json.as_deref().and_then(Path::parent).map(Path::to_owned);
        let replay = self.replay.as_deref().map(read_replay).transpose()?;
        let chain = match (self.bitcoind_rpc, self.regtest) {
            (Some(url), _) => ChainFrom::Attached {
                bitcoind: Endpoint::parse(&url, self.bitcoind_cookie)
                    .map_err(|error| format!("--bitcoind-rpc: {error} (--bitcoind-cookie FILE)"))?,
                electrum: match &self.electrum_url {
                    Some(url) => Some(
                        ElectrumAddress::parse(url)
                            .map_err(|error| format!("--electrum-url: {error}"))?,
                    ),
                    None => None,
                },
            },
            (None, true) => ChainFrom::Started,
            (None, false) => ChainFrom::None,
        };
        let pay_hook = match self.pay_cmd {
            Some(command) => Some(
                // Without an allowance nothing is spent.
                PayHook::new(&command, self.allow_spend.unwrap_or(0), self.allow_mainnet)
                    .map_err(|error| format!("--pay-cmd: {error}"))?,
            ),
            None => None,
        };
        let mut settings = Settings {
            target: TargetSettings {
                rest: self.rest,
                p2p: self.p2p,
                control: self.control,
                command: self.target_cmd,
                restarts: self.restarts,
                token: self.token,
                any_token: self.any_token,
                spent_token: self.spent_token,
                onchain_off: self.no_onchain,
                network: self.network.map(|network| network.name().to_owned()),
            },
            chain,
            pay_hook,
            client_node: self.client_node,
            filter: self.filter,
            skip: self.skip,
            transport: self.transport.map(|transport| match transport {
                TransportArg::P2p => Transport::P2p,
                TransportArg::Rest => Transport::Rest,
            }),
            scenario_folders: self.scenarios,
            profile: match self.profile {
                ProfileArg::Strict => Profile::Strict,
                ProfileArg::Compat => Profile::Compat,
            },
            dialect: self.dialect.dialect(),
            // Small enough to be typed, and to survive JSON readers that keep numbers as doubles.
            seed: self.seed.unwrap_or_else(|| u64::from(rand::random::<u32>())),
            timeout: self.timeout,
            quiet: self.quiet,
            // Of a target that isn't our own nothing is known.
            answers_in_order: false,
            jobs: self.jobs,
            property: PropertySettings {
                cases: self.cases,
                max_orders: self.max_orders,
                folder: Some(folder.unwrap_or_default()),
                replay: None,
            },
            patience: None,
            only_on_chain: false,
            require_judged: self.require_judged,
            logs: self.logs,
        };
        if let Some(replay) = replay {
            settings.filter = vec![format!("{}::{}", replay.transport, replay.property)];
            settings.transport = Some(replay.transport);
            settings.property.replay = Some(replay);
        }
        Ok(settings)
    }
}

fn read_replay(path: &Path) -> Result<Replay, String> {
    let failed =
        |reason: String| format!("failed to read the replay file {}: {reason}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Replay::read(&text).map_err(|error| failed(error.to_string()))
}
