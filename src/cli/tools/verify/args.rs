//! The arguments of `verify`.

use crate::cli::common::units::Period;
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::verify::case::Level;
use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell verify ws://127.0.0.1:9001/\n  \
                  wirebell verify --case 'frame.*' -v ws://127.0.0.1:9001/\n  \
                  wirebell verify --format junit -o report.xml ws://127.0.0.1:9001/\n  \
                  wirebell verify --token secret --subprotocol chat ws://127.0.0.1:9001/\n  \
                  wirebell verify --listen 127.0.0.1:9001\n\n\
                  A server must echo messages on that path. Each case has a stable name, a\n\
                  section of an RFC, and a level: MUST, SHOULD, or quality, which no RFC wants.\n\
                  What a server sends by itself on each connection, such as a greeting, is passed\n\
                  over, and the report says so.\n\n\
                  With --listen, a client is tested. It runs the loop of Autobahn's clients:\n  \
                  1. open /getCaseCount and read a number, the only message\n  \
                  2. for each N from 1 to that number, open /runCase?case=N&agent=NAME\n  \
                  3. there, send back every message as it came, text or binary, until the\n     \
                  connection ends, however it ends; many will not even open\n  \
                  4. open /updateReports?agent=NAME: that ends the run\n\
                  What it never asks for has no verdict, but the run has failed then.\n\n\
                  Exit status: 0 nothing failed that counts (see --fail-on), 1 something did,\n\
                  or it is no echo server; 2 wrong usage; 3 nobody answers there, or with no\n\
                  WebSocket; 4 no answer in time, or no client has come.")]
pub struct VerifyArgs {
    /// An echo server: ws://HOST[:PORT][/PATH]
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

    /// Test a client instead: wait for it here; with port 0, on a free one
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "uri")]
    pub listen: Option<String>,

    /// How long to wait for the client's next connection [default: for the first one for ever,
    /// then 30s]
    #[arg(long, value_name = "TIME", conflicts_with = "uri")]
    pub wait: Option<Period>,

    /// Run only cases with this name, in which * stands for anything; may be given several times
    #[arg(long, value_name = "NAME")]
    pub case: Vec<String>,

    /// Leave out cases with this name; may be given several times
    #[arg(long, value_name = "NAME")]
    pub skip: Vec<String>,

    /// Run only cases of this level and of stricter ones
    #[arg(long, value_name = "LEVEL", default_value = "quality")]
    pub level: Level,

    /// The lowest level at which a failure counts for the exit status
    #[arg(long, value_name = "LEVEL", default_value = "must")]
    pub fail_on: Level,

    /// Print the cases and run nothing; with --listen, those for clients
    #[arg(long)]
    pub list: bool,

    /// How to report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Cases that run at the same time; a client decides that for itself
    #[arg(short, long, value_name = "N", default_value = "8")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,

    /// How long an answer may take
    #[arg(long, value_name = "TIME", default_value = "3s")]
    pub timeout: Period,

    /// Show every case and what was said, not only failures
    #[arg(short, long)]
    pub verbose: bool,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Everything, for programs
    Json,
    /// For build servers
    Junit,
}
