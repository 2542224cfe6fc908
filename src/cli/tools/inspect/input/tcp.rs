//! TCP segments in capture order → the bytes of each direction in stream order.
//!
//! Invariant: no more is kept than the packets contain; a gap ends a direction, since frame
//! boundaries are unknown after it.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::input::begins::{begins_connection, sender};
use crate::cli::tools::inspect::input::capture::Capture;
use crate::cli::tools::inspect::input::midway;
use crate::cli::tools::inspect::input::packet::{self, Segment};
use crate::cli::tools::inspect::input::talk::{Arrival, Stream, Talk};
use crate::cli::tools::inspect::model::Text;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// Connections that are read.
const MAX_PAIRS: usize = 1000;

/// The contents of a capture, apart from its connections.
#[derive(Default)]
pub struct Found {
    pub notes: Vec<Text>,
    /// The kinds of packets without a TCP segment, and how many.
    others: BTreeMap<Text, usize>,
    /// Connections that carried nothing.
    empty: usize,
}

/// Kinds of other packets that are named.
const MAX_KINDS: usize = 8;

impl Found {
    fn other(&mut self, what: Text) {
        let room = self.others.len() < MAX_KINDS || self.others.contains_key(&what);
        let what = if room { what } else { "other packets".into() };
        *self.others.entry(what).or_default() += 1;
    }

    /// All packets without a segment, such as `UDP port 53: 3, ARP: 1`.
    pub fn others(&self) -> Option<String> {
        let each = self.others.iter();
        let each: Vec<_> = each
            .map(|(what, count)| format!("{what}: {count}"))
            .collect();
        (!each.is_empty()).then(|| each.join(", "))
    }

    fn tell(&mut self, left_out: usize) {
        if let Some(others) = self.others() {
            let count: usize = self.others.values().sum();
            let what = format!("{count} packets are not TCP over IP, or cannot be read: {others}");
            self.notes.push(what.into());
        }
        if left_out > 0 {
            let what = "packets belong to further connections, which are not read";
            self.notes.push(format!("{left_out} {what}").into());
        }
        if self.empty > 0 {
            self.notes
                .push(format!("{} connections carried nothing", self.empty).into());
        }
    }

    /// Why there is nothing to explain.
    pub fn nothing(&self) -> String {
        let empty = format!("TCP connections without data: {}", self.empty);
        let parts = [(self.empty > 0).then_some(empty), self.others()];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        match parts.is_empty() {
            true => "it has no packets".into(),
            false => parts.join(", "),
        }
    }
}

/// The connections of a capture, and notes on it.
pub fn talks(capture: &Capture<'_>) -> (Vec<Talk>, Found) {
    let mut found = Found::default();
    for link in capture.links() {
        if packet::link_name(link).is_none() {
            let what = format!("link type {link} is not known; read as IP");
            found.notes.push(what.into());
        }
    }
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut newest = HashMap::new();
    let mut left_out = 0;
    for (number, packet) in capture.packets.iter().enumerate() {
        let segment = match packet::segment(packet.link, packet.bytes) {
            Ok(segment) => segment,
            Err(what) => {
                found.other(what);
                continue;
            }
        };
        let known = newest.get(&key(&segment)).copied();
        let known = known.filter(|at: &usize| !pairs[*at].is_over(&segment));
        if known.is_none() && pairs.len() >= MAX_PAIRS {
            left_out += 1;
            continue;
        }
        let at = known.unwrap_or_else(|| {
            pairs.push(Pair::new(&segment, packet.time));
            newest.insert(key(&segment), pairs.len() - 1);
            pairs.len() - 1
        });
        pairs[at].take(segment, packet.time, number, packet.dropped);
    }
    found.empty = pairs.iter().filter(|pair| pair.is_empty()).count();
    found.tell(left_out);
    let talks = pairs.into_iter().filter(|pair| !pair.is_empty());
    (talks.map(Pair::finish).collect(), found)
}

fn key(segment: &Segment<'_>) -> (SocketAddr, SocketAddr) {
    let (a, b) = (segment.from, segment.to);
    if a < b { (a, b) } else { (b, a) }
}

/// Both directions, before the client is known.
struct Pair<'b> {
    /// The time of the first packet.
    from: SocketAddr,
    to: SocketAddr,
    began: f64,
    there: Flow<'b>,
    back: Flow<'b>,
    client: Option<SocketAddr>,
    shortened: usize,
}

