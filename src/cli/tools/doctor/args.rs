//! The arguments of `wirebell doctor`.

use crate::cli::common::units::Period;
use crate::cli::tools::common::client::Credentials;
use crate::cli::tools::common::tls::{TlsFlags, with_short_names};
use clap::{Args, ValueEnum};
use wirebell::push::{Origin, TopicName};

#[derive(Debug, Args)]
#[command(mut_args(with_short_names))]
#[command(after_help = "Examples:\n  \
                  wirebell doctor https://push.example.org\n  \
                  wirebell doctor --minutes 5 --token \"$TOKEN\" https://push.example.org\n  \
                  wirebell doctor --origin https://app.example.org https://push.example.org\n  \
                  wirebell doctor --ca-file ca.pem --strict --format json https://10.0.0.7:8443\n\n\
                  Checks, in this order: dns, tcp, tls, proxy, http, upgrade, compression, pings,\n\
                  idle, sse, cors, clock. Each finding says what it means and what to change, in\n\
                  the server and in nginx, HAProxy, Caddy or ALB. A check that would need what\n\
                  the token may not do is skipped, and the report says so.\n\n\
                  It connects directly: http_proxy and the like are ignored.\n\n\
                  Exit status: 0 no problem (with --strict, no warning either), 1 there are\n\
                  problems, 2 wrong usage.")]
pub struct DoctorArgs {
    /// The push server as clients reach it: http(s)://HOST[:PORT][/PATH] or ws(s)://...; PATH is
    /// what stands before /topics
    #[arg(value_name = "URL")]
    pub url: String,

    /// Also leave a WebSocket silent for this many minutes, such as 5 or 0.5, to find the idle
    /// timeout of the path
    #[arg(long, value_name = "N", default_value = "0", value_parser = minutes)]
    pub minutes: f64,

    /// The topic to subscribe to, and to publish one message to that is not kept [default: a new
    /// one, doctor.RANDOM]
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<TopicName>,

    /// A page whose scripts use the server, such as https://app.example.org: checks that browsers
    /// would let them. May be repeated
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub origin: Vec<String>,

    #[command(flatten)]
    pub credentials: Credentials,

    /// How long a connection, a response or a message may take; 0 means no limit
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub timeout: Period,

    /// The report: text for people, or one object of JSON
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Exit with 1 for warnings too
    #[arg(long)]
    pub strict: bool,

    #[command(flatten)]
    pub tls: TlsFlags,
}

/// The form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines
    Text,
    /// An object
    Json,
}

/// At most a day.
fn minutes(text: &str) -> Result<f64, String> {
    let number = text.parse().ok();
    let number = number.filter(|number| (0.0..=1440.0).contains(number));
    number.ok_or_else(|| "write a number of minutes from 0 to 1440, such as 5 or 0.5".into())
}

/// As browsers send it, without a path.
fn origin(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let origin: Result<Origin, _> = text.parse();
    origin.map_err(|error| error.to_string())?;
    Ok(text.to_owned())
}
