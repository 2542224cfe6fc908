//! Which requests were answered, and how: for an access log.
//!
//! Input: heads of requests, and their answers. Output: one call of an [`AccessLog`] for each.
//! Invariants: without a log nothing is kept; a request is reported once: at the head of its
//! answer, or when its client leaves before that.

use crate::http::RequestHead;
use crate::proto::Millis;
use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// The status of a request whose client has left before its answer, as nginx writes it.
const LEFT: u16 = 499;

/// Bytes of a field or target that are kept.
const MOST: usize = 2048;

/// Gets every request of a server with its answer.
pub trait AccessLog: fmt::Debug + Send + Sync {
    /// A request has its answer. Called on the thread of the loop, which waits until this returns.
    fn answered(&self, access: &Access<'_>);
}

/// One request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access<'a> {
    /// The address of the client: see [`Context::address`](crate::net::Context::address).
    pub address: Option<SocketAddr>,
    /// Empty if the request could not be read.
    pub method: &'a str,
    /// As it was sent, secrets included; at most 2 KiB.
    pub target: &'a str,
    /// 0 or 1: HTTP/1.0 or HTTP/1.1.
    pub minor_version: u8,
    /// The field `Referer`.
    pub referer: Option<&'a str>,
    /// The field `User-Agent`.
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

/// The requests of one loop that are not answered, if there is a log.
#[derive(Debug)]
pub(crate) struct Accesses {
    log: Option<Arc<dyn AccessLog>>,
    /// By the number of the peer.
    asked: HashMap<u32, Asked>,
}

impl Accesses {
    pub(crate) fn new(log: Option<Arc<dyn AccessLog>>) -> Self {
        Self {
            log,
            asked: HashMap::new(),
        }
    }

    #[inline]
    pub(crate) fn are_logged(&self) -> bool {
        self.log.is_some()
    }

    /// A request has come.
    pub(crate) fn note(&mut self, index: u32, head: &RequestHead<'_>, now: Millis) {
        if self.log.is_none() {
            return;
        }
        let field = |name| head.fields.get(name).map(cut);
        let asked = Asked {
            method: cut(head.method),
            target: cut(head.target),
            minor_version: head.minor_version,
            referer: field("Referer"),
            user_agent: field("User-Agent"),
            since: now,
        };
        self.asked.insert(index, asked);
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

    /// The connection has ended.
    pub(crate) fn ended(&mut self, index: u32, address: Option<SocketAddr>, now: Millis) {
        if self.asked.contains_key(&index) {
            self.answered(index, address, (LEFT, 0), now);
        }
    }
}

/// The beginning of a text that is too long.
fn cut(text: &str) -> String {
    let mut end = MOST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
