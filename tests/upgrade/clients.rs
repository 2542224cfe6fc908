//! Subscribers in event loops of ours, publishers on blocking sockets.
//!
//! Each message says its number in its topic. A subscriber that gets another number than the next
//! one fails the test, as does one whose connection ends.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use wirebell::Message;
use wirebell::client::{self, Endpoint};
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::{Clients, Context, Dial, End, Options, PeerId, Service};

/// The tag of those that talk to `/echo`.
const ECHO: u32 = u32::MAX;

/// Of them there are so many.
const ECHOING: usize = 6;

/// What all clients have seen.
pub struct Load {
    shared: Arc<Shared>,
}

struct Shared {
    topics: usize,
    opened: AtomicUsize,
    /// By client: the last number, plus one; 0 before the first message.
    next: Vec<AtomicU64>,
    echoes: AtomicU64,
    /// The test is over: connections may end.
    over: AtomicBool,
    failed: AtomicUsize,
}

/// Dropping it ends the clients.
pub struct Subscribers {
    shared: Arc<Shared>,
    _clients: Clients<()>,
    _streams: Vec<thread::JoinHandle<()>>,
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        self.shared.over.store(true, Relaxed);
    }
}

/// At most as many subscribers as this.
const MOST: usize = 100_000;

/// Of so many clients one reads server-sent events.
const EVENTS: usize = 10;

