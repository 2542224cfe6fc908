//! A connection after the handshake, with faults in what it sends.

use super::Fault;
use super::filter::Filter;
use super::keys::{Keys, Zeros};
use super::opening::Opened;
use std::io::{self, Error, Read as _, Write as _};
use std::mem;
use std::net::TcpStream;
use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::{Assembler, Connection, Event, Limits, MessageKind, Outbox, Piece, Role, Violation};

/// Above what is sent by any case that expects an answer.
const MESSAGE_BYTES: u64 = 4 * 1024 * 1024;

pub struct Talk<'s> {
    stream: &'s TcpStream,
    fault: Fault,
    /// A client masks what it sends.
    keys: Option<Keys>,
    limits: Limits,
    connection: Connection,
    outbox: Outbox,
    assembler: Assembler,
    deflate: Option<Deflate>,
    filter: Option<Filter>,
    /// Bytes received and not yet processed.
    input: Vec<u8>,
    /// Bytes to write.
    output: Vec<u8>,
    pongs: usize,
    /// Nothing more is sent, but TCP stays open.
    mute: bool,
    spoke_later: bool,
    failed: bool,
}

struct Deflate {
    link: Params,
    pool: Pool,
    session: Session,
}

/// The result of processing the input once.
enum Heard {
    Nothing,
    Message(MessageKind, Vec<u8>),
    Ping,
    Pong,
    Close,
    Failed,
}

impl<'s> Talk<'s> {
    pub fn new(stream: &'s TcpStream, fault: Fault, role: Role, opened: &Opened) -> Self {
        let limits = Limits::default().message_bytes(MESSAGE_BYTES);
        let mut connection = Connection::new(role, &limits, 0);
        let settings = Settings::default().min_bytes(1);
        let deflate = opened.terms.map(|terms| Deflate {
            link: link(role, &terms, fault),
            pool: Pool::new(settings, Budget::new(settings.budget)),
            session: Session::default(),
        });
        if deflate.is_some() {
            connection = connection.with_deflate();
        }
        Self {
            stream,
            fault,
            keys: (role == Role::Client).then(|| Keys::new(fault)),
            limits,
            connection,
            outbox: Outbox::new(),
            assembler: Assembler::new(),
            deflate,
            filter: Filter::new(fault, role, opened.terms.is_some()),
            input: Vec::new(),
            output: Vec::new(),
            pongs: 0,
            mute: false,
            spoke_later: false,
            failed: false,
        }
    }

    /// Runs until the end; true if the other end behaved.
    pub fn run(mut self, rest: Vec<u8>) -> io::Result<bool> {
        let mut chunk = [0; 64 * 1024];
        if self.fault == Fault::Demanding {
            for greeting in ["welcome", "", "what may I echo?"] {
                self.echo(MessageKind::Text, greeting.into())?;
            }
        }
        self.take(&rest)?;
        while self.mute || !self.connection.wants_shutdown() {
            let n = self.stream.read(&mut chunk)?;
            if n > 0 {
                self.take(&chunk[..n])?;
                continue;
            }
            if matches!(self.fault, Fault::IgnoresEnd | Fault::KeepsTcp) {
                std::thread::sleep(super::LINGER);
            }
            return Ok(self.input.is_empty() && !self.failed);
        }
        Ok(!self.failed)
    }

    fn take(&mut self, came: &[u8]) -> io::Result<()> {
        if self.mute {
            return Ok(());
        }
        match &mut self.filter {
            Some(filter) => filter.pass(came, &mut self.input),
            None => self.input.extend_from_slice(came),
        }
        let (mut input, mut at) = (mem::take(&mut self.input), 0);
        while at < input.len() && !self.mute && !self.connection.wants_shutdown() {
            let (consumed, heard) = self.hear(&mut input[at..]);
            if consumed == 0 {
                break;
            }
            at += consumed;
            self.answer(heard)?;
        }
        input.drain(..at);
        self.input = input;
        let mut stream = self.stream;
        stream.write_all(&mem::take(&mut self.output))
    }

