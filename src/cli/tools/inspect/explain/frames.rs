//! All frames of one direction, in order.
//!
//! Input: the bytes of the direction after its handshake. Output: an item for each frame. A header
//! is left to `frame`, what later frames depend on to `track`.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::explain::frame::{self, Header};
use crate::cli::tools::inspect::explain::track::{self, Outcome, Track};
use crate::cli::tools::inspect::explain::way::{Shared, Way};
use crate::cli::tools::inspect::explain::{close, envelopes, rules};
use crate::cli::tools::inspect::model::{
    Bytes, Class, Field, Item, Payload, Reference, Text, What, rfc6455, rfc7692,
};
use crate::cli::tools::inspect::show::beginning;
use wirebell::wire::{CloseBody, Mask};
use wirebell::{CloseCode, Violation};

/// Characters of a text that are part of the title.
const PREVIEW: usize = 40;

pub fn read(way: &mut Way<'_>, track: &mut Track, shared: &mut Shared) {
    while !way.rest().is_empty() {
        let item = one(way, track, shared);
        way.frames += 1;
        way.push(item, shared);
    }
}

/// Notes on the end of a direction's input.
pub fn end(way: &Way<'_>, track: &Track) -> Vec<Text> {
    let mut notes: Vec<Text> = Vec::new();
    let name = way.from.name();
    if let Some(cut) = &way.stream.cut {
        notes.push(format!("the {name}, at byte {}: {cut}", way.stream.bytes.len()).into());
    }
    if track.in_message() {
        notes.push(format!("the last message of the {name} is incomplete").into());
    }
    notes
}

fn one(way: &mut Way<'_>, track: &mut Track, shared: &mut Shared) -> Item {
    let input = way.rest();
    let unknown = !track.unknown.is_empty();
    let mut header = frame::read(input, way.from, track.compression(), unknown);
    let unheard = track.failed;
    let is_after_close = track.closed;
    if header.missing > 0 {
        return cut_header(way, track, header);
    }
    if matches!(header.opcode, 0..=2) {
        track.data_frame(&mut header);
    }
    let there = input.len() - header.size;
    let take = header.length.min(there as u64) as usize;
    let mut item = way.item(What::Frame, Text::default(), header.size + take);
    item.unheard = unheard;
    item.missing = header.length - take as u64;
    let wire = &item.bytes.0[header.size..];
    let mut plain = wire.to_vec();
    Mask::new(header.key.unwrap_or_default()).apply(&mut plain);
    let compressed = !header.is_control() && track.is_compressed();
    let outcome = match header.is_control() {
        true => control(&header, &plain, item.missing == 0, track, &mut item),
        false if header.opcode > 2 => Outcome::default(),
        false => track.payload(&plain, header.fin, item.missing == 0, &mut shared.allowance),
    };
    hints(&header, track, &mut item);
    if is_after_close {
        after_close(&header, &mut item);
    }
    payload(&mut header, plain, compressed, &mut item);
    item.violations.append(&mut header.findings);
    finish(header, outcome, track, item)
}

fn finish(header: Header, outcome: Outcome, track: &mut Track, mut item: Item) -> Item {
    item.violations.extend(outcome.findings);
    item.hints.extend(outcome.hints);
    item.message = outcome.message;
    if track.envelopes {
        item.push = whole_text(&item).map_or(Vec::new(), |text| envelopes::said(text, item.from));
    }
    item.title = title(&header, &item).into();
    item.fields = header.fields;
    track.failed |= item
        .violations
        .iter()
        .any(|finding| finding.close_code.is_some());
    item
}

/// The text message that ends with this frame, if all of it is there.
fn whole_text(item: &Item) -> Option<&str> {
    let message = item.message.as_ref().filter(|it| it.kind == "text")?;
    match (message.compressed, message.frames) {
        (false, 1) => item.payload.as_ref()?.text.as_deref(),
        _ if message.bytes.0.len() < message.length => None,
        _ => message.text.as_deref(),
    }
}

/// The input ends inside of a header.
fn cut_header(way: &mut Way<'_>, track: &mut Track, header: Header) -> Item {
    let title = "the start of a frame: its header is incomplete";
    let mut item = way.item(What::Frame, title.into(), header.size);
    item.missing = header.missing as u64;
    item.unheard = track.failed;
    item.violations = header.findings;
    item.fields = header.fields;
    let what = format!(
        "the input ends here; the header needs {} more bytes",
        header.missing
    );
    item.hints.push(what.into());
    item
}

fn control(
    header: &Header,
    plain: &[u8],
    whole: bool,
    track: &mut Track,
    item: &mut Item,
) -> Outcome {
    let mut outcome = Outcome::default();
    if header.opcode != 8 || !whole {
        return outcome;
    }
    track.closed = true;
    item.close = close::read(plain);
    if let Err(violation) = CloseBody::parse(plain) {
        let mut expected = rules::expected(violation).to_owned();
        if let (Violation::InvalidCloseCode, Some(code)) = (
            violation,
            plain.first_chunk().map(|code| u16::from_be_bytes(*code)),
        ) {
            let (name, meaning) = close::code(code);
            expected += &format!("; {code} is: {name}, {meaning}");
        }
        outcome
            .findings
            .push(rules::violation(violation, expected.into()));
    }
    outcome
}

