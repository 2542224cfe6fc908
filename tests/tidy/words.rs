//! Phrases that have no place in the project's texts, as there is a plainer one for each.
//!
//! Input: a path and the text of a file. Output: the phrases in it, with the words around them.
//! Invariant: case does not matter, nor where a line of a text or a comment ends.

/// Phrases, in lower case. One is found between two characters that are not letters.
const PHRASES: [&str; 19] = [
    "anew",
    "as good as",
    "behind its close",
    "behind our close",
    "comes in:",
    "everybody",
    "for itself",
    "for want of",
    "goes out:",
    "in the midst of",
    "looked at any more",
    "nobody",
    "not asked",
    "of its own accord",
    "one behind the other",
    "shall",
    "so many bytes",
    "somebody",
    "whoever",
];

pub fn unwanted(path: &str, text: &str) -> Vec<String> {
    let text = one_line(text);
    let mut problems = Vec::new();
    for phrase in PHRASES {
        for (at, _) in text.match_indices(phrase) {
            let (before, after) = (&text[..at], &text[at + phrase.len()..]);
            let inside = before.ends_with(char::is_alphabetic)
                || phrase.ends_with(char::is_alphabetic) && after.starts_with(char::is_alphabetic);
            if !inside {
                let start: String = before.chars().rev().take(30).collect();
                let start: String = start.chars().rev().collect();
                let end: String = after.chars().take(30).collect();
                problems.push(format!("{path}: …{start}{phrase}{end}…"));
            }
        }
    }
    problems
}

/// Lower case, without the marks of comments and quotations, and with one space between words.
fn one_line(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim_start();
        let marks = ["//!", "///", "//", ">", "*", "#"];
        let rest = marks.iter().find_map(|mark| line.strip_prefix(mark));
        rest.unwrap_or(line)
    });
    let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ").to_lowercase()
}
