//! One TLS session: records in, plaintext out, and the other way round (RFC 8446 section 5).
//!
//! This file alone drives rustls' connections. Input: bytes as the socket gave them, and plaintext
//! to send. Output: plaintext as it is decrypted, and whole records. Invariant: what
//! [`Session::open`] and [`Session::seal`] append to the records must be sent in that order; after
//! [`Session::open`] nothing that can be read stays inside.

use crate::tls::acceptor::Acceptor;
use crate::tls::connector::SecureServer;
use crate::tls::error::{TlsError, TlsErrorKind};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
#[cfg(feature = "net")]
use rustls::pki_types::CertificateDer;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use std::fmt;
use std::ops::Deref;

/// The plaintext of one record (RFC 8446 section 5.1).
pub(crate) const MAX_RECORD: usize = 16 * 1024;

/// Bytes of a record on the wire: a header, and what TLS 1.2 allows for encryption.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) const MAX_RECORD_ON_WIRE: usize = MAX_RECORD + 2048 + 5;

/// What a record adds to its plaintext: header, content type and tag, or the nonce of TLS 1.2.
const RECORD_OVERHEAD: usize = 32;

/// Bytes of records that are taken in one read of a socket, with what waits of the first: four
/// whole records, since what comes of a fifth is copied twice.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) const READ: usize = 4 * (MAX_RECORD + RECORD_OVERHEAD);

/// Bytes of records that may wait to be opened: the beginning of one, or all records of a handshake
/// message that is not whole, which rustls wants to see again. The longest message, of 64 KiB, may
/// come in records of 30 bytes or more.
pub(crate) const MAX_WAITING: usize = 80 * 1024;

/// Room for what waits and for what is read after it.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) const INPUT: usize = MAX_WAITING + MAX_RECORD_ON_WIRE;

/// Plaintext that is sealed for one write: as much as stays in the cache of the CPU on its way. In
/// a loop, more would only wait if the socket refuses it.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) const SEAL: usize = 64 * 1024;

/// Memory of a session that waits for nothing, in bytes: as measured, with TLS 1.3 and ring.
#[cfg(feature = "net")]
pub(crate) const SESSION_BYTES: usize = 3_400;

/// Where a read that follows `waiting` bytes should end, for a caller with room for so much
/// plaintext: what does not fit waits as plaintext, of one record at most.
#[cfg(any(feature = "client", feature = "net"))]
pub(crate) fn end_of_read(waiting: usize, room: usize) -> usize {
    match waiting < MAX_RECORD_ON_WIRE {
        true => room.clamp(MAX_RECORD_ON_WIRE, READ),
        false => waiting + MAX_RECORD_ON_WIRE, // Of a message in several records.
    }
}

/// The state of one connection's encryption, without any buffer.
pub(crate) struct Session {
    side: Side,
    /// close_notify was sealed.
    closed: bool,
}

enum Side {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// What [`Session::open`] has done.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    /// Bytes consumed. The rest must come first in the next call, as this call left it.
    pub(crate) used: usize,
    /// The peer has said that it sends no more (close_notify).
    pub(crate) closed: bool,
    /// The session is over, and the alert that says so is among the records.
    pub(crate) error: Option<TlsError>,
}

/// Records on their way out. Its memory is reused: one of these serves all sessions of a loop.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    len: usize,
    /// Short pieces that share a record.
    gather: Vec<u8>,
}

/// Slices from this size on are encrypted where they are instead of being gathered.
const LARGE: usize = 4 * 1024;

impl Session {
    /// The server's side.
    pub(crate) fn accept(acceptor: &Acceptor) -> Result<Self, TlsError> {
        let connection = UnbufferedServerConnection::new(acceptor.config())?;
        let side = Side::Server(Box::new(connection));
        Ok(Self {
            side,
            closed: false,
        })
    }

    /// The client's side; appends the ClientHello.
    pub(crate) fn connect(server: &SecureServer, out: &mut Records) -> Result<Self, TlsError> {
        let config = server.connector.config()?;
        let connection = UnbufferedClientConnection::new(config, server.name.clone())?;
        let side = Side::Client(Box::new(connection));
        let mut session = Self {
            side,
            closed: false,
        };
        match session.open(&mut [], |_| (), out).error {
            Some(error) => Err(error),
            None => Ok(session),
        }
    }

