//! The state of a connection as a table: RFC 6455 sections 5.5.1, 7.1 and 1.4.
//!
//! ```text
//!            our Close              their Close
//!   Open ──────────────▶ Closing ──────────────▶ Closed ──┐
//!    │  their Close, echo                           ▲     │ end of stream,
//!    ├──────────────────────────────────────────────┘     │ deadline
//!    │  violation (also from Closing)                      ▼
//!    └──────────────────────────────────────▶ Failed ──▶ Gone
//! ```
//!
//! Input: a [`State`] and an [`Input`]. Output: the next state and an [`Action`]. Invariant: both
//! functions are total and without a wildcard, so a new state or input does not compile until all
//! of its cells are filled in; the state never goes back. Bytes, roles and time are left to
//! `connection`.

/// How far a connection has come. The opening handshake precedes all of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Data flows both ways.
    Open,
    /// Our Close was sent, the peer's has not arrived.
    Closing,
    /// Both Close frames were seen: the connection is closed cleanly (section 7.1.4).
    Closed,
    /// We gave up (section 7.1.7); all further input is discarded.
    Failed,
    /// The transport has ended.
    Gone,
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A text, binary or continuation frame arrived.
    PeerData,
    /// A Ping arrived.
    PeerPing,
    /// A Pong arrived.
    PeerPong,
    /// A Close arrived.
    PeerClose,
    /// The peer broke a rule.
    Violation,
    /// The peer's side of the transport ended.
    EndOfStream,
    /// The application sends data.
    SendMessage,
    /// The application sends a Ping.
    SendPing,
    /// The application closes.
    SendClose,
    /// A deadline passed.
    Deadline,
}

/// What to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Hand it to the application.
    Deliver,
    /// Answer with a Pong, and hand it over.
    Pong,
    /// Answer with a Close of the same code, and hand it over.
    Echo,
    /// Send a Close that says why.
    SendClose,
    /// Fail, but our Close was sent already: send nothing more.
    SayNoMore,
    /// Ignore it.
    Discard,
    /// Put it on the wire.
    Emit,
    /// Tell the caller that it is too late.
    Refuse,
    /// There is nothing to do.
    Nothing,
    /// It is over, not cleanly (1006).
    Lost,
    /// It is over, cleanly.
    Clean,
    /// Drop the transport.
    Drop,
}

/// How a connection ended, as [`Connection::receive_eof`](crate::Connection::receive_eof) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Eof {
    /// Both Close frames were seen (RFC 6455 section 7.1.4).
    Clean,
    /// They were not: an application sees this as code 1006 (section 7.1.5).
    Lost,
}

impl State {
    /// All states, in the only order in which they can follow each other.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Closing,
        Self::Closed,
        Self::Failed,
        Self::Gone,
    ];

    /// Frames from the peer still count.
    #[inline]
    pub const fn reads(self) -> bool {
        matches!(self.on(Input::PeerData).1, Action::Deliver)
    }

    /// One cell of the table.
    #[inline]
    pub const fn on(self, input: Input) -> (Self, Action) {
        match self {
            Self::Open => on_open(input),
            Self::Closing => on_closing(input),
            Self::Closed => on_over(self, input),
            Self::Failed => on_over(self, input),
            Self::Gone => (Self::Gone, on_gone(input)),
        }
    }
}

impl Input {
    /// All inputs.
    pub const ALL: [Self; 10] = [
        Self::PeerData,
        Self::PeerPing,
        Self::PeerPong,
        Self::PeerClose,
        Self::Violation,
        Self::EndOfStream,
        Self::SendMessage,
        Self::SendPing,
        Self::SendClose,
        Self::Deadline,
    ];
}

#[inline]
const fn on_open(input: Input) -> (State, Action) {
    match input {
        Input::PeerData => (State::Open, Action::Deliver),
        // req: 6455-5.5.2-02
        Input::PeerPing => (State::Open, Action::Pong),
        Input::PeerPong => (State::Open, Action::Deliver),
        // req: 6455-5.5.1-06
        Input::PeerClose => (State::Closed, Action::Echo),
        Input::Violation => (State::Failed, Action::SendClose),
        Input::EndOfStream => (State::Gone, Action::Lost),
        // req: 6455-6.1-02
        Input::SendMessage => (State::Open, Action::Emit),
        Input::SendPing => (State::Open, Action::Emit),
        Input::SendClose => (State::Closing, Action::Emit),
        Input::Deadline => (State::Gone, Action::Drop),
    }
}

const fn on_closing(input: Input) -> (State, Action) {
    match input {
        Input::PeerData => (State::Closing, Action::Deliver),
        // A Pong is due until *their* Close has come (section 5.5.2).
        Input::PeerPing => (State::Closing, Action::Pong),
        Input::PeerPong => (State::Closing, Action::Deliver),
        Input::PeerClose => (State::Closed, Action::Deliver),
        Input::Violation => (State::Failed, Action::SayNoMore),
        Input::EndOfStream => (State::Gone, Action::Lost),
        // req: 6455-5.5.1-05 6455-6.1-03
        Input::SendMessage => (State::Closing, Action::Refuse),
        Input::SendPing => (State::Closing, Action::Refuse),
        Input::SendClose => (State::Closing, Action::Nothing),
        Input::Deadline => (State::Gone, Action::Drop),
    }
}

/// Closed and Failed differ only in how they end.
const fn on_over(state: State, input: Input) -> (State, Action) {
    match input {
        // req: 6455-7.1.7-07
        Input::PeerData | Input::PeerPing | Input::PeerPong => (state, Action::Discard),
        Input::PeerClose | Input::Violation => (state, Action::Discard),
        Input::EndOfStream if matches!(state, State::Closed) => (State::Gone, Action::Clean),
        Input::EndOfStream => (State::Gone, Action::Lost),
        Input::SendMessage | Input::SendPing => (state, Action::Refuse),
        Input::SendClose => (state, Action::Nothing),
        Input::Deadline => (State::Gone, Action::Drop),
    }
}

const fn on_gone(input: Input) -> Action {
    match input {
        Input::PeerData | Input::PeerPing | Input::PeerPong => Action::Discard,
        Input::PeerClose | Input::Violation | Input::EndOfStream => Action::Discard,
        Input::SendMessage | Input::SendPing => Action::Refuse,
        Input::SendClose => Action::Nothing,
        Input::Deadline => Action::Discard,
    }
}
