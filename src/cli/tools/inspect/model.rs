//! The contents of an explanation, in whatever format it is printed.
//!
//! Invariant: everything that a printer shows is in here; printers only choose what to leave out.

use crate::cli::tools::inspect::args::Side;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Mostly static text; text of the input is copied.
pub type Text = Cow<'static, str>;

/// Bytes of the input or derived from it; in JSON a string of hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::cli::tools::common::terminal::hex(&self.0))
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    /// What the input is.
    pub input: String,
    pub violations: usize,
    pub notes: Vec<Text>,
    pub connections: Vec<Conversation>,
}

impl Report {
    /// The title if the input has neither HTTP nor frames.
    pub fn unread(&self) -> Option<String> {
        let all = self.connections.iter();
        let items = || all.clone().flat_map(|connection| &connection.items);
        let directions = all.clone().flat_map(|connection| &connection.directions);
        let frames: usize = directions.map(|direction| direction.frames).sum();
        let unread = |item: &&Item| item.what == What::Unread;
        if frames > 0 || !items().all(|item| unread(&item) || item.what == What::Preface) {
            return None;
        }
        let first = items().find(unread).or_else(|| items().next())?;
        let connections = match self.connections.len() {
            1 => "one connection".into(),
            count => format!("{count} connections, the first one"),
        };
        Some(format!("{}; {connections}: {}", self.input, first.title))
    }
}

/// One connection, both ways.
#[derive(Debug, Default, Serialize)]
pub struct Conversation {
    pub number: usize,
    /// Its name in the input.
    pub name: Option<String>,
    /// Addresses, where the input has them.
    pub client: Option<String>,
    pub server: Option<String>,
    /// The negotiated parameters of permessage-deflate.
    pub compression: Option<String>,
    pub directions: Vec<Direction>,
    pub notes: Vec<Text>,
    /// In chronological order.
    pub items: Vec<Item>,
}

/// Counts of what one side sent.
#[derive(Debug, Serialize)]
pub struct Direction {
    pub from: Side,
    pub bytes: usize,
    pub frames: usize,
    pub messages: usize,
    pub violations: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Request,
    Response,
    /// The body of an HTTP message.
    Body,
    Frame,
    /// What precedes the first HTTP message.
    Preface,
    /// Bytes that are not explained.
    Unread,
}

/// Bytes of one direction that belong together.
#[derive(Debug, Serialize)]
pub struct Item {
    pub number: usize,
    pub what: What,
    pub from: Side,
    /// Seconds from the first packet of the connection until these bytes were all there.
    pub time: Option<f64>,
    /// The position of the bytes in the stream of this side.
    pub offset: usize,
    pub title: Text,
    /// The position of the frame in a fragmented message.
    pub fragment: Option<Fragment>,
    /// The number of what this answers: a request, a ping, a close.
    pub answers: Option<usize>,
    pub bytes: Bytes,
    /// Bytes announced but missing.
    pub missing: u64,
    pub fields: Vec<Field>,
    pub payload: Option<Payload>,
    /// The message that ends with this frame.
    pub message: Option<Message>,
    pub close: Option<Close>,
    /// What the message means to topics, a line for each fact; none unless `wirebell.v1` was
    /// negotiated.
    pub push: Vec<Text>,
    pub violations: Vec<Finding>,
    pub hints: Vec<Text>,
    /// There was a violation before, so a receiver would no longer read this.
    pub unheard: bool,
}

/// One of the frames of a message; items are named by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// Counted from 1.
    pub part: usize,
    pub begun_by: usize,
    pub next: Option<usize>,
}

/// What a part of the bytes is for; it sets the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    Fin,
    Rsv,
    Opcode,
    Mask,
    Length,
    Key,
    Payload,
    Code,
    Line,
    Other,
}

#[derive(Debug, Serialize)]
pub struct Field {
    /// Bytes of the item, from `start` up to `end`.
    pub start: usize,
    pub end: usize,
    /// First and last bit of a byte, 0 being the most significant, as the RFC counts.
    pub bits: Option<(u8, u8)>,
    pub class: Class,
    pub name: Text,
    pub value: Text,
    pub meaning: Text,
    pub reference: Reference,
}

/// The section that defines it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reference {
    pub rfc: u16,
    pub section: &'static str,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RFC {} {}", self.rfc, self.section)
    }
}

pub const fn rfc6455(section: &'static str) -> Reference {
    Reference { rfc: 6455, section }
}

pub const fn rfc7692(section: &'static str) -> Reference {
    Reference { rfc: 7692, section }
}

/// The payload of a frame: `bytes[start..]` of its item.
#[derive(Debug, Serialize)]
pub struct Payload {
    pub start: usize,
    pub key: Option<[u8; 4]>,
    /// Without its mask, if it has one.
    pub unmasked: Option<Bytes>,
    pub compressed: bool,
    /// Text, as far as it is complete and UTF-8.
    pub text: Option<String>,
}

/// All fragments of a message together.
#[derive(Debug, Serialize)]
pub struct Message {
    pub kind: &'static str,
    pub frames: usize,
    pub compressed: bool,
    /// Payload bytes on the wire, all frames together.
    pub wire_length: usize,
    /// As the application receives it.
    pub length: usize,
    /// It is compressed, and cannot be inflated without the messages before it.
    pub refers_back: bool,
    /// The part that is kept for display.
    pub bytes: Bytes,
    pub text: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Close {
    pub code: Option<u16>,
    pub name: Text,
    pub meaning: Text,
    pub reason: Option<String>,
}

/// A violation of a rule.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub rule: Text,
    pub reference: Reference,
    /// What should have been sent.
    pub expected: Text,
    /// What the receiver does.
    pub receiver: Text,
    pub close_code: Option<u16>,
}
