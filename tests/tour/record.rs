//! Bytes of both directions → hexadecimal text that `wirebell inspect` reads and people can, too.

use crate::cli::program::{command, run_command};
use std::fmt::Write as _;
use wirebell::Role;

/// Bytes in one line.
const ROW: usize = 16;

/// A recorded exchange.
#[derive(Debug)]
pub struct Record {
    name: &'static str,
    text: String,
}

impl Record {
    /// `name` is that of its files, `what` its first line.
    pub fn new(name: &'static str, what: &str) -> Self {
        let text = format!(
            "# {what}\n# From the client: >, from the server: <. To have it explained:\n\
             # wirebell inspect src/tour/{name}.hex\n"
        );
        Self { name, text }
    }

    /// Another connection begins.
    pub fn connection(&mut self, name: &str) {
        let _ = write!(self.text, "\n= {name}\n");
    }

    /// These bytes leave one end in one go.
    pub fn sent(&mut self, from: Role, bytes: &[u8]) {
        let mark = match from {
            Role::Client => '>',
            Role::Server => '<',
        };
        self.text.push('\n');
        for row in bytes.chunks(ROW) {
            let hex: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
            let chars: String = row.iter().map(|byte| character(*byte)).collect();
            let line = format!("{mark} {:<47}  # {chars}", hex.join(" "));
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }

    /// Compares the record, and what the command says of it, with the files.
    #[track_caller]
    pub fn agree(&self, status: i32) {
        let name = self.name;
        super::agree(&format!("{name}.hex"), &self.text);
        let file = format!("src/tour/{name}.hex");
        let mut command = command(&["inspect", &file]);
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        let outcome = run_command(command);
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
        let made = format!("$ wirebell inspect {file}\n{}", outcome.stdout);
        super::agree(&format!("{name}.txt"), &made);
    }
}

fn character(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '·',
    }
}
