//! What the file has, and what one commit changes.
//!
//! ```text
//!   log:   dead  dead  kept  dead  kept  kept ...  new new new
//!          └─ removed ─┘└ moved to the right end,       └─ appended
//!                         if more than half is dead
//! ```
//!
//! Input: batches in their order. Output: their records, once they are durable. Invariants: the
//! index says which records are kept, as the same table of topics that the hub has, without
//! payloads; the file has all of those, at most about as many bytes again, and what it has let go
//! of each topic. After an error nothing here is used again: the file is opened once more.

use crate::push::data::problem::DataProblem;
use crate::push::data::record::{Entry, Stored, encode};
use crate::push::data::tables::{FLOORS, File, GONE, LOG, META, REACHED, STATE};
use crate::push::hub::{HistoryRules, Past, Topics};
use crate::push::log::KEY_MS;
use crate::push::name::TopicName;
use crate::push::position::Epoch;
use crate::push::record::{Key, Publication, Record};
use crate::push::store::Change;
use redb::{ReadableTable as _, ReadableTableMetadata as _, Table};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// How much a file keeps, besides the bounds of each topic.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    pub(super) rules: HistoryRules,
    pub(super) topics: usize,
    pub(super) bytes: usize,
}

/// The content of an open file.
#[derive(Debug)]
pub(super) struct Contents {
    file: File,
    bounds: Bounds,
    index: Topics<Entry>,
    /// The sequence number and the time of the last record.
    head: u64,
    time: u64,
    /// Where the next record goes in the table of the log.
    place: u64,
    /// Bytes and number of all records in the file, dead ones included.
    bytes: usize,
    records: usize,
}

/// What is to be committed together.
#[derive(Debug, Default)]
pub(super) struct Commit {
    /// Records, encoded, in their order.
    bytes: Vec<u8>,
    /// Where each of these records ends.
    ends: Vec<usize>,
    changes: Vec<Change>,
    /// How many subscribers records with keys have reached, by sequence number.
    reached: Vec<(u64, u64)>,
    /// Keys of records before this one are forgotten.
    oldest_key: u64,
    /// Topics that are new, with what is missing of them.
    floors: Vec<(TopicName, u64)>,
}

/// The topics in the file, and the records with the numbers of their topics.
type Scanned = (Vec<TopicName>, Vec<(Entry, u32)>);

/// Bytes of dead records that do not matter.
const SLACK: usize = 1024 * 1024;

/// Records at the left end that a commit looks at, besides twice as many as it adds.
const LOOKS: usize = 64;

/// Records at the left end that are looked at when nothing else is to be done.
const IDLE_LOOKS: usize = 4_096;

/// Bytes that a topic of the index takes, roughly.
const TOPIC: usize = 400;

/// What a record takes of memory in a history of the hub, besides its bytes in the file.
const IN_MEMORY: usize = 200;

impl Commit {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty() && self.changes.is_empty() && self.reached.is_empty()
    }

    pub(super) fn change(&mut self, changes: Vec<Change>) {
        self.changes.extend(changes);
    }

    /// The commit also writes how many subscribers earlier records have reached; numbers of records
    /// before `oldest` are no longer needed.
    pub(super) fn reach(&mut self, reached: Vec<(u64, u64)>, oldest: u64) {
        (self.reached, self.oldest_key) = (reached, oldest);
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        let ranges = begins.zip(&self.ends);
        ranges.map(|(begin, end)| &self.bytes[begin..*end])
    }
}

impl Contents {
    /// Reads what a file has. `recent` gets the publications with idempotency keys of the last
    /// minutes, oldest first, with their sequence numbers and times, and how many subscribers they
    /// have reached, if that is known.
    pub(super) fn load(
        file: File,
        bounds: Bounds,
        now: u64,
        mut recent: impl FnMut(Publication, u64, u64, Option<u64>),
    ) -> Result<Self, DataProblem> {
        let mut it = Self {
            index: Topics::new(bounds.rules.clone()),
            file,
            bounds,
            head: 0,
            time: 0,
            place: 0,
            bytes: 0,
            records: 0,
        };
        let transaction = it.file.read()?;
        let meta = transaction.open_table(META)?;
        let number = |key| Ok::<_, DataProblem>(meta.get(key)?.map_or(0, |it| it.value()));
        (it.head, it.time) = (number("head")?, number("time")?);
        let (head, common) = (it.head, number("common")?);
        let now = now.max(it.time);
        let (names, mut entries) = it.scan(now, &mut recent)?;
        let floors = transaction.open_table(FLOORS)?;
        for name in &names {
            let floor = floors.get(name.as_str())?.map_or(0, |it| it.value());
            it.index.recall(name, floor);
        }
        // Records that were moved are not in their order.
        entries.sort_by_key(|(entry, _)| entry.sequence);
        for (entry, name) in entries {
            let most = it.bounds.topics;
            it.index.keep(&names[name as usize], entry, now, most);
        }
        names.iter().for_each(|name| it.index.unsubscribe(name));
        it.index.raise_common_floor(common);
        it.shed(now);
        it.state()?;
        // All of it could be read, so it may be changed.
        drop((meta, floors, transaction));
        it.file = it.file.into_writable()?;
        let now_head = it.file.read()?.open_table(META)?.get("head")?;
        if now_head.map_or(0, |it| it.value()) != head {
            return Err(DataProblem::InUse);
        }
        Ok(it)
    }

