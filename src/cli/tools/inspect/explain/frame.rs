//! The header of one frame, field by field, right or wrong.
//!
//! Unlike `wire::header` of the library, this does not stop at the first violation: as long as the
//! header says where the frame ends, there is more to explain. The rules are checked in the same
//! order, and a test compares the two.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::explain::rules;
use crate::cli::tools::inspect::model::{Class, Field, Finding, Reference, Text, rfc6455, rfc7692};
use wirebell::wire::MAX_CONTROL_PAYLOAD;
use wirebell::{Opcode, Violation};

/// The contents of a header, as far as it is there.
#[derive(Debug, Default)]
pub struct Header {
    pub fin: bool,
    pub rsv1: bool,
    /// Any of the three reserved bits is set.
    pub reserved: bool,
    pub opcode: u8,
    pub key: Option<[u8; 4]>,
    /// Bytes of payload, if that much of the header is there.
    pub length: u64,
    /// Bytes of the header that are there.
    pub size: usize,
    /// Bytes of the header that are missing.
    pub missing: usize,
    pub fields: Vec<Field>,
    pub findings: Vec<Finding>,
}

impl Header {
    pub fn is_control(&self) -> bool {
        self.opcode & 0x8 != 0
    }

    pub fn break_rule(&mut self, violation: Violation, expected: Text) {
        self.findings.push(rules::violation(violation, expected));
    }

    fn broken(&mut self, violation: Violation) {
        self.break_rule(violation, rules::expected(violation).into());
    }

    fn field(&mut self, place: Place, class: Class, name: &'static str, value: Text, text: Text) {
        self.fields.push(Field {
            start: place.start,
            end: place.end,
            bits: place.bits,
            class,
            name: name.into(),
            value,
            meaning: text,
            reference: place.reference,
        });
    }
}

/// The place of a field, on the wire and in the RFC.
struct Place {
    start: usize,
    end: usize,
    bits: Option<(u8, u8)>,
    reference: Reference,
}

fn bits(byte: usize, first: u8, last: u8, reference: Reference) -> Place {
    Place {
        start: byte,
        end: byte + 1,
        bits: Some((first, last)),
        reference,
    }
}

fn bytes(start: usize, end: usize, reference: Reference) -> Place {
    Place {
        start,
        end,
        bits: None,
        reference,
    }
}

/// Reads the header at the front of `input`, which is not empty. With `unknown`, an unknown
/// extension was negotiated, and may use the reserved bits.
pub fn read(input: &[u8], from: Side, compression: bool, unknown: bool) -> Header {
    let mut header = Header::default();
    first_byte(&mut header, input[0], compression, unknown);
    header.size = 1;
    let Some(&second) = input.get(1) else {
        header.missing = 1;
        return header;
    };
    header.size = 2;
    second_byte(&mut header, second, from);
    let extended = match second & 0x7F {
        126 => 2,
        127 => 8,
        short => {
            header.length = short.into();
            0
        }
    };
    if !long_length(&mut header, &input[2..], extended) {
        return header;
    }
    if second & 0x80 != 0 {
        masking_key(&mut header, input);
    }
    if header.missing == 0 && header.rsv1 && header.starts_message() && !compression && !unknown {
        header.broken(Violation::ReservedBit);
    }
    header
}

impl Header {
    fn starts_message(&self) -> bool {
        matches!(self.opcode, 1 | 2)
    }
}

fn first_byte(header: &mut Header, byte: u8, compression: bool, unknown: bool) {
    header.fin = byte & 0x80 != 0;
    header.rsv1 = byte & 0x40 != 0;
    header.reserved = byte & 0x70 != 0;
    header.opcode = byte & 0x0F;
    let fin = match (header.is_control(), header.fin) {
        (false, true) => "this is the last frame of its message",
        (false, false) => "more frames of the same message follow",
        (true, true) => "control frames are never fragmented",
        (true, false) => "a fragmented control frame, which is forbidden",
    };
    let place = bits(0, 0, 0, rfc6455("5.2"));
    header.field(place, Class::Fin, "FIN", bit(header.fin), fin.into());
    reserved_bits(header, byte, compression, unknown);
    let (name, meaning) = opcode(header.opcode);
    let value = format!("{} {name}", header.opcode).into();
    let place = bits(0, 4, 7, rfc6455(opcode_section(header.opcode)));
    header.field(place, Class::Opcode, "opcode", value, meaning.into());

    let known = Opcode::from_bits(byte);
    if known.is_none() {
        header.broken(Violation::ReservedOpcode);
    }
    let stray = byte & 0x30 != 0 || (header.rsv1 && !header.starts_message());
    if stray && !unknown {
        header.broken(Violation::ReservedBit);
    }
    if known.is_some() && header.is_control() && !header.fin {
        header.broken(Violation::FragmentedControl);
    }
}

const BY_UNKNOWN: &str = "set: may belong to an extension unknown here";