impl<'b> Pair<'b> {
    fn new(segment: &Segment<'b>, began: f64) -> Self {
        Self {
            from: segment.from,
            to: segment.to,
            began,
            there: Flow::default(),
            back: Flow::default(),
            client: None,
            shortened: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.there.is_empty() && self.back.is_empty()
    }

    /// The same addresses open a new connection.
    fn is_over(&self, segment: &Segment<'_>) -> bool {
        let flow = match segment.from == self.from {
            true => &self.there,
            false => &self.back,
        };
        let begins = segment.syn && segment.acknowledged.is_none();
        let others = flow.began.is_some() || flow.next.is_some();
        begins && others && flow.began != Some(segment.sequence)
    }

    fn take(&mut self, segment: Segment<'b>, time: f64, packet: usize, dropped: usize) {
        if segment.syn {
            let client = if segment.acknowledged.is_some() {
                segment.to
            } else {
                segment.from
            };
            self.client.get_or_insert(client);
        }
        self.shortened += usize::from(dropped > 0);
        let (flow, other) = match segment.from == self.from {
            true => (&mut self.there, &mut self.back),
            false => (&mut self.back, &mut self.there),
        };
        other.acknowledged = segment.acknowledged.or(other.acknowledged);
        if segment.syn && other.next.is_none() {
            // The SYN that this one answers was not captured.
            other.next = segment.acknowledged;
            other.has_start = true;
        }
        flow.take(&segment, time - self.began, packet);
    }

    fn finish(self) -> Talk {
        let handshake = self.client.is_some();
        let mut notes: Vec<Text> = Vec::new();
        let there = self.there.finish(&mut notes);
        let back = self.back.finish(&mut notes);
        if self.shortened > 0 {
            let what = "packets were truncated; capture with `tcpdump -s 0`";
            notes.push(format!("{} {what}", self.shortened).into());
        }
        let guess = || match sender(&there.bytes).or(sender(&back.bytes).map(Side::other)) {
            Some(Side::Server) => self.to,
            _ => self.from,
        };
        let is_there = self.client.unwrap_or_else(guess) == self.from;
        let (client, server) = match is_there {
            true => (self.from, self.to),
            false => (self.to, self.from),
        };
        let (from_client, from_server) = if is_there {
            (there, back)
        } else {
            (back, there)
        };
        let from_start = handshake
            || begins_connection(&from_client.bytes)
            || from_server.bytes.starts_with(b"HTTP/1.");
        if !from_start {
            let what = "the capture begins mid-connection, without a handshake";
            notes.push(what.into());
        }
        Talk {
            name: None,
            client: Some(client.to_string()),
            server: Some(server.to_string()),
            from_client,
            from_server,
            from_start,
            notes,
        }
    }
}

/// One direction.
#[derive(Default)]
struct Flow<'b> {
    /// The sequence number of the SYN.
    began: Option<u32>,
    /// The sequence number of the next byte.
    next: Option<u32>,
    /// Known from the SYN of either side.
    has_start: bool,
    /// The last number that the other side acknowledged.
    acknowledged: Option<u32>,
    stream: Stream,
    /// Out-of-order payloads, by their position in the stream.
    early: BTreeMap<usize, &'b [u8]>,
}

impl<'b> Flow<'b> {
    fn is_empty(&self) -> bool {
        self.stream.bytes.is_empty() && self.early.is_empty()
    }

    fn take(&mut self, segment: &Segment<'b>, time: f64, packet: usize) {
        let mut sequence = segment.sequence;
        if segment.syn {
            self.began.get_or_insert(sequence);
            self.has_start |= self.next.is_none();
            sequence = sequence.wrapping_add(1);
        }
        if segment.payload.is_empty() {
            // Without a SYN, it may be a keep-alive probe, whose number is one too low.
            if segment.syn {
                self.next.get_or_insert(sequence);
            }
            return;
        }
        if self.next.is_none() && self.is_probe(segment) {
            self.next = Some(sequence.wrapping_add(1));
            return;
        }
        let next = *self.next.get_or_insert(sequence);
        // Half of the numbers are before the next byte, half after it.
        let ahead = sequence.wrapping_sub(next) as i32;
        let end = self.stream.bytes.len();
        if ahead > 0 {
            let place = end + ahead as usize;
            let known = self.early.entry(place).or_insert(segment.payload);
            if known.len() < segment.payload.len() {
                *known = segment.payload;
            }
            return;
        }
        self.append(segment.payload, ahead.unsigned_abs() as usize);
        while let Some((place, payload)) = self.early.pop_first() {
            let end = self.stream.bytes.len();
            if place > end {
                self.early.insert(place, payload);
                break;
            }
            self.append(payload, end - place);
        }
        let grown = self.stream.bytes.len();
        if grown > end {
            let before = self.stream.arrivals.last().and_then(|last| last.time);
            self.stream.arrivals.push(Arrival {
                end: grown,
                time: Some(time.max(before.unwrap_or(0.0))),
                packet,
            });
        }
    }