fn after_close(header: &Header, item: &mut Item) {
    match header.is_control() {
        false => item.violations.push(track::after_close()),
        true => item.hints.push("nothing is read after a Close".into()),
    }
}

fn hints(header: &Header, track: &mut Track, item: &mut Item) {
    if item.missing > 0 {
        let what = format!(
            "the input ends here; the payload has {} more bytes",
            item.missing
        );
        item.hints.push(what.into());
    }
    if header.reserved && !track.unknown.is_empty() {
        let names = track.unknown.join(", ");
        let what = format!("the payload may be encoded by {names}, which is not known here");
        item.hints.push(what.into());
    } else if header.rsv1 && !track.compression() {
        let what = "permessage-deflate marks messages with RSV1: if it was negotiated, \
                    --deflate permessage-deflate explains them";
        item.hints.push(what.into());
    }
    let Some(key) = header.key else {
        return;
    };
    if key == [0; 4] {
        let what = "the masking key is 0, which hides nothing; it should be random (RFC 6455 5.3)";
        item.hints.push(what.into());
    } else if track.last_key == Some(key) {
        let what = "the masking key is that of the frame before; each frame needs a new one \
                    (RFC 6455 5.3)";
        item.hints.push(what.into());
    }
    track.last_key = Some(key);
}

/// The payload, and the fields inside it.
fn payload(header: &mut Header, plain: Vec<u8>, compressed: bool, item: &mut Item) {
    if plain.is_empty() {
        return;
    }
    let (start, end) = (header.size, header.size + plain.len());
    let text = match compressed {
        false if matches!(header.opcode, 0 | 1 | 9 | 10) => readable(&plain),
        _ => None,
    };
    let masked = match header.key {
        Some(_) => "masked ",
        None => "",
    };
    let what = match (header.opcode, compressed) {
        (8, _) => "close code and reason",
        (9 | 10, _) => "any bytes; a pong repeats those of its ping",
        (_, true) => "DEFLATE without its final 00 00 ff ff; inflated, it is the message",
        (_, false) => "what the application sent",
    };
    header.fields.push(Field {
        start,
        end,
        bits: None,
        class: Class::Payload,
        name: "payload".into(),
        value: format!("{} {masked}bytes", plain.len()).into(),
        meaning: what.into(),
        reference: if compressed {
            rfc7692("7.2.1")
        } else {
            rfc6455("5.2")
        },
    });
    if let Some(close) = &item.close {
        header.fields.extend(close_code(start, close.code));
    }
    item.payload = Some(Payload {
        start,
        key: header.key,
        compressed,
        text,
        unmasked: header.key.map(|_| Bytes(plain)),
    });
}

fn close_code(start: usize, code: Option<u16>) -> Option<Field> {
    let code = code?;
    let (name, meaning) = close::code(code);
    let section = if CloseCode::new(code).is_some() {
        "7.4.1"
    } else {
        "7.4.2"
    };
    Some(Field {
        start,
        end: start + 2,
        bits: None,
        class: Class::Code,
        name: "close code".into(),
        value: format!("{code} {name}").into(),
        meaning: meaning.into(),
        reference: Reference { rfc: 6455, section },
    })
}

/// Text, if it is; a character that is split at either end does not matter.
fn readable(plain: &[u8]) -> Option<String> {
    let from = plain
        .iter()
        .take(3)
        .take_while(|byte| **byte & 0xC0 == 0x80)
        .count();
    match std::str::from_utf8(&plain[from..]) {
        Ok(text) => Some(text.to_owned()),
        Err(error) if error.error_len().is_none() => {
            let end = from + error.valid_up_to();
            Some(String::from_utf8_lossy(&plain[from..end]).into_owned())
        }
        Err(_) => None,
    }
}

fn title(header: &Header, item: &Item) -> String {
    let (name, _) = frame::opcode(header.opcode);
    let length = header.length;
    let bytes = if length == 1 {
        "1 byte".into()
    } else {
        format!("{length} bytes")
    };
    let compressed = item
        .payload
        .as_ref()
        .is_some_and(|payload| payload.compressed);
    let mut title = match (header.opcode, header.fin) {
        (0, true) => "continuation frame, the last of its message".to_owned(),
        (0, false) => "continuation frame, more follow".into(),
        (1 | 2, true) => format!("{name} message in one frame"),
        (1 | 2, false) => format!("{name} message, first frame"),
        _ => format!("{name} frame"),
    };
    title += &format!(", {bytes}");
    if header.key.is_some() {
        title += if item.from == Side::Client {
            ", masked"
        } else {
            ", masked by the server"
        };
    }
    if compressed {
        title += ", compressed";
    }
    if let Some(close) = item.close.as_ref().filter(|close| close.code.is_some()) {
        title += &format!(": {} {}", close.code.unwrap_or_default(), close.name);
    }
    let of_message = item
        .message
        .as_ref()
        .and_then(|message| message.text.as_deref());
    let of_frame = item
        .payload
        .as_ref()
        .and_then(|payload| payload.text.as_deref());
    if let Some(text) = of_message.or(of_frame).filter(|text| !text.is_empty()) {
        let (text, more) = beginning(text, PREVIEW);
        title += &format!(": \"{text}{}\"", if more { "…" } else { "" });
    }
    title
}
