//! Connections that cannot be opened, or do not last.

use super::{Dialler, Told, dial, loop_options, soon};
use std::net::TcpListener;
use wirebell::client::Options;
use wirebell::net::Dial;

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let dialler = Dialler::start(loop_options(), vec![dial(&uri, Options::default(), 7)]);
    let Told::NotOpened(7, why) = dialler.next() else {
        panic!("opened");
    };
    assert!(why.contains("refused"), "{why}");
    let again = Dial {
        reconnect: soon(),
        ..dial(&uri, Options::default(), 8)
    };
    dialler.wish(super::Wish::Dial(again));
    for _ in 0..3 {
        assert!(matches!(dialler.next(), Told::NotOpened(8, _)));
    }
    dialler.stop();
}
