//! A connection → a capture: what `connect --trace` writes, for `inspect` and Wireshark.
//!
//! Comes in: the bytes of both directions. Goes out: a classic pcap file of packets that never were
//! on a network: IPv4 and TCP with addresses that are made up, right lengths and checksums.
//!
//! Invariant: the file is whole after each packet, so an end by a signal loses nothing that was
//! shown.

use etherparse::PacketBuilder;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use wirebell::client::Tap;

/// The link type of packets that begin with IP.
const RAW: u32 = 101;
const NANOSECONDS: u32 = 0xA1B2_3C4D;
const SNAPLEN: u32 = 0x4_0000;

/// Addresses for examples: RFC 5737.
const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [192, 0, 2, 2];
const FIRST_PORT: u16 = 50_000;

/// Payload of one packet: with its headers it has at most 65,535 bytes.
const LONGEST: usize = 60_000;
const WINDOW: u16 = u16::MAX;

/// Writes what it is shown.
pub struct Recorder {
    state: Mutex<State>,
}

struct State {
    file: File,
    server_port: u16,
    /// Connections behind each other have ports of their own.
    client_port: u16,
    /// The next sequence numbers.
    client: u32,
    server: u32,
    /// What was sent last asks a proxy for a tunnel, in which the handshake follows.
    tunnel: bool,
    error: Option<io::Error>,
}

#[derive(Clone, Copy, PartialEq)]
enum Flags {
    Syn,
    SynAck,
    Ack,
}

impl Recorder {
    /// Makes the file, or empties it.
    pub fn create(path: &Path, server_port: u16) -> io::Result<Self> {
        let mut file = File::create(path)?;
        let mut header = Vec::new();
        header.extend_from_slice(&NANOSECONDS.to_le_bytes());
        header.extend_from_slice(&2u16.to_le_bytes());
        header.extend_from_slice(&4u16.to_le_bytes());
        for word in [0, 0, SNAPLEN, RAW] {
            header.extend_from_slice(&word.to_le_bytes());
        }
        file.write_all(&header)?;
        let state = State {
            file,
            server_port,
            client_port: FIRST_PORT,
            client: 0,
            server: 0,
            tunnel: false,
            error: None,
        };
        Ok(Self {
            state: Mutex::new(state),
        })
    }

    /// Why the file is not whole, if it is not. Nothing is written behind an error.
    pub fn error(&self) -> Option<io::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.error.take()
    }

    fn record(&self, from_client: bool, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.error.is_none() {
            let written = state.record(from_client, bytes);
            state.error = written.err();
        }
    }
}

impl State {
    fn record(&mut self, from_client: bool, bytes: &[u8]) -> io::Result<()> {
        // No frame of a client begins so: its first byte would have reserved bits.
        let tunnel = from_client && bytes.starts_with(b"CONNECT ");
        if tunnel || (from_client && bytes.starts_with(b"GET ") && !self.tunnel) {
            self.open()?;
        }
        if from_client {
            self.tunnel = tunnel;
        }
        for payload in bytes.chunks(LONGEST) {
            self.packet(from_client, Flags::Ack, payload)?;
        }
        Ok(())
    }

    fn open(&mut self) -> io::Result<()> {
        self.client_port = self.client_port.checked_add(1).unwrap_or(FIRST_PORT);
        (self.client, self.server) = (0, 0);
        self.packet(true, Flags::Syn, &[])?;
        self.packet(false, Flags::SynAck, &[])?;
        self.packet(true, Flags::Ack, &[])
    }

    fn packet(&mut self, from_client: bool, flags: Flags, payload: &[u8]) -> io::Result<()> {
        let (addresses, ports) = match from_client {
            true => ((CLIENT, SERVER), (self.client_port, self.server_port)),
            false => ((SERVER, CLIENT), (self.server_port, self.client_port)),
        };
        let (next, acknowledged) = match from_client {
            true => (&mut self.client, self.server),
            false => (&mut self.server, self.client),
        };
        let builder = PacketBuilder::ipv4(addresses.0, addresses.1, 64);
        let builder = builder.tcp(ports.0, ports.1, *next, WINDOW);
        let builder = match flags {
            Flags::Syn => builder.syn(),
            Flags::SynAck => builder.syn().ack(acknowledged),
            Flags::Ack if payload.is_empty() => builder.ack(acknowledged),
            Flags::Ack => builder.psh().ack(acknowledged),
        };
        *next = next.wrapping_add(payload.len() as u32 + u32::from(flags != Flags::Ack));
        let mut packet = Vec::with_capacity(builder.size(payload.len()));
        builder
            .write(&mut packet, payload)
            .map_err(io::Error::other)?;
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let length = packet.len() as u32;
        let mut record = Vec::with_capacity(16 + packet.len());
        for word in [now.as_secs() as u32, now.subsec_nanos(), length, length] {
            record.extend_from_slice(&word.to_le_bytes());
        }
        record.extend_from_slice(&packet);
        self.file.write_all(&record)
    }
}

impl Tap for Recorder {
    fn sent(&self, bytes: &[u8]) {
        self.record(true, bytes);
    }

    fn received(&self, bytes: &[u8]) {
        self.record(false, bytes);
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

/// Shows everything to several.
#[derive(Debug)]
pub struct All(pub Vec<Arc<dyn Tap>>);

impl Tap for All {
    fn sent(&self, bytes: &[u8]) {
        self.0.iter().for_each(|tap| tap.sent(bytes));
    }

    fn received(&self, bytes: &[u8]) {
        self.0.iter().for_each(|tap| tap.received(bytes));
    }
}
