//! A WebSocket upload of any size in little memory: the server counts and sums what comes, and
//! keeps none of it; the client sends one message in pieces, as fast as they leave.
//!
//! ```text
//! cargo run --release --example upload -- 2147483648
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use wirebell::client::{self, Endpoint, ProxyChoice};
use wirebell::net::{Chunk, Clients, Context, Delivery, Dial, End, Options, PeerId, PeerMap};
use wirebell::net::{Reply, Request, Server, Service, Upgrade};
use wirebell::{CloseCode, Message, MessageKind};

/// Bytes of a piece, and how many may wait before the client stops to make more.
const PIECE: usize = 64 * 1024;
const WAITING: usize = 256 * 1024;

fn main() {
    let bytes = std::env::args().nth(1).and_then(|arg| arg.parse().ok());
    let bytes = bytes.unwrap_or(2 << 30);
    let server = serve(Options::default()).expect("a free port");
    println!("{}", upload(server.local_addr(), bytes));
    println!("held at the end: {} bytes", server.handle().held_bytes());
}

/// FNV-1a of a message, whatever the pieces in which it comes.
#[derive(Clone, Copy)]
struct Sum {
    bytes: u64,
    hash: u64,
}

impl Sum {
    const NEW: Self = Self {
        bytes: 0,
        hash: 0xCBF2_9CE4_8422_2325,
    };

    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for byte in bytes {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01B3);
        }
    }

    fn report(&self) -> String {
        format!("{} bytes, {:016x}", self.bytes, self.hash)
    }
}

/// The server: a sum for each connection, and a report at the end of each message.
#[derive(Default)]
struct Sink {
    sums: PeerMap<Sum>,
}

/// Starts it on any free port of this machine.
pub fn serve(options: Options) -> std::io::Result<Server<()>> {
    Server::bind("127.0.0.1:0", options, |_| Sink::default())
}

impl Service for Sink {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        match request.upgrade() {
            Err(refusal) => refusal.into(),
            Ok(opening) => {
                let upgrade = Upgrade::new(opening.accept(None));
                upgrade.delivery(Delivery::Chunks).into()
            }
        }
    }

    /// All come in chunks.
    fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        if chunk.first {
            self.sums.insert(peer, Sum::NEW);
        }
        if let Some(sum) = self.sums.get_mut(peer) {
            sum.add(chunk.bytes);
            if chunk.last {
                let _ = context.send(peer, Message::text(&sum.report()));
            }
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        self.sums.remove(peer);
    }
}

/// The client: one message, and the server's report of it.
struct Source {
    dial: Option<Dial>,
    left: u64,
    sum: Sum,
    report: Sender<String>,
}

/// Sends this many bytes as one message; returns what the server says of them, after a look at it.
pub fn upload(server: SocketAddr, bytes: u64) -> String {
    let options = client::Options::default().proxy(ProxyChoice::Direct);
    let endpoint = Endpoint::at("ws://localhost/", options, vec![server]).expect("a URI");
    let dial = Dial::new(Arc::new(endpoint));
    let (report, reports) = channel();
    let options = Options::default().workers(1);
    let clients = Clients::start(options, move |_| Source {
        dial: Some(dial.clone()),
        left: bytes,
        sum: Sum::NEW,
        report: report.clone(),
    });
    let clients = clients.expect("a thread");
    let report = reports.recv().expect("a report");
    clients.join().expect("a clean end");
    report
}

impl Source {
    /// Sends until enough waits; [`Service::writable`] goes on.
    fn fill(&mut self, context: &mut Context<'_>, peer: PeerId) {
        while self.left > 0 {
            let len = self.left.min(PIECE as u64);
            let piece: Vec<u8> = (0..len).map(|at| (self.left - at) as u8).collect();
            self.left -= len;
            self.sum.add(&piece);
            let sent = context.send_piece(peer, MessageKind::Binary, &piece, self.left == 0);
            if !sent.has_room(WAITING) {
                return;
            }
        }
    }
}

impl Service for Source {
    type Mail = ();

    fn started(&mut self, context: &mut Context<'_>) {
        self.dial
            .take()
            .into_iter()
            .for_each(|dial| context.dial(dial));
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.fill(context, peer);
    }

    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.fill(context, peer);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let report = message.as_text().unwrap_or_default();
        assert_eq!(report, self.sum.report(), "it is what was sent");
        let _ = self.report.send(report.to_owned());
        context.close(peer, CloseCode::NORMAL, "");
    }

    fn closed(&mut self, context: &mut Context<'_>, _: PeerId, _: End<'_>) {
        context.stop();
    }
}