fn reserved_bits(header: &mut Header, byte: u8, compression: bool, unknown: bool) {
    let (text, reference) = match (header.rsv1, compression && header.starts_message()) {
        (true, true) => (
            "this message is compressed with permessage-deflate",
            rfc7692("6"),
        ),
        (false, true) => ("this message is not compressed", rfc7692("6")),
        (true, false) if unknown => (BY_UNKNOWN, rfc6455("5.2")),
        (true, false) => (
            "set, although no extension gives it a meaning",
            rfc6455("5.2"),
        ),
        (false, false) => (
            "reserved for extensions; compression uses it",
            rfc6455("5.2"),
        ),
    };
    let place = bits(0, 1, 1, reference);
    header.field(place, Class::Rsv, "RSV1", bit(header.rsv1), text.into());
    for (name, at) in [("RSV2", 2), ("RSV3", 3)] {
        let set = byte & (0x80 >> at) != 0;
        let text = match set {
            true if unknown => BY_UNKNOWN,
            true => "set, although no extension gives it a meaning",
            false => "reserved for extensions; none uses it",
        };
        let place = bits(0, at, at, rfc6455("5.2"));
        header.field(place, Class::Rsv, name, bit(set), text.into());
    }
}

fn second_byte(header: &mut Header, byte: u8, from: Side) {
    let masked = byte & 0x80 != 0;
    let text = match (from, masked) {
        (Side::Client, true) => "the payload is masked, as everything from a client must be",
        (Side::Client, false) => "the payload is not masked, but a client must mask it",
        (Side::Server, false) => "the payload is not masked, as from every server",
        (Side::Server, true) => "the payload is masked, which a server must not do",
    };
    let place = bits(1, 0, 0, rfc6455("5.1"));
    header.field(place, Class::Mask, "MASK", bit(masked), text.into());
    let short = byte & 0x7F;
    let text: Text = match short {
        126 => "126: the length is in the next 2 bytes".into(),
        127 => "127: the length is in the next 8 bytes".into(),
        1 => "the payload has 1 byte; up to 125 fit in these 7 bits".into(),
        short => format!("the payload has {short} bytes; up to 125 fit in these 7 bits").into(),
    };
    let place = bits(1, 1, 7, rfc6455("5.2"));
    header.field(
        place,
        Class::Length,
        "length",
        short.to_string().into(),
        text,
    );
    if masked != (from == Side::Client) {
        header.broken(match masked {
            true => Violation::MaskedFrame,
            false => Violation::UnmaskedFrame,
        });
    }
    let known = Opcode::from_bits(header.opcode).is_some();
    if known && header.is_control() && usize::from(short) > MAX_CONTROL_PAYLOAD {
        header.broken(Violation::OversizedControl);
    }
}

/// The extended length; false if the input ends in it.
fn long_length(header: &mut Header, rest: &[u8], size: usize) -> bool {
    let there = &rest[..size.min(rest.len())];
    if size == 8 && there.first().is_some_and(|byte| byte & 0x80 != 0) {
        header.broken(Violation::LengthTopBit);
    }
    let mut length = [0; 8];
    length[8 - size..8 - size + there.len()].copy_from_slice(there);
    let length = u64::from_be_bytes(length);
    header.size += there.len();
    if there.len() < size {
        header.missing = size - there.len();
        return false;
    }
    if size == 0 {
        return true;
    }
    header.length = length;
    let text = format!("the payload has {length} bytes; the most significant byte comes first");
    let place = bytes(2, 2 + size, rfc6455("5.2"));
    let value = length.to_string().into();
    header.field(place, Class::Length, "extended length", value, text.into());
    if length < 126 || (size == 8 && length <= 0xFFFF) {
        let form = match length {
            0..126 => format!("{length:02x} in the lower 7 bits of the second byte"),
            _ => format!("7e in the second byte, then {length:04x}"),
        };
        header.break_rule(
            Violation::NonMinimalLength,
            format!("the shortest form of {length}: {form}").into(),
        );
    }
    true
}

fn masking_key(header: &mut Header, input: &[u8]) {
    let at = header.size;
    let Some(key) = input[at..].first_chunk::<4>() else {
        header.missing = 4 - (input.len() - at);
        header.size = input.len();
        return;
    };
    header.key = Some(*key);
    header.size += 4;
    let place = bytes(at, at + 4, rfc6455("5.3"));
    let value = key.map(|byte| format!("{byte:02x}")).join(" ");
    let text =
        "four random bytes, new for each frame; payload byte i is XORed with key byte i mod 4";
    header.field(place, Class::Key, "masking key", value.into(), text.into());
}

fn bit(set: bool) -> Text {
    Text::Borrowed(if set { "1" } else { "0" })
}

fn opcode_section(opcode: u8) -> &'static str {
    match opcode {
        0 => "5.4",
        1 | 2 => "5.6",
        8 => "5.5.1",
        9 => "5.5.2",
        10 => "5.5.3",
        _ => "5.2",
    }
}

/// Name and meaning.
pub fn opcode(opcode: u8) -> (&'static str, &'static str) {
    match opcode {
        0 => (
            "continuation",
            "continues the message that an earlier frame began",
        ),
        1 => ("text", "begins a message that is text in UTF-8"),
        2 => ("binary", "begins a message of any bytes"),
        8 => (
            "close",
            "control: the sender closes the connection and sends no more",
        ),
        9 => ("ping", "control: must be answered with a pong"),
        10 => (
            "pong",
            "control: the answer to a ping, with the same payload",
        ),
        3..=7 => ("reserved", "reserved for further data frames"),
        _ => ("reserved", "reserved for further control frames"),
    }
}
