//! The command after a pause of the whole process, as on a laptop that slept: a peer that answered
//! in time is not closed for it.

use super::program::Program;
use crate::net_support::Client;
use crate::net_support::push::{publication, registration};
use crate::support::frames::{pong, text};
use rustix::process::Signal;
use std::time::Duration;

/// Every deadline of the server, all shorter than the pause.
const SETTINGS: [&str; 15] = [
    "serve",
    "--listen",
    "127.0.0.1:0",
    "--workers",
    "2",
    "--register-timeout",
    "1s",
    "--ping-interval",
    "800ms",
    "--pong-timeout",
    "1s",
    "--head-timeout",
    "1s",
    "--close-timeout",
    "1s",
];

#[test]
fn what_had_arrived_during_a_pause_is_not_late() {
    let (program, address) = Program::serve(&SETTINGS);
    let mut open = Client::open_at(address, "/echo");
    assert_eq!(
        open.frame().first,
        0x89,
        "it is asked, and has a second to answer"
    );
    let mut registering: Vec<Client> = (0..40).map(|_| Client::open_at(address, "/ws")).collect();
    let mut asking: Vec<Client> = (0..40).map(|_| Client::connect(address)).collect();
    for client in &mut asking {
        client.send("GET /healthz HTTP/1.1\r\n");
    }
    program.signal(Signal::STOP);
    open.send_frame(&pong(b""));
    for client in &mut registering {
        client.send_text(&registration("a", "e"));
    }
    for client in &mut asking {
        client.send("Host: localhost\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(2200));
    program.signal(Signal::CONT);
    for client in &mut asking {
        assert_eq!(client.response().status, 200);
    }
    open.send_frame(&pong(b""));
    let body = publication("a", "e", "hello");
    let response = Client::connect(address).post("/push", "", &body);
    assert_eq!(response.body, "message sent to 40 clients");
    for client in &mut registering {
        loop {
            match client.frame() {
                // It may have got a Ping meanwhile.
                frame if frame.first == 0x89 => client.send_frame(&pong(b"")),
                frame => break assert_eq!(frame, text("hello")),
            }
        }
    }
}
