//! The tables of the file, and opening it.
//!
//! | table | key | value |
//! |---|---|---|
//! | `log` | place, which only grows | a [record](super::record) |
//! | `gone` | sequence number | nothing: the record was removed, but its bytes are still in `log` |
//! | `reached` | sequence number | subscribers that a record with an idempotency key has reached |
//! | `floors` | topic | the highest sequence number that the file has let go of it |
//! | `state` | key | a value of the [`Store`](crate::push::Store) |
//! | `meta` | `format`, `head`, `time`, `common`, `records` | a number |
//! | `names` | `epoch` | a text |
//!
//! Records are appended at the right end of `log` and removed at its left end, so a commit changes
//! few pages, however many topics there are. Invariant: a file of another program, or of a newer
//! version, is never changed: it is looked at before it is opened for writing, as opening alone
//! writes.

use crate::push::data::problem::DataProblem;
use crate::push::data::record::Stored;
use crate::push::position::Epoch;
use crate::push::record::Record;
use redb::ReadableTable as _;
#[cfg(test)]
use redb::StorageBackend;
use redb::TableDefinition;
use redb::WriteTransaction;
use redb::{Builder, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
pub(super) const GONE: TableDefinition<'_, u64, ()> = TableDefinition::new("gone");
pub(super) const REACHED: TableDefinition<'_, u64, u64> = TableDefinition::new("reached");
pub(super) const FLOORS: TableDefinition<'_, &str, u64> = TableDefinition::new("floors");
pub(super) const STATE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("state");
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const NAMES: TableDefinition<'_, &str, &str> = TableDefinition::new("names");

/// Of this layout of tables. A change that an older version cannot read gets the next number.
pub(super) const FORMAT: u64 = 1;

/// Bytes of pages that are kept in memory: the right end of the log and the branches above it.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    opened: Opened,
    pub(super) epoch: Epoch,
}

/// Opening a file for writing changes it, so what is to be checked is only read before.
enum Opened {
    Reading(ReadOnlyDatabase, PathBuf),
    Writing(Database),
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading(..) => "Reading",
            Self::Writing(_) => "Writing",
        })
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    // Every commit of ours makes a repair needless: a file that needs one was written by others.
    builder.set_repair_callback(|repair| repair.abort());
    builder
}

impl File {
    /// Opens a file, or creates it with this epoch, for its owner alone: messages are in it, and
    /// tokens of the gotify dialect. One that is there can only be read until it is made
    /// [writable](Self::into_writable), unless its server was killed: to read such a file is to
    /// write it.
    pub(super) fn open(path: &Path, epoch: Epoch) -> Result<Self, DataProblem> {
        if fs::metadata(path).is_ok_and(|found| found.len() > 0) {
            match Self::reading(path) {
                Err(DataProblem::Unclosed) => {}
                opened => return opened,
            }
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path)?;
        Self::prepare(builder().create(path)?, epoch)
    }

    /// The same of a file that must be there.
    pub(super) fn open_existing(path: &Path) -> Result<Self, DataProblem> {
        match Self::reading(path) {
            Err(DataProblem::Unclosed) => {}
            opened => return opened,
        }
        let database = builder().open(path)?;
        let epoch = read_header(&database)?.ok_or(DataProblem::Foreign)?;
        let opened = Opened::Writing(database);
        Ok(Self { opened, epoch })
    }

    fn reading(path: &Path) -> Result<Self, DataProblem> {
        let database = builder().open_read_only(path)?;
        let epoch = read_header(&database)?.ok_or(DataProblem::Foreign)?;
        let opened = Opened::Reading(database, path.to_owned());
        Ok(Self { opened, epoch })
    }

    pub(super) fn into_writable(self) -> Result<Self, DataProblem> {
        let Self { opened, epoch } = self;
        let database = match opened {
            Opened::Reading(database, path) => {
                drop(database);
                builder().open(path)?
            }
            Opened::Writing(database) => database,
        };
        let opened = Opened::Writing(database);
        Ok(Self { opened, epoch })
    }

    /// The same of bytes that are not in a file.
    #[cfg(test)]
    pub(super) fn on(backend: impl StorageBackend, epoch: Epoch) -> Result<Self, DataProblem> {
        Self::prepare(builder().create_with_backend(backend)?, epoch)
    }

    fn prepare(database: Database, epoch: Epoch) -> Result<Self, DataProblem> {
        let header = read_header(&database)?;
        if header.is_none() {
            create_tables(&database, &epoch)?;
        }
        Ok(Self {
            opened: Opened::Writing(database),
            epoch: header.unwrap_or(epoch),
        })
    }

