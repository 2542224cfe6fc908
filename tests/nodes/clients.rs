//! Subscribers and publishers, on blocking sockets.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What all clients share.
pub struct Run {
    ports: Vec<u16>,
    pub fence: AtomicUsize,
    pub stops_publishing: AtomicBool,
    pub stops: AtomicBool,
    /// By fence: subscribers that have got it.
    reached: Mutex<HashMap<usize, usize>>,
    /// When each fault began, and whether it may lose messages.
    faults: Mutex<Vec<(Instant, bool)>>,
}

impl Run {
    pub fn new(ports: Vec<u16>) -> Self {
        Self {
            ports,
            fence: AtomicUsize::new(0),
            stops_publishing: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            reached: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub fn reached(&self, fence: usize) -> usize {
        *self.reached.lock().unwrap().entry(fence).or_default()
    }

    pub fn begin(&self, loses: bool) {
        self.faults.lock().unwrap().push((Instant::now(), loses));
    }

    pub fn losses(&self) -> Vec<(Instant, bool)> {
        self.faults.lock().unwrap().clone()
    }
}

/// A place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    pub epoch: String,
    pub sequence: u64,
}

impl Position {
    pub fn read(text: &str) -> Option<Self> {
        let (epoch, sequence) = text.split_once('-')?;
        Some(Self {
            epoch: epoch.to_owned(),
            sequence: sequence.parse().ok()?,
        })
    }
}

/// What a subscriber has seen.
#[derive(Clone, Debug)]
pub enum Seen {
    /// A connection, which begins here.
    Began,
    Message(Position, String),
    Gap,
}

pub struct Subscriber {
    run: Arc<Run>,
    number: usize,
    pub patterns: &'static str,
    last: Option<String>,
    pub seen: Vec<(Instant, Seen)>,
}

/// What the subscribers of a server want.
const PATTERNS: [&str; 4] = ["t.*", "**", "t.1,t.2,t.fence", "t.3,t.fence"];

impl Subscriber {
    pub fn new(run: Arc<Run>, number: usize) -> Self {
        Self {
            run,
            number,
            patterns: PATTERNS[number % PATTERNS.len()],
            last: None,
            seen: Vec::new(),
        }
    }

    pub fn wants(&self, topic: &str) -> bool {
        let mut patterns = self.patterns.split(',');
        patterns.any(|it| it == topic || it.contains('*'))
    }

    /// Reconnects for ever, to its server as long as that can be reached, with its last position.
    pub fn run(mut self) -> Self {
        let mut server = self.number;
        while !self.run.stops.load(Relaxed) {
            let port = self.run.ports[server % self.run.ports.len()];
            if self.stream(port).is_none() {
                server += 1;
            }
            thread::sleep(Duration::from_millis(50 + self.number as u64));
        }
        self
    }

    /// One connection. `None` if it did not begin.
    fn stream(&mut self, port: u16) -> Option<()> {
        let since = self.last.as_deref().unwrap_or("all");
        let target = format!("/topics/{}?format=ndjson&since={since}", self.patterns);
        let mut lines = open(port, &format!("GET {target} HTTP/1.1"), b"")?;
        if !lines.status.contains(" 200 ") {
            return None;
        }
        self.note(Seen::Began);
        while let Some(line) = lines.line() {
            self.line(&line);
            if self.run.stops.load(Relaxed) {
                break;
            }
        }
        Some(())
    }

    fn line(&mut self, line: &str) {
        match field(line, "type") {
            Some("message") => {
                let id = field(line, "id").expect("an id").to_owned();
                let position = Position::read(&id).expect("a position");
                let data = field(line, "data").expect("a text").to_owned();
                if let Some(number) = data.strip_prefix("fence-") {
                    let number = number.parse().expect("a number");
                    *self.run.reached.lock().unwrap().entry(number).or_default() += 1;
                }
                self.last = Some(id);
                self.note(Seen::Message(position, data));
            }
            Some("subscribed") => {
                self.last = field(line, "position").map(str::to_owned);
            }
            Some("gap") => self.note(Seen::Gap),
            _ => {}
        }
    }

    fn note(&mut self, seen: Seen) {
        self.seen.push((Instant::now(), seen));
    }
}

/// A text member of an object that is written without spaces.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let start = line.find(&format!("\"{name}\":\""))? + name.len() + 4;
    let len = line[start..].find('"')?;
    Some(&line[start..start + len])
}

