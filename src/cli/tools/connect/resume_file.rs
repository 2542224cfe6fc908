//! `--resume-file`: the position after the last message that was printed.
//!
//! Input: positions. Output: a file with the last of them, which the next start reads. Invariants:
//! the file has a whole position at any time, that of a message that was printed, so a process that
//! is killed repeats a message rather than lose one; it is written only when the position changes.

use crate::cli::common::Failure;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use wirebell::push::Position;

/// A file with a position.
pub struct ResumeFile {
    path: PathBuf,
    stored: Option<Position>,
}

impl ResumeFile {
    /// Reads the file, which may be missing.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed =
            |what: String| Failure::failed(format!("--resume-file {}: {what}", path.display()));
        // The file that a link leads to is replaced, not the link.
        let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let stored = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error.to_string())),
            Ok(metadata) if !metadata.is_file() => {
                return Err(failed("not a regular file".into()));
            }
            Ok(_) => {
                let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
                let position = text.trim().parse().map_err(|error| {
                    failed(format!("{error}; remove it to start without a position"))
                })?;
                Some(position)
            }
        };
        Ok(Self {
            path: path.clone(),
            stored,
        })
    }

    /// Where the last run ended.
    pub fn position(&self) -> Option<Position> {
        self.stored
    }

    /// Stores a position.
    pub fn store(&mut self, position: Position) -> Result<(), Failure> {
        if self.stored == Some(position) {
            return Ok(());
        }
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let written = fs::write(&new, format!("{position}\n"));
        let written = written.and_then(|()| fs::rename(&new, &self.path));
        let path = self.path.display();
        written.map_err(|error| Failure::failed(format!("--resume-file {path}: {error}")))?;
        self.stored = Some(position);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_kept_and_nothing_else_is_taken_for_one() {
        let folder = std::env::temp_dir().join(format!("wirebell-resume-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("position");
        let mut file = ResumeFile::open(&path).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(file.position(), None);
        let position = "q7c2m4-41".parse().unwrap();
        file.store(position)
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "q7c2m4-41\n");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let again = ResumeFile::open(&path).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(again.position(), Some(position));
        // What has not changed is not written again.
        fs::remove_file(&path).unwrap();
        file.store(position)
            .unwrap_or_else(|failure| panic!("{failure}"));
        assert!(!path.exists());
        for bad in ["", "q7c2m4", "all"] {
            fs::write(&path, bad).unwrap();
            assert!(ResumeFile::open(&path).is_err(), "{bad:?}");
        }
        assert!(ResumeFile::open(&folder).is_err());
        fs::remove_dir_all(&folder).unwrap();
    }
}
