//! Why a file of data cannot be used, in words that say what to do.
//!
//! Input: errors of the store. Output: [`DataProblem`] for a person at the start, [`LogError`] for
//! a publisher later.

use crate::push::log::LogError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a file of data cannot be opened. The file has not been changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataProblem {
    /// Another process has it open.
    InUse,
    /// It is not a file of this program.
    Foreign,
    /// A newer version of this program has written it, in this format.
    Newer(u64),
    /// Another program has written it and not closed it, or it is damaged so that it seems so.
    Unclosed,
    /// Its content is broken; in short, why.
    Damaged(String),
    /// The system refuses.
    Io(io::Error),
}

impl fmt::Display for DataProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse => f.write_str(
                "another process has it open: stop that one, or give this one a file of its own",
            ),
            Self::Foreign => {
                f.write_str("it is not a data file of wirebell: name another file, or a new one")
            }
            Self::Newer(format) => write!(
                f,
                "a newer wirebell has written it (format {format}): use that version, or export \
                 with it"
            ),
            Self::Unclosed => f.write_str(
                "it was not closed as wirebell closes files: restore a copy, or begin with a new \
                 file",
            ),
            Self::Damaged(why) => write!(
                f,
                "it is damaged ({why}): restore a copy, or save what can be read with \
                 `wirebell data export`, and begin with a new file"
            ),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DataProblem {}

/// From every error of the store, and of files.
impl<E: Into<redb::Error>> From<E> for DataProblem {
    fn from(error: E) -> Self {
        use redb::Error::RepairAborted;
        use redb::Error::{DatabaseAlreadyOpen, Io, LockProtocolMismatch, TableDoesNotExist};
        match error.into() {
            DatabaseAlreadyOpen | LockProtocolMismatch => Self::InUse,
            // What the store says of a file that does not begin as its files do.
            Io(error) if error.kind() == ErrorKind::InvalidData => Self::Foreign,
            Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Self::Damaged("it ends too early".into())
            }
            Io(error) => Self::Io(error),
            TableDoesNotExist(_) => Self::Foreign,
            RepairAborted => Self::Unclosed,
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl DataProblem {
    /// What a publisher is answered.
    pub(super) fn log_error(&self) -> LogError {
        match self {
            Self::Io(error) if is_full(error) => LogError::Full,
            _ => LogError::Unavailable,
        }
    }
}

/// Runs what reads a file. The store panics at some pages that are not as it has written them.
pub(super) fn guard<T>(read: impl FnOnce() -> Result<T, DataProblem>) -> Result<T, DataProblem> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(DataProblem::Damaged(text.unwrap_or("no page").to_owned()))
    })
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use redb::StorageError;

    #[test]
    fn a_full_disk_is_told_apart() {
        let of = |kind: ErrorKind| DataProblem::from(io::Error::from(kind)).log_error();
        assert_eq!(of(ErrorKind::StorageFull), LogError::Full);
        assert_eq!(of(ErrorKind::QuotaExceeded), LogError::Full);
        assert_eq!(of(ErrorKind::Other), LogError::Unavailable);
        let broken = DataProblem::from(StorageError::Corrupted("page 7".into()));
        assert_eq!(broken.log_error(), LogError::Unavailable);
        assert!(broken.to_string().contains("page 7"));
    }
}
