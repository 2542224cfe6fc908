//! `wirebell inspect` with hex of both directions: related frames, and how it ended.

use super::inspecting::{inspect, items, json};
use crate::net_support::client::{ACCEPT, upgrade};
use crate::support::frames::{end, text, text_start, wire};
use serde_json::{Value, json};
use wirebell::Role;

#[test]
fn hex_of_both_directions_and_what_belongs_together() {
    let text = b"= one\n> 89 80 00 00 00 00\n> 01 81 00 00 00 00 61\n< 8a 00\n\
                 > 80 81 00 00 00 00 62\n> 88 80 00 00 00 00\n< 88 00\n= two\n< 81 00\n";
    let report = json(text, &[]);
    let names: Vec<&Value> = report["connections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|connection| &connection["name"])
        .collect();
    assert_eq!(names, ["one", "two"]);
    let found = items(&report);
    let froms: Vec<&Value> = found.iter().map(|item| &item["from"]).collect();
    let (client, server) = ("client", "server");
    assert_eq!(froms, [client, client, server, client, client, server]);
    let answers: Vec<Option<u64>> = found.iter().map(|item| item["answers"].as_u64()).collect();
    assert_eq!(answers, [None, None, Some(1), None, None, Some(5)]);
    let part = |at: usize| {
        let fragment = &found[at]["fragment"];
        ["part", "begun_by", "next"].map(|name| fragment[name].as_u64())
    };
    assert_eq!(part(1), [Some(1), Some(2), Some(4)]);
    assert_eq!(part(3), [Some(2), Some(2), None]);
    assert!(found[0]["fragment"].is_null() && found[0]["time"].is_null());
    let printed = inspect(text, &[]).stdout;
    for part in [
        "Connection 1 (one)",
        "Connection 2 (two)",
        "part 1 of a message; #4 continues it",
        "part 2 of the message that #2 begins",
        "answers #5",
        "byte 0, key byte 0: 61 XOR 00 = 61 a",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let mixed = inspect(b"81 00\n> 81 00", &["--as", "hex"]);
    let told = inspect(b"> 89 80 00 00 00 00", &["--from", "server"]);
    for outcome in [mixed, told] {
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    }
}

#[test]
fn a_message_that_is_nothing_without_the_one_before() {
    let hello = "c1 07 f2 48 cd c9 c9 07 00";
    let terms = ["--deflate", "permessage-deflate"];
    let report = json(
        format!("{hello} c1 05 f2 00 11 00 00 {hello}").as_bytes(),
        &terms,
    );
    let backs: Vec<&Value> = items(&report)
        .iter()
        .map(|item| &item["message"]["refers_back"])
        .collect();
    assert_eq!(backs, [false, true, false]);
}

/// Two Closes after a violation are not a clean close.
#[test]
fn how_a_connection_has_ended() {
    let closes = "> 88 82 00 00 00 00 03 e8\n< 88 02 03 e8\n";
    for (first, part) in [
        ("> 81 80 00 00 00 00\n", "the connection closed cleanly"),
        ("> 81 00\n", "the connection failed"),
    ] {
        let report = json(format!("{first}{closes}").as_bytes(), &[]);
        let notes = report["connections"][0]["notes"].to_string();
        assert!(notes.contains(part), "{part}: {notes}");
    }
}

/// Only if the server has confirmed the subprotocol; in one frame or in several.
#[test]
fn what_messages_mean_to_topics() {
    let subscribe = r#"{"type":"subscribe","topics":["a"],"since":"q-1"}"#;
    let gap =
        r#"{"type":"replay","messages":[],"gaps":[{"topic":"a","after":"q-1","next":"q-3"}]}"#;
    let subscribed = r#"{"type":"subscribed","topics":["a"],"position":"q-3","recovered":false}"#;
    let talk = |confirmed: &str| {
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n{confirmed}\r\n"
        );
        let offer = upgrade("/topics", "Sec-WebSocket-Protocol: other, wirebell.v1\r\n");
        let (begin, rest) = gap.split_at(20);
        let frames = [text_start(begin), end(rest), text(subscribed), text("?")];
        let client = [offer.into_bytes(), text(subscribe).to(Role::Server)].concat();
        let server = [response.into_bytes(), wire(Role::Client, &frames)].concat();
        format!("> {}\n< {}\n", hex_of(&client), hex_of(&server))
    };
    let facts = |talk: &str| -> Vec<Value> {
        let report = json(talk.as_bytes(), &[]);
        let pushes = items(&report).iter().map(|item| item["push"].clone());
        pushes.filter(|it| *it != json!([])).collect()
    };
    let expected = [
        json!(["subscribes to a, resuming after q-1"]),
        json!([
            "a replay of no messages",
            "a gap in a: messages after q-1 before q-3 are gone"
        ]),
        json!(["subscribed to a at q-3; not recovered: messages are missing"]),
        json!(["this is no message of wirebell.v1"]),
    ];
    let confirmed = talk("Sec-WebSocket-Protocol: wirebell.v1\r\n");
    assert_eq!(facts(&confirmed), expected);
    let other = facts(&talk("Sec-WebSocket-Protocol: other\r\n"));
    assert!(other.is_empty(), "{other:?}");
    let shown = "  push: subscribes to a, resuming after q-1\n";
    let printed = inspect(confirmed.as_bytes(), &[]).stdout;
    assert!(printed.contains(shown), "{printed}");
    let page = inspect(confirmed.as_bytes(), &["--format", "html"]).stdout;
    assert!(
        page.contains(">Push: subscribes to a, resuming after q-1<"),
        "{page}"
    );
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x} ")).collect()
}