/// A response, whose body is read in chunks.
struct Lines {
    status: String,
    fields: Vec<String>,
    stream: BufReader<TcpStream>,
    rest: Vec<u8>,
}

fn open(port: u16, line: &str, body: &[u8]) -> Option<Lines> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    // More than a keep-alive: a silent server is gone.
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .ok()?;
    let head = format!(
        "{line}\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    let mut stream = BufReader::new(stream);
    let mut fields = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|len| *len > 0)?;
        if line.trim().is_empty() {
            break;
        }
        fields.push(line.trim().to_owned());
    }
    Some(Lines {
        status: fields.first()?.clone(),
        fields,
        stream,
        rest: Vec::new(),
    })
}

impl Lines {
    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|it| *it == b'\n') {
                let line = self.rest.drain(..=end).collect();
                return String::from_utf8(line).ok();
            }
            let mut size = String::new();
            self.stream
                .read_line(&mut size)
                .ok()
                .filter(|len| *len > 0)?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).ok()?;
            if size == 0 {
                return None;
            }
            self.rest.extend_from_slice(&chunk[..size]);
        }
    }
}

/// A publication that was acknowledged.
#[derive(Clone, Debug)]
pub struct Published {
    pub topic: String,
    pub data: String,
    pub position: Position,
    /// Before it was sent for the first time.
    pub sent: Instant,
}

pub struct Publisher {
    run: Arc<Run>,
    number: usize,
    server: usize,
    pub published: Vec<Published>,
    /// Answers 503.
    pub refused: usize,
}

impl Publisher {
    pub fn new(run: Arc<Run>, number: usize) -> Self {
        Self {
            run,
            number,
            server: number,
            published: Vec::new(),
            refused: 0,
        }
    }

    pub fn run(mut self) -> Self {
        let mut count = 0;
        while !self.run.stops_publishing.load(Relaxed) {
            count += 1;
            let topic = format!("t.{}", count % 5);
            let data = format!("{}-{count}", self.number);
            match count % 2 {
                0 => self.publish(&topic, &data),
                _ => self.publish_without_key(&topic, &data),
            }
            thread::sleep(Duration::from_millis(12));
        }
        self
    }

    /// Until it is acknowledged, by whatever server.
    pub fn publish(&mut self, topic: &str, data: &str) {
        let sent = Instant::now();
        let line = format!("POST /topics/{topic} HTTP/1.1\r\nIdempotency-Key: {data}");
        while !self.attempt(&line, topic, data, sent) {
            self.next_server(data, sent);
        }
    }

    /// The same without a key: each attempt is another message, as one that failed may be in the
    /// log nevertheless.
    fn publish_without_key(&mut self, topic: &str, data: &str) {
        let began = Instant::now();
        let line = format!("POST /topics/{topic} HTTP/1.1");
        let mut attempts = 1;
        while !self.attempt(&line, topic, &format!("{data}/{attempts}"), Instant::now()) {
            attempts += 1;
            self.next_server(data, began);
        }
    }

    /// Whether it was acknowledged.
    fn attempt(&mut self, line: &str, topic: &str, data: &str, sent: Instant) -> bool {
        let port = self.run.ports[self.server % self.run.ports.len()];
        match answer(port, line, data.as_bytes()) {
            Some((status, body, _)) if status.contains(" 201 ") || status.contains(" 202 ") => {
                let id = field(&body, "id").expect("a position");
                self.published.push(Published {
                    topic: topic.to_owned(),
                    data: data.to_owned(),
                    position: Position::read(id).expect("a position"),
                    sent,
                });
                true
            }
            Some((status, body, has_retry_after)) => {
                assert!(status.contains(" 503 "), "{status} {body}");
                assert!(has_retry_after, "503 without Retry-After");
                self.refused += 1;
                false
            }
            None => false,
        }
    }

    fn next_server(&mut self, data: &str, began: Instant) {
        self.server += 1;
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{data} is never acknowledged"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn answer(port: u16, line: &str, body: &[u8]) -> Option<(String, String, bool)> {
    let mut lines = open(port, line, body)?;
    let length = lines
        .fields
        .iter()
        .find_map(|it| it.strip_prefix("Content-Length: "));
    let mut body = vec![0; length?.parse().ok()?];
    lines.stream.read_exact(&mut body).ok()?;
    let has_retry_after = lines
        .fields
        .iter()
        .any(|it| it.starts_with("Retry-After: "));
    Some((lines.status, String::from_utf8(body).ok()?, has_retry_after))
}
