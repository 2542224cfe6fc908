//! Sending, from any thread: RFC 6455 sections 6.1 and 7.1.2.
//!
//! Input: messages and control frames of the application. Output: frames, through `shared`.
//! Invariant: messages of different threads do not mix; control frames go between fragments.

use crate::client::blocking::compression::Codec;
use crate::client::blocking::shared::Shared;
use crate::client::blocking::stream::Stream;
use crate::client::blocking::transport::{Transport, lock};
use crate::client::open::Error;
use crate::proto::Message;
use crate::wire::{CloseCode, MessageKind};
use std::sync::{Arc, MutexGuard};

/// Sends on a connection that a [`Client`](crate::client::Client) receives from; cheap to clone,
/// usable from any thread. Each call blocks until the system has accepted the bytes.
///
/// All errors but [`Error::Misuse`] mean that the connection is over; then
/// [`Client::receive`](crate::client::Client::receive) says so too.
#[derive(Debug)]
pub struct Sender<T: Transport = Stream> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T: Transport> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { shared }
    }
}

impl<T: Transport> Sender<T> {
    /// Sends a message as one frame, compressed if that was negotiated and makes it shorter. The
    /// payload is copied once, as each frame is masked with its own key (RFC 6455 section 5.3).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] once a Close has been sent or received; [`Error::TimedOut`] if the server
    /// accepts nothing for [`Limits::stall_ms`](crate::client::Limits::stall_ms); [`Error::Lost`].
    // req: 6455-6.1-01
    pub fn send(&self, message: Message<'_>) -> Result<(), Error> {
        let mut sending = lock(&self.shared.messages);
        let compressed = sending
            .as_mut()
            .and_then(|codec| codec.compress(message.bytes));
        match compressed {
            Some(payload) => self.shared.frame(message.kind, payload, true, true),
            None => self.shared.frame(message.kind, message.bytes, true, false),
        }
    }

    /// Begins a message whose parts are not known yet. Other threads that send a message wait until
    /// it is finished, and this thread would wait forever; control frames go between its fragments.
    /// It is not compressed. The bytes of a text must be UTF-8 as a whole, which is not checked
    /// (RFC 6455 section 5.6).
    pub fn begin(&self, kind: MessageKind) -> Fragments<'_, T> {
        Fragments {
            shared: &self.shared,
            _sending: lock(&self.shared.messages),
            kind,
            open: false,
        }
    }

    /// Sends a Ping; if several wait, only the newest is sent. The Pong is an event of
    /// [`Client::receive_event`](crate::client::Client::receive_event).
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`]; [`Error::Misuse`] also for more than 125 bytes.
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        let shared = &self.shared;
        shared.intend(|connection, outbox| connection.ping(payload, outbox))
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). Until the server answers, what it
    /// still sends can be received. `None` sends no code. Does nothing if the connection is already
    /// closing.
    ///
    /// # Errors
    ///
    /// Those of [`Sender::send`]; [`Error::Misuse`] for a reason of more than 123 bytes.
    pub fn close(&self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        let shared = &self.shared;
        shared.intend(|connection, outbox| connection.close(code, reason, outbox))
    }
}

/// A message that is sent fragment by fragment (RFC 6455 section 5.4). If it is dropped between the
/// first fragment and [`Fragments::finish`], the connection is closed with code 1011, as half a
/// message can be neither withdrawn nor completed.
#[derive(Debug)]
pub struct Fragments<'s, T: Transport = Stream> {
    shared: &'s Shared<T>,
    _sending: MutexGuard<'s, Option<Codec>>,
    kind: MessageKind,
    /// A fragment was sent, but not the last one.
    open: bool,
}

impl<T: Transport> Fragments<'_, T> {
    /// Sends a fragment. A fragment of text may end inside a character; that the text is UTF-8 as a
    /// whole is not checked.
    ///
    /// # Errors
    ///
    /// The same as [`Sender::send`].
    pub fn send(&mut self, fragment: &[u8]) -> Result<(), Error> {
        self.open = true;
        self.shared.frame(self.kind, fragment, false, false)
    }

    /// Sends the last fragment.
    ///
    /// # Errors
    ///
    /// The same as [`Sender::send`].
    pub fn finish(mut self, fragment: &[u8]) -> Result<(), Error> {
        self.open = false;
        self.shared.frame(self.kind, fragment, true, false)
    }
}

impl<T: Transport> Drop for Fragments<'_, T> {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        let code = Some(CloseCode::INTERNAL_ERROR);
        let reason = "message not finished";
        let _ = self
            .shared
            .intend(|connection, outbox| connection.close(code, reason, outbox));
    }
}
