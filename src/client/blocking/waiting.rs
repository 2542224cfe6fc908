//! How a blocking client waits: reads, time limits, keepalive, the end of TCP.
//!
//! Comes in: the caller's patience and the deadlines of the protocol core. Goes out: bytes into the
//! buffer, or the [`Error`] that ended the wait. Invariant: no read blocks for longer than anything
//! is due, and a busy connection costs no system call but its reads.

use crate::client::blocking::client::Client;
use crate::client::blocking::shared::{State as Locked, is_timeout, lock};
use crate::client::open::{Error, Wait};
use crate::proto::{Ended, Millis, State, Tick};
use std::io::{self, Read as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

/// The shortest wait that a socket can be told: enough to find what is there.
const GLANCE: Duration = Duration::from_millis(1);

impl Client {
    /// Sends what is owed and waits, within a bound, until the server has closed TCP: it does so
    /// first (RFC 6455 section 7.1.1), and a reset must not overtake our last bytes.
    pub(super) fn part(&mut self) {
        let _ = self.sender.shared.transmit();
        let shared = &self.sender.shared;
        let failed = lock(&shared.state).connection.wants_shutdown();
        let stream = &shared.stream;
        if failed {
            let _ = stream.shutdown(Shutdown::Write);
        }
        let deadline = Instant::now() + Duration::from_millis(self.limits.drain_ms.into());
        let mut waste = [0; 4096];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                break;
            }
            match (&*stream).read(&mut waste) {
                Ok(0) => break,
                Ok(n) => {
                    if let Some(tap) = &shared.tap {
                        tap.received(&waste[..n]);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        lock(&shared.state).connection.receive_eof();
    }

    /// Reads once, for as long as the protocol and the caller have patience. Returns when bytes
    /// came, which the protocol core must hear.
    pub(super) fn fill(&mut self, deadline: Option<Instant>) -> Result<Millis, Error> {
        if self.is_due(deadline) {
            // A program that was held up, or did not ask for long, finds in the socket what came
            // in time.
            self.wait_for(GLANCE)?;
            if let Some(heard) = self.read()? {
                return Ok(heard);
            }
        }
        loop {
            self.tell_time(deadline)?;
            if let Some(heard) = self.read()? {
                return Ok(heard);
            }
        }
    }

    /// Reads once; `None` if nothing came in the time that was told.
    fn read(&mut self) -> Result<Option<Millis>, Error> {
        let mut stream = &self.sender.shared.stream;
        let room = self.buffer.room();
        match stream.read(room) {
            Ok(0) => return Err(self.lost(None)),
            Ok(n) => {
                let shared = &self.sender.shared;
                if let Some(tap) = &shared.tap {
                    tap.received(&room[..n]);
                }
                let now = shared.now();
                self.buffer.filled(n);
                return Ok(Some(now));
            }
            Err(error) if is_timeout(&error) => self.told = None,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(self.lost(Some(error))),
        }
        Ok(None)
    }

    /// A deadline has passed, of the caller or of the protocol.
    fn is_due(&self, deadline: Option<Instant>) -> bool {
        let shared = &self.sender.shared;
        let due = lock(&shared.state).connection.deadline();
        due.is_some_and(|due| due <= shared.now())
            || deadline.is_some_and(|at| at <= Instant::now())
    }

    fn lost(&self, error: Option<io::Error>) -> Error {
        let ended = lock(&self.sender.shared.state).connection.receive_eof();
        debug_assert_eq!(ended, Ended::Lost);
        let _ = self.stream().shutdown(Shutdown::Both);
        Error::Lost(error)
    }

    /// Does what is due, and sees to it that the next read returns in time for what will be.
    fn tell_time(&mut self, deadline: Option<Instant>) -> Result<(), Error> {
        let (now, due) = self.tick()?;
        let own = match deadline.map(|at| at.saturating_duration_since(Instant::now())) {
            Some(Duration::ZERO) => return Err(Error::TimedOut(Wait::Receive)),
            left => left,
        };
        let due = due.map(|at| Duration::from_millis(at.saturating_sub(now).max(1)));
        // Another thread may close while this one waits, and cannot wake it.
        let look = Duration::from_millis(self.limits.close_ms.max(1).into());
        let wish = own.into_iter().chain(due).fold(look, Duration::min);
        // An eighth late is in time, and spares a system call for each read.
        let in_time = self.told.is_some_and(|told| told <= wish + wish / 8);
        match in_time {
            true => Ok(()),
            false => self.wait_for(wish),
        }
    }

    /// The next read waits for so long.
    fn wait_for(&mut self, time: Duration) -> Result<(), Error> {
        let set = self.stream().set_read_timeout(Some(time));
        set.map_err(|error| Error::Lost(Some(error)))?;
        self.told = Some(time);
        Ok(())
    }

    /// The time, and when the connection wants to be looked at again.
    fn tick(&mut self) -> Result<(Millis, Option<Millis>), Error> {
        let shared = &self.sender.shared;
        let now = shared.now();
        loop {
            let (tick, due, closing) = {
                let Locked { connection, outbox } = &mut *lock(&shared.state);
                let closing = connection.state() != State::Open;
                match connection.deadline() {
                    Some(due) if due <= now => {
                        (connection.tick(now, outbox), connection.deadline(), closing)
                    }
                    due => (Tick::Early, due, closing),
                }
            };
            match tick {
                Tick::Early => return Ok((now, due)),
                Tick::Ping => shared.transmit()?,
                Tick::Expired => {
                    let _ = shared.stream.shutdown(Shutdown::Both);
                    let wait = if closing { Wait::Close } else { Wait::Pong };
                    return Err(Error::TimedOut(wait));
                }
            }
        }
    }
}
