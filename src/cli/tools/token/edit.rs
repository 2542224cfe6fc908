//! Editing the file of tokens, so that a server never reads a part of it.
//!
//! Input: its path. Output: the file with the changes, with comments and layout as they were, and
//! with the same owner and mode. Invariant: the new content is on the disk before it takes the
//! place of the old one, and two edits cannot undo each other: the temporary file is the lock.

use crate::cli::common::Failure;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use toml_edit::DocumentMut;
use wirebell::push::Tokens;

/// An edit under way. Without `commit` it leaves everything as it was.
pub struct Edit {
    pub document: DocumentMut,
    /// The file itself, not a link to it.
    path: PathBuf,
    new: File,
    new_path: PathBuf,
    /// The new file is the old one's successor, and its former name may be that of another edit.
    is_done: bool,
}

/// The content of the file, which must be valid.
pub fn read(path: &Path) -> Result<(DocumentMut, Tokens), Failure> {
    let text = fs::read_to_string(path).map_err(|error| failed(path, error))?;
    let tokens = Tokens::parse(&text).map_err(|error| failed(path, error))?;
    let document = text.parse().map_err(|error| failed(path, error))?;
    Ok((document, tokens))
}

fn failed(path: &Path, problem: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {problem}", path.display()))
}

impl Edit {
    /// Reads the file. If it is missing and `may_create`, it is as if it were empty.
    pub fn begin(path: &Path, may_create: bool) -> Result<Self, Failure> {
        let path = match fs::canonicalize(path) {
            Err(error) if error.kind() == ErrorKind::NotFound && may_create => path.to_owned(),
            found => found.map_err(|error| failed(path, error))?,
        };
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let new_path = path.with_file_name(name);
        let mut options = OpenOptions::new();
        let new = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new_path);
        let new = new.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => failed(
                &new_path,
                "another edit is under way; if there is none, remove this file",
            ),
            _ => failed(&new_path, error),
        })?;
        let mut edit = Self {
            document: DocumentMut::new(),
            path,
            new,
            new_path,
            is_done: false,
        };
        if edit.path.exists() || !may_create {
            edit.document = read(&edit.path)?.0;
        }
        Ok(edit)
    }

    /// The tokens as the server will read them.
    pub fn tokens(&self) -> Result<Tokens, Failure> {
        let text = self.document.to_string();
        Tokens::parse(&text).map_err(|error| self.fail(&error.to_string()))
    }

    /// A failure that names the file.
    pub fn fail(&self, problem: &str) -> Failure {
        failed(&self.path, problem)
    }

    /// Replaces the file.
    pub fn commit(mut self) -> Result<(), Failure> {
        let written = self.write();
        written.map_err(|error| failed(&self.path, error))
    }

    fn write(&mut self) -> io::Result<()> {
        self.new.write_all(self.document.to_string().as_bytes())?;
        if let Ok(old) = fs::metadata(&self.path) {
            let new = self.new.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                chown(&self.new_path, Some(old.uid()), Some(old.gid()))?;
            }
            let mode = fs::Permissions::from_mode(old.mode() & 0o777);
            self.new.set_permissions(mode)?;
        }
        self.new.sync_all()?;
        fs::rename(&self.new_path, &self.path)?;
        self.is_done = true;
        let folder = match self.path.parent() {
            None => return Ok(()),
            Some(here) if here.as_os_str().is_empty() => Path::new("."),
            Some(folder) => folder,
        };
        File::open(folder)?.sync_all()
    }
}

impl Drop for Edit {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = fs::remove_file(&self.new_path);
        }
    }
}
