//! How many files this process has open, sockets among them.
//!
//! Input: nothing but the process. Output: their number. How many it may have is left to
//! `common::files`.

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
    fn an_open_file_is_counted() {
        let before = open_now();
        assert!(before >= STANDARD);
        // Other tests open and close files meanwhile, but not so many.
        let files: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null")).collect();
        assert!(open_now() >= before + 100);
        drop(files);
    }
}
