//! Publishing to a topic: `POST /topics/NAME`, whose body is the message.
//!
//! ```text
//!   POST /topics/orders.eu                    201 Created
//!   Content-Type: text/plain; charset=utf-8   {"topic":"orders.eu","id":"q7c2m4-41",
//!   Idempotency-Key: "5f0c…"                   "subscribers":3}
//! ```
//!
//! Input: a message. Output: what the server says. Invariant: a message that is sent again has the
//! same Idempotency-Key, so that the server publishes it once.

use crate::cli::common::Failure;
use crate::cli::common::units::Period;
use crate::cli::tools::common::http::segment;
use crate::cli::tools::push::args::PushArgs;
use crate::cli::tools::push::attempts::{Post, Poster};
use crate::cli::tools::push::credentials;
use crate::cli::tools::push::listeners::Listeners;
use crate::cli::tools::push::users::ANSWER;
use serde::Deserialize;

/// Publishes to one topic.
pub struct Topic<'a> {
    args: &'a PushArgs,
    poster: &'a Poster,
    path: String,
    authorization: Option<String>,
    listeners: Option<Box<Listeners>>,
}

/// What a server says of a message that it has published.
#[derive(Deserialize)]
struct Receipt {
    #[serde(rename = "topic")]
    _topic: String,
    subscribers: u64,
}

impl<'a> Topic<'a> {
    pub fn new(args: &'a PushArgs, poster: &'a Poster, topic: &str) -> Result<Self, Failure> {
        let authorization = credentials::for_topics(args)?;
        let listeners = args.wait_for_subscribers.map(|patience| {
            let authorization = authorization.clone();
            Listeners::new(args, poster, topic, authorization, patience).map(Box::new)
        });
        let mut path = format!("/topics/{}", segment(topic));
        if let Some(Period(ms)) = args.receipt {
            if ms >= args.timeout.limit() {
                let text =
                    "--receipt must be shorter than --timeout, which is for the whole answer";
                return Err(Failure::usage(text.into()));
            }
            path += &format!("?receipt={ms}ms");
        }
        Ok(Self {
            args,
            poster,
            path,
            authorization,
            listeners: listeners.transpose()?,
        })
    }

    pub fn publish(&self, message: &[u8]) -> Result<String, Failure> {
        if let Some(listeners) = &self.listeners {
            listeners.wait()?;
        }
        let post = Post {
            path: &self.path,
            fields: &self.fields(),
            body: message,
            answer_bytes: ANSWER,
            expected: r#"{"topic":…,"id":…,"subscribers":N}"#,
            denied: "pass a token that may publish there with --token or --key-file",
        };
        let (said, subscribers) = self.poster.post(&post, receipt)?;
        if subscribers == 0 && self.listeners.is_some() {
            eprintln!("wirebell: the last subscriber had left when the message was published");
        }
        Ok(said)
    }

    /// The fields of one message.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let text = || "text/plain; charset=utf-8".to_owned();
        let content_type = self.args.content_type.clone().unwrap_or_else(text);
        let mut fields = vec![("Content-Type", content_type)];
        let key = self.args.key.clone();
        let key = key.or_else(|| self.poster.repeats().then(random_key));
        fields.extend(key.map(|key| ("Idempotency-Key", quoted(&key))));
        fields.extend(self.args.ttl.map(|seconds| ("TTL", seconds.to_string())));
        let authorization = self.authorization.clone();
        fields.extend(authorization.map(|value| ("Authorization", value)));
        fields
    }
}

fn receipt(body: &[u8]) -> Option<(String, u64)> {
    let receipt: Receipt = serde_json::from_slice(body).ok()?;
    let said = String::from_utf8_lossy(body).trim().to_owned();
    Some((said, receipt.subscribers))
}

/// A key that no other message has.
pub fn random_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

/// A string of structured fields (RFC 8941 section 3.3.3), which may contain quotation marks.
fn quoted(key: &str) -> String {
    let key = key.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{key}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_so_that_they_read_back() {
        assert_eq!(quoted(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(random_key().len(), 32);
        assert_ne!(random_key(), random_key());
    }
}
