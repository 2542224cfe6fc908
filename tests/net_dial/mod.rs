//! Clients in the event loop.

mod exchange;
mod failing;
mod simulated;
mod taps;

use crate::net_support::{Ended, PATIENCE, options};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use wirebell::client::{self, Backoff, Endpoint, ProxyChoice};
use wirebell::net::{self, Clients, Context, Dial, End, PeerId, Service};
use wirebell::{CloseCode, Message, MessageKind};

/// What a service of these tests was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Opened(u32),
    NotOpened(u32, String),
    Message(u32, MessageKind, Vec<u8>),
    Closed(u32, Ended),
}

/// Dials what it is given, reports events, and follows commands.
struct Puppet {
    dials: Vec<Dial>,
    tell: Sender<Told>,
    open: Vec<PeerId>,
}

/// What the test wants of all open connections.
pub enum Wish {
    Dial(Dial),
    Send(MessageKind, Vec<u8>),
    SendFrame(net::SharedFrame),
    Close(CloseCode),
}

impl Service for Puppet {
    type Mail = Wish;

    fn started(&mut self, context: &mut Context<'_>) {
        for dial in self.dials.drain(..) {
            context.dial(dial);
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.open.push(peer);
        let _ = self.tell.send(Told::Opened(context.tag(peer).unwrap()));
    }

    fn not_opened(&mut self, _: &mut Context<'_>, tag: u32, error: &client::Error) {
        let _ = self.tell.send(Told::NotOpened(tag, error.to_string()));
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let tag = context.tag(peer).unwrap();
        let _ = self
            .tell
            .send(Told::Message(tag, message.kind, message.bytes.to_vec()));
    }

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        self.open.retain(|one| *one != peer);
        let _ = self
            .tell
            .send(Told::Closed(context.tag(peer).unwrap(), end.into()));
    }

    fn mail(&mut self, context: &mut Context<'_>, wish: Wish) {
        match wish {
            Wish::Dial(dial) => context.dial(dial),
            Wish::Send(kind, bytes) => {
                for peer in &self.open {
                    let message = Message::of(kind, &bytes).unwrap();
                    let _ = context.send(*peer, message);
                }
            }
            Wish::SendFrame(frame) => {
                for peer in &self.open {
                    let _ = context.send_frame(*peer, &frame, 0);
                }
            }
            Wish::Close(code) => {
                for peer in &self.open {
                    context.close(*peer, code, "");
                }
            }
        }
    }
}

/// A loop that only dials, and what it tells.
pub struct Dialler {
    clients: Clients<Wish>,
    told: Receiver<Told>,
}

impl Dialler {
    pub fn start(options: net::Options, dials: Vec<Dial>) -> Self {
        let (tell, told) = channel();
        let make = move |_: &net::Worker<Wish>| Puppet {
            dials: dials.clone(),
            tell: tell.clone(),
            open: Vec::new(),
        };
        let clients = Clients::start(options, make).unwrap();
        Self { clients, told }
    }

    pub fn wish(&self, wish: Wish) {
        self.clients.mailboxes()[0].post(wish, 0).expect("a loop");
    }

    #[track_caller]
    pub fn next(&self) -> Told {
        self.told.recv_timeout(PATIENCE).expect("nothing was told")
    }

    /// Whether nothing is reported for a while.
    pub fn is_silent(&self, time: std::time::Duration) -> bool {
        self.told.recv_timeout(time).is_err()
    }

    pub fn stop(self) {
        self.clients.stop();
        self.clients.join().unwrap();
    }
}

pub fn dial(uri: &str, options: client::Options, tag: u32) -> Dial {
    to(Endpoint::resolve(uri, direct(options)), tag)
}

/// Dials these addresses, whatever the name is.
pub fn dial_at(uri: &str, addresses: Vec<SocketAddr>, tag: u32) -> Dial {
    let options = direct(client::Options::default());
    to(Endpoint::at(uri, options, addresses), tag)
}

fn to(endpoint: Result<Endpoint, client::Error>, tag: u32) -> Dial {
    Dial {
        tag,
        ..Dial::new(Arc::new(endpoint.unwrap()))
    }
}

fn direct(options: client::Options) -> client::Options {
    options.proxy(ProxyChoice::Direct)
}

/// Waits that a test can bear.
pub fn soon() -> Option<Backoff> {
    Some(Backoff::default().first_ms(5).most_ms(20).attempts(0))
}

pub fn loop_options() -> net::Options {
    options()
}
