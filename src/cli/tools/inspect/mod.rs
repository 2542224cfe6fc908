//! `wirebell inspect`: explains the bytes on the wire.
//!
//! Input: text that represents bytes, raw bytes, or a capture. Output: text, JSON or a page, and an
//! exit status that says whether there is a violation.
//!
//! ```text
//!   file ──▶ input ──▶ Talk ──▶ explain ──▶ Report ──▶ text · JSON · html
//! ```
//!
//! Invariant: no input makes it panic, or take more memory than a small multiple of its size.

mod args;
mod explain;
mod html;
mod input;
mod model;
mod show;
mod text;

pub use args::InspectArgs;

use crate::cli::common::Failure;
use args::Format;
pub use html::STYLE;
use model::Report;

use std::fs;
use std::io::{self, IsTerminal as _};

/// Bytes of a payload, and frames, in an explanation for another command.
const SHOWN_BYTES: usize = 64;
const SHOWN_ITEMS: usize = 40;

pub fn run(args: Box<InspectArgs>) -> Result<(), Failure> {
    let deflate = args.deflate.as_deref().map(|parameters| {
        let terms = explain::terms(parameters);
        terms.map_err(|what| Failure::usage(format!("--deflate {parameters}: {what}")))
    });
    let deflate = deflate.transpose()?;
    let report = explain::report(input::read(&args)?, deflate, args.max_items);
    write(&args, &print(&args, &report))?;
    if let Some(what) = report.unread() {
        return Err(Failure::usage(format!("nothing could be read: {what}")));
    }
    match report.violations {
        0 => Ok(()),
        1 => Err(Failure::failed("1 violation".into())),
        count => Err(Failure::failed(format!("{count} violations"))),
    }
}

/// What both directions of a connection mean, as text.
pub fn explained(client: Vec<u8>, server: Vec<u8>) -> String {
    let side = |bytes| input::Stream {
        bytes,
        ..input::Stream::default()
    };
    let talk = input::Talk {
        from_client: side(client),
        from_server: side(server),
        from_start: true,
        ..input::Talk::default()
    };
    let input = input::Input {
        name: "a stream".into(),
        talks: vec![talk],
        notes: Vec::new(),
    };
    text::print(
        &explain::report(input, None, SHOWN_ITEMS),
        SHOWN_BYTES,
        false,
    )
}

fn print(args: &InspectArgs, report: &Report) -> String {
    match args.format {
        Format::Text => {
            let terminal = args.output.is_none() && io::stdout().is_terminal();
            let colours = terminal && crate::cli::tools::common::terminal::may_colour();
            text::print(report, args.show_bytes, colours)
        }
        Format::Html => html::print(report, args.show_bytes),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
            text.push('\n');
            text
        }
    }
}

fn write(args: &InspectArgs, text: &str) -> Result<(), Failure> {
    if let Some(path) = &args.output {
        let written = fs::write(path, text);
        return written.map_err(|error| Failure::usage(format!("{}: {error}", path.display())));
    }
    // Status 1 means a violation.
    let printed = crate::cli::common::stdout::print(text);
    printed.map_err(|failure| Failure::usage(failure.to_string()))
}
