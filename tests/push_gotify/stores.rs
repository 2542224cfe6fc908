//! What is kept, and what becomes of what is not.

use super::{JSON, World, basic, key, status};
use crate::net_support::client::HttpResponse;
use crate::net_support::options;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use wirebell::push::{Change, Done, Gotify, LogError, MemoryStore, Passwords, Settings, Store};

/// A store that answers when it is told to, with what it is told.
#[derive(Default)]
struct Slow {
    kept: MemoryStore,
    is_slow: AtomicBool,
    waiting: Mutex<Vec<(Vec<Change>, Done)>>,
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Slow")
    }
}

impl Store for Slow {
    fn load(&self) -> Result<Vec<(String, Vec<u8>)>, LogError> {
        self.kept.load()
    }

    fn write(&self, changes: Vec<Change>, done: Done) {
        match self.is_slow.load(Relaxed) {
            true => self.waiting.lock().unwrap().push((changes, done)),
            false => self.kept.write(changes, done),
        }
    }
}

impl Slow {
    /// Answers all calls; returns how many there were.
    fn answer(&self, result: Result<(), LogError>) -> usize {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap());
        let count = waiting.len();
        for (changes, done) in waiting {
            match result {
                Ok(()) => self.kept.write(changes, done),
                Err(_) => done(result),
            }
        }
        count
    }
}

#[test]
// req: gotify-state-02
fn an_answer_leaves_once_its_change_is_kept() {
    let store = Arc::new(Slow::default());
    let world = World::with(options(), Settings::default(), store.clone());
    let id = world.publish("m");
    store.is_slow.store(true, Relaxed);
    let request = |method: &str, target: &str| {
        let mut client = world.turns.connect();
        let fields = key(&world.client);
        client.send(format!(
            "{method} {target} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"
        ));
        world.turns.run();
        client
    };
    let targets = [
        ("POST", "/application?name=new".to_owned(), 2),
        ("DELETE", format!("/message/{id}"), 1),
        ("DELETE", "/client/1".to_owned(), 1),
    ];
    for (error, expected) in [(LogError::Full, 507), (LogError::Unavailable, 503)] {
        for (method, target, _) in &targets {
            let mut client = request(method, target);
            assert!(!client.holds_frame());
            assert_eq!(store.answer(Err(error)), 1);
            let answer: HttpResponse = client.response();
            assert_eq!(status(&answer), expected, "{target}");
        }
    }
    assert_eq!(world.get("/application").as_array().map(Vec::len), Some(1));
    assert_eq!(
        (
            world.ids("/message"),
            world.get("/client")[0]["id"].as_u64()
        ),
        (vec![id], Some(1))
    );
    // Plans are made one after another.
    let mut both = [
        request("POST", "/application?name=a"),
        request("POST", "/application?name=b"),
    ];
    assert_eq!((store.answer(Ok(())), store.answer(Ok(()))), (1, 1));
    for client in &mut both {
        assert_eq!(status(&client.response()), 200);
    }
    assert_eq!(world.get("/application").as_array().map(Vec::len), Some(3));
}

#[test]
// req: gotify-passwords-04
fn the_first_user_does_not_wait_for_a_store_that_writes_later() {
    let store = Arc::new(Slow::default());
    store.is_slow.store(true, Relaxed);
    let (_, password) = Gotify::open(store.clone(), Passwords::immediate()).expect("opens");
    assert!(password.is_some());
    assert_eq!((store.answer(Ok(())), store.load().unwrap().len()), (1, 2));
}

#[test]
// req: gotify-state-01 gotify-passwords-04
fn a_restart_changes_nothing() {
    let store: Arc<MemoryStore> = Arc::default();
    let (password, application, client, before);
    {
        let world = World::with(options(), Settings::default(), store.clone());
        assert!(world.password.len() >= 16);
        let fields = format!("{JSON}{}", key(&world.client));
        let body = r#"{"name":"bob","pass":"b"}"#;
        assert_eq!(world.ask("POST", "/user", &fields, body).status, 200);
        world.delete("/user/2");
        before = (world.get("/application"), world.get("/user"));
        (password, application, client) = (world.password, world.application, world.client);
    }
    let mut world = World::with(options(), Settings::default(), store.clone());
    assert_eq!(world.password, "", "there is a user");
    (world.application, world.client) = (application, client);
    assert_eq!((world.get("/application"), world.get("/user")), before);
    world.publish("m");
    let admin = basic("admin", &password);
    assert_eq!(world.ask("GET", "/current/user", &admin, "").status, 200);
    let fields = format!("{JSON}{admin}");
    let bob = world.ask("POST", "/user", &fields, r#"{"name":"bob","pass":"b"}"#);
    assert_eq!(super::parsed(&bob)["id"], 3, "an id is given once");
    let done: Done = Box::new(|_| {});
    store.write(
        vec![Change::Put("gotify/user/1".into(), b"x".to_vec())],
        done,
    );
    assert!(Gotify::open(store, Passwords::immediate()).is_err());
}
