//! What is published during one turn of the loop, and to which peers.
//!
//! Input: frame by frame, peer by peer. Output, at the end of the turn: for each peer all of its
//! frames, for one write. Invariants: a frame is held once however many peers get it, and so is a
//! run of frames that many get one after another; a peer costs no allocation; a turn that is full
//! takes no more mail.
//!
//! ```text
//!   frames: [ A ][ B ][ C ]
//!   runs:   0: A    1: A B    2: A B C    3: C        each is an earlier run and one more frame
//!           peers 1 to 999 are at 2, peer 1000 is at 3
//!   blocks: [ A B C ]                                 the bytes of a run that several peers get
//! ```

use crate::net::frame::SharedFrame;

const END: u32 = u32::MAX;

/// Frames and runs among which one is looked for before it is held again: the compressed forms of
/// one message take turns.
const RECENT: usize = 8;

/// The index of a peer's record; none if nothing was sent to it in this turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PendingIndex(u32);

impl PendingIndex {
    pub(crate) const NONE: Self = Self(END);
}

/// What one peer is sent in one turn.
#[derive(Clone, Copy, Debug)]
struct Pending {
    run: RunIndex,
    /// Bytes that were sent in this turn, whether or not they have left.
    sent: u32,
}

/// The frames that a peer is sent at the end of the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunIndex(u32);

impl Default for RunIndex {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl RunIndex {
    const EMPTY: Self = Self(END);

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

#[derive(Clone, Copy, Debug)]
struct Run {
    before: RunIndex,
    frame: u32,
    key: u32,
    /// Bytes of all its frames.
    bytes: u32,
    /// The run made last that is this one and one frame more.
    longer: RunIndex,
    /// The run made before this one that extends the same run.
    sibling: RunIndex,
    /// It has been written to a peer.
    written: bool,
    /// Where its block begins; [`END`] if it has none.
    block: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Batch {
    frames: Vec<SharedFrame>,
    runs: Vec<Run>,
    /// The last run of one frame, if there is one.
    shortest: RunIndex,
    blocks: Vec<u8>,
    /// By [`PendingIndex`].
    pending: Vec<Pending>,
    /// The runs from one frame to the one that is being written.
    path: Vec<RunIndex>,
    /// Frames sent to peers.
    links: usize,
    /// A run has as much as one write should carry, or all peers have as many frames as they may.
    full: bool,
}

/// Frames of one turn, for all peers together: as many writes as a turn should take at most.
const MAX_LINKS: usize = 256 * 1024;

/// Bytes for one peer after which the turn should end and let them leave: the peer may be quick,
/// and a socket takes only so much at a time.
const MAX_RUN: usize = 128 * 1024;

/// Bytes of all blocks. Runs beyond it leave frame by frame, in a vectored write.
const MAX_BLOCKS: usize = 1024 * 1024;

impl Batch {
    /// Adds a frame to what one peer is sent.
    #[inline]
    pub(crate) fn link(&mut self, peer: &mut PendingIndex, frame: &SharedFrame, key: u32) {
        let before = self
            .of(*peer)
            .map_or(RunIndex::EMPTY, |pending| pending.run);
        let run = match self.known(before, frame, key) {
            Some(run) => run,
            None => self.extend(before, frame, key),
        };
        self.count(peer, frame.as_bytes().len()).run = run;
        self.links += 1;
        self.full |= self.runs[run.0 as usize].bytes as usize >= MAX_RUN || self.links >= MAX_LINKS;
    }

    /// The run that continues `before` with this frame, if a peer has had it lately.
    #[inline]
    fn known(&self, before: RunIndex, frame: &SharedFrame, key: u32) -> Option<RunIndex> {
        let mut at = match self.runs.get(before.0 as usize) {
            Some(run) => run.longer,
            None => self.shortest,
        };
        for _ in 0..RECENT {
            let run = self.runs.get(at.0 as usize)?;
            if run.key == key && self.frames[run.frame as usize].is(frame) {
                return Some(at);
            }
            at = run.sibling;
        }
        None
    }

