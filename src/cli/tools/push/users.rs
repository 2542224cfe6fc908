//! Publishing to a user and an event: `POST /push` of the dialect of wserver.
//!
//! Input: a message. Output: `{"userId", "event", "message"}`, and what the server says. A message
//! whose response was lost may arrive twice: there is no key to recognise it by.

use crate::cli::common::Failure;
use crate::cli::tools::push::args::PushArgs;
use crate::cli::tools::push::attempts::{Post, Poster};
use crate::cli::tools::push::credentials;
use serde_json::json;

/// Bytes of an answer: more than an error page needs.
pub const ANSWER: u64 = 16 * 1024;

/// Publishes for a user and an event.
pub struct Users<'a> {
    poster: &'a Poster,
    user: &'a str,
    event: &'a str,
    fields: Vec<(&'static str, String)>,
}

impl<'a> Users<'a> {
    pub fn new(args: &'a PushArgs, poster: &'a Poster) -> Result<Self, Failure> {
        let mut fields = vec![("Content-Type", "application/json".to_owned())];
        let authorization = credentials::for_users(args)?;
        fields.extend(authorization.map(|value| ("Authorization", value)));
        Ok(Self {
            poster,
            user: args.user.as_deref().unwrap_or_default(),
            event: args.event.as_deref().unwrap_or_default(),
            fields,
        })
    }

    pub fn publish(&self, message: &str) -> Result<String, Failure> {
        if message.is_empty() {
            return Err(Failure::usage("the message is empty".into()));
        }
        let (user, event) = (self.user, self.event);
        let body = json!({ "userId": user, "event": event, "message": message }).to_string();
        let post = Post {
            path: "/push",
            fields: &self.fields,
            body: body.as_bytes(),
            answer_bytes: ANSWER,
            expected: "'message sent to N clients'",
            denied: "pass the server's key with --key-file",
        };
        self.poster.post(&post, taken)
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
