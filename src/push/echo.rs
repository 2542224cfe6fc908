//! The service behind `wirebell echo`: every message comes back, on every path.
//!
//! Invariants: no body is read that the head rules out, and from the beginning of a graceful stop
//! every request is answered with 503. The echo does not read from a peer that does not read.

use crate::handshake::{Subprotocol, UpgradeRequest};
use crate::http::RequestHead;
use crate::net::{Chunk, Context, Delivery, PeerId, Reply, Request, Response, Service, Upgrade};
use crate::proto::Message;
use crate::push::access::{Access, Admitted};
use crate::push::answers::{UNREAD_BODY, at_most, check_method, unavailable};
use crate::push::unavailable::Unavailable;

/// Echoes on every path; for conformance tools. A message that is longer than
/// [`Options::receive_buffer`](crate::net::Options::receive_buffer) and not compressed comes back
/// as it arrives, in frames whose lengths the server chooses: a peer that reads while it sends
/// costs little memory, and one that reads later at most
/// [`Limits::message_bytes`](crate::Limits::message_bytes). All others come back whole.
#[derive(Clone, Debug, Default)]
pub struct EchoServer {
    /// Which pages may connect, and which host names are accepted.
    pub access: Access,
    /// The subprotocols that it accepts; if empty, all.
    pub subprotocols: Vec<String>,
}

impl EchoServer {
    /// Whether a request is answered at all, judged by its head.
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

/// The first subprotocol that the client offers; if `supported` is not empty, the first one in it.
/// Browsers and others close a connection if the server accepts none of the subprotocols they offer
/// (RFC 6455 section 4.1).
pub(super) fn first_of<'h>(
    opening: &UpgradeRequest<'h>,
    supported: &[String],
) -> Option<Subprotocol<'h>> {
    let is_supported = |name: &str| supported.iter().any(|supported| supported == name);
    opening
        .subprotocols()
        .find(|offered| supported.is_empty() || is_supported(offered.name()))
}
