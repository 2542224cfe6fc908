//! One request of `wirebell push`, until the server has accepted or refused it.
//!
//! Input: a request, and how to read its answer. Output: the answer, or a [`Failure`] with its exit
//! status. Invariant: only an answer that its reader recognises counts as success, which the login
//! page of a captive portal is not; what may pass is tried again with growing delays.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::{refused, timed_out, within};
use crate::cli::tools::common::http::{self, Answer};
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::common::tls::insecure;
use crate::cli::tools::push::args::PushArgs;
use std::io;
use std::time::Duration;
use wirebell::client::{Backoff, Proxy};
use wirebell::tls::Connector;

/// The delay between two attempts.
pub const BACKOFF: Backoff = Backoff::DEFAULT.first_ms(250).most_ms(10_000);

/// The longest Retry-After to wait for: a person or a script is waiting for the command.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Sends requests to the server.
pub struct Poster {
    /// `http://HOST` or `https://HOST`, perhaps with the beginning of a path.
    pub server: String,
    /// For `https://`.
    pub tls: Option<Connector>,
    attempts: u32,
    agent: ureq::Agent,
    proxy: Option<Proxy>,
}

/// A POST.
pub struct Post<'p> {
    /// What follows the server in the URL.
    pub path: &'p str,
    pub fields: &'p [(&'p str, String)],
    pub body: &'p [u8],
    /// How much of the answer is read.
    pub answer_bytes: u64,
    /// What the answer of a push server looks like.
    pub expected: &'p str,
    /// What to do about 401 and 403.
    pub denied: &'p str,
}

/// Why an attempt failed.
enum Attempt {
    /// Transient: may be retried, after the time that the server asks for.
    Again(Failure, Option<Duration>),
    /// Permanent.
    Never(Failure),
}

impl Poster {
    pub fn new(args: &PushArgs) -> Result<Self, Failure> {
        let server = args.server.trim_end_matches('/');
        if !http::is_http(server) {
            let server = &args.server;
            return Err(Failure::usage(format!(
                "--server {server}: write http://HOST[:PORT] or https://HOST[:PORT]"
            )));
        }
        let timeout = Duration::from_millis(args.timeout.limit().into());
        let tls = args.tls.connector(server)?;
        let agent = http::agent(server, timeout, tls.as_ref());
        let (agent, proxy) = agent.map_err(|why| within("--server", why))?;
        Ok(Self {
            server: server.to_owned(),
            tls,
            attempts: args.attempts,
            agent,
            proxy,
        })
    }

    /// Whether a request may be sent more than once.
    pub fn repeats(&self) -> bool {
        self.attempts > 1
    }

    /// Sends a request until `read` recognises the answer as a success.
    pub fn post<T>(
        &self,
        post: &Post<'_>,
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Result<T, Failure> {
        let mut attempt = 1;
        loop {
            match self.attempt(post, &read) {
                Ok(answer) => return Ok(answer),
                Err(Attempt::Again(why, asked)) if attempt < self.attempts => {
                    let delay = BACKOFF.delay(attempt).unwrap_or_default();
                    let delay = delay.max(asked.unwrap_or_default());
                    eprintln!("wirebell: {why}; trying again in {delay:.1?}");
                    std::thread::sleep(delay);
                    attempt += 1;
                }
                Err(Attempt::Again(why, _) | Attempt::Never(why)) => return Err(why),
            }
        }
    }

    fn attempt<T>(&self, post: &Post<'_>, read: impl Fn(&[u8]) -> Option<T>) -> Result<T, Attempt> {
        let mut request = self.agent.post(format!("{}{}", self.server, post.path));
        for (name, value) in post.fields {
            request = request.header(*name, value);
        }
        let response = request
            .send(post.body)
            .map_err(|error| self.error(&error))?;
        let answer = Answer::read_at_most(response, post.answer_bytes);
        let text = format!("{} answers {}", self.place(), answer.describe());
        let never = |hint: &str| Err(Attempt::Never(refused(format!("{text}{hint}"))));
        match answer.status {
            200..=299 => match read(&answer.body) {
                Some(read) => Ok(read),
                None => never(&format!(
                    "; a push server says {}: check --server",
                    post.expected
                )),
            },
            300..=399 => never("; redirects are not followed: pass that server with --server"),
            // 507 says that waiting does not help.
            408 | 429 | 500..=506 | 508..=599 => match answer.retry_after() {
                Some(time) if time > MAX_RETRY_AFTER => {
                    let hint = format!("; its Retry-After is {} s: try later", time.as_secs());
                    Err(Attempt::Never(Failure::failed(text + &hint)))
                }
                asked => Err(Attempt::Again(Failure::failed(text), asked)),
            },
            401 | 403 => never(&format!("; {}", post.denied)),
            407 => never("; set user and password in http_proxy"),
            _ => never(""),
        }
    }

    /// The server, and the proxy if there is one, which may be what responds.
    fn place(&self) -> String {
        match &self.proxy {
            None => self.server.clone(),
            Some(proxy) => {
                let (host, port) = (proxy.host(), proxy.port());
                format!("{} (through the proxy {host}:{port})", self.server)
            }
        }
    }

    fn error(&self, error: &ureq::Error) -> Attempt {
        if let Some(error) = http::tls_error(error) {
            return Attempt::Never(within(&self.place(), insecure(error)));
        }
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
