//! The bounds on names, topics and subscriptions. What is over one of them is ignored, and
//! nothing else is harmed.

use crate::net_support::push::{publication, registration};
use crate::net_support::{Push, limits};
use wirebell::Limits;

#[test]
fn names_have_a_length() {
    let push = Push::limited(Limits {
        topic_bytes: 10,
        ..limits()
    });
    let (fits, long) = ("x".repeat(10), "x".repeat(11));
    let mut client = push.open();
    client.register(&registration(&long, "e"));
    client.register(&registration("a", &long));
    client.register(&registration(&fits, &fits));
    assert_eq!(push.server().push(&long, "e", "m"), 0);
    assert_eq!(push.server().push("a", &long, "m"), 0);
    assert_eq!(push.server().push(&fits, &fits, "m"), 1);
    client.expect_text("m");
    let response = push.post("/push", "", &publication(&long, "e", "m"));
    assert_eq!(response.body, "message sent to 0 clients");
}

#[test]
fn a_connection_has_so_many_subscriptions() {
    let push = Push::limited(Limits {
        subscriptions: 3,
        ..limits()
    });
    let mut client = push.open();
    client.register(r#"{"token":"a","event":["1","2","3","4","5"]}"#);
    client.register(&registration("a", "6"));
    let counts = ["1", "2", "3", "4", "5", "6"].map(|event| push.server().push("a", event, "m"));
    assert_eq!(counts, [1, 1, 1, 0, 0, 0]);
    // Another connection has its own.
    let _other = push.subscribe("a", "6");
    assert_eq!(push.server().push("a", "6", "m"), 1);
}

#[test]
fn a_hub_has_so_many_topics_and_gets_room_when_one_is_left() {
    let push = Push::limited(Limits {
        topics: 2,
        ..limits()
    });
    let mut first = push.subscribe("a", "1");
    let _second = push.subscribe("a", "2");
    let mut third = push.subscribe("a", "3");
    assert_eq!(push.server().push("a", "3", "m"), 0);
    // A further subscriber of a topic that is there needs no room.
    third.register(&registration("a", "1"));
    assert_eq!(push.server().push("a", "1", "m"), 2);
    first.expect_text("m");
    third.expect_text("m");
    first.finish(1000);
    third.finish(1000);
    let _fourth = push.subscribe("a", "4");
    assert_eq!(push.server().push("a", "4", "m"), 1);
}

#[test]
fn publications_for_nobody_leave_nothing_behind() {
    let push = Push::limited(Limits {
        topics: 1,
        ..limits()
    });
    for n in 0..100 {
        assert_eq!(push.server().push(&format!("user {n}"), "e", "m"), 0);
    }
    let _client = push.subscribe("a", "e");
    assert_eq!(push.server().push("a", "e", "m"), 1);
}
