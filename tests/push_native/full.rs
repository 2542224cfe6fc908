//! A log that can keep no more: who publishes learns it, and those who listen go on.

use super::{Native, parsed};
use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use wirebell::push::{Appended, Epoch, Key, KeyLimits, Log, LogError, MemoryLog};
use wirebell::push::{Publication, Ticket};

/// A log with room for so many records.
#[derive(Debug)]
struct Small {
    log: MemoryLog,
    room: AtomicUsize,
}

impl Small {
    fn new(room: usize) -> Self {
        let epoch = "small".parse().expect("an epoch");
        Self {
            log: MemoryLog::new(epoch, KeyLimits::default()),
            room: room.into(),
        }
    }
}

impl Log for Small {
    fn epoch(&self) -> Epoch {
        self.log.epoch()
    }

    fn append(&self, batch: Vec<Publication>, now: u64, ticket: Ticket) -> Appended {
        let mut logged = Vec::new();
        for publication in batch {
            if self.room.load(Relaxed) == 0 {
                logged.push(Err(LogError::Full));
                continue;
            }
            self.room.fetch_sub(1, Relaxed);
            match self.log.append(vec![publication], now, ticket) {
                Appended::Now(entries) => logged.extend(entries),
                Appended::Later => panic!("memory answers at once"),
            }
        }
        Appended::Now(logged)
    }

    fn repeats(&self, publication: &Publication, now: u64) -> Result<Option<usize>, LogError> {
        self.log.repeats(publication, now)
    }

    fn delivered(&self, key: &Key, subscribers: usize) {
        self.log.delivered(key, subscribers);
    }
}

#[test]
// req: push-errors-13
fn who_publishes_to_a_full_log_is_told() {
    let native = Native::with_log(Small::new(2));
    let mut lines = native.lines("/topics/a");
    lines.json();
    native.publish("a", "1");
    let body = "{\"topic\":[\"a\",\"a\"],\"data\":\"2\"}\n{\"topic\":\"b\",\"data\":\"3\"}\n";
    let answer = native.post("/topics", "", body);
    assert_eq!(answer.status, 200, "{answer:?}");
    let answers: Vec<_> = answer.body.lines().map(parsed).collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["id"], native.id(2));
    for answer in &answers[1..] {
        assert_eq!(answer["error"], "full", "{answer}");
    }
    let answer = native.post("/topics/a", "", "4");
    assert_eq!(answer.status, 507);
    let expected = json!({"error": "full", "message": "the log cannot keep more"});
    assert_eq!(parsed(&answer.body), expected);
    let mut client = native.envelopes("/topics/b");
    client.json();
    let answer = client.say(r#"{"type":"publish","ref":7,"topic":"a","data":"5"}"#);
    assert_eq!(
        (&answer["error"], &answer["ref"]),
        (&json!("full"), &json!(7))
    );
    // Nothing of it was delivered, and what has no words ends.
    let mut raw = native.raw("/topics/a");
    raw.send_text("6");
    assert_eq!(raw.expect_close(1013), "not published");
    assert_eq!(
        [lines.json()["data"].clone(), lines.json()["data"].clone()],
        ["1", "2"]
    );
    native.advance(15_000);
    assert_eq!(lines.json()["type"], "keepalive");
    assert_eq!(
        native.poll("/topics/**?poll=0&since=all")["position"],
        native.id(2)
    );
}
