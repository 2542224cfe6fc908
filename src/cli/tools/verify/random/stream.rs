//! A stream: what is sent on one connection after the handshake, and when.
//!
//! Input: steps, or the text of a file. Output: the text of a file, which `inspect` reads as well.
//! Invariant: reading what was written gives the same stream.
//!
//! ```text
//!   # head: GET * HTTP/1.1                a line of the request; * is the path. Host and what
//!   # head: Upgrade: websocket            the command line adds are sent besides
//!   # early                               the first bytes share a write with the head
//!   # request                             the request in hex, for `inspect`
//!   # stream
//!   > 81 85 37 fa 21 3d 7f 9f 4d 51 58    bytes; without `# cut` they share a write with the next
//!   # cut                                 the bytes so far are written
//!   # settle                              everything owed so far must have arrived
//!   # pause 20                            milliseconds
//!   # end                                 the end of the stream; the other direction stays open
//!   < 81 05 48 65 6c 6c 6f                what came back, for people
//! ```
//!
//! To a client, the head is that of the response, where `*` is the proof of the key, and `<` and
//! `>` change places.

use std::fmt::Write as _;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Usually one frame, or a part of one.
    Send(Vec<u8>),
    /// What follows is another write.
    Cut,
    /// Everything owed so far must arrive first.
    Settle,
    /// Milliseconds.
    Pause(u16),
    /// The sending side is shut down.
    End,
}

/// What is sent on one connection after the handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// The lines of the request, without Host; to a client, of the response.
    pub head: Vec<String>,
    /// The first bytes are sent with the head.
    pub early: bool,
    pub steps: Vec<Step>,
}

/// After this line come the heads in hex, for `inspect`.
const REQUEST: &str = "# request";

/// After this line comes the stream.
const STREAM: &str = "# stream";

/// Most bytes of hex on a line.
const LINE: usize = 32;

impl Stream {
    /// All bytes that are sent.
    pub fn bytes(&self) -> Vec<u8> {
        let sent = self.steps.iter().filter_map(|step| match step {
            Step::Send(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        sent.flatten().copied().collect()
    }

    /// What is sent with the head.
    pub fn early(&self) -> &[u8] {
        match self.steps.first() {
            Some(Step::Send(first)) if self.early => first,
            _ => &[],
        }
    }

    /// Whether it is sent to a client.
    pub fn is_to_client(&self) -> bool {
        self.head
            .first()
            .is_some_and(|line| line.split(' ').next().is_some_and(is_version))
    }

    /// The text of a file. Request and response, if it is ours, are for `inspect`.
    pub fn text(&self, request: &[u8], response: &[u8]) -> String {
        let side = side(self.is_to_client());
        let mut text = String::new();
        for line in &self.head {
            let _ = writeln!(text, "# head: {}", line.escape_default());
        }
        if self.early {
            text.push_str("# early\n");
        }
        if !request.is_empty() {
            let _ = writeln!(text, "{REQUEST}");
            hex(&mut text, '>', request);
            hex(&mut text, '<', response);
            let _ = writeln!(text, "{STREAM}");
        }
        for step in &self.steps {
            match step {
                Step::Send(bytes) => hex(&mut text, side, bytes),
                Step::Cut => text.push_str("# cut\n"),
                Step::Settle => text.push_str("# settle\n"),
                Step::Pause(time) => drop(writeln!(text, "# pause {time}")),
                Step::End => text.push_str("# end\n"),
            }
        }
        text
    }

    /// Reads the text of a file: the bytes of one side, and the steps between them.
    pub fn parse(text: &str, to_client: bool) -> Result<Self, String> {
        let side = side(to_client);
        let mut stream = Self::default();
        let mut request = false;
        for (at, line) in text.lines().enumerate() {
            let wrong = || format!("line {}: not a step of a stream", at + 1);
            let line = line.trim();
            request = match line {
                REQUEST => true,
                STREAM => false,
                _ => request,
            };
            if request {
                continue;
            }
            if let Some(digits) = line.strip_prefix(side) {
                let digits = digits.split('#').next().unwrap_or_default();
                let bytes = digits.split_whitespace().map(byte).collect::<Option<_>>();
                stream.steps.push(Step::Send(bytes.ok_or_else(wrong)?));
                continue;
            }
            let Some(comment) = line.strip_prefix('#') else {
                if line.is_empty() || line.starts_with(['<', '>', '=']) {
                    continue;
                }
                return Err(wrong());
            };
            // More space begins an explanation.
            if let Some(words) = comment.strip_prefix(' ') {
                stream.directive(words).ok_or_else(wrong)?;
            }
        }
        stream.join_lines();
        Ok(stream)
    }

    /// Other comments are for people.
    fn directive(&mut self, words: &str) -> Option<()> {
        match words {
            "cut" => self.steps.push(Step::Cut),
            "settle" => self.steps.push(Step::Settle),
            "early" => self.early = true,
            "end" => self.steps.push(Step::End),
            _ => {
                if let Some(time) = words.strip_prefix("pause ") {
                    self.steps.push(Step::Pause(time.parse().ok()?));
                }
                if let Some(line) = words.strip_prefix("head: ") {
                    self.head.push(unescaped(line));
                }
            }
        }
        Some(())
    }

    /// Lines that follow each other are one write.
    pub fn join_lines(&mut self) {
        let mut joined: Vec<Step> = Vec::new();
        for step in self.steps.drain(..) {
            match (joined.last_mut(), step) {
                (Some(Step::Send(before)), Step::Send(bytes)) => before.extend(bytes),
                (_, step) => joined.push(step),
            }
        }
        self.steps = joined;
    }
}

/// How lines of what is sent begin.
fn side(to_client: bool) -> char {
    if to_client { '<' } else { '>' }
}

/// HTTP/1.1, or what a broken response has in its place.
fn is_version(word: &str) -> bool {
    word.contains('/')
}

/// Reverses `escape_default` for ASCII.
fn unescaped(line: &str) -> String {
    let (mut text, mut rest) = (String::new(), line.chars());
    while let Some(character) = rest.next() {
        let escaped = (character == '\\').then(|| rest.next()).flatten();
        text.push(match escaped {
            None => character,
            Some('t') => '\t',
            Some('r') => '\r',
            Some('n') => '\n',
            Some(other) => other,
        });
    }
    text
}

fn byte(digits: &str) -> Option<u8> {
    let hex = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Lines of hex from this side.
pub fn hex(text: &mut String, side: char, bytes: &[u8]) {
    for line in bytes.chunks(LINE) {
        text.push(side);
        for byte in line {
            let _ = write!(text, " {byte:02x}");
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let mut stream = Stream {
            head: vec!["GET * HTTP/1.1".into(), "Connection:\tUpgrade, \"".into()],
            early: true,
            steps: vec![
                Step::Send((0..100).collect()),
                Step::Cut,
                Step::Send(vec![0x88]),
                Step::Pause(20),
                Step::Settle,
                Step::End,
            ],
        };
        for to_client in [false, true] {
            if to_client {
                stream.head[0] = "HTTP/1.1 101 Switching".into();
            }
            assert_eq!(stream.is_to_client(), to_client);
            let mut text = stream.text(b"GET", b"HTTP");
            hex(&mut text, side(!to_client), b"\x88\0");
            assert_eq!(Stream::parse(&text, to_client), Ok(stream.clone()));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["> 8", "> xx", "> 8è", "hello", "# pause soon", "> +1"] {
            assert!(Stream::parse(text, false).is_err(), "{text}");
        }
    }
}
