//! Tokens and the push key.

use super::file;
use crate::net_support::client::upgrade;
use crate::net_support::push::{publication, registration};
use crate::net_support::{Log, Push, limits, options_with, wait_until};
use crate::support::frames::{ping, pong};
use std::time::{Duration, SystemTime};
use wirebell::push::{Limits, OriginPolicy, PushKey, Settings, TokenFile};

#[test]
fn a_token_file_names_the_user_of_each_token() {
    let path = file(
        "tokens-names",
        "# token user\n\nt1 alice\n  t2\talice \nt3   bob smith\n",
    );
    let settings = Settings::default().tokens(Some(TokenFile::open(path).expect("a token file")));
    let push = Push::start(options_with(limits()), settings);
    let mut clients = ["t1", "t2", "t3"].map(|token| push.subscribe(token, "e"));
    // An unknown token is refused at once; so is the name of a user.
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
    let log = Log::keep();
    let path = file("tokens-change", "old alice\n");
    let settings = Settings::default().tokens(Some(TokenFile::open(&path).expect("a token file")));
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
    // A file that cannot be understood changes nothing, and the log says so.
    change("a line without a user\nnonsense\n", 20);
    let warning = format!("{}: line 2", path.display());
    wait_until("it is read", || log.has(&warning));
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

/// Wrong keys are answered soon.
fn hasty() -> Limits {
    Limits::default().wrong_token_ms(1)
}

#[test]
fn every_wrong_key_gets_the_same_answer() {
    let path = file("push-key", "\n  secret key \n");
    let key = PushKey::read(&path).expect("a key");
    let settings = Settings::default().push_key(Some(key)).limits(hasty());
    let push = Push::start(options_with(limits()), settings);
    let mut client = push.subscribe("a", "e");
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
        let response = push.post("/push", fields, &body);
        assert_eq!((response.status, &*response.body), (401, ""), "{fields}");
        let names = response.fields.iter().map(|(name, _)| &**name);
        let names: Vec<&str> = names.filter(|name| *name != "connection").collect();
        assert_eq!(names, ["date", "www-authenticate", "content-length"]);
        assert_eq!(response.field("www-authenticate"), Some("Bearer"));
    }
    // Nothing was sent; nor does the key appear in the target, where logs would keep it.
    let mut publisher = push.connect();
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

#[test]
fn guesses_soon_cost_a_connection_each_and_the_right_key_always_works() {
    let settings = Settings::default()
        .push_key(PushKey::new("secret"))
        .limits(hasty());
    let push = Push::start(options_with(limits()), settings);
    let body = publication("a", "e", "m");
    let key = |key: &str| format!("Authorization: Bearer {key}\r\n");
    let mut steady = push.connect();
    for path in ["/push", "/drop"] {
        let mut guesser = push.connect();
        let mut ended = false;
        for _ in 0..5 {
            let response = guesser.post(path, &key("wrong"), &body);
            assert_eq!(response.status, 401);
            ended = response.connection() == ["close"];
            if ended {
                guesser.expect_end();
                break;
            }
        }
        assert!(ended, "{path}");
        // Others share the address.
        assert_eq!(steady.post("/push", &key("secret"), &body).status, 200);
        assert_eq!(push.post("/push", &key("secret"), &body).status, 200);
        // Who sends none does not guess.
        for _ in 0..10 {
            let response = steady.post("/push", "", &body);
            assert_eq!((response.status, response.connection().len()), (401, 0));
        }
    }
}

#[test]
// req: push-pages-01
fn a_page_of_another_site_can_neither_push_nor_drop_and_an_allowed_one_reads_every_answer() {
    let origin = "https://a.example";
    let settings =
        Settings::default()
            .push_key(PushKey::new("secret"))
            .origin(OriginPolicy::Listed(vec![
                origin.parse().expect("an origin"),
            ]));
    let push = Push::start(options_with(limits()), settings);
    let mut client = push.subscribe("a", "e");
    let body = publication("a", "e", "m");
    let key = "Authorization: Bearer secret\r\nContent-Type: text/plain\r\n";
    for page in [
        "Origin: https://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
    ] {
        for path in ["/push", "/drop"] {
            let response = push.post(path, &format!("{key}{page}"), &body);
            assert_eq!(response.status, 403, "{path} {page}");
            assert!(response.body.contains("--origin"), "{response:?}");
            assert_eq!(response.field("access-control-allow-origin"), None);
        }
    }
    client.expect_nothing();
    let page = format!("Origin: {origin}\r\n");
    let rows = [
        (format!("{key}{page}"), &*body, 200),
        (format!("{key}{page}"), "no JSON", 400),
        (page, &*body, 401),
    ];
    for (fields, body, status) in rows {
        let response = push.post("/push", &fields, body);
        assert_eq!(response.status, status);
        assert_eq!(response.field("access-control-allow-origin"), Some(origin));
        assert_eq!(response.field("vary"), Some("Origin"));
    }
    client.expect_text("m");
    let asks = "OPTIONS /push HTTP/1.1\r\nHost: localhost\r\nOrigin: https://a.example\r\n\
                Access-Control-Request-Method: POST\r\n\r\n";
    assert_eq!(push.connect().ask(asks).status, 204);
}

#[test]
fn a_server_on_loopback_answers_to_no_foreign_name() {
    let push = Push::limited(limits());
    let address = push.address();
    for (host, is_ours) in [
        (address.to_string(), true),
        ("localhost".to_owned(), true),
        ("evil.example".to_owned(), false),
        (format!("evil.example:{}", address.port()), false),
    ] {
        let origin = format!("Origin: http://{host}\r\n");
        for path in ["/", "/healthz"] {
            let get = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{origin}\r\n");
            let status = push.connect().ask(get).status;
            assert_eq!(status, if is_ours { 200 } else { 421 }, "{host} {path}");
        }
        for path in ["/ws", "/echo"] {
            let mut client = push.connect();
            let host = format!("Host: {host}");
            client.send(upgrade(path, &origin).replace("Host: localhost", &host));
            let status = client.head().status;
            let expected = if is_ours { 101 } else { 421 };
            assert_eq!(status, expected, "{host} {path}");
        }
    }
}
