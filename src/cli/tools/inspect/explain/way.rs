//! One direction while it is read, and the budgets that all connections of a report share.
//!
//! Input: the bytes of a direction. Output: items, one for each part that was taken. Invariant: no
//! more items are kept than a report may have.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::explain::head;
use crate::cli::tools::inspect::explain::request_info::RequestInfo;
use crate::cli::tools::inspect::explain::track::Allowance;
use crate::cli::tools::inspect::input::{Stream, protocol};
use crate::cli::tools::inspect::model::{Bytes, Item, Text, What};

/// The budgets that all connections of a report share; items per side.
pub struct Shared {
    pub allowance: Allowance,
    /// An item is several hundred times as large as the shortest frame.
    pub items_left: [usize; 2],
    /// For those with a violation.
    pub broken_left: [usize; 2],
    pub left_out: usize,
}

impl Shared {
    /// Whether there is room for one more item.
    pub fn admit(&mut self, item: &Item) -> bool {
        let left = match item.violations.is_empty() {
            true => &mut self.items_left[item.from as usize],
            false => &mut self.broken_left[item.from as usize],
        };
        let admitted = *left > 0;
        *left -= usize::from(admitted);
        self.left_out += usize::from(!admitted);
        admitted
    }
}

/// One direction while it is read.
pub struct Way<'t> {
    pub from: Side,
    pub stream: &'t Stream,
    pub at: usize,
    pub items: Vec<Item>,
    pub frames: usize,
    pub violations: usize,
}

impl<'t> Way<'t> {
    pub fn new(from: Side, stream: &'t Stream) -> Self {
        Self {
            from,
            stream,
            at: 0,
            items: Vec::new(),
            frames: 0,
            violations: 0,
        }
    }

    pub fn rest(&self) -> &'t [u8] {
        &self.stream.bytes[self.at..]
    }

    /// Takes the next `length` bytes as an item.
    pub fn item(&mut self, what: What, title: Text, length: usize) -> Item {
        let offset = self.at;
        let bytes = &self.rest()[..length];
        self.at += length;
        Item {
            number: 0,
            what,
            from: self.from,
            time: self
                .stream
                .arrival(self.at)
                .and_then(|arrival| arrival.time),
            offset,
            title,
            fragment: None,
            answers: None,
            bytes: Bytes(bytes.to_vec()),
            missing: 0,
            fields: Vec::new(),
            payload: None,
            message: None,
            close: None,
            push: Vec::new(),
            violations: Vec::new(),
            hints: Vec::new(),
            unheard: false,
        }
    }

    pub fn push(&mut self, item: Item, shared: &mut Shared) {
        self.violations += item.violations.len();
        if shared.admit(&item) {
            self.items.push(item);
        }
    }

    /// Bytes that are not explained.
    pub fn unread(&mut self, why: &str, shared: &mut Shared) {
        let length = self.rest().len();
        if length > 0 {
            let title = format!("{length} bytes that are not explained: {why}");
            let item = self.item(What::Unread, title.into(), length);
            self.push(item, shared);
        }
    }

    /// Skips the headers that load balancers put before the first request.
    pub fn proxy_headers(&mut self, shared: &mut Shared) {
        while let Some((length, version)) = protocol::proxy_header(self.rest()) {
            let title = format!("{length} bytes of the PROXY protocol, version {version}");
            let item = self.item(What::Preface, title.into(), length);
            self.push(item, shared);
        }
    }

    /// Reads the next head.
    pub fn head(&mut self, req: Option<&RequestInfo>, shared: &mut Shared) -> head::Head {
        let mut head = head::read(self.rest(), self.from, req);
        self.at += head.start;
        if head.is_other {
            return head;
        }
        let what = match self.from {
            Side::Client => What::Request,
            Side::Server => What::Response,
        };
        let title = std::mem::take(&mut head.title).into();
        let mut item = self.item(what, title, head.end - head.start);
        item.fields = std::mem::take(&mut head.fields);
        item.violations = std::mem::take(&mut head.findings);
        item.hints = std::mem::take(&mut head.hints);
        if head.cut {
            item.hints.push("the input ends inside this head".into());
        }
        self.push(item, shared);
        let length = head.body.length(self.rest());
        if length > 0 {
            let title = format!("{length} bytes of HTTP body");
            let item = self.item(What::Body, title.into(), length);
            self.push(item, shared);
        }
        head
    }
}
