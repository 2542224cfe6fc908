//! A server controlled by other threads: it is stopped while another joins it, and counted.

use super::Probe;
use crate::net_support::{Client, options, wait_until};
use crate::support::frames::{binary_start, close, end};
use std::thread;
use wirebell::net::{Counters, Handle, Server};

fn start(workers: usize) -> Server<u32> {
    let options = options().workers(workers);
    Server::bind("127.0.0.1:0", options, |_| Probe::default()).expect("a free port")
}

fn sum(handle: &Handle<u32>) -> Counters {
    handle.counters().into_iter().sum()
}

#[test]
fn it_is_stopped_from_a_thread_while_another_joins_it() {
    let server = start(2);
    let (handle, address) = (server.handle(), server.local_addr());
    let joined = thread::spawn(move || server.join());
    let mut client = Client::open(address);
    client.send_text("hello");
    wait_until("the message is counted", || sum(&handle).messages == 1);
    assert!(!joined.is_finished());
    let stopper = handle.clone();
    thread::spawn(move || stopper.stop()).join().expect("stops");
    client.expect_close(1001);
    client.send_frame(&close(1001, ""));
    joined.join().expect("joins").expect("no worker failed");
    let counters = sum(&handle);
    assert_eq!((counters.accepted, counters.ended), (1, 1));
    assert_eq!((counters.opened, counters.closed), (1, 1));
    assert_eq!(handle.counters().len(), 2);
    assert_eq!(handle.held_bytes(), 0);
    assert!(
        handle.mailboxes()[0].post(1, 0).is_err(),
        "the loop has ended"
    );
}

#[test]
fn join_reports_a_panic() {
    let server = Server::bind("127.0.0.1:0", options(), |_| Probe {
        react: Some(Box::new(|_, _, _| panic!("on purpose"))),
        ..Probe::default()
    })
    .expect("a free port");
    let mut client = Client::connect(server.local_addr());
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let error = server.join().expect_err("it panicked");
    assert!(error.panicked && error.worker == 0 && error.reason == "on purpose");
    assert_eq!(error.to_string(), "worker 0 panicked: on purpose");
}

#[test]
fn held_bytes_are_those_of_unfinished_messages() {
    let server = start(1);
    let handle = server.handle();
    let mut client = Client::open(server.local_addr());
    assert_eq!(handle.held_bytes(), 0);
    client.send_frame(&binary_start(&[1; 100_000]));
    wait_until("it is held", || handle.held_bytes() >= 100_000);
    client.send_frame(&end(""));
    wait_until("it is whole", || handle.held_bytes() == 0);
    drop(client);
    wait_until("it has ended", || sum(&handle).closed == 1);
    server.stop();
    server.join().expect("no worker failed");
}
