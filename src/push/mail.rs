//! What the workers of a push server are sent.

use crate::push::broker::BrokerMail;
use crate::push::gotify::GotifyMail;
use crate::push::wserver::HubMail;

/// Mail for a [`PushService`](crate::push::PushService).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PushMail {
    /// From the topics.
    Broker(BrokerMail),
    /// From the hub of the wserver dialect.
    Wserver(HubMail),
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

impl From<HubMail> for PushMail {
    fn from(mail: HubMail) -> Self {
        Self::Wserver(mail)
    }
}
