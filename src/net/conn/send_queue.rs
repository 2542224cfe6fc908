//! What one socket has not accepted yet, and what to do when that grows too long.
//!
//! Input: encoded frames by reference, other bytes as copies. Output: one vectored write at a time.
//! Invariant: what the queue holds, its own records included, never exceeds the bound passed with
//! each push, except for one push into an empty queue, and the newest frame where older ones may be
//! dropped; a frame of which a part has left is never dropped. Each operation is amortised O(1).
//!
//! ```text
//!   [ begun ][ own ][ frame 4 ][ hole ][ frame 6 ]      first = 2
//!     never dropped   ▲                  ▲
//!       drop-oldest ──┘    latest[key] ──┘ number 6, so index 6 - first
//! ```

use crate::net::frame::SharedFrame;
use crate::net::memory::Memory;
use crate::net::words::Overflow;
use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSlice};

/// The outcome of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// It is queued; this many older frames were dropped for it.
    Queued { dropped: usize },
    /// It was not accepted: the policy is to end the connection.
    Overflow,
}

#[derive(Debug, Default)]
pub(crate) struct SendQueue {
    chunks: VecDeque<Chunk>,
    /// The number of the first chunk; numbers grow by one from chunk to chunk.
    first: u64,
    /// Where the only droppable frame of each key waits. Used only by [`Overflow::KeepLatest`].
    latest: HashMap<u32, u64>,
    holes: usize,
    /// Bytes of the first chunk that have already left.
    sent: usize,
    /// A part of the first frame in the first chunk has left, in an earlier write; or the first
    /// chunk has to leave for another reason.
    begun: bool,
    /// Bytes that wait.
    bytes: usize,
    /// Bytes held by [`Data::Own`], which are not shared.
    own: usize,
}

#[derive(Debug)]
struct Chunk {
    data: Data,
    /// Frames of one key may replace each other; 0 never does.
    key: u32,
}

#[derive(Debug)]
enum Data {
    /// Replies and the rest of a cork; never dropped by a policy.
    Own(Vec<u8>),
    Shared(SharedFrame),
    /// A frame was dropped here.
    Hole,
}

impl Data {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(frame) => frame.as_bytes(),
            Self::Hole => &[],
        }
    }
}

/// What a waiting frame costs besides its bytes: its record, in a queue that may be half empty, and
/// its place among the latest. One-byte messages would otherwise hold many times their bound.
pub(crate) const RECORD: usize = 2 * size_of::<Chunk>() + 32;

/// A rest of a frame that is copied.
const SHORT_REST: usize = 1_024;

/// Records for which an empty queue keeps room.
const SPARE: usize = 4;

/// Own bytes per chunk: the memory of what has left a long queue is freed.
const OWN_CHUNK: usize = 64 * 1024;

/// Slices of one vectored write. Linux accepts 1024; more than this saves nothing.
const MAX_SLICES: usize = 64;

