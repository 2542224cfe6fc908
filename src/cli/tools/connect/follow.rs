//! Following topics: `wirebell connect ws://HOST/topics/PATTERNS`.
//!
//! ```text
//!   --since, --resume-file ──▶ ?since= ──▶ replay ──▶ subscribed ──▶ message … ──▶ lost
//!                                 ▲                                                 │
//!                                 └───── position of the last one printed ◀─────────┘
//! ```
//!
//! Input: arguments, what the server says. Output: where each connection begins, what to print,
//! notes on stderr. Invariant: the position is that of a message that was printed, so the next
//! connection misses nothing that the server still has.

use crate::cli::common::Failure;
use crate::cli::tools::common::client::failure;
use crate::cli::tools::common::failure::refused;
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::connect::args::ConnectArgs;
use crate::cli::tools::connect::envelopes::{Envelope, Gap, Said};
use crate::cli::tools::connect::resume_file::ResumeFile;
use wirebell::client::{Client, Endpoint, Options};
use wirebell::push::native::ENVELOPES;
use wirebell::push::{Position, mask_token};

/// What a connection to `/topics/PATTERNS` follows.
pub struct Follow {
    /// Without `since`.
    uri: String,
    options: Options,
    /// Where the first connection begins, if there is no position.
    since: Option<String>,
    position: Option<Position>,
    file: Option<ResumeFile>,
    /// Messages replayed on this connection.
    replayed: u64,
    /// Where this connection began.
    asked: Option<Position>,
}

/// Whether these arguments ask for following.
pub fn is_asked(args: &ConnectArgs) -> Result<bool, Failure> {
    let path = args.uri.split(['?', '#']).next().unwrap_or_default();
    let names = path.rsplit_once("/topics/").map(|(_, names)| names);
    let is_path = names.is_some_and(|names| !names.is_empty() && !names.contains('/'));
    let follows = is_path && !args.no_follow && args.subprotocol.is_empty();
    let only = [
        ("--since", args.since.is_some()),
        ("--resume-file", args.resume_file.is_some()),
        ("--json", args.json),
    ];
    match only.iter().find(|(_, given)| *given && !follows) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} is for ws://HOST[:PORT]/topics/PATTERNS without --subprotocol"
        ))),
        None => Ok(follows),
    }
}

impl Follow {
    pub fn new(args: &ConnectArgs, options: Options) -> Result<Self, Failure> {
        let (uri, in_uri) = without_since(&args.uri);
        let file = args.resume_file.as_deref().map(ResumeFile::open);
        let file = file.transpose()?;
        let since = args.since.as_ref().map(|since| encoded(&since.0));
        Ok(Self {
            uri,
            options,
            since: since.or(in_uri),
            position: file.as_ref().and_then(ResumeFile::position),
            file,
            replayed: 0,
            asked: None,
        })
    }

    /// The next connection: from the last position, if there is one.
    pub fn endpoint(&mut self, known: &Endpoint) -> Result<Endpoint, Failure> {
        (self.asked, self.replayed) = (self.position, 0);
        let since = match self.position {
            Some(position) => Some(position.to_string()),
            None => self.since.clone(),
        };
        let mut uri = self.uri.clone();
        if let Some(since) = since {
            uri.push(if uri.contains('?') { '&' } else { '?' });
            uri += &format!("since={since}");
        }
        let addresses = known.addresses().to_vec();
        Endpoint::at(&uri, self.options.clone(), addresses).map_err(failure)
    }

    /// Whether the server speaks of positions.
    pub fn check(&self, client: &Client) -> Result<(), Failure> {
        match client.subprotocol() {
            Some(ENVELOPES) => Ok(()),
            _ => {
                let uri = mask_token(&self.uri);
                Err(refused(format!(
                    "{uri}: the server does not speak {ENVELOPES}, so topics cannot be followed; \
                     --no-follow prints what it sends"
                )))
            }
        }
    }

