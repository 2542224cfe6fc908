//! A subscription on its way from the past to the present: pages of a replay, then live.
//!
//! ```text
//!   subscribe ──▶ page ──▶ has it left? ──▶ next page … last page ──▶ in the lists: live
//! ```
//!
//! Input: pages from the broker. Output: the same in the form of the subscriber. Invariants: a page
//! is asked for when the one before has left, so a replay takes no more memory than a page; the
//! last page and the first live message are adjacent in the order of the log.

use crate::net::{Context, PeerId, SharedChunk};
use crate::proto::{Message, Millis};
use crate::push::access::Admitted;
use crate::push::hub::{Cursor, Page, Replay, Start, Subscribe};
use crate::push::name::Pattern;
use crate::push::native::envelope::{gap, list, message, position};
use crate::push::native::events::{begin, beginning, id, subscribed_line};
use crate::push::native::events::{event, gap_event, gap_line, line};
use crate::push::native::form::Form;
use crate::push::native::messages::{Reference, replay, subscribed};
use crate::push::position::{Position, Since};
use crate::push::record::Record;
use std::io::Write as _;
use std::sync::Arc;

/// What a connection has not finished.
#[derive(Debug)]
pub(super) enum Work {
    /// It has to say who it is.
    Token {
        /// By this time.
        until: Millis,
    },
    /// It has sent a wrong token, which is answered later.
    Denied {
        answer: Vec<u8>,
        /// The connection ends instead.
        ends: bool,
        /// By when a token has to come, if there was none before.
        until: Option<Millis>,
    },
    /// It subscribes.
    Replay(Replaying),
    /// It waits for something to happen.
    Poll {
        /// Where it is.
        at: Position,
        recovered: bool,
        admitted: Admitted,
    },
}

/// A subscription whose replay is not over.
#[derive(Debug)]
pub(super) struct Replaying {
    pub(super) reference: Reference,
    pub(super) patterns: Vec<Pattern>,
    pub(super) since: Since,
    /// Where the next page begins.
    pub(super) cursor: Option<Cursor>,
    /// Whether all pages so far have said so.
    pub(super) recovered: bool,
    /// The broker was asked for a page, which has not come.
    pub(super) asking: bool,
    /// A page that has not been sent.
    pub(super) ready: Option<Start>,
}

/// Messages of a page for a connection that stays open, and bytes.
const PAGE_RECORDS: usize = 250;
const PAGE_BYTES: usize = 128 * 1024;

/// Bytes of an envelope besides payload and topic, with much to spare.
const ENVELOPE: usize = 1024;

/// Of a byte, `\u0000` makes six.
const ESCAPED: usize = 6;

/// A page that is the answer to a poll.
// req: push-poll-06
pub(super) const POLL_PAGE: Page = Page {
    records: 1_000,
    bytes: 1024 * 1024,
    cursor: None,
};

impl Replaying {
    pub(super) fn new(patterns: Vec<Pattern>, since: Since, reference: Reference) -> Self {
        Self {
            reference,
            patterns,
            since,
            cursor: None,
            recovered: true,
            asking: false,
            ready: None,
        }
    }

    /// What to ask the broker for next. `queued_bytes` may wait for a slow connection: a page in
    /// any form leaves room for what follows it.
    // req: push-bounds-11
    pub(super) fn request(&self, name: Option<Arc<str>>, queued_bytes: usize) -> Subscribe {
        Subscribe {
            name,
            patterns: self.patterns.clone(),
            since: self.since,
            page: Page {
                records: PAGE_RECORDS.min(queued_bytes / (4 * ENVELOPE)),
                bytes: PAGE_BYTES.min(queued_bytes / (2 * ESCAPED)),
                cursor: self.cursor,
            },
        }
    }

    /// Takes note of a page. True if another one follows.
    pub(super) fn take(&mut self, page: &Replay) -> bool {
        self.recovered &= page.recovered;
        self.cursor = page.next;
        page.next.is_some()
    }
}

