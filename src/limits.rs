//! Every bound of Wirebell in one place, each with its reason: RFC 6455 section 10.4.
//!
//! Invariant: whatever a peer can make grow (bytes, entries, time) has a field here. A value is
//! a number of bytes, entries or milliseconds, as its documentation says. This module enforces
//! nothing: each layer reads the fields that concern it.

/// The bounds of one server or connection. Build it with `Limits { field: value,
/// ..Limits::default() }`.
///
/// ```
/// use wirebell::Limits;
/// let limits = Limits { message_bytes: 64 * 1024, ..Limits::default() };
/// assert_eq!(limits.fragments, 131_072);
/// ```
#[doc = include_str!("limits.md")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of an HTTP head, request line included (431 above it). nginx accepts 32 KiB; large
    /// cookies and signed tokens stay below that.
    pub head_bytes: usize,
    /// Header fields of a head (431 above it), at most [`MAX_FIELDS`](crate::http::MAX_FIELDS).
    /// Browsers send about 20, proxies add some; Apache accepts 100.
    pub fields: usize,
    /// Bytes of a request target (414 above it). Half of a head: queries may carry tokens.
    pub target_bytes: usize,
    /// Milliseconds from the first byte of a head, or from accept, until it must be whole (408 or a
    /// plain close). Slow heads hold a connection, not a thread; ten seconds tolerate a bad mobile
    /// link.
    pub head_ms: u32,
    /// Milliseconds that an HTTP connection may be idle between two requests. Load balancers keep
    /// theirs for 60 s and must be the first to close, or their next request hits a connection that
    /// is just being closed.
    pub http_idle_ms: u32,
    /// Bytes of an HTTP request body, decoded (413 above it).
    pub body_bytes: usize,
    /// Milliseconds for a whole body to arrive.
    pub body_ms: u32,
    /// Milliseconds that a service may take for a deferred answer (504 after it). A long poll lasts
    /// two minutes at most.
    pub answer_ms: u32,
    /// Connections per worker. Above it, new ones are closed at once.
    pub connections: usize,
    /// Connections from one address (IPv4 address or IPv6 /64) per worker; 0 means no bound,
    /// which is right behind a reverse proxy.
    pub connections_per_address: u32,
    /// Bytes of one frame (close code 1009 above it).
    pub frame_bytes: u64,
    /// Bytes of one message, all fragments together (1009 above it): on the wire, and again
    /// while a compressed one is inflated. Autobahn's largest is exactly this.
    pub message_bytes: u64,
    /// Bytes of work that one byte of a compressed message may cause, once the total exceeds 64 KiB
    /// (1008 above it; RFC 7692 section 8). Work is the output, and what is copied to produce it.
    /// DEFLATE makes at most 1032 bytes out of one, so the default refuses no data, only streams
    /// crafted to be slow. Text and JSON stay below 50: with a lower value a bomb is stopped
    /// earlier, but so is a blank picture.
    pub inflate_ratio: u32,
    /// Milliseconds from the first bytes of a message until it must be whole (1008 after it); 0
    /// means no bound. Five minutes allow a message of the largest size at half a megabit per
    /// second, and limit how long a peer that trickles bytes can hold memory.
    pub message_ms: u32,
    /// Frames of one message, empty ones included (1008 above it). Autobahn sends 4 MiB in
    /// fragments of 64 bytes, which is half of it.
    pub fragments: u32,
    /// Bytes that may wait for one slow connection before its overflow policy acts. While nothing
    /// waits, one message of any size is accepted.
    pub queued_bytes: usize,
    /// Bytes that all event loops of a server together hold for their peers: unfinished requests
    /// and messages, paused input, send queues and their frames, mail. Above it the largest holders
    /// are closed (1013, or 503) until an eighth is free again. It bounds the sum of the individual
    /// bounds, except for compression, which has its own budget.
    pub memory_bytes: usize,
    /// Bytes of mail that may wait for one event loop: above it, posting fails. From half of it on,
    /// no loop of the server reads from its peers until some mail has been delivered.
    pub mail_bytes: usize,
    /// Milliseconds of silence after which a Ping is sent; 0 sends none.
    pub ping_ms: u32,
    /// Milliseconds after a Ping within which any byte must arrive.
    pub pong_ms: u32,
    /// Milliseconds for the peer to answer our Close.
    pub close_ms: u32,
    /// Milliseconds for which input on a finished connection is read and discarded, so that a reset
    /// does not overtake the last bytes sent.
    pub linger_ms: u32,
    /// Milliseconds without progress after which a blocked write ends the connection.
    pub stall_ms: u32,
    /// Bytes of a message from a client of the push server, which can only be a registration
    /// (1009 above it): on the wire, and again while a compressed one is inflated. A thousand
    /// events of 60 bytes fit. `frame_bytes` and `message_bytes` hold as well.
    pub registration_bytes: u64,
    /// Topics that one hub keeps. A client that subscribes to another one is closed with 1013.
    pub topics: usize,
    /// How many times the subscriptions of a connection must fit into the remaining room for topics
    /// before it may add another one (1013 otherwise); its first needs only room. So the last
    /// topics go to many clients, not to the few that want most.
    pub topic_share: usize,
    /// Bytes of each of the two parts of a topic's name (user and event). A client that subscribes
    /// to a longer one is closed with 1008.
    pub topic_bytes: usize,
    /// Subscriptions of one connection, and events in one registration (1008 above it).
    pub subscriptions: usize,
    /// Bytes of the names that one connection subscribes to: each of its users once, and each event
    /// (1008 above it). As much as one registration can carry.
    pub subscription_bytes: usize,
    /// Milliseconds within which a connection that exists to subscribe must have done so (1008
    /// after it).
    pub register_ms: u32,
}

impl Limits {
    /// The defaults, usable in constants.
    pub const DEFAULT: Self = Self {
        head_bytes: 32 * 1024,
        fields: 100,
        target_bytes: 16 * 1024,
        head_ms: 10_000,
        http_idle_ms: 75_000,
        body_bytes: 1024 * 1024,
        body_ms: 30_000,
        answer_ms: 150_000,
        connections: 1_000_000,
        connections_per_address: 0,
        frame_bytes: 16 * 1024 * 1024,
        message_bytes: 16 * 1024 * 1024,
        inflate_ratio: 1032,
        message_ms: 300_000,
        fragments: 131_072,
        queued_bytes: 1024 * 1024,
        memory_bytes: 256 * 1024 * 1024,
        mail_bytes: 8 * 1024 * 1024,
        ping_ms: 30_000,
        pong_ms: 15_000,
        close_ms: 5_000,
        linger_ms: 2_000,
        stall_ms: 30_000,
        registration_bytes: 64 * 1024,
        topics: 1_000_000,
        topic_share: 16,
        topic_bytes: 1024,
        subscriptions: 1_000,
        subscription_bytes: 64 * 1024,
        register_ms: 30_000,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
