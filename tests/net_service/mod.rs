//! What a service can do and learns, on simulated sockets and a virtual clock where that is
//! possible.

mod chunks;
#[cfg(feature = "deflate")]
mod compressed;
#[cfg(feature = "push")]
mod echoing;
mod ends;
#[cfg(feature = "client")]
mod examples;
mod later;
#[cfg(unix)]
mod listening;
mod pausing;
mod pieces;
mod running;
mod runs;
mod streams;
mod timers;
mod without_close;

use crate::support::frames::{Frame, wire};
use wirebell::http::Status;
use wirebell::net::testing::{Network, Peer, TestLoop};
use wirebell::net::{Cause, Chunk, Context, Delivery, End, Options, PeerId, Reply, Request};
use wirebell::net::{Response, Service, Upgrade};
use wirebell::{CloseCode, Message, MessageKind, Role, net};

/// What the service was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Request(String),
    Opened,
    Message(MessageKind, Vec<u8>),
    Chunk(Part),
    Pong(Vec<u8>),
    Writable,
    Timer,
    Closing,
    Closed(Ended),
    Mail(u32),
}

/// A chunk, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub kind: MessageKind,
    pub bytes: Vec<u8>,
    pub first: bool,
    pub last: bool,
    pub left: Option<u64>,
}

/// An end, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub clean: bool,
    pub code: Option<CloseCode>,
    pub reason: String,
    pub cause: Cause,
}

/// What a test does at once when something happens.
type Reaction = Box<dyn FnMut(&mut Context<'_>, PeerId, &Told)>;

/// Records its calls. The path says how a request is answered: `/chunks`, `/without-close` and `/`
/// open a WebSocket, `/later` and `/stream` wait for the test, all others are answered at once.
#[derive(Default)]
pub struct Probe {
    pub told: Vec<(PeerId, Told)>,
    /// Those of requests and open connections, in the order in which they were first heard of.
    pub peers: Vec<PeerId>,
    pub react: Option<Reaction>,
}

impl Probe {
    fn note(&mut self, context: &mut Context<'_>, peer: PeerId, told: Told) {
        if !self.peers.contains(&peer) {
            self.peers.push(peer);
        }
        if let Some(react) = &mut self.react {
            react(context, peer, &told);
        }
        self.told.push((peer, told));
    }
}

impl Service for Probe {
    type Mail = u32;

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.note(context, from, Told::Request(request.path().to_owned()));
        match request.path() {
            "/later" => Reply::Later { tag: 7 },
            "/stream" => Reply::Stream {
                head: Response::text(Status::OK, ""),
                tag: 8,
            },
            path => match request.upgrade() {
                Ok(opening) => {
                    let delivery = match path {
                        "/chunks" => Delivery::Chunks,
                        _ => Delivery::Messages,
                    };
                    let upgrade = Upgrade::new(opening.accept(None)).tag(9);
                    let upgrade = upgrade.delivery(delivery);
                    match path {
                        "/without-close" => upgrade.without_close().into(),
                        _ => upgrade.into(),
                    }
                }
                Err(_) => Response::text(Status::OK, request.path().to_owned()).into(),
            },
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.note(context, peer, Told::Opened);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let told = Told::Message(message.kind, message.bytes.to_vec());
        self.note(context, peer, told);
    }

    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        let part = Part {
            kind: chunk.kind,
            bytes: chunk.bytes.to_vec(),
            first: chunk.first,
            last: chunk.last,
            left: chunk.frame_left,
        };
        self.note(context, peer, Told::Chunk(part));
    }

    fn pong(&mut self, context: &mut Context<'_>, peer: PeerId, payload: &[u8]) {
        self.note(context, peer, Told::Pong(payload.to_vec()));
    }

    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.note(context, peer, Told::Writable);
    }

    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.note(context, peer, Told::Timer);
    }

    fn closing(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.note(context, peer, Told::Closing);
    }

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        let ended = Ended {
            clean: end.clean,
            code: end.code,
            reason: end.reason.to_owned(),
            cause: end.cause,
        };
        self.note(context, peer, Told::Closed(ended));
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: u32) {
        if let Some(peer) = self.peers.last().copied() {
            self.note(context, peer, Told::Mail(mail));
        }
    }
}

