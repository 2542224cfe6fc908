//! The dialects: how clients of other push servers say what the hub understands.
//!
//! Each file turns the words of one dialect into values and back, and knows neither sockets nor
//! the hub.

mod json;
pub mod wserver;
