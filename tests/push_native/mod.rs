//! The native dialect as its clients see it, on simulated sockets and a virtual clock.

mod access;
mod batches;
mod broken;
mod envelopes;
mod full;
mod hostile;
mod operating;
mod origins;
mod polls;
mod programs;
mod proxies;
mod publishing;
mod rates;
mod receipts;
mod replays;
mod revocation;
mod slow;
mod sockets;
mod stats;
mod stopping;
mod streams;
mod tokens;

use crate::net_support::client::{HttpResponse, upgrade};
use crate::net_support::push::ask;
use crate::net_support::simulated::{SimulatedStream, Turns};
use crate::net_support::{Client, options};
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wirebell::net::Options;
use wirebell::push::{Bounds, Clock, HistoryRules, Log, PushService, Settings, Shared};

/// The Unix time in milliseconds at which each test begins.
const BEGIN: u64 = 1_795_822_200_000;

/// [`BEGIN`] as it is written.
const BEGIN_TEXT: &str = "2026-11-27T23:30:00.000Z";

type Socket = Client<SimulatedStream<PushService>>;

/// A push server.
struct Native {
    turns: Rc<Turns<PushService>>,
    shared: Shared,
}

/// Topics that keep so many messages.
fn keeping(messages: usize) -> Settings {
    let mut bounds = Bounds::default();
    bounds.messages = messages;
    Settings::default().history(HistoryRules::new(Vec::new(), bounds))
}

/// A field with its line end.
fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

#[track_caller]
fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json:?}"))
}

impl Native {
    fn start() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        Self::with_options(options(), settings)
    }

    fn with_log(log: impl Log + 'static) -> Self {
        Self::with(Settings::default().log(Some(Arc::new(log))))
    }

    fn with_options(options: Options, settings: Settings) -> Self {
        let now: Arc<AtomicU64> = Arc::default();
        let time = Arc::clone(&now);
        let settings = settings.clock(Clock::new(move || BEGIN + time.load(Relaxed)));
        let address = "127.0.0.1:80".parse().expect("an address");
        let shared = Shared::new(settings, &[address], options.workers);
        let of_workers = shared.clone();
        let turns = Turns::start(options, now, move |worker| {
            PushService::new(&of_workers, &worker.mailboxes)
        });
        Self {
            turns: Rc::new(turns),
            shared,
        }
    }

    fn connect(&self) -> Socket {
        self.turns.connect()
    }

    /// The time, in milliseconds since the test began.
    fn now(&self) -> u64 {
        self.shared.broker().now() - BEGIN
    }

    fn advance(&self, ms: u64) {
        self.turns.advance(ms);
    }

    /// The position with this number.
    fn id(&self, sequence: u64) -> String {
        self.shared.broker().head().epoch.at(sequence).to_string()
    }

    #[track_caller]
    fn get(&self, target: &str, fields: &str) -> HttpResponse {
        ask(&mut self.connect(), "GET", target, fields, "")
    }

    #[track_caller]
    fn post(&self, target: &str, fields: &str, body: impl AsRef<[u8]>) -> HttpResponse {
        ask(&mut self.connect(), "POST", target, fields, body)
    }

    /// Publishes a text over a connection of its own.
    #[track_caller]
    fn publish(&self, topic: &str, text: &str) {
        let answer = self.post(&format!("/topics/{topic}"), "", text);
        assert!(matches!(answer.status, 201 | 202), "{answer:?}");
    }

    /// Publishes the numbers of this range.
    #[track_caller]
    fn publish_all(&self, topic: &str, numbers: std::ops::RangeInclusive<usize>) {
        let lines = numbers.map(|n| format!("{{\"topic\":\"{topic}\",\"data\":\"{n}\"}}\n"));
        let answer = self.post("/topics", "", lines.collect::<String>());
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// A raw WebSocket.
    #[track_caller]
    fn raw(&self, target: &str) -> Socket {
        self.connect().upgraded(target)
    }

    #[track_caller]
    fn raw_with(&self, target: &str, fields: &str) -> Socket {
        let mut client = self.connect();
        client.send(upgrade(target, fields));
        client.expect_switch();
        client
    }

    /// A WebSocket of `wirebell.v1`.
    #[track_caller]
    fn envelopes(&self, target: &str) -> Socket {
        self.envelopes_with(target, "")
    }

    #[track_caller]
    fn envelopes_with(&self, target: &str, fields: &str) -> Socket {
        let mut client = self.connect();
        let fields = format!("Sec-WebSocket-Protocol: other, wirebell.v1\r\n{fields}");
        client.send(upgrade(target, &fields));
        let head = client.expect_switch();
        assert_eq!(head.field("sec-websocket-protocol"), Some("wirebell.v1"));
        client
    }

    /// The answer to a handshake.
    #[track_caller]
    fn handshake(&self, target: &str, fields: &str) -> HttpResponse {
        let mut client = self.connect();
        client.send(upgrade(target, fields));
        client.head()
    }

    /// A body that does not end.
    #[track_caller]
    fn stream(&self, target: &str, fields: &str) -> Body {
        let mut client = self.connect();
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        ));
        let head = client.head();
        assert_eq!(head.status, 200, "{head:?}");
        let text = String::new();
        Body { client, head, text }
    }

    #[track_caller]
    fn events(&self, target: &str) -> Body {
        self.stream(target, "Accept: text/event-stream\r\n")
    }

    /// As an `EventSource` that connects again.
    #[track_caller]
    fn events_after(&self, target: &str, id: &str) -> Body {
        let fields = format!("Accept: text/event-stream\r\nLast-Event-ID: {id}\r\n");
        self.stream(target, &fields)
    }

    #[track_caller]
    fn lines(&self, target: &str) -> Body {
        self.stream(target, "Accept: application/x-ndjson\r\n")
    }

    /// The answer to a poll.
    #[track_caller]
    fn poll(&self, target: &str) -> Value {
        let answer = self.get(target, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        parsed(&answer.body)
    }
}

