//! What a source file says of other modules: its `mod`, its `use`, and the paths in its code.
//!
//! Input: the text of a file. Output: [`Names`]. Invariant: comments, texts and what is there for
//! tests only do not count. What a name stands for is the business of `circles`.

use std::collections::BTreeSet;

/// `crate::a::B` as its segments.
pub type Path = Vec<String>;

/// All that a file names.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `mod name;`, with the file of a `#[path = ...]`.
    pub modules: Vec<(String, Option<String>)>,
    /// What `use` brings in, by the name that it has here.
    pub imports: Vec<(String, Path)>,
    /// `use path::*`.
    pub globs: Vec<Path>,
    /// Paths of at least two segments in the code.
    pub paths: Vec<Path>,
    /// What is defined here.
    pub items: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// An identifier, a keyword or a number.
    Word(String),
    /// A text, without its quotes.
    Text(String),
    /// `::`
    Colons,
    Sign(char),
}

impl Names {
    pub fn of(text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        let mut names = Self::default();
        let mut at = 0;
        while at < tokens.len() {
            at = names.read(&tokens, at);
        }
        names
    }

    /// Reads what begins at a token, and returns where the next begins.
    fn read(&mut self, tokens: &[Token], at: usize) -> usize {
        const KINDS: [&str; 9] = [
            "fn", "struct", "enum", "union", "trait", "type", "const", "static", "mod",
        ];
        let Token::Word(word) = &tokens[at] else {
            return at + 1;
        };
        let next = tokens.get(at + 1);
        if word == "use" {
            return self.import(tokens, at + 1, Path::new());
        }
        if let Some(Token::Word(name)) = next
            && KINDS.contains(&word.as_str())
        {
            if word == "mod" && tokens.get(at + 2) == Some(&Token::Sign(';')) {
                let file = told_file(&tokens[..at]);
                self.modules.push((name.clone(), file));
            } else {
                self.items.insert(name.clone());
            }
            return at + 1;
        }
        let continues = at > 0 && matches!(tokens[at - 1], Token::Colons | Token::Sign('.'));
        let (path, end) = path(tokens, at);
        if path.len() > 1 && !continues {
            self.paths.push(path);
        }
        end
    }

    /// Reads one tree of a `use`, after its prefix.
    fn import(&mut self, tokens: &[Token], mut at: usize, mut path: Path) -> usize {
        let mut alias = None;
        while let Some(token) = tokens.get(at) {
            match token {
                Token::Colons if path.is_empty() => path.push(String::new()), // Another crate.
                Token::Word(word) if word == "as" => {
                    alias = tokens.get(at + 1).and_then(Token::word);
                    at += 1;
                }
                Token::Word(word) if word == "self" && !path.is_empty() => {}
                Token::Word(word) => path.push(word.clone()),
                Token::Sign('*') => {
                    self.globs.push(path);
                    return at + 1;
                }
                Token::Sign('{') => {
                    at += 1;
                    while tokens
                        .get(at)
                        .is_some_and(|token| *token != Token::Sign('}'))
                    {
                        at = self.import(tokens, at, path.clone());
                        at += usize::from(tokens.get(at) == Some(&Token::Sign(',')));
                    }
                    return at + 1;
                }
                Token::Colons => {}
                Token::Sign(_) | Token::Text(_) => break,
            }
            at += 1;
        }
        if let Some(name) = alias.or_else(|| path.last().cloned()) {
            self.imports.push((name, path));
        }
        at
    }
}

impl Token {
    fn word(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.clone()),
            _ => None,
        }
    }
}

/// The path that begins at a word, and where it ends.
fn path(tokens: &[Token], mut at: usize) -> (Path, usize) {
    let mut path = Path::new();
    while let Some(Token::Word(word)) = tokens.get(at) {
        path.push(word.clone());
        at += 1;
        match (tokens.get(at), tokens.get(at + 1)) {
            (Some(Token::Colons), Some(Token::Word(_))) => at += 1,
            _ => break,
        }
    }
    (path, at)
}

/// The text of a `#[path = "..."]` among the attributes right before an item.
fn told_file(before: &[Token]) -> Option<String> {
    let visibility = |token: &Token| match token {
        Token::Word(word) => ["pub", "crate", "super"].contains(&word.as_str()),
        Token::Sign(sign) => "()".contains(*sign),
        Token::Text(_) | Token::Colons => false,
    };
    let mut end = before.iter().rposition(|token| !visibility(token))? + 1;
    loop {
        let starts = |at: &usize| attribute_end(before, *at) == end && end > *at;
        let start = (0..end).rev().find(starts)?;
        match &before[start + 2..end - 1] {
            [Token::Word(path), Token::Sign('='), Token::Text(file)] if path == "path" => {
                return Some(file.clone());
            }
            _ => end = start,
        }
    }
}

/// Without the items, fields and statements after a `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let end = attribute_end(tokens, at);
        if end > at && is_for_tests(&tokens[at..end]) {
            at = item_end(tokens, end);
        } else {
            let end = end.max(at + 1);
            kept.extend_from_slice(&tokens[at..end]);
            at = end;
        }
    }
    kept
}

/// Where an attribute ends, or `at` if none begins there.
fn attribute_end(tokens: &[Token], at: usize) -> usize {
    if tokens[at..].starts_with(&[Token::Sign('#'), Token::Sign('[')]) {
        closing(tokens, at + 1) + 1
    } else {
        at
    }
}

