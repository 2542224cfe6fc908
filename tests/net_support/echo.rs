//! A server that echoes every message on every path.

use wirebell::Message;
#[cfg(feature = "cli")]
use wirebell::net::Listen;
use wirebell::net::{Context, Options, PeerId, Reply, Request, Server, Service};

#[derive(Clone)]
struct Echo;

impl Service for Echo {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}

/// Starts it on a port of its own; returns its URI too.
pub fn echo_server(options: Options) -> (Server<()>, String) {
    let server = Server::bind("127.0.0.1:0", options, |_| Echo).unwrap();
    let uri = format!("ws://{}/", server.local_addr());
    (server, uri)
}

/// The same where this listens.
#[cfg(feature = "cli")]
pub fn echo_on(listen: Listen, options: Options) -> Server<()> {
    let builder = Server::<()>::builder(options).listen(listen);
    builder.start(|_| Echo).unwrap()
}
