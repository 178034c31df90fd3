//! The tokens of statements, from which a statement can be written anew without a change.

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, Tokenizer};

/// The tokens of a statement, each with its text as it is written: a token that is printed anew
/// would lose its escapes.
pub(crate) fn written_tokens(sql: &str) -> Option<Vec<(Token, &str)>> {
    let mut tokenizer = Tokenizer::new(&PostgreSqlDialect {}, sql).with_unescape(false);
    let tokens = tokenizer.tokenize_with_location().ok()?;
    let lines: Vec<usize> =
        std::iter::once(0).chain(sql.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |at: Location| {
        let begun = *lines.get(usize::try_from(at.line).ok()?.checked_sub(1)?)?;
        let letters = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let mut letter = sql.get(begun..)?.char_indices().map(|(byte, _)| byte);
        Some(letter.nth(letters).map_or(sql.len(), |byte| begun + byte))
    };
    let places: Vec<usize> =
        tokens.iter().map(|token| place(token.span.start)).collect::<Option<_>>()?;
    let mut ends = places.iter().copied().skip(1).chain([sql.len()]);
    let mut written = Vec::with_capacity(tokens.len());
    for (token, from) in tokens.into_iter().zip(places.iter().copied()) {
        written.push((token.token, sql.get(from..ends.next()?)?));
    }
    Some(written)
}
