//! The event loop: what a peer sees, what a service is told, and what it costs. Over real sockets
//! on the loopback, or over simulated ones where time or the cut of the bytes matters.

mod admission;
mod bounds;
mod chat;
mod closing;
mod cost;
mod deadlines;
mod echo;
mod failing;
mod fairness;
mod late;
mod mail;
mod memory;
#[cfg(feature = "take-over")]
mod moving;
mod overflow;
mod read_until_would_block;
mod service;
mod slow;
mod stop;
mod taps;
mod workers;

/// It leaves or waits, and nothing was dropped for it.
fn is_taken(sent: &wirebell::net::Sent) -> bool {
    matches!(sent, wirebell::net::Sent::Taken { .. })
}
