//! What of the server's own state outlives it: a few named values, such as users and their tokens.
//!
//! ```text
//!   write(changes, done) ──▶ kept, all or none ──▶ done(Ok)      in the order of the calls
//! ```
//!
//! Input: changes. Output: an answer for each call once it is as durable as the store is.
//! Invariants: the changes of one call are kept together or not at all, and calls are answered in
//! their order. Histories are left to the log and the hub, the meaning of a value to its owner.

use crate::push::log::LogError;
use crate::push::name::Pattern;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Keeps named values. No call waits for anything slow, except [`Store::load`], which is for the
/// start.
pub trait Store: fmt::Debug + Send + Sync {
    /// All values and their keys, in the order of the keys.
    ///
    /// # Errors
    ///
    /// [`LogError::Unavailable`]: they cannot be read.
    fn load(&self) -> Result<Vec<(String, Vec<u8>)>, LogError>;

    /// Makes these changes and then calls `done`, at once or from another thread. It must not
    /// wait.
    fn write(&self, changes: Vec<Change>, done: Done);
}

/// What is called once changes are durable, or with the reason why they are not.
pub type Done = Box<dyn FnOnce(Result<(), LogError>) + Send>;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key has this value from now on.
    Put(String, Vec<u8>),
    /// The key no longer has a value.
    Delete(String),
    /// The log no longer keeps the records of this pattern with these sequence numbers, which are
    /// in order. They are no gap for subscribers that resume, as if their TTL had ended.
    Forget(Pattern, Vec<u64>),
}

/// A store that ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    values: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryStore {
    /// With these values.
    pub fn with(values: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self {
            values: Mutex::new(values.into_iter().collect()),
        }
    }
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Vec<(String, Vec<u8>)>, LogError> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(values.clone().into_iter().collect())
    }

    fn write(&self, changes: Vec<Change>, done: Done) {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put(key, value) => drop(values.insert(key, value)),
                Change::Delete(key) => drop(values.remove(&key)),
                Change::Forget(..) => {} // A log in memory keeps no records.
            }
        }
        drop(values);
        done(Ok(()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_a_key_counts() {
        let store = MemoryStore::default();
        let put = |key: &str, value: u8| Change::Put(key.to_owned(), vec![value]);
        let changes = vec![put("b", 1), put("a", 2), put("c", 3), put("b", 4)];
        let (said, answers) = std::sync::mpsc::channel();
        let again = said.clone();
        store.write(changes, Box::new(move |done| said.send(done).unwrap()));
        let changes = vec![
            Change::Delete("c".into()),
            Change::Forget("a".parse().unwrap(), vec![1]),
        ];
        store.write(changes, Box::new(move |done| again.send(done).unwrap()));
        let values = vec![("a".to_owned(), vec![2]), ("b".to_owned(), vec![4])];
        assert_eq!(store.load(), Ok(values));
        assert_eq!(answers.iter().collect::<Vec<_>>(), [Ok(()), Ok(())]);
    }
}
