//! Streams that go on in another process.
//!
//! Input: streams, while nothing is published. Output: records; of records, streams. What clients
//! read in other dialects is told by these: only which client it is.

use crate::net::fields::{Reader, Writer};
use crate::net::{Export, PeerId};
use crate::push::gotify::dialect::Dialect;
use crate::push::gotify::state::{Gotify, Reader as TopicReader, client_name};

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

impl TopicReader {
    /// Which client it is.
    pub(in crate::push) fn client(&self) -> u64 {
        self.client
    }
}

impl Gotify {
    /// The bearer of the token of this client, if it is there.
    pub(in crate::push) fn reader_of(&self, client: u64) -> Option<TopicReader> {
        self.read(|directory| TopicReader::of(client, directory))
    }
}
