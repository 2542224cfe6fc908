//! A loop that was held up, as by a laptop that slept: what had arrived in time is not late.

use crate::net_support::{Client, Probes, Simulated, limits, options_with, protocol};
use crate::support::frames::{close, ping, pong, text};
use std::time::{Duration, Instant};
use wirebell::{Role, net};

/// Deadlines that pass while the loop is held up for [`HELD_UP`].
fn short() -> net::Limits {
    limits()
        .protocol(protocol().ping_ms(100).pong_ms(200).close_ms(200))
        .head_ms(200)
        .body_ms(200)
        .message_ms(200)
        .http_idle_ms(200)
}

const HELD_UP: u64 = 700;

/// More connections than one wait for events tells of. Only the system's queue of events has such a
/// bound, and a loop on it has the system's clock: the time must really pass.
#[test]
fn requests_that_were_completed_in_time_are_answered() {
    let server = Probes::start(options_with(short().head_ms(2000)));
    let mut clients: Vec<Client> = (0..1300)
        .map(|_| Client::connect(server.address()))
        .collect();
    for client in &mut clients {
        client.send("GET /http HTTP/1.1\r\n");
    }
    let held_up = server.hold_up();
    let began = Instant::now();
    for client in &mut clients {
        client.send("Host: a\r\n\r\n");
    }
    let late = Duration::from_millis(2200);
    std::thread::sleep(late.saturating_sub(began.elapsed()));
    drop(held_up);
    let late = clients
        .iter_mut()
        .filter_map(|client| match client.head().status {
            200 => None,
            status => Some(status),
        });
    assert_eq!(late.collect::<Vec<u16>>(), [0; 0]);
}

#[test]
fn pongs_that_had_arrived_keep_connections() {
    let server = Simulated::start(options_with(short()));
    let mut client = server.open();
    server.opened();
    assert_eq!(client.frame(), ping(b""), "it is asked");
    server.hold_up(HELD_UP, || client.send_frame(&pong(b"")));
    client.expect_echo("alive");
    // Without an answer it is gone.
    assert_eq!(client.frame(), ping(b""), "it is asked");
    server.hold_up(HELD_UP, || ());
    client.expect_gone();
}

/// A body or a message of more than one read takes several turns: all of them count.
#[test]
fn bodies_and_messages_that_had_arrived_are_handled() {
    let server = Simulated::start(
        options_with(short().protocol(short().protocol.ping_ms(0))).receive_buffer(4096),
    );
    let mut http = server.connect();
    let mut socket = server.open();
    server.opened();
    let body = "x".repeat(60_000);
    let message = text(&body).to(Role::Server);
    http.send(format!(
        "POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    socket.send(&message[..10]);
    server.hold_up(HELD_UP, || {
        http.send(&body);
        socket.send(&message[10..]);
    });
    assert_eq!(http.response().status, 200);
    assert_eq!(socket.text().len(), body.len());
}

#[test]
fn a_close_that_was_answered_in_time_is_clean() {
    let server = Simulated::start(options_with(short().protocol(short().protocol.ping_ms(0))));
    let mut client = server.open();
    let peer = server.opened();
    server.run(move |context, _| context.close(peer, wirebell::CloseCode::NORMAL, ""));
    assert_eq!(client.frame(), close(1000, ""));
    server.hold_up(HELD_UP, || client.send_frame(&close(1000, "")));
    assert!(server.closed(peer).clean);
}

/// No peer can defer judgement by sending without end.
#[test]
fn a_flood_of_others_does_not_put_deadlines_off() {
    let server = Probes::start(options_with(short().protocol(short().protocol.ping_ms(0))));
    let flood = Client::connect(server.address()).upgraded("/sink");
    server.opened();
    let mut writer = flood.second_handle();
    let bytes = text("x".repeat(100_000)).to(Role::Server).repeat(3);
    let flooding = std::thread::spawn(move || while writer.try_send(&bytes).is_ok() {});
    let mut slow = Client::connect(server.address());
    slow.send("GET /http HTTP/1.1\r\n");
    assert_eq!(slow.response().status, 408);
    slow.expect_end();
    drop(server);
    drop(flood);
    flooding.join().expect("it ends with the server");
}
