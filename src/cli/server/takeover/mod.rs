//! Upgrades without reconnects: a new process takes over the sockets of the one that serves.
//!
//! ```text
//!   new                                       old, at --upgrade-socket
//!    │── hello, with a version ───────────────▶│  rests: reads and accepts nothing more
//!    │◀─ listeners · log · connections · end ──│  still has all of it
//!    │   starts, without reading or writing    │
//!    │── done, with a count ──────────────────▶│  lets go, and closes what is left with 1012
//!    │── ends the conversation ───────────────▶│  may end
//! ```
//!
//! Input: `--take-over SOCKET` and `--upgrade-socket SOCKET`. Output: a server that goes on.
//! Invariant: the last message decides. If it is not there in time, the old process ends the
//! conversation before it goes on, so the new one cannot send it any more, and ends.
//!
//! Reading order: `wire`, `give`, `handed`, `take`, `settings`.

mod give;
mod handed;
mod settings;
mod take;
mod wire;

pub use handed::{Handed, HandedListener};
pub use settings::{TakeOverArgs, UpgradeSettings};
pub use take::{Taken, TakenOver};
