//! What a session needs of the socket that carries it.

use std::io::{Read, Write};

/// A socket: that of the system, or a simulated one.
pub(crate) trait Socket: Read + Write {
    /// Nothing more will be written.
    #[cfg_attr(
        not(feature = "tls"),
        expect(dead_code, reason = "sessions alone call it")
    )]
    fn shut_down(&mut self);
}
