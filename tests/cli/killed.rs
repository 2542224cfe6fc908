//! `serve --data`, killed again and again in the middle of publishing over every transport.
//!
//! ```text
//!   five publishers ──▶ server ──▶ two subscribers       until SIGKILL
//!   the next server: what was acknowledged or delivered is there, once, and at its position
//! ```

use super::data::{new_file, text};
use super::program::Program;
use crate::net_support::client::upgrade;
use crate::net_support::{Client, PATIENCE};
use crate::support::frames::{self, take_frame};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;
use wirebell::Role;

/// How often the server is killed.
const KILLS: usize = 30;

/// Messages of a topic that its history surely holds, which is 100 and may have a few more that
/// were never acknowledged.
const HELD: usize = 80;

/// Texts of messages by the numbers of their positions.
pub type Messages = BTreeMap<u64, String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    /// One POST for each message.
    Single,
    /// One POST for five.
    Batch,
    /// A WebSocket with `wirebell.v1`.
    Envelopes,
    /// A WebSocket without: nothing acknowledges a message, but it comes back.
    Raw,
    /// The `POST /message` of gotify.
    Gotify,
}

const TRANSPORTS: [Transport; 5] = [
    Transport::Single,
    Transport::Batch,
    Transport::Envelopes,
    Transport::Raw,
    Transport::Gotify,
];

pub fn serve(path: &Path) -> (Program, SocketAddr) {
    Program::serve(&["--listen", "127.0.0.1:0", "--data", text(path)])
}

fn stop(mut program: Program) -> String {
    program.signal(Signal::TERM);
    program.wait();
    program.stdout()
}

/// The token of a client of gotify, of a file that is new.
fn gotify_client(path: &Path) -> String {
    let printed = stop(serve(path).0);
    let (_, password) = printed.split_once("the password ").expect("a password");
    let password = password.lines().next().expect("a line").trim();
    let (program, address) = serve(path);
    let login = base64(&format!("admin:{password}"));
    let fields = format!("Authorization: Basic {login}\r\nContent-Type: application/json\r\n");
    let made = Client::connect(address).post("/client", &fields, r#"{"name":"test"}"#);
    let token = parsed(&made.body)["token"].as_str().map(str::to_owned);
    stop(program);
    token.unwrap_or_else(|| panic!("{made:?}"))
}

fn base64(text: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.encode(text)
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// The number of a position, or of a message of gotify.
fn number(id: &Value) -> u64 {
    let text = id.as_str().and_then(|it| it.rsplit('-').next());
    let number = text.map_or(id.as_u64(), |it| it.parse().ok());
    number.unwrap_or_else(|| panic!("{id} is no position"))
}

/// The topic, the number and the text of an envelope. A message of gotify is JSON.
fn message(envelope: &Value) -> (String, u64, String) {
    let topic = envelope["topic"].as_str().expect("a topic").to_owned();
    let mut data = envelope["data"].as_str().expect("a text").to_owned();
    if topic.starts_with('$') {
        let message = parsed(&data);
        data = message["message"].as_str().expect("a message").to_owned();
    }
    (topic, number(&envelope["id"]), data)
}

/// A connection whose end is no failure: the server is killed.
pub struct Wire {
    stream: TcpStream,
    bytes: Vec<u8>,
}

impl Wire {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server has just started");
        let patience = stream.set_read_timeout(Some(PATIENCE));
        patience.expect("an option");
        let bytes = Vec::new();
        Self { stream, bytes }
    }

    /// A WebSocket; `more` are fields of the request.
    fn upgraded(address: SocketAddr, path: &str, more: &str) -> Self {
        let mut wire = Self::open(address);
        let head = wire.send(upgrade(path, more)).and_then(|()| wire.head());
        let head = head.expect("the server has just started");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        wire
    }

    fn send(&mut self, bytes: impl AsRef<[u8]>) -> Option<()> {
        self.stream.write_all(bytes.as_ref()).ok()
    }

    fn fill(&mut self) -> Option<()> {
        let mut part = [0; 16 * 1024];
        let len = self.stream.read(&mut part).ok().filter(|len| *len > 0)?;
        self.bytes.extend_from_slice(&part[..len]);
        Some(())
    }

    fn take(&mut self, len: usize) -> String {
        let taken = self.bytes.drain(..len).collect();
        String::from_utf8(taken).expect("UTF-8")
    }

    fn head(&mut self) -> Option<String> {
        loop {
            let end = self.bytes.windows(4).position(|it| it == b"\r\n\r\n");
            match end {
                Some(end) => return Some(self.take(end + 4)),
                None => self.fill()?,
            }
        }
    }

    /// The body of the answer to a request.
    fn ask(&mut self, path: &str, fields: &str, body: &str) -> Option<String> {
        let (status, answer) = self.answer(path, fields, body)?;
        assert!(matches!(status, 200..300), "{status}: {answer}");
        Some(answer)
    }

    /// The status and the body.
    pub fn answer(&mut self, path: &str, fields: &str, body: &str) -> Option<(u16, String)> {
        let length = body.len();
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {length}\r\n\r\n\
             {body}"
        ))?;
        let head = self.head()?;
        let mut lines = head.lines();
        let length = lines.find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.expect("a length").parse().expect("a number");
        while self.bytes.len() < length {
            self.fill()?;
        }
        let status = head["HTTP/1.1 ".len()..][..3].parse();
        Some((status.expect("a status"), self.take(length)))
    }

    fn send_text(&mut self, text: &str) -> Option<()> {
        self.send(frames::text(text).to(Role::Server))
    }

    /// The next message.
    fn text(&mut self) -> Option<String> {
        loop {
            if let Some((frame, len)) = take_frame(&self.bytes) {
                self.bytes.drain(..len);
                assert_eq!(frame.first, 0x81, "{frame:?}");
                return String::from_utf8(frame.payload).ok();
            }
            self.fill()?;
        }
    }

    /// The next message, which is an object of this type.
    fn object(&mut self, kind: &str) -> Option<Value> {
        loop {
            let object = parsed(&self.text()?);
            if object["type"] == kind {
                return Some(object);
            }
        }
    }
}

