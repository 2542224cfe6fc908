//! One head or frame: its map of bits and bytes, its fields, and its violations.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::html::{Escaped, Link, Page, class_name};
use crate::cli::tools::inspect::model::{Class, Field, Finding, Item, What};
use crate::cli::tools::inspect::show::fragment;

impl Page {
    pub(super) fn item(&mut self, item: &Item, connection: usize) {
        let side = item.from.name();
        let broken = if item.violations.is_empty() {
            ""
        } else {
            " broken"
        };
        let (id, number) = (format!("c{connection}-{}", item.number), item.number);
        let arrow = match item.from {
            Side::Client => "client → server",
            Side::Server => "client ← server",
        };
        let (first, end) = (item.offset, item.offset + item.bytes.0.len());
        let time = item
            .time
            .map(|time| format!(" · {time:.6} s"))
            .unwrap_or_default();
        self.put(format_args!(
            "<article id=\"{id}\" class=\"{side}{broken}\">\n<h3><a href=\"#{id}\">#{number}</a> \
             {}</h3>\n<p class=\"where\">{arrow} · bytes {first}–{}{time}</p>\n",
            Escaped(&item.title),
            end.saturating_sub(1),
        ));
        let link = |number: usize| format!("<a href=\"#c{connection}-{number}\">#{number}</a>");
        if let Some(of) = &item.fragment {
            let words = fragment(of, link);
            self.put(format_args!("<p class=\"tie\">{words}</p>\n"));
        }
        if let Some(number) = item.answers {
            let words = link(number);
            self.put(format_args!("<p class=\"tie\">answers {words}</p>\n"));
        }
        if item.unheard {
            self.put(format_args!(
                "<p class=\"note\">A receiver fails the connection before this.</p>\n"
            ));
        }
        for finding in &item.violations {
            self.finding(finding);
        }
        match item.what {
            What::Frame => {
                self.map(item, &id);
                self.fields(&item.fields, &id);
                self.contents(item);
            }
            What::Request | What::Response => self.head(item),
            What::Body | What::Preface | What::Unread => self.plain_bytes(&item.bytes.0),
        }
        for fact in &item.push {
            let fact = Escaped(fact);
            self.put(format_args!("<p class=\"push\">Push: {fact}</p>\n"));
        }
        for hint in &item.hints {
            self.put(format_args!("<p class=\"note\">{}</p>\n", Escaped(hint)));
        }
        self.put(format_args!("</article>\n"));
    }

    fn finding(&mut self, finding: &Finding) {
        self.put(format_args!(
            "<div class=\"finding\" role=\"note\"><p><strong>Violation: {}</strong> {}</p>\n\
             <p>Correct: {}</p>\n<p>A receiver {}.</p></div>\n",
            Escaped(&finding.rule),
            Link(finding.reference),
            Escaped(&finding.expected),
            Escaped(&finding.receiver),
        ));
    }

    /// The header, two bytes as bits and the others in hex; then the payload, abbreviated.
    fn map(&mut self, item: &Item, id: &str) {
        self.put(format_args!(
            "<div class=\"map\" aria-label=\"map of the bytes\">\n"
        ));
        let fields: Vec<(usize, &Field)> = item.fields.iter().enumerate().collect();
        for (at, byte) in item.bytes.0.iter().enumerate().take(2) {
            let has_bits = |field: &Field| field.start == at && field.bits.is_some();
            let bits = fields.iter().filter(|(_, field)| has_bits(field));
            self.put(format_args!(
                "<div class=\"byte\"><div class=\"hex\"><small>byte {at}</small>{byte:02x}</div>\
                 <div class=\"parts\">"
            ));
            for (number, field) in bits {
                self.part(field, *number, id, &bit_text(*byte, field));
            }
            self.put(format_args!("</div></div>\n"));
        }
        let wide = fields.iter().filter(|(_, field)| field.bits.is_none());
        for (number, field) in wide {
            let bytes = &item.bytes.0[field.start..field.end];
            let hex: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
            let more = if bytes.len() > 8 { " …" } else { "" };
            let place = match field.end - field.start {
                1 => format!("byte {}", field.start),
                _ => format!("bytes {}–{}", field.start, field.end - 1),
            };
            self.put(format_args!(
                "<div class=\"byte\"><div class=\"hex\"><small>{place}</small></div>\
                 <div class=\"parts\">"
            ));
            self.part(field, *number, id, &(hex.join(" ") + more));
            self.put(format_args!("</div></div>\n"));
        }
        self.put(format_args!("</div>\n"));
    }

