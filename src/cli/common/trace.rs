//! Connections → a capture: what `--trace` of `connect`, `echo` and `serve` writes, for `inspect`
//! and Wireshark.
//!
//! Input: the bytes of both directions of any number of connections. Output: a classic pcap file of
//! synthetic packets: IP and TCP with the addresses of the connection, correct lengths and
//! checksums. Each connection begins with a TCP handshake; its only FIN is ours, as the peer's is
//! not reported.
//!
//! Invariant: the file is complete after each packet, so a signal loses nothing that was recorded;
//! it never grows past its limit.

use crate::cli::common::Failure;
use crate::cli::common::units::Size;
use etherparse::{PacketBuilder, PacketBuilderStep, TcpHeader};
use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use wirebell::{ConnectionInfo, Role, Tap};

/// The default limit of a trace: a day of little traffic, and not a full disk.
pub const LIMIT: Size = Size(1 << 30);

/// The link type of packets that begin with IP.
const RAW: u32 = 101;
const NANOSECONDS: u32 = 0xA1B2_3C4D;
const SNAPLEN: u32 = 0x4_0000;

/// Used for an address that the system does not report: one for examples, RFC 5737.
const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 50_000);

/// Payload of one packet: with its headers it has at most 65,535 bytes.
const LONGEST: usize = 60_000;
const WINDOW: u16 = u16::MAX;
const HOPS: u8 = 64;

/// Records connections into a file.
pub struct Recorder {
    path: PathBuf,
    state: Mutex<State>,
    warn: fn(&str),
}

struct State {
    /// `None` once nothing more is written.
    file: Option<File>,
    /// Its length, and its limit.
    length: u64,
    limit: u64,
    streams: HashMap<u64, Stream>,
    error: Option<io::Error>,
}

/// One connection.
struct Stream {
    ours: Direction,
    theirs: Direction,
}

/// One end, as in the packets.
#[derive(Clone, Copy)]
struct Direction {
    from: SocketAddr,
    /// The next sequence number.
    next: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Flags {
    Syn,
    SynAck,
    Ack,
    Fin,
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    Ours,
    Theirs,
}

impl Recorder {
    /// Creates or truncates the file, readable by its owner only. A `limit` of 0 is none; `warn` is
    /// called once when no more is written.
    pub fn create(path: &Path, limit: Size, warn: fn(&str)) -> Result<Arc<Self>, Failure> {
        let mut header = Vec::new();
        header.extend_from_slice(&NANOSECONDS.to_le_bytes());
        header.extend_from_slice(&2u16.to_le_bytes());
        header.extend_from_slice(&4u16.to_le_bytes());
        for word in [0, 0, SNAPLEN, RAW] {
            header.extend_from_slice(&word.to_le_bytes());
        }
        let begun = create_private(path).and_then(|mut file| {
            file.write_all(&header)?;
            Ok(file)
        });
        let file = begun
            .map_err(|error| Failure::usage(format!("--trace {}: {error}", path.display())))?;
        let limit = if limit.0 == 0 { u64::MAX } else { limit.0 };
        let state = State {
            file: Some(file),
            length: header.len() as u64,
            limit,
            streams: HashMap::new(),
            error: None,
        };
        Ok(Arc::new(Self {
            path: path.to_owned(),
            state: Mutex::new(state),
            warn,
        }))
    }

    /// Fails if the file could not be written up to its limit.
    pub fn finish(&self) -> Result<(), Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file = None;
        match state.error.take() {
            None => Ok(()),
            Some(error) => Err(Failure::failed(self.problem(&error))),
        }
    }

    fn problem(&self, error: &io::Error) -> String {
        format!("--trace {}: {error}", self.path.display())
    }

    /// Changes the state, unless the file has ended; warns if this ends it.
    fn record(&self, act: impl FnOnce(&mut State) -> io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.file.is_none() {
            return;
        }
        if let Err(error) = act(&mut state) {
            state.end();
            (self.warn)(&self.problem(&error));
            state.error = Some(error);
        } else if state.file.is_none() {
            let path = self.path.display();
            (self.warn)(&format!("--trace {path}: --trace-limit is reached"));
        }
    }
}

impl State {
    /// Writes nothing more.
    fn end(&mut self) {
        self.file = None;
        self.streams = HashMap::new();
    }

    fn open(&mut self, connection: u64, ends: &ConnectionInfo) -> io::Result<()> {
        let (ours, theirs) = addresses(ends);
        // Distinguishes successive connections of the same addresses.
        let next = connection as u32;
        let direction = |from| Direction { from, next };
        let stream = Stream {
            ours: direction(ours),
            theirs: direction(theirs),
        };
        self.streams.insert(connection, stream);
        let (client, server) = match ends.role {
            Role::Client => (End::Ours, End::Theirs),
            Role::Server => (End::Theirs, End::Ours),
        };
        self.packet(connection, client, Flags::Syn, &[])?;
        self.packet(connection, server, Flags::SynAck, &[])?;
        self.packet(connection, client, Flags::Ack, &[])
    }

