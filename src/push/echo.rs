//! The service behind `wirebell echo`: every message comes back, on every path.
//!
//! Invariants: nothing of a request is read that its head forbids, and from the beginning of a
//! graceful stop every request is answered with 503. A peer that does not read what it is sent is
//! not read from.

use crate::handshake::{Subprotocol, UpgradeRequest};
use crate::http::RequestHead;
use crate::net::{Chunk, Context, Delivery, PeerId, Reply, Request, Response, Service, Upgrade};
use crate::proto::Message;
use crate::push::access::{Access, Admitted};
use crate::push::answers::{UNREAD_BODY, at_most, check_method, unavailable};
use crate::push::hub::Unavailable;

/// Echoes on every path; for conformance tools. A message that is longer than
/// [`Options::receive_buffer`](crate::net::Options::receive_buffer) and not compressed comes back
/// as it arrives, in frames of the server's own cut: a peer that reads while it sends costs little
/// memory, and one that reads later at most
/// [`Limits::message_bytes`](crate::Limits::message_bytes). All others come back whole.
#[derive(Clone, Debug, Default)]
pub struct EchoServer {
    /// Which pages may connect, and to which names of the server.
    pub access: Access,
    /// The subprotocols that it confirms; without any, all.
    pub subprotocols: Vec<String>,
}

impl EchoServer {
    /// Whether a request is answered at all, by its head alone.
    ///
    /// # Errors
    ///
    /// The response that refuses it.
    fn judge(
        &self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<Admitted, Response> {
        let admitted = self.access.admit(head, || context.address(from))?;
        let refused = match context.is_stopping() {
            true => Err(unavailable(Unavailable::Stopped, context.limits())),
            false => check_method(head),
        };
        match refused {
            Ok(()) => Ok(admitted),
            Err(refused) => Err(admitted.mark(refused)),
        }
    }
}

impl Service for EchoServer {
    type Mail = ();

    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        let admitted = self.judge(context, from, head)?;
        at_most(UNREAD_BODY, head).map_err(|refused| admitted.mark(refused))
    }

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        let accept = |opening: UpgradeRequest<'r>| {
            let accepted = opening.accept(first_of(&opening, &self.subprotocols));
            Upgrade::new(accepted)
                .delivery(Delivery::LongInChunks)
                .into()
        };
        match self.judge(context, from, &request.head()) {
            Ok(admitted) => {
                let reply = request.upgrade().map(accept);
                admitted.mark_reply(reply.unwrap_or_else(Reply::from))
            }
            Err(refused) => refused.into(),
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }

    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        let _ = context.send_piece(peer, chunk.kind, chunk.bytes, chunk.last);
    }
}

/// The first subprotocol that the client offers, out of `supported` if that is not empty. Browsers
/// and others end a connection for which none of those that they offer is confirmed (RFC 6455
/// section 4.1).
pub(super) fn first_of<'h>(
    opening: &UpgradeRequest<'h>,
    supported: &[String],
) -> Option<Subprotocol<'h>> {
    let is_supported = |name: &str| supported.iter().any(|supported| supported == name);
    opening
        .subprotocols()
        .find(|offered| supported.is_empty() || is_supported(offered.name()))
}
