//! Which requests were answered, and how: for an access log.
//!
//! Input: heads of requests, and their answers. Output: one call of an [`AccessLog`] for each.
//! Invariants: without a log nothing is kept; a request is reported once: at the head of its
//! answer, or when its client leaves before that. Until then at most 1,792 bytes of it are kept,
//! which count towards [`Limits::memory_bytes`](crate::net::Limits::memory_bytes).

use crate::http::RequestHead;
use crate::proto::Millis;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The status of a request whose client has left before its answer, as nginx writes it.
const LEFT: u16 = 499;

/// Bytes of a target that are kept.
const MOST_OF_TARGET: usize = 1024;

/// Bytes of a method or field that are kept.
const MOST_OF_FIELD: usize = 256;

/// The end of a text that was cut, within its bytes.
const CUT: &str = "...";

/// Gets every request of a server with its answer.
pub trait AccessLog: fmt::Debug + Send + Sync {
    /// A request has its answer. Called on the thread of the loop, which waits until this returns.
    fn answered(&self, access: &Access<'_>);
}

/// One request and its answer. Of a longer text only the beginning is known, which then ends with
/// `...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access<'a> {
    /// The address of the client: see [`Context::address`](crate::net::Context::address).
    pub address: Option<SocketAddr>,
    /// Empty if the request could not be read; at most 256 bytes.
    pub method: &'a str,
    /// As it was sent, secrets included; at most 1 KiB.
    pub target: &'a str,
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    pub minor_version: u8,
    /// The field `Referer`; at most 256 bytes.
    pub referer: Option<&'a str>,
    /// The field `User-Agent`; at most 256 bytes.
    pub user_agent: Option<&'a str>,
    /// 101 for a WebSocket; 499 if the client has left before the answer.
    pub status: u16,
    /// Bytes of the body; of a stream those that are sent with its head.
    pub body_bytes: usize,
    /// From the head of the request to that of the answer.
    pub took: Duration,
}

/// What was asked, until it is answered.
#[derive(Debug)]
struct Asked {
    method: String,
    target: String,
    minor_version: u8,
    referer: Option<String>,
    user_agent: Option<String>,
    since: Millis,
}

impl Asked {
    fn held(&self) -> usize {
        let fields = [&self.referer, &self.user_agent];
        let fields: usize = fields.into_iter().flatten().map(String::len).sum();
        size_of::<Self>() + self.method.len() + self.target.len() + fields
    }
}

/// The requests of one loop that are not answered, if there is a log.
#[derive(Debug)]
pub(crate) struct Accesses {
    log: Option<Arc<dyn AccessLog>>,
    /// By the number of the peer.
    asked: HashMap<u32, Asked>,
    /// Bytes that they hold.
    held: usize,
}

impl Accesses {
    pub(crate) fn new(log: Option<Arc<dyn AccessLog>>) -> Self {
        Self {
            log,
            asked: HashMap::new(),
            held: 0,
        }
    }

    #[inline]
    pub(crate) fn are_logged(&self) -> bool {
        self.log.is_some()
    }

    /// Bytes held for all requests.
    #[inline]
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Bytes held for the request of this peer.
    pub(crate) fn held_by(&self, index: u32) -> usize {
        self.asked.get(&index).map_or(0, Asked::held)
    }

    /// A request has come.
    pub(crate) fn note(&mut self, index: u32, head: &RequestHead<'_>, now: Millis) {
        if self.log.is_none() {
            return;
        }
        let field = |name| head.fields.get(name).map(|it| cut(it, MOST_OF_FIELD));
        let asked = Asked {
            method: cut(head.method, MOST_OF_FIELD),
            target: cut(head.target, MOST_OF_TARGET),
            minor_version: head.minor_version,
            referer: field("Referer"),
            user_agent: field("User-Agent"),
            since: now,
        };
        self.held += asked.held();
        if let Some(before) = self.asked.insert(index, asked) {
            self.held -= before.held();
        }
    }

    /// The request of this peer is answered.
    pub(crate) fn answered(
        &mut self,
        index: u32,
        address: Option<SocketAddr>,
        (status, body_bytes): (u16, usize),
        now: Millis,
    ) {
        let asked = self.asked.remove(&index);
        self.held -= asked.as_ref().map_or(0, Asked::held);
        let Some(log) = &self.log else {
            return;
        };
        let asked = asked.as_ref();
        log.answered(&Access {
            address,
            method: asked.map_or("", |it| &it.method),
            target: asked.map_or("", |it| &it.target),
            minor_version: asked.map_or(1, |it| it.minor_version),
            referer: asked.and_then(|it| it.referer.as_deref()),
            user_agent: asked.and_then(|it| it.user_agent.as_deref()),
            status,
            body_bytes,
            took: Duration::from_millis(asked.map_or(0, |it| now.saturating_sub(it.since))),
        });
    }

