//! What others sent, made fit for a terminal: the one place that escapes untrusted text.
//!
//! Input: text or bytes from a peer. Output: text in which nothing is an instruction to the
//! terminal. Escape sequences could otherwise rename the window, hide lines or fill the input.

/// Text in which line ends and tabs may stay.
pub fn visible(text: &str) -> String {
    escape(text, |c| c.is_control() && !matches!(c, '\t' | '\n'))
}

/// Text in which those characters are escaped that must be.
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
