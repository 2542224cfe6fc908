//! Whether a file has changed since it was read.
//!
//! Input: what the system says about a file. Output: a [`Stamp`], to compare with a later one.
//! Invariant: two states of a file that differ have different stamps, once the first is settled.

use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// The timestamps of file systems have a resolution, sometimes of two seconds: a file that was
/// changed that recently may change again without a new time.
const TIME_STEP: Duration = Duration::from_secs(2);

/// Distinguishes states of a file without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Device, inode, and the time of the last change of any kind, which programs cannot set.
    #[cfg(unix)]
    unix: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(file: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt as _;
        Self {
            bytes: file.len(),
            modified: file.modified().ok(),
            #[cfg(unix)]
            unix: (file.dev(), file.ino(), file.ctime(), file.ctime_nsec()),
        }
    }

    /// A later change will have another stamp.
    pub(crate) fn is_settled(&self) -> bool {
        #[cfg(unix)]
        let changed = {
            let (_, _, seconds, _) = self.unix;
            let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
            Some(SystemTime::UNIX_EPOCH + since)
        };
        #[cfg(not(unix))]
        let changed = self.modified;
        let age = changed.map(|changed| SystemTime::now().duration_since(changed));
        // A change in the future: the clock has been set back, and stays so for a while.
        age.is_some_and(|age| age.map_or(true, |age| age > TIME_STEP))
    }
}
