//! What happened on one connection.

use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::stream::Stream;

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    pub stream: Stream,
    /// The request; if it was ours, without credentials once a deviation is known.
    pub request: Vec<u8>,
    /// Our response, to a client.
    pub response: Vec<u8>,
    /// What came: from a server with its response, from a client without its request.
    pub received: Vec<u8>,
    pub deviation: Option<Deviation>,
    /// What called for an answer.
    pub exchanges: usize,
}

impl Exchange {
    /// Whether it shows this deviation.
    pub fn shows(&self, deviation: &Deviation) -> bool {
        let mine = self.deviation.as_ref();
        mine.is_some_and(|mine| mine.is_like(deviation))
    }
}
