//! Stands in for `notify`, in a build that reports to no service manager.
//!
//! Input: nothing. Output: nothing.

/// Does nothing.
#[derive(Debug)]
pub struct Notify;

impl Notify {
    /// Reads nothing.
    pub fn from_environment() -> Self {
        Self
    }

    /// Does nothing.
    pub fn taken_over(&self) {}

    /// Does nothing.
    pub fn leaving(&self) -> impl FnOnce() + Send + 'static {
        || {}
    }

    /// Does nothing.
    pub fn serving(&self, _places: &str, _reports: impl Fn() -> Vec<u64> + Send + 'static) {}

    /// Does nothing.
    pub fn reloading(&self) {}

    /// Does nothing.
    pub fn reloaded(&self) {}

    /// Does nothing.
    pub fn stopping(&self) {}
}
