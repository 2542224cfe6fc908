//! What an explanation consists of, whichever way it is printed.
//!
//! Invariant: everything that a printer says is in here; printers only choose what to leave out.

use crate::cli::tools::inspect::args::Side;
use serde::{Serialize, Serializer};
use std::borrow::Cow;

/// Mostly words of our own; those of the input are copied.
pub type Text = Cow<'static, str>;

/// Bytes of the input or made of it; as JSON a string of hexadecimal digits.
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
    pub broken_rules: usize,
    pub notes: Vec<Text>,
    pub connections: Vec<Conversation>,
}

impl Report {
    /// What the input is instead, if it has neither HTTP nor frames.
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
    /// What the input calls it.
    pub name: Option<String>,
    /// Addresses, where the input has them.
    pub client: Option<String>,
    pub server: Option<String>,
    /// The terms of permessage-deflate.
    pub compression: Option<String>,
    pub directions: Vec<Direction>,
    pub notes: Vec<Text>,
    /// In the order of time.
    pub items: Vec<Item>,
}

/// What one side has sent, in numbers.
#[derive(Debug, Serialize)]
pub struct Direction {
    pub from: Side,
    pub bytes: usize,
    pub frames: usize,
    pub messages: usize,
    pub broken_rules: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    Request,
    Response,
    /// The body of an HTTP message.
    Body,
    Frame,
    /// What stands before the first HTTP message.
    Preface,
    /// Bytes that nothing can be said about.
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
    /// Where the bytes lie in all that this side has sent.
    pub offset: usize,
    pub title: Text,
    /// Where the frame stands in a message of several.
    pub fragment: Option<Fragment>,
    /// The number of what this answers: a request, a ping, a close.
    pub answers: Option<usize>,
    pub bytes: Bytes,
    /// Bytes that are announced but not there.
    pub missing: u64,
    pub fields: Vec<Field>,
    pub payload: Option<Payload>,
    /// The message that ends with this frame.
    pub message: Option<Message>,
    pub close: Option<Close>,
    pub violations: Vec<Finding>,
    pub hints: Vec<Text>,
    /// An earlier rule was broken, so a receiver would not read this any more.
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

/// Where it is written down.
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
    /// Text, as far as it is whole and UTF-8.
    pub text: Option<String>,
}

/// All fragments of a message together.
#[derive(Debug, Serialize)]
pub struct Message {
    pub kind: &'static str,
    pub frames: usize,
    pub compressed: bool,
    /// Payload on the wire, all frames together.
    pub wire_length: usize,
    /// As the application gets it.
    pub length: usize,
    /// It is compressed, and nothing without the messages before it.
    pub refers_back: bool,
    /// As far as it is kept for a look.
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

/// A rule that was broken.
#[derive(Debug, Serialize)]
pub struct Finding {
    pub rule: Text,
    pub reference: Reference,
    /// What should have been sent.
    pub expected: Text,
    /// What the other side does about it.
    pub receiver: Text,
    pub close_code: Option<u16>,
}
