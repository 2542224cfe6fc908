//! The users, applications and clients of gotify: passwords cost time, so they are made once for
//! all runs, by a server that is asked for them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use wirebell::net::Options;
use wirebell::net::testing::Network;
use wirebell::push::{Gotify, MemoryStore, Passwords, PushService, Settings, Shared, Store};

/// The user of each application and of each client, as numbers from 0.
pub const APPLICATIONS: [usize; 3] = [0, 0, 1];
pub const CLIENTS: [usize; 3] = [0, 0, 1];
pub const USERS: usize = 2;

/// What a server has in its store, and the tokens that it has given.
pub struct Made {
    pub values: Vec<(String, Vec<u8>)>,
    /// By application.
    pub applications: Vec<String>,
    /// By client.
    pub clients: Vec<String>,
}

/// The same in all runs.
pub fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(make)
}

fn make() -> Made {
    let store = Arc::new(MemoryStore::default());
    let opened = Gotify::open(Arc::clone(&store) as Arc<dyn Store>, Passwords::immediate());
    let (gotify, password) = opened.expect("an empty store");
    let address = "127.0.0.1:80".parse().expect("an address");
    let settings = Settings::default().gotify(Some(gotify));
    let shared = Shared::new(settings, &[address], 1);
    let mut server = Network::new().serve(Options::default(), |worker| {
        PushService::new(&shared, &worker.mailboxes)
    });
    let mut ask = |path: &str, user: &str, password: &str, body: &str| {
        let basic = STANDARD.encode(format!("{user}:{password}"));
        let length = body.len();
        let mut peer = server.connect();
        peer.send(
            format!(
                "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {basic}\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
            .as_bytes(),
        );
        server.run();
        peer.read(usize::MAX);
        let answer = String::from_utf8(peer.take_bytes()).expect("UTF-8");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let value: Value = serde_json::from_str(body).expect("JSON");
        value["token"].as_str().unwrap_or_default().to_owned()
    };
    let password = password.expect("that of the first user");
    ask("/user", "admin", &password, r#"{"name":"bob","pass":"b"}"#);
    let users = [("admin", &*password), ("bob", "b")];
    let mut tokens = |path: &str, of: &[usize]| -> Vec<String> {
        let token = |user: &usize| ask(path, users[*user].0, users[*user].1, r#"{"name":"x"}"#);
        of.iter().map(token).collect()
    };
    Made {
        applications: tokens("/application", &APPLICATIONS),
        clients: tokens("/client", &CLIENTS),
        values: store.load().expect("it is in memory"),
    }
}
