//! The arguments of `bench`.

use crate::cli::common::deflate::DeflateMode;
use crate::cli::common::units::{Period, Size};
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::common::tls::{TlsFlags, with_short_names};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use wirebell::push::TopicName;

#[derive(Debug, Args)]
#[command(mut_args(with_short_names))]
#[command(after_help = "Examples:\n  \
                  wirebell bench ws://127.0.0.1:9001/\n  \
                  wirebell bench -c 1000 --rate 20000 --plot latency.svg ws://127.0.0.1:9001/\n  \
                  wirebell bench --depth 16 --pid $(pidof -s server) ws://127.0.0.1:9001/\n  \
                  wirebell bench -m idle -c 10000 --pid 4711 ws://127.0.0.1:9001/\n  \
                  wirebell bench -m fan-out -c 1000 --size 128B ws://127.0.0.1:8080/ws\n  \
                  wirebell bench -m fan-out -c 1000 --topic a --batch 16 ws://127.0.0.1:8080/\n  \
                  wirebell bench -m handshake --format json ws://127.0.0.1:9001/\n\n\
                  Without --rate the loop is closed: each message follows an answer, so a server\n\
                  that stalls gets less load, and the stall hardly shows. With --rate messages\n\
                  are due at fixed times, and latency counts from then, even if sent late.\n\n\
                  Handshakes with one server never overlap (RFC 6455 section 4.1). SIGINT or\n\
                  SIGTERM ends the run early, with what was measured so far.\n\n\
                  Exit status: 0 everything was answered, 1 connections or messages were lost, or\n\
                  there were none; 2 wrong usage; 3 refused; 4 timed out.")]
pub struct BenchArgs {
    /// The server: ws://HOST[:PORT][/PATH], or wss://... for TLS
    #[arg(value_name = "URL")]
    pub uri: String,

    /// What to measure
    #[arg(short, long, value_name = "MODE", default_value = "echo")]
    pub mode: Mode,

    /// Connections; `handshake`: at most N open at a time
    #[arg(short, long, value_name = "N", default_value = "64")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,

    /// Payload of a message [default: 32B; `fan-out`: 128B]
    #[arg(short, long, value_name = "SIZE")]
    pub size: Option<Size>,

    /// Messages in flight on each connection [default: 1; with --rate up to 256 KiB of them]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub depth: Option<u32>,

    /// Messages (or handshakes, or publications) per second over all connections [default: a
    /// closed loop]
    #[arg(short, long, value_name = "N", value_parser = positive)]
    pub rate: Option<f64>,

    /// Warm-up under load before the measurement
    #[arg(long, value_name = "TIME", default_value = "1s")]
    pub warm_up: Period,

    /// Duration of the measurement
    #[arg(short, long, value_name = "TIME", default_value = "5s")]
    pub duration: Period,

    /// Send text instead of binary messages
    #[arg(long)]
    pub text: bool,

    /// Compression to offer: `off`, `on`, or `takeover`, which keeps the window between
    /// messages
    #[arg(long, value_name = "MODE", default_value = "off")]
    pub deflate: DeflateMode,

    /// Event loops, one thread each
    #[arg(short, long, value_name = "N", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,

    /// Connections to open per second [default: sequentially, without a pause]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub ramp: Option<f64>,

    /// Send this header field with each handshake, and with each publication over HTTP; may be
    /// given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,

    /// Offer this subprotocol; may be given several times, the preferred one first
    #[arg(long, value_name = "NAME")]
    pub subprotocol: Vec<String>,

    #[command(flatten)]
    pub credentials: Credentials,

    /// Process ID of the server on this machine: measure its CPU time, or with `idle` its memory
    #[arg(short, long, value_name = "PID")]
    pub pid: Option<u32>,

    /// `idle`: first echo one message on each connection
    #[arg(long)]
    pub touch: bool,

    /// `idle`: send a Ping after this long without traffic; 0 disables
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub ping: Period,

    /// `fan-out`: publishers, one thread each
    #[arg(long, value_name = "N", default_value = "1")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=64))]
    pub publishers: u32,

    /// `fan-out`: what a subscriber sends first; empty for nothing
    #[arg(long, value_name = "TEXT")]
    #[arg(default_value = r#"{"token":"bench","event":"bench"}"#)]
    pub subscribe: String,

    /// `fan-out`: where to publish: http(s)://... for a POST, ws(s)://... for a message [default:
    /// /push of the same server]
    #[arg(long, value_name = "URL")]
    pub publish_url: Option<String>,

    /// `fan-out`: what to publish, where {message} is replaced by the message
    #[arg(long, value_name = "TEXT")]
    #[arg(default_value = r#"{"userId":"bench","event":"bench","message":"{message}"}"#)]
    pub publish: String,

    /// `fan-out`: subscribe to this topic at /topics/TOPIC, and publish to it over HTTP, on one
    /// connection per publisher that stays open
    #[arg(long, value_name = "TOPIC")]
    #[arg(conflicts_with_all = ["subscribe", "publish_url", "publish", "subprotocol"])]
    pub topic: Option<TopicName>,

    /// `fan-out` with --topic: subscribe with wirebell.v1, not to bare payloads
    #[arg(long, requires = "topic")]
    pub envelopes: bool,

    /// `fan-out` with --topic: publish N messages in one request
    #[arg(long, value_name = "N", default_value = "1", requires = "topic")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub batch: u32,

    /// `fan-out` with --topic: send N requests before the first is answered
    #[arg(long, value_name = "N", default_value = "1", requires = "topic")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub pipeline: u32,

    /// Timeout for a connection and its handshake, and for answers still missing at the end
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = Period::above_zero)]
    pub timeout: Period,

    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Plot the latencies by percentile into this SVG file
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    #[command(flatten)]
    pub tls: TlsFlags,
}

/// What to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// From a message to its echo
    Echo,
    /// Memory of idle connections
    Idle,
    /// From a publication to its subscribers
    FanOut,
    /// Opening connections
    Handshake,
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Everything, for programs
    Json,
}

impl Mode {
    /// Bytes of a message by default.
    pub fn usual_size(self) -> u64 {
        if self == Self::FanOut { 128 } else { 32 }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Idle => "idle",
            Self::FanOut => "fan-out",
            Self::Handshake => "handshake",
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number: &f64| *number > 0.0 && *number <= 1e8);
    number.ok_or_else(|| "write a number above 0, up to 100000000".into())
}
