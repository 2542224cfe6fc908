//! What an access log is told.

use super::Native;
use crate::net_support::client::upgrade;
use crate::net_support::{limits, options};
use std::sync::{Arc, Mutex};
use wirebell::net::{Access, AccessLog};
use wirebell::push::Settings;

/// What was told, each request as a text.
#[derive(Debug, Default)]
struct Recorder(Mutex<Vec<String>>);

impl AccessLog for Recorder {
    fn answered(&self, access: &Access<'_>) {
        assert!(access.address.is_some());
        let text = format!(
            "{} {} 1.{} {} {} {:?} {:?} {}ms",
            access.method,
            access.target,
            access.minor_version,
            access.status,
            access.body_bytes,
            access.referer,
            access.user_agent,
            access.took.as_millis(),
        );
        self.0.lock().unwrap().push(text);
    }
}

fn logged() -> (Native, Arc<Recorder>) {
    let log = Arc::new(Recorder::default());
    let limits = limits().body_bytes(100);
    let options = options().limits(limits).access_log(Some(log.clone() as _));
    (Native::with_options(options, Settings::default()), log)
}

impl Recorder {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

#[test]
fn each_request_is_told_once_with_its_answer() {
    let (native, log) = logged();
    let told = |expected: &[&str]| assert_eq!(log.take(), expected);
    let fields = "Referer: http://a/?token=s\r\nUser-Agent: test/1\r\n";
    assert_eq!(native.get("/healthz?token=s", fields).status, 200);
    told(&["GET /healthz?token=s 1.1 200 2 Some(\"http://a/?token=s\") Some(\"test/1\") 0ms"]);
    assert_eq!(native.get("/nothing", "").status, 404);
    assert!(log.take()[0].starts_with("GET /nothing 1.1 404 "));
    assert_eq!(native.post("/topics/a", "", [b'x'; 100]).status, 202);
    assert!(log.take()[0].starts_with("POST /topics/a 1.1 202 "));
    assert_eq!(native.post("/topics/a", "", [b'x'; 101]).status, 413);
    assert!(log.take()[0].starts_with("POST /topics/a 1.1 413 "));
    let _raw = native.raw("/topics/a");
    told(&["GET /topics/a 1.1 101 0 None None 0ms"]);
    let _lines = native.lines("/topics/a");
    assert!(log.take()[0].starts_with("GET /topics/a 1.1 200 "));
    let mut bad = native.connect();
    assert_eq!(bad.ask("\0\0\r\n\r\n").status, 400);
    assert!(log.take()[0].starts_with("  1.1 400 "));
    let mut head = native.connect();
    head.send("HEAD /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n");
    head.head();
    told(&["HEAD /healthz 1.0 200 0 None None 0ms"]);
}

#[test]
fn an_answer_that_comes_later_has_its_time() {
    let (native, log) = logged();
    let poll = "GET /topics/a?poll=5s HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut client = native.connect();
    client.send(poll);
    native.advance(2_000);
    assert_eq!(log.take(), [""; 0]);
    native.publish("a", "x");
    assert_eq!(client.head().status, 200);
    let told = log.take();
    let of_poll = told
        .iter()
        .find(|line| line.starts_with("GET"))
        .expect("it is told");
    assert!(of_poll.ends_with(" 2000ms"), "{of_poll}");
    assert_eq!(told.len(), 2);
    // A client that does not wait.
    let mut client = native.connect();
    client.send(poll);
    native.advance(1_000);
    client.stream_mut().reset();
    native.advance(100);
    assert_eq!(
        log.take(),
        ["GET /topics/a?poll=5s 1.1 499 0 None None 1000ms"]
    );
    // One that is idle has asked for nothing.
    let mut client = native.connect();
    client.send(upgrade("/topics/a", ""));
    client.head();
    client.stream_mut().reset();
    native.advance(100);
    assert_eq!(log.take(), ["GET /topics/a 1.1 101 0 None None 0ms"]);
}
