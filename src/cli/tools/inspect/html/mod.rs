//! The explanation as a self-contained page, readable without scripts.
//!
//! Invariant: everything from the input goes through [`Escaped`], and a policy in the page forbids
//! loading anything that might slip through.

mod item;
mod payload;

use crate::cli::tools::common::markup;
use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::model::{Class, Conversation, Item, Reference, Report};
use crate::cli::tools::inspect::show::line;
use std::fmt::{self, Write as _};

/// Also that of the reports of `verify`.
pub const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Prints the report with at most `most` bytes of each payload.
pub fn print(report: &Report, most: usize) -> String {
    let mut page = Page {
        out: String::new(),
        most,
        steps: true,
    };
    page.put(format_args!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <title>WebSocket frames: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        Escaped(&report.input)
    ));
    page.report(report);
    page.put(format_args!(
        "<script>\n{SCRIPT}</script>\n</body>\n</html>\n"
    ));
    page.out
}

/// Text of the input inside HTML; control characters are made visible.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        markup::Escaped(&line(self.0)).fmt(f)
    }
}

/// A reference as a link.
struct Link(Reference);

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Reference { rfc, section } = self.0;
        write!(
            f,
            "<a class=\"rfc\" href=\"https://www.rfc-editor.org/rfc/rfc{rfc}#section-{section}\">\
             {}</a>",
            self.0
        )
    }
}

/// The page written so far.
struct Page {
    out: String,
    most: usize,
    /// No unmasking has been shown step by step yet.
    steps: bool,
}

/// The legend.
const LEGEND: [(Class, &str, &str); 7] = [
    (
        Class::Fin,
        "FIN",
        "1 bit: is this the last frame of its message?",
    ),
    (
        Class::Rsv,
        "RSV1–3",
        "3 bits for extensions; RSV1 marks a compressed message",
    ),
    (
        Class::Opcode,
        "opcode",
        "4 bits: the type of the frame: text, binary, close, ping …",
    ),
    (
        Class::Mask,
        "MASK",
        "1 bit: is the payload masked? Always, from a client",
    ),
    (
        Class::Length,
        "length",
        "7 bits, or 2 or 8 more bytes: how long the payload is",
    ),
    (
        Class::Key,
        "masking key",
        "4 random bytes; the payload is XORed with them",
    ),
    (
        Class::Payload,
        "payload",
        "the data, as long as the length says",
    ),
];

