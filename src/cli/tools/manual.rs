//! `wirebell man`: the definitions of the commands as manual pages.
//!
//! Input: what `--help` prints. Output: roff, one page for each command. The pages that packagers
//! install are in `generated/man`; a test compares them.
//!
//! The text after the options becomes sections by its paragraphs: one that begins with `Exit
//! status:` is EXIT STATUS, one with `Example` EXAMPLES, every other NOTES. Indented lines stay as
//! they are. Invariant: a page does not depend on the machine that generated it.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use clap::builder::Resettable;
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The date of this version, for the footer of the pages.
const DATE: &str = "2026-11-21";

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell man | man -l -\n  \
                  wirebell man verify | man -l -\n  \
                  wirebell man --output ~/.local/share/man/man1\n\n\
                  Exit status: 0 printed or written, 1 failed, 2 wrong usage.")]
pub struct ManArgs {
    /// Print the page of this command [default: that of wirebell]
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,

    /// Write all pages into this directory, which is created if missing
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// Prints or writes pages of `whole`, the whole command.
pub fn run(args: &ManArgs, whole: Command) -> Result<(), Failure> {
    let failed = |place: &str, error: io::Error| Failure::failed(format!("{place}: {error}"));
    let all = commands(whole);
    if let Some(folder) = &args.output {
        let written = write(folder, &all);
        return written.map_err(|error| failed(&folder.display().to_string(), error));
    }
    let name = args.command.as_deref().unwrap_or("wirebell");
    let Some(command) = all.iter().find(|command| command.get_name() == name) else {
        let names: Vec<&str> = all.iter().map(Command::get_name).collect();
        let text = format!("{name}: no such command; one of {}", names.join(", "));
        return Err(Failure::usage(text));
    };
    print(page(command, &all).map_err(|error| failed("the page", error))?)
}

fn write(folder: &Path, all: &[Command]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for command in all {
        fs::write(
            folder.join(format!("{}.1", title(command))),
            page(command, all)?,
        )?;
    }
    Ok(())
}

/// The command itself, then each of its commands.
fn commands(whole: Command) -> Vec<Command> {
    let mut whole = whole
        .disable_help_subcommand(true)
        .subcommand_value_name("COMMAND")
        .subcommand_help_heading("COMMANDS");
    whole.build();
    let parts: Vec<Command> = whole.get_subcommands().cloned().collect();
    [vec![whole], parts].concat()
}

fn title(command: &Command) -> &str {
    let name = command.get_display_name();
    name.unwrap_or_else(|| command.get_name())
}

fn page(command: &Command, all: &[Command]) -> io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string);
    let plain = command.clone().after_help(Resettable::Reset);
    let mut page = Vec::new();
    Man::new(plain)
        .title(title(command).to_uppercase())
        .date(DATE)
        .source(concat!("wirebell ", env!("CARGO_PKG_VERSION")))
        .manual("Wirebell")
        .render(&mut page)?;
    let mut page = tidied(&String::from_utf8_lossy(&page));
    let mut roff = Roff::new();
    let after = after.unwrap_or_default();
    for (section, begins) in SECTIONS {
        let paragraphs = after.split("\n\n");
        let paragraphs = paragraphs.filter(|text| section_of(text) == section);
        add(&mut roff, section, begins, paragraphs);
    }
    see_also(&mut roff, command, all);
    // The page already begins with the preamble.
    let sections = roff.render();
    page.push_str(&sections[sections.find(".SH").unwrap_or_default()..]);
    Ok(page.into_bytes())
}

/// Removes what manual readers warn of: trailing spaces, and breaks around empty lines.
fn tidied(page: &str) -> String {
    let lines = page.lines().map(|line| line.trim_end().to_owned() + "\n");
    lines.collect::<String>().replace(".br\n\n.br\n", ".sp\n")
}

/// The sections in order, and how their paragraphs begin.
const SECTIONS: [(&str, &str); 3] = [
    ("EXIT STATUS", "Exit status:"),
    ("NOTES", ""),
    ("EXAMPLES", "Example"),
];

fn section_of(paragraph: &str) -> &'static str {
    let mut all = SECTIONS.into_iter();
    let found = all.find(|(_, begins)| !begins.is_empty() && paragraph.starts_with(begins));
    found.map_or("NOTES", |(section, _)| section)
}

fn add<'t>(
    roff: &mut Roff,
    section: &str,
    begins: &str,
    paragraphs: impl Iterator<Item = &'t str>,
) {
    for (number, paragraph) in paragraphs.enumerate() {
        match number {
            0 => roff.control("SH", [section]),
            _ => roff.control("PP", []),
        };
        // The heading replaces the first words.
        let headed = paragraph.split_once(':').filter(|_| !begins.is_empty());
        let body = headed.map_or(paragraph, |(_, body)| body);
        let mut literal = false;
        for line in body.lines().filter(|line| !line.trim().is_empty()) {
            let indented = line.starts_with("  ");
            match (literal, indented) {
                (false, true) => drop(roff.control("RS", ["4"]).control("nf", [])),
                (true, false) => drop(roff.control("fi", []).control("RE", [])),
                _ => {}
            }
            literal = indented;
            roff.text([roman(line.trim())]);
        }
        if literal {
            roff.control("fi", []).control("RE", []);
        }
    }
}

/// Refers to the other pages.
fn see_also(roff: &mut Roff, command: &Command, all: &[Command]) {
    roff.control("SH", ["SEE ALSO"]);
    let others = all.iter().map(title).filter(|name| *name != title(command));
    let mut line = Vec::new();
    for (number, name) in others.enumerate() {
        if number > 0 {
            line.push(roman(", "));
        }
        line.extend([bold(name), roman("(1)")]);
    }
    roff.text(line);
}
