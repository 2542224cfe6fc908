//! Who is at the other end, and what that allows.
//!
//! Input: a grant, or none on a server that is open to all. Output: yes or no. Invariant: no
//! client publishes to a topic of the server itself. How a token becomes a grant is left to `auth`.

use crate::push::auth::Grant;
use crate::push::gotify::Reader;
use crate::push::hub::GOTIFY_TOPICS;
use crate::push::name::{Pattern, TopicName};
use std::sync::Arc;

/// A client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::push) enum Caller {
    /// The server has no tokens: all clients may do everything.
    Anybody,
    /// The bearer of a token.
    Bearer(Arc<Grant>),
    /// The bearer of the token of a gotify client; on a server without other tokens, it may do what
    /// anybody may.
    Reader { reader: Reader, is_open: bool },
}

/// Whose request is let in, and for what.
#[derive(Debug)]
pub(in crate::push) enum Guest {
    /// To publish to this topic.
    Publisher(Caller, TopicName),
    /// To publish many messages; where to is not known yet.
    Batch(Caller),
    /// To subscribe, or to see the page.
    Reader(Caller),
    /// The same without a token.
    Unknown,
}

impl Caller {
    // req: push-names-06
    pub(in crate::push) fn may_publish(&self, topic: &TopicName) -> bool {
        match self {
            Self::Anybody => !topic.is_reserved(),
            Self::Bearer(grant) => grant.may_publish(topic),
            Self::Reader { is_open, .. } => *is_open && Self::Anybody.may_publish(topic),
        }
    }

    /// The messages of gotify users are theirs, also on a server that is open to all.
    // req: gotify-topics-01 gotify-topics-02
    pub(in crate::push) fn may_subscribe(&self, pattern: &Pattern) -> bool {
        match self {
            Self::Anybody => !pattern.as_str().starts_with(GOTIFY_TOPICS),
            Self::Bearer(grant) => grant.may_subscribe(pattern),
            Self::Reader { reader, is_open } => {
                reader.topics().covers(pattern) || *is_open && Self::Anybody.may_subscribe(pattern)
            }
        }
    }

    /// The name in presence; without tokens there is none.
    pub(in crate::push) fn name(&self) -> Option<Arc<str>> {
        match self {
            Self::Anybody | Self::Reader { .. } => None,
            Self::Bearer(grant) => Some(Arc::clone(grant.name())),
        }
    }

    /// The name that limits count it by; without tokens there is none.
    pub(in crate::push) fn counts_as(&self) -> Option<Arc<str>> {
        match self {
            Self::Reader { reader, .. } => Some(reader.counts_as()),
            Self::Anybody | Self::Bearer(_) => self.name(),
        }
    }

    /// Whose idempotency keys its are; without tokens all share them.
    // req: push-publish-10
    pub(in crate::push) fn owner(&self) -> Arc<str> {
        self.name().unwrap_or_default()
    }
}
