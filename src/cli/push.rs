//! `wirebell push`: publishes to a push server, from an argument, a pipe or a script.
//!
//! The dialect is that of `POST /push`: `{"userId", "event", "message"}` with a bearer key. What
//! may pass is tried again with growing waits; so a message whose answer was lost may arrive twice.

use crate::cli::Failure;
use crate::cli::client_args::PushArgs;
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

/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 16 * 1024;

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
    /// It may pass.
    Again(Failure),
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
                Some(text.map_err(what)?.trim().to_owned())
            }
            None => std::env::var("WIREBELL_PUSH_KEY")
                .ok()
                .map(|key| {
                    key.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
                        .to_owned()
                })
                .filter(|key| !key.is_empty()),
        };
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_millis(args.timeout.0.max(1).into())))
            .http_status_as_error(false)
            .user_agent(concat!("wirebell/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            args,
            agent: config.into(),
            url: format!("{server}/push"),
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
                Err(Attempt::Again(why)) if attempt < self.args.attempts => {
                    let delay = BACKOFF.delay(attempt).unwrap_or_default();
                    eprintln!("wirebell: {why}; trying again in {delay:.1?}");
                    std::thread::sleep(delay);
                }
                Err(Attempt::Again(why) | Attempt::Never(why)) => return Err(why),
            }
        }
        Ok(())
    }

    fn attempt(&self, body: &str) -> Result<String, Attempt> {
        let mut request = self.agent.post(&self.url).content_type("application/json");
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        let mut response = request.send(body).map_err(|error| self.error(&error))?;
        let status = response.status().as_u16();
        let answer = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_string();
        let answer = answer.unwrap_or_default();
        let said = answer.lines().next().unwrap_or_default();
        let text = format!("{} answers {status} {said}", self.args.server)
            .trim_end()
            .to_owned();
        match status {
            200..=299 => Ok(said.to_owned()),
            408 | 429 | 500..=599 => Err(Attempt::Again(Failure::Failed(text))),
            401 | 403 => {
                let hint = "; give the key of the server with --key-file";
                Err(Attempt::Never(Failure::Refused(text + hint)))
            }
            _ => Err(Attempt::Never(Failure::Refused(text))),
        }
    }

    fn error(&self, error: &ureq::Error) -> Attempt {
        let text = format!("{}: {error}", self.args.server);
        match error {
            ureq::Error::Timeout(_) => Attempt::Again(Failure::TimedOut(text)),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Attempt::Again(Failure::Refused(text))
            }
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => {
                Attempt::Again(Failure::Failed(text))
            }
            ureq::Error::HostNotFound => Attempt::Again(Failure::Refused(text)),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Attempt::Never(Failure::Usage(text)),
            _ => Attempt::Never(Failure::Failed(text)),
        }
    }
}
