//! What a tap is shown of connections that the loop opens.

use super::failing::nobody;
use super::{Dialler, Told, Wish, dial, loop_options};
use crate::net_support::Lines;
use crate::net_support::echo::echo_server;
use crate::net_support::lines::Line;
use std::sync::Arc;
use wirebell::client::Options;
use wirebell::{CloseCode, MessageKind, Role, net};

fn tapped(lines: &Arc<Lines>) -> net::Options {
    loop_options().tap(Some(lines.clone()))
}

#[test]
fn both_ends_are_shown_the_same() {
    let (of_server, of_loop, own) = (
        Arc::new(Lines::default()),
        Arc::new(Lines::default()),
        Arc::new(Lines::default()),
    );
    let (server, uri) = echo_server(tapped(&of_server));
    let with_own = Options::default().tap(Some(own.clone()));
    let dials = vec![
        dial(&uri, Options::default(), 1),
        dial(&uri, with_own, 2),
        dial(&nobody(), Options::default(), 3),
    ];
    let dialler = Dialler::start(tapped(&of_loop), dials);
    let mut opened = 0;
    for _ in 0..3 {
        match dialler.next() {
            Told::Opened(_) => opened += 1,
            Told::NotOpened(3, _) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(opened, 2);
    for len in [5, 70_000, 3 << 20] {
        dialler.wish(Wish::Send(MessageKind::Binary, vec![len as u8; len]));
        for _ in 0..2 {
            let echo = dialler.next();
            assert!(matches!(echo, Told::Message(_, _, bytes) if bytes.len() == len));
        }
    }
    dialler.wish(Wish::Close(CloseCode::NORMAL));
    for _ in 0..2 {
        assert!(matches!(dialler.next(), Told::Closed(..)));
    }
    dialler.stop();
    server.stop();
    server.join().unwrap();
    // The one that was refused was never open; the one with a tap of its own is not shown twice.
    let (of_loop, own) = (of_loop.all(), own.all());
    assert_eq!((of_loop.len(), own.len()), (1, 1));
    for line in of_loop.iter().chain(&own) {
        let Line { ends, closed, .. } = line;
        assert_eq!((ends.role, *closed), (Role::Client, true));
        let there = of_server.of(ends.local.expect("connected"));
        assert_eq!((there.ends.role, there.closed), (Role::Server, true));
        assert_eq!(there.ends.local, Some(ends.remote));
        assert!(there.received == line.sent && there.sent == line.received);
        assert!(line.sent.starts_with(b"GET / HTTP/1.1\r\n"));
        assert!(line.sent.len() > 3 << 20);
    }
}
