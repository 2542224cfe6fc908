//! How a loop is woken from another thread: by the driver's event queue, or by a test.
//!
//! When that is necessary is left to `mailbox` and `memory`.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Wakes one loop; cheap to clone.
#[derive(Clone)]
pub(crate) struct Wake(Arc<dyn Fn() -> io::Result<()> + Send + Sync>);

impl Wake {
    pub(crate) fn new(wake: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    pub(crate) fn wake(&self) {
        if let Err(error) = (self.0)() {
            log::error!("an event loop cannot be woken: {error}");
        }
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}
