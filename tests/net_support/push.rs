//! The shipping server, and its publishers.

use super::client::{HttpResponse, Stream};
use super::{Client, options, options_with};
use crate::support::frames::{ping, pong};
use std::net::SocketAddr;
use wirebell::net::Options;
use wirebell::push::{PushServer, Settings};
use wirebell::{net, push};

/// The shipping server. Stops when it is dropped.
pub struct Push {
    server: Option<PushServer>,
}

impl Push {
    /// It also answers to the names that the tests use.
    pub fn start(options: Options, mut settings: Settings) -> Self {
        let names = ["a", "example.org", "host.example"];
        settings.hosts.extend(names.map(String::from));
        let server = PushServer::bind("127.0.0.1:0", options, settings).expect("a free port");
        Self {
            server: Some(server),
        }
    }

    /// With the default settings and these limits.
    pub fn limited(limits: net::Limits) -> Self {
        Self::start(options_with(limits), Settings::default())
    }

    pub fn bounded(limits: push::Limits) -> Self {
        Self::start(options(), Settings::default().limits(limits))
    }

    pub fn server(&self) -> &PushServer {
        self.server.as_ref().expect("it runs until it is dropped")
    }

    /// The server begins to stop, and is there until it has ended.
    pub fn stop(&self) {
        self.server().stop();
    }

    pub fn address(&self) -> SocketAddr {
        self.server().local_addr()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// A WebSocket connection on `/ws`.
    #[track_caller]
    pub fn open(&self) -> Client {
        Client::open_at(self.address(), "/ws")
    }

    /// A connection on `/ws` that has registered.
    #[track_caller]
    pub fn subscribe(&self, token: &str, event: &str) -> Client {
        let mut client = self.open();
        client.register(&registration(token, event));
        client
    }

    /// Publishes over a connection of its own.
    #[track_caller]
    pub fn post(&self, path: &str, fields: &str, body: &str) -> HttpResponse {
        self.connect().post(path, fields, body)
    }
}

/// What a client says to receive the pushes of a user and an event.
pub fn registration(token: &str, event: &str) -> String {
    format!(r#"{{"token":"{token}","event":"{event}"}}"#)
}

/// The body of a publication.
pub fn publication(user: &str, event: &str, message: &str) -> String {
    format!(r#"{{"userId":"{user}","event":"{event}","message":"{message}"}}"#)
}

impl<S: Stream> Client<S> {
    /// Sends a text that has no answer, and waits until it was read.
    #[track_caller]
    pub fn register(&mut self, message: &str) {
        self.send_text(message);
        self.expect_nothing();
    }

    /// Sends a registration that ends the connection; returns the code and the reason.
    #[track_caller]
    pub fn refused(&mut self, message: &str, code: u16) -> String {
        self.send_text(message);
        self.expect_close(code)
    }

    /// Nothing has come: the answer to a Ping is the first.
    #[track_caller]
    pub fn expect_nothing(&mut self) {
        self.send_frame(&ping(b"anything?"));
        assert_eq!(self.frame(), pong(b"anything?"));
    }

    /// A POST request and its response; `fields` are lines, each with its end.
    #[track_caller]
    pub fn post(&mut self, path: &str, fields: &str, body: &str) -> HttpResponse {
        ask(self, "POST", path, fields, body)
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            if !std::thread::panicking() {
                server.join().unwrap();
            }
        }
    }
}

/// A request and its answer; `fields` are lines, each with its end.
#[track_caller]
pub fn ask<S: Stream>(
    client: &mut Client<S>,
    method: &str,
    target: &str,
    fields: &str,
    body: impl AsRef<[u8]>,
) -> HttpResponse {
    let body = body.as_ref();
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\
         {fields}\r\n"
    );
    client.ask([head.as_bytes(), body].concat())
}
