//! Standard output of a command.
//!
//! Input: all of it at once. Output: nothing, or why it could not be written. Invariant: a reader
//! that is gone is not a failure, a full disk is.

use crate::cli::common::Failure;
use std::io::{self, Write as _};

/// Writes the whole output of a command to stdout.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_ref())
        .and_then(|()| stdout.flush())
    {
        // stdout closed (EPIPE): exit quietly.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::failed(format!("stdout: {error}"))),
    }
}