/// A publisher of one topic.
struct Publisher {
    transport: Transport,
    name: String,
    wire: Wire,
    /// Of an application of gotify.
    token: String,
}

/// What a publisher knows.
#[derive(Default)]
struct Told {
    acknowledged: Messages,
    /// What has come back, without a position.
    echoed: Vec<String>,
}

impl Publisher {
    fn new(address: SocketAddr, transport: Transport, name: String, token: String) -> Self {
        let wire = match transport {
            Transport::Envelopes => {
                let protocol = "Sec-WebSocket-Protocol: wirebell.v1\r\n";
                Wire::upgraded(address, "/topics", protocol)
            }
            Transport::Raw => Wire::upgraded(address, &format!("/topics/all.{name}"), ""),
            _ => Wire::open(address),
        };
        Self {
            transport,
            name,
            wire,
            token,
        }
    }

    /// Publishes until the server is gone.
    fn run(mut self) -> Told {
        let mut told = Told::default();
        for round in 0.. {
            let text = format!("{}-{round}", self.name);
            if self.publish(&text, &mut told).is_none() {
                break;
            }
        }
        told
    }

    fn publish(&mut self, text: &str, told: &mut Told) -> Option<()> {
        let topic = format!("all.{}", self.name);
        let mut acknowledge = |object: &Value, text: String| {
            assert!(object["error"].is_null(), "{object}");
            told.acknowledged.insert(number(&object["id"]), text);
        };
        match self.transport {
            Transport::Single => {
                let answer = self.wire.ask(&format!("/topics/{topic}"), "", text)?;
                acknowledge(&parsed(&answer), text.to_owned());
            }
            Transport::Batch => {
                let texts: Vec<_> = (0..5).map(|part| format!("{text}-{part}")).collect();
                let line = |text| format!("{}\n", json!({"topic": topic, "data": text}));
                let lines: String = texts.iter().map(line).collect();
                let answer = self.wire.ask("/topics", "", &lines)?;
                for (line, text) in answer.lines().zip(texts) {
                    acknowledge(&parsed(line), text);
                }
            }
            Transport::Envelopes => {
                let request = json!({"type": "publish", "topic": topic, "data": text});
                self.wire.send_text(&request.to_string())?;
                acknowledge(&self.wire.object("published")?, text.to_owned());
            }
            Transport::Raw => {
                self.wire.send_text(text)?;
                assert_eq!(self.wire.text()?, text);
                told.echoed.push(text.to_owned());
            }
            Transport::Gotify => {
                let fields = "Content-Type: application/json\r\n";
                let path = format!("/message?token={}", self.token);
                let body = json!({ "message": text }).to_string();
                let answer = self.wire.ask(&path, fields, &body)?;
                acknowledge(&parsed(&answer), text.to_owned());
            }
        }
        Some(())
    }
}

