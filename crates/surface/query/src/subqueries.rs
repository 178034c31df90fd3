//! Subqueries in the lists of SELECT, kept as they are.
//!
//! The parser of `datafusion-pg-catalog` takes every one of them for a client's look at the
//! catalogue: one that names a table from outside becomes NULL, the others get `LIMIT 1`. For what
//! people ask that is a wrong answer. Two pairs of parentheses keep a subquery out of its sight.
//! Where a client does look at the catalogue, what it asks of tables that are always empty is NULL,
//! however it names them.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::tokens::written_tokens;

/// What clients ask of these tables and columns of the catalogue has no answer here: no column has
/// a default, a sequence or a collation of its own, no table has a rule.
const UNKNOWN: [&str; 6] =
    ["pg_attrdef", "pg_sequence", "pg_constraint", "pg_trigger", "pg_collation", "typcollation"];

/// Whether a statement looks at the catalogue of Postgres.
fn about_catalogue(tokens: &[(Token, &str)]) -> bool {
    tokens.iter().any(|(token, _)| match token {
        Token::Word(word) => word.value.to_ascii_lowercase().starts_with("pg_"),
        _ => false,
    })
}

/// The statement with its subqueries as they are meant; `None` where nothing need change.
pub(crate) fn keep_subqueries(sql: &str) -> Option<String> {
    if !sql.to_ascii_lowercase().contains("select") {
        return None;
    }
    let tokens = written_tokens(sql)?;
    if about_catalogue(&tokens) {
        return without(&tokens, &unknown(&tokens));
    }
    let items = items(&tokens);
    if items.is_empty() {
        return None;
    }
    let mut written = String::with_capacity(sql.len() + 2 * items.len());
    for (at, (_, text)) in tokens.iter().enumerate() {
        if items.iter().any(|(open, _)| *open == at) {
            written.push('(');
        }
        written.push_str(text);
        if items.iter().any(|(_, close)| *close == at) {
            written.push(')');
        }
    }
    Some(written)
}

/// The statement with nothing known in the place of some of its parts.
fn without(tokens: &[(Token, &str)], parts: &[(usize, usize)]) -> Option<String> {
    if parts.is_empty() {
        return None;
    }
    let (mut written, mut at) = (String::new(), 0);
    while let Some((_, text)) = tokens.get(at) {
        match parts.iter().find(|(first, _)| *first == at) {
            Some((_, last)) => {
                written.push_str(&null(tokens.get(at..*last).unwrap_or_default()));
                at = last + 1;
            }
            None => {
                written.push_str(text);
                at += 1;
            }
        }
    }
    Some(written)
}

/// NULL instead of some tokens, with their parameters: a client gives a value for each, of the type
/// that it names in the statement or when it binds it.
fn null(instead_of: &[(Token, &str)]) -> String {
    let parameters: Vec<String> = instead_of
        .iter()
        .enumerate()
        .filter(|(_, (token, _))| matches!(token, Token::Placeholder(_)))
        .map(|(at, _)| format!("{} IS NULL", typed(instead_of.get(at..).unwrap_or_default())))
        .collect();
    let number = matches!(instead_of.first(), Some((Token::Word(name), _))
        if ["unnest", "generate_subscripts"].contains(&name.value.as_str()));
    match (parameters.as_slice(), number) {
        ([], true) => "CAST(NULL AS INTEGER)".to_owned(),
        ([], false) => "CAST(NULL AS TEXT)".to_owned(),
        (some, number) => {
            let value = if number { "0" } else { "''" };
            format!("CASE WHEN false AND ({}) THEN {value} END", some.join(" OR "))
        }
    }
}

/// A parameter with the type that is written behind it, such as `$1::pg_catalog.oid[]`.
fn typed(tokens: &[(Token, &str)]) -> String {
    let mut written = String::new();
    let mut before = &Token::EOF;
    for (at, (token, text)) in tokens.iter().enumerate() {
        let goes_on = match token {
            Token::Placeholder(_) => at == 0,
            Token::DoubleColon => matches!(before, Token::Placeholder(_)),
            Token::Word(_) => matches!(before, Token::DoubleColon | Token::Period),
            Token::Period | Token::LBracket => matches!(before, Token::Word(_)),
            Token::RBracket => matches!(before, Token::LBracket),
            _ => false,
        };
        if !goes_on {
            break;
        }
        written.push_str(text);
        before = token;
    }
    written
}

/// Parts of a client's look at the catalogue that nothing here can answer: what it asks of tables
/// that are always empty, and lists of rights and rules as one text.
fn unknown(tokens: &[(Token, &str)]) -> Vec<(usize, usize)> {
    let unknown = |(open, close): &(usize, usize)| {
        let inside = tokens.get(*open..*close).unwrap_or_default();
        inside.iter().any(|(token, _)| names_unknown(token))
    };
    let values = subqueries(tokens, |before, list| list && begins_item(before) || is_value(before));
    let mut found: Vec<(usize, usize)> = values.into_iter().filter(unknown).collect();
    found.extend(of_indexes(tokens));
    found.extend(lists(tokens));
    found
}