    /// Reads what the server says. Returns what is to be printed, and where it leads once that has
    /// happened.
    pub fn hear<'t>(
        &mut self,
        text: Option<&'t str>,
    ) -> Result<(Vec<Envelope<'t>>, Option<Position>), Failure> {
        let said = text.and_then(Said::read);
        let said = said.ok_or_else(|| {
            let text = text.unwrap_or("a binary message");
            Failure::failed(format!("not a message of {ENVELOPES}: {}", one_line(text)))
        })?;
        match said {
            Said::Message(envelope) => return Ok((vec![envelope], None)),
            Said::Replay(envelopes, gaps) => {
                self.replayed += envelopes.len() as u64;
                gaps.iter().for_each(tell_gap);
                return Ok((envelopes, None));
            }
            Said::Subscribed {
                position,
                recovered,
            } => {
                self.tell_resumed(position, recovered);
                return Ok((Vec::new(), Some(position)));
            }
            Said::Unsubscribed(topics) => {
                let topics = one_line(&topics.join(", "));
                eprintln!("wirebell: the server has ended the subscription to {topics}");
            }
            Said::Error(what) => return Err(refused(one_line(&what))),
            Said::Other => {}
        }
        Ok((Vec::new(), None))
    }

    /// Notes a position whose message was printed.
    // req: push-v1-19
    pub fn reached(&mut self, position: Option<Position>) {
        self.position = position.or(self.position);
    }

    /// Stores the last position.
    pub fn store(&mut self) -> Result<(), Failure> {
        match (&mut self.file, self.position) {
            (Some(file), Some(position)) => file.store(position),
            _ => Ok(()),
        }
    }

    fn tell_resumed(&self, position: Position, recovered: bool) {
        let Some(asked) = self.asked else {
            return;
        };
        let count = self.replayed;
        let plural = if count == 1 { "" } else { "s" };
        let lost = match recovered {
            true => "",
            false => "; more were missed, which the server no longer has",
        };
        eprintln!(
            "wirebell: resumed from {asked} to {position}: {count} missed message{plural}{lost}"
        );
    }
}

fn tell_gap(gap: &Gap<'_>) {
    let end = |word: &str, position: &Option<_>| match position {
        Some(position) => format!(" {word} {position}"),
        None => String::new(),
    };
    let text = format!(
        "gap: messages of {}{}{} are lost",
        gap.topic,
        end("after", &gap.after),
        end("before", &gap.next)
    );
    eprintln!("wirebell: {}", one_line(&text));
}

/// A URI without the parameter `since`, and that.
fn without_since(uri: &str) -> (String, Option<String>) {
    let Some((path, query)) = uri.split_once('?') else {
        return (uri.to_owned(), None);
    };
    let mut since = None;
    let mut rest = Vec::new();
    for parameter in query.split('&') {
        match parameter.strip_prefix("since=") {
            Some(value) => since = Some(value.to_owned()),
            None => rest.push(parameter),
        }
    }
    let rest = rest.join("&");
    let uri = match rest.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{rest}"),
    };
    (uri, since)
}

/// A time has a `+` in its offset, which would be read as a space.
fn encoded(since: &str) -> String {
    since.replace('+', "%2B").replace(' ', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_taken_out_of_the_uri() {
        let rows = [
            ("ws://a/topics/b", "ws://a/topics/b", None),
            ("ws://a/topics/b?since=all", "ws://a/topics/b", Some("all")),
            (
                "ws://a/topics/b?token=t&since=1h&x",
                "ws://a/topics/b?token=t&x",
                Some("1h"),
            ),
        ];
        for (uri, rest, since) in rows {
            let expected = (rest.to_owned(), since.map(str::to_owned));
            assert_eq!(without_since(uri), expected, "{uri}");
        }
        assert_eq!(
            encoded("2026-11-28T00:20:00+01:00"),
            "2026-11-28T00:20:00%2B01:00"
        );
    }
}
