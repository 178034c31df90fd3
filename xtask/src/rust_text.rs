//! Just enough reading of Rust source to measure it: what is code and what is comment, string or
//! character, and where a brace is closed. It does not parse; rustc has accepted the files.

/// The source with every comment, string and character literal overwritten by spaces. Line breaks
/// stay, so positions and line numbers are those of the source; the quotes are blank too.
pub(crate) fn blank_non_code(source: &str) -> Vec<u8> {
    let mut code = source.as_bytes().to_vec();
    let mut at = 0;
    while at < code.len() {
        let length = non_code_length(source.as_bytes(), at);
        for byte in code.iter_mut().skip(at).take(length).filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at += length.max(1);
    }
    code
}

/// The position of the `}` that closes the `{` at `open`.
pub(crate) fn closing_brace(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in code.iter().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The line, counted from 1, of a position.
pub(crate) fn line_of(text: &[u8], position: usize) -> usize {
    1 + text.iter().take(position).filter(|byte| **byte == b'\n').count()
}

/// Whether a byte can be part of an identifier.
pub(crate) fn identifier_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The positions where `word` stands as a whole word.
pub(crate) fn word_positions(code: &[u8], word: &str) -> Vec<usize> {
    let word = word.as_bytes();
    let borders = |at: usize| {
        let before = at.checked_sub(1).and_then(|before| code.get(before));
        let after = code.get(at + word.len());
        ![before, after].into_iter().flatten().any(|byte| identifier_byte(*byte))
    };
    code.windows(word.len())
        .enumerate()
        .filter(|(at, window)| *window == word && borders(*at))
        .map(|(at, _)| at)
        .collect()
}

/// How many bytes of comment or literal begin at `at`; 0 if code begins there.
fn non_code_length(source: &[u8], at: usize) -> usize {
    let rest = source.get(at..).unwrap_or_default();
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_length(rest),
        [b'"', ..] => escaped_length(rest, b'"'),
        [b'\'', ..] => character_length(rest),
        [b'r', ..] if starts_raw_string(source, at) => raw_string_length(rest),
        _ => 0,
    }
}

fn block_comment_length(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a literal that ends at an unescaped `quote`.
fn escaped_length(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A quote begins a character if it is escaped or closed after one character, else a lifetime.
fn character_length(rest: &[u8]) -> usize {
    let Some(first) = rest.get(1) else { return 0 };
    if *first == b'\\' {
        return escaped_length(rest, b'\'');
    }
    let width = match first {
        0..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    };
    if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

/// Whether the `r` at `at` opens a raw string; a `b` or `c` may stand before it.
fn starts_raw_string(source: &[u8], at: usize) -> bool {
    let before = |back: usize| at.checked_sub(back).and_then(|at| source.get(at)).copied();
    let inside_word = match before(1) {
        Some(b'b' | b'c') => before(2).is_some_and(identifier_byte),
        Some(byte) => identifier_byte(byte),
        None => false,
    };
    let after = source.iter().skip(at + 1).find(|byte| **byte != b'#');
    !inside_word && after == Some(&b'"')
}

fn raw_string_length(rest: &[u8]) -> usize {
    let hashes = rest.iter().skip(1).take_while(|byte| **byte == b'#').count();
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let body = hashes + 2;
    let closed = rest.get(body..).unwrap_or_default();
    match closed.windows(end.len()).position(|window| window == end) {
        Some(at) => body + at + end.len(),
        None => rest.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank(source: &str) -> String {
        String::from_utf8(blank_non_code(source)).unwrap()
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        let cases = [
            ("a // {\nb", "a     \nb"),
            ("a /* { /* } */ */ b", "a                 b"),
            (r#"f("}\"{")"#, "f(      )"),
            (r##"f(r#"}"{"#)"##, "f(        )"),
            (r##"f(br#"}"#)"##, "f(b      )"),
            ("m('{', '\\'', '\\u{7B}')", "m(   ,     ,         )"),
            ("m('é', '🛒')", "m(    ,       )"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#fn bar\"x\"", "r#fn bar   "),
        ];
        for (source, expected) in cases {
            assert_eq!(blank(source), expected, "{source}");
        }
    }

    #[test]
    fn an_open_literal_ends_with_the_file() {
        for source in ["\"abc", "r#\"abc", "/* abc", "'\\", "b\"\\"] {
            assert_eq!(blank(source).len(), source.len(), "{source}");
        }
    }

    #[test]
    fn braces_are_matched() {
        let code = b"a{b{}c}d}";
        assert_eq!(closing_brace(code, 1), Some(6));
        assert_eq!(closing_brace(b"{{}", 0), None);
    }

    #[test]
    fn whole_words_are_found() {
        assert_eq!(word_positions(b"fn fnord my_fn fn", "fn"), vec![0, 15]);
    }
}
