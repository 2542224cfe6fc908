//! The gotify dialect as its clients see it, on simulated sockets and a virtual clock.

mod credentials;
mod managing;
mod messages;
mod stores;
mod streams;
mod topics;

use crate::net_support::client::{HttpResponse, upgrade};
use crate::net_support::push::ask;
use crate::net_support::simulated::{SimulatedStream, Turns};
use crate::net_support::{Client, options};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wirebell::net::Options;
use wirebell::push::{Clock, Gotify, MemoryStore, Passwords, PushService, Settings, Shared, Store};

/// The Unix time in milliseconds at which each test begins.
const BEGIN: u64 = 1_795_822_200_000;

const JSON: &str = "Content-Type: application/json\r\n";

type Socket = Client<SimulatedStream<PushService>>;

/// A push server with one application and one client of its first user.
struct World {
    turns: Rc<Turns<PushService>>,
    shared: Shared,
    password: String,
    application: String,
    client: String,
}

/// A field with its line end.
fn key(token: &str) -> String {
    format!("X-Gotify-Key: {token}\r\n")
}

fn basic(name: &str, password: &str) -> String {
    let text = BASE64_STANDARD.encode(format!("{name}:{password}"));
    format!("Authorization: Basic {text}\r\n")
}

#[track_caller]
fn parsed(answer: &HttpResponse) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// The status, after a look at the form of an error.
#[track_caller]
fn status(answer: &HttpResponse) -> u16 {
    if answer.status >= 400 {
        let body = parsed(answer);
        assert_eq!(body["errorCode"], answer.status, "{answer:?}");
        assert!(body["error"].is_string() && body["errorDescription"].is_string());
        assert_eq!(answer.field("content-type"), Some("application/json"));
    }
    answer.status
}

/// What the workers share, and the password of a new user.
fn share(
    settings: Settings,
    store: Arc<dyn Store>,
    workers: usize,
    now: Arc<AtomicU64>,
) -> (Shared, Option<String>) {
    let (gotify, password) = Gotify::open(store, Passwords::immediate()).expect("opens");
    let settings = settings
        .clock(Clock::new(move || BEGIN + now.load(Relaxed)))
        .gotify(Some(gotify));
    let address = "127.0.0.1:80".parse().expect("an address");
    (Shared::new(settings, &[address], workers), password)
}

impl World {
    fn start() -> Self {
        Self::with(
            options(),
            Settings::default(),
            Arc::new(MemoryStore::default()),
        )
    }

    fn with(options: Options, settings: Settings, store: Arc<dyn Store>) -> Self {
        let now: Arc<AtomicU64> = Arc::default();
        let (shared, password) = share(settings, store, options.workers, Arc::clone(&now));
        let of_workers = shared.clone();
        let turns = Turns::start(options, now, move |worker| {
            PushService::new(&of_workers, &worker.mailboxes)
        });
        let mut world = Self {
            turns: Rc::new(turns),
            shared,
            password: password.unwrap_or_default(),
            application: String::new(),
            client: String::new(),
        };
        if !world.password.is_empty() {
            let admin = basic("admin", &world.password);
            world.application = world.token("/application?name=backup", &admin);
            world.client = world.token("/client?name=phone", &admin);
        }
        world
    }

    /// What is made, and its token.
    #[track_caller]
    fn token(&self, target: &str, fields: &str) -> String {
        let made = parsed(&self.ask("POST", target, fields, ""));
        made["token"].as_str().expect("a token").to_owned()
    }

    #[track_caller]
    fn ask(
        &self,
        method: &str,
        target: &str,
        fields: &str,
        body: impl AsRef<[u8]>,
    ) -> HttpResponse {
        ask(&mut self.turns.connect(), method, target, fields, body)
    }

    /// A request of the client, and the JSON of its answer.
    #[track_caller]
    fn get(&self, target: &str) -> Value {
        let answer = self.ask("GET", target, &key(&self.client), "");
        assert_eq!(status(&answer), 200, "{answer:?}");
        parsed(&answer)
    }

    /// The head of the answer to a request without credentials.
    #[track_caller]
    fn head(&self, method: &str, target: &str) -> HttpResponse {
        let mut client = self.turns.connect();
        client.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
        client.head()
    }

    /// The same without an answer that says anything.
    #[track_caller]
    fn delete(&self, target: &str) {
        let answer = self.ask("DELETE", target, &key(&self.client), "");
        assert_eq!((answer.status, &*answer.body), (200, ""));
    }

    /// Publishes a text; returns the id.
    #[track_caller]
    fn publish(&self, text: &str) -> u64 {
        let body = serde_json::json!({"message": text}).to_string();
        let fields = format!("{JSON}{}", key(&self.application));
        let answer = self.ask("POST", "/message", &fields, body);
        assert_eq!(status(&answer), 200, "{answer:?}");
        parsed(&answer)["id"].as_u64().expect("an id")
    }

    /// The ids of all messages, newest first.
    #[track_caller]
    fn ids(&self, target: &str) -> Vec<u64> {
        let page = self.get(target);
        let messages = page["messages"].as_array().expect("a list");
        messages.iter().filter_map(|it| it["id"].as_u64()).collect()
    }

    /// The stream of the client.
    #[track_caller]
    fn stream(&self) -> Socket {
        self.turns
            .connect()
            .upgraded(&format!("/stream?token={}", self.client))
    }

    /// The answer to a handshake.
    #[track_caller]
    fn handshake(&self, target: &str, fields: &str) -> HttpResponse {
        let mut client = self.turns.connect();
        client.send(upgrade(target, fields));
        client.response()
    }
}

/// A stream.
impl Socket {
    /// The next message.
    #[track_caller]
    fn message(&mut self) -> Value {
        let text = self.text();
        assert!(text.ends_with("}\n"), "{text:?}");
        serde_json::from_str(&text).expect("JSON")
    }
}