/// A body in chunks.
struct Body {
    client: Socket,
    head: HttpResponse,
    /// What has come and was not looked at.
    text: String,
}

impl Body {
    #[track_caller]
    fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let found = self.text[..at].to_owned();
                self.text.drain(..at + end.len());
                return found;
            }
            let chunk = self.client.chunk();
            assert!(!chunk.is_empty(), "the end after {:?}", self.text);
            self.text += &chunk;
        }
    }

    /// The next event.
    #[track_caller]
    fn event(&mut self) -> String {
        self.until("\n\n")
    }

    /// The next line, which is JSON.
    #[track_caller]
    fn json(&mut self) -> Value {
        parsed(&self.until("\n"))
    }

    /// The body ends.
    #[track_caller]
    fn expect_end(&mut self) {
        assert_eq!((self.text.as_str(), self.client.chunk().as_str()), ("", ""));
    }
}

/// `wirebell.v1`.
impl Socket {
    #[track_caller]
    fn json(&mut self) -> Value {
        parsed(&self.text())
    }

    /// Sends a message and reads the next one, which need not be the answer.
    #[track_caller]
    fn say(&mut self, message: &str) -> Value {
        self.send_text(message);
        self.json()
    }

    /// Subscribes to something without history.
    #[track_caller]
    fn subscribed(&mut self, topics: &str) {
        let message = format!(r#"{{"type":"subscribe","topics":{topics}}}"#);
        let answer = self.say(&message);
        assert_eq!(answer["type"], "subscribed", "{answer}");
    }

    /// Sends what is wrong; returns the code word and the message.
    #[track_caller]
    fn wrong(&mut self, message: &str) -> (String, String) {
        let answer = self.say(message);
        assert_eq!(answer["type"], "error", "{answer}");
        let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        (text("error"), text("message"))
    }
}
