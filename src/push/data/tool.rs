//! What `wirebell data` does to a file that no server has open.
//!
//! Input: a file. Output: a summary, a smaller file, or its messages as lines of JSON. Invariant:
//! nothing but [`compact`] changes what is in it.

use crate::push::data::problem::{DataProblem, guard};
use crate::push::data::record::Stored;
use crate::push::data::tables::{File, GONE, LOG, STATE};
use crate::push::position::Epoch;
use crate::push::record::Record;
use redb::{ReadableTable as _, ReadableTableMetadata as _};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The name of its log in positions.
    pub epoch: Epoch,
    /// Messages, with those that are no longer kept but still have their bytes.
    pub messages: u64,
    /// Bytes of their records.
    pub message_bytes: u64,
    /// Topics that they are of.
    pub topics: u64,
    /// The sequence numbers of the first and the last message.
    pub sequences: Option<(u64, u64)>,
    /// Values of the server's own state.
    pub values: u64,
    /// What was not as it should be, and is mended.
    pub repaired: bool,
}

/// Reads every message, then compares every page with its checksum. What cannot be mended is not
/// touched.
///
/// # Errors
///
/// See [`DataProblem`].
pub fn check(path: &Path) -> Result<Summary, DataProblem> {
    verify(path)?;
    guard(|| summarize(path))
}

fn summarize(path: &Path) -> Result<Summary, DataProblem> {
    let mut file = File::open_existing(path)?.into_writable()?;
    let repaired = !file.database()?.check_integrity()?;
    let mut summary = Summary {
        epoch: file.epoch,
        messages: 0,
        message_bytes: 0,
        topics: 0,
        sequences: None,
        values: file.read()?.open_table(STATE)?.len()?,
        repaired,
    };
    let mut topics = HashSet::new();
    file.each(|_, stored, bytes| {
        summary.messages += 1;
        summary.message_bytes += bytes as u64;
        let (first, last) = summary.sequences.unwrap_or((u64::MAX, 0));
        summary.sequences = Some((first.min(stored.sequence), last.max(stored.sequence)));
        if !topics.contains(stored.topic) {
            topics.insert(stored.topic.to_owned());
        }
        Ok(())
    })?;
    summary.topics = topics.len() as u64;
    Ok(summary)
}

/// Reads every message of a file, and changes nothing in it. An empty one is as it should be.
///
/// # Errors
///
/// See [`DataProblem`].
pub fn verify(path: &Path) -> Result<(), DataProblem> {
    if fs::metadata(path).is_ok_and(|found| found.len() == 0) {
        return Ok(());
    }
    guard(|| File::open_existing(path)?.each(|_, _, _| Ok(())))
}

/// Makes a file as small as it can be. Returns its length before and after, in bytes.
///
/// # Errors
///
/// See [`DataProblem`].
pub fn compact(path: &Path) -> Result<(u64, u64), DataProblem> {
    let length = || Ok::<_, DataProblem>(std::fs::metadata(path)?.len());
    let before = length()?;
    verify(path)?;
    guard(|| {
        let mut file = File::open_existing(path)?.into_writable()?;
        let compacted = file.database()?.compact();
        compacted.map(drop).map_err(|error| match error {
            redb::CompactionError::Storage(error) => error.into(),
            other => DataProblem::Damaged(other.to_string()),
        })
    })?;
    Ok((before, length()?))
}

/// Gives every message of a file to `write`, in their order, with the epoch of their positions.
///
/// # Errors
///
/// See [`DataProblem`]; what `write` returns ends it.
pub fn export(
    path: &Path,
    write: impl FnMut(&Record, Epoch) -> std::io::Result<()>,
) -> Result<(), DataProblem> {
    guard(|| write_all(path, write))
}

fn write_all(
    path: &Path,
    mut write: impl FnMut(&Record, Epoch) -> std::io::Result<()>,
) -> Result<(), DataProblem> {
    let file = File::open_existing(path)?;
    let mut places = Vec::new();
    let transaction = file.read()?;
    let log = transaction.open_table(LOG)?;
    let gone = transaction.open_table(GONE)?;
    for item in log.iter()? {
        let (place, value) = item?;
        if let Some(stored) = Stored::read(value.value())
            && gone.get(stored.sequence)?.is_none()
        {
            places.push((stored.sequence, place.value()));
        }
    }
    places.sort_unstable();
    for (_, place) in places {
        let value = log.get(place)?;
        let record = value
            .as_ref()
            .and_then(|it| Stored::read(it.value())?.record());
        if let Some(record) = record {
            write(&record, file.epoch)?;
        }
    }
    Ok(())
}
