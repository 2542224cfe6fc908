//! Links related items: the frames of a message, a pong and its ping, the two Closes.
//!
//! Input: all items of a connection in chronological order, with their numbers. Output: the same,
//! each naming what it continues or answers. Items that were left out have no links.

use crate::cli::tools::inspect::model::{Fragment, Item, What};
use std::collections::HashMap;

/// What one side has open.
#[derive(Default)]
struct Side {
    /// The position of the next item if none is left out.
    end: usize,
    /// The last frame of an incomplete message: its place in the list.
    open: Option<usize>,
    /// Payloads of pings without a pong.
    pings: HashMap<Vec<u8>, usize>,
    request: Option<usize>,
    close: Option<usize>,
}

pub fn tie(items: &mut [Item]) {
    let mut sides = [Side::default(), Side::default()];
    for at in 0..items.len() {
        let (from, other) = (items[at].from as usize, items[at].from.other() as usize);
        let side = &mut sides[from];
        if items[at].offset != side.end {
            side.open = None;
        }
        side.end = items[at].offset + items[at].bytes.0.len();
        let number = items[at].number;
        let first = items[at].bytes.0.first().copied().unwrap_or_default();
        match (items[at].what, first & 0x0F) {
            (What::Request, _) => side.request = Some(number),
            (What::Response, _) => items[at].answers = sides[other].request.take(),
            (What::Frame, 0..=2) => fragment(items, at, &mut side.open, first),
            (What::Frame, 8) => {
                side.close = side.close.or(Some(number));
                items[at].answers = sides[other].close;
            }
            (What::Frame, 9) => {
                side.pings.insert(plain(&items[at]).to_vec(), number);
            }
            (What::Frame, 10) => {
                items[at].answers = sides[other].pings.remove(plain(&items[at]));
            }
            _ => {}
        }
    }
}

/// Links a data frame to the one before it.
fn fragment(items: &mut [Item], at: usize, open: &mut Option<usize>, first: u8) {
    let (fin, begins) = (first & 0x80 != 0, first & 0x0F != 0);
    let number = items[at].number;
    let before = open.take().filter(|_| !begins);
    let part = match before.and_then(|before| Some((before, items[before].fragment.as_mut()?))) {
        Some((_, before)) => {
            before.next = Some(number);
            Some((before.part + 1, before.begun_by))
        }
        None => (begins && !fin).then_some((1, number)),
    };
    items[at].fragment = part.map(|(part, begun_by)| Fragment {
        part,
        begun_by,
        next: None,
    });
    *open = Some(at).filter(|_| !fin && part.is_some());
}

/// The payload without its mask.
fn plain(item: &Item) -> &[u8] {
    match &item.payload {
        Some(payload) => match &payload.unmasked {
            Some(plain) => &plain.0,
            None => &item.bytes.0[payload.start..],
        },
        None => &[],
    }
}
