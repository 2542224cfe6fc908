//! The pcapng file: blocks of a type and a length, of which those with packets are read.
//!
//! Input: a file that begins with a section header. Output: its packets, each with the link type of
//! its interface. All other blocks are skipped.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html>

use crate::cli::tools::inspect::input::capture::{Capture, Packet};

/// The type of a section header; a palindrome, so that it can be read in either byte order.
const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
/// Obsolete, and still written by old programs.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The byte-order magic of a section.
const BYTE_ORDER: u32 = 0x1A2B_3C4D;

const CUT: &str = "the file ends inside a block";

/// The properties that an interface gives its packets.
struct Interface {
    link: u32,
    snap_length: usize,
    /// Units of time in a second.
    units: f64,
    /// Seconds to add.
    offset: f64,
}

/// One section; each has its own byte order and its own interfaces.
#[derive(Default)]
struct Section {
    big: bool,
    interfaces: Vec<Interface>,
    /// Simple packets have no time: they get that of the packet before.
    time: f64,
}

pub fn is_pcapng(bytes: &[u8]) -> bool {
    bytes.starts_with(&SECTION.to_be_bytes())
}

pub fn read(bytes: &[u8]) -> Result<Capture<'_>, String> {
    let mut section = Section::begin(bytes).ok_or("the header of the pcapng file is malformed")?;
    let mut capture = Capture::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        if is_pcapng(rest) {
            match Section::begin(rest) {
                Some(next) => section = next,
                None => {
                    capture.cut = Some("the header of a section is malformed".into());
                    break;
                }
            }
        }
        let (Some(kind), Some(length)) = (section.word(rest, 0), section.word(rest, 4)) else {
            capture.cut = Some(CUT.into());
            break;
        };
        let length = length as usize;
        if length < 12 || !length.is_multiple_of(4) {
            capture.cut = Some(format!("a block claims a length of {length} bytes").into());
            break;
        }
        if length > rest.len() {
            capture.cut = Some(CUT.into());
        }
        let block = &rest[..length.min(rest.len())];
        let body = &block[8..block.len().min(length - 4).max(8)];
        section.block(kind, body, &mut capture);
        rest = &rest[block.len()..];
    }
    Ok(capture)
}

impl Section {
    fn begin(bytes: &[u8]) -> Option<Self> {
        let section = |big| Self {
            big,
            ..Self::default()
        };
        let orders = [section(false), section(true)];
        let mut orders = orders.into_iter();
        orders.find(|order| order.word(bytes, 8) == Some(BYTE_ORDER))
    }

    fn word(&self, bytes: &[u8], at: usize) -> Option<u32> {
        let word = *bytes.get(at..)?.first_chunk::<4>()?;
        Some(match self.big {
            true => u32::from_be_bytes(word),
            false => u32::from_le_bytes(word),
        })
    }

    fn half(&self, bytes: &[u8], at: usize) -> Option<u16> {
        let half = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(match self.big {
            true => u16::from_be_bytes(half),
            false => u16::from_le_bytes(half),
        })
    }

    fn block<'b>(&mut self, kind: u32, body: &'b [u8], capture: &mut Capture<'b>) {
        let packet = match kind {
            INTERFACE => {
                self.interfaces.extend(self.interface(body));
                return;
            }
            ENHANCED_PACKET => self.packet(body, self.word(body, 0)),
            PACKET => self.packet(body, self.half(body, 0).map(u32::from)),
            SIMPLE_PACKET => self.simple_packet(body),
            _ => return,
        };
        match packet {
            Some(packet) => {
                self.time = packet.time;
                capture.packets.push(packet);
            }
            None if capture.cut.is_none() => capture.broken += 1,
            None => {}
        }
    }

    fn interface(&self, body: &[u8]) -> Option<Interface> {
        let mut interface = Interface {
            link: self.half(body, 0)?.into(),
            snap_length: self.word(body, 4)? as usize,
            units: 1e6,
            offset: 0.0,
        };
        let mut options = &body[8..];
        while let (Some(code @ 1..), Some(length)) = (self.half(options, 0), self.half(options, 2))
        {
            let length = usize::from(length);
            let Some(value) = options.get(4..4 + length) else {
                break;
            };
            match (code, value) {
                // if_tsresol: a power of 10, or of 2 with the top bit set.
                (9, [power]) if power & 0x80 != 0 => {
                    interface.units = 2f64.powi(i32::from(power & 0x7F));
                }
                (9, [power]) => interface.units = 10f64.powi(i32::from(*power)),
                // if_tsoffset
                (14, _) if length == 8 => interface.offset = self.seconds(value),
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Some(interface)
    }

    fn seconds(&self, value: &[u8]) -> f64 {
        let value = value.first_chunk::<8>().copied().unwrap_or_default();
        match self.big {
            true => i64::from_be_bytes(value) as f64,
            false => i64::from_le_bytes(value) as f64,
        }
    }

    /// An enhanced packet, or one of the obsolete kind: both have the same layout.
    fn packet<'b>(&self, body: &'b [u8], interface: Option<u32>) -> Option<Packet<'b>> {
        let interface = self.interfaces.get(interface? as usize)?;
        let (high, low) = (self.word(body, 4)?, self.word(body, 8)?);
        let (kept, sent) = (self.word(body, 12)? as usize, self.word(body, 16)? as usize);
        let bytes = body.get(20..)?;
        let bytes = &bytes[..kept.min(bytes.len())];
        let units = u64::from(high) << 32 | u64::from(low);
        Some(Packet {
            time: units as f64 / interface.units + interface.offset,
            link: interface.link,
            bytes,
            dropped: sent.saturating_sub(bytes.len()),
        })
    }

    /// A packet of the first interface, with nothing but its length.
    fn simple_packet<'b>(&self, body: &'b [u8]) -> Option<Packet<'b>> {
        let interface = self.interfaces.first()?;
        let sent = self.word(body, 0)? as usize;
        let kept = match interface.snap_length {
            0 => sent,
            snap_length => sent.min(snap_length),
        };
        let bytes = body.get(4..)?;
        let bytes = &bytes[..kept.min(bytes.len())];
        Some(Packet {
            time: self.time,
            link: interface.link,
            bytes,
            dropped: sent.saturating_sub(bytes.len()),
        })
    }
}
