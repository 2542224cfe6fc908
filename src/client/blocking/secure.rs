//! A TCP connection under TLS, for several threads (RFC 6455 section 10.6, RFC 8446).
//!
//! ```text
//!   one thread reads ─▶ incoming ─▶ session ◀─ writer ◀─ any thread writes
//!                       reads        a moment   a write at a time
//!                       the socket
//! ```
//!
//! Input: a connected socket, and whom to expect at its other end or who we are; then bytes both
//! ways. Output: plaintext, and records. Invariants: records are written in the order in which they
//! were sealed, as both happen under the lock `writer`; the thread that reads never waits for that
//! lock, which is held as long as the peer accepts nothing: what the session owes the peer leaves
//! with the next write, or as soon as the thread that writes has finished. Locks are taken from the
//! outside to the middle. Cryptography is left to `tls`.

use crate::client::blocking::transport::{Io, Received, is_timeout, lock};
use crate::client::open::{Error, Wait};
use crate::tls::plaintext::Plaintext;
use crate::tls::session::{INPUT, Records, SEAL, Session, end_of_read};
use crate::tls::{Acceptor, SecureServer, TlsError};
use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// How long the system may take to accept the last record: with a full socket it is not read.
const LAST_RECORD: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Secure {
    tcp: TcpStream,
    session: Mutex<Shared>,
    incoming: Mutex<Incoming>,
    writer: Mutex<Outgoing>,
}

#[derive(Debug)]
struct Shared {
    session: Session,
    /// Replies that must leave before anything that is sealed later.
    owed: Records,
}

/// The direction to us.
#[derive(Debug)]
struct Incoming {
    /// Records as they were read. The first `tail` bytes wait: the beginning of a record, or the
    /// records of a handshake message, that is not whole.
    records: Vec<u8>,
    tail: usize,
    /// Plaintext for which there was no room.
    plain: Plaintext,
    end: Option<End>,
}

/// Why nothing more comes.
#[derive(Debug)]
enum End {
    /// The server has said so (close_notify).
    Closed,
    Failed(TlsError),
}

/// The direction to the server.
#[derive(Debug, Default)]
struct Outgoing {
    records: Records,
    /// Nothing more can be written: a record is cut, or close_notify was sent.
    over: bool,
}

impl Secure {
    /// As the client: shakes hands, in time. The last message of the handshake is still owed.
    // req: 6455-4.1-15 6455-4.1-16 6455-4.1-17
    pub(super) fn connect(
        tcp: TcpStream,
        server: &SecureServer,
        until: Instant,
    ) -> Result<Self, Error> {
        let mut owed = Records::default();
        let session = Session::connect(server, &mut owed).map_err(Error::Tls)?;
        Self::establish(tcp, session, owed, until)
    }

    /// As the server.
    pub(super) fn accept(
        tcp: TcpStream,
        acceptor: &Acceptor,
        until: Instant,
    ) -> Result<Self, Error> {
        let session = Session::accept(acceptor).map_err(Error::Tls)?;
        Self::establish(tcp, session, Records::default(), until)
    }

