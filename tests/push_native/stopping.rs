//! Requests that may be sent again later, and how connections end in a graceful stop.

use super::{Native, parsed};
use crate::net_support::{limits, options_with};
use std::sync::{Arc, Mutex};
use wirebell::push::{Appended, Epoch, HubLimits, Key, Limits, Log, LogError, MemoryLog};
use wirebell::push::{Publication, Settings, Ticket};

#[test]
// req: push-errors-02 push-errors-12 push-bounds-06
fn a_refusal_says_when_to_come_back() {
    let limits = Limits::default().hub(HubLimits::default().topics(1).topic_share(1));
    let native = Native::with(Settings::default().limits(limits));
    let _raw = native.raw("/topics/a");
    let full = native.get("/topics/b?poll=1s", "");
    native.shared.stop();
    let stopped = native.post("/topics/a", "", "x");
    for answer in [full, stopped] {
        assert_eq!(answer.status, 503, "{answer:?}");
        let seconds = answer.field("retry-after").and_then(|it| it.parse().ok());
        assert!(seconds.is_some_and(|it: u64| it > 0), "{answer:?}");
        assert_eq!(parsed(&answer.body)["error"], "unavailable");
    }
}

#[test]
// req: push-receipt-02
fn a_publisher_that_waits_for_receipts_is_answered() {
    let native = Native::start();
    let mut silent = native.raw("/topics/a");
    let mut publisher = native.connect();
    let publication = "POST /topics/a?receipt=30s HTTP/1.1\r\nHost: localhost\r\n\
                       Content-Length: 1\r\n\r\nx";
    publisher.send(publication);
    silent.expect_text("x");
    native.turns.stop();
    let counts = parsed(&publisher.response().body);
    assert_eq!(
        (&counts["matched"], &counts["confirmed"]),
        (&1.into(), &0.into())
    );
    assert!(native.now() < 1_000, "it need not take longer");
}

/// A chunked body has its last chunk (RFC 9112 section 7.1), then the connection ends well.
#[test]
fn streams_end_well_over_the_time_for_draining() {
    let options = options_with(limits().drain_ms(10_000));
    let native = Native::with_options(options, Settings::default());
    let mut events = native.events("/topics/a");
    let mut lines = native.lines("/topics/a");
    native.publish("a", "last");
    native.shared.stop();
    native.turns.stop();
    assert!(events.until("data: last\n").contains("id: "));
    assert_eq!(events.until("\n"), "");
    lines.json(); // The subscription.
    assert_eq!(lines.json()["data"], "last");
    for mut stream in [events, lines] {
        stream.expect_end();
        stream.client.expect_end();
    }
    assert!(native.now() < 1_000, "two connections take no ten seconds");
}

#[test]
// req: push-poll-08
fn a_poll_that_waits_is_answered() {
    let native = Native::start();
    let mut poll = native.connect();
    poll.send("GET /topics/a?poll=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    native.advance(1);
    native.shared.stop();
    native.turns.stop();
    let answer = poll.response();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(parsed(&answer.body)["messages"], serde_json::json!([]));
    poll.expect_end();
    assert!(native.now() < 100);
}

/// A batch that is not committed yet.
type Waiting = (Ticket, Vec<Publication>);

/// A log that is told when to commit.
#[derive(Debug)]
struct Late {
    log: MemoryLog,
    waiting: Arc<Mutex<Vec<Waiting>>>,
}

impl Log for Late {
    fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    fn append(&self, batch: Vec<Publication>, _: u64, ticket: Ticket) -> Appended {
        self.waiting.lock().expect("no panic").push((ticket, batch));
        Appended::Later
    }

    fn repeats(&self, _: &Publication, _: u64) -> Result<Option<usize>, LogError> {
        Ok(None)
    }

    fn delivered(&self, _: &Key, _: usize) {}
}

/// The log has it when the stop begins, and commits it a little later.
#[test]
fn a_publication_in_flight_is_answered() {
    let waiting = Arc::default();
    let native = Native::with_log(Late {
        log: MemoryLog::new(Epoch::random(), Default::default()),
        waiting: Arc::clone(&waiting),
    });
    let mut publisher = native.connect();
    publisher.send("POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx");
    native.advance(1);
    native.shared.stop();
    native.turns.stop();
    native.advance(50);
    let (ticket, batch) = waiting.lock().expect("no panic").pop().expect("one");
    let log = MemoryLog::new(native.shared.broker().head().epoch, Default::default());
    let Appended::Now(entries) = log.append(batch, 0, ticket) else {
        panic!("it is in memory");
    };
    native
        .shared
        .broker()
        .committed(vec![(Some(ticket), entries)]);
    let answer = publisher.response();
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(parsed(&answer.body)["id"], native.id(1));
    publisher.expect_end();
}
