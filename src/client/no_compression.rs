//! In place of `compression` where the feature `deflate` is off: nothing is ever agreed on.

use crate::client::options::Options;
use crate::error::Violation;
use crate::handshake::DeflateTerms;
use crate::limits::Limits;
use crate::proto::Piece;

#[derive(Debug)]
pub(super) struct Sending;

#[derive(Debug)]
pub(super) struct Receiving;

pub(super) fn halves(_: &Options, _: Option<DeflateTerms>) -> (Sending, Receiving) {
    (Sending, Receiving)
}

impl Sending {
    pub(super) fn compress(&mut self, _: &[u8]) -> Option<&[u8]> {
        None
    }
}

impl Receiving {
    pub(super) fn inflate(&mut self, _: Piece<'_>, _: &Limits) -> Result<bool, Violation> {
        Ok(false)
    }

    pub(super) fn message(&self) -> &[u8] {
        &[]
    }
}