    pub(super) fn read(&self) -> Result<ReadTransaction, DataProblem> {
        let transaction = match &self.opened {
            Opened::Reading(database, _) => database.begin_read(),
            Opened::Writing(database) => database.begin_read(),
        };
        transaction.map_err(DataProblem::from)
    }

    /// Calls `what` with every record of the log and the bytes that it has, by place.
    pub(super) fn each(
        &self,
        mut what: impl FnMut(u64, &Stored<'_>, usize) -> Result<(), DataProblem>,
    ) -> Result<(), DataProblem> {
        each(&self.read()?, &mut what)
    }

    /// The records that are `wanted`, in their order, or only the last `most` of them. What is
    /// before them in the file is not read.
    pub(super) fn last(
        &self,
        most: usize,
        wanted: impl Fn(&Stored<'_>) -> bool,
    ) -> Result<Vec<Arc<Record>>, DataProblem> {
        let mut records = Vec::new();
        let transaction = self.read()?;
        let log = transaction.open_table(LOG)?;
        let mut items = log.iter()?.rev();
        while records.len() < most
            && let Some(item) = items.next()
        {
            let (place, value) = item?;
            let stored = Stored::at(place.value(), value.value())?;
            if wanted(&stored) {
                records.extend(stored.record().map(Arc::new));
            }
        }
        records.sort_by_key(|record| record.sequence);
        Ok(records)
    }

    pub(super) fn write(&mut self) -> Result<WriteTransaction, DataProblem> {
        begin(self.database()?)
    }

    /// The store, to change it.
    pub(super) fn database(&mut self) -> Result<&mut Database, DataProblem> {
        match &mut self.opened {
            Opened::Writing(database) => Ok(database),
            Opened::Reading(..) => Err(io::Error::from(ErrorKind::PermissionDenied).into()),
        }
    }
}

/// Makes the tables of a new file: all exist from now on.
fn create_tables(database: &Database, epoch: &Epoch) -> Result<(), DataProblem> {
    let transaction = begin(database)?;
    transaction.open_table(META)?.insert("format", FORMAT)?;
    transaction
        .open_table(NAMES)?
        .insert("epoch", epoch.as_str())?;
    transaction.open_table(LOG)?;
    transaction.open_table(GONE)?;
    transaction.open_table(REACHED)?;
    transaction.open_table(FLOORS)?;
    transaction.open_table(STATE)?;
    Ok(transaction.commit()?)
}

/// Calls `what` with every record of the log and the bytes that it has, by place.
fn each(
    transaction: &ReadTransaction,
    what: &mut impl FnMut(u64, &Stored<'_>, usize) -> Result<(), DataProblem>,
) -> Result<(), DataProblem> {
    let expected = transaction.open_table(META)?.get("records")?;
    let expected = expected.map_or(0, |it| it.value());
    let (mut records, mut next) = (0, 0);
    for item in transaction.open_table(LOG)?.iter()? {
        let (place, value) = item?;
        let (place, bytes) = (place.value(), value.value());
        let stored = Stored::at(place, bytes)?;
        if place < next || place == u64::MAX {
            return Err(DataProblem::Damaged(format!(
                "entry {place} is out of order"
            )));
        }
        (records, next) = (records + 1, place + 1);
        what(place, &stored, bytes.len())?;
    }
    match records == expected {
        true => Ok(()),
        false => Err(DataProblem::Damaged(format!(
            "it has {records} records in place of {expected}"
        ))),
    }
}

/// A transaction that is durable, and after a crash is found without a walk over the file. As
/// strangers choose payloads, a checksum alone must not decide which of two commits counts.
fn begin(database: &Database) -> Result<WriteTransaction, DataProblem> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// The epoch of a file; `None` if the file is new.
fn read_header(database: &impl ReadableDatabase) -> Result<Option<Epoch>, DataProblem> {
    let transaction = database.begin_read()?;
    if transaction.list_tables()?.next().is_none() {
        return Ok(None);
    }
    let meta = transaction.open_table(META)?;
    let format = meta.get("format")?.map(|it| it.value());
    match format {
        Some(FORMAT) => {}
        Some(newer @ FORMAT..) => return Err(DataProblem::Newer(newer)),
        _ => return Err(DataProblem::Foreign),
    }
    let names = transaction.open_table(NAMES)?;
    let epoch = names.get("epoch")?;
    match epoch.map(|it| it.value().parse()) {
        Some(Ok(epoch)) => Ok(Some(epoch)),
        _ => Err(DataProblem::Damaged("it has no epoch".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let name = format!("wirebell-tables-{}.db", std::process::id());
        let path = std::env::temp_dir().join(name);
        let epoch = Epoch::from_number(7);
        drop(File::open(&path, epoch).expect("a file"));
        let mode = fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode();
        fs::remove_file(&path).expect("it is there");
        assert_eq!(mode & 0o777, 0o600);
    }
}
