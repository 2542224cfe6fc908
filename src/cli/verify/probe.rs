//! The other end of the endpoint under test: says anything, well or badly, and writes down what
//! comes back.
//!
//! It has its own reader and writer of frames, so that a mistake of the library is not one here.
//! Every wait is bounded. Invariant: what it says and hears stands in its log.

use crate::cli::verify::case::Trouble;
use crate::cli::verify::handshake;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Whom the probe talks to.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// Host and port, for the Host field.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// How long an answer may take.
    pub patience: Duration,
}

/// How long an endpoint is given to do what it must not do.
const MOMENT: Duration = Duration::from_millis(150);

/// Bytes of an exchange that are shown of one message.
const SHOWN: usize = 48;

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
}

/// A frame, as it is to be sent or has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV and opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self { first, payload }
    }

    pub fn opcode(&self) -> u8 {
        self.first & 0x0F
    }
}

/// What came next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    Frame(Frame),
    /// The end of the stream, or a reset.
    End,
    Silence,
}

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8A;

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
        }
    }

    pub fn note(&mut self, line: impl Into<String>) {
        self.log.push(line.into());
    }

    /// A TCP connection, anew each time.
    pub fn connect(&mut self) -> Result<(), Trouble> {
        let stream = TcpStream::connect_timeout(&self.target.address, self.target.patience)
            .map_err(|error| Trouble::Wrong(format!("cannot connect: {error}")))?;
        let _ = stream.set_nodelay(true);
        let _ = stream.set_write_timeout(Some(self.target.patience));
        (self.input, self.ended) = (Vec::new(), false);
        self.stream = Some(stream);
        Ok(())
    }

    /// An open WebSocket without extensions. A client under test has opened it already.
    pub fn open(&mut self) -> Result<(), Trouble> {
        if self.masks {
            handshake::open(self, &[])?;
        }
        Ok(())
    }

    /// Sends bytes as they are. A connection that the endpoint has ended is no trouble here: what
    /// it does is looked at when listening.
    pub fn write(&mut self, bytes: &[u8]) {
        if let Some(mut stream) = self.stream.as_ref()
            && let Err(error) = stream.write_all(bytes)
        {
            self.note(format!("  sending fails: {error}"));
        }
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.note(format!("> bytes {}", shown(bytes)));
        self.write(bytes);
    }

    pub fn send(&mut self, first: u8, payload: &[u8]) {
        self.note(format!("> {}", describe(first, payload)));
        let bytes = self.encode(first, payload);
        self.write(&bytes);
    }

    /// Frames in one write.
    pub fn send_together(&mut self, frames: &[Frame]) {
        let mut bytes = Vec::new();
        for Frame { first, payload } in frames {
            self.note(format!("> {}", describe(*first, payload)));
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

    pub fn drop_connection(&mut self) {
        self.stream = None;
    }

    /// What comes next, if it comes in time.
    pub fn listen(&mut self, time: Duration) -> Result<Heard, Trouble> {
        let deadline = Instant::now() + time;
        loop {
            if let Some(frame) = self.take_frame()? {
                self.note(format!("< {}", describe(frame.first, &frame.payload)));
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

    /// A whole frame off the front of what has come. A wrong one is trouble in every case.
    fn take_frame(&mut self) -> Result<Option<Frame>, Trouble> {
        let Some((frame, len)) = decode(&self.input, !self.masks)? else {
            return Ok(None);
        };
        self.input.drain(..len);
        Ok(Some(frame))
    }
}

/// Questions that many cases ask.
impl Probe {
    /// The next message, its fragments put together, pings answered; it must be this one.
    pub fn expect_message(&mut self, first: u8, payload: &[u8]) -> Result<(), Trouble> {
        let got = self.message()?;
        match got.first == first && got.payload == payload {
            true => Ok(()),
            false => Trouble::wrong(format!(
                "expected {}, got {}",
                describe(first, payload),
                describe(got.first, &got.payload)
            )),
        }
    }

    /// The next message in whatever fragments.
    pub fn message(&mut self) -> Result<Frame, Trouble> {
        let mut message: Option<Frame> = None;
        loop {
            let frame = self.frame("a message")?;
            match (frame.opcode(), &mut message) {
                (9, _) => self.send(PONG, &frame.payload),
                (0xA, _) => {}
                (8, _) => return Trouble::wrong("a Close came instead of a message"),
                (0, Some(open)) => open.payload.extend_from_slice(&frame.payload),
                (0, None) => return Trouble::wrong("a continuation of nothing came"),
                (_, Some(_)) => return Trouble::wrong("a message came inside of another"),
                (_, None) => message = Some(frame.clone()),
            }
            if frame.opcode() < 8
                && frame.first & 0x80 != 0
                && let Some(mut whole) = message.take()
            {
                whole.first |= 0x80;
                return Ok(whole);
            }
        }
    }

    /// The next frame, which must come in time.
    pub fn frame(&mut self, what: &str) -> Result<Frame, Trouble> {
        match self.listen(self.target.patience)? {
            Heard::Frame(frame) => Ok(frame),
            Heard::End => Trouble::wrong(format!("the connection ended instead of {what}")),
            Heard::Silence => Trouble::wrong(format!("{what} did not come in time")),
        }
    }

    /// The next frame that is no data and no Ping must be this Pong.
    pub fn expect_pong(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        loop {
            let frame = self.frame("a Pong")?;
            match frame.opcode() {
                0xA if frame.payload == payload => return Ok(()),
                0xA => return Trouble::wrong("the Pong has another payload"),
                8 => return Trouble::wrong("a Close came instead of a Pong"),
                _ => {}
            }
        }
    }

    /// The endpoint must have given up: a Close, or the end, and no message before.
    pub fn expect_failed(&mut self) -> Result<(), Trouble> {
        loop {
            match self.listen(self.target.patience)? {
                Heard::End => return Ok(()),
                Heard::Silence => return Trouble::wrong("the connection goes on"),
                Heard::Frame(frame) => match frame.opcode() {
                    8 => return Ok(()),
                    9 | 0xA => {}
                    _ => return Trouble::wrong("the endpoint answered with a message"),
                },
            }
        }
    }

    /// As [`Probe::expect_failed`], and the Close must say why.
    pub fn expect_close_code(&mut self, codes: &[u16]) -> Result<(), Trouble> {
        let code = self.expect_close()?;
        match code {
            Some(code) if codes.contains(&code) => Ok(()),
            Some(code) => Trouble::wrong(format!("the Close has code {code}")),
            None => Trouble::wrong("the Close has no code"),
        }
    }

    /// The code of the Close that comes next, data and other control frames aside.
    pub fn expect_close(&mut self) -> Result<Option<u16>, Trouble> {
        loop {
            let frame = self.frame("a Close")?;
            match (frame.opcode(), &frame.payload[..]) {
                (8, []) => return Ok(None),
                (8, [_]) => return Trouble::wrong("the Close has a body of one byte"),
                (8, [high, low, reason @ ..]) => {
                    if std::str::from_utf8(reason).is_err() {
                        return Trouble::wrong("the reason of the Close is not UTF-8");
                    }
                    return Ok(Some(u16::from_be_bytes([*high, *low])));
                }
                (9 | 0xA, _) => {}
                _ => return Trouble::wrong("a message came instead of a Close"),
            }
        }
    }

    /// Nothing may come for a moment.
    pub fn expect_silence(&mut self) -> Result<(), Trouble> {
        match self.listen(MOMENT)? {
            Heard::Silence => Ok(()),
            Heard::End => Trouble::wrong("the connection ended"),
            Heard::Frame(frame) => {
                Trouble::wrong(format!("{} came", describe(frame.first, &frame.payload)))
            }
        }
    }

    /// The stream must end, whatever comes before.
    pub fn expect_end(&mut self) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.target.patience;
        loop {
            match self.listen(deadline.saturating_duration_since(Instant::now()))? {
                Heard::End => return Ok(()),
                Heard::Silence => return Trouble::wrong("the TCP connection stays open"),
                Heard::Frame(_) => {}
            }
        }
    }

    /// The connection works still.
    pub fn expect_alive(&mut self) -> Result<(), Trouble> {
        self.send(TEXT, b"still there?");
        self.expect_message(TEXT, b"still there?")
    }
}

/// Reads one frame; what no endpoint may send is trouble.
fn decode(input: &[u8], masked: bool) -> Result<Option<(Frame, usize)>, Trouble> {
    let &[first, second, ref rest @ ..] = input else {
        return Ok(None);
    };
    if (second & 0x80 != 0) != masked {
        let what = if masked { "is not masked" } else { "is masked" };
        return Trouble::wrong(format!("a frame {what} (RFC 6455 5.1)"));
    }
    let (length, extra) = match (second & 0x7F, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8)
        }
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 0),
    };
    let minimal = match extra {
        2 => length > 125,
        8 => length > 0xFFFF && length >> 63 == 0,
        _ => true,
    };
    if !minimal {
        return Trouble::wrong("a frame has a length that is not in its shortest form (5.2)");
    }
    if first & 0x08 != 0 && (length > 125 || first & 0x80 == 0) {
        return Trouble::wrong("a control frame is in fragments or too long (5.5)");
    }
    let key = if masked { 4 } else { 0 };
    let start: usize = 2 + extra + key;
    let Some(end) = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length))
    else {
        return Ok(None);
    };
    let Some(payload) = input.get(start..end) else {
        return Ok(None);
    };
    let mut payload = payload.to_vec();
    for (i, byte) in payload.iter_mut().enumerate().filter(|_| masked) {
        *byte ^= input[start - 4 + i % 4];
    }
    Ok(Some((Frame { first, payload }, end)))
}

