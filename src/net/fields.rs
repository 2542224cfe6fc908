//! Fields of records that one process writes and another one reads.
//!
//! Input: numbers and bytes. Output: the same, little-endian, with lengths before what has one.
//! Invariant: reading never goes past the end, whatever the bytes are.

/// Writes fields.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

/// Reads fields in the same order.
#[derive(Debug)]
pub(crate) struct Reader<'b>(pub(crate) &'b [u8]);

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.byte(value.into());
    }

    pub(crate) fn number(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// A value that may not be there.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// Several values.
    #[cfg(any(feature = "push", test))]
    pub(crate) fn list<T>(
        &mut self,
        values: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.number(values.len() as u64);
        values.for_each(|value| write(self, value));
    }
}

impl<'b> Reader<'b> {
    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    pub(crate) fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (first, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(first)
    }

    pub(crate) fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// `Some(None)` if the value is not there.
    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.flag()? {
            true => Some(Some(read(self)?)),
            false => Some(None),
        }
    }

    #[cfg(any(feature = "push", test))]
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        // Nothing is reserved: the number may be wrong.
        (0..self.number()?).map(|_| read(self)).collect()
    }

    /// Everything was read.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let mut out = Writer::default();
        out.byte(7);
        out.flag(true);
        out.number(u64::MAX);
        out.text("café");
        out.option(Some(3), Writer::number);
        out.option(None, Writer::number);
        out.list([1, 2].into_iter(), Writer::number);
        for end in 0..out.0.len() {
            let mut cut = Reader(&out.0[..end]);
            let all = || {
                cut.byte()?;
                cut.flag()?;
                cut.number()?;
                cut.text()?;
                cut.option(Reader::number)?;
                cut.option(Reader::number)?;
                cut.list(Reader::number)
            };
            assert_eq!({ all }(), None, "{end}");
        }
        let mut all = Reader(&out.0);
        assert_eq!((all.byte(), all.flag()), (Some(7), Some(true)));
        assert_eq!((all.number(), all.text()), (Some(u64::MAX), Some("café")));
        assert_eq!(all.option(Reader::number), Some(Some(3)));
        assert_eq!(all.option(Reader::number), Some(None));
        assert_eq!(all.list(Reader::number), Some(vec![1, 2]));
        assert!(all.is_done());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut all = Reader(&bytes);
            let _ = all.list(|it| it.option(Reader::bytes));
            let mut all = Reader(&bytes);
            let _ = (all.text(), all.list(Reader::number));
        }
    }
}
