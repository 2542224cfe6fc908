//! The new process: takes what the old one gives, and says that it is done.
//!
//! Input: the socket of the old process. Output: listeners, a log, connections. Invariant: until it
//! has said so, it has neither read nor written anything of a client, and its end changes nothing.

use crate::cli::common::Failure;
use crate::cli::server::takeover::handed::Handed;
use crate::cli::server::takeover::wire::{Kind, Message, VERSION, Wire, invalid};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirebell::net::{Moved, MovedListener, Options};
use wirebell::push::{Inheritance, MemoryStore, Position, PushHandle, Settings, Store};

/// How long the loops may take to begin with what was taken.
const ADOPT: Duration = Duration::from_secs(10);

/// Connections that a loop gets at once.
const AT_ONCE: usize = 1_000;

/// The other process does not end before this does: the service manager has to know of this one.
pub struct TakenOver {
    wire: Wire,
}

impl TakenOver {
    /// It knows.
    pub fn end(self) {
        self.wire.end();
    }
}

/// What was taken of another process, which waits for an answer.
pub struct Taken {
    path: PathBuf,
    wire: Wire,
    listeners: Vec<MovedListener>,
    values: Vec<(String, Vec<u8>)>,
    log: Option<Inheritance>,
    /// Where that ends.
    position: Option<Position>,
    connections: Vec<(OwnedFd, Vec<u8>)>,
}

impl Taken {
    /// Asks the process that listens at this path for all that it has.
    pub fn from(path: &Path) -> Result<Self, Failure> {
        take(path).map_err(|error| failed(path, &error))
    }

    /// What it listens on.
    pub fn listeners(&mut self) -> Handed {
        Handed::new(std::mem::take(&mut self.listeners))
    }

    /// A server that takes over does nothing before it has everything.
    pub fn rest(&self, options: &mut Options) {
        options.resting = true;
    }

    /// What it had in memory for gotify.
    pub fn store(&mut self) -> Option<Arc<dyn Store>> {
        let values = std::mem::take(&mut self.values);
        match values.is_empty() {
            true => None,
            false => Some(Arc::new(MemoryStore::with(values))),
        }
    }

    /// Goes on with its log, if that was in memory; otherwise the settings name the same.
    pub fn set_log(&mut self, push: &mut Settings) -> Result<(), Failure> {
        let Some(log) = self.log.take() else {
            return Ok(());
        };
        let position = log.position();
        self.position = Some(position);
        match (&push.log, log.into_log(push.limits.keys)) {
            (None, Some(log)) => {
                push.log = Some(log);
                Ok(())
            }
            (Some(own), None) if own.epoch() == position.epoch => Ok(()),
            _ => Err(failed(
                &self.path,
                &invalid("the other server has another log: to change --data, stop it"),
            )),
        }
    }

    /// Gives the connections to a server that rests, tells the other process, and goes on in its
    /// place.
    pub fn finish(mut self, server: &PushHandle) -> Result<TakenOver, Failure> {
        let path = self.path.clone();
        let done = self.adopt_all(server).and_then(|count| {
            let count = (count as u64).to_le_bytes();
            self.wire.send(Kind::Done, &count)
        });
        match done {
            Ok(()) => {
                server.go();
                Ok(TakenOver { wire: self.wire })
            }
            Err(error) => {
                let _ = self.wire.send(Kind::No, error.to_string().as_bytes());
                Err(failed(&path, &error))
            }
        }
    }

