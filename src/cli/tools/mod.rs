//! The tools: the commands other than servers, a file or a folder each, and `common` for what they
//! share.
//!
//! Input: the arguments of one of them. Output: its result, or a
//! [`Failure`](crate::cli::common::Failure). In addition to the usual exit statuses, clients have 3
//! for a refusal and 4 for a timeout. The server itself is left to `cli::server`.

mod bench;
mod certificate;
mod common;
mod completions;
mod connect;
mod data;
mod doctor;
mod inspect;
mod manual;
mod push;
mod token;
mod verify;

use crate::cli::common::Failure;
use bench::BenchArgs;
use certificate::CertificateArgs;
use clap::Subcommand;
use completions::CompletionsArgs;
use connect::ConnectArgs;
use data::DataArgs;
use doctor::DoctorArgs;
use inspect::InspectArgs;
use manual::ManArgs;
use push::PushArgs;
use token::TokenArgs;
use verify::VerifyArgs;

/// What the whole command is, for its help.
pub const ABOUT: &str = "A small, strict WebSocket push server, and tools for WebSockets";

/// Appended to the examples of the server.
pub const EXAMPLES: &str = "
  wirebell connect ws://127.0.0.1:8080/echo  talk to a server
  wirebell push --user alice --event orders 'order 17 has shipped'
  wirebell verify ws://127.0.0.1:9001/       test an echo server
  wirebell doctor https://push.example.org   check a deployment
  wirebell inspect talk.pcap                 explain frames
  wirebell bench ws://127.0.0.1:9001/        load a server";

/// Appended to the exit statuses of the server.
pub const STATUSES: &str = ";\nthe tools have more";

#[derive(Debug, Subcommand)]
pub enum Tool {
    /// Connect to a server: send lines, print messages
    Connect(Box<ConnectArgs>),
    /// Publish to a push server
    Push(Box<PushArgs>),
    /// Create, list and revoke the tokens of a push server
    Token(TokenArgs),
    /// Check, shrink and export the data file of a push server
    Data(DataArgs),
    /// Make a self-signed certificate for development
    Certificate(CertificateArgs),
    /// Test whether an echo server or a client conforms to the RFCs
    Verify(Box<VerifyArgs>),
    /// Check a deployment from outside, and say what to change
    Doctor(Box<DoctorArgs>),
    /// Explain captured frames byte by byte
    Inspect(Box<InspectArgs>),
    /// Load a server and measure it
    Bench(Box<BenchArgs>),
    /// Print a shell completion script
    Completions(CompletionsArgs),
    /// Print a manual page, or write all of them
    Man(ManArgs),
}

/// Runs `tool`; `whole` is the whole command.
pub fn run(mut tool: Tool, whole: clap::Command) -> Result<(), Failure> {
    take_user(&mut tool)?;
    match tool {
        Tool::Connect(args) => connect::run(args),
        Tool::Push(args) => push::run(args),
        Tool::Token(args) => token::run(&args),
        Tool::Data(args) => data::run(&args),
        Tool::Certificate(args) => certificate::run(&args),
        Tool::Verify(args) => verify::run(args),
        Tool::Doctor(args) => doctor::run(&args),
        Tool::Inspect(args) => inspect::run(args),
        Tool::Bench(args) => bench::run(args),
        Tool::Completions(args) => completions::run(&args, whole),
        Tool::Man(args) => manual::run(&args, whole),
    }
}

/// `user:password@` in the URL of a server counts as `--auth`.
fn take_user(tool: &mut Tool) -> Result<(), Failure> {
    match tool {
        Tool::Connect(args) => args.credentials.take_from(&mut args.uri),
        Tool::Push(args) => args.credentials.take_from(&mut args.server),
        Tool::Doctor(args) => args.credentials.take_from(&mut args.url),
        Tool::Bench(args) => args.credentials.take_from(&mut args.uri),
        Tool::Verify(args) => match &mut args.uri {
            Some(uri) => args.credentials.take_from(uri),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}