    fn bytes(&mut self, connection: u64, from: End, bytes: &[u8]) -> io::Result<()> {
        let mut parts = bytes.chunks(LONGEST);
        parts.try_for_each(|part| self.packet(connection, from, Flags::Ack, part))
    }

    fn close(&mut self, connection: u64) -> io::Result<()> {
        self.packet(connection, End::Ours, Flags::Fin, &[])?;
        self.streams.remove(&connection);
        Ok(())
    }

    /// Writes one packet, or ends the file if the packet exceeds the limit.
    fn packet(&mut self, of: u64, from: End, flags: Flags, payload: &[u8]) -> io::Result<()> {
        let (Some(file), Some(stream)) = (&mut self.file, self.streams.get_mut(&of)) else {
            return Ok(());
        };
        let packet = stream.packet(from, flags, payload)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let length = packet.len() as u32;
        let mut record = Vec::with_capacity(16 + packet.len());
        for word in [now.as_secs() as u32, now.subsec_nanos(), length, length] {
            record.extend_from_slice(&word.to_le_bytes());
        }
        record.extend_from_slice(&packet);
        let length = self.length + record.len() as u64;
        if length > self.limit {
            self.end();
            return Ok(());
        }
        file.write_all(&record).inspect_err(|_| {
            // Removes a partial packet: the rest can still be read.
            let _ = file.set_len(self.length);
        })?;
        self.length = length;
        Ok(())
    }
}

impl Stream {
    fn packet(&mut self, from: End, flags: Flags, payload: &[u8]) -> io::Result<Vec<u8>> {
        let (source, destination) = match from {
            End::Ours => (&mut self.ours, &self.theirs),
            End::Theirs => (&mut self.theirs, &self.ours),
        };
        let (ip, to) = (ip(source.from, destination.from), destination.from.port());
        let builder = ip.tcp(source.from.port(), to, source.next, WINDOW);
        let builder = match flags {
            Flags::Syn => builder.syn(),
            Flags::SynAck => builder.syn().ack(destination.next),
            Flags::Ack if payload.is_empty() => builder.ack(destination.next),
            Flags::Ack => builder.psh().ack(destination.next),
            Flags::Fin => builder.fin().ack(destination.next),
        };
        let counted = payload.len() as u32 + u32::from(flags != Flags::Ack);
        source.next = source.next.wrapping_add(counted);
        write(builder, payload)
    }
}

/// An empty file that only its owner may read, whatever its mode was. Refuses anything but a
/// regular file: a link may point where another user wants it, a pipe blocks and passes the secrets
/// on.
fn create_private(path: &Path) -> io::Result<File> {
    let refused = || {
        let what = "not a regular file; name a regular file or a new one";
        io::Error::new(io::ErrorKind::InvalidInput, what)
    };
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => return Err(refused()),
        _ => {}
    }
    let mut options = OpenOptions::new();
    // Not truncated before it is known to be ours.
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(refused());
    }
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.set_len(0)?;
    Ok(file)
}

fn write(builder: PacketBuilderStep<TcpHeader>, payload: &[u8]) -> io::Result<Vec<u8>> {
    let mut packet = Vec::with_capacity(builder.size(payload.len()));
    let written = builder.write(&mut packet, payload);
    written.map_err(io::Error::other)?;
    Ok(packet)
}

fn ip(from: SocketAddr, to: SocketAddr) -> PacketBuilderStep<etherparse::IpHeaders> {
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (from, to) => PacketBuilder::ipv6(octets(from), octets(to), HOPS),
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// Ours and theirs, without the IPv6 around an IPv4 address.
fn addresses(ends: &ConnectionInfo) -> (SocketAddr, SocketAddr) {
    let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    (plain(ends.local.unwrap_or(NO_ADDRESS)), plain(ends.remote))
}

impl Tap for Recorder {
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        self.record(|state| state.open(connection, ends));
    }

    fn sent(&self, connection: u64, bytes: &[u8]) {
        self.record(|state| state.bytes(connection, End::Ours, bytes));
    }

    fn received(&self, connection: u64, bytes: &[u8]) {
        self.record(|state| state.bytes(connection, End::Theirs, bytes));
    }

    fn closed(&self, connection: u64) {
        self.record(|state| state.close(connection));
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// Forwards everything to several taps.
#[derive(Debug)]
pub struct All(pub Vec<Arc<dyn Tap>>);

impl Tap for All {
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        self.0.iter().for_each(|tap| tap.opened(connection, ends));
    }

    fn sent(&self, connection: u64, bytes: &[u8]) {
        self.0.iter().for_each(|tap| tap.sent(connection, bytes));
    }

    fn received(&self, connection: u64, bytes: &[u8]) {
        let show = |tap: &Arc<dyn Tap>| tap.received(connection, bytes);
        self.0.iter().for_each(show);
    }

    fn closed(&self, connection: u64) {
        self.0.iter().for_each(|tap| tap.closed(connection));
    }
}
