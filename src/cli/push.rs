//! `wirebell push`: publishes to a push server, from an argument, a pipe or a script.
//!
//! The dialect is that of `POST /push`: `{"userId", "event", "message"}` with a bearer key. What
//! may pass is tried again, with growing waits or those that the server asks for; so a message
//! whose answer was lost may arrive twice. Only the answer of a push server counts as success: a
//! redirect or the login page of a network means that the message is still here.

use crate::cli::Failure;
use crate::cli::client_args::PushArgs;
use crate::cli::connect::visible;
use crate::cli::http::{self, Answer};
use crate::cli::serve::print;
use serde_json::json;
use std::io::{self, BufRead as _, Read as _};
use std::time::Duration;
use wirebell::client::Backoff;

/// Between two attempts.
const BACKOFF: Backoff = Backoff {
    first_ms: 250,
    most_ms: 10_000,
    attempts: 0,
};

/// How the answer to a message that was taken begins.
const TAKEN: &[u8] = b"message sent to ";

pub fn run(args: Box<PushArgs>) -> Result<(), Failure> {
    let publisher = Publisher::new(&args)?;
    if args.lines {
        return publish_lines(&publisher);
    }
    let message = match &args.message {
        Some(message) => message.clone(),
        None => {
            let mut text = String::new();
            let read = io::stdin().lock().read_to_string(&mut text);
            read.map_err(|error| Failure::Failed(format!("stdin: {error}")))?;
            without_line_end(&text).to_owned()
        }
    };
    if message.is_empty() {
        return Err(Failure::Usage("there is no message: it is empty".into()));
    }
    publisher.publish(&message)
}

/// Publishes each line as it comes; empty ones are left out.
fn publish_lines(publisher: &Publisher<'_>) -> Result<(), Failure> {
    let mut taken = 0u64;
    let mut line = String::new();
    let mut stdin = io::stdin().lock();
    for number in 1u64.. {
        line.clear();
        let read = stdin.read_line(&mut line);
        let what = |error| Failure::Failed(format!("stdin line {number}: {error}"));
        if read.map_err(what)? == 0 {
            break;
        }
        let message = without_line_end(&line);
        if message.is_empty() {
            continue;
        }
        let published = publisher.publish(message);
        published
            .map_err(|failure| failure.with(&format!("line {number}, behind {taken} taken")))?;
        taken += 1;
    }
    Ok(())
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

struct Publisher<'a> {
    args: &'a PushArgs,
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
}

/// Why an attempt has failed.
enum Attempt {
    /// It may pass, perhaps after the wait that the server asks for.
    Again(Failure, Option<Duration>),
    /// It will not.
    Never(Failure),
}

impl<'a> Publisher<'a> {
    fn new(args: &'a PushArgs) -> Result<Self, Failure> {
        let server = args.server.trim_end_matches('/');
        if !server.starts_with("http://") {
            let server = &args.server;
            return Err(Failure::Usage(format!(
                "--server {server}: write http://HOST[:PORT]"
            )));
        }
        let key = match &args.key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let what = |error| Failure::Failed(format!("{}: {error}", path.display()));
                Some(text.map_err(what)?)
            }
            None => std::env::var("WIREBELL_PUSH_KEY")
                .ok()
                .map(|key| {
                    key.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
                        .to_owned()
                })
                .filter(|key| !key.is_empty()),
        };
        let key = key
            .as_deref()
            .map(|key| key.trim_start_matches('\u{feff}').trim());
        let key = key.filter(|key| !key.is_empty());
        let timeout = Duration::from_millis(args.timeout.0.max(1).into());
        let url = format!("{server}/push");
        Ok(Self {
            args,
            agent: http::agent(&url, timeout)?,
            url,
            authorization: key.map(|key| format!("Bearer {key}")),
        })
    }

    fn publish(&self, message: &str) -> Result<(), Failure> {
        let PushArgs { user, event, .. } = self.args;
        let body = json!({ "userId": user, "event": event, "message": message }).to_string();
        for attempt in 1.. {
            match self.attempt(&body) {
                Ok(answer) => {
                    if self.args.verbose {
                        print(&format!("{answer}\n"));
                    }
                    break;
                }
                Err(Attempt::Again(why, asked)) if attempt < self.args.attempts => {
                    let delay = BACKOFF.delay(attempt).unwrap_or_default();
                    let delay = delay.max(asked.unwrap_or_default());
                    eprintln!("wirebell: {why}; trying again in {delay:.1?}");
                    std::thread::sleep(delay);
                }
                Err(Attempt::Again(why, _) | Attempt::Never(why)) => return Err(why),
            }
        }
        Ok(())
    }

    fn attempt(&self, body: &str) -> Result<String, Attempt> {
        let mut request = self.agent.post(&self.url).content_type("application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let response = request.send(body).map_err(|error| self.error(&error))?;
        let answer = Answer::read(response);
        let status = answer.status;
        let text = format!("{} answers {status}{}", self.args.server, answer.said());
        let never = |hint: &str| Err(Attempt::Never(Failure::Refused(format!("{text}{hint}"))));
        match status {
            200..=299 if answer.body.starts_with(TAKEN) => {
                let said = answer.said();
                Ok(said.trim_start_matches([':', ' ']).to_owned())
            }
            200..=299 => never(
                "; that is no answer of a push server, so the message is not published: look at \
                 --server, and whether a login page of the network is in between",
            ),
            300..=399 => {
                let to = answer.location.as_deref().unwrap_or("nowhere");
                never(&format!(
                    ", a redirect to {to}; the message is not published, as it would be lost on \
                     the way: give the address of the push server itself with --server"
                ))
            }
            408 | 429 | 500..=599 => Err(Attempt::Again(Failure::Failed(text), answer.retry_after)),
            401 | 403 => never("; give the key of the server with --key-file"),
            _ => never(""),
        }
    }

    fn error(&self, error: &ureq::Error) -> Attempt {
        let text = visible(&format!("{}: {error}", self.args.server));
        match error {
            ureq::Error::Timeout(_) => Attempt::Again(Failure::TimedOut(text), None),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Attempt::Again(Failure::Refused(text), None)
            }
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => {
                Attempt::Again(Failure::Failed(text), None)
            }
            ureq::Error::HostNotFound => Attempt::Again(Failure::Refused(text), None),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Attempt::Never(Failure::Usage(text)),
            _ => Attempt::Never(Failure::Failed(text)),
        }
    }
}
