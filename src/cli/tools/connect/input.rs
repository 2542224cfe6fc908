//! Standard input → messages.
//!
//! Input: lines, or bytes. Output: messages on the current connection; after the end of the input,
//! a Close. How messages are printed is left to `output`.

use crate::cli::common::Failure;
use crate::cli::tools::connect::args::{BinaryForm, ConnectArgs};
use crate::cli::tools::connect::current::Current;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::io::{self, BufRead as _, Read as _, StdinLock};
use std::sync::Arc;
use std::time::Duration;
use wirebell::{CloseCode, Message};

/// How stdin is read.
pub struct Input {
    form: Option<BinaryForm>,
    json: bool,
    longest_line: u64,
    /// How long to wait after the end of input before closing; `None` never closes.
    wait: Option<Duration>,
}

/// Bytes of one message of `--binary raw`.
const BLOCK: usize = 64 * 1024;

impl Input {
    pub fn new(args: &ConnectArgs) -> Self {
        let wait = Duration::from_millis(args.wait.0.into());
        let counted = args.max_messages.is_some() && wait.is_zero();
        Self {
            form: args.binary,
            json: args.json_lines,
            longest_line: args.max_message.0,
            wait: (!counted).then_some(wait),
        }
    }

    /// Reads and sends on a detached thread: a read from a terminal cannot be cancelled.
    pub fn start(self, current: Arc<Current>) {
        std::thread::spawn(move || {
            let stdin = io::stdin().lock();
            let sent = match self.form {
                Some(BinaryForm::Raw) => blocks(stdin, &current),
                Some(BinaryForm::Hex) => self.lines(stdin, |line| hex(line, &current)),
                None if self.json => self.lines(stdin, |line| json(line, &current)),
                None => self.lines(stdin, |line| text(line, &current)),
            };
            match (sent, self.wait) {
                (Err(failure), _) => current.fail(failure),
                (Ok(()), None) => {}
                (Ok(()), Some(wait)) => {
                    current.sleep(wait);
                    current.end(CloseCode::NORMAL);
                }
            }
        });
    }

    /// Passes on each line without its LF or CRLF; `false` stops.
    fn lines(
        &self,
        mut stdin: StdinLock<'_>,
        mut send: impl FnMut(&[u8]) -> Result<bool, String>,
    ) -> Result<(), Failure> {
        let mut line = Vec::new();
        for number in 1u64.. {
            line.clear();
            let mut bounded = (&mut stdin).take(self.longest_line + 1);
            if bounded.read_until(b'\n', &mut line).map_err(cannot_read)? == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
            } else if line.len() as u64 > self.longest_line {
                let what = format!("stdin line {number}: longer than --max-message");
                return Err(Failure::failed(what));
            }
            match send(&line) {
                Ok(true) => {}
                Ok(false) => break,
                Err(what) => {
                    return Err(Failure::failed(format!("stdin line {number}: {what}")));
                }
            }
        }
        Ok(())
    }
}

fn cannot_read(error: io::Error) -> Failure {
    Failure::failed(format!("stdin: {error}"))
}

fn text(line: &[u8], current: &Current) -> Result<bool, String> {
    let text = std::str::from_utf8(line)
        .map_err(|_| "not UTF-8, which text must be; use --binary raw or hex".to_owned())?;
    Ok(current.send(Message::text(text)))
}

/// A string is a text message, `{"base64": "…"}` a binary one.
fn json(line: &[u8], current: &Current) -> Result<bool, String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Line {
        Text(String),
        Binary { base64: String },
    }
    let form = r#"write a JSON string, or {"base64":"…"}"#;
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(true);
    }
    match serde_json::from_slice(line).map_err(|_| form.to_owned())? {
        Line::Text(text) => Ok(current.send(Message::text(&text))),
        Line::Binary { base64 } => {
            let bytes = STANDARD.decode(base64).map_err(|_| form.to_owned())?;
            Ok(current.send(Message::binary(&bytes)))
        }
    }
}

fn hex(line: &[u8], current: &Current) -> Result<bool, String> {
    let digits = line.iter().filter(|byte| !byte.is_ascii_whitespace());
    let digits: Option<Vec<u8>> = digits
        .map(|byte| char::from(*byte).to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0);
    let digits = digits.ok_or("write pairs of hexadecimal digits")?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| 16 * pair[0] + pair[1])
        .collect();
    Ok(current.send(Message::binary(&bytes)))
}

fn blocks(mut stdin: StdinLock<'_>, current: &Current) -> Result<(), Failure> {
    let mut block = vec![0; BLOCK];
    loop {
        match stdin.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                if !current.send(Message::binary(&block[..n])) {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot_read(error)),
        }
    }
}
