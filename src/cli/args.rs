//! The arguments of the whole command: which commands there are.
//!
//! Input: what was written behind `wirebell`, and the environment. Output: [`Command`], with the
//! arguments of that command, which its own file or folder defines.

use crate::cli::bench::BenchArgs;
use crate::cli::completions::CompletionsArgs;
use crate::cli::connect::ConnectArgs;
use crate::cli::inspect::InspectArgs;
use crate::cli::manual::ManArgs;
use crate::cli::push::PushArgs;
use crate::cli::server::{EchoArgs, ServeArgs};
use crate::cli::verify::VerifyArgs;
use clap::{Parser, Subcommand};

/// WebSockets and push, from scratch.
#[derive(Debug, Parser)]
#[command(
    name = "wirebell",
    version,
    about = "A small, strict WebSocket push server, and tools for WebSockets",
    long_about = "A small, strict WebSocket push server, and tools for WebSockets.\n\n\
                  `wirebell` alone is `wirebell serve`.",
    after_help = "Examples:\n  \
                  wirebell                                   serve on 127.0.0.1:8080\n  \
                  wirebell serve --listen 0.0.0.0:80 --push-key-file key.txt\n  \
                  wirebell echo --listen 127.0.0.1:9001      for conformance tools\n  \
                  wirebell connect ws://127.0.0.1:8080/echo  talk to a server\n  \
                  wirebell push --user alice --event orders 'order 17 has shipped'\n  \
                  wirebell verify ws://127.0.0.1:9001/       test an echo server\n  \
                  wirebell inspect talk.pcap                 explain frames\n  \
                  wirebell bench ws://127.0.0.1:9001/        load a server\n\n\
                  Exit status: 0 after a graceful stop, 2 for wrong usage, 1 for other failures;\n\
                  the tools have more."
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
    /// Connect to a server: send lines, print messages
    Connect(Box<ConnectArgs>),
    /// Publish to a push server
    Push(Box<PushArgs>),
    /// Test how well an echo server, or a client, keeps to the RFCs
    Verify(Box<VerifyArgs>),
    /// Explain captured frames byte by byte
    Inspect(Box<InspectArgs>),
    /// Load a server and measure it
    Bench(Box<BenchArgs>),
    /// Print what a shell needs to complete commands and flags
    Completions(CompletionsArgs),
    /// Print a manual page, or write them all
    Man(ManArgs),
}
