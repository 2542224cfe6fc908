//! The bytes of each direction → their explanation.
//!
//! Input: [`Talk`]s. Output: a [`Report`]. Handshakes are read first, both directions side by side,
//! since a response is checked against its request and frames against the response. Frames are then
//! read per direction, and everything is put in chronological order.

mod body;
mod checks;
mod close;
mod envelopes;
mod frame;
mod frames;
mod head;
mod request_info;
mod rules;
mod terms;
mod ties;
mod track;
mod way;

pub use terms::terms;

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::input::{Input, Talk, looks_like_http, protocol};
use crate::cli::tools::inspect::model::{Conversation, Direction, Item, Report, Text};
use request_info::RequestInfo;
use track::{ALL_INFLATED, Agreed, Allowance, INFLATING, Track};
use way::{Shared, Way};
use wirebell::handshake::DeflateTerms;

/// Explains all of the input, with at most `max_items` items of each side. `deflate` applies to
/// connections without a handshake.
pub fn report(input: Input, deflate: Option<DeflateTerms>, max_items: usize) -> Report {
    let mut shared = Shared {
        allowance: Allowance {
            kept: ALL_INFLATED,
            work: INFLATING,
        },
        items_left: [max_items; 2],
        broken_left: [max_items; 2],
        left_out: 0,
    };
    let mut connections: Vec<Conversation> = Vec::new();
    for talk in input.talks {
        let number = connections.len() + 1;
        connections.push(conversation(talk, number, deflate, &mut shared));
    }
    let mut notes = input.notes;
    if connections.is_empty() {
        notes.push("it contains no TCP connection".into());
    } else if connections
        .iter()
        .all(|connection| connection.items.is_empty())
    {
        notes.push("there is nothing to explain".into());
    }
    if shared.left_out > 0 {
        let what = "frames are counted and checked, but not explained; --max-items allows more";
        notes.push(format!("{} {what}", shared.left_out).into());
    }
    let broken = connections
        .iter()
        .flat_map(|connection| &connection.directions);
    Report {
        input: input.name,
        violations: broken.map(|direction| direction.violations).sum(),
        notes,
        connections,
    }
}

/// The result of the handshakes.
enum Opened {
    /// Frames follow.
    Frames(Agreed),
    /// There is no WebSocket.
    Nothing(Text),
}

fn conversation(
    talk: Talk,
    number: usize,
    deflate: Option<DeflateTerms>,
    shared: &mut Shared,
) -> Conversation {
    let mut client = Way::new(Side::Client, &talk.from_client);
    let mut server = Way::new(Side::Server, &talk.from_server);
    let opened = match talk.from_start {
        true => handshakes(&mut client, &mut server, deflate, shared),
        false => match named(&client, &server) {
            Some(name) => Opened::Nothing(format!("this is {name}").into()),
            None => Opened::Frames(Agreed {
                deflate,
                ..Agreed::default()
            }),
        },
    };
    let mut found = Conversation {
        number,
        name: talk.name.clone(),
        client: talk.client.clone(),
        server: talk.server.clone(),
        notes: talk.notes,
        ..Conversation::default()
    };
    match opened {
        Opened::Frames(agreed) => {
            let terms = agreed.deflate;
            found.compression = terms.map(|terms| terms.to_string());
            let (mut closed, mut failed) = (Vec::new(), false);
            for (way, terms) in [
                (&mut client, terms.map(|terms| terms.client())),
                (&mut server, terms.map(|terms| terms.server())),
            ] {
                let mut track = Track::new(terms, &agreed);
                frames::read(way, &mut track, shared);
                found.directions.push(summary(way, track.messages));
                found.notes.extend(frames::end(way, &track));
                closed.push(track.closed);
                failed |= track.failed;
            }
            if found.directions.iter().all(|way| way.bytes > 0) {
                found.notes.push(ending(&closed, failed).into());
            }
        }
        Opened::Nothing(why) => {
            for way in [&mut client, &mut server] {
                way.unread(&why, shared);
                found.directions.push(summary(way, 0));
            }
        }
    }
    found.items = merge(client, server);
    found
}

