//! A proxy from WebSocket to TCP, such as a browser's way to a database or a VNC server. What one
//! side does not take stops the other, so memory is bounded however fast they are.
//!
//! ```text
//!   WebSocket ── chunk ──▶ channel of CHANNEL chunks ──▶ writer thread ──▶ TCP
//!                pause ◀── full       resume ◀── mail ──┘
//!   WebSocket ◀── send_piece ◀── mail ◀── reader thread ◀────────────────── TCP
//!                writable ──── permit for the next read ──▶┘
//! ```
//!
//! ```text
//! cargo run --example proxy -- 127.0.0.1:9001 127.0.0.1:5900
//! ```

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;
use wirebell::net::{Chunk, Context, Delivery, End, Mailbox, Options, PeerId, PeerMap, PostError};
use wirebell::net::{Reply, Request, Server, Service, Upgrade, Worker};
use wirebell::{CloseCode, Message, MessageKind};

/// Chunks that wait for TCP to take them.
const CHANNEL: usize = 4;

/// Bytes of one read from TCP.
const READ: usize = 64 * 1024;

/// Bytes that may wait for the WebSocket before reading from TCP stops.
const WAITING: usize = 256 * 1024;

fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(listen), Some(target)) = (args.next(), args.next()) else {
        eprintln!("usage: proxy LISTEN TARGET");
        return;
    };
    let target = target.parse().expect("an address and a port");
    let server = serve(&listen, target, Options::default()).expect("an address to listen on");
    server.join().expect("no worker fails");
}

/// Starts the proxy.
pub fn serve(
    listen: &str,
    target: SocketAddr,
    options: Options,
) -> std::io::Result<Server<FromTcp>> {
    Server::bind(listen, options, move |worker| Proxy::new(worker, target))
}

/// What the threads of a connection tell its loop.
pub enum FromTcp {
    /// The target has accepted.
    Connected(PeerId),
    /// The writer has taken a chunk: there is room for another.
    Room(PeerId),
    /// The reader has read this, and waits for a permit.
    Read(PeerId, Vec<u8>),
    /// TCP has ended, or there was none.
    Ended(PeerId),
}

/// The threads of one connection, as the loop sees them.
struct Tcp {
    /// The writer ends with it.
    chunks: SyncSender<Vec<u8>>,
    /// One that found no room.
    held: Option<Vec<u8>>,
    /// The reader ends with it.
    permits: SyncSender<()>,
    /// The reader waits for a permit, which it gets once enough has left.
    wants_permit: bool,
}

struct Proxy {
    target: SocketAddr,
    mailbox: Mailbox<FromTcp>,
    connections: PeerMap<Tcp>,
}

impl Proxy {
    fn new(worker: &Worker<FromTcp>, target: SocketAddr) -> Self {
        Self {
            target,
            mailbox: worker.mailboxes[worker.number].clone(),
            connections: PeerMap::new(),
        }
    }

    /// Gives the chunk that was held to the writer, if there is room now.
    fn push(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let Some(tcp) = self.connections.get_mut(peer) else {
            return;
        };
        let Some(chunk) = tcp.held.take() else {
            return;
        };
        match tcp.chunks.try_send(chunk) {
            Ok(()) => context.resume(peer),
            Err(TrySendError::Full(chunk)) => {
                tcp.held = Some(chunk);
                context.pause(peer); // FromTcp::Room comes.
            }
            Err(TrySendError::Disconnected(_)) => {} // FromTcp::Ended comes.
        }
    }

    /// Lets the reader go on.
    fn permit(&mut self, peer: PeerId) {
        if let Some(tcp) = self.connections.get_mut(peer)
            && std::mem::take(&mut tcp.wants_permit)
        {
            let _ = tcp.permits.try_send(());
        }
    }
}

impl Service for Proxy {
    type Mail = FromTcp;

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        match request.upgrade() {
            Err(refusal) => refusal.into(),
            Ok(opening) => {
                let upgrade = Upgrade::new(opening.accept(None));
                upgrade.delivery(Delivery::Chunks).into()
            }
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let (chunks, incoming) = sync_channel(CHANNEL);
        let (permits, permitted) = sync_channel(1);
        let threads = Threads {
            peer,
            mailbox: self.mailbox.clone(),
        };
        let target = self.target;
        thread::spawn(move || threads.run(target, incoming, permitted));
        let tcp = Tcp {
            chunks,
            held: None,
            permits,
            wants_permit: false,
        };
        self.connections.insert(peer, tcp);
        context.pause(peer); // Until the target has accepted.
    }

    /// All come in chunks.
    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        if let Some(tcp) = self.connections.get_mut(peer) {
            // A pause ends when the server stops: then something may be held already.
            let held = tcp.held.get_or_insert_default();
            held.extend_from_slice(chunk.bytes);
            self.push(context, peer);
        }
    }

    fn writable(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.permit(peer);
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: FromTcp) {
        match mail {
            FromTcp::Connected(peer) => context.resume(peer),
            FromTcp::Room(peer) => self.push(context, peer),
            FromTcp::Read(peer, bytes) => {
                let sent = context.send_piece(peer, MessageKind::Binary, &bytes, true);
                if let Some(tcp) = self.connections.get_mut(peer) {
                    tcp.wants_permit = true;
                }
                if sent.has_room(WAITING) {
                    self.permit(peer);
                }
            }
            FromTcp::Ended(peer) => context.close(peer, CloseCode::NORMAL, "TCP has ended"),
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        self.connections.remove(peer); // The threads find their channels closed.
    }
}

/// The blocking side of one connection.
#[derive(Clone)]
struct Threads {
    peer: PeerId,
    mailbox: Mailbox<FromTcp>,
}

impl Threads {
    /// Posts, and waits while other connections have filled the mailbox.
    fn tell(&self, bytes: usize, mail: impl Fn(PeerId) -> FromTcp) {
        while self.mailbox.post(mail(self.peer), bytes) == Err(PostError::Full) {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Connects, starts the reader, and is the writer.
    fn run(self, target: SocketAddr, chunks: Receiver<Vec<u8>>, permits: Receiver<()>) {
        let Ok(mut stream) = TcpStream::connect(target) else {
            return self.tell(0, FromTcp::Ended);
        };
        self.tell(0, FromTcp::Connected);
        if let Ok(stream) = stream.try_clone() {
            let reader = self.clone();
            thread::spawn(move || reader.read(stream, &permits));
        }
        for chunk in chunks {
            if stream.write_all(&chunk).is_err() {
                break;
            }
            self.tell(0, FromTcp::Room);
        }
        let _ = stream.shutdown(Shutdown::Both);
    }

    /// Reads for as long as it is permitted.
    fn read(self, mut stream: TcpStream, permits: &Receiver<()>) {
        let mut buffer = vec![0; READ];
        while let Ok(len @ 1..) = stream.read(&mut buffer) {
            self.tell(len, |peer| FromTcp::Read(peer, buffer[..len].to_vec()));
            if permits.recv().is_err() {
                return;
            }
        }
        self.tell(0, FromTcp::Ended);
    }
}
