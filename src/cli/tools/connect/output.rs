//! Messages → standard output, and a few notes for a person at a terminal.

use crate::cli::common::terminal::visible;
use crate::cli::tools::common::terminal::{hex, may_colour};
use crate::cli::tools::connect::args::BinaryForm;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::json;
use std::io::{self, IsTerminal as _, Write as _};
use wirebell::client::{Client, Endpoint};
use wirebell::push::mask_token;
use wirebell::{Message, MessageKind};

/// How messages are printed.
pub struct Output {
    form: Option<BinaryForm>,
    json: bool,
    /// The mark before a message, for people; empty for programs.
    mark: &'static str,
    style: Style,
    line: Vec<u8>,
}

/// The result of printing a message.
pub enum Printed {
    Taken,
    /// The reader of our output is gone.
    NoReader,
}

impl Output {
    pub fn new(form: Option<BinaryForm>, json: bool) -> Self {
        let person = io::stdout().is_terminal() && form != Some(BinaryForm::Raw) && !json;
        let style = match person && may_colour() {
            true => AnsiColor::Cyan.on_default(),
            false => Style::new(),
        };
        Self {
            form,
            json,
            mark: if person { "< " } else { "" },
            style,
            line: Vec::new(),
        }
    }

    /// Tells a person what was negotiated.
    pub fn connected(&self, endpoint: &Endpoint, client: &Client, hint: &str) {
        if !io::stderr().is_terminal() {
            return;
        }
        let subprotocol = client
            .subprotocol()
            .map(|name| format!(", subprotocol {name}"));
        eprintln!(
            "Connected to {}{}. {hint}",
            mask_token(&endpoint.uri().to_string()),
            subprotocol.unwrap_or_default()
        );
    }

    /// Prints a message at once, in one write.
    pub fn print(&mut self, message: Message<'_>) -> io::Result<Printed> {
        let raw = self.form == Some(BinaryForm::Raw);
        let as_hex =
            !raw && (message.kind == MessageKind::Binary || self.form == Some(BinaryForm::Hex));
        self.line.clear();
        match raw {
            true => self.line.extend_from_slice(message.bytes),
            false if self.json => self.line.extend_from_slice(json(message).as_bytes()),
            false => {
                let (on, off) = (self.style.render(), self.style.render_reset());
                write!(self.line, "{on}{}", self.mark)?;
                match as_hex {
                    true => self.line.extend_from_slice(hex(message.bytes).as_bytes()),
                    false if self.mark.is_empty() => self.line.extend_from_slice(message.bytes),
                    false => {
                        let text = message.as_text().unwrap_or_default();
                        self.line.extend_from_slice(visible(text).as_bytes());
                    }
                }
                writeln!(self.line, "{off}")?;
            }
        }
        self.write()
    }

    /// Prints a line of JSON that the server wrote.
    pub fn print_json(&mut self, json: &str) -> io::Result<Printed> {
        self.line.clear();
        writeln!(self.line, "{json}")?;
        self.write()
    }

    fn write(&self) -> io::Result<Printed> {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(&self.line);
        match written.and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Printed::Taken),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Printed::NoReader),
            Err(error) => Err(error),
        }
    }
}

/// As a line of JSON; control characters are escaped in it.
fn json(message: Message<'_>) -> String {
    let value = match message.as_text() {
        Some(text) => json!(text),
        None => json!({ "base64": STANDARD.encode(message.bytes) }),
    };
    format!("{value}\n")
}