    fn extend(&mut self, before: RunIndex, frame: &SharedFrame, key: u32) -> RunIndex {
        let recent = self.frames.len().saturating_sub(RECENT);
        let known = self.frames[recent..].iter().rposition(|one| one.is(frame));
        let number = known.map_or(self.frames.len(), |at| recent + at);
        if known.is_none() {
            self.frames.push(frame.clone());
        }
        let at = RunIndex(self.runs.len() as u32);
        let (bytes, sibling) = match self.runs.get_mut(before.0 as usize) {
            Some(run) => (run.bytes, std::mem::replace(&mut run.longer, at)),
            None => (0, std::mem::replace(&mut self.shortest, at)),
        };
        let len = u32::try_from(frame.as_bytes().len()).unwrap_or(u32::MAX);
        self.runs.push(Run {
            before,
            frame: number as u32,
            key,
            bytes: bytes.saturating_add(len),
            longer: RunIndex::EMPTY,
            sibling,
            written: false,
            block: END,
        });
        at
    }

    /// Notes that bytes were sent to a peer in this turn.
    #[inline]
    fn count(&mut self, peer: &mut PendingIndex, bytes: usize) -> &mut Pending {
        if *peer == PendingIndex::NONE {
            *peer = PendingIndex(self.pending.len() as u32);
            self.pending.push(Pending {
                run: RunIndex::EMPTY,
                sent: 0,
            });
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let pending = &mut self.pending[peer.0 as usize];
        pending.sent = pending.sent.saturating_add(bytes);
        pending
    }

    #[inline]
    fn of(&self, peer: PendingIndex) -> Option<&Pending> {
        self.pending.get(peer.0 as usize)
    }

    /// Notes that bytes were sent without waiting for the end of the turn.
    pub(crate) fn note_sent(&mut self, peer: &mut PendingIndex, bytes: usize) {
        self.count(peer, bytes);
    }

    /// Bytes that were sent to a peer in this turn.
    #[inline]
    pub(crate) fn sent(&self, peer: PendingIndex) -> usize {
        self.of(peer).map_or(0, |pending| pending.sent as usize)
    }

    /// Bytes that wait for the end of the turn.
    #[inline]
    pub(crate) fn bytes(&self, peer: PendingIndex) -> usize {
        let run = self
            .of(peer)
            .and_then(|pending| self.runs.get(pending.run.0 as usize));
        run.map_or(0, |run| run.bytes as usize)
    }

    /// What a peer is sent; nothing from now on.
    pub(crate) fn take_run(&mut self, peer: PendingIndex) -> RunIndex {
        let pending = self.pending.get_mut(peer.0 as usize);
        pending.map_or(RunIndex::EMPTY, |pending| {
            std::mem::replace(&mut pending.run, RunIndex::EMPTY)
        })
    }

    /// Enough has been published in this turn: what waits is sent first.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// The bytes of a run of one frame; or of several, for the second peer that gets it and later
    /// ones: one slice costs the kernel less than many.
    pub(crate) fn block(&mut self, run: RunIndex) -> Option<&[u8]> {
        let one = *self.runs.get(run.0 as usize)?;
        let len = one.bytes as usize;
        if one.before.is_empty() {
            return Some(self.frames[one.frame as usize].as_bytes());
        }
        if !one.written {
            self.runs[run.0 as usize].written = true;
            return None;
        }
        if one.block != END {
            let start = one.block as usize;
            return Some(&self.blocks[start..start + len]);
        }
        let start = self.blocks.len();
        if start + len > MAX_BLOCKS {
            return None;
        }
        self.find_path(run);
        for at in &self.path {
            let frame = &self.frames[self.runs[at.0 as usize].frame as usize];
            self.blocks.extend_from_slice(frame.as_bytes());
        }
        self.runs[run.0 as usize].block = start as u32;
        Some(&self.blocks[start..])
    }

    fn find_path(&mut self, run: RunIndex) {
        self.path.clear();
        let mut at = run;
        while let Some(run) = self.runs.get(at.0 as usize) {
            self.path.push(at);
            at = run.before;
        }
        self.path.reverse();
    }

    /// The frames of a run in their order, with their keys.
    pub(crate) fn frames(
        &mut self,
        run: RunIndex,
    ) -> impl Iterator<Item = (&SharedFrame, u32)> + Clone {
        self.find_path(run);
        let Self {
            path, runs, frames, ..
        } = &*self;
        path.iter().map(|at| {
            let run = &runs[at.0 as usize];
            (&frames[run.frame as usize], run.key)
        })
    }

    /// Everything has been written or queued.
    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.runs.clear();
        self.runs.shrink_to(16 * 1024);
        self.shortest = RunIndex::EMPTY;
        self.blocks.clear();
        self.blocks.shrink_to(MAX_RUN);
        self.pending.clear();
        self.pending.shrink_to(64 * 1024);
        self.links = 0;
        self.full = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Message;
    use proptest::prelude::*;

    fn frames() -> Vec<SharedFrame> {
        let frame = |n: u8| SharedFrame::new(Message::binary(&[n; 3]));
        (0..4).map(frame).collect()
    }

    /// What one peer gets, by its block if there is one.
    fn written(batch: &mut Batch, peer: PendingIndex) -> Vec<u8> {
        let run = batch.take_run(peer);
        let by_frame = batch
            .frames(run)
            .flat_map(|(frame, _)| frame.as_bytes().to_vec());
        let by_frame: Vec<u8> = by_frame.collect();
        if let Some(block) = batch.block(run) {
            assert_eq!(block, by_frame);
        }
        by_frame
    }

    proptest! {
        /// In whatever order frames are linked, each peer gets its own, in its own order.
        #[test]
        fn each_peer_gets_its_frames(
            sends in prop::collection::vec((0..6_usize, 0..4_usize, 0..2_u32), 0..200)
        ) {
            let (frames, mut batch) = (frames(), Batch::default());
            let mut peers = [PendingIndex::NONE; 6];
            let mut expected = vec![Vec::new(); 6];
            let mut keys = vec![Vec::new(); 6];
            for (peer, frame, key) in sends {
                batch.link(&mut peers[peer], &frames[frame], key);
                expected[peer].extend_from_slice(frames[frame].as_bytes());
                keys[peer].push(key);
                prop_assert_eq!(batch.bytes(peers[peer]), expected[peer].len());
                prop_assert_eq!(batch.sent(peers[peer]), expected[peer].len());
            }
            for peer in 0..6 {
                let run = batch.of(peers[peer]).map_or(RunIndex::EMPTY, |pending| pending.run);
                let found: Vec<u32> = batch.frames(run).map(|(_, key)| key).collect();
                prop_assert_eq!(&found, &keys[peer]);
                prop_assert_eq!(&written(&mut batch, peers[peer]), &expected[peer]);
                prop_assert_eq!(batch.bytes(peers[peer]), 0);
            }
        }
    }

    #[test]
    fn what_many_get_is_held_once() {
        let (frames, mut batch) = (frames(), Batch::default());
        let mut peers = [PendingIndex::NONE; 1000];
        for frame in &frames {
            for peer in &mut peers {
                batch.link(peer, frame, 0);
            }
        }
        assert_eq!((batch.frames.len(), batch.runs.len()), (4, 4));
        let whole: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame.as_bytes().to_vec())
            .collect();
        for peer in peers {
            assert_eq!(written(&mut batch, peer), whole);
        }
        assert_eq!(batch.blocks, whole);
        batch.clear();
        assert!(batch.runs.is_empty() && batch.blocks.is_empty() && !batch.is_full());
    }

    #[test]
    fn forms_of_one_message_that_take_turns_make_few_runs() {
        let (frames, mut batch) = (frames(), Batch::default());
        let mut peers = [PendingIndex::NONE; 100];
        for _ in 0..3 {
            for (at, peer) in peers.iter_mut().enumerate() {
                batch.link(peer, &frames[at % 2], 7);
            }
        }
        assert_eq!(batch.runs.len(), 6);
    }
}