/// Calls of functions that take the keys of an index apart; no table has one.
fn of_indexes(tokens: &[(Token, &str)]) -> Vec<(usize, usize)> {
    let called = |at: usize| -> Option<(usize, usize)> {
        let Some((Token::Word(name), _)) = tokens.get(at) else { return None };
        if !matches!(tokens.get(at + 1), Some((Token::LParen, _))) {
            return None;
        }
        let close = closing(tokens, at + 1)?;
        let mut inside = tokens.get(at..close)?.iter();
        let of_index = |(token, _): &(Token, &str)| names(token, "pg_index");
        match name.value.as_str() {
            "unnest" | "generate_subscripts" => inside.any(of_index).then_some((at, close)),
            // With its schema before it.
            "pg_get_indexdef" => Some((at.checked_sub(2)?, close)),
            _ => None,
        }
    };
    (0..tokens.len()).filter_map(called).collect()
}

/// Lists of rights and rules as one text.
fn lists(tokens: &[(Token, &str)]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let names: Vec<usize> = (0..tokens.len())
        .filter(|at| !matches!(tokens.get(*at), Some((Token::Whitespace(_), _))))
        .collect();
    for (place, window) in names.windows(4).enumerate() {
        let [name, open, array, inner] = window else { continue };
        let is = |at: &usize, wanted: &str| {
            tokens.get(*at).is_some_and(|(_, text)| text.eq_ignore_ascii_case(wanted))
        };
        if is(name, "array_to_string") && is(open, "(") && is(array, "ARRAY") && is(inner, "(") {
            // The schema of the function goes with it.
            let qualified = place.checked_sub(1).and_then(|at| names.get(at));
            let dot = qualified.is_some_and(|at| is(at, "."));
            let first = if dot { place.saturating_sub(2) } else { place };
            found.extend(names.get(first).copied().zip(closing(tokens, *open)));
        }
    }
    found
}

/// Where the parenthesis that opens at a place is closed.
fn closing(tokens: &[(Token, &str)], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::LParen => depth += 1,
            Token::RParen if depth == 1 => return Some(at),
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn names_unknown(token: &Token) -> bool {
    UNKNOWN.iter().any(|unknown| names(token, unknown))
}

fn names(token: &Token, wanted: &str) -> bool {
    matches!(token, Token::Word(word) if word.value == wanted)
}

/// Whether what stands behind this token in the list of a SELECT begins an item.
fn begins_item(before: &Token) -> bool {
    matches!(before, Token::Comma)
        || is_word(before, &[Keyword::SELECT, Keyword::DISTINCT, Keyword::ALL])
}

/// Whether what stands behind this token is a value.
fn is_value(before: &Token) -> bool {
    matches!(before, Token::Eq | Token::Neq | Token::Lt | Token::Gt | Token::LtEq | Token::GtEq)
        || is_word(before, &[Keyword::THEN, Keyword::ELSE, Keyword::AND, Keyword::OR])
}

/// What the tokens of one pair of parentheses belong to.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Where it begins, if it is a subquery that begins an item of a list.
    item: Option<usize>,
    /// Whether the list of a SELECT goes on.
    list: bool,
}

/// The subqueries that begin an item of the list of a SELECT: the places of their parentheses.
fn items(tokens: &[(Token, &str)]) -> Vec<(usize, usize)> {
    subqueries(tokens, |before, list| list && begins_item(before))
}

/// The subqueries that are `wanted`, by the token before them and whether the list of a SELECT goes
/// on: the places of their parentheses.
fn subqueries(
    tokens: &[(Token, &str)],
    wanted: impl Fn(&Token, bool) -> bool,
) -> Vec<(usize, usize)> {
    let (mut found, mut outer, mut level) = (Vec::new(), Vec::new(), Level::default());
    let mut before = &Token::EOF;
    for (at, (token, _)) in tokens.iter().enumerate() {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen => {
                let begins = wanted(before, level.list);
                let subquery = || {
                    let mut rest = tokens.iter().skip(at + 1).map(|(token, _)| token);
                    let first = rest.find(|token| !matches!(token, Token::Whitespace(_)));
                    first.is_some_and(|token| is_word(token, &[Keyword::SELECT, Keyword::WITH]))
                };
                let item = (begins && subquery()).then_some(at);
                outer.push(std::mem::replace(&mut level, Level { item, list: false }));
            }
            Token::RParen => {
                found.extend(level.item.map(|open| (open, at)));
                level = outer.pop().unwrap_or_default();
            }
            Token::SemiColon => level.list = false,
            _ if is_word(token, &[Keyword::SELECT]) => level.list = true,
            // `IS DISTINCT FROM` is no FROM.
            _ if is_word(token, &[Keyword::FROM]) && !is_word(before, &[Keyword::DISTINCT]) => {
                level.list = false;
            }
            _ if is_word(token, &ENDS) => level.list = false,
            _ => {}
        }
        before = token;
    }
    found
}