fn is_for_tests(attribute: &[Token]) -> bool {
    let has = |word: &str| attribute.contains(&Token::Word(word.into()));
    has("cfg") && has("test") && !has("not")
}

/// Where an item ends: after its `;` or `,`, or after its braces.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    let mut angles = 0_i32;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Sign('#') => at = attribute_end(tokens, at).max(at + 1) - 1,
            Token::Sign('(' | '[') => at = closing(tokens, at),
            Token::Sign('{') => return closing(tokens, at) + 1,
            Token::Sign('<') => angles += 1,
            Token::Sign('>') if tokens[at - 1] != Token::Sign('-') => angles -= 1,
            Token::Sign(';') => return at + 1,
            Token::Sign(',') if angles <= 0 => return at + 1,
            Token::Sign('}' | ')' | ']') => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Where the bracket closes that opens at a token.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len() - 1
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = if first.is_whitespace() {
            rest.trim_start()
        } else if rest.starts_with("//") {
            rest.split_once('\n').map_or("", |(_, rest)| rest)
        } else if let Some(inside) = rest.strip_prefix("/*") {
            inside.split_once("*/").map_or("", |(_, rest)| rest)
        } else if let Some(end) = raw_text(rest) {
            tokens.push(Token::Text(rest[..end].into()));
            &rest[end..]
        } else if first == '"' {
            let end = text_end(rest);
            tokens.push(Token::Text(rest[1..end - 1].into()));
            &rest[end..]
        } else if first == '\'' {
            &rest[quote_end(rest)..]
        } else if let Some(rest) = rest.strip_prefix("::") {
            tokens.push(Token::Colons);
            rest
        } else {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
            if end == 0 {
                tokens.push(Token::Sign(first));
            } else if !rest[end..].starts_with(['"', '\'']) {
                tokens.push(Token::Word(rest[..end].into()));
            } // Otherwise the `b` before a text of bytes.
            &rest[end.max(first.len_utf8())..]
        };
    }
    tokens
}

/// Where a text such as `r#"..."#` ends, if one begins here.
fn raw_text(rest: &str) -> Option<usize> {
    let open = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let inside = open.trim_start_matches('#');
    let marks = &open[..open.len() - inside.len()];
    let end = inside.strip_prefix('"')?.find(&format!("\"{marks}"))?;
    Some(rest.len() - inside.len() + 1 + end + 1 + marks.len())
}

fn text_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

/// Where a character, or the name of a lifetime, ends.
fn quote_end(rest: &str) -> usize {
    let mut inside = rest[1..].char_indices();
    match inside.next() {
        Some((_, '\\')) => rest[3..].find('\'').map_or(rest.len(), |at| at + 4),
        Some((_, c)) if rest[1 + c.len_utf8()..].starts_with('\'') => 2 + c.len_utf8(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
        paths.into_iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn imports_are_read_in_all_their_forms() {
        let names = Names::of(
            "use crate::{a::X, b::{self, c as d, e::*}};\npub(crate) use super::f;\nuse ::g::H;\n\
             pub use self::i::{J as _};\n",
        );
        let imports: Vec<&str> = names
            .imports
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(imports, ["X", "b", "d", "f", "H", "_"]);
        let paths = joined(names.imports.iter().map(|(_, path)| path));
        let expected = [
            "crate::a::X",
            "crate::b",
            "crate::b::c",
            "super::f",
            "::g::H",
            "self::i::J",
        ];
        assert_eq!(paths, expected);
        assert_eq!(joined(&names.globs), ["crate::b::e"]);
    }

    #[test]
    fn paths_are_read_where_they_stand() {
        let names = Names::of(
            "/// crate::no::No\nfn f(x: &'a super::A) -> b::B<crate::c::C> { /* d::D */\n    \
             x.e::<f::F>(); g::h!(\"i::I\", 'j', '\\'', b\"k::K\", r#\"l::L\"#);\n    \
             $crate::m::n(o)\n}\n",
        );
        let expected = [
            "super::A",
            "b::B",
            "crate::c::C",
            "f::F",
            "g::h",
            "crate::m::n",
        ];
        assert_eq!(joined(&names.paths), expected);
        assert!(names.items.contains("f"));
    }

    #[test]
    fn modules_are_read_with_their_files() {
        let names = Names::of(
            "mod a;\n#[cfg(not(feature = \"b\"))]\n#[path = \"no_b.rs\"]\n#[allow(c)]\n\
             pub(crate) mod b;\nmod d { }\n",
        );
        let expected = [("a".into(), None), ("b".into(), Some("no_b.rs".into()))];
        assert_eq!(names.modules, expected);
        assert!(names.items.contains("d"));
    }

    #[test]
    fn tests_do_not_count() {
        let names = Names::of(
            "#[cfg(test)]\nmod tests;\nstruct A {\n    #[cfg(all(test, feature = \"x\"))]\n    \
             b: Vec<c::C, d::D>,\n    e: f::F,\n}\n#[cfg(test)]\n#[derive(g::G)]\nfn h(i: [u8; 4])\
             {\n    j::J\n}\n#[cfg(not(test))]\nuse k::K;\n#[cfg(test)]\nuse l::{L};\n\
             fn m() { n::N }\n",
        );
        assert_eq!(joined(&names.paths), ["f::F", "n::N"]);
        assert_eq!(joined(names.imports.iter().map(|(_, path)| path)), ["k::K"]);
        assert!(names.modules.is_empty());
    }
}