/// How the connection ended, from whether the client and the server have sent Close.
fn ending(closed: &[bool], failed: bool) -> &'static str {
    match closed {
        [true, true] if failed => {
            "both sides sent Close because of a violation: the connection failed \
             (RFC 6455 7.1.7)"
        }
        [true, true] => "both sides sent Close: the connection closed cleanly (RFC 6455 7.1.4)",
        [true, false] => "the client sent Close; the server's is missing (RFC 6455 5.5.1)",
        [false, true] => "the server sent Close; the client's is missing (RFC 6455 5.5.1)",
        _ => {
            "there is no Close: if the connection ended here, it is reported as 1006 \
             (RFC 6455 7.1.5)"
        }
    }
}

fn summary(way: &Way<'_>, messages: usize) -> Direction {
    Direction {
        from: way.from,
        bytes: way.stream.bytes.len(),
        frames: way.frames,
        messages,
        violations: way.violations,
    }
}

/// Reads HTTP, request by request, until frames follow.
fn handshakes(
    client: &mut Way<'_>,
    server: &mut Way<'_>,
    deflate: Option<DeflateTerms>,
    shared: &mut Shared,
) -> Opened {
    client.proxy_headers(shared);
    server.proxy_headers(shared);
    loop {
        let (has_request, has_response) = (
            looks_like_http(client.rest()),
            looks_like_http(server.rest()),
        );
        if !has_request && !has_response {
            return Opened::Nothing(not_http(client, server));
        }
        let mut req = None;
        if has_request {
            let head = client.head(None, shared);
            if head.is_other {
                return Opened::Nothing(not_http(client, server));
            }
            if head.broken || head.cut {
                return Opened::Nothing("the request before it cannot be parsed".into());
            }
            req = head.req;
        }
        if has_response {
            if let Some(opened) = answer(server, req.as_ref(), deflate, shared) {
                return opened;
            }
        } else if server.stream.bytes.is_empty() && req.is_some_and(|req| req.upgrade) {
            return Opened::Frames(Agreed {
                deflate,
                ..Agreed::default()
            });
        }
    }
}

/// Reads the responses to one request: any number with a status of 1xx, then the final one.
fn answer(
    server: &mut Way<'_>,
    req: Option<&RequestInfo>,
    deflate: Option<DeflateTerms>,
    shared: &mut Shared,
) -> Option<Opened> {
    loop {
        let head = server.head(req, shared);
        if head.broken || head.cut {
            let what = "the response before it cannot be parsed";
            return Some(Opened::Nothing(what.into()));
        }
        if let Some(protocol) = head.switched_to {
            let what = format!("the connection switches to {protocol}, not WebSocket");
            return Some(Opened::Nothing(what.into()));
        }
        match head.status {
            Some(101) => {
                let told = deflate.filter(|_| req.is_none());
                return Some(Opened::Frames(Agreed {
                    deflate: head.deflate.or(told),
                    unknown: head.unknown,
                    envelopes: head.envelopes,
                }));
            }
            Some(100..=199) if looks_like_http(server.rest()) => {}
            _ => return None,
        }
    }
}

/// What either side starts with, if that is neither HTTP nor frames.
fn named(client: &Way<'_>, server: &Way<'_>) -> Option<&'static str> {
    let both = [client.rest(), server.rest()];
    let lines = || both.into_iter().find_map(protocol::lines);
    both.into_iter().find_map(protocol::name).or_else(lines)
}

fn not_http(client: &Way<'_>, server: &Way<'_>) -> Text {
    match named(client, server) {
        Some(name) => format!("this is {name}").into(),
        None => "this is not HTTP, and no WebSocket was opened".into(),
    }
}

/// Both directions in chronological order; without times, the client's first.
fn merge(client: Way<'_>, server: Way<'_>) -> Vec<Item> {
    let packet = |way: &Way<'_>, item: &Item| {
        let end = item.offset + item.bytes.0.len();
        way.stream.arrival(end).map(|arrival| arrival.packet)
    };
    let mut items = Vec::new();
    for mut way in [client, server] {
        let own = std::mem::take(&mut way.items);
        items.extend(own.into_iter().map(|item| (packet(&way, &item), item)));
    }
    items.sort_by_key(|(packet, _)| *packet);
    let mut items: Vec<Item> = items.into_iter().map(|(_, item)| item).collect();
    for (number, item) in items.iter_mut().enumerate() {
        item.number = number + 1;
    }
    ties::tie(&mut items);
    items
}

#[cfg(test)]
mod tests;
