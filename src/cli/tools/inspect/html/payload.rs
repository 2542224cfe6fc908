//! The payload of a frame: on the wire, unmasked, inflated, side by side.

use crate::cli::tools::inspect::html::{Escaped, Link, Page};
use crate::cli::tools::inspect::model::{Close, Item, Message, Payload, rfc7692};
use crate::cli::tools::inspect::show::{beginning, character, unmasking};

/// Bytes in one band.
const ROW: usize = 16;

impl Page {
    pub(super) fn contents(&mut self, item: &Item) {
        let message = item.message.as_ref();
        let message = message.filter(|message| message.frames > 1 || message.compressed);
        if item.payload.is_none() && message.is_none() && item.close.is_none() {
            return;
        }
        self.put(format_args!("<div class=\"beside\">\n"));
        if let Some(payload) = &item.payload {
            self.payload(payload, &item.bytes.0[payload.start..]);
        }
        if let Some(message) = message {
            self.message(message);
        }
        if let Some(close) = &item.close {
            self.close(close);
        }
        self.put(format_args!("</div>\n"));
    }

    fn payload(&mut self, payload: &Payload, wire: &[u8]) {
        let plain = payload.unmasked.as_ref().map_or(wire, |bytes| &bytes.0);
        let title = match (payload.key, payload.compressed) {
            (Some(_), true) => "Payload: wire XOR key = compressed",
            (Some(_), false) => "Payload: wire XOR key = unmasked",
            (None, true) => "Payload: compressed",
            (None, false) => "Payload",
        };
        let shown = wire.len().min(self.most);
        self.put(format_args!("<figure>\n<figcaption>{title}</figcaption>\n"));
        for start in (0..shown).step_by(ROW) {
            let end = shown.min(start + ROW);
            self.put(format_args!("<table class=\"band\">\n"));
            self.band("on the wire", "payload", &wire[start..end]);
            if let Some(key) = payload.key {
                let key: Vec<u8> = (start..end).map(|at| key[at % 4]).collect();
                self.band("XOR key", "key", &key);
                self.band("unmasked", "plain", &plain[start..end]);
            }
            if !payload.compressed {
                self.characters(&plain[start..end]);
            }
            self.put(format_args!("</table>\n"));
        }
        self.more(shown, wire.len());
        if let Some(key) = payload.key {
            let open = if std::mem::take(&mut self.steps) {
                " open"
            } else {
                ""
            };
            self.put(format_args!(
                "<details class=\"steps\"{open}><summary>Step by step</summary>\n<pre>"
            ));
            for step in unmasking(wire, key) {
                self.put(format_args!("{}\n", Escaped(&step)));
            }
            self.put(format_args!("</pre></details>\n"));
        }
        if let Some(text) = payload.text.as_deref().filter(|text| !text.is_empty()) {
            self.text(text);
        }
        self.put(format_args!("</figure>\n"));
    }

    fn band(&mut self, name: &str, class: &str, bytes: &[u8]) {
        self.put(format_args!(
            "<tr class=\"{class}\"><th scope=\"row\">{name}</th>"
        ));
        for byte in bytes {
            self.put(format_args!("<td>{byte:02x}</td>"));
        }
        self.put(format_args!("</tr>\n"));
    }

    fn characters(&mut self, bytes: &[u8]) {
        self.put(format_args!(
            "<tr class=\"chars\"><th scope=\"row\">as text</th>"
        ));
        for byte in bytes {
            let c = character(*byte).to_string();
            self.put(format_args!("<td>{}</td>", Escaped(&c)));
        }
        self.put(format_args!("</tr>\n"));
    }

    fn message(&mut self, message: &Message) {
        let Message {
            kind,
            frames,
            length,
            wire_length,
            ..
        } = message;
        let title = match message.compressed {
            true => format!("Inflated: {wire_length} bytes on the wire are {length} of {kind}"),
            false => format!("The whole message: {length} bytes of {kind} in {frames} frames"),
        };
        self.put(format_args!("<figure>\n<figcaption>{title}</figcaption>\n"));
        if message.refers_back {
            self.put(format_args!(
                "<p class=\"note\">It refers back to earlier messages and cannot be inflated \
                 without them {}.</p>\n",
                Link(rfc7692("7.2.3.2"))
            ));
        }
        if let Some(text) = &message.text {
            self.text(text);
        }
        let bytes = &message.bytes.0;
        let shown = bytes.len().min(self.most);
        for row in bytes[..shown].chunks(ROW) {
            self.put(format_args!("<table class=\"band\">\n"));
            self.band("bytes", "plain", row);
            self.characters(row);
            self.put(format_args!("</table>\n"));
        }
        self.more(shown, *length);
        self.put(format_args!("</figure>\n"));
    }

    fn close(&mut self, close: &Close) {
        self.put(format_args!(
            "<figure>\n<figcaption>Close: {}</figcaption>\n<p>{}</p>\n",
            Escaped(&close.name),
            Escaped(&close.meaning)
        ));
        if let Some(reason) = &close.reason {
            self.text(reason);
        }
        self.put(format_args!("</figure>\n"));
    }

    fn text(&mut self, text: &str) {
        let (text, more) = beginning(text, self.most);
        let more = if more { " …" } else { "" };
        self.put(format_args!(
            "<blockquote>{}{more}</blockquote>\n",
            Escaped(text)
        ));
    }

    pub(super) fn plain_bytes(&mut self, bytes: &[u8]) {
        let shown = bytes.len().min(self.most);
        for row in bytes[..shown].chunks(ROW) {
            self.put(format_args!("<table class=\"band\">\n"));
            self.band("bytes", "other", row);
            self.characters(row);
            self.put(format_args!("</table>\n"));
        }
        self.more(shown, bytes.len());
    }

    fn more(&mut self, shown: usize, all: usize) {
        if shown < all {
            self.put(format_args!(
                "<p class=\"note\">… {} more bytes</p>\n",
                all - shown
            ));
        }
    }
}