    /// The loop ends.
    pub(crate) fn clear(&mut self) {
        self.asked.clear();
        self.held = 0;
    }

    /// The connection has ended.
    pub(crate) fn ended(&mut self, index: u32, address: Option<SocketAddr>, now: Millis) {
        if self.asked.contains_key(&index) {
            self.answered(index, address, (LEFT, 0), now);
        }
    }
}

/// The text, or the beginning of one that has more than `most` bytes.
fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most - CUT.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    [&text[..end], CUT].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Response;
    use crate::net::testing::Network;
    use crate::net::{Context, Limits, Options, PeerId, Reply, Request, Service};
    use crate::proto::Message;
    use std::sync::Mutex;

    /// The status of each request, and how long its texts are.
    #[derive(Debug, Default)]
    struct Lengths(Mutex<Vec<(u16, [usize; 4])>>);

    impl AccessLog for Lengths {
        fn answered(&self, access: &Access<'_>) {
            let fields = [access.referer, access.user_agent].map(Option::unwrap_or_default);
            let texts = [access.method, access.target, fields[0], fields[1]];
            assert!(texts.iter().all(|text| text.ends_with(CUT)), "{access:?}");
            let lengths = texts.map(str::len);
            self.0.lock().unwrap().push((access.status, lengths));
        }
    }

    #[derive(Default)]
    struct Later {
        asking: Vec<PeerId>,
    }

    impl Service for Later {
        type Mail = ();

        fn request<'r>(&mut self, _: &mut Context<'_>, from: PeerId, _: &Request<'r>) -> Reply<'r> {
            self.asking.push(from);
            Reply::Later { tag: 0 }
        }

        fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}
    }

    /// Its texts are longer than what is kept of them.
    fn long_request() -> Vec<u8> {
        let field = "x".repeat(3000);
        let method = "M".repeat(300);
        let head = format!(
            "{method} /{field} HTTP/1.1\r\nHost: a\r\n\
             Referer: {field}\r\nUser-Agent: {field}\r\n\r\n"
        );
        head.into_bytes()
    }

    fn logged(limits: Limits) -> (Options, Arc<Lengths>) {
        let log = Arc::new(Lengths::default());
        let options = Options::default()
            .limits(limits)
            .access_log(Some(Arc::clone(&log) as _));
        (options, log)
    }

    #[test]
    fn requests_that_wait_hold_little_and_what_they_hold_counts() {
        let (options, log) = logged(Limits::default());
        let mut server = Network::new().serve(options, |_| Later::default());
        let mut peers: Vec<_> = (0..100).map(|_| server.connect()).collect();
        for peer in &mut peers {
            peer.send(&long_request());
        }
        server.run();
        let held = server.handle().held_bytes();
        let all = 100 * (1024 + 3 * 256 + size_of::<Asked>());
        let inexact = 16 * 1024;
        assert!(held.abs_diff(all) < inexact, "{held} {all}");
        server.with(|service, context| {
            for peer in service.asking.drain(..) {
                let _ = context.respond(peer, Response::new(crate::http::Status::OK));
            }
        });
        server.run();
        assert_eq!(server.handle().held_bytes(), 0);
        let expected = (200, [256, 1024, 256, 256]);
        assert_eq!(*log.0.lock().unwrap(), [expected; 100]);
    }

    #[test]
    fn requests_that_wait_make_room_when_memory_is_short() {
        const LIMIT: usize = 256 * 1024;
        let (options, log) = logged(Limits::default().memory_bytes(LIMIT));
        let mut server = Network::new().serve(options, |_| Later::default());
        let mut peers = Vec::new();
        for _ in 0..300 {
            let mut peer = server.connect();
            peer.send(&long_request());
            peers.push(peer);
            server.run();
            assert!(server.handle().held_bytes() <= LIMIT);
        }
        assert!(
            log.0
                .lock()
                .unwrap()
                .iter()
                .all(|(status, _)| *status == 503)
        );
        assert!(server.counters().shed > 100);
        assert!(server.counters().shed < 200);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("whole", 5), "whole");
        assert_eq!(cut("longer", 5), "lo...");
        assert_eq!(cut("é€x", 5), "é...");
        assert_eq!(cut("€€", 5), "...");
    }
}
