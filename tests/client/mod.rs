//! The blocking client, against our server and against scripted ones.

mod exchange;
mod strangers;
