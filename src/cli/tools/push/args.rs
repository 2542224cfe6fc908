//! The arguments of `wirebell push`.

use crate::cli::common::units::Period;
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::common::tls::TlsFlags;
use clap::Args;
use std::path::PathBuf;
use wirebell::push::TopicName;
use wirebell::push::time::span;

/// Other commands call it `--key` as well.
const CLIENT_KEY: &str = "The key of that certificate: a PEM file; --key is that of a message";

#[derive(Debug, Args)]
#[command(mut_arg("client_key", |arg| arg.help(CLIENT_KEY)))]
#[command(after_help = "Examples:\n  \
                  wirebell push --topic orders.eu 'order 17 has shipped'\n  \
                  wirebell push --topic photos --content-type image/png --file cat.png\n  \
                  tail -F app.log | wirebell push --topic log --lines --ttl 1h\n  \
                  wirebell push --topic orders.eu --receipt 2s 'who reads this?'\n  \
                  wirebell push --batch < messages.ndjson\n  \
                  wirebell push --user alice --event orders 'order 17 has shipped'\n\n\
                  With --topic or --batch a message that is sent again after a lost response is\n\
                  published once: each has an Idempotency-Key, at random unless --key gives it.\n\n\
                  Exit status: 0 all messages were accepted, 1 failed, 2 wrong usage, 3 refused\n\
                  (wrong key, token or message), 4 timed out. On failure, stderr says how many\n\
                  messages were accepted.")]
pub struct PushArgs {
    /// The message [default: all of stdin, without a line break at its end]
    #[arg(value_name = "MESSAGE", conflicts_with_all = ["file", "lines", "batch"])]
    pub message: Option<String>,

    /// The push server: http://HOST[:PORT], or https://...
    #[arg(long, value_name = "URL", env = "WIREBELL_SERVER")]
    #[arg(default_value = "http://127.0.0.1:8080")]
    pub server: String,

    /// The topic to publish to, such as orders.eu
    #[arg(long, value_name = "TOPIC", required_unless_present_any = ["user", "batch"])]
    #[arg(conflicts_with_all = ["user", "event"])]
    pub topic: Option<TopicName>,

    /// The user to push to, at /push
    #[arg(
        long,
        value_name = "USER",
        requires = "event",
        conflicts_with = "batch"
    )]
    pub user: Option<String>,

    /// The event to push, at /push
    #[arg(
        long,
        value_name = "EVENT",
        requires = "user",
        conflicts_with = "batch"
    )]
    pub event: Option<String>,

    /// Publish the content of this file as it is; `-` is stdin. With --lines or --batch, read
    /// those from it
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Push each line as a separate message, as it arrives; empty lines are skipped
    #[arg(long, conflicts_with = "batch")]
    pub lines: bool,

    /// Publish many messages a request, as they arrive: one JSON object a line, such as
    /// `{"topic":"orders.eu","data":"shipped"}`, with "base64" instead of "data" for binary
    /// messages, and optionally "ttl" and "key"; "topic" may be a list
    #[arg(long, conflicts_with = "topic")]
    pub batch: bool,

    /// The media type [default: text/plain; charset=utf-8]. One that is not text, such as
    /// application/octet-stream, makes the message binary
    #[arg(long, value_name = "TYPE", conflicts_with_all = ["user", "batch"])]
    pub content_type: Option<String>,

    /// Do not replay the message to those who subscribe later than this: 10m, or a number of
    /// seconds; 0 for those alone who listen now
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    #[arg(conflicts_with_all = ["user", "batch"])]
    pub ttl: Option<u64>,

    /// The Idempotency-Key: within five minutes, a message is published once under the same key
    #[arg(long, value_name = "KEY", conflicts_with_all = ["user", "batch", "lines"])]
    pub key: Option<String>,

    /// Publish only once the topic has a subscriber: asks the server until it has one, at most for
    /// TIME, or without limit if none is given. Needs the right to subscribe to it
    #[arg(long, value_name = "TIME", num_args = 0..=1)]
    #[arg(conflicts_with_all = ["user", "batch"])]
    #[arg(require_equals = true, default_missing_value = "0")]
    pub wait_for_subscribers: Option<Period>,

    /// Ask for receipts, for at most TIME: the answer, which is printed, says how many connections
    /// have read the message
    #[arg(long, value_name = "TIME", conflicts_with_all = ["user", "batch"])]
    pub receipt: Option<Period>,

    #[command(flatten)]
    pub credentials: Credentials,

    /// File with the key that the server requires at /push, or with a token; the key may also be
    /// in the environment variable WIREBELL_PUSH_KEY
    #[arg(long, value_name = "FILE", env = "WIREBELL_PUSH_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Attempts per message or batch, with growing delays between them
    #[arg(long, value_name = "N", default_value = "5")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts: u32,

    /// Timeout of one attempt; 0 means no limit
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: Period,

    /// Print the answer of the server to each message: how many connections it reached
    #[arg(short, long)]
    pub verbose: bool,

    #[command(flatten)]
    pub tls: TlsFlags,
}

/// Whole seconds, as the field TTL has them (RFC 8030 section 5.2).
fn seconds(text: &str) -> Result<u64, String> {
    let number = text.trim().parse().ok();
    let time = number.or_else(|| span(text).map(|ms| ms.div_ceil(1000)));
    time.ok_or_else(|| "write a time like 10m, or a number of seconds".into())
}
