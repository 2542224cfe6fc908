//! The arguments of `serve` and `echo`. A value comes from the flag, else the environment,
//! else the settings file, else the defaults.

use crate::cli::common::deflate::DeflateMode;
use crate::cli::common::one_or_many;
use crate::cli::common::tls::TlsSettings;
use crate::cli::common::units::{Period, Size};
use crate::cli::server::access_log::AccessSettings;
use crate::cli::server::data::DataSettings;
use crate::cli::server::engine::EngineSettings;
use crate::cli::server::gotify::GotifySettings;
use crate::cli::server::jwt::JwtSettings;
use crate::cli::server::takeover::{TakeOverArgs, UpgradeSettings};
use crate::cli::server::trace::TraceSettings;
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use wirebell::net::Overflow;
use wirebell::push::Pattern;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
                  wirebell serve &\n  \
                  curl -d '{\"userId\":\"alice\",\"event\":\"orders\",\"message\":\"hello\"}' \
                  http://127.0.0.1:8080/push\n\n\
                  Clients connect to /ws and send {\"token\":\"alice\",\"event\":\"orders\"}.\n\
                  A settings file uses the names of the flags, with _ for -:\n  \
                  listen = \"0.0.0.0:8080\"\n  tokens = \"tokens.toml\"\n  \
                  ping_interval = \"20s\"\n\n\
                  SIGINT or SIGTERM stops gracefully: all clients get Close 1001, one after\n\
                  another (--drain). A second one exits at once. With --upgrade-socket, SIGUSR2\n\
                  starts the program again, which takes over. SIGHUP also stops it if the\n\
                  controlling terminal is gone (without nohup); otherwise it reads certificates,\n\
                  keys and tokens again, and opens the access log again. An empty\n\
                  WIREBELL_... variable counts as unset.\n\n\
                  Exit status: 0 after a graceful stop, 1 failed, 2 wrong usage.")]
pub struct ServeArgs {
    #[command(flatten)]
    pub common: CommonArgs,

    #[command(flatten)]
    pub take_over: TakeOverArgs,

    #[command(flatten)]
    pub settings: FileSettings,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  wirebell echo --listen 127.0.0.1:9001 --workers 1\n  \
                  wirebell echo --subprotocol ocpp1.6 --subprotocol ocpp1.5\n  \
                  wirebell echo --trace talk.pcap\n\n\
                  SIGINT or SIGTERM stops gracefully, as does SIGHUP if the controlling terminal\n\
                  is gone (without nohup); otherwise that reads the certificates again.\n\n\
                  Exit status: 0 after a graceful stop, 1 failed, 2 wrong usage."
)]
pub struct EchoArgs {
    #[command(flatten)]
    pub common: CommonArgs,

    #[command(flatten)]
    pub settings: EchoSettings,
}

/// Arguments that a settings file cannot hold.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Read settings from this TOML file
    #[arg(long, value_name = "FILE", env = "WIREBELL_CONFIG")]
    pub config: Option<PathBuf>,

    /// Check the settings, print them as they would be used, and exit
    #[arg(long)]
    pub check: bool,
}

