//! How many files, including sockets, this process may have open: the soft limit of the system,
//! raised to the hard limit if possible.
//!
//! Input: the limits of the process. Output: the limit in force from then on.

use rlimit::{INFINITY, Resource};

/// Raises the soft limit to the hard one and returns the limit in force; `None` if there is none.
pub fn raise_limit() -> Option<u64> {
    let (soft, hard) = Resource::NOFILE.get().ok()?;
    // Some systems refuse values that the hard limit seems to allow.
    let refused = Resource::NOFILE.set(hard, hard).is_err();
    let limit = if refused { soft } else { hard };
    (limit != INFINITY).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise_limit();
        assert_eq!(raise_limit(), limit);
        let (soft, _) = Resource::NOFILE.get().unwrap();
        assert_eq!(soft, limit.unwrap_or(INFINITY));
    }
}
