//! The bytes of a connection, each way, with the time at which they came.

use crate::cli::tools::inspect::model::Text;

/// One connection, as it was captured.
#[derive(Debug, Default)]
pub struct Talk {
    /// What the input calls it.
    pub name: Option<String>,
    pub client: Option<String>,
    pub server: Option<String>,
    pub from_client: Stream,
    pub from_server: Stream,
    /// The capture has the first bytes: they are a handshake.
    pub from_start: bool,
    pub notes: Vec<Text>,
}

/// The bytes of one direction.
#[derive(Debug, Default)]
pub struct Stream {
    pub bytes: Vec<u8>,
    pub arrivals: Vec<Arrival>,
    /// Why the bytes end here though more was sent.
    pub cut: Option<String>,
}

/// Up to `end` the bytes were there with this packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub end: usize,
    /// Seconds from the first packet of the connection, if the input has times.
    pub time: Option<f64>,
    /// Packets or lines in their order, all connections and directions together.
    pub packet: usize,
}

impl Stream {
    /// Takes bytes off the front.
    pub fn skip(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.arrivals.retain(|arrival| arrival.end > count);
        for arrival in &mut self.arrivals {
            arrival.end -= count;
        }
    }

    /// When the bytes up to `end` were all there.
    pub fn arrival(&self, end: usize) -> Option<Arrival> {
        let at = self.arrivals.partition_point(|arrival| arrival.end < end);
        self.arrivals.get(at).or(self.arrivals.last()).copied()
    }
}
