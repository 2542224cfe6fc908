//! What a service is told, how often, and what it may do with connections that are gone.

use crate::net_support::{
    Client, Ended, Happened, Probes, limits, options, options_with, protocol,
};
use crate::support::frames::{close, close_empty, frame};
use wirebell::net::{Sent, SharedFrame};
use wirebell::{CloseCode, Message, Role};

#[test]
fn each_connection_is_opened_once_and_closed_once() {
    let server = Probes::start(options_with(
        limits().protocol(protocol().close_ms(200).linger_ms(200)),
    ));
    let end = |clean, code: Option<u16>| Ended {
        clean,
        code: code.and_then(CloseCode::new),
    };
    type Act = fn(Client);
    let rows: [(Act, Ended); 7] = [
        (|mut client| client.finish(1000), end(true, Some(1000))),
        (|mut client| client.finish(4321), end(true, Some(4321))),
        (
            |mut client| client.send_frame(&close_empty()),
            end(true, None),
        ),
        (|client| client.reset(), end(false, None)),
        (drop, end(false, None)),
        (
            |mut client| {
                client.send(frame(0x8B, b"").to(Role::Server));
                client.send_frame(&close(1000, ""));
                client.expect_close(1002);
                client.expect_end();
            },
            end(false, None),
        ),
        (
            |mut client| {
                client.send_frame(&close(1000, ""));
                client.send_frame(&close(1001, ""));
                client.expect_close(1000);
                client.expect_end();
                client.reset();
            },
            end(true, Some(1000)),
        ),
    ];
    for (n, (act, end)) in rows.into_iter().enumerate() {
        let client = server.open();
        let peer = server.opened();
        act(client);
        assert_eq!(server.closed(peer), end, "row {n}");
    }
    assert_eq!(server.finish(), [], "nothing happens twice");
}

#[test]
fn what_never_became_a_websocket_is_no_business_of_the_service() {
    let server = Probes::start(options());
    let mut plain = Client::connect(server.address());
    assert_eq!(
        plain.ask("GET /http HTTP/1.1\r\nHost: a\r\n\r\n").status,
        200
    );
    assert_eq!(plain.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 426);
    drop(Client::connect(server.address()));
    let last = server.open();
    let peer = server.opened();
    let rest = server.finish();
    assert!(
        matches!(rest[..], [Happened::Closed(0, other, _)] if other == peer),
        "{rest:?}"
    );
    drop(last);
}

#[test]
fn a_connection_that_is_gone_takes_nothing_even_if_its_place_is_taken() {
    let server = Probes::start(options());
    let mut client = server.open();
    let gone = server.opened();
    client.finish(1000);
    server.closed(gone);
    drop(client);
    crate::net_support::wait_until("it is gone", || server.connections() == 0);
    let mut other = server.open();
    let peer = server.opened();
    assert_eq!(peer.index(), gone.index(), "the place is used again");
    let sent = server.run(move |context, _| {
        let frame = SharedFrame::new(Message::text("not for you"));
        context.close(gone, CloseCode::NORMAL, "not for you");
        assert_eq!((context.tag(gone), context.address(gone)), (None, None));
        assert_eq!(context.queued_bytes(gone), 0);
        [
            context.send(gone, Message::text("not for you")),
            context.send_frame(gone, &frame, 0),
        ]
    });
    assert_eq!(sent, [Sent::Closed; 2]);
    other.expect_echo("nothing came before this");
}

#[test]
fn closing_and_failed_connections_take_nothing() {
    let server = Probes::start(options());
    let mut client = server.open();
    let peer = server.opened();
    client.send(frame(0x83, b"").to(Role::Server));
    client.expect_close(1002);
    server.closed(peer);
    let sent = server.run(move |context, _| context.send(peer, Message::text("too late")));
    assert_eq!(sent, Sent::Closed);
    client.expect_end();
}

#[test]
fn the_context_knows_the_connection() {
    let server = Probes::start(options());
    let client = Client::open_at(server.address(), "/sink");
    let peer = server.opened();
    let address = client.stream().local_addr().ok();
    let (tag, actual, count) = server.run(move |context, peers| {
        assert_eq!(peers, [peer]);
        let tag = context.tag(peer);
        (tag, context.address(peer), context.connections())
    });
    assert_eq!((tag, actual, count), (Some(1), address, 1));
}
