//! An open WebSocket, whether the probe is its client or its server.
//!
//! Input: a probe. Output: a connection on which frames may be sent, or a problem.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::{accept, handshake};

impl Probe {
    /// An open WebSocket without extensions.
    pub fn open(&mut self) -> Result<(), Problem> {
        match self.masks {
            true => handshake::open(self, &[]),
            false => accept::open(self, None),
        }
    }

    /// The endpoint still serves other connections; only a server can be checked.
    pub fn expect_others_served(&mut self) -> Result<(), Problem> {
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
