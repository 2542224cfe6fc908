//! TCP segments in the order of their capture → the bytes of each direction in theirs.
//!
//! Invariant: no more is kept than the packets have; a gap ends a direction, for behind it nobody
//! knows where a frame begins.

use crate::cli::inspect::args::Side;
use crate::cli::inspect::input::packet::{self, Segment};
use crate::cli::inspect::input::pcap::Capture;
use crate::cli::inspect::input::{Arrival, Stream, Talk, looks_like_http, sender};
use crate::cli::inspect::model::Text;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

/// Connections that are read.
const MAX_PAIRS: usize = 1000;

/// The connections of a capture, and what is to be said about it.
pub fn talks(capture: &Capture<'_>) -> (Vec<Talk>, Vec<Text>) {
    let mut notes: Vec<Text> = Vec::new();
    if !packet::is_known(capture.link) {
        let what = format!("link type {} is not known; read as IP", capture.link);
        notes.push(what.into());
    }
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut newest = HashMap::new();
    let (mut others, mut left_out) = (0, 0);
    for (number, packet) in capture.packets.iter().enumerate() {
        let Some(segment) = packet::segment(capture.link, packet.bytes) else {
            others += 1;
            continue;
        };
        if pairs.len() >= MAX_PAIRS && !newest.contains_key(&key(&segment)) {
            left_out += 1;
            continue;
        }
        let at = *newest.entry(key(&segment)).or_insert_with(|| {
            pairs.push(Pair::new(&segment, packet.time));
            pairs.len() - 1
        });
        let at = match pairs[at].is_over(&segment) {
            false => at,
            true => {
                pairs.push(Pair::new(&segment, packet.time));
                newest.insert(key(&segment), pairs.len() - 1);
                pairs.len() - 1
            }
        };
        pairs[at].take(segment, packet.time, number, packet.dropped);
    }
    if others > 0 {
        notes.push(format!("{others} packets are not TCP over IP, or cannot be read").into());
    }
    if left_out > 0 {
        let what = "packets belong to further connections, which are not read";
        notes.push(format!("{left_out} {what}").into());
    }
    let empty = pairs.iter().filter(|pair| pair.is_empty()).count();
    if empty > 0 {
        notes.push(format!("{empty} connections carried nothing").into());
    }
    let talks = pairs.into_iter().filter(|pair| !pair.is_empty());
    (talks.map(Pair::finish).collect(), notes)
}

fn key(segment: &Segment<'_>) -> (SocketAddr, SocketAddr) {
    let (a, b) = (segment.from, segment.to);
    if a < b { (a, b) } else { (b, a) }
}

/// Both directions, before it is known who the client is.
struct Pair<'b> {
    /// Of the first packet.
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

    /// The same addresses open another connection.
    fn is_over(&self, segment: &Segment<'_>) -> bool {
        let flow = match segment.from == self.from {
            true => &self.there,
            false => &self.back,
        };
        let begins = segment.syn && !segment.ack;
        begins && flow.began.is_some_and(|began| began != segment.sequence)
    }

    fn take(&mut self, segment: Segment<'b>, time: f64, packet: usize, dropped: usize) {
        if segment.syn {
            let client = if segment.ack {
                segment.to
            } else {
                segment.from
            };
            self.client.get_or_insert(client);
        }
        self.shortened += usize::from(dropped > 0);
        let flow = match segment.from == self.from {
            true => &mut self.there,
            false => &mut self.back,
        };
        flow.take(&segment, time - self.began, packet);
    }

    fn finish(self) -> Talk {
        let handshake = self.client.is_some();
        let (there, back) = (self.there.finish(), self.back.finish());
        let mut notes: Vec<Text> = Vec::new();
        if self.shortened > 0 {
            let what = "packets were captured without their ends; capture with `tcpdump -s 0`";
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
            || looks_like_http(&from_client.bytes)
            || from_server.bytes.starts_with(b"HTTP/1.");
        if !from_start {
            let what = "the capture begins inside of the connection: its handshake is not there";
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
    /// That of the next byte.
    next: Option<u32>,
    stream: Stream,
    /// Payloads that came before what belongs in front of them, by their place in the stream.
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
            sequence = sequence.wrapping_add(1);
        }
        let next = *self.next.get_or_insert(sequence);
        if segment.payload.is_empty() {
            return;
        }
        // Half of the numbers are in front of the next byte, half behind.
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

    /// Appends what is new: all but the first `known` bytes.
    fn append(&mut self, payload: &[u8], known: usize) {
        let new = payload.get(known..).unwrap_or_default();
        self.stream.bytes.extend_from_slice(new);
        // A payload is far shorter than 2^32 bytes.
        let next = self.next.unwrap_or_default().wrapping_add(new.len() as u32);
        self.next = Some(next);
    }

    fn finish(mut self) -> Stream {
        if let Some((place, _)) = self.early.first_key_value() {
            let gap = place - self.stream.bytes.len();
            let behind: usize = self.early.values().map(|payload| payload.len()).sum();
            self.stream.cut = Some(format!(
                "{gap} bytes were not captured here; the {behind} behind them are not explained"
            ));
        }
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
                ack: false,
                payload,
            };
            flow.take(&segment, number as f64, number);
        }
        flow.finish()
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
            cut.contains("7 bytes") && cut.contains("the 3 behind"),
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
