//! Tokens and the push key.

use super::file;
use crate::net_support::push::{publication, registration};
use crate::net_support::{Push, limits, options_with, wait_until};
use crate::support::frames::{ping, pong};
use std::time::{Duration, SystemTime};
use wirebell::push::{PushKey, Settings, TokenFile};

#[test]
fn a_token_file_names_the_user_of_each_token() {
    let path = file(
        "tokens-names",
        "# token user\n\nt1 alice\n  t2\talice \nt3   bob smith\n",
    );
    let settings = Settings {
        tokens: Some(TokenFile::open(path).expect("a token file")),
        ..Settings::default()
    };
    let push = Push::start(options_with(limits()), settings);
    let mut clients = ["t1", "t2", "t3"].map(|token| push.subscribe(token, "e"));
    // An unknown token is told at once; so is the name of a user.
    for token in ["t4", "alice", "#", "t1 "] {
        let reason = push.open().refused(&registration(token, "e"), 1008);
        assert_eq!(reason, "unknown token");
    }
    assert_eq!(push.server().push("alice", "e", "to alice"), Ok(2));
    assert_eq!(push.server().push("bob smith", "e", "to bob"), Ok(1));
    assert_eq!(push.server().push("t1", "e", "to nobody"), Ok(0));
    clients[0].expect_text("to alice");
    clients[1].expect_text("to alice");
    clients[2].expect_text("to bob");
}

#[test]
fn a_token_file_is_read_again_when_it_changes() {
    let path = file("tokens-change", "old alice\n");
    let settings = Settings {
        tokens: Some(TokenFile::open(&path).expect("a token file")),
        ..Settings::default()
    };
    let push = Push::start(options_with(limits()), settings);
    let mut client = push.subscribe("old", "e");
    // A clock with coarse steps could give the new file the time of the old one.
    let change = |text: &str, seconds| {
        std::fs::write(&path, text).expect("written");
        let time = SystemTime::now() + Duration::from_secs(seconds);
        let file = std::fs::File::options().append(true).open(&path);
        file.and_then(|file| file.set_modified(time))
            .expect("a time");
    };
    change("new bob\n", 10);
    let mut other = None;
    wait_until("the new token counts", || {
        let mut client = push.open();
        client.send_text(&registration("new", "e"));
        client.send_frame(&ping(b"taken?"));
        let is_taken = client.frame() == pong(b"taken?");
        other = is_taken.then_some(client);
        is_taken
    });
    let mut other = other.expect("it was taken");
    assert_eq!(push.server().push("bob", "e", "hello"), Ok(1));
    other.expect_text("hello");
    push.open().refused(&registration("old", "e"), 1008);
    // Who is in stays in.
    assert_eq!(push.server().push("alice", "e", "hello"), Ok(1));
    client.expect_text("hello");
    // A file that cannot be understood changes nothing.
    change("a line without a user\nnonsense\n", 20);
    std::thread::sleep(Duration::from_millis(1100));
    let _again = push.subscribe("new", "f");
    assert_eq!(push.server().push("bob", "f", "hello"), Ok(1));
}

#[test]
fn a_bad_token_file_is_told_by_its_line() {
    let path = file("tokens-bad", "good user\n\n# comment\nnonsense\n");
    let error = TokenFile::open(path).expect_err("line 4 has no user");
    assert!(error.to_string().contains("line 4"), "{error}");
    assert!(TokenFile::open("/nothing/here").is_err());
}

#[test]
fn every_wrong_key_gets_the_same_answer() {
    let path = file("push-key", "\n  secret key \n");
    let key = PushKey::read(&path).expect("a key");
    let settings = Settings {
        push_key: Some(key),
        ..Settings::default()
    };
    let push = Push::start(options_with(limits()), settings);
    let mut client = push.subscribe("a", "e");
    let mut publisher = push.connect();
    let body = publication("a", "e", "m");
    let rows = [
        "",
        "Authorization: Bearer\r\n",
        "Authorization: Bearer secret\r\n",
        "Authorization: Bearer secret key2\r\n",
        "Authorization: Bearer Secret key\r\n",
        "Authorization: Bearer xxxxxx xxx\r\n",
        "Authorization: Basic secret key\r\n",
        "Authorization: secret key\r\n",
        "X-Authorization: Bearer secret key\r\n",
        "Cookie: key=secret key\r\n",
    ];
    for fields in rows {
        let response = publisher.post("/push", fields, &body);
        assert_eq!((response.status, &*response.body), (401, ""), "{fields}");
        let names: Vec<&str> = response.fields.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["date", "www-authenticate", "content-length"]);
        assert_eq!(response.field("www-authenticate"), Some("Bearer"));
    }
    // Nothing was sent; nor does the key stand in the target, where logs would keep it.
    let response = publisher.post("/push?key=secret%20key", "", &body);
    assert_eq!(response.status, 401);
    client.expect_nothing();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let fields = format!("Authorization: {scheme} secret key\r\n");
        assert_eq!(publisher.post("/push", &fields, &body).status, 200);
        client.expect_text("m");
    }
}

#[test]
fn a_key_file_without_a_key_is_no_key() {
    assert!(PushKey::read(&file("push-key-empty", " \n\n")).is_err());
    assert!(PushKey::read("/nothing/here".as_ref()).is_err());
}
