//! What a service that dials can say and hear, without sockets: dials that are cancelled, the
//! subprotocol that the server chose, attempts that follow a refusal.

use std::sync::Arc;
use wirebell::client::{self, Backoff, Endpoint, ProxyChoice};
use wirebell::net::testing::{Network, TestLoop};
use wirebell::net::{Context, Dial, End, Options, PeerId, Reply, Request, Service};
use wirebell::{CloseCode, Message};

/// Opens whatever is asked for, with the subprotocol `chat` if it is offered.
struct Server;

impl Service for Server {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        let accept = |opening: wirebell::handshake::UpgradeRequest<'r>| {
            opening.accept(opening.choose(&["chat"]))
        };
        request.upgrade().map(accept).into()
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}
}

#[derive(Default)]
struct Dialler {
    told: Vec<String>,
    peers: Vec<PeerId>,
}

impl Service for Dialler {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let subprotocol = context.subprotocol(peer).unwrap_or("none");
        self.told.push(format!("opened {subprotocol}"));
        self.peers.push(peer);
    }

    fn not_opened(&mut self, _: &mut Context<'_>, tag: u32, _: &client::Error) {
        self.told.push(format!("not opened {tag}"));
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        let subprotocol = context.subprotocol(peer).unwrap_or("none");
        self.told.push(format!("closed {subprotocol}"));
    }
}

fn dialler(network: &Network) -> TestLoop<Dialler> {
    network.clients(Options::default(), |_| Dialler::default())
}

fn dial(server: &TestLoop<Server>, subprotocols: &[&str]) -> Dial {
    let options = client::Options::default()
        .proxy(ProxyChoice::Direct)
        .subprotocols(subprotocols.iter().map(|name| (*name).into()).collect());
    let endpoint = Endpoint::at("ws://server/", options, vec![server.address()]);
    Dial {
        tag: 5,
        ..Dial::new(Arc::new(endpoint.unwrap()))
    }
}

/// Both loops, until nothing is left to do.
fn run(server: &mut TestLoop<Server>, dialler: &mut TestLoop<Dialler>) {
    while server.is_due() || dialler.is_due() {
        server.run();
        dialler.run();
    }
}

#[test]
fn the_subprotocol_of_the_server_is_known_until_the_end() {
    for (offered, chosen) in [(&["mqtt", "chat"][..], "chat"), (&[], "none")] {
        let network = Network::new();
        let mut server = network.serve(Options::default(), |_| Server);
        let mut dialler = dialler(&network);
        dialler.with(|_, context| context.dial(dial(&server, offered)));
        run(&mut server, &mut dialler);
        dialler.with(|service, context| {
            context.close(service.peers[0], CloseCode::NORMAL, "");
        });
        run(&mut server, &mut dialler);
        let expected = [format!("opened {chosen}"), format!("closed {chosen}")];
        dialler.with(|service, _| assert_eq!(service.told, expected));
    }
}

#[test]
fn a_dial_that_is_cancelled_is_heard_of_no_more() {
    let network = Network::new();
    let mut server = network.serve(Options::default(), |_| Server);
    let mut dialler = dialler(&network);
    // One is connecting, the other waits for its permit.
    dialler.with(|_, context| {
        context.dial(dial(&server, &[]));
        context.dial(dial(&server, &[]));
    });
    dialler.turn();
    dialler.with(|_, context| context.cancel_dial(5));
    run(&mut server, &mut dialler);
    dialler.with(|service, context| {
        assert!(service.told.is_empty(), "{:?}", service.told);
        assert_eq!(context.connections(), 0);
        // The permit is free again.
        context.dial(dial(&server, &[]));
    });
    run(&mut server, &mut dialler);
    dialler.with(|service, _| assert_eq!(service.told, ["opened none"]));
}

#[test]
fn a_connection_whose_dial_was_cancelled_is_not_dialled_again() {
    for cancel in [true, false] {
        let network = Network::new();
        let mut server = network.serve(Options::default(), |_| Server);
        let mut dialler = dialler(&network);
        let again = Dial {
            reconnect: Some(Backoff::default().first_ms(0).most_ms(0).attempts(0)),
            ..dial(&server, &[])
        };
        dialler.with(|_, context| context.dial(again));
        run(&mut server, &mut dialler);
        dialler.with(|_, context| {
            if cancel {
                context.cancel_dial(5);
            }
        });
        let first = dialler.with(|service, _| service.peers[0]);
        // The other side ends it: the server has the connection under the same number.
        server.with(|_, context| {
            assert_eq!(context.connections(), 1);
            context.close(first, CloseCode::GOING_AWAY, "");
        });
        run(&mut server, &mut dialler);
        let expected: &[&str] = match cancel {
            true => &["opened none", "closed none"],
            false => &["opened none", "closed none", "opened none"],
        };
        dialler.with(|service, _| assert_eq!(service.told, expected));
    }
}

/// A loop that dials with compression and serves without: the offers of its clients are declined.
#[test]
fn what_a_dial_agrees_to_is_not_offered_to_clients() {
    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let settings = Some(wirebell::deflate::Settings::default());
    let network = Network::new();
    let mut compressing = network.serve(Options::default().deflate(settings), |_| Server);
    let mut both = network.serve(Options::default(), |_| Dialler::default());
    let options = client::Options::default()
        .proxy(ProxyChoice::Direct)
        .deflate(settings);
    let addresses = vec![compressing.address()];
    let endpoint = Endpoint::at("ws://server/", options, addresses).unwrap();
    both.with(|_, context| context.dial(Dial::new(Arc::new(endpoint))));
    while compressing.is_due() || both.is_due() {
        compressing.run();
        both.run();
    }
    for (is_compressing, answer) in [
        (true, ask(&mut compressing, ASK)),
        (false, ask(&mut both, ASK)),
    ] {
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert_eq!(answer.contains("permessage-deflate"), is_compressing);
    }
    both.with(|service, _| assert_eq!(service.told[0], "opened none"));
}

/// The answer to a request.
fn ask<S: Service>(server: &mut TestLoop<S>, request: &[u8]) -> String {
    let mut peer = server.connect();
    peer.send(request);
    server.run();
    peer.read(usize::MAX);
    String::from_utf8(peer.take_bytes()).unwrap()
}
