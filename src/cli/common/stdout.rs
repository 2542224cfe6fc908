//! Standard output: what a command has to say.
//!
//! Input: all of it at once. Output: nothing, or why it could not be written.

use crate::cli::common::Failure;
use std::io::{self, Write as _};

/// Writes to stdout all that a command has to say.
pub fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Nobody reads any more: as with all filters, no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Failed(format!("stdout: {error}"))),
    }
}

/// Prints to stdout; whether anybody reads it makes no difference to the command.
pub fn print_anyway(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}
