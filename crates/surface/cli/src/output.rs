//! Where results and messages go: data on stdout, the rest on stderr.

use std::io::{BufRead, IsTerminal, Write};

use serde::Serialize;
use shelf_views::{Colour, Style};

use crate::failure::Failure;

/// How a command prints.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    /// Whether stdout is a person's terminal.
    pub(crate) terminal: bool,
    /// Whether stderr is a person's terminal.
    pub(crate) progress: bool,
    colour: Colour,
}

/// JSON objects, each on a line of its own.
pub(crate) fn lines_of<V: Serialize>(views: impl Iterator<Item = V>) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    for view in views {
        serde_json::to_writer(&mut text, &view)
            .map_err(|error| Failure::new("json", error.to_string(), "report this as a defect"))?;
        text.push(b'\n');
    }
    Ok(text)
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::io::stdout().is_terminal();
        let progress = std::io::stderr().is_terminal();
        let colour = if terminal && !plain { Colour::On } else { Colour::Off };
        Self { json, terminal, progress, colour }
    }

    pub(crate) fn style(self) -> Style {
        Style { colour: self.colour }
    }

    /// The width for tables, in characters.
    pub(crate) fn width(self) -> usize {
        ratatui::crossterm::terminal::size()
            .ok()
            .filter(|_| self.terminal)
            .map_or(120, |(w, _)| w.into())
    }

    /// Sees to it that somebody wants what cannot be taken back: who says `--yes`, or is asked at a
    /// terminal. `what` is a sentence of it.
    pub(crate) fn agree(self, yes: bool, what: &str) -> Result<(), Failure> {
        let refused = |message: &str, hint: &str| Err(Failure::new("not_agreed", message, hint));
        if yes {
            return Ok(());
        }
        if !(self.progress && std::io::stdin().is_terminal()) {
            return refused(what, "say --yes, or see with --dry-run what would happen");
        }
        // A terminal that is gone says nothing, which is no.
        let _ = write!(std::io::stderr(), "{what}. Go on? [y/N] ");
        let mut answer = String::new();
        let said = std::io::stdin().lock().read_line(&mut answer);
        match answer.trim() {
            "y" | "Y" | "yes" if said.is_ok() => Ok(()),
            _ => refused("nothing was done", "answer y, or say --yes"),
        }
    }

    /// Prints a view: as JSON where that is asked for, else as text.
    pub(crate) fn view<V: Serialize>(
        self,
        view: &V,
        text: impl FnOnce(&V) -> String,
    ) -> Result<(), Failure> {
        if self.json { self.json_line(view) } else { self.text(&text(view)) }
    }

    /// Prints one JSON object on a line of its own.
    pub(crate) fn json_line<V: Serialize>(self, view: &V) -> Result<(), Failure> {
        self.json_lines(std::iter::once(view))
    }

    /// Prints JSON objects, each on a line of its own, all at once.
    pub(crate) fn json_lines<V: Serialize>(
        self,
        views: impl Iterator<Item = V>,
    ) -> Result<(), Failure> {
        self.bytes(&lines_of(views)?)
    }

    /// Prints lines.
    pub(crate) fn text(self, text: &str) -> Result<(), Failure> {
        self.bytes(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
    }

    /// Prints bytes as they are, at once.
    #[expect(clippy::unused_self, reason = "whoever prints has an output in hand")]
    pub(crate) fn bytes(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(Failure::stdout)
    }

    /// Says something that is not the result.
    #[expect(clippy::unused_self, reason = "whoever speaks has an output in hand")]
    pub(crate) fn say(self, text: &str) {
        // Where stderr is gone there is nobody to tell.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    pub(crate) fn failure(self, failure: &Failure) {
        if failure.reader_gone() {
            return;
        }
        if self.json {
            let error = serde_json::json!({ "error": {
                "code": failure.code, "message": failure.message,
                "causes": failure.causes, "hint": failure.hint,
            }});
            self.say(&error.to_string());
            return;
        }
        self.say(&format!("error[{}]: {}", failure.code, failure.message));
        for cause in &failure.causes {
            self.say(&format!("  because: {cause}"));
        }
        self.say(&format!("  hint: {}", failure.hint));
    }
}