    /// The topics in the file, and the records with the numbers of their topics.
    fn scan(
        &mut self,
        now: u64,
        recent: &mut impl FnMut(Publication, u64, u64, Option<u64>),
    ) -> Result<Scanned, DataProblem> {
        let gone: HashSet<u64> = {
            let gone = self.file.read()?.open_table(GONE)?;
            let all = gone.iter()?.map(|it| it.map(|(key, _)| key.value()));
            all.collect::<Result<_, _>>()?
        };
        let reached: HashMap<u64, u64> = {
            let reached = self.file.read()?.open_table(REACHED)?;
            let all = reached.iter()?;
            all.map(|it| it.map(|(key, count)| (key.value(), count.value())))
                .collect::<Result<_, _>>()?
        };
        let mut numbers = HashMap::new();
        let (mut names, mut entries) = (Vec::new(), Vec::new());
        let Self {
            file,
            head,
            time,
            place: next,
            bytes: all_bytes,
            records,
            ..
        } = self;
        file.each(|place, stored, bytes| {
            *next = place + 1;
            *all_bytes += bytes;
            *records += 1;
            *head = stored.sequence.max(*head);
            *time = stored.time.max(*time);
            if gone.contains(&stored.sequence) {
                return Ok(());
            }
            if stored.time.saturating_add(KEY_MS) > now
                && let Some(publication) = stored.publication()
            {
                let reached = reached.get(&stored.sequence).copied();
                recent(publication, stored.sequence, stored.time, reached);
            }
            let number = match numbers.get(stored.topic) {
                Some(number) => *number,
                None => {
                    let number = names.len() as u32;
                    names.push(stored.name(place)?);
                    numbers.insert(stored.topic.to_owned(), number);
                    number
                }
            };
            entries.push((stored.entry(bytes), number));
            Ok(())
        })?;
        Ok((names, entries))
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.file.epoch
    }

