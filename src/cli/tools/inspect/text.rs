//! The explanation for a terminal: a dump with letters under it, and a line for each letter.
//!
//! Invariant: no control character of the input reaches the terminal.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::model::{
    Class, Conversation, Field, Finding, Item, Message, Payload, Report, What,
};
use crate::cli::tools::inspect::show::{
    beginning, bits, character, fragment, groups, letter, line, unmasking, wrapped,
};
use clap::builder::styling::{AnsiColor, Style};
use std::fmt::Write as _;

/// Bytes in one line of a dump.
const ROW: usize = 16;

/// The column in which the meanings of fields begin.
const MEANING: usize = 46;

/// Prints the report with at most `most` bytes of each payload.
pub fn print(report: &Report, most: usize, colours: bool) -> String {
    let mut printer = Printer {
        out: String::new(),
        most,
        colours,
        steps: true,
    };
    printer.report(report);
    printer.out
}

struct Printer {
    out: String,
    most: usize,
    colours: bool,
    /// No unmasking has been shown step by step yet.
    steps: bool,
}

impl Printer {
    fn say(&mut self, style: Style, text: &str) {
        match self.colours {
            true => {
                let (on, off) = (style.render(), style.render_reset());
                let _ = write!(self.out, "{on}{text}{off}");
            }
            false => self.out.push_str(text),
        }
    }

