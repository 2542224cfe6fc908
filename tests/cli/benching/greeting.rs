//! What a server sends before the load is not an answer, and is reported.

use super::super::faulty::{Fault, Faulty};
use super::{Context, Message, PeerId, Reply, Request, Server, Service, one_worker};
use super::{number, report};

/// Echoes, and greets each client.
#[derive(Clone, Copy)]
struct Greeting {
    /// This many times.
    times: u32,
    /// Only after the first message, before its echo.
    late: bool,
}

impl Greeting {
    fn greet(self, context: &mut Context<'_>, peer: PeerId) {
        for _ in 0..self.times {
            let _ = context.send(peer, Message::text("welcome"));
        }
    }
}

impl Service for Greeting {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if !self.late {
            self.greet(context, peer);
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if self.late && message.bytes.starts_with(b"wirebell bench") {
            self.greet(context, peer);
        }
        let _ = context.send(peer, message);
    }
}

fn greeting(greeting: Greeting) -> Server<()> {
    Server::bind("127.0.0.1:0", one_worker(), move |_| greeting).expect("a free port")
}

#[test]
fn a_greeting_does_not_shift_the_answers() {
    let rows: [(u32, bool, &[&str]); 5] = [
        (1, false, &["-c", "1"]),
        (1, true, &["-c", "1"]),
        (3, false, &["-c", "5", "--depth", "4"]),
        (3, true, &["-c", "5", "--rate", "500"]),
        (1, false, &["-c", "4", "--text", "--size", "7"]), // As long as the greeting.
    ];
    for (times, late, args) in rows {
        let server = greeting(Greeting { times, late });
        let url = format!("ws://{}/", server.local_addr());
        let report = report(&url, args);
        let connections = number(&report, "/connections/opened");
        let greetings = f64::from(times) * connections;
        assert_eq!(number(&report, "/passed_over"), greetings, "{report:#}");
        assert_eq!(number(&report, "/lost"), 0.0, "{report:#}");
        assert!(number(&report, "/answered") >= connections, "{report:#}");
        server.stop();
        server.join().unwrap();
    }
}

#[test]
fn idle_connections_and_handshakes_take_no_greeting_for_an_answer() {
    let server = greeting(Greeting {
        times: 2,
        late: false,
    });
    let url = format!("ws://{}/", server.local_addr());
    for args in [&["-m", "idle", "--touch"][..], &["-m", "idle"]] {
        let report = report(&url, &[args, &["-c", "3"]].concat());
        let touched = if args.contains(&"--touch") { 3.0 } else { 0.0 };
        assert_eq!(number(&report, "/passed_over"), 6.0, "{report:#}");
        assert_eq!(number(&report, "/answered"), touched, "{report:#}");
    }
    report(&url, &["-m", "handshake"]);
    server.stop();
    server.join().unwrap();
}

/// Publishes messages to all connections, greets, and answers registrations.
struct Relay(Vec<PeerId>);

impl Service for Relay {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = context.send(peer, Message::text("welcome"));
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if message.bytes == b"subscribe" {
            self.0.push(peer);
            let _ = context.send(peer, Message::text("you are subscribed"));
            return;
        }
        for peer in &self.0 {
            let _ = context.send(*peer, message);
        }
    }
}

#[test]
fn subscribers_may_be_greeted() {
    let server =
        Server::bind("127.0.0.1:0", one_worker(), |_| Relay(Vec::new())).expect("a free port");
    let url = format!("ws://{}/", server.local_addr());
    let args = ["-m", "fan-out", "-c", "4", "--subscribe", "subscribe"];
    let publish = ["--publish-url", &url, "--publish", "{message}"];
    let report = report(&url, &[&args[..], &publish].concat());
    assert_eq!(number(&report, "/passed_over"), 8.0, "{report:#}");
    assert!(number(&report, "/answered") >= 4.0, "{report:#}");
    server.stop();
    server.join().unwrap();
}

#[test]
fn a_report_for_people_names_what_was_passed_over() {
    let server = greeting(Greeting {
        times: 1,
        late: false,
    });
    let url = format!("ws://{}/", server.local_addr());
    let outcome = super::bench(&url, &["-c", "2"]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let line = "ignored      2 messages that the server sent before the load";
    assert!(outcome.stdout.contains(line), "{outcome:?}");
    server.stop();
    server.join().unwrap();
    let (_server, address) = super::echo();
    let plain = super::bench(&format!("ws://{address}/"), &["-c", "2"]);
    assert!(!plain.stdout.contains("ignored"), "{plain:?}");
}

#[test]
fn credentials_go_with_each_handshake() {
    let server = Faulty::start(Fault::Demanding);
    let args = ["-c", "3", "--token", "secret", "--subprotocol", "chat"];
    let report = report(&server.url(), &args);
    assert_eq!(report["connections"]["opened"], 3, "{report:#}");
    assert_eq!(number(&report, "/passed_over"), 9.0, "{report:#}");
}
