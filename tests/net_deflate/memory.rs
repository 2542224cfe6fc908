//! What connections keep comes out of a budget, and goes back into it.

use super::peer::Peer;
use super::{compressing, json};
use crate::net_support::{Probes, wait_until};
use wirebell::deflate::Compressor;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::Options;

const WINDOW: usize = 32 * 1024;
const ALONE: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn with_budget(budget: usize, idle_ms: u32) -> Options {
    let mut options = compressing(DeflatePolicy::TAKEOVER);
    let settings = options.deflate.as_mut().expect("set");
    (settings.budget, settings.idle_ms) = (budget, idle_ms);
    options
}

#[test]
fn past_the_budget_new_connections_do_without_takeover() {
    // Room for one compressor beyond the window of one connection.
    let budget = Compressor::cost(15) + WINDOW;
    let server = Probes::start(with_budget(budget, 60_000));
    let mut first = Peer::open(server.address(), "permessage-deflate");
    assert_eq!(first.terms, "permessage-deflate");
    first.expect_echo(&json(1, 500));
    let mut second = Peer::open(server.address(), "permessage-deflate");
    assert_eq!(second.terms, ALONE);
    for round in 0..3 {
        second.expect_echo(&json(round, 500));
        first.expect_echo(&json(round, 500));
    }
    assert!(second.compressed == 3 && first.compressed == 4);
    // The end of the first gives its memory back.
    first.client.finish(1000);
    wait_until("the budget is free", || {
        let next = Peer::open(server.address(), "permessage-deflate");
        next.terms == "permessage-deflate"
    });
}

#[test]
fn an_idle_compressor_is_given_back_and_the_stream_goes_on() {
    let budget = Compressor::cost(15) + 2 * WINDOW;
    let server = Probes::start(with_budget(budget, 100));
    let mut first = Peer::open(server.address(), "permessage-deflate");
    first.expect_echo(&json(1, 500));
    wait_until("the compressor is idle", || {
        let next = Peer::open(server.address(), "permessage-deflate");
        next.terms == "permessage-deflate"
    });
    for round in 0..3 {
        first.expect_echo(&json(round, 500));
    }
}

#[test]
fn a_small_window_takes_little_of_the_budget() {
    let mut options = with_budget(Compressor::cost(9) + 10 * 512, 60_000);
    let settings = options.deflate.as_mut().expect("set");
    settings.policy.server_window_bits = 9;
    settings.policy.client_window_bits = 9;
    let server = Probes::start(options);
    let open = || {
        let offer = "permessage-deflate; client_max_window_bits";
        Peer::open(server.address(), offer)
    };
    let mut peers: Vec<_> = (0..10).map(|_| open()).collect();
    assert!(peers.iter().all(Peer::takes_over));
    assert!(!open().takes_over());
    for peer in &mut peers {
        peer.expect_echo(&json(1, 3000));
    }
}