    /// A keep-alive probe (RFC 9293 section 3.8.4): one byte that was sent and acknowledged before.
    /// If the capture begins mid-connection, the sequence numbers do not show that: then it is an
    /// acknowledged byte, the 0 of most systems, or one that starts neither a frame nor HTTP.
    fn is_probe(&self, segment: &Segment<'_>) -> bool {
        let &[byte] = segment.payload else {
            return false;
        };
        let frame = byte & 0x30 == 0 && matches!(byte & 0x0F, 0..=2 | 8..=10);
        let begins = frame || b"GHPDOC".contains(&byte);
        let acknowledged = self.acknowledged == Some(segment.sequence.wrapping_add(1));
        acknowledged || byte == 0 || !segment.push && !begins
    }

    /// Appends the new bytes: all but the first `known`.
    fn append(&mut self, payload: &[u8], known: usize) {
        let new = payload.get(known..).unwrap_or_default();
        self.stream.bytes.extend_from_slice(new);
        // A payload is far shorter than 2^32 bytes.
        let next = self.next.unwrap_or_default().wrapping_add(new.len() as u32);
        self.next = Some(next);
    }

    fn finish(mut self, notes: &mut Vec<Text>) -> Stream {
        let skipped = match self.has_start {
            true => 0,
            false => midway::skipped(&self.stream),
        };
        if let Some((place, _)) = self.early.first_key_value() {
            let gap = place - self.stream.bytes.len();
            let behind: usize = self.early.values().map(|payload| payload.len()).sum();
            self.stream.cut = Some(format!(
                "{gap} bytes were not captured here; the {behind} after them are not explained"
            ));
        }
        if skipped > 1 {
            let what = "bytes of a frame that began before the capture are skipped";
            notes.push(format!("{skipped} {what}").into());
        }
        self.stream.skip(skipped);
        self.stream
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(segments: &[(u32, &'static [u8])]) -> Stream {
        let address = "127.0.0.1:1".parse().unwrap();
        let mut flow = Flow::default();
        for (number, (sequence, payload)) in segments.iter().enumerate() {
            let segment = Segment {
                from: address,
                to: address,
                sequence: *sequence,
                syn: number == 0,
                acknowledged: None,
                push: true,
                payload,
            };
            flow.take(&segment, number as f64, number);
        }
        flow.finish(&mut Vec::new())
    }

    #[test]
    fn order_repetition_and_wrapping() {
        let rows: [&[(u32, &[u8])]; 5] = [
            &[(9, b""), (10, b"abc"), (13, b"def")],
            &[(9, b""), (13, b"def"), (10, b"abc")],
            &[(9, b""), (10, b"abc"), (10, b"abcd"), (12, b"cdef")],
            &[(9, b""), (12, b"cd"), (12, b"cdef"), (10, b"ab")],
            &[(u32::MAX - 2, b""), (u32::MAX - 1, b"abc"), (1, b"def")],
        ];
        for row in rows {
            let stream = flow(row);
            assert_eq!(
                (&*stream.bytes, stream.cut),
                (&b"abcdef"[..], None),
                "{row:?}"
            );
        }
    }

    #[test]
    fn a_gap_is_told() {
        let stream = flow(&[(9, b""), (10, b"abc"), (20, b"xyz")]);
        assert_eq!(stream.bytes, b"abc");
        let cut = stream.cut.unwrap();
        assert!(
            cut.contains("7 bytes") && cut.contains("the 3 after"),
            "{cut}"
        );
    }

    #[test]
    fn a_byte_has_the_time_of_the_packet_that_made_it_readable() {
        let stream = flow(&[(9, b""), (13, b"def"), (10, b"abc"), (16, b"g")]);
        let at = |end| stream.arrival(end).unwrap().packet;
        assert_eq!((at(1), at(6), at(7)), (2, 2, 3));
    }
}
