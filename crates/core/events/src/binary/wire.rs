//! The pieces that records of the log are made of: bytes, varints, texts. It reads only what is
//! there.

use thiserror::Error;

use crate::names::{Choice, Name};

/// Why bytes are not a record that this program can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The record ends before its last field.
    #[error("the record ends early")]
    Truncated,
    /// The record goes on after its last field.
    #[error("the record has {0} bytes too many")]
    TrailingBytes(usize),
    /// Written by a newer program, or not a record at all.
    #[error("the record has format {0}, this program reads format 1")]
    UnknownVersion(u8),
    /// No such kind of event.
    #[error("the record has the unknown kind {0}")]
    UnknownTag(u8),
    /// No such choice of a field.
    #[error("the record has the unknown choice {0} in a field")]
    UnknownChoice(u8),
    /// A text that is not UTF-8.
    #[error("a text of the record is not UTF-8")]
    InvalidUtf8,
    /// A text over the limit of its field.
    #[error("a text of the record is over its limit")]
    TextTooLong,
    /// A number over the range of its field.
    #[error("a number of the record is out of its range")]
    NumberOutOfRange,
    /// An effect that does not read as one.
    #[error("the effect cannot be read")]
    BadEffect,
}

impl DecodeError {
    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::TrailingBytes(_) => "trailing_bytes",
            Self::UnknownVersion(_) => "unknown_version",
            Self::UnknownTag(_) => "unknown_tag",
            Self::UnknownChoice(_) => "unknown_choice",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TextTooLong => "text_too_long",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::BadEffect => "bad_effect",
        }
    }
}

type Result<T> = core::result::Result<T, DecodeError>;

/// Reads a record from its front.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    #[inline]
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline]
    pub(crate) fn varint(&mut self) -> Result<u64> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(u64::from(first));
        }
        let mut value = u64::from(first & 0x7f);
        let mut shift = 7;
        loop {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && byte > 1 {
                return Err(DecodeError::NumberOutOfRange);
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    #[inline]
    pub(crate) fn signed(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    #[inline]
    pub(crate) fn number<T: TryFrom<u64>>(&mut self) -> Result<T> {
        T::try_from(self.varint()?).map_err(|_| DecodeError::NumberOutOfRange)
    }

    #[inline]
    pub(crate) fn signed_number<T: TryFrom<i64>>(&mut self) -> Result<T> {
        T::try_from(self.signed()?).map_err(|_| DecodeError::NumberOutOfRange)
    }

    #[inline]
    fn text_of<T: Name>(&mut self, len: usize) -> Result<T> {
        let bytes = self.take(len)?;
        let text = str::from_utf8(bytes).map_err(|_| DecodeError::InvalidUtf8)?;
        T::read(text).ok_or(DecodeError::TextTooLong)
    }

    #[inline]
    pub(crate) fn name<T: Name>(&mut self) -> Result<T> {
        let len = self.byte()?;
        self.text_of(usize::from(len))
    }

    /// A text that may be missing: 0 where it is, else its length plus one.
    #[inline]
    pub(crate) fn maybe_name<T: Name>(&mut self) -> Result<Option<T>> {
        match self.byte()? {
            0 => Ok(None),
            len => self.text_of(usize::from(len) - 1).map(Some),
        }
    }

    pub(crate) fn choice<T: Choice>(&mut self) -> Result<T> {
        let number = self.byte()?;
        T::of_number(number).ok_or(DecodeError::UnknownChoice(number))
    }

    pub(crate) fn flag(&mut self) -> Result<bool> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(DecodeError::UnknownChoice(other)),
        }
    }

    /// A value that may be missing, after a flag.
    pub(crate) fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// A list of items. A false count reserves little: room for more comes as items are read.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let count = self.number::<usize>()?;
        if count > self.rest.len() {
            return Err(DecodeError::Truncated);
        }
        let mut items = Vec::with_capacity(count.min(256));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes(self.rest.len())) }
    }
}

/// Appends a record.
pub(crate) struct Writer<'a> {
    pub(crate) out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    #[inline]
    pub(crate) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    #[inline]
    pub(crate) fn number(&mut self, value: impl Into<u64>) {
        self.varint(value.into());
    }

    #[inline]
    pub(crate) fn signed(&mut self, value: impl Into<i64>) {
        let value = value.into();
        self.varint(((value << 1) ^ (value >> 63)) as u64);
    }

    #[inline]
    pub(crate) fn name<T: Name>(&mut self, name: &T) {
        let bytes = name.bytes();
        self.out.push(bytes.len() as u8);
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn maybe_name<T: Name>(&mut self, name: Option<&T>) {
        match name {
            None => self.out.push(0),
            Some(name) => {
                let bytes = name.bytes();
                self.out.push(bytes.len() as u8 + 1);
                self.out.extend_from_slice(bytes);
            }
        }
    }

    pub(crate) fn choice<T: Choice>(&mut self, choice: T) {
        self.out.push(choice.number());
    }

    pub(crate) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.out.push(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.varint(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }
}