    fn establish(
        tcp: TcpStream,
        session: Session,
        owed: Records,
        until: Instant,
    ) -> Result<Self, Error> {
        let secure = Self {
            tcp,
            session: Mutex::new(Shared { session, owed }),
            incoming: Mutex::new(Incoming {
                records: vec![0; INPUT],
                tail: 0,
                plain: Plaintext::default(),
                end: None,
            }),
            writer: Mutex::default(),
        };
        while !lock(&secure.session).session.is_established() {
            let left = until.saturating_duration_since(Instant::now());
            match secure.shake_hands(left) {
                Ok(Received::Bytes(_) | Received::Nothing) => {}
                Ok(Received::End) => return Err(Error::Tls(TlsError::incomplete(None))),
                Err(error) if is_timeout(&error) => return Err(Error::TimedOut(Wait::Open)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(incomplete(error)),
            }
        }
        Ok(secure)
    }

    /// One step of the handshake.
    fn shake_hands(&self, left: Duration) -> io::Result<Received> {
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.tcp.set_read_timeout(Some(left))?;
        self.tcp.set_write_timeout(Some(left))?;
        match self.send_owed() {
            Err(error) if is_timeout(&error) => Err(error),
            // What has come may say why nothing can be sent.
            _ => self.read(&mut []),
        }
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// One read of the socket, unless there is plaintext from before.
    pub(super) fn read(&self, into: &mut [u8]) -> io::Result<Received> {
        let mut incoming = lock(&self.incoming);
        if !incoming.plain.is_empty() {
            return Ok(Received::Bytes(incoming.plain.give(into)));
        }
        match &incoming.end {
            None => {}
            Some(End::Closed) => return Ok(Received::End),
            Some(End::Failed(error)) => return Err(error.clone().into()),
        }
        let tail = incoming.tail;
        let end = end_of_read(tail, into.len());
        let len = io::Read::read(&mut &self.tcp, &mut incoming.records[tail..end])?;
        if len == 0 {
            return Ok(Received::End);
        }
        let len = incoming.open(&mut lock(&self.session), tail + len, into);
        // That nothing can be written must not hide what has come.
        let _ = self.send_owed();
        match (len, &incoming.end) {
            (0, Some(End::Closed)) => Ok(Received::End),
            (0, Some(End::Failed(error))) => Err(error.clone().into()),
            (0, None) => Ok(Received::Nothing),
            (len, _) => Ok(Received::Bytes(len)),
        }
    }

    /// Seals and writes the first of these bytes: all of them or, after an error, perhaps a part
    /// that cannot be withdrawn.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let now = &bytes[..bytes.len().min(SEAL)];
        self.seal(&mut lock(&self.writer), now)?;
        self.send_owed()?;
        Ok(now.len())
    }

    /// Writes all of these bytes, and nothing of other threads in between: a reply of the session
    /// could otherwise get stuck behind the first of them, with the thread that reads.
    pub(super) fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        {
            let mut writer = lock(&self.writer);
            for part in bytes.chunks(SEAL) {
                self.seal(&mut writer, part)?;
            }
        }
        self.send_owed()
    }

    /// Writes what the session owes the server, unless a thread is writing, which then does it.
    pub(super) fn send_owed(&self) -> io::Result<()> {
        while !lock(&self.session).owed.as_bytes().is_empty() {
            match self.try_writer() {
                Some(mut writer) => self.seal(&mut writer, &[])?,
                None => return Ok(()),
            }
        }
        Ok(())
    }

    fn try_writer(&self) -> Option<MutexGuard<'_, Outgoing>> {
        match self.writer.try_lock() {
            Ok(writer) => Some(writer),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// What is owed and these bytes: all of it leaves, or nothing more will.
    fn seal(&self, writer: &mut Outgoing, bytes: &[u8]) -> io::Result<()> {
        if writer.over {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let Outgoing { records, over } = writer;
        {
            let Shared { session, owed } = &mut *lock(&self.session);
            records.take(owed);
            if !bytes.is_empty() {
                session.seal(&[bytes], records)?;
            }
        }
        let written = self.tcp.write_all(records.as_bytes());
        *over = written.is_err();
        records.clear();
        written
    }

    /// Ends one direction or both; see [`Stream::shutdown`](crate::client::Stream::shutdown).
    pub(super) fn shutdown(&self, how: Shutdown) {
        // A thread that is writing is cut off, as on a plain connection.
        if how != Shutdown::Read
            && let Some(mut writer) = self.try_writer()
            && !std::mem::replace(&mut writer.over, true)
        {
            let records = &mut writer.records;
            {
                let Shared { session, owed } = &mut *lock(&self.session);
                records.take(owed);
                session.close(records);
            }
            let _ = self.tcp.set_write_timeout(Some(LAST_RECORD));
            let _ = self.tcp.write_all(records.as_bytes());
        }
        Io::shutdown(&self.tcp, how);
    }
}

/// The handshake has failed, or the connection under it.
fn incomplete(error: io::Error) -> Error {
    match Error::of_stream(error) {
        Error::Lost(Some(error)) => Error::Tls(TlsError::incomplete(Some(&error))),
        other => other,
    }
}

impl Incoming {
    /// The first `end` bytes are records that have come; returns how much plaintext there was room
    /// for.
    fn open(&mut self, shared: &mut Shared, end: usize, into: &mut [u8]) -> usize {
        let Shared { session, owed } = shared;
        let records = &mut self.records[..end];
        let (len, opened) = self.plain.open(session, records, into, owed);
        self.records.copy_within(opened.used..end, 0);
        self.tail = end - opened.used;
        self.end = match (opened.error, opened.closed) {
            (Some(error), _) => Some(End::Failed(error)),
            (None, true) => Some(End::Closed),
            (None, false) => None,
        };
        len
    }
}
