//! What CSV records are, however the bytes come and whatever is wrong with them.

use std::io::{self, Read};

use super::*;
use crate::input::Fill;

/// Gives a few bytes at a time.
struct Drops(Vec<u8>, usize);

impl Read for Drops {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let take = self.1.min(self.0.len()).min(buf.len());
        buf[..take].copy_from_slice(&self.0[..take]);
        self.0.drain(..take);
        Ok(take)
    }
}

/// Each row as `line|field|field`, what is none as `line!reason raw`.
fn read(bytes: &[u8], drop_bytes: usize) -> Vec<String> {
    let reader = Box::new(Drops(bytes.to_vec(), drop_bytes));
    let input = Input::new(reader, Path::new("t.csv"), "t.csv", Fill::AsItComes);
    let mut rows = CsvRows::new(input, &CsvPart::default()).unwrap();
    let mut row = Row::default();
    let mut found = vec![format!("1|{}", rows.columns().join("|"))];
    loop {
        match rows.next_row(&mut row).unwrap() {
            Next::End => return found,
            Next::Row => {
                let texts: Vec<&str> = (0..row.fields).map(|at| row.get(at)).collect();
                found.push(format!("{}|{}", row.line, texts.join("|")));
            }
            Next::Bad(fault) => {
                let raw = String::from_utf8_lossy(&row.raw);
                found.push(format!("{}!{} {raw}", row.line, fault.code()));
            }
        }
    }
}

#[track_caller]
fn check(bytes: &[u8], expected: &[&str]) {
    for drop_bytes in [1, 2, 3, 5, 1_000_000] {
        assert_eq!(read(bytes, drop_bytes), expected, "{drop_bytes} bytes at a time");
    }
}

#[test]
fn quotes_hold_commas_newlines_and_quotes() {
    let text = b"a,b\n1,\"x, y\"\n2,\"two\nlines\"\n3,\"say \"\"hi\"\"\"\n4,5\" pipe\n";
    check(text, &["1|a|b", "2|1|x, y", "3|2|two\nlines", "5|3|say \"hi\"", "6|4|5\" pipe"]);
}

#[test]
fn line_ends_marks_and_blank_lines_do_not_matter() {
    check(
        b"\xEF\xBB\xBFa,b\r\n1,2\r\n\r\n\n3,\"4\r\n5\"\r\n6,7",
        &["1|a|b", "2|1|2", "5|3|4\r\n5", "7|6|7"],
    );
    check(b"a,b\r1,2\r3,4", &["1|a|b", "2|1|2", "3|3|4"]);
    check(b"a,b\n1,\n", &["1|a|b", "2|1|"]);
}

#[test]
fn an_empty_file_has_no_columns_and_no_rows() {
    check(b"", &["1|"]);
    check(b"\r\n\n", &["1|"]);
    check(b"a,b", &["1|a|b"]);
}

#[test]
fn a_row_of_another_length_is_kept() {
    check(
        b"a,b\n1\n1,2,3\n1,2\n",
        &["1|a|b", "2!wrong_column_count 1", "3!wrong_column_count 1,2,3", "4|1|2"],
    );
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    check(b"a,b\n1,\xFF\n1,2\n", &["1|a|b", "2!invalid_utf8 1,\u{FFFD}", "3|1|2"]);
}

#[test]
fn a_quote_that_is_not_closed_costs_its_own_line() {
    check(b"a,b\n1,\"x\n2,y\n3,z\n", &["1|a|b", "2!unclosed_quote 1,\"x", "3|2|y", "4|3|z"]);
    check(b"a,b\n1,\"x", &["1|a|b", "2!unclosed_quote 1,\"x"]);
}

#[test]
fn a_row_over_the_limit_is_skipped_and_told() {
    let mut text = b"a,b\n1,".to_vec();
    text.resize(text.len() + 2 * BUFFER_BYTES, b'x');
    text.extend_from_slice(b"\n2,y\n");
    let found = read(&text, 1 << 16);
    assert_eq!(found.len(), 3);
    assert!(found[1].starts_with("2!too_large 1,xxx"));
    assert_eq!(found[2], "3|2|y");
}
