//! `wirebell push`: publishes to a push server, from an argument, a pipe or a script.
//!
//! Sends `POST /push` with `{"userId", "event", "message"}` and a bearer key. Transient failures
//! are retried with growing delays, so a message whose response was lost may arrive twice.
//! Invariant: success means that a push server said how many clients got the message; no other
//! response counts, such as the login page of a captive portal.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::common::units::Period;
use crate::cli::tools::common::failure::{refused, timed_out, within};
use crate::cli::tools::common::http::{self, Answer};
use crate::cli::tools::common::terminal::one_line;
use clap::Args;
use serde_json::json;
use std::io::{self, BufRead as _, Read as _};
use std::path::PathBuf;
use std::time::Duration;
use wirebell::client::{Backoff, Proxy};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell push --user alice --event orders 'order 17 has shipped'\n  \
                  tail -F app.log | wirebell push --user ops --event log --lines\n\n\
                  Exit status: 0 all messages were accepted, 1 failed, 2 wrong usage, 3 refused\n\
                  (wrong key or message), 4 timed out. On failure, stderr says how many messages\n\
                  were accepted.")]
pub struct PushArgs {
    /// The message [default: all of stdin]
    #[arg(value_name = "MESSAGE")]
    pub message: Option<String>,

    /// The push server
    #[arg(long, value_name = "URL", env = "WIREBELL_SERVER")]
    #[arg(default_value = "http://127.0.0.1:8080")]
    pub server: String,

    /// The user to push to
    #[arg(long, value_name = "USER")]
    pub user: String,

    /// The event to push
    #[arg(long, value_name = "EVENT")]
    pub event: String,

    /// Push each line of stdin as a separate message, as it arrives
    #[arg(long, conflicts_with = "message")]
    pub lines: bool,

    /// File with the key that the server requires of publishers; it may also be in the
    /// environment variable WIREBELL_PUSH_KEY
    #[arg(long, value_name = "FILE", env = "WIREBELL_PUSH_KEY_FILE")]
    pub key_file: Option<PathBuf>,

    /// Attempts per message, with growing delays between them
    #[arg(long, value_name = "N", default_value = "5")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts: u32,

    /// Timeout of one attempt
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub timeout: Period,

    /// Print how many connections each message reached
    #[arg(short, long)]
    pub verbose: bool,
}

/// The delay between two attempts.
const BACKOFF: Backoff = Backoff::DEFAULT.first_ms(250).most_ms(10_000);

/// The longest Retry-After to wait for: a person or a script is waiting for the command.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

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
            read.map_err(|error| Failure::failed(format!("stdin: {error}")))?;
            without_line_end(&text).to_owned()
        }
    };
    if message.is_empty() {
        return Err(Failure::usage("the message is empty".into()));
    }
    publisher.publish(&message)
}

/// Publishes each line as it arrives; skips empty ones.
fn publish_lines(publisher: &Publisher<'_>) -> Result<(), Failure> {
    let mut taken = 0u64;
    let mut line = String::new();
    let mut stdin = io::stdin().lock();
    for number in 1u64.. {
        line.clear();
        let read = stdin.read_line(&mut line);
        let what = |error| Failure::failed(format!("stdin line {number}: {error}"));
        if read.map_err(what)? == 0 {
            break;
        }
        let message = without_line_end(&line);
        if message.is_empty() {
            continue;
        }
        let published = publisher.publish(message);
        published.map_err(|failure| {
            within(&format!("line {number}, after {taken} accepted"), failure)
        })?;
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
    proxy: Option<Proxy>,
    url: String,
    authorization: Option<String>,
}

/// Why an attempt failed.
enum Attempt {
    /// Transient: may be retried, after the time that the server asks for.
    Again(Failure, Option<Duration>),
    /// Permanent.
    Never(Failure),
}

impl<'a> Publisher<'a> {
    fn new(args: &'a PushArgs) -> Result<Self, Failure> {
        let server = args.server.trim_end_matches('/');
        if !server.starts_with("http://") {
            let server = &args.server;
            return Err(Failure::usage(format!(
                "--server {server}: write http://HOST[:PORT]"
            )));
        }
        let key = match &args.key_file {
            Some(path) => {
                let text = std::fs::read_to_string(path);
                let what = |error| Failure::failed(format!("{}: {error}", path.display()));
                Some(text.map_err(what)?)
            }
            None => std::env::var("WIREBELL_PUSH_KEY").ok(),
        };
        let key = key
            .as_deref()
            .map(|key| key.trim_start_matches('\u{feff}').trim());
        let key = key.filter(|key| !key.is_empty());
        let timeout = Duration::from_millis(args.timeout.limit().into());
        let (agent, proxy) = http::agent(server, timeout).map_err(|why| within("--server", why))?;
        Ok(Self {
            args,
            agent,
            proxy,
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
                        // The message is published, even if this line cannot be printed.
                        let _ = print(format!("{answer}\n"));
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
        let text = format!("{} answers {}", self.place(), answer.describe());
        let never = |hint: &str| Err(Attempt::Never(refused(format!("{text}{hint}"))));
        match answer.status {
            200..=299 => match taken(&answer.body) {
                Some(said) => Ok(said),
                None => never("; a push server says 'message sent to N clients': check --server"),
            },
            300..=399 => never("; redirects are not followed: pass that server with --server"),
            408 | 429 | 500..=599 => match answer.retry_after() {
                Some(time) if time > MAX_RETRY_AFTER => {
                    let hint = format!("; its Retry-After is {} s: try later", time.as_secs());
                    Err(Attempt::Never(Failure::failed(text + &hint)))
                }
                asked => Err(Attempt::Again(Failure::failed(text), asked)),
            },
            401 | 403 => never("; pass the server's key with --key-file"),
            407 => never("; set user and password in http_proxy"),
            _ => never(""),
        }
    }

    /// The server, and the proxy if there is one, which may be what responds.
    fn place(&self) -> String {
        match &self.proxy {
            None => self.args.server.clone(),
            Some(proxy) => {
                let (host, port) = (proxy.host(), proxy.port());
                format!("{} (through the proxy {host}:{port})", self.args.server)
            }
        }
    }

    fn error(&self, error: &ureq::Error) -> Attempt {
        let text = format!("{}: {}", self.place(), one_line(&error.to_string()));
        match error {
            ureq::Error::Timeout(_) => Attempt::Again(timed_out(text), None),
            ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Attempt::Again(refused(text), None)
            }
            ureq::Error::Io(_) | ureq::Error::ConnectionFailed => {
                Attempt::Again(Failure::failed(text), None)
            }
            ureq::Error::HostNotFound => Attempt::Again(refused(text), None),
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Attempt::Never(Failure::usage(text)),
            _ => Attempt::Never(Failure::failed(text)),
        }
    }
}

/// The response of a push server that accepted a message: `message sent to N clients`.
fn taken(body: &[u8]) -> Option<String> {
    let said = std::str::from_utf8(body).ok()?.trim_end();
    let count = said.strip_prefix("message sent to ")?;
    let count = count.strip_suffix(" clients")?;
    count.parse::<u64>().ok()?;
    Some(said.to_owned())
}
