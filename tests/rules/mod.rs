//! The rules of sections 5 to 8 and 10.4 as tables: what a peer may send, and what happens if it
//! sends something else.

mod bounds;
mod close_frames;
mod control_frames;
mod failure;
mod first_bytes;
mod lengths;
mod messages;
mod misuse;
mod sending;
pub mod violations;
