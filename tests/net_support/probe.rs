//! A service that tells what happens to it, and a server made of it.
//!
//! It echoes, answers plain requests below `/http` with what it read of them, swallows what comes
//! on `/sink`, and runs closures that a test posts, so that a test can do what a service can.

use super::{Client, PATIENCE};
use crate::net_support::Ended;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use wirebell::Message;
use wirebell::http::{RequestHead, Status};
use wirebell::net::{Context, Counters, End, Mailbox, Options, PeerId, Reply, Request};
use wirebell::net::{Response, Server, Service, SharedFrame, Upgrade};

/// What the service was told; first the number of its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Opened(usize, PeerId),
    Drained(usize, PeerId),
    Closed(usize, PeerId, Ended),
}

/// A closure for one loop: gets its open connections, in the order of their opening.
type Job = Box<dyn FnOnce(&mut Context<'_>, &[PeerId]) + Send>;

/// The subprotocols that the probe supports, in its order of preference.
pub const SUBPROTOCOLS: [&str; 2] = ["superchat", "chat"];

/// Messages on this tag are not echoed.
const SINK: u32 = 1;

pub struct Probe {
    worker: usize,
    peers: Vec<PeerId>,
    events: Sender<Happened>,
}

impl Probe {
    /// The service of a worker, which tells there what happens.
    pub fn new(worker: usize, events: Sender<Happened>) -> Self {
        Self {
            worker,
            peers: Vec::new(),
            events,
        }
    }

    /// Its open connections, in the order of their opening.
    pub fn peers(&self) -> &[PeerId] {
        &self.peers
    }
}

impl Happened {
    /// It must be a new connection.
    #[track_caller]
    pub fn expect_opened(self) -> PeerId {
        match self {
            Self::Opened(_, peer) => peer,
            other => panic!("not opened: {other:?}"),
        }
    }

    /// It must be the end of this connection; `None` for `Drained`, which may come before.
    #[track_caller]
    pub fn expect_closed(self, peer: PeerId) -> Option<Ended> {
        match self {
            Self::Drained(..) => None,
            Self::Closed(_, other, end) if other == peer => Some(end),
            other => panic!("not the end of {peer:?}: {other:?}"),
        }
    }
}

impl Service for Probe {
    type Mail = Job;

    /// `/http/refused` takes no body, `/http/small` ten bytes.
    fn body(
        &mut self,
        context: &mut Context<'_>,
        _: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        match head.path() {
            "/http/refused" => Err(Response::text(Status::FORBIDDEN, "no body here")),
            "/http/small" => Ok(10),
            _ => Ok(context.limits().body_bytes),
        }
    }

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        if request.path().starts_with("/http") {
            let (method, path) = (request.method(), request.path());
            let query = request.query().unwrap_or("-");
            let body = String::from_utf8_lossy(request.body());
            return Response::text(Status::OK, format!("{method} {path} {query} {body}")).into();
        }
        match request.upgrade() {
            Err(refusal) => refusal.into(),
            Ok(opening) => Upgrade::new(opening.accept(opening.choose(&SUBPROTOCOLS)))
                .tag(u32::from(request.path() == "/sink"))
                .into(),
        }
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.peers.push(peer);
        let _ = self.events.send(Happened::Opened(self.worker, peer));
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if context.tag(peer) != Some(SINK) {
            let _ = context.send(peer, message);
        }
    }

    fn writable(&mut self, _: &mut Context<'_>, peer: PeerId) {
        let _ = self.events.send(Happened::Drained(self.worker, peer));
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        self.peers.retain(|other| *other != peer);
        let _ = self
            .events
            .send(Happened::Closed(self.worker, peer, end.into()));
    }

    fn mail(&mut self, context: &mut Context<'_>, job: Job) {
        job(context, &self.peers);
    }
}

/// A running server of probes. Stops and waits when it is dropped.
pub struct Probes {
    server: Option<Server<Job>>,
    address: SocketAddr,
    mailboxes: Vec<Mailbox<Job>>,
    events: Receiver<Happened>,
}