    /// Decrypts in place what has arrived. Plaintext, never more bytes than came in, goes to
    /// `plain` record by record; replies and alerts are appended to `out`. After
    /// [`Session::close`] input is ignored: this side has sent its close_notify, and must not send
    /// an alert after it.
    pub(crate) fn open(
        &mut self,
        bytes: &mut [u8],
        mut plain: impl FnMut(&[u8]),
        out: &mut Records,
    ) -> Opened {
        if self.closed {
            return Opened {
                used: bytes.len(),
                ..Opened::default()
            };
        }
        match &mut self.side {
            Side::Server(connection) => open(&mut **connection, bytes, &mut plain, out),
            Side::Client(connection) => open(&mut **connection, bytes, &mut plain, out),
        }
    }

    /// Encrypts these pieces, one after the other, in as few records as possible. Only on an
    /// established session, before [`Session::close`].
    pub(crate) fn seal<P: Deref<Target = [u8]>>(
        &mut self,
        pieces: &[P],
        out: &mut Records,
    ) -> Result<(), TlsError> {
        if let [one] = pieces {
            return self.encrypt(one, out);
        }
        let mut gather = std::mem::take(&mut out.gather);
        gather.clear();
        let result = self.seal_gathered(pieces, &mut gather, out);
        out.gather = gather;
        result
    }

    fn seal_gathered<P: Deref<Target = [u8]>>(
        &mut self,
        pieces: &[P],
        gather: &mut Vec<u8>,
        out: &mut Records,
    ) -> Result<(), TlsError> {
        for (at, piece) in pieces.iter().enumerate() {
            let is_last = at + 1 == pieces.len();
            let mut rest: &[u8] = piece;
            while !rest.is_empty() {
                if gather.is_empty() && rest.len() >= LARGE {
                    // Whole records; what is left shares one with the next piece.
                    let len = match rest.len() {
                        len if len > MAX_RECORD => len - len % MAX_RECORD,
                        len => len,
                    };
                    let (now, later) = rest.split_at(len);
                    self.encrypt(now, out)?;
                    rest = later;
                    continue;
                }
                let room = MAX_RECORD - gather.len();
                // A header goes ahead of the payload with what that has beyond whole records, which
                // then need not be copied. It takes no record more.
                let odd = rest.len() % MAX_RECORD;
                let is_ahead = is_last && rest.len() >= MAX_RECORD && odd <= room;
                let len = if is_ahead { odd } else { rest.len().min(room) };
                let (now, later) = rest.split_at(len);
                gather.extend_from_slice(now);
                rest = later;
                if is_ahead || gather.len() == MAX_RECORD {
                    self.encrypt(gather, out)?;
                    gather.clear();
                }
            }
        }
        self.encrypt(gather, out)
    }

    fn encrypt(&mut self, bytes: &[u8], out: &mut Records) -> Result<(), TlsError> {
        if bytes.is_empty() {
            return Ok(());
        }
        let room = bytes.len() + bytes.len().div_ceil(MAX_RECORD) * RECORD_OVERHEAD;
        match &mut self.side {
            Side::Server(connection) => seal(&mut **connection, out, room, |traffic, room| {
                traffic.encrypt(bytes, room)
            }),
            Side::Client(connection) => seal(&mut **connection, out, room, |traffic, room| {
                traffic.encrypt(bytes, room)
            }),
        }
    }

    /// Says that we send no more (close_notify, RFC 8446 section 6.1); nothing more may be sealed.
    /// Before the session is established there is nothing to say.
    pub(crate) fn close(&mut self, out: &mut Records) {
        if self.closed || !self.is_established() {
            return;
        }
        self.closed = true;
        let sealed = match &mut self.side {
            Side::Server(connection) => seal(&mut **connection, out, 64, |traffic, room| {
                traffic.queue_close_notify(room)
            }),
            Side::Client(connection) => seal(&mut **connection, out, 64, |traffic, room| {
                traffic.queue_close_notify(room)
            }),
        };
        if let Err(error) = sealed {
            log::debug!("no close_notify: {error}"); // The keys are used up: the end alone says it.
        }
    }

    /// Both sides may send.
    #[inline]
    pub(crate) fn is_established(&self) -> bool {
        match &self.side {
            Side::Server(connection) => !connection.is_handshaking(),
            Side::Client(connection) => !connection.is_handshaking(),
        }
    }

    /// It is the client's side.
    #[cfg(feature = "net")]
    pub(crate) fn is_client(&self) -> bool {
        matches!(self.side, Side::Client(_))
    }

