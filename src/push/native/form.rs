//! The forms in which connections get records.

/// How a connection gets records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// Payloads over a WebSocket.
    Raw,
    /// Envelopes over a WebSocket.
    Envelopes,
    /// Payloads as server-sent events.
    Events,
    /// Envelopes as server-sent events.
    EnvelopeEvents,
    /// Envelopes as lines.
    Lines,
    /// One answer.
    Poll,
}

impl Form {
    /// It is the body of a response.
    pub(super) fn is_stream(self) -> bool {
        matches!(self, Self::Events | Self::EnvelopeEvents | Self::Lines)
    }
}