impl Probes {
    pub fn start(options: Options) -> Self {
        let (sender, events) = channel();
        let server = Server::bind("127.0.0.1:0", options, move |worker| {
            Probe::new(worker.number, sender.clone())
        })
        .expect("a free port");
        Self {
            address: server.local_addr(),
            mailboxes: server.mailboxes().to_vec(),
            server: Some(server),
            events,
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A WebSocket client on `/`.
    #[track_caller]
    pub fn open(&self) -> Client {
        Client::open(self.address)
    }

    /// Runs a closure on the loop of a worker and returns its result.
    #[track_caller]
    pub fn run_on<R: Send + 'static>(
        &self,
        worker: usize,
        job: impl FnOnce(&mut Context<'_>, &[PeerId]) -> R + Send + 'static,
    ) -> R {
        let (sender, result) = channel();
        let job: Job = Box::new(move |context, peers| {
            let _ = sender.send(job(context, peers));
        });
        self.mailboxes[worker].post(job, 0).expect("a loop");
        result.recv_timeout(PATIENCE).expect("the loop answers")
    }

    /// The same on the first worker.
    #[track_caller]
    pub fn run<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Context<'_>, &[PeerId]) -> R + Send + 'static,
    ) -> R {
        self.run_on(0, job)
    }

    /// Keeps the first loop from its work until what this returns is dropped.
    #[track_caller]
    pub fn hold_up(&self) -> HeldUp {
        let (began, begins) = channel();
        let (held_up, end) = channel::<()>();
        let job: Job = Box::new(move |_, _| {
            let _ = began.send(());
            let _ = end.recv();
        });
        self.mailboxes[0].post(job, 0).expect("a loop");
        begins.recv_timeout(PATIENCE).expect("the loop begins");
        HeldUp { _end: held_up }
    }

    /// The mailboxes, for another thread.
    pub fn rooms(&self) -> Rooms {
        Rooms {
            mailboxes: self.mailboxes.clone(),
        }
    }

    #[track_caller]
    pub fn counters(&self) -> Counters {
        self.run(|context, _| context.counters())
    }

    /// Connections of the first worker in any state.
    #[track_caller]
    pub fn connections(&self) -> usize {
        self.run(|context, _| context.connections())
    }

    /// The next thing that happens to a service.
    #[track_caller]
    pub fn event(&self) -> Happened {
        self.events
            .recv_timeout(PATIENCE)
            .expect("something happens")
    }

    /// The next thing, which must be a new connection.
    #[track_caller]
    pub fn opened(&self) -> PeerId {
        self.event().expect_opened()
    }

    /// The next thing apart from `Drained`, which must be the end of this connection.
    #[track_caller]
    pub fn closed(&self, peer: PeerId) -> Ended {
        loop {
            if let Some(end) = self.event().expect_closed(peer) {
                return end;
            }
        }
    }

    pub fn stop(&self) {
        if let Some(server) = &self.server {
            server.stop();
        }
    }

    /// Stops, waits, and returns all events that were not expected.
    pub fn finish(mut self) -> Vec<Happened> {
        self.end();
        self.events.try_iter().collect()
    }

    fn end(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
            let joined = server.join();
            // A second panic while one is under way would end the whole test binary.
            if !std::thread::panicking() {
                joined.expect("no worker panics");
            }
        }
    }
}

/// A loop that does nothing as long as this exists.
#[must_use]
pub struct HeldUp {
    _end: Sender<()>,
}

/// Publishes to all connections of all workers.
pub struct Rooms {
    mailboxes: Vec<Mailbox<Job>>,
}

impl Rooms {
    pub fn publish(&self, frame: &SharedFrame) {
        for mailbox in &self.mailboxes {
            let frame = frame.clone();
            let job: Job = Box::new(move |context, peers| {
                for peer in peers {
                    let _ = context.send_frame(*peer, &frame, 0);
                }
            });
            mailbox.post(job, 0).expect("a loop");
        }
    }
}

impl Drop for Probes {
    fn drop(&mut self) {
        self.end();
    }
}
