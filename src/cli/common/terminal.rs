//! Text from peers, made safe for a terminal: the one place that escapes untrusted text.
//!
//! Input: text or bytes from a peer. Output: text without control sequences. Escape sequences could
//! otherwise rename the window, hide lines or fill the input.

/// Escapes control characters, except line ends and tabs.
pub fn visible(text: &str) -> String {
    escape(text, |c| c.is_control() && !matches!(c, '\t' | '\n'))
}

/// Escapes the characters for which `must` is true.
pub fn escape(text: &str, must: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match must(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        let evil = "\u{1b}[2J\u{9b}31m\r\u{7f}\u{8}a\nb\tc";
        let shown = visible(evil);
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
        assert!(shown.contains("\\u{1b}[2J"), "{shown}");
    }
}
