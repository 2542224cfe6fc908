//! A look at the bytes on the wire, for traces and for learning.

use std::fmt;

/// Is shown every byte of a connection, the handshake included, in the order in which the bytes
/// go and come; calls of the two directions may overlap.
pub trait Tap: fmt::Debug + Send + Sync {
    /// Bytes that have been handed to the system.
    fn sent(&self, bytes: &[u8]);

    /// Bytes that have arrived, as they came.
    fn received(&self, bytes: &[u8]);
}
