//! Sending, from any thread: RFC 6455 sections 6.1 and 7.1.2.
//!
//! Input: messages and control frames of the application. Output: frames, by way of `shared`.
//! Invariant: messages do not mix, whoever sends them; control frames go between fragments.

use crate::client::blocking::compression::Codec;
use crate::client::blocking::shared::Shared;
use crate::client::blocking::transport::{Transport, lock};
use crate::client::open::Error;
use crate::proto::Message;
use crate::wire::{CloseCode, MessageKind};
use std::net::TcpStream;
use std::sync::{Arc, MutexGuard};

/// Sends on a connection that a [`Client`](crate::client::Client) receives from; cheap to clone,
/// usable from any thread. Each call blocks until the system has taken the bytes.
///
/// All errors but [`Error::Misuse`] mean that the connection is over; then
/// [`Client::receive`](crate::client::Client::receive) says so too.
#[derive(Debug)]
pub struct Sender<T: Transport = TcpStream> {
    pub(super) shared: Arc<Shared<T>>,
}

impl<T: Transport> Clone for Sender<T> {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { shared }
    }
}

impl<T: Transport> Sender<T> {
    /// Sends a message as one frame, compressed if that was agreed on and pays. The payload is
    /// copied once, as each frame is masked with a key of its own (RFC 6455 section 5.3).
    ///
    /// # Errors
    ///
    /// [`Error::Misuse`] once a Close has been sent or received; [`Error::TimedOut`] if the server
    /// takes nothing for [`Limits::stall_ms`](crate::Limits::stall_ms); [`Error::Lost`].
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

    /// Begins a message whose parts are not known yet. Other threads wait with theirs until it is
    /// finished, and so would this one, for itself; control frames go between its fragments. It is
    /// not compressed.
    pub fn begin(&self, kind: MessageKind) -> Fragments<'_, T> {
        Fragments {
            shared: &self.shared,
            _sending: lock(&self.shared.messages),
            kind,
            open: false,
        }
    }

    /// Sends a Ping; if others wait, only the newest leaves. The Pong is an event of
    /// [`Client::receive_event`](crate::client::Client::receive_event).
    ///
    /// # Errors
    ///
    /// As [`Sender::send`]; [`Error::Misuse`] also for more than 125 bytes.
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        let shared = &self.shared;
        shared.intend(|connection, outbox| connection.ping(payload, outbox))
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). What the server still sends can be
    /// received until it answers. `None` sends no code. Does nothing if the connection is closing.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`]; [`Error::Misuse`] for a reason of more than 123 bytes.
    pub fn close(&self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        let shared = &self.shared;
        shared.intend(|connection, outbox| connection.close(code, reason, outbox))
    }
}

/// A message that is sent fragment by fragment (RFC 6455 section 5.4). Dropped between the first
/// fragment and [`Fragments::finish`] it closes the connection with code 1011, as half a message
/// can neither be taken back nor called whole.
#[derive(Debug)]
pub struct Fragments<'s, T: Transport = TcpStream> {
    shared: &'s Shared<T>,
    _sending: MutexGuard<'s, Option<Codec>>,
    kind: MessageKind,
    /// A fragment has left, and not the last one.
    open: bool,
}

impl<T: Transport> Fragments<'_, T> {
    /// Sends a fragment. Of text it may end inside of a character.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    pub fn send(&mut self, fragment: &[u8]) -> Result<(), Error> {
        self.open = true;
        self.shared.frame(self.kind, fragment, false, false)
    }

    /// Sends the last fragment.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
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