    /// The sequence number of the last record.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    pub(super) fn time(&self) -> u64 {
        self.time
    }

    /// Bytes of memory that the index takes.
    pub(super) fn held_bytes(&self) -> usize {
        self.records * size_of::<Entry>() * 3 / 2 + self.index.len() * TOPIC
    }

    /// What the hub is to begin with: the newest records, as many as fit into `most` bytes of its
    /// memory. What does not fit counts as let go.
    pub(super) fn past(&self, most: usize) -> Result<Past, DataProblem> {
        // Copies: entries are all over memory, and a sort looks at each of them twenty times.
        let kept = self.index.iter().flat_map(|it| it.history.iter());
        let mut kept: Vec<_> = kept.map(|it| (it.sequence, it.bytes)).collect();
        kept.sort_unstable_by(|one, other| other.cmp(one));
        let mut room = most;
        let fits = kept.iter().take_while(|(_, bytes)| {
            let needed = *bytes as usize + IN_MEMORY;
            let fits = needed <= room;
            room = room.saturating_sub(needed);
            fits
        });
        let fits = fits.count();
        let after = kept.get(fits).map_or(0, |(sequence, _)| *sequence);
        let topics = self.index.iter().map(|topic| {
            let mut left_out = topic.history.iter().map(|it| it.sequence);
            let left_out = left_out.rfind(|sequence| *sequence <= after);
            (
                topic.name.clone(),
                topic.history.floor().max(left_out.unwrap_or(0)),
            )
        });
        let is_kept = |stored: &Stored<'_>| {
            stored.sequence > after && self.index.holds(stored.topic, stored.sequence)
        };
        Ok(Past {
            head: self.head,
            records: self.file.last(fits, is_kept)?,
            topics: topics.collect(),
            common_floor: self.index.common_floor().0,
        })
    }

    /// The records after this one, in order: after an error, what the file has nevertheless.
    pub(super) fn after(&self, sequence: u64) -> Result<Vec<Arc<Record>>, DataProblem> {
        let most = self.head.saturating_sub(sequence) as usize; // They are dense.
        self.file.last(most, |stored| stored.sequence > sequence)
    }

    /// All values of the server's own state.
    pub(super) fn state(&self) -> Result<Vec<(String, Vec<u8>)>, DataProblem> {
        let transaction = self.file.read()?;
        let table = transaction.open_table(STATE)?;
        let all = table.iter()?.map(|item| {
            let (key, value) = item?;
            Ok((key.value().to_owned(), value.value().to_vec()))
        });
        all.collect()
    }

    /// Gives a publication its place, in the order of the calls.
    // req: push-order-01
    pub(super) fn stage(
        &mut self,
        commit: &mut Commit,
        publication: Publication,
        key: Option<&Key>,
        now: u64,
    ) -> Arc<Record> {
        self.head += 1;
        self.time = self.time.max(now);
        let record = publication.into_record(self.head, self.time);
        let begin = commit.bytes.len();
        encode(&mut commit.bytes, &record, key);
        commit.ends.push(commit.bytes.len());
        let is_new = self.index.find(record.topic.as_str()).is_none();
        let bytes = commit.bytes.len() - begin;
        let entry = Entry::of(&record, bytes);
        let most = self.bounds.topics;
        self.index.keep(&record.topic, entry, self.time, most);
        if is_new
            && let Some(floor) = self.index.floor_of(record.topic.as_str())
            && floor > 0
        {
            commit.floors.push((record.topic.clone(), floor));
        }
        Arc::new(record)
    }

    /// Makes a commit durable.
    pub(super) fn commit(&mut self, commit: &Commit, now: u64) -> Result<(), DataProblem> {
        self.index.expire(now.max(self.time));
        self.shed(now);
        let transaction = self.file.write()?;
        {
            let mut log = transaction.open_table(LOG)?;
            for record in commit.records() {
                self.append(&mut log, record)?;
            }
            let mut gone = transaction.open_table(GONE)?;
            let mut state = transaction.open_table(STATE)?;
            for change in &commit.changes {
                match change {
                    Change::Put(key, value) => drop(state.insert(key.as_str(), &value[..])?),
                    Change::Delete(key) => drop(state.remove(key.as_str())?),
                    Change::Forget(pattern, sequences) => {
                        self.index.remove(pattern, sequences);
                        for sequence in sequences {
                            gone.insert(sequence, ())?;
                        }
                    }
                }
            }
            let mut reached = transaction.open_table(REACHED)?;
            for (sequence, count) in &commit.reached {
                reached.insert(sequence, count)?;
            }
            reached.retain_in(..commit.oldest_key, |_, _| false)?;
            let mut floors = transaction.open_table(FLOORS)?;
            for (name, floor) in &commit.floors {
                floors.insert(name.as_str(), floor)?;
            }
            let looks = match commit.is_empty() {
                true => IDLE_LOOKS,
                false => LOOKS + 2 * commit.ends.len(),
            };
            self.clean(&mut log, &mut gone, &mut floors, looks)?;
            let mut meta = transaction.open_table(META)?;
            meta.insert("head", self.head)?;
            meta.insert("time", self.time)?;
            meta.insert("records", self.records as u64)?;
            meta.insert("common", self.index.common_floor().0)?;
        }
        Ok(transaction.commit()?)
    }

    /// Whether a commit of nothing would remove something.
    pub(super) fn is_dirty(&mut self, now: u64) -> Result<bool, DataProblem> {
        self.index.expire(now.max(self.time));
        let transaction = self.file.read()?;
        let log = transaction.open_table(LOG)?;
        let first = log.first()?;
        let Some((place, value)) = first else {
            return Ok(false);
        };
        let stored = Stored::at(place.value(), value.value())?;
        Ok(!self.index.holds(stored.topic, stored.sequence) || self.is_sparse())
    }

    fn append(&mut self, log: &mut Table<'_, u64, &[u8]>, bytes: &[u8]) -> Result<(), DataProblem> {
        log.insert(self.place, bytes)?;
        self.place += 1;
        self.bytes += bytes.len();
        self.records += 1;
        Ok(())
    }

    /// Most of the file is dead.
    fn is_sparse(&self) -> bool {
        self.bytes > 2 * self.index.cost() + SLACK
    }

    /// Removes dead records from the left end, and moves others away if most of the file is dead.
    fn clean(
        &mut self,
        log: &mut Table<'_, u64, &[u8]>,
        gone: &mut Table<'_, u64, ()>,
        floors: &mut Table<'_, &'static str, u64>,
        looks: usize,
    ) -> Result<(), DataProblem> {
        let has_gone = !gone.is_empty()?;
        let mut topics = BTreeSet::new();
        for _ in 0..looks {
            let first = log
                .first()?
                .map(|(place, value)| (place.value(), value.value().to_vec()));
            let Some((place, bytes)) = first else { break };
            let stored = Stored::at(place, &bytes)?;
            let is_kept = self.index.holds(stored.topic, stored.sequence);
            if is_kept && !self.is_sparse() {
                break;
            }
            if is_kept {
                self.append(log, &bytes)?;
            } else {
                topics.insert(stored.topic.to_owned());
                if has_gone {
                    gone.remove(stored.sequence)?;
                }
            }
            log.remove(place)?;
            self.bytes -= bytes.len();
            self.records -= 1;
        }
        for topic in topics {
            // A topic that is not known has its floor in the common one.
            match self.index.floor_of(&topic) {
                Some(floor) => drop(floors.insert(topic.as_str(), floor)?),
                None => drop(floors.remove(topic.as_str())?),
            }
        }
        Ok(())
    }

    fn shed(&mut self, now: u64) {
        let excess = self.index.cost().saturating_sub(self.bounds.bytes);
        if excess > 0 {
            self.index.shed(excess, now);
        }
    }
}
