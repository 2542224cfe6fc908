//! Why a case did not pass: the endpoint did something wrong, or the case does not apply.

/// Why a case did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The endpoint did something wrong.
    Fail(String),
    /// The case does not apply: what it needs was not negotiated.
    Skip(String),
}

impl Problem {
    pub fn fail<T>(what: impl Into<String>) -> Result<T, Self> {
        Err(Self::Fail(what.into()))
    }
}
