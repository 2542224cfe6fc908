//! An open WebSocket, whichever end of it the probe plays.
//!
//! Input: a probe. Output: a connection on which frames may be sent, or why there is none.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::{accept, handshake};

impl Probe {
    /// An open WebSocket without extensions.
    pub fn open(&mut self) -> Result<(), Trouble> {
        match self.masks {
            true => handshake::open(self, &[]),
            false => accept::open(self, None),
        }
    }

    /// The endpoint serves others as well: only a server can be asked.
    pub fn expect_others_served(&mut self) -> Result<(), Trouble> {
        if !self.masks {
            return Ok(());
        }
        let mut other = Self::new(self.target.clone());
        let served = other.open().and_then(|()| other.expect_alive());
        self.note("another connection:");
        self.log.extend(other.log);
        served
    }
}
