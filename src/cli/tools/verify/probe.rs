//! The other end of the endpoint under test: says anything, well or badly, and writes down what
//! comes back.
//!
//! Every wait is bounded. Invariant: what it says and hears stands in its log.

use crate::cli::tools::verify::asked::Asked;
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::unasked::Unasked;
use crate::cli::tools::verify::wire::{
    CLOSE, Decoded, Frame, bits_trouble, decode, describe, encode, shortest, shown,
};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

pub struct Probe {
    pub target: Target,
    pub log: Vec<String>,
    stream: Option<TcpStream>,
    input: Vec<u8>,
    ended: bool,
    /// We play the client: frames that we send are masked.
    pub masks: bool,
    /// What was agreed on: the value of Sec-WebSocket-Extensions.
    pub extensions: Option<String>,
    /// What the client under test has asked for, if it is one.
    pub asked: Option<Asked>,
    /// The verdict on the code of the Close with which the endpoint gave up.
    pub code: Result<(), Trouble>,
    /// The masking keys that have come.
    pub keys: Vec<[u8; 4]>,
    /// Something was sent.
    pub spoke: bool,
    /// A Close was sent or has come.
    closed: bool,
    /// What the server is expected to send by itself.
    unasked: Unasked,
    /// Of that, whole messages that have come.
    pub passed_over: Vec<Frame>,
}

/// From so many bytes on, what comes back is read while they are written.
const MUCH: usize = 64 * 1024;

/// How long a client is given to end its side.
const PARTING: Duration = Duration::from_secs(1);

/// What came next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Frame(Frame),
    /// The end of the stream, or a reset.
    End,
    Silence,
}

impl Probe {
    pub fn new(target: Target) -> Self {
        Self {
            target,
            log: Vec::new(),
            stream: None,
            input: Vec::new(),
            ended: false,
            masks: true,
            extensions: None,
            asked: None,
            code: Trouble::wrong("the endpoint was not asked so far"),
            keys: Vec::new(),
            spoke: false,
            closed: false,
            unasked: Unasked::default(),
            passed_over: Vec::new(),
        }
    }

    /// At the other end of a client that has connected.
    pub fn serving(stream: TcpStream, target: Target) -> Self {
        let mut probe = Self::new(target);
        probe.masks = false;
        probe.take(stream);
        probe
    }

    pub fn note(&mut self, line: impl Into<String>) {
        self.log.push(line.into());
    }

    /// A TCP connection, anew each time.
    pub fn connect(&mut self) -> Result<(), Trouble> {
        let stream = TcpStream::connect_timeout(&self.target.address, self.target.patience)
            .map_err(|error| Trouble::Wrong(format!("cannot connect: {error}")))?;
        self.take(stream);
        Ok(())
    }

    fn take(&mut self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(Some(self.target.patience));
        (self.input, self.ended) = (Vec::new(), false);
        (self.unasked, self.passed_over) = (self.target.unasked.clone(), Vec::new());
        self.stream = Some(stream);
    }