impl Page {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.out.write_fmt(text);
    }

    fn report(&mut self, report: &Report) {
        let (class, verdict) = match report.violations {
            0 => ("good", "No violations".to_owned()),
            1 => ("bad", "1 violation".to_owned()),
            count => ("bad", format!("{count} violations")),
        };
        self.put(format_args!(
            "<header class=\"top\">\n<h1>WebSocket, byte by byte</h1>\n<p>{} · \
             <strong class=\"{class}\">{verdict}</strong></p>\n</header>\n<main>\n",
            Escaped(&report.input)
        ));
        for note in &report.notes {
            self.put(format_args!("<p class=\"note\">{}</p>\n", Escaped(note)));
        }
        self.legend();
        for connection in &report.connections {
            self.connection(connection);
        }
        self.put(format_args!("</main>\n"));
    }

    fn legend(&mut self) {
        self.put(format_args!(
            "<details class=\"legend\" open>\n<summary>How to read a frame</summary>\n<p>After an \
             HTTP handshake both sides send <em>frames</em>: a header of 2 to 14 bytes, then the \
             payload. One or more frames are a <em>message</em>. The colours below say which part \
             of the header a bit or byte is. Point at a part, or go there with the Tab key, for \
             an explanation.</p>\n<dl>\n"
        ));
        for (class, name, text) in LEGEND {
            self.put(format_args!(
                "<div><dt class=\"{}\">{name}</dt><dd>{text}</dd></div>\n",
                class_name(class)
            ));
        }
        self.put(format_args!("</dl>\n"));
        self.put(format_args!(
            "<div class=\"beside\"><div><h4>How long is the payload?</h4>\n\
             <table class=\"sizes\">\n\
             <tr><th>the 7 bits say</th><th>the length is</th><th>it is in</th></tr>\n\
             <tr><td>0 to 125</td><td>what they say</td><td>these 7 bits</td></tr>\n\
             <tr><td>126</td><td>126 to 65535</td><td>the next 2 bytes</td></tr>\n\
             <tr><td>127</td><td>65536 or more</td><td>the next 8 bytes</td></tr>\n</table></div>\n\
             <div><h4>How does a mask work?</h4>\n<p>Byte 0 of the payload is XORed with byte 0 of \
             the key, byte 1 with byte 1, up to byte 3; then byte 4 with byte 0 again. A bit of \
             the result is 1 where exactly one of the two bits is 1, so the same key removes the \
             mask again. It hides nothing: the key comes first. It keeps a web page from \
             choosing the bytes on the wire, which old proxies might take for HTTP.</p></div>\n\
             </div>\n</details>\n"
        ));
    }

    fn connection(&mut self, connection: &Conversation) {
        let number = connection.number;
        self.put(format_args!("<section>\n<h2>Connection {number}"));
        if let Some(name) = &connection.name {
            self.put(format_args!(": {}", Escaped(name)));
        }
        self.put(format_args!("</h2>\n"));
        if let Some(terms) = &connection.compression {
            let terms = Escaped(terms);
            self.put(format_args!("<p>Negotiated: <code>{terms}</code></p>\n"));
        }
        self.time_line(connection);
        for item in &connection.items {
            self.item(item, number);
        }
        for note in &connection.notes {
            self.put(format_args!("<p class=\"note\">{}</p>\n", Escaped(note)));
        }
        self.put(format_args!("</section>\n"));
    }

    /// The client to the left, the server to the right, time downwards.
    fn time_line(&mut self, connection: &Conversation) {
        let name = |side: Side| match side {
            Side::Client => connection.client.as_deref(),
            Side::Server => connection.server.as_deref(),
        };
        self.put(format_args!("<div class=\"ends\">"));
        for side in [Side::Client, Side::Server] {
            self.put(format_args!(
                "<div class=\"end {0}\"><strong>{0}</strong>",
                side.name()
            ));
            if let Some(name) = name(side) {
                self.put(format_args!(" <code>{}</code>", Escaped(name)));
            }
            let found = connection.directions.iter().find(|way| way.from == side);
            if let Some(way) = found.filter(|way| way.bytes > 0) {
                self.put(format_args!(
                    "<br><small>sent {} bytes, frames: {}, messages: {}</small>",
                    way.bytes, way.frames, way.messages
                ));
            }
            self.put(format_args!("</div>"));
        }
        self.put(format_args!("</div>\n<ol class=\"line\">\n"));
        for item in &connection.items {
            self.mark(item, connection.number);
        }
        self.put(format_args!("</ol>\n"));
    }

    /// One line of the timeline.
    fn mark(&mut self, item: &Item, connection: usize) {
        let side = item.from.name();
        let broken = if item.violations.is_empty() {
            ""
        } else {
            " broken"
        };
        let time = item.time.map(|time| format!("{:.3} ms", time * 1000.0));
        let tie = match (&item.fragment, item.answers) {
            (Some(of), _) => format!("part {} of #{}", of.part, of.begun_by),
            (None, Some(number)) => format!("answers #{number}"),
            (None, None) => String::new(),
        };
        self.put(format_args!(
            "<li class=\"{side}{broken}\"><a href=\"#c{connection}-{number}\">#{number} {}</a>\
             <span class=\"more\"><span>{tie}</span><time>{}</time></span>\
             <span class=\"arrow\" role=\"img\" aria-label=\"from the {side}\"></span></li>\n",
            Escaped(&item.title),
            time.unwrap_or_default(),
            number = item.number,
        ));
    }
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Fin => "fin",
        Class::Rsv => "rsv",
        Class::Opcode => "opcode",
        Class::Mask => "mask",
        Class::Length => "length",
        Class::Key => "key",
        Class::Payload => "payload",
        Class::Code => "code",
        Class::Line => "head",
        Class::Other => "other",
    }
}
