//! Bytes of an HTTP connection → requests → the service, and the way over to frames.
//!
//! Invariant: responses leave in the order of the requests; nothing behind a request that ends the
//! connection is looked at.

use crate::handshake::Accepted;
use crate::http::{EMPTY_FIELD, HttpFault, HttpReader, MAX_FIELDS, Step};
use crate::net::context::Context;
use crate::net::core::Core;
use crate::net::input::Reader;
use crate::net::peer::{HttpWait, Phase};
use crate::net::service::{Reply, Service};
use crate::proto::{Connection, Role};

impl<S: Service> Reader<'_, S> {
    /// Requests in the first `end` bytes of the buffer; returns the bytes that are done with.
    pub(super) fn requests(&mut self, index: u32, end: usize) -> usize {
        let mut at = 0;
        while at < end {
            let Some(rare) = self.core.rare(index) else {
                return end;
            };
            let mut http = std::mem::take(&mut rare.http);
            let fed = http.feed(&self.buffer[at..end], &self.core.options.limits);
            let flow = match fed {
                Err(fault) => {
                    log::debug!("{}: bad request: {fault:?}", self.core.name(index));
                    match http.is_answered() {
                        true => self.core.finish(index),
                        false => self.refuse(index, &http, fault),
                    }
                    Flow::Ended
                }
                Ok((taken, step)) => {
                    at += taken;
                    self.step(index, &mut http, step, at == end)
                }
            };
            if let Some(rare) = self.core.rare(index) {
                rare.http = http;
            }
            self.core.wait_for_http(index);
            match flow {
                Flow::Next if self.core.should_deliver() => {
                    self.core.push_ready(index);
                    return at;
                }
                Flow::Next if self.core.queued(index) == 0 => {}
                Flow::Next | Flow::Opened => return at,
                Flow::Ended => return end,
            }
        }
        at
    }

    /// `last` if nothing has come after what this step is about.
    fn step(&mut self, index: u32, http: &mut HttpReader, step: Step, last: bool) -> Flow {
        match step {
            Step::More => Flow::Next,
            Step::Head { expects } => self.announced(index, http, expects, last),
            Step::Whole if http.is_answered() => {
                http.reset();
                Flow::Next
            }
            Step::Whole => {
                let flow = self.request(index, http);
                http.reset();
                flow
            }
        }
    }

    /// A head announces a body: the service says how much of it may come, or answers at once.
    fn announced(&mut self, index: u32, http: &mut HttpReader, expects: bool, last: bool) -> Flow {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        self.core.asking = Some(index);
        let context = &mut Context::new(self.core);
        let verdict = http.head(&mut storage).map(|head| {
            let verdict = self.service.body(context, &head);
            (verdict, head.keeps_alive(), head.method == "HEAD")
        });
        self.core.asking = None;
        let outcome = match verdict {
            Err(fault) => Err(fault),
            Ok((Ok(limit), ..)) => http.take_body(limit),
            Ok((Err(mut response), keeps_alive, head_only)) => {
                // Whether a client that waits for 100 sends its body after all, nobody knows.
                let passed = !expects && http.pass_over_body(PASSED_OVER).is_ok();
                response.close |= !keeps_alive || !passed || self.core.stopping;
                self.core.respond(index, &response, head_only);
                return match response.close {
                    true => Flow::Ended,
                    false => Flow::Next,
                };
            }
        };
        match outcome {
            Ok(()) => {
                if expects && last {
                    self.core.put(index, b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                Flow::Next
            }
            Err(fault) => {
                self.refuse(index, http, fault);
                Flow::Ended
            }
        }
    }

    /// Answers what the service is not asked about; the connection ends.
    fn refuse(&mut self, index: u32, http: &HttpReader, fault: HttpFault) {
        self.core
            .respond(index, &fault.response(), http.is_head_only());
    }

    /// Asks the service about one whole request.
    fn request(&mut self, index: u32, http: &HttpReader) -> Flow {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let request = match http.request(&mut storage) {
            Ok(request) => request,
            Err(fault) => {
                self.refuse(index, http, fault);
                return Flow::Ended;
            }
        };
        self.core.asking = Some(index);
        let reply = self.service.request(&mut Context::new(self.core), &request);
        self.core.asking = None;
        match reply {
            Reply::Respond(mut response) => {
                response.close |= !request.keeps_alive() || self.core.stopping;
                self.core
                    .respond(index, &response, request.method() == "HEAD");
                if response.close {
                    Flow::Ended
                } else {
                    Flow::Next
                }
            }
            Reply::Open { accepted, tag } => {
                self.core.open(index, &accepted, tag);
                if let Some(id) = self.core.peers.id(index) {
                    self.service.opened(&mut Context::new(self.core), id);
                }
                Flow::Opened
            }
        }
    }
}

/// Bytes of a refused body that are passed over, so that the connection can go on. A longer one
/// ends it.
const PASSED_OVER: usize = 64 * 1024;

/// What follows a step of an HTTP connection.
enum Flow {
    /// Bytes of this or the next request.
    Next,
    /// Frames.
    Opened,
    /// Nothing.
    Ended,
}

impl Core {
    /// Frames from here on.
    fn open(&mut self, index: u32, accepted: &Accepted<'_>, tag: u32) {
        let (accepted, link) = self.negotiate(index, *accepted);
        self.put(index, accepted.to_string().as_bytes());
        let mut connection = Connection::new(Role::Server, &self.options.limits, self.now);
        if link.is_some() {
            connection.enable_compression();
        }
        if let Some(peer) = self.peers.at(index) {
            peer.link = link;
            peer.phase = Phase::Open(connection);
            peer.tag = tag;
            peer.flags.open = true;
            self.touch(index);
        }
    }

    /// Which deadline an HTTP connection has now.
    fn wait_for_http(&mut self, index: u32) {
        let now = self.now;
        let Some(peer) = self.peers.at(index) else {
            return;
        };
        let Phase::Http { since, waits } = &mut peer.phase else {
            return;
        };
        let next = match peer.rare.as_ref().map(|rare| &rare.http) {
            Some(http) if http.in_body() => HttpWait::Body,
            Some(http) if !http.is_idle() => HttpWait::Head,
            _ => HttpWait::Next,
        };
        // Each request begins the wait for the next one anew.
        if *waits != next || next == HttpWait::Next {
            *waits = next;
            *since = now;
            self.touch(index);
        }
    }

    fn queued(&mut self, index: u32) -> usize {
        self.peers.at(index).map_or(0, |peer| peer.queued())
    }
}
