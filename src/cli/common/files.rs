//! How many files this process may have open, sockets among them: the soft limit of the system,
//! raised as far as the hard limit lets it.
//!
//! Input: nothing but the limits of the process. Output: the limit that holds from then on.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one and returns what holds then; `None` if nothing bounds it.
pub fn raise_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Some systems refuse what the hard limit seems to allow.
        Err(_) => limit.current,
    }
}

/// Files that are open now, those inherited from the parent included.
pub fn open_now() -> u64 {
    // Every Unix has this directory; its own descriptor is one too many.
    let listed = std::fs::read_dir("/dev/fd").map(|files| files.count() as u64);
    listed.map_or(STANDARD, |count| count.saturating_sub(1))
}

/// Input, output and errors.
const STANDARD: u64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let limit = raise_limit();
        assert_eq!(raise_limit(), limit);
        assert_eq!(getrlimit(Resource::Nofile).current, limit);
    }

    #[test]
    fn an_open_file_is_counted() {
        let before = open_now();
        assert!(before >= STANDARD);
        // Other tests open and close files meanwhile, but not so many.
        let files: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null")).collect();
        assert!(open_now() >= before + 100);
        drop(files);
    }
}
