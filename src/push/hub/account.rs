//! What one connection has joined of the topics of owners, and how much it may.
//!
//! Plain values. Input: names that it wants to join. Output: whether it may. Invariant: what it has
//! joined never exceeds its limits, whatever was refused before.

use crate::push::few::Few;

/// The bounds of one connection, and of all topics of owners.
#[derive(Clone, Copy, Debug)]
pub(in crate::push) struct OwnerLimits {
    /// Topics of all owners.
    pub(in crate::push) topics: usize,
    /// How many times the topics of a connection must fit into the remaining room.
    pub(in crate::push) topic_share: usize,
    /// Topics of one connection.
    pub(in crate::push) joined: usize,
    /// Bytes of the names of one connection: each owner once, and each topic.
    pub(in crate::push) bytes: usize,
}

/// What a connection has joined.
#[derive(Debug, Default)]
pub(in crate::push) struct Account {
    joined: usize,
    bytes: usize,
    owners: Few<Box<str>>,
}

/// Why a connection may not join a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::push) enum NoRoom {
    /// [`OwnerLimits::joined`].
    TooMany,
    /// [`OwnerLimits::bytes`].
    TooManyBytes,
    /// [`OwnerLimits::topics`] and [`OwnerLimits::topic_share`].
    Full,
}

impl Account {
    /// Adds a topic that the connection has not joined, if there is room for `free` new ones.
    ///
    /// # Errors
    ///
    /// Which limit it would exceed.
    pub(super) fn add(
        &mut self,
        owner: &str,
        name: &str,
        free: usize,
        limits: &OwnerLimits,
    ) -> Result<(), NoRoom> {
        let is_new = !self.owners.as_slice().iter().any(|it| **it == *owner);
        let bytes = self.bytes + name.len() + if is_new { owner.len() } else { 0 };
        if self.joined >= limits.joined {
            return Err(NoRoom::TooMany);
        }
        if bytes > limits.bytes {
            return Err(NoRoom::TooManyBytes);
        }
        if free <= self.joined.saturating_mul(limits.topic_share) {
            return Err(NoRoom::Full);
        }
        self.joined += 1;
        self.bytes = bytes;
        if is_new {
            self.owners.push(owner.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: OwnerLimits = OwnerLimits {
        topics: 100,
        topic_share: 3,
        joined: 4,
        bytes: 20,
    };

    /// The owner `owner` counts once, each name with all its bytes.
    #[test]
    fn a_connection_may_join_up_to_its_limits_and_not_beyond() {
        let mut account = Account::default();
        assert_eq!(account.add("owner", "1234567890", 1, &LIMITS), Ok(()));
        let too_long = account.add("owner", "123456", 100, &LIMITS);
        assert_eq!(too_long, Err(NoRoom::TooManyBytes));
        let another = account.add("other", "1", 100, &LIMITS);
        assert_eq!(another, Err(NoRoom::TooManyBytes));
        assert_eq!(account.add("owner", "1", 100, &LIMITS), Ok(()));
        assert_eq!(account.add("abc", "2", 100, &LIMITS), Ok(()));
        assert_eq!(account.add("abc", "", 100, &LIMITS), Ok(()));
        let one_more = account.add("abc", "", 100, &LIMITS);
        assert_eq!(one_more, Err(NoRoom::TooMany));
    }

    /// What one has joined must fit three times into what is free.
    #[test]
    fn a_connection_with_many_topics_leaves_room_for_others() {
        let mut account = Account::default();
        assert_eq!(account.add("a", "1", 0, &LIMITS), Err(NoRoom::Full));
        assert_eq!(account.add("a", "1", 1, &LIMITS), Ok(()));
        assert_eq!(account.add("a", "2", 3, &LIMITS), Err(NoRoom::Full));
        assert_eq!(account.add("a", "2", 4, &LIMITS), Ok(()));
        assert_eq!(account.add("a", "3", 6, &LIMITS), Err(NoRoom::Full));
        assert_eq!(account.add("a", "3", 7, &LIMITS), Ok(()));
    }
}
