//! `--wait-for-subscribers`: whether a topic has subscribers.
//!
//! ```text
//!   → {"type":"presence","topic":"orders.eu"}
//!   ← {"type":"presence","topic":"orders.eu","connections":3,"names":{"alice":2,"bob":1}}
//! ```
//!
//! Input: a topic. Output: that it has a subscriber, or a [`Failure`] when the time is up. The
//! server is asked over a WebSocket with `wirebell.v1`, soon at first and then once a second.

use crate::cli::common::Failure;
use crate::cli::common::units::Period;
use crate::cli::tools::common::client::{failure, failure_of};
use crate::cli::tools::common::failure::{refused, timed_out};
use crate::cli::tools::common::http::socket_uri;
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::push::args::PushArgs;
use crate::cli::tools::push::attempts::{BACKOFF, Poster};
use serde::Deserialize;
use serde_json::json;
use std::time::{Duration, Instant};
use wirebell::client::{self, Backoff, Client, Endpoint, Error, Options};
use wirebell::push::native::ENVELOPES;
use wirebell::{CloseCode, Message};

/// The time between two questions.
const QUESTIONS: Backoff = Backoff::DEFAULT.first_ms(100).most_ms(1_000);

/// Waits until a topic has subscribers.
pub struct Listeners {
    endpoint: Endpoint,
    topic: String,
    question: String,
    patience: Duration,
    /// The time for one answer.
    timeout: Duration,
    attempts: u32,
}

/// An answer: of presence, or an error.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    connections: u64,
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
}

impl Listeners {
    pub fn new(
        args: &PushArgs,
        poster: &Poster,
        topic: &str,
        authorization: Option<String>,
        patience: Period,
    ) -> Result<Self, Failure> {
        let server = socket_uri(&poster.server);
        let fields = authorization.map(|value| ("Authorization".to_owned(), value));
        let options = Options::default()
            .fields(fields.into_iter().collect())
            .subprotocols(vec![ENVELOPES.into()])
            .tls(poster.tls.clone())
            .limits(client::Limits::default().open_ms(args.timeout.limit()));
        let endpoint = Endpoint::resolve(&format!("{server}/topics"), options);
        Ok(Self {
            endpoint: endpoint.map_err(failure)?,
            topic: topic.to_owned(),
            question: json!({ "type": "presence", "topic": topic }).to_string(),
            patience: Duration::from_millis(patience.limit().into()),
            timeout: Duration::from_millis(args.timeout.limit().into()),
            attempts: args.attempts,
        })
    }

    /// Returns when there is a subscriber.
    pub fn wait(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        let mut failed = 0;
        loop {
            let error = match self.ask_until(deadline, &mut failed)? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            failed += 1;
            let may_pass = matches!(
                error,
                Error::Connect(_) | Error::Lost(_) | Error::TimedOut(_) | Error::Lookup(_)
            );
            let left = deadline.saturating_duration_since(Instant::now());
            if !may_pass || failed >= self.attempts || left.is_zero() {
                return Err(failure_of(&error));
            }
            let delay = BACKOFF.delay(failed).unwrap_or_default().min(left);
            eprintln!(
                "wirebell: {}; trying again in {delay:.1?}",
                failure_of(&error)
            );
            std::thread::sleep(delay);
        }
    }

    /// Asks on one connection. A failure is final, an error may pass.
    fn ask_until(&self, deadline: Instant, failed: &mut u32) -> Result<Result<(), Error>, Failure> {
        let mut client = match Client::open(&self.endpoint) {
            Ok(client) => client,
            Err(error) => return Ok(Err(error)),
        };
        client.set_receive_timeout(Some(self.timeout));
        for asked in 1.. {
            match self.ask(&mut client) {
                // A question counts as a publication: it is asked again later.
                Ok(answer) if answer.error == "too_many" => *failed = 0,
                Ok(answer) if answer.kind == "error" => {
                    let said = one_line(&answer.message);
                    return Err(refused(format!("--wait-for-subscribers: {said}")));
                }
                Ok(answer) if answer.connections > 0 => break,
                Ok(_) => *failed = 0,
                Err(error) => return Ok(Err(error)),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let (topic, time) = (&self.topic, self.patience);
                let text = format!("no subscriber of {topic} within {time:.1?}");
                return Err(timed_out(text));
            }
            std::thread::sleep(QUESTIONS.delay(asked).unwrap_or_default().min(left));
        }
        let _ = client.close(Some(CloseCode::NORMAL), "");
        Ok(Ok(()))
    }

    fn ask(&self, client: &mut Client) -> Result<Answer, Error> {
        client.send(Message::text(&self.question))?;
        while let Some(message) = client.receive()? {
            let text = message.as_text().unwrap_or_default();
            if let Ok(answer) = serde_json::from_str::<Answer>(text)
                && ["presence", "error"].contains(&&*answer.kind)
            {
                return Ok(answer);
            }
        }
        Err(Error::Lost(None))
    }
}
