//! Stands in for `tools`, in a build that only serves.
//!
//! Input and output: none, as there are no tools.

use crate::cli::common::Failure;
use clap::Subcommand;

/// What the whole command is, for its help.
pub const ABOUT: &str = "A small, strict WebSocket push server";

/// Appended to the examples of the server.
pub const EXAMPLES: &str = "";

/// Appended to the exit statuses of the server.
pub const STATUSES: &str = "";

/// No tool.
#[derive(Debug, Subcommand)]
pub enum Tool {}

/// Never called.
pub fn run(tool: Tool, _: clap::Command) -> Result<(), Failure> {
    match tool {}
}
