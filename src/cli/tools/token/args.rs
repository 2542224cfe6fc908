//! The arguments of `wirebell token`.
//!
//! Input: arguments and environment. Output: what to do, with checked patterns and times.

use crate::cli::common::units::timestamp;
use clap::{ArgGroup, Args, Subcommand};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::{Duration, SystemTime};
use toml_edit::Datetime;
use wirebell::push::Pattern;
use wirebell::push::time::span;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell token new --tokens tokens.toml --name shop --publish 'orders.**'\n  \
                  wirebell token new --tokens tokens.toml --name alice \
                  --subscribe 'orders.eu,news' --expires 30d\n  \
                  wirebell token list --tokens tokens.toml\n  \
                  wirebell token revoke --tokens tokens.toml ba7816bf8f01\n\n\
                  A server that was started with --tokens sees a change within a second. The file\n\
                  holds the SHA-256 of each token, so that it cannot disclose one.\n\n\
                  Exit status: 0 done, 1 failed, 2 wrong usage.")]
pub struct TokenArgs {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Create a token, print it once, and add it to the file, which is created if missing
    New(NewArgs),
    /// List the tokens: their names and rights, and the first digits of their digests
    List(ListArgs),
    /// Remove tokens: connections that use them end within a second
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub struct NewArgs {
    /// The file of tokens
    #[arg(long, value_name = "FILE", env = "WIREBELL_TOKENS")]
    pub tokens: PathBuf,

    /// Whose token it is; several tokens may have one name
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// Topics that it may publish to: names, or patterns such as orders.*.eu or orders.**; may be
    /// given several times
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub publish: Vec<Pattern>,

    /// Topics that it may subscribe to
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub subscribe: Vec<Pattern>,

    /// Let it read the server's own topics, such as $stats
    #[arg(long)]
    pub admin: bool,

    /// When it ends: a time from now such as 30d or 12h, or a time in the form of RFC 3339
    /// [default: never]
    #[arg(long, value_name = "TIME")]
    pub expires: Option<Expires>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// The file of tokens
    #[arg(long, value_name = "FILE", env = "WIREBELL_TOKENS")]
    pub tokens: PathBuf,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct RevokeArgs {
    /// The file of tokens
    #[arg(long, value_name = "FILE", env = "WIREBELL_TOKENS")]
    pub tokens: PathBuf,

    /// The token, or the first digits of its SHA-256, at least 4, as `list` prints them
    #[arg(value_name = "TOKEN", group = "which")]
    pub token: Option<String>,

    /// All tokens of this name
    #[arg(long, value_name = "NAME", group = "which")]
    pub name: Option<String>,

    /// All JWTs of this subject, those that are still to be issued as well
    #[arg(long, value_name = "SUBJECT", group = "which")]
    pub subject: Option<String>,
}

/// When a token ends.
#[derive(Clone, Copy, Debug)]
pub struct Expires(pub Datetime);

impl FromStr for Expires {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || "write a time like 30d, or 2027-01-31T12:00:00Z".to_owned();
        let end = span(text).map(|ms| SystemTime::now().checked_add(Duration::from_millis(ms)));
        let time = match end {
            Some(end) => timestamp(end.ok_or_else(problem)?),
            None => text.to_owned(),
        };
        let time: Datetime = time.parse().map_err(|_| problem())?;
        let is_whole = time.date.is_some() && time.time.is_some() && time.offset.is_some();
        is_whole.then_some(Self(time)).ok_or_else(problem)
    }
}
