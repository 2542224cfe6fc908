//! Ends of TLS connections without sockets, for tests and fuzzing (RFC 8446 section 5).
//!
//! Input: bytes that the other end sent, and plaintext to send. Output: bytes for the other end,
//! and the plaintext that came. Invariant: after an error, input is ignored. What a session
//! does with records is left to `session`.

use crate::tls::session::{Opened, Records, Session};
use crate::tls::{Acceptor, Connector, TlsError};

/// One end of a TLS connection.
#[derive(Debug)]
pub struct InMemory {
    session: Session,
    /// The beginning of a record, or the records of a handshake message, that is not whole.
    tail: Vec<u8>,
    plain: Vec<u8>,
    out: Records,
    error: Option<TlsError>,
    ended: bool,
}

impl InMemory {
    /// The server's end.
    ///
    /// # Errors
    ///
    /// The settings cannot be used.
    pub fn server(acceptor: &Acceptor) -> Result<Self, TlsError> {
        Ok(Self::new(Session::accept(acceptor)?, Records::default()))
    }

    /// The client's end, for a server of this name; its first message waits in
    /// [`InMemory::take_output`].
    ///
    /// # Errors
    ///
    /// The settings cannot be used.
    pub fn client(connector: &Connector, name: &str) -> Result<Self, TlsError> {
        let mut out = Records::default();
        let session = Session::connect(&connector.server(name)?, &mut out)?;
        Ok(Self::new(session, out))
    }

    fn new(session: Session, out: Records) -> Self {
        Self {
            session,
            tail: Vec::new(),
            plain: Vec::new(),
            out,
            error: None,
            ended: false,
        }
    }

    /// These bytes have come.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.error.is_some() {
            return;
        }
        self.tail.extend_from_slice(bytes);
        let plain = &mut self.plain;
        let sink = |bytes: &[u8]| plain.extend_from_slice(bytes);
        let Opened {
            used,
            closed,
            error,
        } = self.session.open(&mut self.tail, sink, &mut self.out);
        self.tail.drain(..used);
        self.ended |= closed;
        self.error = error;
    }

    /// Sends these pieces of plaintext, if both ends are ready for it.
    ///
    /// # Errors
    ///
    /// The keys are used up.
    pub fn send(&mut self, pieces: &[&[u8]]) -> Result<bool, TlsError> {
        if self.error.is_some() || !self.session.is_established() {
            return Ok(false);
        }
        self.session.seal(pieces, &mut self.out)?;
        Ok(true)
    }

    /// Says that this end sends no more; nothing may be sent after it.
    pub fn close(&mut self) {
        if self.error.is_none() {
            self.session.close(&mut self.out);
        }
    }

    /// What is to be sent to the other end.
    pub fn take_output(&mut self) -> Vec<u8> {
        let bytes = self.out.as_bytes().to_vec();
        self.out.clear();
        bytes
    }

    /// All plaintext that has come.
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The same, which is then forgotten.
    pub fn take_plain(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.plain)
    }

    /// Bytes of a record, or of the records of a handshake message, that is not whole.
    pub fn waiting(&self) -> usize {
        self.tail.len()
    }

    /// Why the connection is over.
    pub fn error(&self) -> Option<&TlsError> {
        self.error.as_ref()
    }

    /// The other end has said that it sends no more.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Forgets the plaintext that came and gives back the memory of all buffers: what is left is
    /// what a server keeps for an idle connection. Bytes that wait stay.
    pub fn shrink(&mut self) {
        self.plain = Vec::new();
        self.out = Records::default();
        self.tail.shrink_to_fit();
    }

    /// Both ends may send.
    pub fn is_established(&self) -> bool {
        self.error.is_none() && self.session.is_established()
    }
}
