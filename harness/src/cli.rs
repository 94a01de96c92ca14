//! The command line: what can be asked for, said once, and turned into what the library does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lsps1_fixtures::Endpoint;
use lsps1_scenarios::dialect::Dialect;
use lsps1_scenarios::property::Replay;
use lsps1_scenarios::{Profile, Transport};

use crate::exit::Exit;
use crate::run::pay_hook::PayHook;
use crate::run::property::PropertySettings;
use crate::run::{ChainFrom, Settings, TargetSettings};
use crate::self_test::{self, SelfTestSettings, Share};
use crate::target::address::{BaseUrl, NodeAddress};
use crate::text::without_users;
use crate::{explain, list, regtest_up, report, run};

/// Judges an LSP by the letter of LSPS1 (bLIP-51), over REST and Lightning custom messages.
#[derive(Debug, Parser)]
#[command(
    name = "lsps1-harness",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = Exit::help_section(),
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the scenarios against a target and reports what it breaks
    #[command(after_help = run_examples())]
    Run(Box<RunArgs>),
    /// Lists the scenarios, or the requirements and what checks them
    #[command(
        after_help = "Examples:\n  lsps1-harness list\n  lsps1-harness list --requirements --long"
    )]
    List(ListArgs),
    /// Explains a requirement (L1-042) or a scenario (purchase-bolt11)
    #[command(
        after_help = "Examples:\n  lsps1-harness explain L1-042\n  lsps1-harness explain get-info-shape"
    )]
    Explain(ExplainArgs),
    /// Keeps a regtest network running, for an LSP that you start yourself
    #[command(subcommand)]
    Regtest(RegtestCommand),
    /// Judges the mock LSP without and with each of its faults, to show that every check can fail
    #[command(name = "self-test", after_help = self_test_help())]
    SelfTest(SelfTestArgs),
}

#[derive(Debug, Subcommand)]
enum RegtestCommand {
    /// Starts bitcoind, electrs, a miner and a faucet, and keeps them running until Ctrl-C
    #[command(after_help = "Examples:\n  lsps1-harness regtest up --env-file regtest.env\n  \
        # In another shell, or in a script that has waited for the file: your LSP, then the harness\n  \
        set -a; . ./regtest.env; set +a\n  \
        my-lsp --bitcoind \"$LSPS1_BITCOIND_RPC_URL\" &\n  \
        lsps1-harness run --p2p 02ab…@127.0.0.1:9735 --bitcoind-rpc \"$LSPS1_BITCOIND_RPC_URL\" --bitcoind-cookie \"$LSPS1_BITCOIND_COOKIE_FILE\"")]
    Up {
        /// Where the endpoints are written, a variable per line, once the network can be used
        #[arg(long, value_name = "FILE")]
        env_file: PathBuf,
        /// Keeps the logs of bitcoind and electrs in this folder
        #[arg(long, value_name = "DIR")]
        logs: Option<PathBuf>,
    },
}

fn run_examples() -> String {
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
         orders are made to expire by POST {{control}}/orders/{{order_id}}/expire.\n\n\
         {}",
        Exit::help_section()
    )
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Base URL of the REST API, the one that /get_info is appended to; for a bare origin /api/v1 is tried, too
    #[arg(long, value_name = "URL", help_heading = "Target")]
    rest: Option<BaseUrl>,
    /// Address of the Lightning node that speaks LSPS0; with --rest alone it is taken from get_info's uris
    #[arg(long, value_name = "NODEID@HOST:PORT", help_heading = "Target")]
    p2p: Option<NodeAddress>,
    /// Starts the target, with the network's endpoints in its environment, and ends it after the run
    #[arg(long, value_name = "CMD", value_parser = command, help_heading = "Target")]
    target_cmd: Option<String>,
    /// Base URL of the target's control API, by which orders are made to expire: POST {URL}/orders/{order_id}/expire
    #[arg(long, value_name = "URL", help_heading = "Target")]
    control: Option<BaseUrl>,
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
    /// Keeps the logs of every process that was started in this folder
    #[arg(long, value_name = "DIR", help_heading = "Reports")]
    logs: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ListArgs {
    /// The requirements with the scenarios that check them, instead of the scenarios
    #[arg(long)]
    requirements: bool,
    /// With the names of all scenarios, invariants and faults of each requirement
    #[arg(long, requires = "requirements", conflicts_with = "json")]
    long: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// A folder with more scenarios; repeatable
    #[arg(long, value_name = "DIR")]
    scenarios: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// A requirement's or a scenario's id
    id: String,
    /// A folder with more scenarios; repeatable
    #[arg(long, value_name = "DIR")]
    scenarios: Vec<PathBuf>,
}

