//! Streams: how they are opened, and how they end.
//!
//! Input: requests that were let in, ends. Output: replies. Invariants: a stream subscribes before
//! its 101 leaves, so it misses neither a message nor its own end; it is never compressed, as a
//! client that offers that cannot inflate; our end of it has no Close.

use crate::http::{Request, Response, Status};
use crate::net::{Context, PeerId, Reply, Upgrade};
use crate::push::answers::retry_after;
use crate::push::gotify::caller::Caller;
use crate::push::gotify::dialect::{Dialect, GOTIFY};
use crate::push::gotify::edits::Ended;
use crate::push::gotify::message::topics;
use crate::push::gotify::problem::{Problem, restate};
use crate::push::gotify::state::client_name;
use crate::push::gotify::streams::Stream;
use crate::push::hub::{Refused, Subscribe};
use crate::push::throttle::Place;
use crate::wire::CloseCode;

/// Bytes of a message from the client of a stream, which has nothing to say (1009 above it).
const MESSAGE: u64 = 64;

impl Dialect {
    /// Opens a stream.
    // req: gotify-stream-01 gotify-stream-02 gotify-stream-04
    pub(super) fn stream<'r>(
        &mut self,
        context: &Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        caller: &Caller,
    ) -> Result<Reply<'r>, Problem> {
        let opening = match request.upgrade() {
            Ok(opening) => opening,
            Err(refusal) => {
                let mut response = Response::from(refusal);
                response.status = Status::BAD_REQUEST;
                return Ok(restate(response).into());
            }
        };
        if context.is_stopping() {
            return Err(Problem::busy("the server is stopping"));
        }
        let name = caller.client.map(client_name);
        let place = match self.throttles.place(name.as_ref()) {
            Ok(place) => place,
            Err(seconds) => {
                let text = "this token has too many connections";
                let response = Response::text(Status::TOO_MANY_REQUESTS, text);
                return Ok(restate(response.field(retry_after(seconds))).into());
            }
        };
        self.subscribe(from, caller.user, caller.client, place)?;
        let accepted = opening.accept(None).without_extensions();
        Ok(Upgrade::new(accepted).tag(GOTIFY).without_close().into())
    }

    /// A stream is open.
    // req: gotify-stream-06
    pub(in crate::push) fn opened(&self, context: &mut Context<'_>, peer: PeerId) {
        context.set_message_limit(peer, MESSAGE);
    }

    pub(super) fn subscribe(
        &mut self,
        peer: PeerId,
        user: u64,
        client: Option<u64>,
        place: Option<Place>,
    ) -> Result<(), Refused> {
        let subscribe = Subscribe {
            patterns: vec![topics(user)],
            ..Subscribe::default()
        };
        let start = self.broker.subscribe(peer, &subscribe)?;
        if let Some((_, interest)) = start.interests.first() {
            let stream = Stream {
                user,
                client,
                interest: *interest,
                order: start.order,
                _place: place,
            };
            self.streams.insert(peer, stream);
        }
        Ok(())
    }

    /// The streams of a client or user end.
    // req: gotify-stream-07
    pub(super) fn end(&mut self, context: &mut Context<'_>, ended: Ended) {
        for peer in self.streams.ended(ended) {
            self.closed(peer);
            context.close(peer, CloseCode::NORMAL, "");
        }
    }

    /// A connection has ended, or is about to.
    pub(in crate::push) fn closed(&mut self, peer: PeerId) {
        self.delayed.take(peer);
        if self.streams.remove(peer) {
            self.broker.leave(peer);
        }
    }
}