/// Sends a page; and what follows the last one, where the form has that.
// req: push-v1-03 push-v1-13
pub(super) fn send_page(
    context: &mut Context<'_>,
    peer: PeerId,
    form: Form,
    replaying: &Replaying,
    page: &Replay,
) {
    let reference = replaying.reference.as_deref();
    match form {
        Form::Raw => {
            for record in &page.records {
                let _ = context.send(peer, record.payload.message());
            }
        }
        Form::Envelopes => {
            let mut all: Vec<_> = replay(reference, page, page.position.epoch)
                .into_iter()
                .collect();
            if page.next.is_none() {
                let (patterns, at) = (&replaying.patterns, page.position);
                all.push(subscribed(reference, patterns, at, replaying.recovered));
            }
            send_all(context, peer, &all);
        }
        Form::Events | Form::EnvelopeEvents | Form::Lines | Form::Poll => {
            let mut body = Vec::new();
            write_gaps(&mut body, form, page);
            write_records(&mut body, form, page);
            let _ = context.write(peer, &SharedChunk::new(&body), 0);
        }
    }
}

/// Sends an answer, which no policy for slow subscribers drops.
pub(super) fn send_json(context: &mut Context<'_>, peer: PeerId, json: Vec<u8>) {
    send_all(context, peer, &[json]);
}

fn send_all(context: &mut Context<'_>, peer: PeerId, all: &[Vec<u8>]) {
    let text = |json| std::str::from_utf8(json).unwrap_or_default(); // JSON is UTF-8.
    let all: Vec<_> = all.iter().map(|json| Message::text(text(json))).collect();
    let _ = context.send_kept(peer, &all);
}

/// The first page of a stream, after what says where it begins.
pub(super) fn first_page(form: Form, patterns: &[Pattern], since: Since, page: &Replay) -> Vec<u8> {
    let at = beginning(page, since);
    let is_known = page.recovered || matches!(since, Since::Position(asked) if page.follows(asked));
    let mut out = Vec::new();
    match form {
        Form::Lines => subscribed_line(&mut out, patterns, at, page.recovered),
        _ => begin(&mut out, is_known.then_some(at)),
    }
    write_gaps(&mut out, form, page);
    if form != Form::Lines && !is_known {
        id(&mut out, at);
    }
    write_records(&mut out, form, page);
    out
}

// req: push-ndjson-03
fn write_gaps(out: &mut Vec<u8>, form: Form, page: &Replay) {
    for it in &page.gaps {
        match form {
            Form::Lines => gap_line(out, it),
            _ => gap_event(out, it),
        }
    }
}

// req: push-ndjson-03
fn write_records(out: &mut Vec<u8>, form: Form, page: &Replay) {
    let epoch = page.position.epoch;
    for record in &page.records {
        match form {
            Form::Lines => line(out, record, epoch),
            _ => event(out, record, epoch, form == Form::EnvelopeEvents),
        }
    }
}

/// The answer to a poll.
// req: push-poll-01 push-poll-07
pub(super) fn poll_answer(page: &Replay) -> Vec<u8> {
    let epoch = page.position.epoch;
    let mut out = b"{\"messages\":".to_vec();
    list(&mut out, &page.records, |out, record| {
        message(out, record, epoch);
    });
    out.extend_from_slice(b",\"gaps\":");
    list(&mut out, &page.gaps, |out, it| gap(out, it, false));
    out.extend_from_slice(b",\"position\":");
    position(&mut out, Some(page.position));
    write!(out, ",\"recovered\":{}", page.recovered).expect("a vector takes everything");
    if page.next.is_some() {
        out.extend_from_slice(b",\"more\":true");
    }
    out.push(b'}');
    out
}

/// What a poll gets that waited: one message, or none.
pub(super) fn polled(record: Option<Arc<Record>>, at: Position, recovered: bool) -> Replay {
    Replay {
        records: record.into_iter().collect(),
        gaps: Vec::new(),
        position: at,
        recovered,
        next: None,
    }
}
