//! The arguments of `wirebell connect`.

use crate::cli::common::deflate::DeflateMode;
use crate::cli::common::units::{Period, Size};
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::common::tls::{TlsFlags, with_short_names};
use crate::cli::tools::connect::seconds::Seconds;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;
use wirebell::push::{BadPosition, Since};

#[derive(Debug, Args)]
#[command(mut_args(with_short_names))]
#[command(after_help = "Examples:\n  \
                  wirebell connect ws://127.0.0.1:8080/echo\n  \
                  printf 'one\\ntwo\\n' | wirebell connect ws://127.0.0.1:8080/echo\n  \
                  wirebell connect -n --max-messages 1 ws://example.org/feed > first.txt\n  \
                  wirebell connect --ca-file ca.pem wss://example.org/feed\n  \
                  tar c docs | wirebell connect --binary raw ws://example.org/upload\n  \
                  wirebell connect --since 1h 'ws://127.0.0.1:8080/topics/orders.*'\n  \
                  wirebell connect --reconnect --resume-file at.txt \
                  ws://127.0.0.1:8080/topics/log\n\n\
                  Lines of stdin become text messages; messages are printed to stdout, one per\n\
                  line. At the end of stdin the connection is closed, and what arrives until the\n\
                  server has closed too is still printed. If the server closes before it has\n\
                  answered, use --wait.\n\n\
                  On ws://HOST[:PORT]/topics/PATTERNS of a Wirebell server it follows topics: it\n\
                  prints what is published, one message per line, and reads no stdin. After a\n\
                  lost connection (--reconnect), or the next time (--resume-file), it continues\n\
                  where it was; what the server no longer has is reported as a gap on stderr.\n\n\
                  Exit status: 0 closed normally (code 1000, 1001 or none), 1 failed: connection\n\
                  lost, protocol violation or another close code; 2 wrong usage; 3 connection\n\
                  refused, no TLS to trust, or an HTTP response other than 101; 4 timed out.")]
pub struct ConnectArgs {
    /// Where to connect: ws://HOST[:PORT][/PATH], or wss://... for TLS
    #[arg(value_name = "URL")]
    pub uri: String,

    /// Send this header field with the handshake; may be given several times
    #[arg(short = 'H', long, value_name = "NAME: VALUE")]
    pub header: Vec<String>,

    /// Offer this subprotocol; may be given several times, the preferred one first
    #[arg(long, value_name = "NAME")]
    pub subprotocol: Vec<String>,

    /// Send this Origin, as a page from it would
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,

    #[command(flatten)]
    pub credentials: Credentials,

    /// Send and print binary messages: `hex`, one line of hexadecimal digits each, or `raw`,
    /// bytes as they are [default: text; a binary message that arrives is printed as hex]
    #[arg(long, value_name = "FORM")]
    pub binary: Option<BinaryForm>,

    /// Send and print each message as a line of JSON: a string is text, `{"base64":"..."}` is
    /// binary. This way messages may contain line breaks
    #[arg(long, conflicts_with = "binary")]
    pub json_lines: bool,

    /// Topics: begin in the past: with `all` that the server has, a time ago such as `10m`, a time
    /// such as 2026-11-28T00:20:00Z, or after a position such as q7c2m4-41 [default: `new`]
    #[arg(long, value_name = "SINCE")]
    pub since: Option<SinceText>,

    /// Topics: continue after the position in this file, if it exists, and keep it up to date: a
    /// message that was printed is not printed again by the next start. Wins over --since
    #[arg(long, value_name = "FILE")]
    pub resume_file: Option<PathBuf>,

    /// Topics: print each message with its topic, position and time, as a line of JSON
    #[arg(long, conflicts_with_all = ["binary", "json_lines"])]
    pub json: bool,

    /// Topics: do not follow them, but send lines and print what arrives as on any other path
    #[arg(long)]
    pub no_follow: bool,

    /// Send a Ping after this many seconds without traffic; 0 disables
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub ping: Seconds,

    /// Close after N messages have arrived
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_messages: Option<u64>,

    /// Keep receiving for this long after the end of stdin before closing
    #[arg(long, value_name = "TIME", default_value = "0")]
    pub wait: Period,

    /// Do not read stdin; only receive, until the server closes or a signal arrives
    #[arg(short, long)]
    pub no_input: bool,

    /// Reconnect with growing delays when the connection cannot be opened or is lost; at most N
    /// attempts in a row, 0 for no limit. Input that arrives meanwhile is sent later
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    #[arg(require_equals = true)]
    pub reconnect: Option<u32>,

    /// Print every frame, both ways, on stderr
    #[arg(long)]
    pub show_frames: bool,

    /// Write all traffic of the connection to this file, as a capture that `wirebell inspect`
    /// and Wireshark can read
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// Stop writing the trace at this size; 0 means no limit
    #[arg(long, value_name = "SIZE", default_value = "1GiB", requires = "trace")]
    pub trace_limit: Size,

    /// Compression to offer: `off`, `on`, or `takeover`, which keeps the window between
    /// messages
    #[arg(long, value_name = "MODE", default_value = "on")]
    pub deflate: DeflateMode,

    /// Longest message to receive, and longest line to send
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub max_message: Size,

    /// Use this HTTP proxy: http://[USER:PASS@]HOST[:PORT] [default: from ws_proxy, http_proxy,
    /// all_proxy and no_proxy; for wss:// from wss_proxy and https_proxy]
    #[arg(long, value_name = "URL", conflicts_with = "no_proxy")]
    pub proxy: Option<String>,

    /// Use no proxy, whatever the environment says
    #[arg(long)]
    pub no_proxy: bool,

    /// Timeout for the connection and the handshake; 0 means no limit
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: Period,

    #[command(flatten)]
    pub tls: TlsFlags,
}

/// A place to begin, as it was written.
#[derive(Clone, Debug)]
pub struct SinceText(pub String);

impl FromStr for SinceText {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        text.parse::<Since>().map(|_| Self(text.to_owned()))
    }
}

/// How binary messages are read and printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BinaryForm {
    /// Hexadecimal digits, one message per line
    Hex,
    /// Bytes as they are
    Raw,
}
