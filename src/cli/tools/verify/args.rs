//! The arguments of `verify`.

use crate::cli::common::tls::TlsSettings;
use crate::cli::common::units::Period;
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::common::tls::{TlsFlags, with_short_names};
use crate::cli::tools::verify::case::Level;
use clap::builder::Resettable;
use clap::{Arg, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(mut_args(with_listen), mut_args(with_short_names))]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "Examples:\n  \
                  wirebell verify ws://127.0.0.1:9001/\n  \
                  wirebell verify --case 'frame.*' -v ws://127.0.0.1:9001/\n  \
                  wirebell verify --format junit -o report.xml ws://127.0.0.1:9001/\n  \
                  wirebell verify --token secret --subprotocol chat ws://127.0.0.1:9001/\n  \
                  wirebell verify --format html -o report.html ws://127.0.0.1:9001/\n  \
                  wirebell verify report -o both.html a.json b.json\n  \
                  wirebell verify --random --seconds 60 -o found.txt ws://127.0.0.1:9001/\n  \
                  wirebell verify --replay found.txt ws://127.0.0.1:9001/\n  \
                  wirebell verify --listen 127.0.0.1:9001\n  \
                  wirebell verify --listen 127.0.0.1:9001 --tls-self-signed\n  \
                  wirebell verify --random --listen 127.0.0.1:9001 -o found.txt\n\n\
                  The server must echo messages on that path. Each case has a stable name, a\n\
                  section of an RFC, and a level: MUST, SHOULD, or quality (good practice no RFC\n\
                  requires). Messages that a server sends unsolicited on each connection, such as\n\
                  a greeting, are ignored, and the report says so.\n\n\
                  With --random, seeded streams of valid and broken frames are sent instead, and\n\
                  the strict core says which answers are allowed. Each deviation is printed once,\n\
                  with the shortest stream that shows it, which --replay sends again and\n\
                  `wirebell inspect` explains. With --listen as well, a client is sent them.\n\n\
                  With --listen, a client is tested. It runs the loop of Autobahn's clients:\n  \
                  1. open /getCaseCount and read a number, the only message\n  \
                  2. for each N from 1 to that number, open /runCase?case=N&agent=NAME\n  \
                  3. there, echo every message as text or binary, as received, until the\n     \
                  connection ends in whatever way; many will not even open\n  \
                  4. open /updateReports?agent=NAME: that ends the run\n\
                  Cases that it never requests are skipped, and then the run fails.\n\n\
                  Exit status: 0 no failure that counts (see --fail-on), 1 a failure, or not an\n\
                  echo server; 2 wrong usage; 3 connection refused, or no WebSocket; 4 no answer\n\
                  in time, or no client connected.")]
pub struct VerifyArgs {
    /// An echo server: ws://HOST[:PORT][/PATH], or wss://... for TLS
    #[arg(value_name = "URL", required_unless_present_any = ["list", "listen"])]
    pub uri: Option<String>,

    /// Send this header field with each handshake; may be given several times
    #[arg(
        short = 'H',
        long,
        value_name = "NAME: VALUE",
        conflicts_with = "listen"
    )]
    pub header: Vec<String>,

    /// Offer this subprotocol with each handshake; may be given several times, the preferred one
    /// first
    #[arg(long, value_name = "NAME", conflicts_with = "listen")]
    pub subprotocol: Vec<String>,

    #[command(flatten)]
    pub credentials: Credentials,

    /// Run the cases even if the server opens no WebSocket or does not echo
    #[arg(long, conflicts_with = "listen")]
    pub force: bool,

    /// Test a client instead: listen here for it; port 0 picks a free port
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "uri")]
    pub listen: Option<String>,

    /// How long to wait for the client's next connection [default: forever for the first one,
    /// then 30s]
    #[arg(long, value_name = "TIME", conflicts_with = "uri")]
    pub wait: Option<Period>,

    /// Run only cases that match this name, where * matches anything; may be given several times
    #[arg(long, value_name = "NAME")]
    pub case: Vec<String>,

    /// Skip cases that match this name; may be given several times
    #[arg(long, value_name = "NAME")]
    pub skip: Vec<String>,

    /// Run only cases of this level or stricter
    #[arg(long, value_name = "LEVEL", default_value = "quality")]
    pub level: Level,

    /// The lowest level at which a failure counts for the exit status
    #[arg(long, value_name = "LEVEL", default_value = "must")]
    pub fail_on: Level,

    /// Send random streams of valid and broken frames instead of the cases, and compare the
    /// answers with what the RFCs allow
    #[arg(long, conflicts_with_all = ["case", "skip", "list"])]
    pub random: bool,

    /// Send the streams in this file once, as --random prints them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["random", "case", "skip", "list"])]
    pub replay: Option<PathBuf>,

    /// How long to send random streams; a client of --listen is asked for 200 each second
    #[arg(long, value_name = "N", default_value = "10", requires = "random")]
    pub seconds: u32,

    /// Where the random streams begin: the same seed gives the same streams [default: by chance]
    #[arg(long, value_name = "N", requires = "random")]
    pub seed: Option<u64>,

    /// End as soon as random streams show N different deviations
    #[arg(long, value_name = "N", default_value = "20", requires = "random")]
    pub max_deviations: usize,

    /// List the cases without running them; with --listen, those for clients
    #[arg(long)]
    pub list: bool,

    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Cases to run concurrently; with --listen, the client decides
    #[arg(short, long, value_name = "N", default_value = "8")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,

    /// How long to wait for an answer
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = Period::above_zero)]
    pub timeout: Period,

    /// Show every case and the bytes exchanged, not only failures
    #[arg(short, long)]
    pub verbose: bool,

    #[command(subcommand)]
    pub command: Option<VerifyCommand>,

    #[command(flatten)]
    pub server_tls: TlsSettings,

    #[command(flatten)]
    pub tls: TlsFlags,
}

/// What else `verify` does.
#[derive(Debug, Subcommand)]
pub enum VerifyCommand {
    /// Put reports in JSON side by side on one page of HTML
    #[command(after_help = "Examples:\n  \
                      wirebell verify --format json -o a.json ws://127.0.0.1:9001/\n  \
                      wirebell verify report -o both.html a.json b.json\n\n\
                      Exit status: 0 written, 1 the page cannot be written, 2 wrong usage or no\n\
                      report.")]
    Report(ReportArgs),
}

/// The arguments of `verify report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Reports, as --format json writes them
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Write the page to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Flags of a server only mean something with `--listen`. Its variables are not read: they are
/// those of a server on the same machine, and would make every client speak TLS.
fn with_listen(arg: Arg) -> Arg {
    let id = arg.get_id().as_str();
    match id.starts_with("tls_") && id != "tls_server_name" {
        true => arg
            .env(Resettable::Reset)
            .conflicts_with("uri")
            .help_heading("TLS, with --listen"),
        false => arg,
    }
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Everything, for programs
    Json,
    /// For CI servers
    Junit,
    /// One self-contained page for browsers
    Html,
    /// A small image that says how many cases passed (SVG)
    Badge,
}
