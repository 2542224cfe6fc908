//! Why a case did not pass: something was wrong, or it could not be asked.

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The endpoint did something else.
    Wrong(String),
    /// The question cannot be asked: what it needs was not agreed on.
    NotAsked(String),
}

impl Trouble {
    pub fn wrong<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Wrong(what.into()))
    }
}