/// Settings of `serve`, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSettings {
    /// File of tokens (TOML), each with the topics that it may publish and subscribe to, as
    /// `wirebell token` writes it; reloaded when it changes [default: no tokens are needed]
    #[arg(long, value_name = "FILE", env = "WIREBELL_TOKENS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<PathBuf>,

    /// The key of JWTs.
    #[command(flatten)]
    #[serde(flatten)]
    pub jwt: JwtSettings,

    /// The file that keeps what was published.
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataSettings,

    /// The log that several servers share.
    #[command(flatten)]
    #[serde(flatten)]
    pub engine: EngineSettings,

    /// How another process takes over.
    #[command(flatten)]
    #[serde(flatten)]
    pub upgrade: UpgradeSettings,

    /// The dialect of gotify.
    #[command(flatten)]
    #[serde(flatten)]
    pub gotify: GotifySettings,

    /// Listen beyond this machine without tokens: anyone who can reach the server may then publish
    /// and subscribe to everything [default: false]
    #[arg(
        long,
        value_name = "BOOL",
        env = "WIREBELL_OPEN",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,

    /// For /push and /drop: file with the key that publishers must send as
    /// `Authorization: Bearer KEY`; the key may also be in the environment variable
    /// WIREBELL_PUSH_KEY [default: anyone may publish]
    #[arg(long, value_name = "FILE", env = "WIREBELL_PUSH_KEY_FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push_key_file: Option<PathBuf>,

    /// For /ws: file with lines of `TOKEN USER`; reloaded when it changes [default: a token is the
    /// name of its user]
    #[arg(long, value_name = "FILE", env = "WIREBELL_TOKEN_FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,

    /// Reverse proxy that is believed when it says in X-Forwarded-For or Forwarded whose request it
    /// passes on: an address, a network such as 10.0.0.0/8, or `unix` for unix sockets; may be
    /// given several times [default: none]
    #[arg(
        long,
        value_name = "CIDR",
        env = "WIREBELL_TRUSTED_PROXY",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_proxy: Option<Vec<String>>,

    /// Connections that one address (IPv6: /64) may open, such as 100/s:500. Those beyond it are
    /// closed before anything is read; a --trusted-proxy may open any number [default: no limit]
    #[arg(long, value_name = "RATE", env = "WIREBELL_CONNECTION_RATE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection_rate: Option<String>,

    /// WebSockets and streams that one address (IPv6: /64), and one token, may open: such as 10/s,
    /// 600/m, or 10/s:50 with 50 at once. Those beyond it get 429. Set --trusted-proxy behind a
    /// proxy; loopback addresses count too [default: no limit]
    #[arg(long, value_name = "RATE", env = "WIREBELL_HANDSHAKE_RATE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handshake_rate: Option<String>,

    /// Messages that one address, and one token, may publish, each line of a batch counted
    /// [default: no limit]
    #[arg(long, value_name = "RATE", env = "WIREBELL_PUBLISH_RATE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_rate: Option<String>,

    /// WebSockets and streams that the tokens of one name, or one user of /ws, may have open at the
    /// same time; 0 means no limit [default: 0]
    #[arg(long, value_name = "N", env = "WIREBELL_CONNECTIONS_PER_TOKEN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_per_token: Option<u32>,

    /// How much history topics keep.
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<TopicSettings>,

    /// Longest body of an HTTP request [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MAX_BODY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_body: Option<Size>,

    /// Time within which a connection to /ws must register; 0 means no limit [default: 30s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_REGISTER_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register_timeout: Option<Period>,

    /// Serve /echo, a WebSocket that echoes, even with keys or tokens; `--echo=false` turns it off
    /// [default: only without keys and tokens]
    #[arg(
        long,
        value_name = "BOOL",
        env = "WIREBELL_ECHO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = BoolishValueParser::new()
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,

    /// Settings of the event loops.
    #[command(flatten)]
    #[serde(flatten)]
    pub event_loop: LoopSettings,

    /// Settings of TLS.
    #[command(flatten)]
    #[serde(flatten)]
    pub tls: TlsSettings,

    /// Settings of the access log.
    #[command(flatten)]
    #[serde(flatten)]
    pub access: AccessSettings,

    /// Settings of the trace.
    #[command(flatten)]
    #[serde(flatten)]
    pub trace: TraceSettings,
}

/// Settings of `echo`, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EchoSettings {
    /// Subprotocol to confirm to clients that offer it; may be given several times, then the
    /// client's order decides [default: whichever the client offers first]
    #[arg(
        long,
        value_name = "NAME",
        env = "WIREBELL_SUBPROTOCOL",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<Vec<String>>,

    /// Settings of the event loops.
    #[command(flatten)]
    #[serde(flatten)]
    pub event_loop: LoopSettings,

    /// Settings of TLS.
    #[command(flatten)]
    #[serde(flatten)]
    pub tls: TlsSettings,

    /// Settings of the trace.
    #[command(flatten)]
    #[serde(flatten)]
    pub trace: TraceSettings,
}

