//! permessage-deflate of one blocking connection; the extension itself is left to `deflate`.
//!
//! The two directions belong to different threads, so each has its own half. Without the feature
//! `deflate`, `no_compression` stands in this place.

use crate::client::options::Options;
use crate::deflate::{Budget, Compressed, Inflated, Link, Pool, Session};
use crate::error::Violation;
use crate::handshake::DeflateTerms;
use crate::limits::Limits;
use crate::proto::Piece;

/// Messages that go out.
#[derive(Debug, Default)]
pub(super) struct Sending {
    half: Option<Half>,
    out: Vec<u8>,
}

/// Messages that come in.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    half: Option<Half>,
    message: Option<Inflated>,
}

#[derive(Debug)]
struct Half {
    link: Link,
    pool: Pool,
    session: Session,
}

/// Both halves, for what was agreed on.
pub(super) fn halves(options: &Options, terms: Option<DeflateTerms>) -> (Sending, Receiving) {
    let (Some(settings), Some(terms)) = (options.deflate, terms) else {
        return Default::default();
    };
    let link = Link::client(&terms);
    let window = 1 << link.receive.window_bits;
    let budget = Budget::new(settings.budget.max(window));
    let half = || Half {
        link,
        pool: Pool::new(settings, budget.clone()),
        session: Session::default(),
    };
    let (sending, mut receiving) = (half(), half());
    if link.receive.takeover {
        receiving.session.reserve(&budget, link.receive.window_bits);
    }
    let sending = Sending {
        half: Some(sending),
        out: Vec::new(),
    };
    (
        sending,
        Receiving {
            half: Some(receiving),
            message: None,
        },
    )
}

impl Sending {
    /// The payload to send compressed, if that pays.
    pub(super) fn compress(&mut self, message: &[u8]) -> Option<&[u8]> {
        let Half {
            link,
            pool,
            session,
        } = self.half.as_mut()?;
        let len = pool.compress(session, link, message, &mut self.out)?;
        Some(&self.out[..len])
    }
}

impl Receiving {
    /// Takes a piece of a compressed message; true if that is whole.
    pub(super) fn inflate(&mut self, piece: Piece<'_>, limits: &Limits) -> Result<bool, Violation> {
        let Some(Half {
            link,
            pool,
            session,
        }) = &mut self.half
        else {
            return Ok(false);
        };
        if let Some(message) = self.message.take() {
            pool.recycle(message);
        }
        let piece = Compressed {
            kind: piece.kind,
            bytes: piece.bytes,
            first: piece.first,
            last: piece.last,
        };
        self.message = pool.inflate(session, link, piece, limits)?;
        Ok(self.message.is_some())
    }

    /// The message that was whole.
    pub(super) fn message(&self) -> &[u8] {
        self.message.as_ref().map_or(&[], Inflated::bytes)
    }
}
