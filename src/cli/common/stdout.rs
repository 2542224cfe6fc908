//! Standard output: what a command has to say.
//!
//! Input: all of it at once. Output: nothing, or why it could not be written. Invariant: a reader
//! that has gone is no failure, a full disk is one.

use crate::cli::common::Failure;
use std::io::{self, Write as _};

/// Writes to stdout all that a command has to say.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_ref())
        .and_then(|()| stdout.flush())
    {
        // Nobody reads any more: as with all filters, no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::failed(format!("stdout: {error}"))),
    }
}
