//! Text escaped for HTML or XML.

use std::fmt::{self, Write as _};

/// Escapes all markup. XML cannot contain control characters, so they are replaced, except line
/// ends.
pub struct Escaped<'t>(pub &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_char('\n')?,
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_markup() {
        let shown = Escaped("<a b=\"'&'\">\n\u{7}é").to_string();
        assert_eq!(shown, "&lt;a b=&quot;&#39;&amp;&#39;&quot;&gt;\n\u{FFFD}é");
    }
}
