//! The closing handshake and other ends of a connection: RFC 6455 sections 5.5.1 and 7.

use crate::net_support::{
    Ended, Probes, Simulated, limits, options, options_with, protocol, wait_until,
};
use crate::support::frames::{close, close_empty, frame, ping, text, text_start};
use std::time::Duration;
use wirebell::net::Sent;
use wirebell::{CloseCode, Message, Role};

const LOST: Ended = Ended {
    clean: false,
    code: None,
};

// req: 6455-5.5.1-10 6455-5.5.1-11
#[test]
fn a_close_is_echoed_and_the_stream_ends_while_the_client_keeps_its_side_open() {
    // So long that only a server that ends its side by itself passes.
    let server = Probes::start(options_with(
        limits().protocol(protocol().linger_ms(60_000).ping_ms(60_000)),
    ));
    for code in [1000, 1001, 1003, 1011, 3000, 4999] {
        let mut client = server.open();
        let peer = server.opened();
        client.send_frame(&close(code, "with a reason"));
        assert_eq!(client.frame(), close(code, ""));
        client.expect_end();
        let code = CloseCode::new(code);
        assert_eq!(server.closed(peer), Ended { clean: true, code });
        drop(client);
    }
    let mut client = server.open();
    let peer = server.opened();
    client.send_frame(&close_empty());
    assert_eq!(client.frame(), close_empty());
    client.expect_end();
    let end = Ended {
        clean: true,
        code: None,
    };
    assert_eq!(server.closed(peer), end);
    drop(client);
    wait_until("all transports are closed", || server.connections() == 0);
}

#[test]
fn what_follows_a_close_is_not_answered() {
    let server = Probes::start(options());
    let mut client = server.open();
    let frames = [
        text("before"),
        close(1000, ""),
        text("behind"),
        ping(b"behind"),
        close(1002, ""),
        frame(0xFF, b"no frame at all"),
    ];
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.to(Role::Server))
        .collect();
    client.send(bytes);
    client.expect_text("before");
    client.expect_close(1000);
    client.expect_end();
}

#[test]
fn a_close_inside_a_message_ends_it() {
    let server = Probes::start(options());
    let mut client = server.open();
    client.send_frame(&text_start("never finished"));
    client.finish(1000);
}

// req: 6455-5.5.1-10
#[test]
fn the_server_closes_first_and_delivers_what_crosses_its_close() {
    let server = Probes::start(options());
    let mut client = server.open();
    let peer = server.opened();
    let sent = server.run(move |context, _| {
        let before = context.send(peer, Message::text("last words"));
        context.close(peer, CloseCode::GOING_AWAY, "moving");
        context.close(peer, CloseCode::NORMAL, "a second time");
        (before, context.send(peer, Message::text("too late")))
    });
    assert!(
        matches!(sent, (Sent::Taken { .. }, Sent::Closed)),
        "{sent:?}"
    );
    client.expect_text("last words");
    assert_eq!(client.expect_close(1001), "moving");
    // Still answered, as our side has not seen their Close; the text is delivered to nobody's
    // harm and comes back no more.
    client.send_text("crossing");
    client.send_frame(&ping(b"crossing"));
    assert_eq!(client.frame(), frame(0x8A, b"crossing"));
    client.send_frame(&close(1001, ""));
    client.expect_end();
    let end = Ended {
        clean: true,
        code: Some(CloseCode::GOING_AWAY),
    };
    assert_eq!(server.closed(peer), end);
}

#[test]
fn a_reason_that_is_too_long_is_cut_between_characters() {
    let server = Probes::start(options());
    let mut client = server.open();
    let peer = server.opened();
    server.run(move |context, _| context.close(peer, CloseCode::NORMAL, &"ü".repeat(100)));
    assert_eq!(client.expect_close(1000), "ü".repeat(61));
    client.send_frame(&close(1000, ""));
    client.expect_end();
}

#[test]
fn a_peer_that_ends_its_side_is_answered_first() {
    let server = Probes::start(options());
    // Nothing sent; a whole message; half a message; half a frame; a Close.
    let half = text("half").to(Role::Server);
    let whole = text("whole").to(Role::Server);
    let bye = close(1000, "").to(Role::Server);
    let clean = Ended {
        clean: true,
        code: Some(CloseCode::NORMAL),
    };
    let rows = [
        (vec![], vec![], LOST),
        (whole.clone(), b"\x81\x05whole".to_vec(), LOST),
        (
            [&whole[..], &half[..7]].concat(),
            b"\x81\x05whole".to_vec(),
            LOST,
        ),
        (half[..3].to_vec(), vec![], LOST),
        (text_start("half").to(Role::Server), vec![], LOST),
        (bye, b"\x88\x02\x03\xe8".to_vec(), clean),
    ];
    for (bytes, answer, end) in rows {
        let mut client = server.open();
        let peer = server.opened();
        client.send(&bytes);
        client.end_writing();
        assert_eq!(client.rest(), answer, "{bytes:?}");
        assert_eq!(server.closed(peer), end, "{bytes:?}");
    }
}

#[test]
fn a_peer_that_ends_its_side_gets_large_answers_whole() {
    let server = Probes::start(options());
    let mut client = server.open();
    let messages: Vec<_> = (0..40).map(|n| text("x".repeat(100_000 + n))).collect();
    let mut writer = client.second_handle();
    let sender = std::thread::spawn(move || {
        for message in &messages {
            writer.send_frame(message);
        }
        writer.end_writing();
    });
    for n in 0..40 {
        assert_eq!(client.text().len(), 100_000 + n);
    }
    client.expect_end();
    sender.join().expect("all was sent");
}

#[test]
fn a_reset_is_the_end_and_nothing_else() {
    let server = Probes::start(options());
    let mut other = server.open();
    server.opened();
    for begun in [&b""[..], b"\x81", &text("x").to(Role::Server)] {
        let mut client = server.open();
        let peer = server.opened();
        client.send(begun);
        client.reset();
        assert_eq!(server.closed(peer), LOST);
    }
    other.expect_echo("unharmed");
    wait_until("their transports are closed", || server.connections() == 1);
}

#[test]
fn a_client_that_never_answers_a_close_is_dropped() {
    let server = Simulated::start(options_with(limits().protocol(protocol().close_ms(200))));
    let mut client = server.open();
    let peer = server.opened();
    server.run(move |context, _| context.close(peer, CloseCode::NORMAL, ""));
    client.expect_close(1000);
    client.expect_silence(Duration::from_millis(190));
    client.expect_gone();
    assert!(server.now() < 300, "it is dropped in time");
    assert_eq!(server.closed(peer), LOST);
}

#[test]
fn a_client_that_talks_on_after_its_close_is_dropped() {
    let server = Simulated::start(options_with(limits().protocol(protocol().linger_ms(200))));
    let mut closed = server.open();
    closed.send_frame(&close(1000, ""));
    closed.expect_close(1000);
    let mut failed = server.open();
    failed.send(frame(0x83, b"").to(Role::Server));
    failed.expect_close(1002);
    for client in [&mut closed, &mut failed] {
        client.expect_end();
    }
    for _ in 0..19 {
        for client in [&mut closed, &mut failed] {
            client.send([0; 100]);
        }
        server.advance(10);
    }
    assert_eq!(server.connections(), 2);
    server.advance(100);
    assert_eq!(server.connections(), 0);
    for client in [&mut closed, &mut failed] {
        client.try_send([0; 100]).expect_err("a reset");
    }
}
