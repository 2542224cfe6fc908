//! Bytes of an HTTP connection → requests → the service, and the switch to frames.
//!
//! Invariant: responses leave in the order of the requests; nothing after a request that ends the
//! connection, or that is not answered yet, is read.

use crate::http::{self, EMPTY_FIELD, FieldLine, Fields, HttpFault, HttpReader, MAX_FIELDS};
use crate::http::{Request, Response, Status, Step, client_of, field, is_trusted};
use crate::net::conn::peer::{Answer, Closing, HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::input::events::restated;
use crate::net::input::{Reader, should_deliver};
use crate::net::output::Output;
use crate::net::service::{Reply, Service, Upgrade};
use crate::net::words::{Delivery, PeerId};
use crate::proto::{Connection, Role};
use std::num::NonZeroU16;
use std::ops::Range;

/// Bytes of a refused body that are discarded, so that the connection can stay open. A longer body
/// ends it.
const PASSED_OVER: usize = 64 * 1024;

/// What an HTTP connection expects after a step.
enum Flow {
    /// Bytes of this or the next request.
    Next,
    /// Nothing until the service has answered.
    Rest,
    /// Frames.
    Opened,
    /// Nothing.
    Ended,
}

impl<S: Service> Reader<'_, S> {
    /// Requests in the first `end` bytes of the buffer; returns how many bytes were consumed.
    pub(super) fn requests(&mut self, index: u32, end: usize) -> usize {
        let mut at = 0;
        while at < end {
            let Connections { peers, out, .. } = &mut *self.connections;
            let Some(peer) = peers.at(index) else {
                return end;
            };
            let id = peer.id(out.worker);
            let mut http = std::mem::take(&mut out.cold.of(peer).http);
            let flow = match http.feed(&self.buffer[at..end], &out.options.limits.head) {
                Err(fault) => {
                    log::debug!("{}: bad request: {fault:?}", out.name(peer));
                    match http.is_answered() {
                        true => out.linger(peer),
                        false => self.refuse(id, &http, fault),
                    }
                    Flow::Ended
                }
                Ok((taken, step)) => {
                    at += taken;
                    let (length, flow) = self.step(id, &mut http, step, at..end);
                    at += length;
                    flow
                }
            };
            let deliver = should_deliver(&self.connections.out, self.pressure);
            let Connections { peers, out, .. } = &mut *self.connections;
            let Some(peer) = peers.at(index) else {
                return end;
            };
            out.cold.of(peer).http = http;
            wait_for_http(out, peer);
            match flow {
                Flow::Next if deliver => {
                    out.lists.push_ready(peer);
                    return at;
                }
                Flow::Next if peer.queued() == 0 => {}
                Flow::Next | Flow::Rest | Flow::Opened => return at,
                Flow::Ended => return end,
            }
        }
        at
    }

    /// `rest` has arrived after the bytes of this step. Returns how many of it were consumed.
    fn step(
        &mut self,
        id: PeerId,
        http: &mut HttpReader,
        step: Step,
        rest: Range<usize>,
    ) -> (usize, Flow) {
        let body = http.body_in(&self.buffer[rest.clone()]);
        let length = body.map_or(0, <[u8]>::len);
        match step {
            Step::More => (0, Flow::Next),
            Step::Head { .. } if length > 0 => {
                let flow = self.request(id, http, Some(rest.start..rest.start + length));
                http.reset();
                (length, flow)
            }
            Step::Head { expects } => (0, self.announced(id, http, expects, rest.is_empty())),
            Step::Whole if http.is_answered() => {
                http.reset();
                (0, Flow::Next)
            }
            Step::Whole => {
                let flow = self.request(id, http, None);
                http.reset();
                (0, flow)
            }
        }
    }

    /// A head announces a body: the service says how long it may be, or answers at once.
    fn announced(&mut self, id: PeerId, http: &mut HttpReader, expects: bool, last: bool) -> Flow {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let verdict = http.head(&mut storage).map(|head| {
            let out = &mut self.connections.out;
            out.accesses.note(id.index, &head, out.now);
            let admitted = admit_client(self.connections, id, head.fields);
            let context = &mut Context::new(self.connections);
            let verdict = match admitted {
                Ok(()) => self.service.body(context, id, &head),
                Err(response) => Err(self.service.refused(context, id, &head, response)),
            };
            (verdict, head.keeps_alive(), head.method == "HEAD")
        });
        let stopping = self.connections.stopping;
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.get_mut(id) else {
            return Flow::Ended;
        };
        let outcome = match verdict {
            Err(fault) => Err(fault),
            Ok((Ok(limit), ..)) => http.take_body(limit),
            Ok((Err(mut response), keeps_alive, head_only)) => {
                // It is unknown whether a client that waits for 100 will send its body after all.
                let passed = !expects && http.pass_over_body(PASSED_OVER).is_ok();
                response.close |= !keeps_alive || !passed || stopping;
                return respond(out, peer, &response, head_only);
            }
        };
        match outcome {
            Ok(()) => {
                if expects && last {
                    out.put(peer, b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                Flow::Next
            }
            Err(fault) => {
                self.refuse(id, http, fault);
                Flow::Ended
            }
        }
    }

    /// Answers a request that never reaches the service as a whole; the connection ends.
    fn refuse(&mut self, id: PeerId, http: &HttpReader, fault: HttpFault) {
        let response = fault.response();
        let response = restated(self.connections, self.service, id, http, response).closing();
        let Connections { peers, out, .. } = &mut *self.connections;
        if let Some(peer) = peers.get_mut(id) {
            out.respond(peer, &response, http.is_head_only());
        }
    }

    /// Hands one whole request to the service. `at_once` is where its body lies in the buffer, if
    /// the service has not been told of the head.
    fn request(&mut self, id: PeerId, http: &HttpReader, at_once: Option<Range<usize>>) -> Flow {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let request = match &at_once {
            Some(body) => {
                let head = http.head(&mut storage);
                head.map(|head| Request::new(head, &self.buffer[body.clone()]))
            }
            None => http.request(&mut storage),
        };
        let request = match request {
            Ok(request) => request,
            Err(fault) => {
                self.refuse(id, http, fault);
                return Flow::Ended;
            }
        };
        let is_known = at_once.is_none() && !request.body().is_empty();
        let away = turn_away(self.connections, self.service, id, &request, is_known);
        if let Some(flow) = away {
            return flow;
        }
        self.connections.out.metrics.requests.add(1);
        let context = &mut Context::new(self.connections);
        let reply = match at_once {
            Some(_) => self.service.whole(context, id, &request),
            None => self.service.request(context, id, &request),
        };
        let stopping = self.connections.stopping;
        let answer = answer(&request, stopping);
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.get_mut(id) else {
            return Flow::Ended;
        };
        match reply {
            Reply::Respond(mut response) => {
                response.close |= answer.close;
                respond(out, peer, &response, answer.head_only)
            }
            Reply::Upgrade(upgrade) => {
                open_accepted(out, peer, &upgrade);
                self.service.opened(&mut Context::new(self.connections), id);
                Flow::Opened
            }
            Reply::Later { tag } => {
                peer.tag = tag;
                peer.flags.announced = true;
                wait_for_service(out, peer, HttpWait::Answer(answer));
                Flow::Rest
            }
            Reply::Stream { head, tag } => {
                peer.tag = tag;
                peer.flags.announced = out.begin_stream(peer, &head, answer);
                match &peer.phase {
                    Phase::Lingering { .. } => Flow::Ended,
                    _ if peer.flags.announced => Flow::Rest,
                    _ => Flow::Next,
                }
            }
        }
    }
}

/// Answers a request that is not for the service. `is_known` if its client has been admitted.
fn turn_away<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    request: &Request<'_>,
    is_known: bool,
) -> Option<Flow> {
    let head_only = request.method() == "HEAD";
    let Connections { peers, out, .. } = &mut *connections;
    let peer = peers.get_mut(id)?;
    if !is_known {
        out.accesses.note(id.index, &request.head(), out.now);
    }
    if let Some(port) = out.redirects.get(&peer.index).copied() {
        out.respond(peer, &redirect(request, port), head_only);
        return Some(Flow::Ended);
    }
    if is_known {
        return None;
    }
    let refused = admit_client(connections, id, request.fields()).err()?;
    let context = &mut Context::new(connections);
    let mut response = service.refused(context, id, &request.head(), refused);
    response.close |= answer(request, connections.stopping).close;
    let Connections { peers, out, .. } = &mut *connections;
    Some(respond(out, peers.get_mut(id)?, &response, head_only))
}

/// Seconds after which a client that has too many connections may try again.
const RETRY_SECONDS: &str = "5";

/// Takes note of whose request it is, if a trusted proxy says so.
///
/// # Errors
///
/// The response, if the client already has the most connections allowed.
// req: push-pages-13
fn admit_client(
    connections: &mut Connections,
    id: PeerId,
    fields: Fields<'_>,
) -> Result<(), Response> {
    let Connections { peers, out, .. } = connections;
    let Some(peer) = peers
        .get_mut(id)
        .filter(|peer| out.addresses.is_proxy(peer.index))
    else {
        return Ok(());
    };
    let trusted = &out.options.trusted_proxies;
    let client = client_of(trusted, fields);
    out.addresses.set_client(peer.index, client);
    let counted = client.filter(|_| !is_trusted(trusted, client));
    match out
        .addresses
        .admit(peer.index, counted, &out.options.limits)
    {
        true => Ok(()),
        false => {
            let text = "this address has too many connections";
            let response = Response::text(Status::TOO_MANY_REQUESTS, text);
            Err(response.field(field!("Retry-After", RETRY_SECONDS)))
        }
    }
}

/// The same at `https://`, for a listener that does nothing else.
fn redirect(request: &Request<'_>, port: NonZeroU16) -> Response {
    let Ok(host) = http::host(&request.fields()) else {
        return Response::new(Status::BAD_REQUEST).closing();
    };
    let (name, _) = http::split_port(host);
    let target = request.head().target;
    let target = if target.starts_with('/') { target } else { "/" };
    let location = match port.get() {
        443 => format!("https://{name}{target}"),
        port => format!("https://{name}:{port}{target}"),
    };
    match FieldLine::new("Location", location) {
        Ok(location) => Response::new(Status::PERMANENT_REDIRECT)
            .field(location)
            .closing(),
        Err(_) => Response::new(Status::BAD_REQUEST).closing(),
    }
}

/// How this request is to be answered.
fn answer(request: &Request<'_>, stopping: bool) -> Answer {
    Answer {
        head_only: request.method() == "HEAD",
        close: !request.keeps_alive() || stopping,
        chunks: request.head().minor_version > 0,
    }
}

fn respond(out: &mut Output, peer: &mut Peer, response: &Response, head_only: bool) -> Flow {
    out.respond(peer, response, head_only);
    match response.close {
        true => Flow::Ended,
        false => Flow::Next,
    }
}

/// Frames from here on.
fn open_accepted(out: &mut Output, peer: &mut Peer, upgrade: &Upgrade<'_>) {
    let (accepted, terms) = out.negotiate(peer, upgrade.accepted);
    let lines = upgrade.fields.iter();
    let lines: Vec<_> = lines.map(|(name, value)| (*name, value.as_str())).collect();
    let response = match accepted.fields(&lines) {
        Ok(response) if !lines.is_empty() => response.to_string(),
        _ => accepted.to_string(),
    };
    peer.flags.switching = true;
    out.put(peer, response.as_bytes());
    out.log_answer(peer.index, 101, 0);
    let mut connection = Connection::new(Role::Server, &out.options.limits.protocol, out.now);
    if terms.is_some() {
        connection = connection.with_deflate();
    }
    if upgrade.delivery == Delivery::Chunks {
        connection.lift_message_limits();
    }
    out.metrics.opened.add(1);
    peer.terms = terms;
    peer.phase = Phase::Open(connection);
    peer.tag = upgrade.tag;
    peer.delivery = upgrade.delivery;
    if !upgrade.sends_close {
        peer.flags.closing = Closing::WithoutClose;
    }
    peer.flags.announced = true;
    out.lists.touch(peer);
}

/// Nothing more of the connection is read until the service has answered.
fn wait_for_service(out: &mut Output, peer: &mut Peer, waits: HttpWait) {
    peer.phase = Phase::Http {
        since: out.now,
        waits,
    };
    out.lists.touch(peer);
}

/// The deadline that an HTTP connection now has.
fn wait_for_http(out: &mut Output, peer: &mut Peer) {
    if peer.is_answering() {
        return;
    }
    let Phase::Http { since, waits } = &mut peer.phase else {
        return;
    };
    let next = match peer.cold.as_ref().map(|cold| &cold.http) {
        Some(http) if http.in_body() => HttpWait::Body,
        Some(http) if !http.is_idle() => HttpWait::Head,
        _ => HttpWait::Next,
    };
    // Each request restarts the wait for the next one.
    if *waits != next || next == HttpWait::Next {
        *waits = next;
        *since = out.now;
        out.lists.touch(peer);
    }
    if next == HttpWait::Next {
        out.release_client(peer);
    }
}
