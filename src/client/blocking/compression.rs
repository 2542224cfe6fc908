//! permessage-deflate of one blocking connection: RFC 7692 section 7.
//!
//! Input: the negotiated terms, then messages of one direction. Output: their compressed or
//! inflated bytes. Invariant: the two directions belong to different threads and share only the
//! terms. The extension itself is left to `deflate`.

use crate::client::open::Options;
use crate::deflate::{Budget, Compressed, Inflated, Params, Pool, Session};
use crate::error::Violation;
use crate::handshake::DeflateTerms;
use crate::limits::Limits;
use crate::proto::Piece;

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Codec {
    params: Params,
    pool: Pool,
    session: Session,
    compressed: Vec<u8>,
    inflated: Option<Inflated>,
}

/// The two directions, if compression was negotiated.
pub(super) fn pair(options: &Options, terms: Option<DeflateTerms>) -> Option<(Codec, Codec)> {
    let settings = options.deflate_settings()?;
    let params = Params::client(&terms?);
    let window = 1 << params.receive.window_bits;
    let budget = Budget::new(settings.budget.max(window));
    let codec = || Codec {
        params,
        pool: Pool::new(settings, budget.clone()),
        session: Session::default(),
        compressed: Vec::new(),
        inflated: None,
    };
    let (sending, mut receiving) = (codec(), codec());
    if params.receive.takeover {
        receiving
            .session
            .reserve(&budget, params.receive.window_bits);
    }
    Some((sending, receiving))
}

impl Codec {
    /// The payload to send compressed, if that is shorter.
    pub(super) fn compress(&mut self, message: &[u8]) -> Option<&[u8]> {
        let out = &mut self.compressed;
        let len = self
            .pool
            .compress(&mut self.session, &self.params, message, out)?;
        Some(&self.compressed[..len])
    }

    /// Takes a piece of a compressed message; true if the message is whole.
    pub(super) fn inflate(&mut self, piece: Piece<'_>, limits: &Limits) -> Result<bool, Violation> {
        if let Some(message) = self.inflated.take() {
            self.pool.recycle(message);
        }
        let piece = Compressed {
            kind: piece.kind,
            bytes: piece.bytes,
            first: piece.first,
            last: piece.last,
        };
        let inflated = self
            .pool
            .inflate(&mut self.session, &self.params, piece, limits);
        self.inflated = inflated?;
        Ok(self.inflated.is_some())
    }

    /// The message that was whole.
    pub(super) fn message(&self) -> &[u8] {
        self.inflated.as_ref().map_or(&[], Inflated::bytes)
    }
}
