//! The query of an address: what a page is narrowed to.

use std::fmt::Write as _;

/// What belongs to one look at a page, and not to what it is narrowed to.
const OF_ONE_LOOK: [&str; 3] = ["page", "do", "csrf"];

/// The names and values of a query, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads what follows the question mark of an address, or the body of a form.
    pub(crate) fn read(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(&name.replace('+', " ")), decode(&value.replace('+', " ")))
        });
        Self { pairs: pairs.collect() }
    }

    /// The first value of a name; none where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut named = self.pairs.iter().filter(|(known, _)| known == name);
        named.find_map(|(_, value)| Some(value.as_str()).filter(|value| !value.is_empty()))
    }

    /// Every value of a name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same query with another value of a name, written as in an address; without the name,
    /// where the value is empty.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let mut text = String::new();
        let kept = self.pairs.iter().filter(|(known, value)| known != name && !value.is_empty());
        let added = (name.to_owned(), value.to_owned());
        for (name, value) in kept.chain([&added].into_iter().filter(|(_, value)| !value.is_empty()))
        {
            let sign = if text.is_empty() { '?' } else { '&' };
            let _ = write!(text, "{sign}{}={}", encode(name), encode(value));
        }
        text
    }

    /// What the page stays narrowed to where this name gets another value.
    pub(crate) fn beside(&self, name: &str) -> Vec<(String, String)> {
        let left = |known: &str| known == name || OF_ONE_LOOK.contains(&known);
        let kept = self.pairs.iter().filter(|(known, value)| !left(known) && !value.is_empty());
        kept.cloned().collect()
    }
}

/// A text as a part of an address.
pub(crate) fn encode(text: &str) -> String {
    shelf_views::wording::in_address(text)
}

/// A part of an address as text; bytes that are no UTF-8 become the sign for that.
pub(crate) fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let pair = tail.get(..2).filter(|_| first == b'%');
        let hex = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_written_again() {
        let query = Query::read("store=S001&rule=&text=a+b%26c&tick=1&tick=2");
        assert_eq!((query.get("store"), query.get("rule")), (Some("S001"), None));
        assert_eq!(query.get("text"), Some("a b&c"));
        assert_eq!(query.all("tick").collect::<Vec<_>>(), ["1", "2"]);
        let with = query.with("store", "");
        assert_eq!(with, "?text=a%20b%26c&tick=1&tick=2");
        assert_eq!(Query::read(with.trim_start_matches('?')).get("text"), Some("a b&c"));
    }

    #[test]
    fn what_a_page_is_narrowed_to_stays_beside_another_value() {
        let query = Query::read("store=S001&rule=&text=a+b&page=xy&do=preview&csrf=c&as_of=then");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (text, as_of) = (pair("text", "a b"), pair("as_of", "then"));
        assert_eq!(query.beside("store"), [text.clone(), as_of]);
        assert_eq!(query.beside("as_of"), [pair("store", "S001"), text]);
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        assert_eq!(decode("%zz%f"), "%zz%f");
        assert_eq!(decode("%ff"), "\u{fffd}");
        assert_eq!(decode(&encode("Käse / 100 %")), "Käse / 100 %");
    }
}
