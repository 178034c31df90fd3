//! The fast way into a line: one pass over the flat shape that sensors and tills send.
//!
//! It knows objects of plain values, and the `items` of a receipt. At anything else (an escape,
//! another nested value, any error) it gives up, and the general reader decides. It must never
//! accept what that refuses, nor read it differently.

use shelf_domain::Event;

use super::fields::{Field, Fields, Value};
use super::{Defaults, body, build};

/// Reads an event of the known flat shape; `None` where the general reader must look.
#[inline]
pub(super) fn parse(text: &str, defaults: &Defaults) -> Option<Event> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    let mut fields = Fields::new();
    scanner.object(&mut fields, Depth::Event)?;
    scanner.space();
    if scanner.at != scanner.bytes.len() {
        return None;
    }
    build(&mut fields, text, defaults).ok()
}

/// Where an object stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Event,
    Item,
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Passes spaces and then this byte.
    #[inline]
    fn pass(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.peek()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    fn object(&mut self, fields: &mut Fields<'a>, depth: Depth) -> Option<()> {
        self.pass(b'{')?;
        self.space();
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.pass(b'"')?;
            let field = Field::of_name(self.rest_of_text()?);
            self.pass(b':')?;
            self.space();
            if depth == Depth::Event && field == Some(Field::Items) {
                let start = self.at;
                let lines = self.items()?;
                fields.put(Field::Items, Value::List(self.text.get(start..self.at)?)).ok()?;
                fields.lines = Some(lines);
            } else {
                let value = self.plain_value()?;
                if let Some(field) = field {
                    fields.put(field, value).ok()?;
                }
            }
            self.space();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    fn items(&mut self) -> Option<Vec<shelf_domain::ReceiptLine>> {
        self.pass(b'[')?;
        self.space();
        if self.peek()? == b']' {
            self.at += 1;
            return Some(Vec::new());
        }
        let mut lines = Vec::with_capacity(8);
        let mut fields = Fields::new();
        loop {
            self.object(&mut fields, Depth::Item)?;
            lines.push(body::receipt_line(&fields).ok()?);
            fields.clear();
            self.space();
            let next = self.peek()?;
            self.at += 1;
            match next {
                b',' => {}
                b']' => return Some(lines),
                _ => return None,
            }
        }
    }

    #[inline]
    fn plain_value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b'"' => {
                self.at += 1;
                self.rest_of_text().map(Value::Text)
            }
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Flag(true)),
            b'f' => self.word("false", Value::Flag(false)),
            _ => self.number(),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end)? != word.as_bytes() {
            return None;
        }
        self.at = end;
        Some(value)
    }

    /// A text without escapes, from behind its opening quote.
    #[inline]
    fn rest_of_text(&mut self) -> Option<&'a str> {
        let start = self.at;
        loop {
            let tail = self.bytes.get(self.at..)?;
            let step = if let Some(chunk) = tail.first_chunk::<8>() {
                let found = special(u64::from_le_bytes(*chunk));
                if found == 0 {
                    self.at += 8;
                    continue;
                }
                (found.trailing_zeros() / 8) as usize
            } else {
                tail.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?
            };
            let end = self.at + step;
            if self.bytes.get(end).copied()? != b'"' {
                return None;
            }
            self.at = end + 1;
            return self.text.get(start..end);
        }
    }

    /// A number of JSON's grammar, as written.
    #[inline]
    fn number(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.at;
        self.digits()?;
        if self.bytes.get(whole) == Some(&b'0') && self.at > whole + 1 {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        self.text.get(start..self.at).map(Value::Number)
    }

    /// At least one digit.
    #[inline]
    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the bytes of a word that end a plain text: a quote, a backslash, a control character. The
/// lowest mark is always right; marks above it may be false.
#[inline]
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let backslashes = backslash.wrapping_sub(ONES) & !backslash;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | backslashes | controls) & HIGHS
}
