//! Streams that go on in another process.
//!
//! Input: streams, while nothing is published. Output: records; of records, streams.

use crate::net::fields::{Reader, Writer};
use crate::net::{Export, PeerId};
use crate::push::gotify::caller::client_name;
use crate::push::gotify::dialect::Dialect;

impl Dialect {
    /// See [`Service::export`](crate::net::Service::export).
    pub(in crate::push) fn export(&self, peer: PeerId) -> Export {
        let Some(stream) = self.streams.get(peer) else {
            return Export::Never;
        };
        let mut out = Writer::default();
        out.number(stream.user);
        out.option(stream.client, Writer::number);
        Export::Record(out.0)
    }

    /// See [`Service::import`](crate::net::Service::import).
    pub(in crate::push) fn import(&mut self, peer: PeerId, record: &[u8]) -> bool {
        let mut from = Reader(record);
        let (Some(user), Some(client)) = (from.number(), from.option(Reader::number)) else {
            return false;
        };
        // It counts, but it is not refused.
        let name = client.map(client_name);
        let place = self.throttles.place(name.as_ref()).ok().flatten();
        self.subscribe(peer, user, client, place).is_ok()
    }
}
