//! The bytes of a connection in both directions, with their arrival times.

use crate::cli::tools::inspect::model::Text;

/// One captured connection.
#[derive(Debug, Default)]
pub struct Talk {
    /// Its name in the input.
    pub name: Option<String>,
    pub client: Option<String>,
    pub server: Option<String>,
    pub from_client: Stream,
    pub from_server: Stream,
    /// The capture contains the start of the connection: a handshake.
    pub from_start: bool,
    pub notes: Vec<Text>,
}

/// The bytes of one direction.
#[derive(Debug, Default)]
pub struct Stream {
    pub bytes: Vec<u8>,
    pub arrivals: Vec<Arrival>,
    /// Why the bytes end here although more was sent.
    pub cut: Option<String>,
}

/// With this packet, the bytes up to `end` had arrived.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub end: usize,
    /// Seconds from the first packet of the connection, if the input has times.
    pub time: Option<f64>,
    /// The order of packets or lines, over all connections and directions.
    pub packet: usize,
}

impl Stream {
    /// Removes bytes at the front.
    pub fn skip(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.arrivals.retain(|arrival| arrival.end > count);
        for arrival in &mut self.arrivals {
            arrival.end -= count;
        }
    }

    /// When all bytes up to `end` had arrived.
    pub fn arrival(&self, end: usize) -> Option<Arrival> {
        let at = self.arrivals.partition_point(|arrival| arrival.end < end);
        self.arrivals.get(at).or(self.arrivals.last()).copied()
    }
}
