//! The classic pcap file: a header of 24 bytes, then packets with 16 bytes before each.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>

use crate::cli::tools::inspect::input::capture::{Capture, Packet};
use crate::cli::tools::inspect::input::pcapng;

/// Read in the byte order of the file: of 0xA1B2C3D4 with microseconds, 0xA1B23C4D with nano-.
const MICROSECONDS: u32 = 0xA1B2_C3D4;
const NANOSECONDS: u32 = 0xA1B2_3C4D;

struct Order {
    little: bool,
    fractions: f64,
}

impl Order {
    fn of(bytes: &[u8]) -> Option<Self> {
        let magic = *bytes.first_chunk::<4>()?;
        for little in [true, false] {
            let order = Self {
                little,
                fractions: 1e-6,
            };
            match order.word(magic) {
                MICROSECONDS => return Some(order),
                NANOSECONDS => {
                    return Some(Self {
                        fractions: 1e-9,
                        ..order
                    });
                }
                _ => {}
            }
        }
        None
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        match self.little {
            true => u32::from_le_bytes(bytes),
            false => u32::from_be_bytes(bytes),
        }
    }

    /// The word at an offset of a header.
    fn at(&self, header: &[u8], at: usize) -> u32 {
        let word = header.get(at..).and_then(|rest| rest.first_chunk::<4>());
        self.word(word.copied().unwrap_or_default())
    }
}

/// Whether it starts like a pcap file.
pub fn is_capture(bytes: &[u8]) -> bool {
    Order::of(bytes).is_some() || pcapng::is_pcapng(bytes)
}

pub fn read(bytes: &[u8]) -> Result<Capture<'_>, String> {
    if pcapng::is_pcapng(bytes) {
        return pcapng::read(bytes);
    }
    let order = Order::of(bytes).ok_or("this is not a pcap file")?;
    let (header, mut rest) = bytes
        .split_at_checked(24)
        .ok_or("the header of the pcap file is cut short")?;
    // The upper bits are about checksums.
    let link = order.at(header, 20) & 0xFFFF;
    let mut capture = Capture::default();
    while !rest.is_empty() {
        let Some((header, tail)) = rest.split_at_checked(16) else {
            capture.cut = Some("the file ends inside a packet".into());
            break;
        };
        let (kept, sent) = (order.at(header, 8) as usize, order.at(header, 12) as usize);
        let bytes = &tail[..kept.min(tail.len())];
        if bytes.len() < kept {
            capture.cut = Some("the file ends inside a packet".into());
        }
        capture.packets.push(Packet {
            time: f64::from(order.at(header, 0)) + f64::from(order.at(header, 4)) * order.fractions,
            link,
            bytes,
            dropped: sent.saturating_sub(bytes.len()),
        });
        rest = &tail[bytes.len()..];
    }
    Ok(capture)
}
