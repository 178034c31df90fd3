//! The prompt of `shelf sql`: statements over several lines, with history and completion.

use std::path::PathBuf;
use std::time::Instant;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor, Helper};
use shelf_query::{TableNote, function_notes, table_notes};

use super::Printer;
use crate::failure::Failure;
use crate::output::Output;

const PROMPT: &str = "shelf> ";
const COMMANDS: &str = "\\d TABLE  columns of a table    \\dt  tables    \\timing  how long \
                        statements take    \\q  the end\nA statement ends with ;";

/// What a command shows, at the prompt or as an argument.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// Which tables there are.
    Tables,
    /// The columns of a table.
    Table(String),
}

impl Shows {
    /// A command that shows something, where a text is one.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text.trim().trim_end_matches(';').split_whitespace().collect::<Vec<_>>()[..] {
            ["\\d" | "\\d+" | "\\dt" | "\\dt+"] => Some(Self::Tables),
            ["\\d" | "\\d+", table] => Some(Self::Table(table.to_owned())),
            _ => None,
        }
    }

    /// The statement that tells the same as rows.
    pub(super) fn statement(&self) -> String {
        match self {
            Self::Tables => "SHOW TABLES".to_owned(),
            Self::Table(table) => format!("DESCRIBE {table}"),
        }
    }

    /// The same for people, with what each column means, where that is known.
    pub(super) fn text(&self, notes: &[TableNote]) -> Option<String> {
        match self {
            Self::Tables => None,
            Self::Table(table) => describe(notes, table),
        }
    }
}

/// The words of statements that are completed.
const WORDS: [&str; 29] = [
    "AND",
    "AS OF",
    "ASC",
    "AVG",
    "BETWEEN",
    "BY",
    "CASE",
    "COUNT",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "EXPLAIN",
    "FROM",
    "GROUP",
    "HAVING",
    "IN",
    "IS NULL",
    "JOIN",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "MAX",
    "MIN",
    "ORDER",
    "SELECT",
    "SHOW TABLES",
    "SUM",
    "USING",
    "WHERE",
];

/// Answers what is typed until its end.
pub(super) fn run(printer: &Printer<'_>, output: Output) -> Result<(), Failure> {
    let notes = table_notes(printer.sql);
    let mut editor: Editor<Words, FileHistory> = Editor::new().map_err(|error| unread(&error))?;
    editor.set_helper(Some(Words::new(&notes)));
    let history = history_path();
    if let Some(path) = &history {
        // The first time there is none.
        let _ = editor.load_history(path);
    }
    output.say("SQL over this data folder, reading only. \\? helps, \\q ends.");
    let mut timing = false;
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(unread(&error)),
        };
        let text = line.trim();
        if !text.is_empty() {
            let _ = editor.add_history_entry(text);
        }
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            ["\\q" | "quit" | "exit"] => break,
            ["\\timing"] => {
                timing = !timing;
                output.say(if timing { "timing is on" } else { "timing is off" });
            }
            [word, ..] if word.starts_with('\\') => match Shows::read(text) {
                Some(shows) => match shows.text(&notes) {
                    Some(text) => output.text(&text)?,
                    None => told(answer(printer, &shows.statement()), timing, output)?,
                },
                None => output.say(COMMANDS),
            },
            _ => told(answer(printer, text), timing, output)?,
        }
    }
    if let Some(path) = &history {
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        // A history that cannot be kept is no reason to fail at the end.
        let _ = editor.save_history(path);
    }
    Ok(())
}

/// What statements came to: rows, and how long they took.
fn answer(printer: &Printer<'_>, text: &str) -> Result<(u64, f64), Failure> {
    let begun = Instant::now();
    let mut rows = 0;
    for statement in printer.session.statements(text)? {
        rows += printer.print(&statement, std::io::stdout())?;
    }
    Ok((rows, begun.elapsed().as_secs_f64()))
}

fn told(
    answered: Result<(u64, f64), Failure>,
    timing: bool,
    output: Output,
) -> Result<(), Failure> {
    match answered {
        Ok((rows, seconds)) if timing => output.say(&format!("{rows} rows in {seconds:.3} s")),
        Ok((rows, _)) => output.say(&format!("{rows} rows")),
        Err(failure) if failure.reader_gone() => return Err(failure),
        Err(failure) => output.failure(&failure),
    }
    Ok(())
}