/// A subscriber. Returns what is to be there later of all that it gets.
fn follow(address: SocketAddr, path: &str) -> impl FnOnce() -> Messages + use<> {
    let protocol = "Sec-WebSocket-Protocol: wirebell.v1\r\n";
    let mut wire = Wire::upgraded(address, path, protocol);
    wire.object("subscribed")
        .expect("the server has just started");
    move || {
        let (mut topics, mut last) = (BTreeMap::<_, Messages>::new(), 0);
        while let Some(object) = wire.object("message") {
            let (topic, number, text) = message(&object);
            assert!(number > last, "{number} after {last}");
            last = number;
            topics.entry(topic).or_default().insert(number, text);
        }
        topics.into_values().flat_map(newest).collect()
    }
}

fn newest(messages: Messages) -> impl Iterator<Item = (u64, String)> {
    let skipped = messages.len().saturating_sub(HELD);
    messages.into_iter().skip(skipped)
}

/// All that the histories below a pattern hold.
pub fn history(address: SocketAddr, pattern: &str, token: &str) -> Messages {
    let mut client = Client::connect(address);
    let mut since = "all".to_owned();
    let mut found = Messages::new();
    loop {
        let answer = client.ask(format!(
            "GET /topics/{pattern}?poll=0&since={since}{token} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
        let answer = parsed(&answer.body);
        let messages = answer["messages"].as_array();
        for envelope in messages.unwrap_or_else(|| panic!("{answer}")) {
            let (_, number, text) = message(envelope);
            found.insert(number, text);
        }
        answer["position"]
            .as_str()
            .expect("a position")
            .clone_into(&mut since);
        if answer["more"] != true {
            return found;
        }
    }
}

/// What has to be there, whatever happens.
#[derive(Default)]
struct Known {
    messages: Messages,
    echoed: Vec<String>,
}

impl Known {
    fn check(&self, found: &Messages, kill: usize) {
        for (number, text) in &self.messages {
            assert_eq!(found.get(number), Some(text), "kill {kill}: {number}");
        }
        let texts: HashSet<_> = found.values().collect();
        assert_eq!(
            texts.len(),
            found.len(),
            "kill {kill}: a message is there twice"
        );
        let lost = self.echoed.iter().find(|text| !texts.contains(text));
        assert_eq!(lost, None, "kill {kill}");
    }

    /// A position never means two messages.
    fn add(&mut self, messages: impl IntoIterator<Item = (u64, String)>) {
        for (number, text) in messages {
            let before = self.messages.insert(number, text.clone());
            assert!(
                before.is_none_or(|before| before == text),
                "{number}: {text}"
            );
        }
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged_or_delivered() {
    let path = new_file("killed.db");
    let client = format!("&token={}", gotify_client(&path));
    let mut known = Known::default();
    let mut by_transport = [0; TRANSPORTS.len()];
    for kill in 0..KILLS {
        let (mut program, address) = serve(&path);
        let mut found = history(address, "all.**", "");
        found.append(&mut history(address, "$gotify.1.*", &client));
        known.check(&found, kill);
        let path = format!("/application?{}", &client[1..]);
        let fields = "Content-Type: application/json\r\n";
        let name = json!({"name": kill.to_string()}).to_string();
        let application = Client::connect(address).post(&path, fields, &name);
        let token = parsed(&application.body)["token"].clone();
        let token = token.as_str().unwrap_or_else(|| panic!("{application:?}"));
        let gotify = format!("/topics/$gotify.1.*?{}", &client[1..]);
        let subscribers = ["/topics/all.**", &gotify];
        let subscribers = subscribers.map(|path| thread::spawn(follow(address, path)));
        let publishers = TRANSPORTS.map(|transport| {
            let name = format!("{kill}-{}", transport as usize);
            let publisher = Publisher::new(address, transport, name, token.to_owned());
            thread::spawn(|| publisher.run())
        });
        thread::sleep(Duration::from_millis(20 + 7 * (kill as u64 % 5)));
        program.signal(Signal::KILL);
        program.wait();
        for (publisher, count) in publishers.into_iter().zip(&mut by_transport) {
            let Told {
                acknowledged,
                echoed,
            } = publisher.join().expect("it ends with the server");
            *count += acknowledged.len() + echoed.len();
            known.add(newest(acknowledged));
            let skipped = echoed.len().saturating_sub(HELD);
            known.echoed.extend(echoed.into_iter().skip(skipped));
        }
        for subscriber in subscribers {
            known.add(subscriber.join().expect("it ends with the server"));
        }
    }
    assert!(by_transport.iter().all(|it| *it > 0), "{by_transport:?}");
}