    /// A part of the map, with its explanation.
    fn part(&mut self, field: &Field, number: usize, id: &str, value: &str) {
        self.put(format_args!(
            "<a class=\"part {class}\" href=\"#{id}-f{number}\" data-field=\"{id}-f{number}\">\
             <b>{value}</b><i>{name}</i><i>{short}</i><span class=\"tip\" role=\"tooltip\">\
             <strong>{name} = {}</strong><br>{} ({})</span></a>",
            Escaped(&field.value),
            Escaped(&field.meaning),
            field.reference,
            class = class_name(field.class),
            name = Escaped(&field.name),
            short = Escaped(short(field)),
        ));
    }

    fn fields(&mut self, fields: &[Field], id: &str) {
        self.put(format_args!(
            "<table class=\"fields\">\n<tr><th>where</th><th>field</th><th>value</th>\
             <th>what it means</th><th>reference</th></tr>\n"
        ));
        for (number, field) in fields.iter().enumerate() {
            self.put(format_args!(
                "<tr id=\"{id}-f{number}\"><td>{}</td><th scope=\"row\" class=\"{}\">{}</th>\
                 <td><code>{}</code></td><td>{}</td><td>{}</td></tr>\n",
                place(field),
                class_name(field.class),
                Escaped(&field.name),
                Escaped(&field.value),
                Escaped(&field.meaning),
                Link(field.reference),
            ));
        }
        self.put(format_args!("</table>\n"));
    }

    fn head(&mut self, item: &Item) {
        self.put(format_args!("<table class=\"lines\">\n"));
        for field in &item.fields {
            let bytes = &item.bytes.0[field.start..field.end];
            let text = String::from_utf8_lossy(bytes);
            let text = match text.trim_end_matches(['\r', '\n']) {
                "" => "(empty line)",
                text => text,
            };
            self.put(format_args!(
                "<tr><td class=\"{}\"><code>{}</code></td><td>{} {}</td></tr>\n",
                class_name(field.class),
                Escaped(text),
                Escaped(&field.meaning),
                Link(field.reference),
            ));
        }
        self.put(format_args!("</table>\n"));
    }
}

/// What the bits mean, in a word.
fn short(field: &Field) -> &str {
    match (field.class, field.bits, &*field.value) {
        (Class::Opcode | Class::Length | Class::Code | Class::Payload, ..) => &field.value,
        (Class::Fin, _, "1") => "last frame",
        (Class::Fin, ..) => "more follow",
        (Class::Mask, _, "1") => "masked",
        (Class::Mask, ..) => "not masked",
        (Class::Rsv, _, "1") => "set",
        (Class::Key, ..) => "4 random bytes",
        _ => "",
    }
}

fn bit_text(byte: u8, field: &Field) -> String {
    let (first, last) = field.bits.unwrap_or((0, 7));
    let bit = |at: u8| if byte & (0x80 >> at) != 0 { '1' } else { '0' };
    (first..=last.min(7)).map(bit).collect()
}

fn place(field: &Field) -> String {
    match (field.bits, field.end - field.start) {
        (Some((first, last)), _) if first == last => format!("byte {}, bit {first}", field.start),
        (Some((first, last)), _) => format!("byte {}, bits {first}–{last}", field.start),
        (None, 1) => format!("byte {}", field.start),
        (None, _) => format!("bytes {}–{}", field.start, field.end - 1),
    }
}
