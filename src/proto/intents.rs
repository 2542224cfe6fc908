//! What the application wants from a connection: RFC 6455 sections 5.5, 6.1 and 7.1.2.
//!
//! Input: data, pings, closes. Output: header bytes for data that the caller writes, control frames
//! in the caller's [`Outbox`], or the [`Misuse`] that forbids it. Invariant: nothing is sent that
//! the closing table does not allow.

use crate::error::{Misuse, Violation};
use crate::proto::closing::{Action, Input};
use crate::proto::connection::Connection;
use crate::proto::outbox::{Outbox, mask_key};
use crate::wire::{CloseBody, CloseCode, Entropy, FrameHeader, HeaderBytes, Mask, MessageKind};
use crate::wire::{MAX_CLOSE_REASON, MAX_CONTROL_PAYLOAD, cut_reason};

/// Intents in, bytes out.
impl Connection {
    /// The header for the next frame of data; write it and then `len` bytes of payload.
    ///
    /// `kind` is the same for all frames of a message; `last` ends the message. A client masks the
    /// payload with the returned key. Control frames may be sent between two frames of a message.
    /// The payload of a text must be UTF-8 as a whole, which is not checked (section 5.6).
    ///
    /// # Errors
    ///
    /// [`Misuse::NotOpen`] once a Close was sent or received, [`Misuse::MessageOpen`] if `kind` is
    /// not that of the open message, [`Misuse::LengthTooLong`] from 2^63 bytes on.
    // req: 6455-6.1-08 6455-6.1-01 6455-6.1-02 6455-6.1-03 6455-5.5.1-05 6455-5.4-04
    #[inline]
    pub fn begin(
        &mut self,
        kind: MessageKind,
        len: u64,
        last: bool,
        entropy: &mut impl Entropy,
    ) -> Result<(HeaderBytes, Option<Mask>), Misuse> {
        self.begin_frame(kind, len, last, false, entropy)
    }

    /// Like [`Connection::begin`], for the first frame of a compressed message: `len` bytes of
    /// compressor output follow. If `last` is false, continue with [`Connection::begin`].
    ///
    /// # Errors
    ///
    /// Those of [`Connection::begin`]; [`Misuse::NotNegotiated`] without
    /// [`Connection::with_deflate`], or in the middle of a message.
    // req: 7692-6.1-01 7692-6.1-03
    #[inline]
    pub fn begin_compressed(
        &mut self,
        kind: MessageKind,
        len: u64,
        last: bool,
        entropy: &mut impl Entropy,
    ) -> Result<(HeaderBytes, Option<Mask>), Misuse> {
        if !self.compression || self.sending.is_some() {
            return Err(Misuse::NotNegotiated);
        }
        self.begin_frame(kind, len, last, true, entropy)
    }

    // req: 7692-6.1-02
    #[inline]
    fn begin_frame(
        &mut self,
        kind: MessageKind,
        len: u64,
        last: bool,
        compressed: bool,
        entropy: &mut impl Entropy,
    ) -> Result<(HeaderBytes, Option<Mask>), Misuse> {
        let (_, action) = self.state.on(Input::SendMessage);
        if action != Action::Emit {
            return Err(Misuse::NotOpen);
        }
        if len >> 63 != 0 {
            return Err(Misuse::LengthTooLong);
        }
        let starts = match self.sending {
            None => Some(kind),
            Some(open) if open == kind => None,
            Some(_) => return Err(Misuse::MessageOpen),
        };
        self.sending = if last { None } else { Some(kind) };
        let mut header = FrameHeader::data(starts, len, last);
        header.rsv1 = compressed;
        header.mask = mask_key(self.role, entropy);
        Ok((header.emit(), header.mask.map(Mask::new)))
    }

    /// Puts a Ping into the outbox; it replaces one that has not left yet.
    ///
    /// # Errors
    ///
    /// [`Misuse::ControlTooLong`] over 125 bytes, [`Misuse::NotOpen`] after Close.
    pub fn ping(&mut self, payload: &[u8], outbox: &mut Outbox) -> Result<(), Misuse> {
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(Misuse::ControlTooLong);
        }
        match self.state.on(Input::SendPing) {
            (_, Action::Emit) => outbox.put_ping(payload),
            _ => return Err(Misuse::NotOpen),
        }
        Ok(())
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). `None` sends an empty body. Does
    /// nothing if the connection is already closing.
    ///
    /// # Errors
    ///
    /// [`Misuse::ReasonTooLong`] over 123 bytes.
    // req: 6455-7.1.2-01
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        outbox: &mut Outbox,
    ) -> Result<(), Misuse> {
        if reason.len() > MAX_CLOSE_REASON {
            return Err(Misuse::ReasonTooLong);
        }
        let (state, action) = self.state.on(Input::SendClose);
        if action == Action::Emit {
            outbox.put_close(&CloseBody { code, reason });
        }
        self.enter(state);
        Ok(())
    }

    /// Fails the connection because of something that a higher layer found in a message, such as
    /// data that cannot be inflated (RFC 6455 section 7.1.7). Puts the Close frame into `outbox`.
    /// Does nothing if the connection has already failed or is closed.
    // req: 6455-7.1.7-03 6455-7.1.7-07
    #[cold]
    pub fn fail(&mut self, violation: Violation, outbox: &mut Outbox) {
        self.give_up(violation.close_code(), violation.text(), outbox);
    }

    /// Fails the connection for a reason that is not the peer's, such as a lack of memory. Puts the
    /// Close frame into `outbox`, with the reason cut to 123 bytes, unless one was sent before; all
    /// further input is discarded. Does nothing if the connection has already failed or is closed.
    #[cold]
    pub fn give_up(&mut self, code: CloseCode, reason: &str, outbox: &mut Outbox) {
        let (state, action) = self.state.on(Input::Violation);
        if action == Action::SendClose {
            outbox.put_close(&CloseBody {
                code: Some(code),
                reason: cut_reason(reason),
            });
        }
        self.enter(state);
    }

    /// Writes the control frames that wait in `outbox` to `out`, whole ones only, and returns the
    /// number of bytes. 0 with a non-empty outbox means that `out` is too short for the next frame.
    ///
    /// Call it between two data frames, never in the middle of one.
    #[inline]
    pub fn transmit(
        &mut self,
        outbox: &mut Outbox,
        out: &mut [u8],
        entropy: &mut impl Entropy,
    ) -> usize {
        if outbox.is_empty() {
            return 0;
        }
        outbox.drain(self.role, out, entropy)
    }
}
