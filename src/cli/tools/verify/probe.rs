//! The peer of the endpoint under test: sends anything, valid or not, and logs what comes back.
//!
//! Every wait is bounded. Invariant: everything sent and received is in the log.

use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use crate::cli::tools::verify::wire::{
    CLOSE, Decoded, Frame, bits_problem, decode, describe, encode, shortest, shown,
};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirebell::client::Stream;

pub struct Probe {
    pub target: Target,
    pub log: Vec<String>,
    stream: Option<Arc<Stream>>,
    input: Vec<u8>,
    ended: bool,
    /// We are the client: frames that we send are masked.
    pub masks: bool,
    /// The negotiated extensions: the value of Sec-WebSocket-Extensions.
    pub extensions: Option<String>,
    /// The request of the client under test, if it is one.
    pub request: Option<ClientRequest>,
    /// The verdict on the code of the Close with which the endpoint failed the connection.
    pub code: Result<(), Problem>,
    /// The masking keys received.
    pub keys: Vec<[u8; 4]>,
    /// Something was sent.
    pub spoke: bool,
    /// A Close was sent or received.
    closed: bool,
    /// What the server is expected to send unsolicited.
    unsolicited: Unsolicited,
    /// Of that, the complete messages received.
    pub passed_over: Vec<Frame>,
}

/// From this many bytes on, replies are read while writing.
const READ_WHILE_WRITING: usize = 64 * 1024;

/// How long a client has to end its side.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// What the endpoint did next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Frame(Frame),
    /// The end of the stream, or a reset.
    End,
    Timeout,
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
            request: None,
            code: Problem::fail("the code of the Close was not checked"),
            keys: Vec::new(),
            spoke: false,
            closed: false,
            unsolicited: Unsolicited::default(),
            passed_over: Vec::new(),
        }
    }

    /// For a client that has connected.
    pub fn serving(stream: Stream, target: Target) -> Self {
        let mut probe = Self::new(target);
        probe.masks = false;
        probe.take(stream);
        probe
    }

    pub fn note(&mut self, line: impl Into<String>) {
        self.log.push(line.into());
    }

    /// Opens a new connection.
    pub fn connect(&mut self) -> Result<(), Problem> {
        let stream = self.target.connect();
        self.take(stream.map_err(|error| Problem::Fail(error.to_string()))?);
        Ok(())
    }

    fn take(&mut self, stream: Stream) {
        let _ = stream.set_write_timeout(Some(self.target.timeout));
        (self.input, self.ended) = (Vec::new(), false);
        (self.unsolicited, self.passed_over) = (self.target.unsolicited.clone(), Vec::new());
        self.stream = Some(Arc::new(stream));
    }

    /// Sends bytes as they are. That the endpoint has ended the connection is not a problem here:
    /// reading checks what it did.
    pub fn write(&mut self, bytes: &[u8]) {
        let Some(stream) = self.stream.clone() else {
            return;
        };
        self.spoke = true;
        let written = match bytes.len() < READ_WHILE_WRITING {
            true => (&*stream).write_all(bytes),
            // An endpoint may reply before it has read everything, and block until the reply is
            // read.
            false => std::thread::scope(|scope| {
                let writer = scope.spawn(|| (&*stream).write_all(bytes));
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

    /// Sends frames in one write.
    pub fn send_together(&mut self, frames: &[Frame]) {
        let mut bytes = Vec::new();
        for Frame { first, payload } in frames {
            self.note(format!("> {}", describe(*first, payload)));
            self.closed |= *first == CLOSE;
            bytes.extend(self.encode(*first, payload));
        }
        self.write(&bytes);
    }

    /// Sends a frame in pieces, each with time to arrive alone.
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

    /// A frame with the shortest length, masked if we are the client.
    pub fn encode(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        encode(first, payload, self.masks, shortest(payload.len() as u64))
    }

    pub fn end_writing(&mut self) {
        self.note("> end of stream");
        if let Some(stream) = &self.stream {
            stream.shutdown(Shutdown::Write);
        }
    }

    /// Closes a connection with a client, with a closing handshake if possible.
    pub fn close(&mut self) {
        if !self.closed && !self.ended {
            self.send(CLOSE, b"\x03\xE8");
        }
        self.shut_down();
    }

    /// Closes a connection without a WebSocket: reads what still arrives, so that no reset
    /// overtakes what was sent.
    pub fn shut_down(&mut self) {
        self.end_writing();
        let deadline = Instant::now() + SHUTDOWN_TIMEOUT.min(self.target.timeout);
        while !self.ended && self.read(deadline) {
            self.input.clear();
        }
    }

    pub fn drop_connection(&mut self) {
        self.stream = None;
    }

    /// What comes next, within this time.
    pub fn listen(&mut self, time: Duration) -> Result<Reply, Problem> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(frame) = self.take_frame()? {
                self.note(format!("< {}", describe(frame.first, &frame.payload)));
                self.closed |= frame.first == CLOSE;
                return Ok(Reply::Frame(frame));
            }
            if self.ended {
                return Ok(Reply::End);
            }
            if !self.read(deadline) {
                return Ok(Reply::Timeout);
            }
        }
    }

    /// Reads once; false at the deadline. The end of the stream is logged.
    pub fn read(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        let Some(stream) = self.stream.clone().filter(|_| !left.is_zero()) else {
            return false;
        };
        let _ = stream.set_read_timeout(Some(left));
        let mut bytes = [0; 16 * 1024];
        match (&*stream).read(&mut bytes) {
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

    /// Bytes received and not yet processed.
    pub fn input(&mut self) -> &mut Vec<u8> {
        &mut self.input
    }

    /// Takes a complete frame off the input. An invalid one fails every case; what the server is
    /// known to send unsolicited does not.
    fn take_frame(&mut self) -> Result<Option<Frame>, Problem> {
        while let Some(Decoded { frame, len, key }) = decode(&self.input, !self.masks)? {
            self.input.drain(..len);
            self.keys.extend(key);
            if let Some(what) = bits_problem(frame.first, self.extensions.is_some()) {
                return Problem::fail(what);
            }
            if !self.unsolicited.takes(&frame) {
                return Ok(Some(frame));
            }
            let what = describe(frame.first, &frame.payload);
            self.note(format!("< {what} (unsolicited: ignored)"));
            match (frame.opcode(), self.passed_over.last_mut()) {
                (0, Some(message)) => message.payload.extend(frame.payload),
                _ => self.passed_over.push(frame),
            }
        }
        Ok(None)
    }
}
