//! The bounds of the push server: what its subscribers may hold, and what one request may publish.
//!
//! Enforced by the services, the hubs and the dialects.

use crate::options::options;
use crate::push::hub::HubLimits;
use crate::push::log::KeyLimits;

options! {
    /// The bounds of the clients of a push server. The table of all bounds is at
    /// [`wirebell::Limits`](crate::Limits).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub const struct Limits {
        /// The bounds of topics and of their subscribers.
        pub hub: HubLimits = HubLimits::DEFAULT,
        /// The bounds of idempotency keys.
        pub keys: KeyLimits = KeyLimits::DEFAULT,
        /// Bytes of a message from a client of `/ws`, which can only be a registration (1009 above
        /// it): on the wire, and again while a compressed one is inflated. A thousand events of 60
        /// bytes fit. `frame_bytes` and `message_bytes` hold as well.
        pub registration_bytes: u64 = 64 * 1024,
        /// Pairs of a user and an event that clients have registered for. A client that registers
        /// for another one is closed with 1013.
        pub topics: usize = 1_000_000,
        /// How many times the subscriptions of a connection must fit into the remaining room for
        /// topics before it may add another one (1013 otherwise); its first needs only room. So the
        /// last topics go to many clients, not to the few that want most.
        pub topic_share: usize = 16,
        /// Bytes of each of the two parts of a topic's name (user and event). A client that
        /// subscribes to a longer one is closed with 1008.
        pub topic_bytes: usize = 1024,
        /// Subscriptions of one connection, and events in one registration (1008 above it).
        pub subscriptions: usize = 1_000,
        /// Bytes of the names that one connection subscribes to: each of its users once, and each
        /// event (1008 above it). As much as one registration can carry.
        pub subscription_bytes: usize = 64 * 1024,
        /// Milliseconds within which a connection that exists to subscribe must have done so (1008
        /// after it).
        pub register_ms: u32 = 30_000,
        /// Milliseconds until a wrong key or token is answered, which costs a person little and a
        /// program that guesses much. A body of more than 1 KiB is not read before: the answer
        /// comes at once, and ends the connection.
        pub wrong_token_ms: u32 = 1_000,
        /// Messages of one batch, of which a line with several topics has one for each (413 above
        /// it). Together they keep the broker from others for about ten milliseconds, and their
        /// answer is at most 6 MB.
        pub batch_lines: usize = 10_000,
        /// Bytes of the payloads and topics of one batch, as each message of a line with several
        /// topics has its own payload (413 above it). A body without such lines never makes more
        /// than its own length, so four times the default of `body_bytes` is generous.
        pub batch_bytes: usize = 4 * 1024 * 1024,
    }
}
