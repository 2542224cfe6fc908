//! How many connections, and from where.

use crate::net_support::{Client, Probes, limits, options_with, wait_until};
use std::net::SocketAddr;

#[test]
fn connections_over_the_limit_are_closed_until_one_ends() {
    let server = Probes::start(options_with(limits().connections(3)));
    let mut clients: Vec<Client> = (0..3).map(|_| server.open()).collect();
    for _ in 0..5 {
        Client::connect(server.address()).expect_end();
    }
    for client in &mut clients {
        client.expect_echo("unharmed");
    }
    assert_eq!(server.counters().refused, 5);
    assert_eq!(server.counters().accepted, 3);
    clients.pop();
    wait_until("a place is free", || server.connections() == 2);
    let mut late = server.open();
    late.expect_echo("in");
}

#[test]
fn an_address_has_its_own_limit() {
    let server = Probes::start(options_with(limits().connections_per_address(2)));
    let from = |last| SocketAddr::from(([127, 0, 0, last], 0));
    let open = |last| Client::connect_from(from(last), server.address()).upgraded("/");
    let mut first = [open(1), open(1)];
    Client::connect_from(from(1), server.address()).expect_end();
    let mut second = [open(2), open(2)];
    Client::connect_from(from(2), server.address()).expect_end();
    for client in first.iter_mut().chain(&mut second) {
        client.expect_echo("unharmed");
    }
    let [gone, _kept] = first;
    drop(gone);
    wait_until("a place is free", || server.connections() == 3);
    open(1).expect_echo("in again");
    Client::connect_from(from(2), server.address()).expect_end();
    // Connections that never became WebSockets count, and are forgotten, as well.
    wait_until("a place is free", || server.connections() == 3);
    drop(Client::connect_from(from(1), server.address()));
    wait_until("a place is free", || server.connections() == 3);
    open(1).expect_echo("once more");
}