#[derive(Debug, Args)]
struct SelfTestArgs {
    /// The mock LSP's program [default: the one beside this program, else the one in PATH]
    #[arg(long, value_name = "PATH")]
    mock: Option<PathBuf>,
    /// Tries the faults that only show on a chain, each on a regtest network of its own, instead of the others
    #[arg(long)]
    regtest: bool,
    /// Every fault meets all scenarios that can show it, not only those of its requirements and a small smoke set
    #[arg(long)]
    full: bool,
    /// Only the Nth of M shares of the faults, to split the work between machines
    #[arg(long, value_name = "N/M", value_parser = share)]
    share: Option<Share>,
    /// Only faults whose name contains this; repeatable, any may match
    #[arg(long, value_name = "NAME")]
    filter: Vec<String>,
    /// How many mocks run at the same time [default: twice as many as there are processors, at most 8; with --regtest as
    /// many as there are]
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<usize>,
    /// Writes the JSON report (schema: harness/schemas/self-test.json)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Seed of every generated value
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn self_test_help() -> String {
    format!(
        "Examples:\n  lsps1-harness self-test\n  \
         # One fault, met with everything\n  \
         lsps1-harness self-test --full --filter order-total-off-by-one\n  \
         # What only shows on a chain, a quarter of it\n  \
         lsps1-harness self-test --regtest --share 1/4\n\n\
         Each mock is a process of its own, on ports of its own. `mock-lsp faults` lists the faults and the requirements\n\
         that each may break; those that only show on a chain are listed, but only tried with --regtest.\n\n{}",
        Exit::self_test_section()
    )
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TransportArg {
    /// Lightning custom messages (bLIP-50)
    P2p,
    /// HTTP
    Rest,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileArg {
    Strict,
    Compat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DialectArg {
    /// Found out by a few messages
    Auto,
    /// LSPS1 of 2023
    D0,
    /// LSPS1 of April and May 2024
    D1,
    /// LSPS1 of mid-2024
    D2,
    /// bLIP-51
    D3,
    /// The published REST page of June 2024
    RestSeed,
}

impl DialectArg {
    const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::D0 => Some(Dialect::D0),
            Self::D1 => Some(Dialect::D1),
            Self::D2 => Some(Dialect::D2),
            Self::D3 => Some(Dialect::D3),
            Self::RestSeed => Some(Dialect::RestSeed),
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NetworkArg {
    Mainnet,
    Testnet,
    Signet,
    Regtest,
}

impl NetworkArg {
    const fn name(self) -> &'static str {
        match self {
            Self::Mainnet => "mainnet",
            Self::Testnet => "testnet",
            Self::Signet => "signet",
            Self::Regtest => "regtest",
        }
    }
}

/// Parses `arguments` (the program's name first), does what they ask for, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain_usage(&error),
    };
    match cli.command {
        Command::Run(args) => run_command(*args),
        Command::List(args) => list_command(&args),
        Command::Explain(args) => explain_command(&args),
        Command::Regtest(RegtestCommand::Up { env_file, logs }) => regtest_up(&env_file, logs),
        Command::SelfTest(args) => self_test_command(args),
    }
}

/// The settings of `lsps1-harness run` with these flags, for programs that run scenarios themselves.
///
/// # Errors
/// One line that says what is wrong with the flags.
pub fn run_settings(
    flags: impl IntoIterator<Item = impl Into<OsString>>,
) -> Result<Settings, String> {
    let arguments = ["lsps1-harness".into(), "run".into()];
    let cli = Cli::try_parse_from(arguments.into_iter().chain(flags.into_iter().map(Into::into)));
    match cli.map_err(|error| one_line_of(&error))?.command {
        Command::Run(args) => args.into_settings(),
        other => Err(format!("{other:?} is no run")),
    }
}

fn run_command(args: RunArgs) -> Exit {
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

fn regtest_up(env_file: &Path, logs: Option<PathBuf>) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    init_tracing();
    let say = |text: &str| anstream::print!("{text}");
    match runtime.block_on(regtest_up::up(env_file, logs, say)) {
        Ok(never) => match never {},
        Err(error) => failed(error.exit(), &error.to_string()),
    }
}

fn self_test_command(args: SelfTestArgs) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    init_tracing();
    let SelfTestArgs { mock, regtest, full, share, filter, jobs, json, seed } = args;
    let settings = SelfTestSettings { mock, regtest, full, share, filter, jobs, seed };
    let view = self_test::table::TableView::new();
    let finished = runtime.block_on(self_test::self_test(&settings, &view));
    leave(runtime);
    let report = match finished {
        Ok(report) => report,
        Err(error) => return failed(error.exit(), &error.to_string()),
    };
    view.finish(&report);
    match json.map(|path| report::write_json(&path, &report)) {
        Some(Err(error)) => failed(Exit::Usage, &error.to_string()),
        Some(Ok(())) | None => report.exit(),
    }
}

/// Whatever a hostile target left hanging doesn't hold up the end: it goes with the process, which is about to end, and
/// all that was started has been. A shutdown would be waited for, and makes tokio's timers panic in tasks that still run.
fn leave(runtime: tokio::runtime::Runtime) {
    std::mem::forget(runtime);
}

fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| {
        failed(Exit::Internal, &format!("failed to start the async runtime: {error}"))
    })
}