/// A length in as few bytes as it needs, without the mask bit.
pub fn shortest(length: u64) -> Vec<u8> {
    match length {
        0..=125 => vec![length as u8],
        126..=0xFFFF => [&[126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[127][..], &length.to_be_bytes()].concat(),
    }
}

/// A frame with any length field.
pub fn encode(first: u8, payload: &[u8], mask: bool, mut length: Vec<u8>) -> Vec<u8> {
    let key: [u8; 4] = rand_key();
    let mut bytes = vec![first];
    if mask {
        length[0] |= 0x80;
    }
    bytes.extend(length);
    if mask {
        bytes.extend(key);
        bytes.extend(
            payload
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key[i % 4]),
        );
    } else {
        bytes.extend_from_slice(payload);
    }
    bytes
}

fn rand_key() -> [u8; 4] {
    use wirebell::wire::Entropy as _;
    let mut key = [0; 4];
    wirebell::client::Random.fill(&mut key);
    key
}

/// A frame in a few words.
pub fn describe(first: u8, payload: &[u8]) -> String {
    let name = match first & 0x0F {
        0 => "continuation".to_owned(),
        1 => "text".to_owned(),
        2 => "binary".to_owned(),
        8 => "close".to_owned(),
        9 => "ping".to_owned(),
        0xA => "pong".to_owned(),
        other => format!("opcode {other}"),
    };
    let fin = if first & 0x80 == 0 {
        " (more follows)"
    } else {
        ""
    };
    let rsv: String = [(0x40, " RSV1"), (0x20, " RSV2"), (0x10, " RSV3")]
        .iter()
        .filter(|(bit, _)| first & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    format!(
        "{name}{fin}{rsv}, {} bytes {}",
        payload.len(),
        shown(payload)
    )
}

/// The beginning of some bytes, as text where they are.
pub fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    let printable = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\r' | b'\n');
    match !head.is_empty() && head.iter().all(printable) {
        true => format!("{:?}{more}", String::from_utf8_lossy(head)),
        false => {
            let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[{}{more}]", hex.join(" "))
        }
    }
}
