//! A badge for a page: one line of SVG that says how a run ended.
//!
//! Input: counts. Output: an image without a script or a font of its own. Invariant: it says how
//! many failed even if they do not count for the exit status.

use crate::cli::tools::common::markup::Escaped;

/// Pixels of an average character of this font and size; the text is fitted to it.
const CHARACTER: usize = 7;

/// Pixels beside a text.
const MARGIN: usize = 6;

const HEIGHT: usize = 20;

/// What a badge says, and its colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    pub label: &'static str,
    pub message: String,
    pub colour: Colour,
}

/// From good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Green,
    Yellow,
    Orange,
    Red,
}

impl Colour {
    /// The colour of the strictest level at which something failed.
    pub fn of(must: usize, should: usize, quality: usize) -> Self {
        match (must, should, quality) {
            (0, 0, 0) => Self::Green,
            (0, 0, _) => Self::Yellow,
            (0, _, _) => Self::Orange,
            _ => Self::Red,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Green => "#2f7d32",
            Self::Yellow => "#8a6d00",
            Self::Orange => "#b35900",
            Self::Red => "#b3261e",
        }
    }
}

impl Badge {
    pub fn svg(&self) -> String {
        let Self {
            label,
            message,
            colour,
        } = self;
        let (left, right) = (width(label), width(message));
        let (all, label, message) = (left + right, Escaped(label), Escaped(message));
        let (at, then) = (MARGIN, left + MARGIN);
        let (first, second) = (left - 2 * MARGIN, right - 2 * MARGIN);
        let colour = colour.code();
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{all}\" height=\"{HEIGHT}\" \
             role=\"img\" aria-label=\"{label}: {message}\">\
             <title>{label}: {message}</title>\
             <rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"#444\"/>\
             <rect x=\"{left}\" width=\"{right}\" height=\"{HEIGHT}\" fill=\"{colour}\"/>\
             <g fill=\"#fff\" font-family=\"Verdana,sans-serif\" font-size=\"11\">\
             <text x=\"{at}\" y=\"14\" textLength=\"{first}\">{label}</text>\
             <text x=\"{then}\" y=\"14\" textLength=\"{second}\">{message}</text></g></svg>\n"
        )
    }
}

fn width(text: &str) -> usize {
    text.chars().count() * CHARACTER + 2 * MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_level_decides_the_colour() {
        for (counts, colour) in [
            ((0, 0, 0), Colour::Green),
            ((0, 0, 1), Colour::Yellow),
            ((0, 1, 1), Colour::Orange),
            ((1, 0, 0), Colour::Red),
        ] {
            assert_eq!(Colour::of(counts.0, counts.1, counts.2), colour);
        }
    }

    #[test]
    fn a_text_is_escaped_and_fits() {
        let badge = Badge {
            label: "RFC 6455",
            message: "<3".into(),
            colour: Colour::Red,
        };
        let svg = badge.svg();
        assert!(svg.contains("&lt;3</text>"), "{svg}");
        assert!(svg.contains("width=\"94\""), "{svg}");
    }
}