    /// The peer's certificates, its own first; `None` if it has shown none.
    #[cfg(feature = "net")]
    pub(crate) fn peer_certificates(&self) -> Option<&[CertificateDer<'static>]> {
        match &self.side {
            Side::Server(connection) => connection.peer_certificates(),
            Side::Client(connection) => connection.peer_certificates(),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = match &self.side {
            Side::Server(_) => "server",
            Side::Client(_) => "client",
        };
        f.debug_struct("Session").field("role", &role).finish()
    }
}

impl Records {
    /// What waits to be sent.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends what waits in another, which is then empty.
    #[cfg(feature = "client")]
    pub(crate) fn take(&mut self, other: &mut Self) {
        let (bytes, len) = (other.as_bytes(), other.len);
        self.room(len)[..len].copy_from_slice(bytes);
        self.len += len;
        other.clear();
    }

    /// Room for exactly this many bytes after what waits.
    fn room(&mut self, size: usize) -> &mut [u8] {
        let end = self.len + size;
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        &mut self.bytes[self.len..end]
    }
}

/// What both roles of a connection have in common.
trait Unbuffered {
    type Data;

    fn records<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Unbuffered for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn records<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }
}

impl Unbuffered for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn records<'c, 'i>(&'c mut self, bytes: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(bytes)
    }
}

fn open<C: Unbuffered>(
    connection: &mut C,
    bytes: &mut [u8],
    plain: &mut impl FnMut(&[u8]),
    out: &mut Records,
) -> Opened {
    let mut opened = Opened::default();
    loop {
        let UnbufferedStatus {
            mut discard, state, ..
        } = connection.records(&mut bytes[opened.used..]);
        let mut goes_on = true;
        match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(Ok(record)) = traffic.next_record() {
                    discard += record.discard;
                    plain(record.payload);
                }
            }
            Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
            Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
            Ok(ConnectionState::PeerClosed) => opened.closed = true,
            Ok(_) => goes_on = false,
            Err(error) => {
                opened.error = Some(TlsError::from(error));
                goes_on = false;
            }
        }
        opened.used += discard;
        if !goes_on {
            break;
        }
    }
    if opened.error.is_some() {
        encode_until_alert(connection, &mut bytes[opened.used..], out);
    } else if bytes.len() - opened.used > MAX_WAITING {
        let text = "the peer cuts a TLS handshake message into too many records";
        opened.error = Some(TlsError::new(TlsErrorKind::Broken, text));
    }
    if opened.error.is_some() || opened.closed {
        opened.used = bytes.len(); // Nothing after the end is looked at.
    }
    opened
}

/// Encodes what was still to be sent before the alert that tells the peer of an error, and the
/// alert. After that the session must not be asked again: the rest of the input could fail again.
fn encode_until_alert<C: Unbuffered>(connection: &mut C, rest: &mut [u8], out: &mut Records) {
    while let Ok(ConnectionState::EncodeTlsData(data)) = connection.records(rest).state {
        let start = out.len;
        encode(data, out);
        if is_alert(&out.as_bytes()[start..]) {
            return;
        }
    }
}

/// Of TLS 1.3, sealed alerts are known by their length: two bytes, the content type, and a tag.
fn is_alert(record: &[u8]) -> bool {
    matches!(record, [21, ..] | [23, _, _, 0, 19, ..])
}

fn encode<D>(mut data: EncodeTlsData<'_, D>, out: &mut Records) {
    let mut size = 1024;
    loop {
        match data.encode(out.room(size)) {
            Ok(written) => {
                out.len += written;
                return;
            }
            Err(EncodeError::InsufficientSize(InsufficientSizeError { required_size })) => {
                size = required_size;
            }
            Err(EncodeError::AlreadyEncoded) => return,
        }
    }
}

/// Appends what `write` seals, after replies that were waiting for a reason to be sent.
fn seal<C: Unbuffered>(
    connection: &mut C,
    out: &mut Records,
    mut size: usize,
    mut write: impl FnMut(&mut WriteTraffic<'_, C::Data>, &mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), TlsError> {
    loop {
        match connection.records(&mut []).state {
            Ok(ConnectionState::EncodeTlsData(data)) => encode(data, out),
            Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
            Ok(ConnectionState::PeerClosed) => {}
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                match write(&mut traffic, out.room(size)) {
                    Ok(written) => {
                        out.len += written;
                        return Ok(());
                    }
                    Err(EncryptError::InsufficientSize(error)) => size = error.required_size,
                    Err(EncryptError::EncryptExhausted) => return Err(TlsError::exhausted()),
                }
            }
            Ok(_) => return Err(TlsError::exhausted()),
            Err(error) => return Err(error.into()),
        }
    }
}