impl SendQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes that wait to be written.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that count as held: what waits, and its records.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.chunks.len() * RECORD
    }

    /// Bytes of memory that only this queue holds: shared frames are counted where they are shared.
    pub(crate) fn own_memory(&self) -> usize {
        self.own + self.chunks.len() * RECORD
    }

    /// Adds a copy of `bytes`; `begun` if they continue a frame of which a part has left.
    pub(crate) fn push_own(&mut self, bytes: &[u8], begun: bool) {
        debug_assert!(!begun || self.is_empty());
        if bytes.is_empty() {
            return;
        }
        if self.is_empty() {
            self.clear_chunks();
        }
        self.begun |= begun;
        self.bytes += bytes.len();
        self.own += bytes.len();
        match self.chunks.back_mut() {
            Some(Chunk {
                data: Data::Own(last),
                ..
            }) if last.len() < OWN_CHUNK => last.extend_from_slice(bytes),
            _ => self.chunks.push_back(Chunk {
                data: Data::Own(bytes.to_vec()),
                key: 0,
            }),
        }
    }

    /// Adds the rest of a frame of which `sent` bytes have left. Only into an empty queue.
    pub(crate) fn push_rest(&mut self, frame: SharedFrame, key: u32, sent: usize, memory: &Memory) {
        debug_assert!(self.is_empty() && sent < frame.as_bytes().len());
        self.clear_chunks();
        frame.charge(memory);
        self.sent = sent;
        self.bytes = frame.as_bytes().len() - sent;
        self.chunks.push_back(Chunk {
            data: Data::Shared(frame),
            key,
        });
    }

    /// Adds a frame if it fits into `bound`, or makes room by the policy: one that drops always
    /// accepts the newest frame.
    pub(crate) fn push_frame(
        &mut self,
        frame: SharedFrame,
        key: u32,
        (bound, policy): (usize, Overflow),
        memory: &Memory,
    ) -> Pushed {
        let len = frame.as_bytes().len();
        let mut dropped = 0;
        if policy == Overflow::KeepLatest && key != 0 {
            dropped += usize::from(self.drop_latest(key));
        }
        while self.bytes > 0 && self.held() + len + RECORD > bound {
            if policy == Overflow::Disconnect {
                return Pushed::Overflow;
            }
            if !self.drop_oldest() {
                break; // What is left has begun, or is not a frame: the newest waits next to it.
            }
            dropped += 1;
        }
        if self.is_empty() {
            self.clear_chunks();
        }
        if policy == Overflow::KeepLatest && key != 0 {
            self.latest
                .insert(key, self.first + self.chunks.len() as u64);
        }
        frame.charge(memory);
        self.bytes += len;
        self.chunks.push_back(Chunk {
            data: Data::Shared(frame),
            key,
        });
        Pushed::Queued { dropped }
    }

    /// What waits now is sent whatever happens: frames mean nothing without the response that
    /// switches to them. Only while all of it is one piece.
    pub(crate) fn keep(&mut self) {
        debug_assert!(self.chunks.len() <= 1);
        self.begun |= !self.is_empty();
    }

    /// Drops everything of which no byte has left, so that a Close comes next. A short rest of a
    /// frame is copied: the shared bytes that it is part of may be many.
    pub(crate) fn drop_unsent(&mut self) {
        let has_begun = self.has_begun();
        let front = self.chunks.pop_front().filter(|_| has_begun);
        let sent = self.sent;
        self.clear();
        let Some(front) = front else {
            return;
        };
        let rest = &front.data.bytes()[sent..];
        if rest.len() <= SHORT_REST {
            return self.push_own(rest, true);
        }
        (self.sent, self.begun, self.bytes) = (sent, true, rest.len());
        if let Data::Own(all) = &front.data {
            self.own = all.len();
        }
        self.chunks.push_back(front);
    }

    /// Drops the waiting frame of this key, if no byte of it has left.
    fn drop_latest(&mut self, key: u32) -> bool {
        let Some(number) = self.latest.remove(&key) else {
            return false;
        };
        // Numbers of chunks that have already left are lower than the first.
        let Some(at) = number.checked_sub(self.first) else {
            return false;
        };
        if at == 0 && self.has_begun() {
            return false;
        }
        let Some(chunk) = self.chunks.get_mut(at as usize) else {
            return false;
        };
        self.bytes -= chunk.data.bytes().len();
        chunk.data = Data::Hole;
        chunk.key = 0;
        self.holes += 1;
        self.compact();
        true
    }

    /// Drops the oldest whole frame. Before it there can only be the frame that has begun and one
    /// piece of own bytes, as neighbouring pieces become one when a frame between them goes.
    fn drop_oldest(&mut self) -> bool {
        let mut at = usize::from(self.has_begun());
        loop {
            match self.chunks.get(at).map(|chunk| &chunk.data) {
                None => return false,
                Some(Data::Own(_)) => at += 1,
                Some(Data::Hole) => {
                    self.remove(at);
                    self.holes -= 1;
                    self.join_own(at);
                }
                Some(Data::Shared(frame)) => {
                    self.bytes -= frame.as_bytes().len();
                    let key = self.chunks[at].key;
                    if self.latest.get(&key) == Some(&(self.first + at as u64)) {
                        self.latest.remove(&key);
                    }
                    self.remove(at);
                    self.join_own(at);
                    return true;
                }
            }
        }
    }

    /// Removes the chunk at a small index; the numbers of all chunks after it stay valid.
    fn remove(&mut self, at: usize) {
        drop(self.chunks.remove(at));
        self.first += 1;
    }

    /// Merges the chunks before and at `at` if both are own bytes.
    fn join_own(&mut self, at: usize) {
        let own = |chunk: Option<&Chunk>| matches!(chunk.map(|one| &one.data), Some(Data::Own(_)));
        let Some(before) = at.checked_sub(1) else {
            return;
        };
        if !own(self.chunks.get(before)) || !own(self.chunks.get(at)) {
            return;
        }
        if let Some(Chunk {
            data: Data::Own(more),
            ..
        }) = self.chunks.remove(at)
        {
            self.first += 1;
            if let Data::Own(bytes) = &mut self.chunks[before].data {
                bytes.extend_from_slice(&more);
            }
        }
    }

    /// Removes the holes once they are the majority.
    fn compact(&mut self) {
        if self.holes < 16 || self.holes * 2 < self.chunks.len() {
            return;
        }
        let begun = self.has_begun();
        self.holes = 0;
        self.latest.clear();
        self.first = 0;
        self.chunks
            .retain(|chunk| !matches!(chunk.data, Data::Hole));
        self.shrink();
        for (at, chunk) in self.chunks.iter().enumerate() {
            if chunk.key != 0 && !(at == 0 && begun) {
                self.latest.insert(chunk.key, at as u64);
            }
        }
    }

    fn has_begun(&self) -> bool {
        self.sent > 0 || self.begun
    }

    /// Adds what waits to `out`.
    #[cfg(feature = "take-over")]
    pub(crate) fn copy_to(&self, out: &mut Vec<u8>) {
        let mut skip = self.sent;
        let chunks = self.chunks.iter().map(|chunk| chunk.data.bytes());
        for bytes in chunks.filter(|bytes| !bytes.is_empty()) {
            out.extend_from_slice(&bytes[std::mem::take(&mut skip)..]);
        }
    }

    /// One vectored write. `Ok(true)` if everything has left.
    pub(crate) fn write_with(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let mut count = 0;
        let chunks = self.chunks.iter().map(|chunk| chunk.data.bytes());
        let mut skip = self.sent;
        for (slice, bytes) in slices
            .iter_mut()
            .zip(chunks.filter(|bytes| !bytes.is_empty()))
        {
            *slice = IoSlice::new(&bytes[std::mem::take(&mut skip)..]);
            count += 1;
        }
        let written = write(&slices[..count])?;
        self.advance(written);
        Ok(self.is_empty())
    }

    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.sent += written;
        while let Some(first) = self.chunks.front() {
            let len = first.data.bytes().len();
            if self.sent < len {
                self.forget_sent();
                break;
            }
            match &first.data {
                Data::Own(bytes) => self.own -= bytes.len(),
                Data::Hole => self.holes -= 1,
                Data::Shared(_) => {
                    if self.latest.get(&first.key) == Some(&self.first) {
                        self.latest.remove(&first.key);
                    }
                }
            }
            // A hole has no bytes: it does not end the frame that has begun after it.
            self.begun &= len == 0;
            self.sent -= len;
            self.chunks.pop_front();
            self.first += 1;
        }
        self.shrink();
    }

    /// Room for records that are gone is freed, so that what is left costs no more than [`RECORD`]
    /// each. A connection that is ending may keep its queue for long.
    fn shrink(&mut self) {
        let len = self.chunks.len();
        if self.chunks.capacity() > (3 * len).max(SPARE) {
            self.chunks.shrink_to((len + len / 2).max(SPARE));
        }
    }

    /// Removes own bytes at the front that have left, once they are the majority: more may be added
    /// to that chunk as long as it is not empty.
    fn forget_sent(&mut self) {
        if let Some(Chunk {
            data: Data::Own(bytes),
            ..
        }) = self.chunks.front_mut()
            && self.sent > bytes.len() / 2
        {
            bytes.drain(..self.sent);
            self.own -= std::mem::take(&mut self.sent);
            self.begun = true;
        }
    }

    fn clear_chunks(&mut self) {
        self.chunks.clear();
        self.latest.clear();
        self.holes = 0;
        self.first = 0;
        self.sent = 0;
        self.begun = false;
        self.bytes = 0;
        self.own = 0;
    }

    /// Empty again; keeps the memory of the queue for the next owner if it is small.
    pub(crate) fn clear(&mut self) {
        self.clear_chunks();
        self.chunks.shrink_to(SPARE);
        self.latest.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Message;
    use proptest::prelude::*;

    /// A queue with its own account, with a bound in frames of this many bytes each.
    struct Tested {
        queue: SendQueue,
        memory: Memory,
        bound: usize,
        policy: Overflow,
    }

    impl Tested {
        fn new(bytes: usize, frames: usize, policy: Overflow) -> Self {
            Self {
                queue: SendQueue::default(),
                memory: Memory::new(1 << 30, 1),
                bound: bytes + frames * RECORD,
                policy,
            }
        }

        fn frame(&mut self, len: usize, key: u32) -> Pushed {
            self.push(SharedFrame::new(Message::binary(&vec![0; len - 2])), key)
        }

        fn push(&mut self, frame: SharedFrame, key: u32) -> Pushed {
            let policy = (self.bound, self.policy);
            self.queue.push_frame(frame, key, policy, &self.memory)
        }

        fn sizes(&self) -> Vec<usize> {
            let chunks = self.queue.chunks.iter();
            let sizes = chunks.map(|chunk| chunk.data.bytes().len());
            sizes.filter(|size| *size > 0).collect()
        }
    }

    const QUEUED: Pushed = Pushed::Queued { dropped: 0 };

    #[test]
    fn the_room_of_records_that_are_gone_is_freed() {
        let mut one = Tested::new(10_000, 1_000, Overflow::Disconnect);
        (0..1_000).for_each(|_| assert_eq!(one.frame(10, 0), QUEUED));
        let most = |queue: &SendQueue| queue.chunks.len().max(2) * RECORD;
        while one.queue.bytes() > 10 {
            let room = one.queue.chunks.capacity() * size_of::<Chunk>();
            assert!(
                room <= most(&one.queue),
                "{room}: {}",
                one.queue.chunks.len()
            );
            let _ = one.queue.write_with(|_| Ok(25)).unwrap();
        }
        (0..1_000).for_each(|_| assert_eq!(one.frame(10, 0), QUEUED));
        one.queue.drop_unsent();
        assert!(one.queue.chunks.capacity() <= 4);
    }

    #[test]
    fn an_empty_queue_takes_one_frame_of_any_size() {
        let mut tested = Tested::new(50, 1, Overflow::Disconnect);
        assert_eq!(tested.frame(100, 0), QUEUED);
        assert_eq!(tested.frame(10, 0), Pushed::Overflow);
        assert_eq!(tested.queue.bytes(), 100);
    }

    #[test]
    fn frames_of_few_bytes_are_charged_for_what_they_hold() {
        let mut tested = Tested::new(1 << 20, 0, Overflow::Disconnect);
        let mut count = 0;
        while tested.frame(3, 0) == QUEUED {
            count += 1;
        }
        let real = tested.queue.chunks.capacity() * size_of::<Chunk>();
        assert!(real <= 1 << 20, "{count} frames hold {real} bytes");
    }

    #[test]
    fn drop_oldest_never_drops_a_frame_that_has_begun() {
        let mut tested = Tested::new(90, 4, Overflow::DropOldest);
        let begun = SharedFrame::new(Message::binary(&[0; 28]));
        tested.queue.push_rest(begun, 1, 7, &tested.memory);
        for len in [20, 21, 22] {
            assert_eq!(tested.frame(len, 1), QUEUED);
        }
        assert_eq!(tested.frame(40, 1), Pushed::Queued { dropped: 2 });
        assert_eq!(tested.sizes(), [30, 22, 40]);
        assert_eq!(tested.queue.bytes(), 23 + 22 + 40);
    }

    #[test]
    fn a_policy_that_drops_always_takes_the_newest() {
        for policy in [Overflow::DropOldest, Overflow::KeepLatest] {
            let mut tested = Tested::new(50, 1, policy);
            let begun = SharedFrame::new(Message::binary(&[0; 98]));
            tested.queue.push_rest(begun, 1, 7, &tested.memory);
            tested.queue.push_own(b"pong", false);
            assert_eq!(tested.frame(20, 0), QUEUED);
            assert_eq!(tested.frame(90, 0), Pushed::Queued { dropped: 1 });
            assert_eq!(tested.sizes(), [100, 4, 90]);
        }
    }

    #[test]
    fn keep_latest_replaces_frames_of_the_same_key_only() {
        let mut tested = Tested::new(1000, 9, Overflow::KeepLatest);
        for (len, key) in [(20, 1), (21, 2), (22, 1), (23, 0)] {
            tested.frame(len, key);
        }
        assert_eq!(tested.sizes(), [21, 22, 23]);
        assert_eq!(tested.frame(24, 1), Pushed::Queued { dropped: 1 });
        assert_eq!(tested.sizes(), [21, 23, 24]);
    }

    #[test]
    fn only_what_has_begun_survives_drop_unsent() {
        let mut tested = Tested::new(1000, 9, Overflow::Disconnect);
        tested.queue.push_own(b"rest of a frame", true);
        tested.frame(20, 0);
        tested.queue.drop_unsent();
        assert_eq!((tested.sizes(), tested.queue.bytes()), (vec![15], 15));
        tested.queue.advance(15);
        tested.frame(20, 0);
        tested.queue.drop_unsent();
        assert!(tested.queue.is_empty());
    }

    #[test]
    fn what_has_to_leave_survives_drop_unsent() {
        let mut tested = Tested::new(1000, 9, Overflow::Disconnect);
        tested.queue.keep();
        tested.queue.push_own(b"101 Switching Protocols", false);
        tested.queue.keep();
        tested.frame(20, 0);
        tested.queue.drop_unsent();
        assert_eq!(tested.sizes(), [23]);
        tested.queue.advance(23);
        tested.frame(20, 0);
        tested.queue.drop_unsent();
        assert!(tested.queue.is_empty());
    }

    #[test]
    fn advance_counts_over_chunks() {
        let mut tested = Tested::new(1000, 9, Overflow::Disconnect);
        for len in [10, 20, 30] {
            tested.frame(len, 0);
        }
        tested.queue.advance(15);
        let queue = &tested.queue;
        assert_eq!(
            (tested.sizes(), queue.sent, queue.bytes()),
            (vec![20, 30], 5, 45)
        );
        tested.queue.advance(45);
        let queue = &tested.queue;
        assert!(queue.is_empty() && queue.chunks.is_empty() && queue.sent == 0);
    }

    /// A walk over the whole queue for each push would take minutes here.
    #[test]
    fn dropping_takes_no_walk() {
        for policy in [Overflow::DropOldest, Overflow::KeepLatest] {
            let mut tested = Tested::new(200_000, 50_000, policy);
            let one = SharedFrame::new(Message::binary(b"x"));
            tested.queue.push_rest(one.clone(), 1, 1, &tested.memory);
            for n in 0..400_000u32 {
                tested.push(one.clone(), 1 + n % 60_000);
                if n % 5 == 0 {
                    tested.queue.push_own(b"pong", false);
                }
            }
            // Own bytes lie between: they become one, and are never dropped.
            assert!(tested.queue.chunks.len() < 60_000 + 80_000);
        }
    }

    #[test]
    fn shared_frames_are_counted_once_and_until_the_last_queue_lets_go() {
        let mut tested = Tested::new(1 << 20, 99, Overflow::Disconnect);
        let mut other = SendQueue::default();
        let frame = SharedFrame::new(Message::binary(&[0; 1000]));
        tested.push(frame.clone(), 0);
        let once = tested.memory.held();
        assert!((1000..1200).contains(&once), "{once}");
        let policy = (1 << 20, Overflow::Disconnect);
        other.push_frame(frame.clone(), 0, policy, &tested.memory);
        assert_eq!(tested.memory.held(), once);
        drop((frame, other));
        assert_eq!(tested.memory.held(), once);
        tested.queue.clear();
        assert_eq!(tested.memory.held(), 0);
    }

    #[test]
    fn the_end_of_a_frame_does_not_hold_the_frame() {
        let mut tested = Tested::new(1 << 20, 99, Overflow::Disconnect);
        tested.frame(10_000, 0);
        tested.frame(500, 0);
        tested.queue.advance(9_992);
        tested.queue.drop_unsent();
        assert_eq!(tested.sizes(), [10]);
        assert_eq!((tested.queue.bytes(), tested.memory.held()), (10, 0));
        tested.queue.push_own(b"close", false);
        assert_eq!((tested.queue.bytes(), tested.sizes()), (15, vec![15]));
    }

    /// What a queue does, without regard to speed.
    #[derive(Default)]
    struct Model {
        /// Bytes, key, and whether a policy may drop it.
        chunks: Vec<(Vec<u8>, u32, bool)>,
        sent: usize,
    }

    impl Model {
        fn held(&self) -> usize {
            self.chunks
                .iter()
                .map(|(bytes, ..)| bytes.len())
                .sum::<usize>()
                - self.sent
        }

        fn drop_where(&mut self, matches: impl Fn(u32) -> bool) -> bool {
            let begun = usize::from(self.sent > 0);
            let droppable = |(_, key, may): &(Vec<u8>, u32, bool)| *may && matches(*key);
            let found = self.chunks.iter().skip(begun).position(droppable);
            found.map(|at| self.chunks.remove(begun + at)).is_some()
        }

        fn write(&mut self, mut count: usize) -> Vec<u8> {
            let mut written = Vec::new();
            while count > 0 {
                let (bytes, ..) = &self.chunks[0];
                let take = count.min(bytes.len() - self.sent);
                written.extend(&bytes[self.sent..self.sent + take]);
                (self.sent, count) = (self.sent + take, count - take);
                if self.sent == bytes.len() {
                    self.chunks.remove(0);
                    self.sent = 0;
                }
            }
            written
        }
    }

    fn written(queue: &mut SendQueue, count: usize) -> Vec<u8> {
        let chunks = queue.chunks.iter().flat_map(|chunk| chunk.data.bytes());
        let bytes = chunks.skip(queue.sent).take(count).copied().collect();
        queue.advance(count);
        bytes
    }

    proptest! {
        /// The bytes that leave are those of the model; records are left out of the bound here, as
        /// joining own bytes changes their number.
        #[test]
        fn what_leaves_is_what_a_simple_queue_would_send(
            steps in prop::collection::vec((0..4u8, 1..60u8, 0..4u32), 1..200),
            keep_latest in any::<bool>(),
        ) {
            let policy = if keep_latest { Overflow::KeepLatest } else { Overflow::DropOldest };
            let mut tested = Tested::new(usize::MAX / 2, 0, policy);
            let mut model = Model::default();
            for (n, (step, len, key)) in steps.into_iter().enumerate() {
                match step {
                    0 => {
                        let bytes = vec![n as u8; usize::from(len)];
                        tested.queue.push_own(&bytes, false);
                        model.chunks.push((bytes, 0, false));
                    }
                    1 => {
                        let count = usize::from(len).min(model.held());
                        prop_assert_eq!(written(&mut tested.queue, count), model.write(count));
                    }
                    2 if len % 4 == 0 => {
                        let dropped = tested.queue.drop_oldest();
                        prop_assert_eq!(dropped, model.drop_where(|_| true));
                    }
                    _ => {
                        let frame = SharedFrame::new(Message::binary(&vec![n as u8; len.into()]));
                        if keep_latest && key != 0 {
                            model.drop_where(|other| other == key);
                        }
                        model.chunks.push((frame.as_bytes().to_vec(), key, true));
                        tested.push(frame, key);
                    }
                }
                prop_assert_eq!(tested.queue.bytes(), model.held());
            }
            let rest = model.held();
            prop_assert_eq!(written(&mut tested.queue, rest), model.write(rest));
            prop_assert!(tested.queue.is_empty());
            tested.queue.clear();
            prop_assert_eq!(tested.memory.held(), 0);
        }
    }
}