impl Load {
    pub fn new(topics: usize) -> Self {
        let shared = Shared {
            topics,
            opened: AtomicUsize::new(0),
            next: (0..MOST).map(|_| AtomicU64::new(0)).collect(),
            echoes: AtomicU64::new(0),
            over: AtomicBool::new(false),
            failed: AtomicUsize::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// So many clients, once all of them listen.
    pub fn subscribe(&self, port: u16, count: usize) -> Subscribers {
        let is_stream = |number: &usize| number % EVENTS == EVENTS - 1;
        let shared = &self.shared;
        let streams: Vec<_> = (0..count)
            .filter(is_stream)
            .map(|number| {
                let shared = Arc::clone(shared);
                thread::Builder::new()
                    .stack_size(256 * 1024)
                    .spawn(move || shared.read_events(port, number))
                    .expect("a thread")
            })
            .collect();
        let numbers: Vec<_> = (0..count).filter(|it| !is_stream(it)).collect();
        let dials = Arc::new(shared.dials(port, &numbers));
        let ours = Arc::clone(shared);
        let options = Options::default().workers(1).deflate(Some(deflate()));
        let clients = Clients::start(options, move |_| Listener {
            shared: Arc::clone(&ours),
            dials: Arc::clone(&dials),
        });
        let all = count + ECHOING;
        let until = Instant::now() + Duration::from_secs(60);
        while shared.opened.load(Relaxed) < all {
            assert!(Instant::now() < until, "not all have connected");
            thread::sleep(Duration::from_millis(5));
        }
        Subscribers {
            shared: Arc::clone(shared),
            _clients: clients.expect("loops"),
            _streams: streams,
        }
    }

    /// Waits until every subscriber has all that was published to its topic.
    pub fn expect_all(&self, published: &[(usize, u64)], patience: Duration) {
        let until = Instant::now() + patience;
        let topics = self.shared.topics;
        let mut counts = vec![0; topics];
        published
            .iter()
            .for_each(|(topic, count)| counts[*topic] = *count);
        let count = self.shared.opened.load(Relaxed) - ECHOING;
        for number in 0..count {
            let expected = counts[number % topics];
            loop {
                assert_eq!(self.shared.failed.load(Relaxed), 0, "clients have failed");
                let next = self.shared.next[number].load(Relaxed);
                if next == expected {
                    break;
                }
                assert!(
                    Instant::now() < until,
                    "client {number}: {next} of {expected}"
                );
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    pub fn echoes(&self) -> u64 {
        self.shared.echoes.load(Relaxed)
    }
}

fn deflate() -> Settings {
    let policy = DeflatePolicy::default()
        .server_takeover(true)
        .client_takeover(true);
    Settings::default().policy(policy)
}

impl Shared {
    fn dials(&self, port: u16, numbers: &[usize]) -> Vec<Dial> {
        let endpoint = |path: &str, compressed: bool| {
            let mut options = client::Options::default();
            options.handshakes = 20;
            options.deflate = compressed.then(deflate);
            let uri = format!("ws://127.0.0.1:{port}{path}");
            Arc::new(Endpoint::resolve(&uri, options).expect("an endpoint"))
        };
        let of = |number: usize, compressed| {
            endpoint(
                &format!("/topics/{}", topic(number % self.topics)),
                compressed,
            )
        };
        let subscribers = numbers.iter().map(|number| Dial {
            tag: *number as u32,
            ..Dial::new(of(*number, number % 3 == 0))
        });
        let echo = endpoint("/echo", true);
        let echoing = (0..ECHOING).map(|_| Dial {
            tag: ECHO,
            ..Dial::new(echo.clone())
        });
        subscribers.chain(echoing).collect()
    }

    fn fail(&self, text: &str) {
        if !self.over.load(Relaxed) {
            self.failed.fetch_add(1, Relaxed);
            eprintln!("{text}");
        }
    }

    /// A message has come to this client.
    fn note(&self, number: usize, payload: &str) {
        let came: Option<u64> = payload.split(' ').next().and_then(|it| it.parse().ok());
        let next = self.next[number].load(Relaxed);
        match came {
            Some(came) if came == next => self.next[number].store(next + 1, Relaxed),
            _ => self.fail(&format!("client {number}: {next} is next, not {came:?}")),
        }
    }

    fn read_events(&self, port: u16, number: usize) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server");
        let topic = topic(number % self.topics);
        let request = format!(
            "GET /topics/{topic} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("it reads");
        let (mut text, mut bytes) = (Vec::new(), [0; 16 * 1024]);
        let mut has_begun = false;
        loop {
            match stream.read(&mut bytes) {
                Ok(0) | Err(_) => return self.fail(&format!("stream {number} has ended")),
                Ok(len) => text.extend_from_slice(&bytes[..len]),
            }
            if !has_begun {
                has_begun = true;
                self.opened.fetch_add(1, Relaxed);
            }
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                if let Some(data) = line.trim_end().strip_prefix("data: ") {
                    self.note(number, data);
                }
            }
        }
    }
}

struct Listener {
    shared: Arc<Shared>,
    dials: Arc<Vec<Dial>>,
}

impl Service for Listener {
    type Mail = ();

    fn started(&mut self, context: &mut Context<'_>) {
        for dial in self.dials.iter() {
            context.dial(dial.clone());
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.shared.opened.fetch_add(1, Relaxed);
        if context.tag(peer) == Some(ECHO) {
            let _ = context.send(peer, Message::text(&payload(0)));
        }
    }

    fn not_opened(&mut self, _: &mut Context<'_>, tag: u32, error: &client::Error) {
        self.shared.fail(&format!("client {tag}: {error}"));
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let text = message.as_text().unwrap_or_default();
        match context.tag(peer) {
            Some(ECHO) => {
                let number = text.split(' ').next().and_then(|it| it.parse().ok());
                let number: u64 = number.unwrap_or(u64::MAX);
                if text != payload(number) {
                    self.shared.fail(&format!("another echo: {text}"));
                }
                self.shared.echoes.fetch_add(1, Relaxed);
                let _ = context.send(peer, Message::text(&payload(number + 1)));
            }
            Some(number) => self.shared.note(number as usize, text),
            None => {}
        }
    }

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        let tag = context.tag(peer);
        self.shared
            .fail(&format!("client {tag:?} has ended: {end:?}"));
    }
}

fn topic(number: usize) -> String {
    format!("t.{number}")
}

/// Long enough to be compressed.
fn payload(number: u64) -> String {
    format!(
        "{number} of many messages, each of which is longer than what is sent as it is: {}",
        number * 7919
    ) + " and some more of the same words, of the same words, of the same words"
}

/// Posts to some topics in turn.
pub struct Publisher {
    topics: Vec<usize>,
    pause: Duration,
}

impl Publisher {
    /// One of `of`, which together post `rate` messages a second.
    pub fn new(number: usize, of: usize, topics: usize, rate: usize) -> Self {
        Self {
            topics: (number..topics).step_by(of).collect(),
            pause: Duration::from_secs(of as u64) / rate.max(1) as u32,
        }
    }

    /// Returns how many messages each topic has got. The connection must not end.
    pub fn run(&self, port: u16, ends: &AtomicBool) -> Vec<(usize, u64)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server");
        stream.set_nodelay(true).expect("an option");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("an option");
        let mut counts: Vec<(usize, u64)> = self.topics.iter().map(|it| (*it, 0)).collect();
        let (began, mut posted) = (Instant::now(), 0);
        'all: loop {
            for (number, count) in &mut counts {
                if ends.load(Relaxed) {
                    break 'all;
                }
                post(&mut stream, &topic(*number), &payload(*count));
                *count += 1;
                posted += 1;
                let due = began + self.pause * posted;
                thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        }
        counts
    }
}

fn post(stream: &mut TcpStream, topic: &str, body: &str) {
    let request = format!(
        "POST /topics/{topic} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let (mut answer, mut some) = (Vec::new(), [0; 4096]);
    // The answer is one object, without others in it.
    while answer.last() != Some(&b'}') && answer.last() != Some(&b'\n') || !answer.contains(&b'}') {
        let len = stream.read(&mut some).expect("an answer");
        assert!(len > 0, "the connection of a publisher has ended");
        answer.extend_from_slice(&some[..len]);
    }
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}
