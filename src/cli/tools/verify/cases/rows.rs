//! Tables of heads: what is changed in a good one, and how much an endpoint owes it.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::head::Head;

/// What is changed in a good head.
pub type Change = fn(&mut Head);

/// The name of the case, its section, its level, what the head has, and how it comes to have it.
pub type Row = (&'static str, &'static str, Level, &'static str, Change);

/// Changes the names of all fields.
pub fn each(head: &mut Head, change: fn(&str) -> String) {
    for (name, _) in &mut head.fields {
        *name = change(name);
    }
}
