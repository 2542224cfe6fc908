//! Grants on their way to another process.
//!
//! Input: a grant. Output: bytes; of bytes, the same grant. Whether it still holds is asked there.

use crate::net::fields::{Reader, Writer};
use crate::push::auth::grant::{Grant, Proof, Source};

impl Grant {
    pub(in crate::push) fn write(&self, out: &mut Writer) {
        out.text(&self.name);
        for patterns in [&self.publish, &self.subscribe] {
            out.list(patterns.iter(), |out, pattern| out.text(pattern.as_str()));
        }
        out.flag(self.admin);
        out.option(self.expires, Writer::number);
        out.text(&self.proof.digest.to_string());
        out.byte(match self.proof.source {
            Source::File => 0,
            #[cfg(feature = "jwt")]
            Source::Jwt => 1,
            Source::Function => 2,
        });
    }

    pub(in crate::push) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let patterns = |from: &mut Reader<'_>| from.list(|from| from.text()?.parse().ok());
        Some(Self {
            name: from.text()?.into(),
            publish: patterns(from)?,
            subscribe: patterns(from)?,
            admin: from.flag()?,
            expires: from.option(Reader::number)?,
            proof: Proof {
                digest: from.text()?.parse().ok()?,
                source: match from.byte()? {
                    0 => Source::File,
                    #[cfg(feature = "jwt")]
                    1 => Source::Jwt,
                    2 => Source::Function,
                    _ => return None,
                },
            },
        })
    }
}