/// A loop of probes.
pub type Loop = TestLoop<Probe>;

/// One on a network of its own.
pub fn serve(limits: net::Limits) -> Loop {
    serve_with(Options::default().limits(limits))
}

pub fn serve_with(options: Options) -> Loop {
    Network::new().serve(options, |_| Probe::default())
}

/// What the service was told since the last time.
pub fn told(server: &mut Loop) -> Vec<Told> {
    server.run();
    let all = server.with(|probe, _| std::mem::take(&mut probe.told));
    all.into_iter().map(|(_, told)| told).collect()
}

/// The chunks among it, and nothing but chunks.
#[track_caller]
pub fn parts(server: &mut Loop) -> Vec<Part> {
    let part = |told| match told {
        Told::Chunk(part) => part,
        other => panic!("no chunk: {other:?}"),
    };
    told(server).into_iter().map(part).collect()
}

/// Messages put together, after a look at their marks: one first and one last each.
#[track_caller]
pub fn messages(parts: &[Part]) -> Vec<(MessageKind, Vec<u8>)> {
    let (mut all, mut open): (Vec<_>, Option<(MessageKind, Vec<u8>)>) = (Vec::new(), None);
    for part in parts {
        assert_eq!(part.first, open.is_none(), "the first, and no other");
        let (kind, bytes) = open.get_or_insert((part.kind, Vec::new()));
        assert_eq!(*kind, part.kind);
        bytes.extend_from_slice(&part.bytes);
        if part.last {
            all.extend(open.take());
        }
    }
    assert!(open.is_none(), "every message has its last part");
    all
}

/// The last connection that the service has heard of.
pub fn last_peer(server: &mut Loop) -> PeerId {
    server.with(|probe, _| *probe.peers.last().expect("a connection"))
}

/// From now on the service does this at once.
pub fn react(server: &mut Loop, react: impl FnMut(&mut Context<'_>, PeerId, &Told) + 'static) {
    server.with(|probe, _| probe.react = Some(Box::new(react)));
}

/// Calls the context about the last connection.
pub fn with_last<R>(server: &mut Loop, call: impl FnOnce(&mut Context<'_>, PeerId) -> R) -> R {
    let peer = last_peer(server);
    let result = server.with(|_, context| call(context, peer));
    server.run();
    result
}

/// Sends frames as a client does.
pub fn send(peer: &mut Peer, frames: &[Frame]) {
    peer.send(&wire(Role::Server, frames));
}

/// Everything that has come, as bytes.
pub fn bytes(peer: &mut Peer) -> Vec<u8> {
    peer.read(usize::MAX);
    peer.take_bytes()
}

/// Reads until nothing more comes, while the server goes on.
pub fn drain<S: Service>(server: &mut TestLoop<S>, peer: &mut Peer) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        server.run();
        match bytes(peer) {
            some if some.is_empty() => return all,
            some => all.extend(some),
        }
    }
}

/// The same as text, for HTTP.
#[track_caller]
pub fn text(peer: &mut Peer) -> String {
    String::from_utf8(bytes(peer)).expect("HTTP is text here")
}

/// How the last connection ended: the only end among what the service was told.
#[track_caller]
pub fn ended(server: &mut Loop) -> Ended {
    let ends = told(server).into_iter().filter_map(|told| match told {
        Told::Closed(ended) => Some(ended),
        _ => None,
    });
    let ends: Vec<_> = ends.collect();
    assert_eq!(ends.len(), 1, "{ends:?}");
    ends[0].clone()
}
