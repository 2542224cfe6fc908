//! A graceful stop: Close 1001 to all, no new connections, and an end in bounded time.

use crate::net_support::{Client, Happened, Probes, limits, options, options_with, wait_until};
use crate::support::frames::close;
use std::net::TcpStream;
use wirebell::net::{End, Options};
use wirebell::{CloseCode, Limits};

#[test]
fn everybody_is_told_and_the_port_is_free() {
    let server = Probes::start(Options {
        workers: 3,
        ..options_with(Limits {
            close_ms: 20_000,
            drain_ms: 20_000,
            ..limits()
        })
    });
    let address = server.address();
    let mut clients: Vec<Client> = (0..12).map(|_| server.open()).collect();
    for _ in &clients {
        server.opened();
    }
    let mut idle = Client::connect(address);
    assert_eq!(
        idle.ask("GET /http HTTP/1.1\r\nHost: a\r\n\r\n").status,
        200
    );
    let mut begun = Client::connect(address);
    begun.send("GET /http HTTP/1.1\r\nHo");
    server.stop();
    idle.expect_end();
    for client in &mut clients {
        assert_eq!(client.expect_close(1001), "the server is stopping");
        client.send_frame(&close(1001, ""));
        client.expect_end();
    }
    wait_until("the port is closed", || {
        TcpStream::connect(address).is_err()
    });
    // Half a request may become a whole one; its answer is the last.
    let _ = begun.try_send("st: a\r\n\r\n");
    drop((clients, idle, begun));
    let ends: Vec<Happened> = server.finish();
    assert_eq!(ends.len(), 12);
    let clean = End {
        clean: true,
        code: CloseCode::new(1001),
    };
    for end in ends {
        assert!(
            matches!(end, Happened::Closed(_, _, end) if end == clean),
            "{end:?}"
        );
    }
    Probes::start(options())
        .open()
        .expect_echo("another server");
}

#[test]
fn peers_that_do_not_answer_are_left_behind() {
    let server = Probes::start(options_with(Limits {
        close_ms: 200,
        drain_ms: 200,
        ..limits()
    }));
    let mut client = server.open();
    server.opened();
    let mut silent = Client::connect(server.address());
    let ends = server.finish();
    let lost = End {
        clean: false,
        code: None,
    };
    assert!(
        matches!(ends[..], [Happened::Closed(_, _, end)] if end == lost),
        "{ends:?}"
    );
    client.expect_close(1001);
    client.expect_gone();
    silent.expect_gone();
}

#[test]
fn a_request_that_was_under_way_is_answered() {
    let server = Probes::start(options());
    let mut client = Client::connect(server.address());
    client.send("POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel");
    wait_until("it has been read", || server.counters().reads > 0);
    server.stop();
    let address = server.address();
    wait_until("it stops", || TcpStream::connect(address).is_err());
    client.send("lo");
    let response = client.response();
    assert_eq!(response.body, "POST /http - hello");
    assert_eq!(response.connection(), ["close"]);
    client.expect_end();
}
