//! Short texts stored in place: ids of products, lots, customers. Copying one allocates nothing,
//! and its length has a limit that the type states.

use core::fmt;
use core::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A UTF-8 text of at most `N` bytes (`N` < 256). The bytes behind its end are zero, so that two
/// texts are compared as a whole, without a look at their lengths first.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

/// A text that does not fit: it holds `len` bytes, the limit is `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextTooLong {
    /// The length of the text, in bytes.
    pub len: usize,
    /// The most that the type holds, in bytes.
    pub limit: usize,
}

impl<const N: usize> Text<N> {
    /// The empty text.
    pub const EMPTY: Self = Self { len: 0, bytes: [0; N] };

    /// Takes `text` where it fits.
    pub fn new(text: &str) -> Result<Self, TextTooLong> {
        let mut bytes = [0; N];
        match bytes.get_mut(..text.len()) {
            Some(head) if text.len() < 256 => {
                head.copy_from_slice(text.as_bytes());
                Ok(Self { len: text.len() as u8, bytes })
            }
            _ => Err(TextTooLong { len: text.len(), limit: N }),
        }
    }

    /// Takes as much of the start of `text` as fits, cut between characters.
    pub fn cut(text: &str) -> Self {
        let mut end = text.len().min(N).min(255);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self::new(text.get(..end).unwrap_or("")).unwrap_or(Self::EMPTY)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|b| str::from_utf8(b).ok()).unwrap_or("")
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> PartialEq for Text<N> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.len == other.len
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.bytes.cmp(&other.bytes).then(self.len.cmp(&other.len))
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Whole words, the last one over the end of the one before it: no look at the length.
        for word in self.bytes.as_chunks::<8>().0 {
            state.write_u64(u64::from_le_bytes(*word));
        }
        match self.bytes.last_chunk::<8>() {
            Some(last) => state.write_u64(u64::from_le_bytes(*last)),
            None => state.write(&self.bytes),
        }
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        Self::new(text).map_err(|_| serde::de::Error::custom("text over its limit"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_or_says_by_how_much_it_does_not() {
        assert_eq!(Text::<4>::new("fish").map(|t| t.as_str().len()), Ok(4));
        assert_eq!(Text::<4>::new("fishy"), Err(TextTooLong { len: 5, limit: 4 }));
        assert_eq!(Text::<4>::cut("cafés").as_str(), "caf");
    }

    #[test]
    fn order_and_equality_are_those_of_the_text() {
        let a = Text::<8>::cut("a");
        let b = Text::<8>::cut("ab");
        assert!(a < b && a != b && a == Text::cut("a"));
        let all = ["", "\0", "a", "a\0", "a\0\0", "a\0b", "aa", "b", "cafés", "cafêt"];
        for (left, right) in all.iter().flat_map(|left| all.iter().map(move |right| (left, right)))
        {
            let order = Text::<8>::cut(left).cmp(&Text::cut(right));
            assert_eq!(order, left.as_bytes().cmp(right.as_bytes()), "{left:?} {right:?}");
        }
    }
}
