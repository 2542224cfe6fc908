//! What must hold for every TLS connection, whatever happens to its bytes on the way.
#![forbid(unsafe_code)]

use std::sync::{Arc, OnceLock};
use wirebell::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
use wirebell::tls::rustls::version::{TLS12, TLS13};
use wirebell::tls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use wirebell::tls::{Acceptor, AcceptorOptions, Connector, InMemory, SelfSigned};

/// Bytes that may wait for the end of their record or handshake message.
const MAX_WAITING: usize = 80 * 1024;

/// Bytes with which an end may answer one step.
const MAX_ANSWER: usize = 8 * 1024;

/// Who both ends are, in TLS 1.2 and 1.3.
struct Settings {
    acceptor: Acceptor,
    connectors: [Connector; 2],
}

fn settings() -> &'static Settings {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| {
        let no_names: [String; 0] = [];
        let made = SelfSigned::new(no_names).expect("a certificate");
        let identity = made.identity().expect("an identity");
        let certificate = CertificateDer::from_pem_slice(made.certificate_pem().as_bytes());
        let mut roots = RootCertStore::empty();
        let root = certificate.expect("a certificate");
        roots.add(root).expect("a certificate");
        let connector = |version| {
            let provider = Arc::new(ring::default_provider());
            let builder = ClientConfig::builder_with_provider(provider);
            let builder = builder.with_protocol_versions(&[version]).expect("known");
            let builder = builder.with_root_certificates(roots.clone());
            Connector::from_config(Arc::new(builder.with_no_client_auth()))
        };
        Settings {
            acceptor: Acceptor::new([identity], AcceptorOptions::default()).expect("usable"),
            connectors: [&TLS12, &TLS13].map(connector),
        }
    })
}

/// Both ends, and what is on its way to each.
struct Connection {
    ends: [InMemory; 2],
    wires: [Vec<u8>; 2],
    /// What each end has sent.
    sent: [Vec<u8>; 2],
    closed: [bool; 2],
    /// Nothing has been changed on its way.
    is_intact: bool,
    /// Each byte that a step brings is a record of a handshake of its own.
    in_records: bool,
}

/// Each step is a byte that says what happens to whom, one with a number, and what follows it.
pub fn tls(data: &[u8]) {
    let Some((first, mut steps)) = data.split_first() else {
        return;
    };
    let mut connection = Connection::new(usize::from(first & 1));
    connection.in_records = first & 4 != 0;
    if first & 2 != 0 {
        connection.deliver_all();
    }
    while let [step, number, rest @ ..] = steps {
        steps = connection.step(step >> 1, usize::from(step & 1), usize::from(*number), rest);
        connection.check();
    }
    connection.deliver_all();
    connection.check();
    if connection.is_intact {
        connection.check_whole();
    }
}

impl Connection {
    fn new(version: usize) -> Self {
        let Settings {
            acceptor,
            connectors,
        } = settings();
        let server = InMemory::server(acceptor).expect("usable");
        let client = InMemory::client(&connectors[version], "localhost").expect("usable");
        let mut connection = Self {
            ends: [server, client],
            wires: Default::default(),
            sent: Default::default(),
            closed: [false; 2],
            is_intact: true,
            in_records: false,
        };
        connection.collect(1);
        connection
    }

    /// Takes what an end sends.
    fn collect(&mut self, end: usize) {
        let bytes = self.ends[end].take_output();
        self.wires[1 - end].extend_from_slice(&bytes);
    }

    fn receive(&mut self, end: usize, bytes: &[u8]) {
        // rustls asserts that an end sends one alert at most, and close_notify is one.
        if self.closed[end] && !self.is_intact {
            return;
        }
        self.ends[end].receive(bytes);
        let answer = self.ends[end].take_output();
        assert!(answer.len() <= MAX_ANSWER, "{} bytes", answer.len());
        self.wires[1 - end].extend_from_slice(&answer);
    }

    fn deliver_all(&mut self) {
        while self.wires.iter().any(|wire| !wire.is_empty()) {
            for end in 0..2 {
                let bytes = std::mem::take(&mut self.wires[end]);
                self.receive(end, &bytes);
            }
        }
    }

    fn step<'d>(&mut self, what: u8, end: usize, number: usize, rest: &'d [u8]) -> &'d [u8] {
        let wire = &mut self.wires[end];
        match what % 8 {
            0 => {
                let (bytes, rest) = rest.split_at(number.min(rest.len()));
                self.is_intact &= bytes.is_empty();
                match self.in_records {
                    true => self.receive(end, &in_records(bytes)),
                    false => self.receive(end, bytes),
                }
                return rest;
            }
            1 => {
                let len = (number * 16 + 1).min(wire.len());
                let bytes: Vec<u8> = wire.drain(..len).collect();
                self.receive(end, &bytes);
            }
            2 => {
                let Some((change, rest)) = rest.split_first() else {
                    return rest;
                };
                if let Some(byte) = wire.get_mut(number) {
                    *byte ^= change;
                    self.is_intact &= *change == 0;
                }
                return rest;
            }
            3 => {
                let len = number.min(wire.len());
                self.is_intact &= len == 0;
                wire.drain(..len);
            }
            4 => {
                let len = number.min(wire.len());
                self.is_intact &= len == 0;
                wire.extend_from_within(..len);
            }
            5 => self.send(end, &vec![number as u8; number * 70]),
            6 => {
                self.closed[end] |= self.ends[end].is_established();
                self.ends[end].close();
                self.collect(end);
            }
            _ => {
                let bytes = std::mem::take(wire);
                self.receive(end, &bytes);
            }
        }
        rest
    }

    fn send(&mut self, end: usize, bytes: &[u8]) {
        if self.closed[end] || !self.ends[end].send(&[bytes]).expect("there are keys") {
            return;
        }
        self.sent[end].extend_from_slice(bytes);
        self.collect(end);
    }

    /// Whatever was changed, what is read is what was sent, up to some byte.
    fn check(&self) {
        for end in 0..2 {
            let this = &self.ends[end];
            assert!(self.sent[1 - end].starts_with(this.plain()));
            assert!(this.waiting() <= MAX_WAITING, "{} wait", this.waiting());
            assert!(this.error().is_none() || this.waiting() == 0);
            let may_end = self.closed[1 - end] || !self.is_intact;
            assert!(!this.has_ended() || may_end);
        }
    }

    /// Nothing was changed: all has come, except to an end that has closed, which looks at nothing.
    fn check_whole(&self) {
        for end in 0..2 {
            let this = &self.ends[end];
            assert!(this.is_established(), "{:?}", this.error());
            assert_eq!(this.waiting(), 0);
            if !self.closed[end] {
                assert_eq!(this.plain(), self.sent[1 - end]);
                assert_eq!(this.has_ended(), self.closed[1 - end]);
            }
        }
    }
}

/// Each of these bytes in a record of a handshake of its own.
fn in_records(bytes: &[u8]) -> Vec<u8> {
    let records = bytes.iter().flat_map(|byte| [22, 3, 3, 0, 1, *byte]);
    records.collect()
}
