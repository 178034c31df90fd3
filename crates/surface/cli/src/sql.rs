//! `shelf sql`: statements about the state of this moment, of past ones, and about the lake.

pub(crate) mod serve;
mod shell;

use std::io::{BufWriter, IsTerminal, Read, Write};

use shelf_query::{Answer, QueryError, RowFormat, RowWriter, Session, Sql, table_notes};

use crate::args::{SqlArgs, SqlCommand};
use crate::failure::Failure;
use crate::lake::lake;
use crate::output::Output;
use crate::settings::Settings;
use shell::Shows;

pub(crate) fn run(args: &SqlArgs, settings: &Settings, output: Output) -> Result<(), Failure> {
    if let Some(SqlCommand::Serve { .. }) = &args.command {
        return serve::run(settings, output);
    }
    let format = match args.format {
        Some(format) => format.into(),
        None if output.json => RowFormat::Json,
        None => RowFormat::Table,
    };
    // A person at a terminal is asked; what is piped in is read to its end.
    let person = args.statement.is_none() && std::io::stdin().is_terminal();
    let text = match &args.statement {
        Some(statement) => statement.clone(),
        None if person => String::new(),
        None => from_stdin()?,
    };
    let sql = Sql::open(&settings.folder(), &lake(settings)?, settings.sql.limits())?;
    let session = sql.session();
    let cancel = session.cancel();
    ctrlc::set_handler(move || cancel.ask()).map_err(|error| {
        Failure::new("signals", error.to_string(), "run `shelf doctor` for a look at the machine")
    })?;
    let printer = Printer { sql: &sql, session: &session, format };
    if person && format.text() {
        return shell::run(&printer, output);
    }
    let text = if text.trim_start().starts_with('\\') {
        let Some(shows) = Shows::read(&text) else { return Err(no_command(&text)) };
        if format == RowFormat::Table
            && let Some(text) = shows.text(&table_notes(&sql))
        {
            return output.text(&text);
        }
        shows.statement()
    } else {
        text
    };
    let statements = session.statements(&text)?;
    if !format.text() {
        if statements.len() != 1 {
            return Err(Failure::usage(
                format!("{} statements do not fit into one file", statements.len()),
                "give one statement, or another --format",
            ));
        }
        if output.terminal {
            return Err(Failure::usage("a terminal cannot show this format", "write it to a file"));
        }
    }
    for statement in &statements {
        printer.print(statement, std::io::stdout())?;
    }
    Ok(())
}

fn no_command(text: &str) -> Failure {
    let message = format!("{} is no command that shows anything", text.trim());
    Failure::usage(message, "write \\d TABLE for the columns of a table, or \\dt for the tables")
}

/// Answers statements, and prints what comes.
pub(crate) struct Printer<'a> {
    pub(crate) sql: &'a Sql,
    pub(crate) session: &'a Session,
    pub(crate) format: RowFormat,
}

impl Printer<'_> {
    /// Prints the rows of a statement; returns how many there were.
    pub(crate) fn print(
        &self,
        statement: &shelf_query::ReadStatement,
        to: impl Write + Send,
    ) -> Result<u64, Failure> {
        let mut answer: Answer = self.sql.block_on(self.session.answer(statement))??;
        let mut to = BufWriter::new(to);
        let writer = RowWriter::new(self.format, answer.schema(), &mut to);
        let mut writer = writer.map_err(Failure::stdout)?;
        let mut rows = 0;
        while let Some(batch) = self.sql.block_on(answer.next())?? {
            rows += batch.num_rows() as u64;
            writer.write(batch).map_err(Failure::stdout)?;
        }
        writer.finish().and_then(|()| to.flush()).map_err(Failure::stdout)?;
        Ok(rows)
    }
}

fn from_stdin() -> Result<String, Failure> {
    let mut stdin = std::io::stdin();
    let mut text = String::new();
    let read = stdin.read_to_string(&mut text);
    read.map_err(|error| {
        let message = format!("stdin cannot be read as text: {error}");
        Failure::new("stdin", message, "pipe statements as UTF-8 into it")
    })?;
    Ok(text)
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Host(error) => Self::host(&error),
            other => Self::new(other.code(), other.to_string(), other.hint()),
        }
    }
}
