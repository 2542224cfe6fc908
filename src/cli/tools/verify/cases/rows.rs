//! Tables of heads: what is changed in a valid one, and at which level.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::head::Head;

/// A change to a valid head.
pub type Change = fn(&mut Head);

/// The name of the case, its section, its level, a description of the head, and the change.
pub type Row = (&'static str, &'static str, Level, &'static str, Change);

/// Renames all fields.
pub fn each(head: &mut Head, change: fn(&str) -> String) {
    for (name, _) in &mut head.fields {
        *name = change(name);
    }
}
