//! The whole push server: publishers, and subscribers of every transport that stall, vanish and
//! resume from their last position.

mod body;
mod checks;
mod plan;
mod publishers;
mod spy;
mod subscriber;
mod world;

pub use plan::Plan;