    fn hear(&mut self, input: &mut [u8]) -> (usize, Heard) {
        let received = self.connection.receive(input, &mut self.outbox);
        let heard = match received.event {
            None => Heard::Nothing,
            Some(Event::Ping(_)) => Heard::Ping,
            Some(Event::Pong(_)) => Heard::Pong,
            Some(Event::Close(_)) => Heard::Close,
            Some(Event::Failed(_)) => Heard::Failed,
            Some(Event::Piece(piece)) => match self.deflate.as_mut().filter(|_| piece.compressed) {
                None => match self.assembler.push(piece) {
                    None => Heard::Nothing,
                    Some(message) => {
                        let heard = Heard::Message(message.kind, message.bytes.to_vec());
                        self.assembler.clear();
                        heard
                    }
                },
                Some(deflate) => match deflate.inflate(piece, &self.limits) {
                    Ok(None) => Heard::Nothing,
                    Ok(Some(message)) => Heard::Message(piece.kind, message),
                    Err(_) if self.fault == Fault::TakesCorruptData => {
                        Heard::Message(piece.kind, Vec::new())
                    }
                    Err(violation) => {
                        self.connection.fail(violation, &mut self.outbox);
                        Heard::Failed
                    }
                },
            },
        };
        (received.consumed, heard)
    }

    fn answer(&mut self, heard: Heard) -> io::Result<()> {
        self.failed |= matches!(heard, Heard::Failed);
        if let Heard::Message(kind, message) = heard {
            let times = match self.fault {
                Fault::NoEcho => 0,
                Fault::EchoesTwice => 2,
                _ => 1,
            };
            (0..times).try_for_each(|_| self.echo(kind, message.clone()))?;
            if self.fault == Fault::SpeaksLater && !mem::replace(&mut self.spoke_later, true) {
                self.echo(MessageKind::Text, b"by the way".to_vec())?;
            }
            return Ok(());
        }
        // The required answer: a Pong or a Close.
        let mut owed = [0; 512];
        let len = self
            .connection
            .transmit(&mut self.outbox, &mut owed, &mut Zeros);
        let mut owed = bare(&owed[..len]);
        match heard {
            Heard::Ping => self.spoil_pong(&mut owed),
            Heard::Pong if self.fault == Fault::AnswersPongs => owed = vec![0x8A, 0],
            Heard::Close => self.spoil_close(&mut owed),
            Heard::Failed => self.spoil_failure(&mut owed),
            _ => {}
        }
        self.put(&owed);
        Ok(())
    }

    fn spoil_pong(&mut self, owed: &mut Vec<u8>) {
        self.pongs += 1;
        match self.fault {
            Fault::NoPong => owed.clear(),
            Fault::FirstPongOnly if self.pongs > 1 => owed.clear(),
            Fault::WrongPong if owed.len() > 2 => owed[2] ^= 1,
            Fault::WrongPong => *owed = vec![0x8A, 1, b'x'],
            _ => {}
        }
    }

    fn spoil_close(&mut self, owed: &mut Vec<u8>) {
        match self.fault {
            Fault::NoAnswerToClose => {
                owed.clear();
                self.mute = true;
            }
            Fault::EndsWithoutClose => owed.clear(),
            Fault::OtherCloseCode => *owed = [&[0x88, 2][..], &4242_u16.to_be_bytes()].concat(),
            Fault::SpeaksBehindClose => owed.extend([0x81, 0]),
            Fault::KeepsTcp => self.mute = true,
            Fault::DropsWhatIsPending => self.output.clear(),
            _ => {}
        }
    }

    fn spoil_failure(&mut self, owed: &mut Vec<u8>) {
        match self.fault {
            Fault::GoesOnAfterViolation => {
                owed.clear();
                self.mute = true;
            }
            Fault::FailsWith1000 => *owed = [&[0x88, 2][..], &1000_u16.to_be_bytes()].concat(),
            Fault::FailsWithoutClose | Fault::GivesUpAfterTrouble => owed.clear(),
            Fault::KeepsTcp => self.mute = true,
            Fault::DropsWhatIsPending => self.output.clear(),
            _ => {}
        }
    }

