//! Where the first frame begins in a direction whose capture starts mid-connection.
//!
//! Input: a stream without its SYN. Output: how many bytes at its front are not a complete frame: a
//! keep-alive probe, or the rest of a frame whose start was not captured. Invariant: an invalid
//! frame is not skipped if its length shows that it is one.

use crate::cli::tools::inspect::input::begins::begins_connection;
use crate::cli::tools::inspect::input::talk::Stream;

/// Packets after which the search for the first frame stops.
const MAX_PACKETS: usize = 64;

/// Frames to check.
const MAX_FRAMES: usize = 1000;

pub fn skipped(stream: &Stream) -> usize {
    let bytes = &stream.bytes[..];
    let packets = || stream.arrivals.iter().map(|arrival| arrival.end);
    if begins_connection(bytes) && !begins_connection(&bytes[1..]) {
        return 0;
    }
    // RFC 9293 section 3.8.4: a probe may repeat the byte before the next one.
    let after_probe = bytes.get(1..).filter(|rest| !rest.is_empty());
    let after_probe = after_probe.filter(|_| packets().next() == Some(1));
    if after_probe.is_some_and(|rest| begins_connection(rest) || are_frames(rest)) {
        return usize::from(!are_frames(bytes));
    }
    let is_packet_end = |end: usize| packets().any(|packet| packet == end);
    let first = Header::read(bytes);
    if first.is_none_or(|header| header.is_known || is_packet_end(header.end)) {
        return 0;
    }
    let begins = |at: &usize| {
        let rest = &bytes[*at..];
        let whole = Header::read(rest).is_some_and(|header| is_packet_end(at + header.end));
        begins_connection(rest) || whole && are_frames(rest)
    };
    packets().take(MAX_PACKETS).find(begins).unwrap_or_default()
}

/// The header of a frame, as far as needed.
struct Header {
    /// The opcode is known, and no bit unused by any extension is set.
    is_known: bool,
    masked: bool,
    /// Where the frame ends.
    end: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (masked, short) = (second & 0x80 != 0, second & 0x7F);
        let (header, length) = match short {
            126 => (4, u64::from(u16::from_be_bytes(*rest.first_chunk()?))),
            127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
            _ => (2, u64::from(short)),
        };
        let header = header + if masked { 4 } else { 0 };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let is_known = match first & 0x0F {
            0..=2 => first & 0x30 == 0,
            8..=10 => first & 0xF0 == 0x80 && short <= 125,
            _ => false,
        };
        Some(Self {
            is_known,
            masked,
            end: length.saturating_add(header),
        })
    }
}

/// Whether everything can be consecutive frames, all masked or none.
fn are_frames(bytes: &[u8]) -> bool {
    let masked = bytes.get(1).is_some_and(|second| second & 0x80 != 0);
    let mut rest = bytes;
    for _ in 0..MAX_FRAMES {
        let Some(header) = Header::read(rest) else {
            break;
        };
        if !header.is_known || header.masked != masked {
            return false;
        }
        rest = rest.get(header.end..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tools::inspect::input::talk::Arrival;

    const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

    #[test]
    fn what_belongs_to_no_frame_is_passed_over() {
        let rows: [(&[&[u8]], usize); 12] = [
            (&[HELLO, HELLO], 0),
            (&[b"\x81", &HELLO[1..]], 0),
            (&[b"\x81", HELLO], 1),
            (&[b"\n", HELLO], 1),
            (&[b"G", HELLO], 1),
            (&[b"G", b"GET / HTTP/1.1\r\n"], 1),
            (&[b"G", b"ET / HTTP/1.1\r\n"], 0),
            (&[b"\x99\x12abcdef", HELLO], 8),
            (&[b"\x99\x12abc", b"def", HELLO, HELLO], 8),
            // A complete invalid frame, and a truncated one.
            (&[b"\xB1\x01a", HELLO], 0),
            (&[b"\xB1\x05a"], 0),
            (&[b""], 0),
        ];
        for (packets, expected) in rows {
            let mut stream = Stream::default();
            for (packet, bytes) in packets.iter().enumerate() {
                stream.bytes.extend_from_slice(bytes);
                stream.arrivals.push(Arrival {
                    end: stream.bytes.len(),
                    time: None,
                    packet,
                });
            }
            assert_eq!(skipped(&stream), expected, "{packets:?}");
        }
    }
}