fn describe(notes: &[TableNote], table: &str) -> Option<String> {
    let (schema, name) = table.rsplit_once('.').unwrap_or(("live", table));
    let note = notes.iter().find(|note| note.schema == schema && note.table == name)?;
    let width = note.columns.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let of = |(name, data_type, comment): &(String, String, String)| {
        format!("  {name:width$}  {data_type:24}  {comment}")
    };
    let columns: Vec<String> = note.columns.iter().map(of).collect();
    Some(format!("{}.{}: {}\n{}", note.schema, note.table, note.comment, columns.join("\n")))
}

/// Where what was typed is kept, by the rules of the desktop; nowhere without a home.
fn history_path() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|path| !path.is_empty());
    let state = folder("XDG_STATE_HOME").map(PathBuf::from);
    let home = || folder("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or_else(home).map(|state| state.join("shelf/sql_history"))
}

fn unread(error: &ReadlineError) -> Failure {
    let hint = "pipe the statements in, or give them as an argument";
    Failure::new("stdin", format!("the terminal cannot be read: {error}"), hint)
}

/// The words that are completed, and where a statement ends.
struct Words {
    words: Vec<String>,
}

impl Words {
    fn new(notes: &[TableNote]) -> Self {
        let mut words: Vec<String> = WORDS.iter().map(|&word| word.to_owned()).collect();
        for note in notes {
            words.push(format!("{}.{}", note.schema, note.table));
            words.push(note.table.clone());
            words.extend(note.columns.iter().map(|(name, ..)| name.clone()));
        }
        let functions = function_notes();
        let names = functions.iter().filter_map(|note| note.call.split('(').next());
        words.extend(names.map(|name| format!("{name}(")));
        words.sort_unstable();
        words.dedup();
        Self { words }
    }
}

impl Completer for Words {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..at).unwrap_or_default();
        let of_word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
        let begun = before.trim_end_matches(of_word).len();
        let typed = before.get(begun..).unwrap_or_default().to_lowercase();
        let fits = |word: &&String| word.to_lowercase().starts_with(&typed);
        let found = if typed.is_empty() {
            Vec::new()
        } else {
            self.words.iter().filter(fits).cloned().collect()
        };
        Ok((begun, found))
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let whole = text.is_empty()
            || text.starts_with('\\')
            || text.ends_with(';')
            || ["quit", "exit"].contains(&text);
        Ok(if whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use rustyline::history::DefaultHistory;

    use super::*;

    fn note() -> TableNote {
        TableNote {
            schema: "live".to_owned(),
            table: "shelves".to_owned(),
            comment: "The shelves.".to_owned(),
            columns: vec![("sku".to_owned(), "text".to_owned(), "The sku.".to_owned())],
        }
    }

    #[test]
    fn words_are_completed_at_the_cursor() {
        let words = Words::new(&[note()]);
        let history = DefaultHistory::new();
        let complete =
            |line: &str| words.complete(line, line.len(), &Context::new(&history)).unwrap();
        assert_eq!(complete("SELECT * FROM live.sh"), (14, vec!["live.shelves".to_owned()]));
        assert_eq!(complete("sele"), (0, vec!["SELECT".to_owned()]));
        assert_eq!(complete("SELECT store_d").1, ["store_day(", "store_day_start("]);
        assert!(complete("SELECT ").1.is_empty());
    }

    #[test]
    fn a_table_is_described() {
        let shows = Shows::read("\\d+ shelves;").unwrap();
        let text = shows.text(&[note()]).unwrap();
        assert_eq!(text, "live.shelves: The shelves.\n  sku  text                      The sku.");
        assert_eq!(shows.statement(), "DESCRIBE shelves");
        assert_eq!(describe(&[note()], "raw.pos_lines"), None);
    }

    #[test]
    fn commands_are_those_of_psql() {
        for tables in ["\\d", " \\dt ", "\\dt+", "\\dt;"] {
            assert_eq!(Shows::read(tables), Some(Shows::Tables), "{tables}");
        }
        for none in ["\\x", "\\d a b", "SELECT 1", ""] {
            assert_eq!(Shows::read(none), None, "{none}");
        }
    }
}
