//! What can only be seen of a process: its memory, its time, and what it does without files.

mod budget;
mod files;
mod memory;