    fn adopt_all(&mut self, server: &PushHandle) -> io::Result<usize> {
        let head = server.broker().head();
        if self.position.is_some_and(|position| position != head) {
            return Err(invalid(
                "the log has another end than that of the other server",
            ));
        }
        let loops = server.loops();
        let workers = loops.mailboxes().len();
        let all = std::mem::take(&mut self.connections);
        let (count, mut adopted) = (all.len(), 0);
        let until = Instant::now() + ADOPT;
        let mut of_workers: Vec<Vec<Moved>> = (0..workers).map(|_| Vec::new()).collect();
        for (number, (socket, record)) in all.into_iter().enumerate() {
            of_workers[number % workers].push(Moved::new(socket, record));
        }
        for (worker, mut moved) in of_workers.into_iter().enumerate() {
            while !moved.is_empty() {
                let some = moved.drain(..moved.len().min(AT_ONCE)).collect();
                adopted += loops.adopt(worker, some, until)?;
            }
        }
        match adopted == count {
            true => Ok(count),
            false => Err(invalid(&format!(
                "{} connections of {count} cannot be taken over with these settings",
                count - adopted
            ))),
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            ": no server has this --upgrade-socket"
        }
        _ => "",
    };
    Failure::failed(format!("--take-over {}: {error}{hint}", path.display()))
}

fn take(path: &Path) -> io::Result<Taken> {
    let mut wire = Wire::new(UnixStream::connect(path)?)?;
    wire.send(Kind::Hello, VERSION)?;
    let welcome = wire.receive()?;
    match welcome.kind {
        Kind::Welcome if welcome.content == VERSION => {}
        Kind::No => return Err(said_no(&welcome)),
        _ => return Err(invalid("the other server speaks another version")),
    }
    let mut taken = Taken {
        path: path.to_owned(),
        wire,
        listeners: Vec::new(),
        values: Vec::new(),
        log: None,
        position: None,
        connections: Vec::new(),
    };
    loop {
        let message = taken.wire.receive()?;
        match message.kind {
            Kind::Listener => taken.add_listener(message)?,
            Kind::Value => {
                let (key, value) = split(&message.content)?;
                let key = String::from_utf8(key.to_vec());
                let key = key.map_err(|_| invalid("a key that is no text"))?;
                taken.values.push((key, value.to_vec()));
            }
            Kind::Log => {
                let log = Inheritance::read(&message.content);
                taken.log = Some(log.ok_or_else(|| invalid("a log that cannot be read"))?);
            }
            Kind::Connections => taken.add_connections(message)?,
            Kind::End => {
                let count = (taken.connections.len() as u64).to_le_bytes();
                return match message.content == count {
                    true => Ok(taken),
                    false => Err(invalid("connections are missing")),
                };
            }
            Kind::No => return Err(said_no(&message)),
            Kind::Hello | Kind::Welcome | Kind::Done => {
                return Err(invalid("a message out of order"));
            }
        }
    }
}

fn said_no(message: &Message) -> io::Error {
    let text = String::from_utf8_lossy(&message.content);
    io::Error::other(format!("the other server refuses: {text}"))
}

/// What is before the first zero, and after it.
fn split(content: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let mut parts = content.splitn(2, |byte| *byte == 0);
    let both = parts.next().zip(parts.next());
    both.ok_or_else(|| invalid("a message without its end"))
}

impl Taken {
    fn add_listener(&mut self, message: Message) -> io::Result<()> {
        let (name, path) = split(&message.content)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let path = (!path.is_empty()).then(|| OsString::from_vec(path.to_vec()).into());
        match self.listeners.last_mut() {
            Some(last) if last.name == name => last.sockets.extend(message.descriptors),
            _ => self.listeners.push(MovedListener {
                name,
                path,
                sockets: message.descriptors,
            }),
        }
        Ok(())
    }

    fn add_connections(&mut self, message: Message) -> io::Result<()> {
        let mut rest = &message.content[..];
        for socket in message.descriptors {
            let record = rest.split_first_chunk::<8>().and_then(|(length, after)| {
                let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
                after.split_at_checked(length)
            });
            let (record, after) = record.ok_or_else(|| invalid("a record is missing"))?;
            self.connections.push((socket, record.to_vec()));
            rest = after;
        }
        match rest.is_empty() {
            true => Ok(()),
            false => Err(invalid("a record without a connection")),
        }
    }
}
