//! The codec of permessage-deflate: RFC 7692 sections 6 and 7.2.
//!
//! - here: terms and data that the other files share;
//! - `endpoint`: a connection with a pool and a session, fed in any pieces, and what it shows;
//! - `decoder`: a DEFLATE decoder of our own, slow and strict, that measures what it reads;
//! - `zlib`: the C library, which knows nothing of ours;
//! - `examples`: section 7.2.3; `rules`: what fails, and with which code; `text`: UTF-8;
//! - `cuts`: one verdict for every cut; `round_trips`, `sending`: what we compress;
//! - `bombs`: what grows, and how soon it is refused.

mod bombs;
mod cuts;
mod decoder;
mod endpoint;
mod examples;
mod round_trips;
mod rules;
mod sending;
mod text;
mod zlib;

use crate::support::Rng;
use wirebell::deflate::Params;
use wirebell::handshake::Direction;

/// The same terms for both directions.
fn both(takeover: bool, window_bits: u8) -> Params {
    let direction = Direction {
        takeover,
        window_bits,
    };
    Params {
        send: direction,
        receive: direction,
    }
}

/// Kinds of data that compress differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Data {
    Random,
    Json,
    Runs,
    /// Random, and again after a distance beyond small windows.
    Echo,
}

impl Data {
    const ALL: [Self; 4] = [Self::Random, Self::Json, Self::Runs, Self::Echo];

    fn make(self, len: usize, seed: u64) -> Vec<u8> {
        let mut rng = Rng::new(seed);
        let mut bytes = Vec::with_capacity(len + 128);
        while bytes.len() < len {
            match self {
                Self::Random => bytes.push(rng.next() as u8),
                Self::Json => {
                    let (id, price) = (rng.below(10_000), rng.below(1_000_000));
                    let line = format!(r#"{{"id":{id},"price":{price},"name":"item {id}"}},"#);
                    bytes.extend(line.bytes());
                }
                Self::Runs => {
                    let (byte, count) = (rng.below(4) as u8, 1 + rng.below(600));
                    bytes.resize(bytes.len() + count, byte);
                }
                Self::Echo => {
                    let (near, far) = (100 + rng.below(900), rng.below(20_000));
                    let (part, gap) = (rng.bytes(near), rng.bytes(far));
                    for run in [&part, &gap, &part] {
                        bytes.extend_from_slice(run);
                    }
                }
            }
        }
        bytes.truncate(len);
        bytes
    }
}
