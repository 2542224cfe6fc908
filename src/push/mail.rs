//! What the workers of a push server are sent.
//!
//! Plain values. Input: mail of the broker and of the gotify dialect. Output: one type for both, as
//! a loop has one mailbox.

use crate::push::broker::BrokerMail;
use crate::push::gotify::GotifyMail;

/// Mail for a [`PushService`](crate::push::PushService).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PushMail {
    /// From the topics.
    Broker(BrokerMail),
    /// From the gotify dialect.
    Gotify(GotifyMail),
}

impl From<BrokerMail> for PushMail {
    fn from(mail: BrokerMail) -> Self {
        Self::Broker(mail)
    }
}

impl From<GotifyMail> for PushMail {
    fn from(mail: GotifyMail) -> Self {
        Self::Gotify(mail)
    }
}
