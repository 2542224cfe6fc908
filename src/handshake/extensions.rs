//! The list of extensions: the grammar of RFC 6455 section 9.1.
//!
//! ```text
//! list      = 1#extension            several lines count as one list; empty elements are allowed
//! extension = token *( ";" param )
//! param     = token [ "=" ( token | quoted-string ) ]   what is quoted must be a token inside
//! ```
//!
//! Input: the values of the Sec-WebSocket-Extensions lines. Output: [`Extension`]s in order, or an
//! error if the list is malformed, which fails the handshake. Invariant: one pass, no backtracking.
//! What an extension means is left to `deflate` and the like.

use crate::http::{Fields, is_token_byte};

/// The name of the header field.
pub(super) const FIELD: &str = "Sec-WebSocket-Extensions";

/// A well-formed list of extensions.
#[derive(Clone, Copy, Debug)]
pub struct Extensions<'h> {
    fields: Fields<'h>,
}

/// One element of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'h> {
    /// The extension token, such as `permessage-deflate`.
    pub name: &'h str,
    /// Its parameters, from the first `;` on.
    params: &'h str,
}

/// One parameter of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param<'h> {
    /// The name.
    pub name: &'h str,
    /// The value without its quotes, if there is one. Inside quotes a backslash may still precede a
    /// character.
    pub value: Option<&'h str>,
}

impl<'h> Extensions<'h> {
    /// Checks the whole list; `None` if any part of it breaks the grammar (section 9.1).
    // req: 6455-9.1-01 6455-9.1-02 6455-4.3-01
    pub fn parse(fields: Fields<'h>) -> Option<Self> {
        for value in fields.all(FIELD) {
            let mut rest = Scanner { rest: value };
            let mut found = false;
            loop {
                rest.spaces();
                match rest.peek() {
                    None => break,
                    Some(b',') => rest.bump(),
                    Some(_) => {
                        rest.extension()?;
                        found = true;
                        rest.spaces();
                        if !matches!(rest.peek(), None | Some(b',')) {
                            return None;
                        }
                    }
                }
            }
            if !found {
                return None;
            }
        }
        Some(Self { fields })
    }

    /// The extensions in order.
    pub fn iter(&self) -> impl Iterator<Item = Extension<'h>> + use<'h> {
        self.fields.all(FIELD).flat_map(|value| Elements {
            rest: Scanner { rest: value },
        })
    }

    /// No extension is named.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'h> Extension<'h> {
    /// The parameters in order.
    pub fn params(&self) -> Params<'h> {
        Params {
            rest: Scanner { rest: self.params },
        }
    }
}

struct Elements<'h> {
    rest: Scanner<'h>,
}

impl<'h> Iterator for Elements<'h> {
    type Item = Extension<'h>;

    fn next(&mut self) -> Option<Extension<'h>> {
        loop {
            self.rest.spaces();
            match self.rest.peek()? {
                b',' => self.rest.bump(),
                _ => return self.rest.extension(),
            }
        }
    }
}

/// The parameters of one extension.
#[derive(Clone, Debug)]
pub struct Params<'h> {
    rest: Scanner<'h>,
}

impl<'h> Iterator for Params<'h> {
    type Item = Param<'h>;

    fn next(&mut self) -> Option<Param<'h>> {
        self.rest.spaces();
        self.rest.peek()?;
        self.rest.bump();
        self.rest.param()
    }
}

#[derive(Clone, Debug)]
struct Scanner<'h> {
    rest: &'h str,
}

impl<'h> Scanner<'h> {
    fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    /// Only called on an ASCII byte that `peek` returned.
    fn bump(&mut self) {
        self.rest = &self.rest[1..];
    }

    fn spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn token(&mut self) -> Option<&'h str> {
        let end = self.rest.bytes().position(|byte| !is_token_byte(byte));
        let (token, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!token.is_empty()).then_some(token)
    }

    fn extension(&mut self) -> Option<Extension<'h>> {
        let name = self.token()?;
        self.spaces();
        let params = self.rest;
        while self.peek() == Some(b';') {
            self.bump();
            self.param()?;
            self.spaces();
        }
        let params = &params[..params.len() - self.rest.len()];
        Some(Extension {
            name,
            params: params.trim_end_matches([' ', '\t']),
        })
    }

    fn param(&mut self) -> Option<Param<'h>> {
        self.spaces();
        let name = self.token()?;
        self.spaces();
        if self.peek() != Some(b'=') {
            return Some(Param { name, value: None });
        }
        self.bump();
        self.spaces();
        let value = match self.peek()? {
            b'"' => self.quoted()?,
            _ => self.token()?,
        };
        Some(Param {
            name,
            value: Some(value),
        })
    }

    /// A quoted string whose content, without backslashes, is a token.
    fn quoted(&mut self) -> Option<&'h str> {
        self.bump();
        let text = self.rest;
        let mut characters = 0;
        loop {
            match self.peek()? {
                b'"' if characters > 0 => {
                    let value = &text[..text.len() - self.rest.len()];
                    self.bump();
                    return Some(value);
                }
                b'\\' => {
                    self.bump();
                    self.peek().filter(|byte| is_token_byte(*byte))?;
                }
                byte if is_token_byte(byte) => {}
                _ => return None,
            }
            self.bump();
            characters += 1;
        }
    }
}
