//! Stands in for `rest`, in a build without it: no connection goes on in another process.
//!
//! Input: nothing. Output: nothing.

use crate::net::engine::drain::Farewell;
use crate::net::options::Options;

/// There is no other process.
#[derive(Debug)]
pub(super) struct Moving;

impl Moving {
    pub(super) fn new(_: &Options) -> Self {
        Self
    }

    pub(super) fn rests(&self) -> bool {
        false
    }

    pub(super) fn is_still(&self) -> bool {
        false
    }

    pub(super) fn puts_off_stop(&mut self) -> bool {
        false
    }

    pub(super) fn farewell(&self) -> Farewell {
        Farewell::STOP
    }
}
