//! What a blocking client reads from and writes to: a TCP stream, perhaps encrypted, or any stream
//! of the caller.
//!
//! Input: bytes to write, times to wait. Output: bytes read, and the errors of the system.
//! Invariant: after [`Io::shutdown`] of both directions a read finds the end and a write fails, so
//! a finished connection no longer touches its stream. What the bytes mean is left to `shared` and
//! `waiting`.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What carries a [`Client`](crate::client::Client): a [`Stream`](crate::client::Stream), or any
/// other stream in an [`Over`]. Other crates cannot implement it.
pub trait Transport: Io {}

impl<T: Io> Transport for T {}

/// What a read has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// This many bytes.
    Bytes(usize),
    /// A sign of life, such as a part of a record of TLS, but nothing to return yet.
    Nothing,
    /// The other end sends no more.
    End,
}

impl Received {
    pub(super) fn bytes(len: usize) -> Self {
        if len == 0 {
            Self::End
        } else {
            Self::Bytes(len)
        }
    }
}

/// What a [`Transport`] does. Both directions may be used at the same time, if the stream allows
/// it.
pub trait Io {
    /// Whether it honours the timeouts below.
    const TIMED: bool;

    /// Reads once.
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received>;

    /// The same as [`Write::write`].
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// The same as [`Write::flush`].
    fn flush(&self) -> io::Result<()>;

    /// How long the next reads wait; `None` for no limit.
    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()>;

    /// How long the next writes wait; `None` for no limit.
    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()>;

    /// Ends one direction or both. Errors mean that they had already ended.
    fn shutdown(&self, how: Shutdown);

    /// Like [`Write::write_all`], flushed.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.flush()
    }
}

impl Io for TcpStream {
    const TIMED: bool = true;

    #[inline]
    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        Read::read(&mut &*self, buffer).map(Received::bytes)
    }

    #[inline]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_read_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        TcpStream::set_read_timeout(self, time)
    }

    fn set_write_timeout(&self, time: Option<Duration>) -> io::Result<()> {
        TcpStream::set_write_timeout(self, time)
    }

    fn shutdown(&self, how: Shutdown) {
        let _ = TcpStream::shutdown(self, how);
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// The stream of a client made by [`Client::over`](crate::client::Client::over).
pub struct Over<S>(Mutex<Held<S>>);

struct Held<S> {
    stream: S,
    /// The connection is over.
    ended: bool,
}

impl<S> Over<S> {
    pub(super) fn new(stream: S) -> Self {
        let ended = false;
        Self(Mutex::new(Held { stream, ended }))
    }

    pub(super) fn get_mut(&mut self) -> &mut S {
        let held = self.0.get_mut();
        &mut held.unwrap_or_else(PoisonError::into_inner).stream
    }

    pub(super) fn into_inner(self) -> S {
        let held = self.0.into_inner();
        held.unwrap_or_else(PoisonError::into_inner).stream
    }
}

impl<S> fmt::Debug for Over<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Over").finish_non_exhaustive()
    }
}

impl<S: Read + Write> Io for Over<S> {
    const TIMED: bool = false;

    fn read(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut held = lock(&self.0);
        if held.ended {
            return Ok(Received::End);
        }
        loop {
            match held.stream.read(buffer) {
                // To the caller this would look like a timeout of the stream.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map(Received::bytes),
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut held = lock(&self.0);
        match held.ended {
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => held.stream.write(bytes),
        }
    }

    fn flush(&self) -> io::Result<()> {
        let mut held = lock(&self.0);
        match held.ended {
            true => Ok(()),
            false => held.stream.flush(),
        }
    }

    fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn set_write_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    /// Ending the stream is up to the caller; the client only drops it.
    fn shutdown(&self, how: Shutdown) {
        if how == Shutdown::Both {
            lock(&self.0).ended = true;
        }
    }
}
