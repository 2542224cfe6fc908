//! The dialects: how clients of other push servers say what the hub understands.
//!
//! Each file converts between one dialect and values, and knows neither sockets nor the hub.

mod json;
pub mod wserver;
