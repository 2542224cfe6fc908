//! A tour of the protocol: seven recorded exchanges, byte by byte.
//!
//! Input: recordings of this crate talking to itself. Output: what `wirebell inspect` says of them,
//! with a few words about where to look. Invariant: a test makes all of them again and compares, so
//! they cannot be older than the code. There is no code in this module.
//!
//! Each recording is a file of hexadecimal digits in `src/tour`, `>` in front of what the client
//! sends and `<` in front of what the server sends. The command above each explanation repeats it;
//! with `--format html --output page.html` it becomes a page with colours. The masks come from a
//! seed, and the key of the handshake is that of RFC 6455 section 1.3: real ones are random, and
//! new each time.
//!
//! # 1. The handshake
//!
//! A WebSocket begins as HTTP (RFC 6455 section 4). Look at the two lines `Sec-WebSocket-Key` and
//! `Sec-WebSocket-Accept`: the server proves that it has understood, as only a WebSocket server
//! can answer this key. After the empty line of the answer there is no more HTTP, and the first
//! frame can follow: 11 bytes for five letters. It is from the client, so it is masked; below it
//! the mask is taken off step by step.
//!
//! The request is made by [`ClientHandshake`](crate::handshake::ClientHandshake), read by
//! [`UpgradeRequest::read`](crate::handshake::UpgradeRequest::read) and answered by
//! [`UpgradeRequest::accept`](crate::handshake::UpgradeRequest::accept) with
//! [`accept_key`](crate::handshake::accept_key);
//! [`ClientHandshake::verify`](crate::handshake::ClientHandshake::verify) checks that. The header
//! of a frame is a [`FrameHeader`](crate::wire::FrameHeader), the mask a
//! [`Mask`](crate::wire::Mask).
//!
//! ```text
#![doc = include_str!("1-handshake.txt")]
//! ```
//!
//! # 2. A message in fragments
//!
//! A sender that does not know the length of its message yet sends it in pieces (section 5.4). Look
//! at FIN and the opcode of each frame: the first names the kind of the message, the following ones
//! have opcode 0, only the last has FIN. A control frame may go between two of them, so a ping is
//! answered however long the message takes (section 5.5.2); its pong has the same payload. A piece
//! may even end inside a character, as the second one does: it is the whole message that must be
//! UTF-8 (section 8.1).
//!
//! [`Connection::begin`](crate::Connection::begin) makes the headers,
//! [`Connection::receive`](crate::Connection::receive) hands out the pieces, which
//! [`Assembler`](crate::Assembler) puts together; a pong waits in the [`Outbox`](crate::Outbox)
//! until [`Connection::transmit`](crate::Connection::transmit) writes it. Which frame may follow
//! which is in `proto/sequence`; text that comes in pieces goes through
//! [`Utf8Stream`](crate::wire::Utf8Stream).
//!
//! ```text
#![doc = include_str!("2-fragments.txt")]
//! ```
//!
//! # 3. The end
//!
//! Either side may send Close, with a code and a reason; the other one answers with a Close, and
//! the server ends TCP (sections 5.5.1 and 7). After its Close a side sends nothing more, so both
//! know that nothing was lost. Look at the first two bytes of both payloads: `03 e8` is 1000.
//!
//! [`Connection::close`](crate::Connection::close) begins it; the answer is automatic. Both are a
//! [`CloseBody`](crate::CloseBody) with a [`CloseCode`](crate::CloseCode). Which state follows
//! which is a table in `proto/closing`.
//!
//! ```text
#![doc = include_str!("3-close.txt")]
//! ```
//!
//! # 4. Two broken rules
//!
//! The first client does not mask its frame (section 5.1), the second one sends text that is not
//! UTF-8: an `é` in Latin-1 (section 8.1). Nothing is repaired: the server fails the
//! connection (section 7.1.7), with a code that says what kind of mistake it was, 1002 and 1007,
//! and discards everything after it.
//!
//! Each rule that can be broken is a [`Violation`](crate::Violation), with its section and its
//! [`close_code`](crate::Violation::close_code); all those of one header are in `wire/header`.
//!
//! ```text
#![doc = include_str!("4-violations.txt")]
//! ```
//!
//! # 5. Compression
//!
//! In the handshake the client offers permessage-deflate and the server agrees (RFC 7692 section
//! 5). From then on RSV1 says that a message is compressed (section 6). Look at the lengths of the
//! two messages, which differ in one digit: the first one takes nearly as many bytes as its
//! text, the second one a handful. It refers to the first one, which both sides still have in their
//! window (section 7.2.3.2); that is what `no_context_takeover` would forbid. Such a window costs
//! memory for as long as the connection lasts.
//!
//! [`DeflatePolicy::choose`](crate::handshake::DeflatePolicy::choose) agrees on
//! [`DeflateTerms`](crate::handshake::DeflateTerms),
//! [`Pool::compress`](crate::deflate::Pool::compress) and
//! [`Pool::inflate`](crate::deflate::Pool::inflate) do the work, a
//! [`Session`](crate::deflate::Session) keeps the windows, and
//! [`Connection::begin_compressed`](crate::Connection::begin_compressed) sets the bit.
//!
//! ```text
#![doc = include_str!("5-compression.txt")]
//! ```
//!
//! # 6. A push
//!
//! Two connections to the push server. Alice's is a WebSocket: one message registers her. It is
//! never answered; the pong shows that it was read. The publisher speaks plain HTTP: one POST, and
//! the answer says how many received it. What is posted as `message` arrives at Alice unchanged, as
//! one frame of 18 bytes.
//!
//! [`Registration::read`](crate::push::wserver::Registration::read) and
//! [`Publication::read`](crate::push::wserver::Publication::read) understand the JSON, the
//! [`Hub`](crate::push::Hub) knows who listens to what, and a
//! [`SharedFrame`](crate::net::SharedFrame) is encoded once for all of them.
//!
//! ```text
#![doc = include_str!("6-push.txt")]
//! ```
//!
//! # 7. A resume
//!
//! A subscriber of `orders.*`, in the subprotocol `wirebell.v1`; the topic keeps four messages. On
//! its first connection it gets three orders, each with a position, until the network fails: there
//! is no Close. Two more are published while it is away. On the second connection it asks for what
//! came `since` the last position it has seen: the replay has both orders, and `recovered` says
//! that nothing is missing. Then five more are published, one more than the topic keeps. The third
//! connection is told of a gap, between the last position it had and the oldest message that is
//! left, before it gets the rest. The lines that begin with `push:` say so in words.
//!
//! A [`Position`](crate::push::Position) is a place in the one order of all topics, the
//! [`Broker`](crate::push::Broker) appends to a [`Log`](crate::push::Log), and a
//! [`Replay`](crate::push::Replay) is what a subscriber gets of the past.
//!
//! ```text
#![doc = include_str!("7-resume.txt")]
//! ```
