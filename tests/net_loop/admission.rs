//! How many connections, and from where.

use crate::net_support::simulated::Simulated;
use crate::net_support::{Client, Probes, limits, options, options_with, wait_until};
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

#[test]
// req: push-rates-01
fn an_address_has_a_rate() {
    let server = Simulated::start(options().connection_rate("2/s:3".parse().ok()));
    let open = |from: &str| server.connect_from(from).upgraded("/");
    let refuse = |from: &str| server.connect_from(from).expect_end();
    let mut inside = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"].map(open);
    refuse("192.0.2.1:4");
    refuse("[::ffff:192.0.2.1]:5");
    open("192.0.2.2:1").expect_echo("another address");
    for client in &mut inside {
        client.expect_echo("unharmed");
    }
    // One subscriber has a whole /64.
    for n in 1..=3 {
        open(&format!("[2001:db8::{n}]:1"));
    }
    refuse("[2001:db8::ffff:0:0:1]:1");
    open("[2001:db8:0:1::1]:1").expect_echo("another network");
    server.advance(499);
    refuse("192.0.2.1:6");
    server.advance(1);
    open("192.0.2.1:7").expect_echo("in again");
    refuse("192.0.2.1:8");
    let counters = server.counters();
    assert_eq!((counters.limited, counters.refused), (5, 5));
}

#[test]
// req: push-rates-01
fn a_trusted_proxy_has_no_rate() {
    let proxies = vec!["192.0.2.1".parse().expect("a proxy")];
    let options = options().trusted_proxies(proxies);
    let server = Simulated::start(options.connection_rate("1/h".parse().ok()));
    for _ in 0..3 {
        let mut client = server.connect_from("192.0.2.1:1").upgraded("/");
        client.expect_echo("in");
    }
    server.connect_from("192.0.2.2:1").upgraded("/");
    server.connect_from("192.0.2.2:1").expect_end();
}