/// Words that end a list that has no FROM.
const ENDS: [Keyword; 7] = [
    Keyword::WHERE,
    Keyword::GROUP,
    Keyword::HAVING,
    Keyword::ORDER,
    Keyword::UNION,
    Keyword::EXCEPT,
    Keyword::INTERSECT,
];

fn is_word(token: &Token, wanted: &[Keyword]) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none()
        && wanted.contains(&word.keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_lists_are_kept() {
        for (sql, kept) in [
            (
                "SELECT a, (SELECT max(x) FROM t WHERE t.i = u.i) AS m FROM u",
                "SELECT a, ((SELECT max(x) FROM t WHERE t.i = u.i)) AS m FROM u",
            ),
            (
                "SELECT DISTINCT ( SELECT (SELECT 1), 'it''s (' ) FROM a",
                "SELECT DISTINCT (( SELECT ((SELECT 1)), 'it''s (' )) FROM a",
            ),
            (
                "select a IS DISTINCT FROM b, (WITH c AS (SELECT 1) SELECT * FROM c)",
                "select a IS DISTINCT FROM b, ((WITH c AS (SELECT 1) SELECT * FROM c))",
            ),
            (
                "WITH a AS (SELECT (SELECT 1) b) SELECT * FROM a",
                "WITH a AS (SELECT ((SELECT 1)) b) SELECT * FROM a",
            ),
            // A text that only looks like a table of Postgres.
            (
                "SELECT (SELECT max(x) FROM t) AS m FROM u WHERE name <> 'pg_class' -- pg_",
                "SELECT ((SELECT max(x) FROM t)) AS m FROM u WHERE name <> 'pg_class' -- pg_",
            ),
        ] {
            assert_eq!(keep_subqueries(sql).as_deref(), Some(kept));
        }
    }

    #[test]
    fn others_stay_as_they_are() {
        for sql in [
            "SELECT 1",
            "SELECT a FROM t, (SELECT 1) AS u WHERE a IN (SELECT 2) AND EXISTS (SELECT 3)",
            "SELECT extract(hour FROM at), (1 + 2) FROM t ORDER BY a, (SELECT 1)",
            "(SELECT 1) UNION (SELECT 2)",
            "VALUES (1), (2)",
            "SELECT 'a (SELECT', \"(SELECT\" -- (SELECT",
        ] {
            assert_eq!(keep_subqueries(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_a_client_asks_of_empty_tables_is_unknown() {
        let asked = "SELECT a, (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM \
                     pg_catalog.pg_attrdef d WHERE d.adrelid = pg_attribute.attrelid) AS b, \
                     (SELECT 1 FROM pg_catalog.pg_class) AS c FROM pg_catalog.pg_attribute";
        let kept = "SELECT a, CAST(NULL AS TEXT) AS b, (SELECT 1 FROM pg_catalog.pg_class) AS c \
                    FROM pg_catalog.pg_attribute";
        assert_eq!(keep_subqueries(asked).as_deref(), Some(kept));
        let asked =
            "SELECT pg_catalog.array_to_string(ARRAY( SELECT (a) FROM pg_policy), ', ') AS b";
        assert_eq!(keep_subqueries(asked).as_deref(), Some("SELECT CAST(NULL AS TEXT) AS b"));
        assert_eq!(keep_subqueries("SELECT array_to_string(a, ',') FROM pg_catalog.b"), None);
        let asked = "SELECT unnest(pg_catalog.pg_index.indkey), \
                     generate_subscripts(pg_index.indkey, $1), unnest(a)";
        let kept = "SELECT CAST(NULL AS INTEGER), CASE WHEN false AND ($1 IS NULL) THEN 0 END, \
                    unnest(a)";
        assert_eq!(keep_subqueries(asked).as_deref(), Some(kept));
        let asked = "SELECT CASE WHEN a THEN (SELECT $2::VARCHAR, $3 FROM pg_sequence WHERE b = \
                     ANY ($4::pg_catalog.oid[])) END";
        let kept = "SELECT CASE WHEN a THEN CASE WHEN false AND ($2::VARCHAR IS NULL OR $3 IS NULL \
                    OR $4::pg_catalog.oid[] IS NULL) THEN '' END END";
        assert_eq!(keep_subqueries(asked).as_deref(), Some(kept));
    }
}
