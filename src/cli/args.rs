//! The arguments of the whole command: which commands there are.
//!
//! Input: the arguments of `wirebell`, and the environment. Output: [`Command`], with the arguments
//! of that command, which its own file or folder defines.

use crate::cli::server::{EchoArgs, ServeArgs};
use crate::cli::tools::{ABOUT, EXAMPLES, STATUSES, Tool};
use clap::{Parser, Subcommand};

/// WebSockets and push, from scratch.
#[derive(Debug, Parser)]
#[command(
    name = "wirebell",
    version,
    about = ABOUT,
    long_about = format!("{ABOUT}.\n\n`wirebell` alone is `wirebell serve`."),
    after_help = after_help()
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the push server
    Serve(Box<ServeArgs>),
    /// Echo every message on every path, for conformance and load tools
    Echo(Box<EchoArgs>),
    #[command(flatten)]
    Tool(Tool),
}

fn after_help() -> String {
    format!(
        "Examples:\n  \
         wirebell                                   serve on 127.0.0.1:8080\n  \
         wirebell serve --listen 0.0.0.0:80 --tokens tokens.toml\n  \
         wirebell echo --listen 127.0.0.1:9001      for conformance tools{EXAMPLES}\n\n\
         Exit status: 0 after a graceful stop, 2 for wrong usage, 1 for other failures{STATUSES}."
    )
}
