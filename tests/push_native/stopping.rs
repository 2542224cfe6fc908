//! Requests that may be sent again later.

use super::{Native, parsed};
use wirebell::push::{HubLimits, Limits, Settings};

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
// req: push-poll-03 push-receipt-02
fn whoever_waits_for_an_answer_gets_it_and_streams_end() {
    let native = Native::start();
    let mut events = native.events("/topics/a");
    let mut lines = native.lines("/topics/a");
    let mut silent = native.raw("/topics/a");
    let send = |request: &str| {
        let mut client = native.connect();
        client.send(request);
        client
    };
    let mut poll = send("GET /topics/b?poll=30s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let publication = "POST /topics/a?receipt=30s HTTP/1.1\r\nHost: localhost\r\n\
                       Content-Length: 1\r\n\r\nx";
    let mut publisher = send(publication);
    silent.expect_text("x");
    events.until("data: x\n\n");
    lines.until("\"data\":\"x\"}\n");
    native.turns.stop();
    let answer = poll.response();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(parsed(&answer.body)["messages"], serde_json::json!([]));
    let counts = parsed(&publisher.response().body);
    assert_eq!(
        (&counts["matched"], &counts["confirmed"]),
        (&3.into(), &0.into())
    );
    events.expect_end();
    lines.expect_end();
    assert!(native.now() < 1_000, "it need not take longer");
}