    /// Sends bytes as they are. A connection that the endpoint has ended is no trouble here: what
    /// it does is looked at when listening.
    pub fn write(&mut self, bytes: &[u8]) {
        let Some(mut stream) = self.stream.as_ref().and_then(|s| s.try_clone().ok()) else {
            return;
        };
        self.spoke = true;
        let written = match bytes.len() < MUCH {
            true => stream.write_all(bytes),
            // An endpoint may answer before it has heard all, and wait until that is read.
            false => std::thread::scope(|scope| {
                let writer = scope.spawn(move || stream.write_all(bytes));
                while !writer.is_finished() && !self.ended {
                    self.read(Instant::now() + Duration::from_millis(1));
                }
                writer.join().unwrap_or(Ok(()))
            }),
        };
        if let Err(error) = written {
            self.note(format!("  sending fails: {error}"));
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.note(format!("> bytes {}", shown(bytes)));
        self.write(bytes);
    }

    pub fn send(&mut self, first: u8, payload: &[u8]) {
        self.note(format!("> {}", describe(first, payload)));
        self.closed |= first == CLOSE;
        let bytes = self.encode(first, payload);
        self.write(&bytes);
    }

    /// Frames in one write.
    pub fn send_together(&mut self, frames: &[Frame]) {
        let mut bytes = Vec::new();
        for Frame { first, payload } in frames {
            self.note(format!("> {}", describe(*first, payload)));
            self.closed |= *first == CLOSE;
            bytes.extend(self.encode(*first, payload));
        }
        self.write(&bytes);
    }

    /// The same bytes in pieces, each given time to arrive alone.
    pub fn send_chopped(&mut self, first: u8, payload: &[u8], piece: usize) {
        self.note(format!(
            "> {}, {piece} bytes at a time",
            describe(first, payload)
        ));
        let bytes = self.encode(first, payload);
        for part in bytes.chunks(piece) {
            self.write(part);
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// A frame with the shortest length, masked if we play the client.
    pub fn encode(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        encode(first, payload, self.masks, shortest(payload.len() as u64))
    }

    pub fn end_writing(&mut self) {
        self.note("> end of stream");
        if let Some(stream) = &self.stream {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    /// The end of a conversation with a client, in good order if there was no trouble.
    pub fn part(&mut self) {
        if !self.closed && !self.ended {
            self.send(CLOSE, b"\x03\xE8");
        }
        self.part_unopened();
    }

    /// The end of a connection on which no WebSocket was opened: what still comes is read, so that
    /// no reset overtakes what was sent.
    pub fn part_unopened(&mut self) {
        self.end_writing();
        let deadline = Instant::now() + PARTING.min(self.target.patience);
        while !self.ended && self.read(deadline) {
            self.input.clear();
        }
    }

    pub fn drop_connection(&mut self) {
        self.stream = None;
    }

    /// What comes next, if it comes in time.
    pub fn listen(&mut self, time: Duration) -> Result<Heard, Trouble> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(frame) = self.take_frame()? {
                self.note(format!("< {}", describe(frame.first, &frame.payload)));
                self.closed |= frame.first == CLOSE;
                return Ok(Heard::Frame(frame));
            }
            if self.ended {
                return Ok(Heard::End);
            }
            if !self.read(deadline) {
                return Ok(Heard::Silence);
            }
        }
    }

    /// Reads once; false when the time is up. The end of the stream is noted.
    pub fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(mut stream) = self.stream.as_ref().filter(|_| !left.is_zero()) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(left));
        let mut bytes = [0; 16 * 1024];
        match stream.read(&mut bytes) {
            Ok(0) => {
                self.note("< end of stream");
                self.ended = true;
            }
            Ok(n) => self.input.extend_from_slice(&bytes[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                return false;
            }
            Err(_) => {
                self.note("< connection reset");
                self.ended = true;
            }
        }
        true
    }

    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What has come and was not looked at.
    pub fn input(&mut self) -> &mut Vec<u8> {
        &mut self.input
    }

    /// A whole frame off the front of what has come. A wrong one is trouble in every case; what
    /// the server is known to send by itself is not.
    fn take_frame(&mut self) -> Result<Option<Frame>, Trouble> {
        while let Some(Decoded { frame, len, key }) = decode(&self.input, !self.masks)? {
            self.input.drain(..len);
            self.keys.extend(key);
            if let Some(what) = bits_trouble(frame.first, self.extensions.is_some()) {
                return Trouble::wrong(what);
            }
            if !self.unasked.takes(&frame) {
                return Ok(Some(frame));
            }
            let what = describe(frame.first, &frame.payload);
            self.note(format!("< {what} (unasked: passed over)"));
            match (frame.opcode(), self.passed_over.last_mut()) {
                (0, Some(message)) => message.payload.extend(frame.payload),
                _ => self.passed_over.push(frame),
            }
        }
        Ok(None)
    }
}
