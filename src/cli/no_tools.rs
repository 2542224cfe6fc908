//! In place of `tools`, in a build that only serves.
//!
//! Input and output: none, as there is no tool that could be called.

use crate::cli::common::Failure;
use clap::Subcommand;

/// What the whole command is, for its help.
pub const ABOUT: &str = "A small, strict WebSocket push server";

/// What follows on the examples of the server.
pub const EXAMPLES: &str = "";

/// What follows on the exit statuses of the server.
pub const STATUSES: &str = "";

/// There is none.
#[derive(Debug, Subcommand)]
pub enum Tool {}

/// Is never called.
pub fn run(tool: Tool, _: clap::Command) -> Result<(), Failure> {
    match tool {}
}