/// Settings of the event loops, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct LoopSettings {
    /// Where to listen: ADDR:PORT, unix:PATH, or fd:N for a socket that systemd passes
    /// (LISTEN_FDS; without this setting, all of them are used); may be given several times. With
    /// a certificate (--tls-cert) it speaks TLS there; http:ADDR:PORT stays unencrypted, and
    /// redirect:ADDR:PORT leads to https, at the port where TLS is spoken on that address, or at
    /// another one: redirect:ADDR:PORT=443 [default: 127.0.0.1:8080]
    #[arg(
        short,
        long,
        value_name = "WHERE",
        env = "WIREBELL_LISTEN",
        value_delimiter = ','
    )]
    #[serde(with = "one_or_many", skip_serializing_if = "Option::is_none")]
    pub listen: Option<Vec<String>>,

    /// Worker threads; 0 means one per core [default: 0]
    #[arg(short, long, value_name = "N", env = "WIREBELL_WORKERS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<usize>,

    /// Host name that requests may use for this server, without a port; may be given several
    /// times. A server on a loopback address always accepts `localhost` and loopback addresses
    /// [default: any name, unless on loopback]
    #[arg(
        long,
        value_name = "NAME",
        env = "WIREBELL_HOST",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<Vec<String>>,

    /// Origins of web pages that may connect, besides those of the same host: exact ones such as
    /// https://example.org, all subdomains as in https://*.example.org, `null`, `file://`, or
    /// `any`; may be given several times [default: same-host]
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "WIREBELL_ORIGIN",
        value_delimiter = ','
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Vec<String>>,

    /// Longest message, all fragments together; a longer one closes the connection with 1009
    /// [default: 16MiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MAX_MESSAGE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_message: Option<Size>,

    /// Bytes that may be queued for one slow connection [default: 1MiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MAX_QUEUED")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queued: Option<Size>,

    /// What to do when more is queued for a connection [default: disconnect]
    #[arg(long, value_name = "POLICY", env = "WIREBELL_OVERFLOW")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<OverflowPolicy>,

    /// Compression for clients that offer it (permessage-deflate): `off`, `on`, or `takeover`,
    /// which keeps the window between messages: smaller, but up to 320 KiB per connection
    /// [default: on]
    #[arg(long, value_name = "MODE", env = "WIREBELL_DEFLATE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate: Option<DeflateMode>,

    /// Compression level, from 1 (fastest) to 9 [default: 2]
    #[arg(long, value_name = "LEVEL", env = "WIREBELL_DEFLATE_LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate_level: Option<u8>,

    /// Compression window, from 9 (512 bytes) to 15 (32 KiB) bits: the largest for our messages,
    /// and requested from clients that let us choose [default: 15]
    #[arg(long, value_name = "BITS", env = "WIREBELL_DEFLATE_WINDOW_BITS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate_window_bits: Option<u8>,

    /// Memory that all connections together may use for `takeover`; beyond it, new connections
    /// go without [default: 64MiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_DEFLATE_BUDGET")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate_budget: Option<Size>,

    /// Shortest message that is compressed [default: 128B]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_DEFLATE_MIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deflate_min: Option<Size>,

    /// Connections per worker; more are closed at once [default: 1000000]
    #[arg(long, value_name = "N", env = "WIREBELL_MAX_CONNECTIONS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections: Option<usize>,

    /// Connections per address (IPv6: /64) and worker; 0 means no limit [default: 0]
    #[arg(long, value_name = "N", env = "WIREBELL_MAX_CONNECTIONS_PER_ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_connections_per_address: Option<u32>,

    /// Send a Ping after this long without traffic; 0 disables [default: 30s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_PING_INTERVAL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ping_interval: Option<Period>,

    /// Time for the Pong to arrive; 0 means no limit [default: 15s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_PONG_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pong_timeout: Option<Period>,

    /// Longest head of a request [default: 32KiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MAX_HEAD")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_head: Option<Size>,

    /// Header fields of a request, up to 128 [default: 100]
    #[arg(long, value_name = "N", env = "WIREBELL_MAX_FIELDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_fields: Option<usize>,

    /// Longest target of a request: path and query [default: 16KiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MAX_TARGET")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_target: Option<Size>,

    /// Time that an HTTP connection may be idle between requests; should be longer than that of a
    /// proxy in front; 0 means no limit [default: 75s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_IDLE_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Period>,

    /// Time for the head of a request to arrive; 0 means no limit [default: 10s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_HEAD_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_timeout: Option<Period>,

    /// Time for the peer to answer our Close, more than 0 [default: 5s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_CLOSE_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close_timeout: Option<Period>,

    /// When the server stops, spread the ends of its connections over this long, at most 10 ms for
    /// each connection of a worker; 0 ends all at once [default: 10s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_DRAIN")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drain: Option<Period>,

    /// End a blocked connection after this long without progress; 0 means no limit [default: 30s]
    #[arg(long, value_name = "TIME", env = "WIREBELL_STALL_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall_timeout: Option<Period>,

    /// Time for a complete message to arrive; 0 means no limit [default: 5m]
    #[arg(long, value_name = "TIME", env = "WIREBELL_MESSAGE_TIMEOUT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_timeout: Option<Period>,

    /// Memory for incomplete messages and requests and for data queued for slow readers, of all
    /// connections; beyond it, those that hold the most are closed [default: 256MiB]
    #[arg(long, value_name = "SIZE", env = "WIREBELL_MEMORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,

    /// Log level for stderr: off, error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL", env = "WIREBELL_LOG")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

/// How much history the topics of a pattern keep: a table `[[topics]]` of a settings file. The
/// first whose pattern matches counts; what it leaves out has its default.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSettings {
    /// Such as `orders.**`.
    pub pattern: PatternText,
    /// Messages; 0 for topics without positions, whose messages only those get who listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<usize>,
    /// How long a message is kept; 0 means no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age: Option<Period>,
    /// Bytes of the messages of one topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Size>,
    /// What to do with subscribers that read too slowly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow: Option<OverflowPolicy>,
}

/// A pattern, as text.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct PatternText(pub Pattern);

impl TryFrom<String> for PatternText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let pattern = text.parse().map(Self);
        pattern.map_err(|error| format!("pattern {text:?}: {error}"))
    }
}

impl From<PatternText> for String {
    fn from(pattern: PatternText) -> Self {
        pattern.0.as_str().to_owned()
    }
}

impl From<OverflowPolicy> for Overflow {
    fn from(policy: OverflowPolicy) -> Self {
        match policy {
            OverflowPolicy::Disconnect => Self::Disconnect,
            OverflowPolicy::DropOldest => Self::DropOldest,
            OverflowPolicy::KeepLatest => Self::KeepLatest,
        }
    }
}

/// What to do with a connection that reads too slowly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OverflowPolicy {
    /// Close it with code 1013
    Disconnect,
    /// Drop the oldest queued messages
    DropOldest,
    /// Drop older queued messages of the same topic
    KeepLatest,
}
