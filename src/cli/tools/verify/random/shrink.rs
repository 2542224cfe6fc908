//! Shrinks a stream that shows a deviation to a short one that still shows it.
//!
//! Input: a stream, and whether each candidate shows the deviation. Output: candidates, then the
//! shortest stream found. Invariant: every candidate is smaller than the best so far, or has fewer
//! unfinished messages, so it ends; and it ends after [`MOST`] candidates anyway. Running them is
//! left to `hunt`.

use crate::cli::tools::verify::random::oracle::extent;
use crate::cli::tools::verify::random::stream::{Step, Stream};
use crate::cli::tools::verify::wire::shortest;

/// Most candidates that are tried.
const MOST: usize = 400;

pub struct Shrinker {
    best: Stream,
    candidates: Vec<Stream>,
    at: usize,
    tried: usize,
}

impl Shrinker {
    pub fn new(stream: Stream) -> Self {
        Self {
            candidates: candidates(&stream),
            best: stream,
            at: 0,
            tried: 0,
        }
    }

    /// The next candidate, to be answered with [`Shrinker::tell`].
    pub fn candidate(&self) -> Option<&Stream> {
        self.candidates.get(self.at).filter(|_| self.tried < MOST)
    }

    /// Whether the candidate shows the deviation.
    pub fn tell(&mut self, shows: bool) {
        self.tried += 1;
        self.at += 1;
        if shows {
            self.best = self.candidates.swap_remove(self.at - 1);
            self.candidates = candidates(&self.best);
            self.at = 0;
        }
    }

    /// The shortest that shows it.
    pub fn best(&self) -> &Stream {
        &self.best
    }
}

/// Smaller streams, the smallest first.
fn candidates(stream: &Stream) -> Vec<Stream> {
    let mut list = Vec::new();
    let steps = &stream.steps;
    let mut size = steps.len();
    while size > 0 {
        for from in (0..=steps.len() - size).step_by(size) {
            list.push([&steps[..from], &steps[from + size..]].concat());
        }
        size /= 2;
    }
    for (at, pair) in steps.windows(2).enumerate() {
        // Two writes of one frame that became one.
        if let [Step::Send(first), Step::Send(second)] = pair
            && !is_whole(first)
        {
            let joined = Step::Send([&first[..], second].concat());
            list.push([&steps[..at], &[joined], &steps[at + 2..]].concat());
        }
    }
    for (at, step) in steps.iter().enumerate() {
        let Step::Send(frame) = step else { continue };
        for smaller in shorter(frame).into_iter().chain(finished(frame)) {
            let mut steps = steps.clone();
            steps[at] = Step::Send(smaller);
            list.push(steps);
        }
    }
    let with = |steps| Stream {
        steps,
        ..stream.clone()
    };
    let mut list: Vec<Stream> = list.into_iter().map(with).collect();
    for at in 1..stream.head.len() {
        let mut smaller = stream.clone();
        smaller.head.remove(at);
        list.push(smaller);
    }
    if stream.early {
        let mut smaller = stream.clone();
        smaller.early = false;
        list.push(smaller);
    }
    list
}

fn is_whole(frame: &[u8]) -> bool {
    extent(frame).is_some_and(|(start, length)| (frame.len() - start) as u64 >= length)
}

/// A fragment as a whole message; what follows it can be removed next.
fn finished(frame: &[u8]) -> Option<Vec<u8>> {
    let (first, rest) = frame.split_first()?;
    (first & 0x88 == 0).then(|| [&[first | 0x80][..], rest].concat())
}

/// The same frame with less payload, if this is one whole frame with its shortest length.
fn shorter(frame: &[u8]) -> Vec<Vec<u8>> {
    let Some((start, length)) = extent(frame) else {
        return Vec::new();
    };
    let payload = &frame[start..];
    let masked = frame[1] & 0x80 != 0;
    let form = start - if masked { 4 } else { 0 } - 1;
    if payload.len() as u64 != length || shortest(length).len() != form {
        return Vec::new();
    }
    // A character has at most four bytes.
    let mut kept: Vec<usize> = (0..=4).chain([payload.len() / 2]).collect();
    kept.extend(
        (1..=4)
            .rev()
            .filter_map(|less| payload.len().checked_sub(less)),
    );
    kept.retain(|kept| *kept < payload.len());
    kept.sort_unstable();
    kept.dedup();
    let again = |kept: usize| {
        let mut length = shortest(kept as u64);
        length[0] |= u8::from(masked) << 7;
        let key = if masked {
            &frame[start - 4..start]
        } else {
            &[]
        };
        [&frame[..1], &length, key, &payload[..kept]].concat()
    };
    kept.into_iter().map(again).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tools::verify::random::dice::Dice;
    use crate::cli::tools::verify::random::generate;

    fn drawn(seed: u64, masks: bool) -> Stream {
        Stream {
            steps: generate::steps(&mut Dice::of(seed, 0), masks, None),
            ..Stream::default()
        }
    }

    fn shrunk(stream: Stream, shows: impl Fn(&Stream) -> bool) -> Stream {
        let mut shrinker = Shrinker::new(stream);
        while let Some(candidate) = shrinker.candidate() {
            let shows = shows(candidate);
            shrinker.tell(shows);
        }
        shrinker.best
    }

    #[test]
    fn a_stream_is_shrunk_to_what_matters() {
        for seed in 0..50 {
            let mut stream = drawn(seed, true);
            let ping = vec![0x89, 0x83, 0, 0, 0, 0, 1, 2, 3];
            stream
                .steps
                .insert(stream.steps.len() / 2, Step::Send(ping));
            let has_ping = |step: &Step| {
                matches!(step, Step::Send(frame)
                if frame[0] == 0x89 && frame.get(2..6) == Some(&[0; 4]))
            };
            let small = shrunk(stream, |stream| stream.steps.iter().any(has_ping));
            let [Step::Send(frame)] = &small.steps[..] else {
                panic!("{small:?}");
            };
            assert_eq!((frame[0], frame.len()), (0x89, 6));
        }
    }

    #[test]
    fn it_ends_when_everything_or_nothing_shows_it() {
        for seed in 0..20 {
            let stream = drawn(seed, false);
            assert!(shrunk(stream.clone(), |_| true).steps.is_empty());
            assert_eq!(shrunk(stream.clone(), |_| false), stream);
        }
    }
}
