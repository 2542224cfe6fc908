//! A list that usually has one item, and then needs no memory of its own.
//!
//! Most connections subscribe to one topic, and there may be a million of them.

/// Items in no particular order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Few<T> {
    #[default]
    None,
    One(T),
    /// Behind one pointer, so that the whole is small.
    Several(Box<Several<T>>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Several<T> {
    items: Vec<T>,
}

impl<T> Few<T> {
    pub(super) fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(item) => std::slice::from_ref(item),
            Self::Several(several) => &several.items,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::None => &mut [],
            Self::One(item) => std::slice::from_mut(item),
            Self::Several(several) => &mut several.items,
        }
    }

    pub(super) fn push(&mut self, item: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(item),
            Self::One(first) => Self::Several(Box::new(Several {
                items: vec![first, item],
            })),
            Self::Several(mut several) => {
                several.items.push(item);
                Self::Several(several)
            }
        };
    }

    /// Removes the items that are not to be kept, and returns them.
    pub(super) fn split_off(&mut self, mut keep: impl FnMut(&T) -> bool) -> Vec<T> {
        let (kept, gone): (Vec<T>, Vec<T>) = std::mem::take(self)
            .into_iter()
            .partition(|item| keep(item));
        kept.into_iter().for_each(|item| self.push(item));
        gone
    }

    fn into_vec(self) -> Vec<T> {
        match self {
            Self::None => Vec::new(),
            Self::One(item) => vec![item],
            Self::Several(several) => several.items,
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_small_list() {
        let mut few = Few::None;
        assert!(few.as_slice().is_empty());
        for (number, expected) in [(1, &[1][..]), (2, &[1, 2]), (3, &[1, 2, 3])] {
            few.push(number);
            assert_eq!(few.as_slice(), expected);
        }
        few.as_mut_slice()[1] = 9;
        assert_eq!(few.split_off(|item| *item == 9), [1, 3]);
        assert_eq!(few, Few::One(9));
        assert_eq!(few.split_off(|_| false), [9]);
        assert_eq!(few, Few::None);
        assert_eq!(size_of::<Few<u64>>(), 16);
    }
}
