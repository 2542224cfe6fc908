//! How a blocking client waits: reads, time limits, keepalive, the end of TCP.
//!
//! Input: the caller's patience and the deadlines of the protocol core. Output: bytes in the
//! receive buffer, or the [`Error`] that ended the wait. Invariant: no read blocks past the time
//! when something is due, if the stream supports timeouts; a busy connection costs no system calls
//! but its reads. The meaning of the bytes is left to `client`.

use crate::client::blocking::receive_buffer::ReceiveBuffer;
use crate::client::blocking::shared::{Shared, State as Locked};
use crate::client::blocking::transport::{Received, Transport, is_timeout, lock};
use crate::client::open::{Error, Wait};
use crate::limits::Limits;
use crate::proto::{Eof, Millis, State, Tick};
use std::io;
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// The shortest timeout that a socket accepts: enough to find what is there.
const GLANCE: Duration = Duration::from_millis(1);

/// The direction to us.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) buffer: ReceiveBuffer,
    pub(super) limits: Limits,
    /// The timeout that is set on the stream.
    timeout: Option<Duration>,
}

impl Incoming {
    /// Begins with what arrived after the handshake.
    pub(super) fn new(rest: Vec<u8>, limits: Limits) -> Self {
        Self {
            buffer: ReceiveBuffer::new(rest),
            limits,
            timeout: None,
        }
    }

    /// Sends what is owed and waits, within a bound, until the server has closed TCP: it does so
    /// first (RFC 6455 section 7.1.1), and a reset must not overtake our last bytes.
    pub(super) fn part<T: Transport>(&self, shared: &Shared<T>) {
        let _ = shared.transmit();
        let failed = lock(&shared.state).connection.wants_shutdown();
        if failed {
            shared.stream.shutdown(Shutdown::Write);
        }
        if T::TIMED {
            self.drain(shared);
        }
        shared.stream.shutdown(Shutdown::Both);
        lock(&shared.state).connection.receive_eof();
    }

    fn drain<T: Transport>(&self, shared: &Shared<T>) {
        let deadline = Instant::now() + Duration::from_millis(self.limits.linger_ms.into());
        let mut waste = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || shared.stream.set_read_timeout(Some(left)).is_err() {
                return;
            }
            match shared.stream.read(&mut waste) {
                Ok(Received::End) => return,
                Ok(Received::Nothing) => {}
                Ok(Received::Bytes(n)) => {
                    if let Some(tap) = &shared.tap {
                        tap.received(&waste[..n]);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Reads once, waiting no longer than the protocol and the caller allow. Returns when bytes
    /// arrived, which must be given to the protocol core.
    pub(super) fn fill<T: Transport>(
        &mut self,
        shared: &Shared<T>,
        deadline: Option<Instant>,
    ) -> Result<Millis, Error> {
        if !T::TIMED {
            return self.fill_untimed(shared);
        }
        if is_due(shared, &self.limits, deadline) {
            // A program that was suspended, or did not receive for long, finds in the socket what
            // arrived in time.
            self.wait_for(shared, GLANCE)?;
            if let Some(heard) = self.read(shared)? {
                return Ok(heard);
            }
        }
        loop {
            self.prepare_read(shared, deadline)?;
            if let Some(heard) = self.read(shared)? {
                return Ok(heard);
            }
        }
    }

    /// Reads once, until the stream times out; then does what is due.
    fn fill_untimed<T: Transport>(&mut self, shared: &Shared<T>) -> Result<Millis, Error> {
        if let Some(heard) = self.read(shared)? {
            return Ok(heard);
        }
        tick(shared, &self.limits)?;
        Err(Error::TimedOut(Wait::Receive))
    }

    /// Reads once; `None` if nothing arrived within the timeout.
    fn read<T: Transport>(&mut self, shared: &Shared<T>) -> Result<Option<Millis>, Error> {
        let room = self.buffer.room();
        match shared.stream.read(room) {
            Ok(Received::End) => return Err(lost(shared, None)),
            Ok(Received::Nothing) => lock(&shared.state).connection.heard(shared.now()),
            Ok(Received::Bytes(n)) => {
                if let Some(tap) = &shared.tap {
                    tap.received(&room[..n]);
                }
                let now = shared.now();
                self.buffer.filled(n);
                return Ok(Some(now));
            }
            // Or one that was short would count as in time again and again.
            Err(error) if is_timeout(&error) => self.timeout = None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(lost(shared, Some(error))),
        }
        Ok(None)
    }

    /// Does what is due, and makes the next read return in time for what will be.
    fn prepare_read<T: Transport>(
        &mut self,
        shared: &Shared<T>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let (now, due) = tick(shared, &self.limits)?;
        let own = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Err(Error::TimedOut(Wait::Receive)),
            left => left,
        };
        let due = due.map(|at| Duration::from_millis(at.saturating_sub(now).max(1)));
        // Another thread may close while this one waits, and cannot wake it.
        let look = Duration::from_millis(self.limits.close_ms.max(1).into());
        let wish = own.into_iter().chain(due).fold(look, Duration::min);
        // Up to an eighth late is still in time, and saves a system call for each read.
        let in_time = self.timeout.is_some_and(|set| set <= wish + wish / 8);
        match in_time {
            true => Ok(()),
            false => self.wait_for(shared, wish),
        }
    }

    /// The next read waits this long.
    fn wait_for<T: Transport>(&mut self, shared: &Shared<T>, time: Duration) -> Result<(), Error> {
        let set = shared.stream.set_read_timeout(Some(time));
        set.map_err(|error| Error::Lost(Some(error)))?;
        self.timeout = Some(time);
        Ok(())
    }
}

/// A deadline of the caller or of the protocol has passed.
fn is_due<T: Transport>(shared: &Shared<T>, limits: &Limits, deadline: Option<Instant>) -> bool {
    let due = lock(&shared.state).connection.deadline(limits);
    due.is_some_and(|due| due <= shared.now()) || deadline.is_some_and(|at| at <= Instant::now())
}

fn lost<T: Transport>(shared: &Shared<T>, error: Option<io::Error>) -> Error {
    let ended = lock(&shared.state).connection.receive_eof();
    debug_assert_eq!(ended, Eof::Lost);
    shared.stream.shutdown(Shutdown::Both);
    error.map_or(Error::Lost(None), Error::of_stream)
}

/// Does what is due. Returns the time, and when the connection has to be checked again.
fn tick<T: Transport>(
    shared: &Shared<T>,
    limits: &Limits,
) -> Result<(Millis, Option<Millis>), Error> {
    let now = shared.now();
    loop {
        let (tick, due, closing) = {
            let Locked { connection, outbox } = &mut *lock(&shared.state);
            let closing = connection.state() != State::Open;
            match connection.deadline(limits) {
                Some(due) if due <= now => {
                    let tick = connection.tick(now, limits, outbox);
                    (tick, connection.deadline(limits), closing)
                }
                due => (Tick::Early, due, closing),
            }
        };
        match tick {
            Tick::Early => return Ok((now, due)),
            Tick::Ping => shared.transmit()?,
            Tick::Expired => {
                shared.stream.shutdown(Shutdown::Both);
                let wait = if closing { Wait::Close } else { Wait::Pong };
                return Err(Error::TimedOut(wait));
            }
        }
    }
}