    fn plain(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Text that may need several lines.
    fn words(&mut self, begin: &str, indent: usize, text: &str, end: &str) {
        self.plain(&wrapped(begin, indent, &line(text), end));
    }

    fn report(&mut self, report: &Report) {
        self.plain(&line(&report.input));
        for note in &report.notes {
            self.words("note:", 6, note, "");
        }
        for connection in &report.connections {
            self.connection(connection);
        }
        let broken = match report.violations {
            0 => "No violations.".to_owned(),
            1 => "1 violation.".to_owned(),
            count => format!("{count} violations."),
        };
        let style = match report.violations {
            0 => AnsiColor::Green.on_default(),
            _ => AnsiColor::Red.on_default().bold(),
        };
        self.plain("");
        self.say(style, &broken);
        self.plain("");
    }

    fn connection(&mut self, connection: &Conversation) {
        let ends = match (&connection.client, &connection.server) {
            (Some(client), Some(server)) => format!(": client {client}, server {server}"),
            _ => String::new(),
        };
        let compression = match &connection.compression {
            Some(terms) => format!(", {}", line(terms)),
            None => String::new(),
        };
        self.plain("");
        let name = match &connection.name {
            Some(name) => format!(" ({})", line(name)),
            None => String::new(),
        };
        let title = format!("Connection {}{name}{ends}{compression}", connection.number);
        self.say(Style::new().bold(), &title);
        self.plain("");
        for direction in connection
            .directions
            .iter()
            .filter(|direction| direction.bytes > 0)
        {
            let name = direction.from.name();
            self.plain(&format!(
                "  the {name} sent {} bytes: frames: {}, whole messages: {}, violations: {}",
                direction.bytes, direction.frames, direction.messages, direction.violations
            ));
        }
        for item in &connection.items {
            self.item(item);
        }
        for note in &connection.notes {
            self.plain("");
            self.words("note:", 6, note, "");
        }
    }

    fn item(&mut self, item: &Item) {
        let arrow = match item.from {
            Side::Client => "client → server",
            Side::Server => "client ← server",
        };
        let time = item
            .time
            .map(|time| format!("  {time:.6} s"))
            .unwrap_or_default();
        self.plain("");
        self.say(
            Style::new().bold(),
            &format!("#{} {arrow}  {}", item.number, line(&item.title)),
        );
        let end = item.offset + item.bytes.0.len();
        self.plain(&format!(
            "  [bytes {}–{}]{time}",
            item.offset,
            end.saturating_sub(1)
        ));
        if let Some(of) = &item.fragment {
            self.plain(&format!(
                "  {}",
                fragment(of, |number| format!("#{number}"))
            ));
        }
        if let Some(number) = item.answers {
            self.plain(&format!("  answers #{number}"));
        }
        if item.unheard {
            self.plain("  (a receiver fails the connection before this)");
        }
        match item.what {
            What::Request | What::Response => self.head(item),
            What::Frame => self.frame(item),
            What::Body | What::Preface | What::Unread => self.dump("", &item.bytes.0, Some(())),
        }
        if let Some(message) = &item.message {
            self.message(message);
        }
        if let Some(close) = &item.close {
            self.plain(&format!("  close: {}; {}", close.name, close.meaning));
            if let Some(reason) = &close.reason {
                self.plain(&format!("  reason: \"{}\"", line(reason)));
            }
        }
        for fact in &item.push {
            self.words("  push:", 8, fact, "");
        }
        for hint in &item.hints {
            self.words("  note:", 8, hint, "");
        }
        for finding in &item.violations {
            self.finding(finding);
        }
    }

    fn head(&mut self, item: &Item) {
        for field in &item.fields {
            let text = String::from_utf8_lossy(&item.bytes.0[field.start..field.end]);
            let text = line(text.trim_end_matches(['\r', '\n']));
            self.out.push_str("  ");
            self.say(
                style(field.class),
                if text.is_empty() {
                    "(empty line)"
                } else {
                    &text
                },
            );
            self.plain("");
            let reference = format!("[{}]", field.reference);
            self.words("      ", 6, &field.meaning, &reference);
        }
    }

    /// The bytes with letters under them, then a line for each field.
    fn frame(&mut self, item: &Item) {
        self.plain("");
        let groups = groups(&item.fields);
        let header = item
            .payload
            .as_ref()
            .map_or(item.bytes.0.len(), |payload| payload.start);
        let shown = item.bytes.0.len().min(header.saturating_add(self.most));
        for start in (0..shown).step_by(ROW) {
            self.dump_row(&item.bytes.0, start..shown.min(start + ROW), &groups);
        }
        if shown < item.bytes.0.len() {
            self.plain(&format!("  … {} more bytes", item.bytes.0.len() - shown));
        }
        self.plain("");
        for field in &item.fields {
            self.field(field, &item.bytes.0, &groups);
        }
        if let Some(payload) = &item.payload {
            self.payload(payload, &item.bytes.0[payload.start..]);
        }
    }

    fn dump_row(
        &mut self,
        bytes: &[u8],
        range: std::ops::Range<usize>,
        groups: &[(usize, usize, Class)],
    ) {
        let mut under = String::new();
        self.out.push_str("  ");
        for at in range {
            let group = groups
                .iter()
                .position(|(start, end, _)| (*start..*end).contains(&at));
            let (class, begins, ends) = match group {
                Some(group) => {
                    let (start, end, class) = groups[group];
                    (class, start == at, end == at + 1)
                }
                None => (Class::Other, false, true),
            };
            let mark = match (group, begins) {
                (Some(group), true) => format!("{}─", letter(group)),
                (Some(_), false) => "──".into(),
                (None, _) => "  ".into(),
            };
            under += &mark;
            under.push(if ends { ' ' } else { '─' });
            self.say(style(class), &format!("{:02x}", bytes[at]));
            self.out.push(' ');
        }
        self.out.truncate(self.out.trim_end().len());
        self.plain("");
        let under = under.trim_end_matches([' ']);
        self.plain(&format!("  {under}"));
    }

    fn field(&mut self, field: &Field, bytes: &[u8], groups: &[(usize, usize, Class)]) {
        let group = groups
            .iter()
            .position(|(start, end, _)| *start <= field.start && field.end <= *end);
        let letter = group.map_or(' ', letter);
        let place = match field.bits {
            Some((first, last)) => bits(bytes[field.start], first, last),
            None => {
                let shown = &bytes[field.start..field.end.min(field.start + 3)];
                let hex: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
                let more = if field.end - field.start > 3 {
                    "…"
                } else {
                    ""
                };
                hex.join(" ") + more
            }
        };
        let named = format!(
            "{letter} {place:<10} {:<15} {:<14}",
            field.name, field.value
        );
        self.out.push_str("  ");
        self.say(style(field.class), &named);
        // The text continues in the column where the name ends.
        let column = " ".repeat(2 + named.chars().count());
        let reference = format!("[{}]", field.reference);
        let words = wrapped(&format!("{column} "), MEANING, &field.meaning, &reference);
        self.plain(&words[column.len()..]);
    }

    fn payload(&mut self, payload: &Payload, wire: &[u8]) {
        let shown = wire.len().min(self.most);
        if let (Some(key), Some(plain)) = (payload.key, &payload.unmasked) {
            self.plain("");
            for start in (0..shown).step_by(ROW) {
                let end = shown.min(start + ROW);
                let key: Vec<u8> = (start..end).map(|at| key[at % 4]).collect();
                self.dump("on the wire", &wire[start..end], None);
                self.dump("XOR key", &key, None);
                self.dump("unmasked", &plain.0[start..end], Some(()));
            }
            if std::mem::take(&mut self.steps) {
                self.plain("  step by step:");
                for step in unmasking(wire, key) {
                    self.plain(&format!("    {step}"));
                }
            }
        } else if !payload.compressed {
            self.plain("");
            self.dump("payload", wire, Some(()));
        }
        if let Some(text) = payload.text.as_deref().filter(|text| !text.is_empty()) {
            self.text("text", text);
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        let (text, more) = beginning(text, self.most);
        let more = if more { "…" } else { "" };
        self.plain(&format!("  {name}: \"{}\"{more}", line(text)));
    }

    fn dump(&mut self, name: &str, bytes: &[u8], characters: Option<()>) {
        let shown = &bytes[..bytes.len().min(self.most)];
        for (number, row) in shown.chunks(ROW).enumerate() {
            let name = if number == 0 { name } else { "" };
            let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let chars: String = row.iter().map(|byte| character(*byte)).collect();
            let chars = if characters.is_some() {
                chars
            } else {
                String::new()
            };
            let text = format!("  {name:<12}{:<48} {chars}", hex.join(" "));
            self.plain(text.trim_end());
        }
        if shown.len() < bytes.len() {
            self.plain(&format!("  … {} more bytes", bytes.len() - shown.len()));
        }
    }

    fn message(&mut self, message: &Message) {
        if message.frames == 1 && !message.compressed {
            return;
        }
        let inflated = match message.compressed {
            true => format!(", inflated from {} bytes", message.wire_length),
            false => String::new(),
        };
        self.plain("");
        self.plain(&format!(
            "  the whole {} message: {} bytes in {} frame{}{inflated}",
            message.kind,
            message.length,
            message.frames,
            if message.frames == 1 { "" } else { "s" },
        ));
        if message.refers_back {
            let what = "it refers back to earlier messages and cannot be inflated without them";
            self.words("  note:", 8, what, "[RFC 7692 7.2.3.2]");
        }
        self.dump(
            if message.compressed {
                "inflated"
            } else {
                "message"
            },
            &message.bytes.0,
            Some(()),
        );
        if let Some(text) = &message.text {
            self.text("text", text);
        }
    }

    fn finding(&mut self, finding: &Finding) {
        self.out.push_str("  ");
        let rule = format!("VIOLATION: {} [{}]", line(&finding.rule), finding.reference);
        self.say(AnsiColor::Red.on_default().bold(), &rule);
        self.plain("");
        self.words("    correct:", 6, &finding.expected, "");
        self.words("    a receiver", 6, &finding.receiver, "");
    }
}

fn style(class: Class) -> Style {
    match class {
        Class::Fin => AnsiColor::Green.on_default(),
        Class::Rsv => AnsiColor::BrightBlack.on_default(),
        Class::Opcode => AnsiColor::Yellow.on_default(),
        Class::Mask => AnsiColor::Magenta.on_default(),
        Class::Length => AnsiColor::Blue.on_default(),
        Class::Key => AnsiColor::BrightMagenta.on_default(),
        Class::Payload | Class::Line => AnsiColor::Cyan.on_default(),
        Class::Code => AnsiColor::Red.on_default(),
        Class::Other => Style::new(),
    }
}
