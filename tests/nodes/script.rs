//! The script that appends, called as a node does whose connections have ended: what it has not
//! read yet is sent again, and must not be appended twice.

use crate::programs::{APPEND, Redis};

pub fn run() {
    let mut redis = Redis::new();
    redis.start(None);
    for number in [8, 9, 10] {
        assert_eq!(append(&redis, "a", number), "done", "batch {number}");
    }
    for number in [8, 9, 10] {
        assert_eq!(append(&redis, "a", number), "again", "batch {number}");
    }
    assert_eq!(length(&redis), 3, "each batch once");
    assert_eq!(append(&redis, "b", 1), "done", "another node");
    assert_eq!(append(&redis, "a", 11), "done");
    // Another primary, which has only the first of them.
    redis.ask(&["SET", "{s}:node:a:batch", "8"]);
    let answers = [8, 9, 10].map(|number| append(&redis, "a", number));
    assert_eq!(answers, ["again", "done", "done"]);
    println!("unread batches without keys are appended once");
}

/// One publication without a key.
fn append(redis: &Redis, node: &str, number: u64) -> String {
    let names = ["log", "meta", "epochs", "keys", "keys-before", "revoked"];
    let mut keys = names.map(|name| format!("{{s}}:{name}")).to_vec();
    keys.push(format!("{{s}}:node:{node}:batch"));
    let number = number.to_string();
    let mut words = vec!["EVAL", APPEND, "7"];
    words.extend(keys.iter().map(String::as_str));
    words.extend(["epoch", node, &number, "1000", "100", "record", "", ""]);
    let answer = redis.ask(&words);
    let lines: Vec<_> = answer.split("\r\n").collect();
    lines.get(1).map_or(answer.clone(), |text| (*text).into())
}

/// Entries that have records.
fn length(redis: &Redis) -> usize {
    let all = redis.ask(&["XRANGE", "{s}:log", "-", "+"]);
    all.matches("record").count()
}
