//! A graceful stop: no publisher is told of receivers that do not exist.

use crate::net_support::client::{HttpResponse, upgrade};
use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, Push, limits, options_with};
use std::sync::mpsc::channel;
use wirebell::push::{PushKey, Settings, Unavailable};

const KEY: &str = "Authorization: Bearer secret\r\n";

fn server() -> Push {
    let settings = Settings::default()
        .push_key(PushKey::new("secret"))
        .echo(Some(true));
    let options = options_with(limits()).workers(3);
    Push::start(options, settings)
}

/// A request whose last byte is missing, and which the server has begun to read.
fn begin(push: &Push, request: &str) -> Client {
    let mut client = push.connect();
    // The answer to a first request shows that the connection was accepted.
    let get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let (first, _) = request.split_at(request.len() - 1);
    client.send([get, first].concat());
    assert_eq!(client.response().status, 200);
    client
}

fn finish(client: &mut Client, request: &str) -> HttpResponse {
    client.send(&request[request.len() - 1..]);
    client.response()
}

#[test]
fn every_request_that_ends_after_the_beginning_of_a_stop_is_unavailable() {
    let push = server();
    let mut subscribers: Vec<_> = (0..20).map(|_| push.subscribe("a", "e")).collect();
    let post = |path: &str, body: &str| {
        let length = body.len();
        format!("POST {path} HTTP/1.1\r\nHost: a\r\n{KEY}Content-Length: {length}\r\n\r\n{body}")
    };
    let requests = [
        post("/push", &publication("a", "e", "lost")),
        post("/drop", r#"{"userId":"a"}"#),
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        upgrade("/ws", ""),
        upgrade("/echo", ""),
    ];
    let mut clients = requests.each_ref().map(|request| begin(&push, request));
    assert_eq!(push.server().push("a", "e", "kept"), Ok(20));
    push.stop();
    let stopped = Err(Unavailable::Stopped);
    assert_eq!(push.server().push("a", "e", "lost"), stopped);
    assert_eq!(push.server().close_connections("a", None), stopped);
    for (client, request) in clients.iter_mut().zip(&requests) {
        let response = finish(client, request);
        assert_eq!(response.status, 503, "{request}");
        assert_eq!(response.field("retry-after"), Some("2"), "{request}");
        client.expect_end();
    }
    for client in &mut subscribers {
        client.expect_text("kept");
        client.expect_close(1001);
        // A client that has not answered the Close still cannot register.
        client.send_text(&registration("a", "f"));
    }
    assert_eq!(push.server().push("a", "f", "lost"), stopped);
}

/// Whatever was counted arrives, while some workers have stopped and others have not.
#[test]
fn what_was_promised_during_a_stop_is_kept() {
    for round in 0..5 {
        let push = server();
        let mut subscribers: Vec<_> = (0..6).map(|_| push.subscribe("a", "e")).collect();
        let (pushed, pushes) = channel();
        let push = &push;
        let sent = std::thread::scope(|scope| {
            let publisher = scope.spawn(move || {
                let mut sent = 0;
                while push.server().push("a", "e", &sent.to_string()) == Ok(6) {
                    sent += 1;
                    let _ = pushed.send(());
                }
                sent
            });
            pushes.iter().take(100 * round).count();
            push.stop();
            publisher.join().expect("published")
        });
        for client in &mut subscribers {
            (0..sent).for_each(|n: usize| client.expect_text(&n.to_string()));
            client.expect_close(1001);
        }
    }
}