    fn echo(&mut self, mut kind: MessageKind, mut message: Vec<u8>) -> io::Result<()> {
        match self.fault {
            Fault::FlipsLastByte => {
                if let Some(last) = message.last_mut() {
                    *last ^= 1;
                }
            }
            Fault::OtherKind if kind == MessageKind::Text => kind = MessageKind::Binary,
            Fault::OtherKind => kind = MessageKind::Text,
            _ => {}
        }
        let mut packed = Vec::new();
        let compressed = self.deflate.as_mut().and_then(|deflate| {
            let Deflate {
                link,
                pool,
                session,
            } = deflate;
            pool.compress(session, link, &message, &mut packed)
        });
        let none = &mut Zeros;
        let (header, payload) = match compressed {
            Some(len) => {
                if self.fault == Fault::CorruptsCompressed {
                    // The reserved type of a block.
                    packed[0] |= 0x06;
                }
                let begun = self
                    .connection
                    .begin_compressed(kind, len as u64, true, none);
                (begun, &packed[..len])
            }
            None => {
                let begun = self
                    .connection
                    .begin(kind, message.len() as u64, true, none);
                (begun, &message[..])
            }
        };
        let frame = [&header.map_err(Error::other)?.0[..], payload].concat();
        self.put(&bare(&frame));
        Ok(())
    }

    /// Our frames, without masks.
    fn put(&mut self, mut frames: &[u8]) {
        while let Some((start, end)) = extent(frames) {
            let (frame, rest) = frames.split_at(end);
            self.put_frame(frame[0], &frame[1..start], &frame[start..]);
            frames = rest;
        }
    }

    fn put_frame(&mut self, first: u8, length: &[u8], payload: &[u8]) {
        let bit = match self.fault {
            Fault::SetsRsv => 0x20,
            Fault::SpeaksReservedOpcodes => 0x04,
            _ => 0,
        };
        let mut length = match self.fault {
            Fault::LongLengths if length[0] < 126 => vec![126, 0, length[0]],
            _ => length.to_vec(),
        };
        let key = match (&mut self.keys, self.fault) {
            (Some(_), Fault::MasksFrames) | (None, _) => None,
            (Some(keys), _) => Some(keys.next()),
        };
        let key = match self.fault {
            Fault::MasksFrames if self.keys.is_none() => Some([0; 4]),
            _ => key,
        };
        length[0] |= u8::from(key.is_some()) << 7;
        self.output.push(first | bit);
        self.output.extend(length);
        self.output.extend(key.iter().flatten());
        let key = key.unwrap_or_default();
        let masked = payload.iter().zip(key.iter().cycle());
        self.output.extend(masked.map(|(byte, key)| byte ^ key));
    }
}

/// The range of the payload of an unmasked frame.
fn extent(frame: &[u8]) -> Option<(usize, usize)> {
    let (start, len) = match frame.get(1)? & 0x7F {
        126 => (4, u16::from_be_bytes(*frame[2..].first_chunk()?).into()),
        127 => (10, u64::from_be_bytes(*frame[2..].first_chunk()?)),
        len => (2, len.into()),
    };
    Some((start, start + usize::try_from(len).ok()?))
}

/// Removes the masks of frames whose keys are zero.
fn bare(mut frames: &[u8]) -> Vec<u8> {
    let mut bare = Vec::new();
    while let Some((start, end)) = extent(frames) {
        let key = if frames[1] & 0x80 == 0 { 0 } else { 4 };
        bare.extend([frames[0], frames[1] & 0x7F]);
        bare.extend_from_slice(&frames[2..start]);
        bare.extend_from_slice(&frames[start + key..end + key]);
        frames = &frames[end + key..];
    }
    bare
}

fn link(role: Role, terms: &DeflateTerms, fault: Fault) -> Params {
    let mut link = match role {
        Role::Server => Params::server(terms),
        Role::Client => Params::client(terms),
    };
    if fault == Fault::IgnoresWindow {
        link.send.window_bits = 15;
    }
    link
}

impl Deflate {
    fn inflate(&mut self, piece: Piece<'_>, limits: &Limits) -> Result<Option<Vec<u8>>, Violation> {
        let piece = Compressed {
            kind: piece.kind,
            bytes: piece.bytes,
            first: piece.first,
            last: piece.last,
        };
        let inflated = self
            .pool
            .inflate(&mut self.session, &self.link, piece, limits)?;
        Ok(inflated.map(|message| {
            let bytes = message.bytes().to_vec();
            self.pool.recycle(message);
            bytes
        }))
    }
}