fn list_command(args: &ListArgs) -> Exit {
    let listed = if args.requirements {
        let form = match (args.json, args.long) {
            (true, _) => list::Form::Json,
            (false, true) => list::Form::Long,
            (false, false) => list::Form::Short,
        };
        list::requirements(&args.scenarios, form)
    } else {
        list::scenarios(&args.scenarios, args.json)
    };
    print_or_explain(listed)
}

fn explain_command(args: &ExplainArgs) -> Exit {
    print_or_explain(explain::explain(&args.id, &args.scenarios))
}

fn print_or_explain(text: Result<String, list::ListError>) -> Exit {
    use std::io::Write as _;
    match text {
        Ok(text) => match anstream::stdout().write_all(text.as_bytes()) {
            Ok(()) => Exit::Conformant,
            // The reader (`head`, say) has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Conformant,
            Err(error) => failed(Exit::Internal, &format!("failed to print: {error}")),
        },
        Err(error) => failed(error.exit(), &error.to_string()),
    }
}

impl RunArgs {
    /// What is asked for; an error says what is wrong with a file that was named.
    fn into_settings(self) -> Result<Settings, String> {
        let folder = self.json.as_deref().and_then(Path::parent).map(Path::to_owned);
        let replay = self.replay.as_deref().map(read_replay).transpose()?;
        let chain = match (self.bitcoind_rpc, self.regtest) {
            (Some(url), _) => ChainFrom::Attached(
                Endpoint::parse(&url, self.bitcoind_cookie)
                    .map_err(|error| format!("--bitcoind-rpc: {error} (--bitcoind-cookie FILE)"))?,
            ),
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
                token: self.token,
                any_token: self.any_token,
                network: self.network.map(|network| network.name().to_owned()),
            },
            chain,
            pay_hook,
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

/// Help and version go to standard output; a wrong use is one line on standard error.
fn explain_usage(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // Nothing is left to be done about a closed standard output.
            let _ = error.print();
            Exit::Conformant
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Exit::Usage
        }
        _ => usage(&one_line_of(error)),
    }
}

fn one_line_of(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .collect();
    let line = lines.join(" ");
    // clap repeats the value that it refuses.
    without_users(line.strip_prefix("error: ").unwrap_or(&line))
}

fn usage(message: &str) -> Exit {
    failed(Exit::Usage, &format!("{message} (try --help)"))
}

fn failed(exit: Exit, message: &str) -> Exit {
    anstream::eprintln!("error: {}", crate::text::one_line(message));
    exit
}

/// `RUST_LOG` switches logs of the inner parts on; they go to standard error.
fn init_tracing() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("off"));
    // A second initialisation, in tests, is no loss.
    let _ =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

fn command(text: &str) -> Result<String, String> {
    match shlex::split(text) {
        Some(words) if !words.is_empty() => Ok(text.to_owned()),
        Some(_) => Err("it is empty".to_owned()),
        None => Err("it has an open quote".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if !(0.01..=3600.0).contains(&seconds) {
        return Err("give from 0.01 to 3600 seconds".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(ms @ 1..=600_000) => Ok(Duration::from_millis(ms)),
        _ => Err("give from 1 to 600000 milliseconds".to_owned()),
    }
}

fn share(text: &str) -> Result<Share, String> {
    let parts =
        text.split_once('/').and_then(|(part, of)| Some((part.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((part @ 1.., of)) if part <= of => Ok(Share { part, of }),
        _ => Err("give two numbers, such as 1/4 for the first of four shares".to_owned()),
    }
}

fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(jobs @ 1..=64) => Ok(jobs),
        _ => Err("give a number from 1 to 64".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_of_run_has_its_help() {
        let command = Cli::command();
        let run = command.find_subcommand("run").unwrap();
        for argument in run.get_arguments() {
            assert!(argument.get_help().is_some(), "--{} has no help", argument.get_id());
        }
        assert!(run.get_after_help().unwrap().to_string().contains("Exit codes:"));
    }

    #[test]
    fn shares_are_parts_of_a_whole() {
        assert_eq!(share("2/3"), Ok(Share { part: 2, of: 3 }));
        for wrong in ["0/3", "4/3", "1", "1/0", "x/2"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn timeouts_are_bounded() {
        assert_eq!(seconds("2.5").unwrap(), Duration::from_millis(2500));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "x"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
