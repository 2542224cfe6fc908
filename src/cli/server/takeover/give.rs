//! The old process: lets another one have its sockets.
//!
//! Input: connections to `--upgrade-socket`. Output: one server that serves, this one or the other.
//! Invariant: unless the other process has said that it is done, everything goes on here as if
//! nothing had happened.

use crate::cli::server::takeover::wire::{DESCRIPTORS, Kind, VERSION, Wire, borrow, invalid};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use wirebell::push::{PushHandle, Store};

/// How long what has begun may take to end, while clients wait.
const REST: Duration = Duration::from_secs(2);

/// How long loops may take to lend what they have.
const LEND: Duration = Duration::from_secs(10);

/// How long it may take until the other process is done, and more for each connection.
const DONE: Duration = Duration::from_secs(2);
const DONE_WITH_FILE: Duration = Duration::from_secs(10);
const DONE_EACH: Duration = Duration::from_micros(100);

/// What the other process is given.
pub struct Giver {
    pub server: PushHandle,
    /// The state of gotify, if it is in memory.
    pub store: Option<Arc<dyn Store>>,
}

/// Binds the socket, in place of that of a process that has gone. Only its owner may connect.
pub fn bind(path: &Path) -> io::Result<UnixListener> {
    let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
    let mut new = name.to_owned();
    new.push(format!(".{}", std::process::id()));
    let new = path.with_file_name(new);
    let bound = UnixListener::bind(&new).and_then(|listener| {
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        fs::rename(&new, path)?;
        Ok(listener)
    });
    if bound.is_err() {
        let _ = fs::remove_file(&new);
    }
    bound
}

/// The thread that waits for another process.
pub struct Waiting {
    path: PathBuf,
    has_left: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Waiting {
    /// The server has ended. If another process has taken over, it may have to say so to the
    /// service manager before this one ends.
    pub fn finish(self) {
        match self.has_left.load(Relaxed) {
            true => drop(self.thread.join()),
            false => drop(fs::remove_file(self.path)),
        }
    }
}

impl Giver {
    /// Waits for a process that takes over; `left` is called once one has.
    pub fn start(
        self,
        listener: UnixListener,
        path: PathBuf,
        left: impl FnOnce() + Send + 'static,
    ) -> io::Result<Waiting> {
        let has_left = Arc::new(AtomicBool::new(false));
        let (ours, place) = (Arc::clone(&has_left), path.display().to_string());
        let run = move || {
            for stream in listener.incoming() {
                match stream.and_then(|stream| self.give(stream)) {
                    Ok((count, wire)) => {
                        log::info!("another process has taken over, with {count} connections");
                        left();
                        ours.store(true, Relaxed);
                        self.server.leave();
                        return wire.wait_for_end();
                    }
                    Err(error) => {
                        log::warn!("{place}: no other process has taken over: {error}");
                    }
                }
            }
        };
        let thread = thread::Builder::new().name("wirebell-upgrade".into());
        Ok(Waiting {
            path,
            has_left,
            thread: thread.spawn(run)?,
        })
    }

    /// Returns how many connections the other process has.
    fn give(&self, stream: UnixStream) -> io::Result<(usize, Wire)> {
        let mut wire = Wire::new(stream)?;
        let hello = wire.receive()?;
        if hello.kind != Kind::Hello || hello.content != VERSION {
            let text = format!(
                "this server speaks {:?}: stop it and start the other one",
                String::from_utf8_lossy(VERSION)
            );
            wire.send(Kind::No, text.as_bytes())?;
            return Err(invalid("it speaks another version"));
        }
        wire.send(Kind::Welcome, VERSION)?;
        let given = self.give_all(&mut wire);
        if given.is_err() {
            self.server.go();
        }
        Ok((given?, wire))
    }

    fn give_all(&self, wire: &mut Wire) -> io::Result<usize> {
        self.server.rest(Instant::now() + REST)?;
        let until = Instant::now() + LEND;
        self.give_listeners(wire, until)?;
        for (key, value) in self.values()? {
            let content = [key.as_bytes(), &[0], &value].concat();
            wire.send(Kind::Value, &content)?;
        }
        let mut count = 0;
        match self.server.hand_over() {
            Some(log) => {
                wire.send(Kind::Log, &log)?;
                count = self.give_connections(wire, until)?;
            }
            None => log::warn!("the log cannot be handed over: clients have to connect again"),
        }
        wire.send(Kind::End, &(count as u64).to_le_bytes())?;
        wire.set_patience(self.patience(count))?;
        let done = wire.receive().or_else(|error| {
            // From here on the other process can no longer say that it is done; but it may just
            // have said so.
            wire.end();
            wire.receive().map_err(|_| error)
        })?;
        match done.kind {
            Kind::Done if done.content == (count as u64).to_le_bytes() => Ok(count),
            Kind::No => Err(io::Error::other(
                String::from_utf8_lossy(&done.content).into_owned(),
            )),
            _ => Err(invalid("it has another number of connections")),
        }
    }

    /// How long the other process may take to begin with these connections, while clients wait. A
    /// file has to be read: a million messages take a second.
    fn patience(&self, connections: usize) -> Duration {
        let log = match self.store {
            Some(_) => DONE,
            None => DONE_WITH_FILE,
        };
        log + DONE_EACH * connections as u32
    }

    fn values(&self) -> io::Result<Vec<(String, Vec<u8>)>> {
        let values = self.store.as_ref().map(|store| store.load());
        let values = values.transpose().map_err(io::Error::other)?;
        Ok(values.unwrap_or_default())
    }

    fn give_listeners(&self, wire: &mut Wire, until: Instant) -> io::Result<()> {
        for listener in self.server.loops().lend_listeners(until)? {
            let path = listener.path.as_deref().map(Path::as_os_str);
            let path = path.map_or(&[][..], |path| path.as_encoded_bytes());
            let content = [listener.name.as_bytes(), &[0], path].concat();
            let sockets = borrow(&listener.sockets);
            for some in sockets.chunks(DESCRIPTORS) {
                wire.send_with(Kind::Listener, &content, some)?;
            }
        }
        Ok(())
    }

    fn give_connections(&self, wire: &mut Wire, until: Instant) -> io::Result<usize> {
        let loops = self.server.loops();
        let mut count = 0;
        for worker in 0..loops.mailboxes().len() {
            let mut from = Some(0);
            while let Some(number) = from {
                let (moved, next) = loops.lend(worker, number, DESCRIPTORS, until)?;
                from = next;
                let parts = moved.into_iter().filter_map(|one| one.into_parts());
                let (sockets, records): (Vec<OwnedFd>, Vec<Vec<u8>>) = parts.unzip();
                let mut content = Vec::new();
                for record in &records {
                    content.extend_from_slice(&(record.len() as u64).to_le_bytes());
                    content.extend_from_slice(record);
                }
                count += sockets.len();
                if !sockets.is_empty() {
                    wire.send_with(Kind::Connections, &content, &borrow(&sockets))?;
                }
            }
        }
        Ok(count)
    }
}
