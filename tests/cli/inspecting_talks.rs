//! `wirebell inspect` with hex of both directions: related frames, and how it ended.

use super::inspecting::{inspect, items, json};
use serde_json::Value;

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
