//! Tables for a terminal: aligned columns that give way to the width there is.

use ratatui::text::Span;

use crate::style::{Style, Tone};

/// On which side the values of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A column: its heading, its side, and the least width it may be cut to (`None`: never cut).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    heading: &'static str,
    align: Align,
    least: Option<usize>,
}

impl Column {
    /// Words.
    pub(crate) const fn words(heading: &'static str) -> Self {
        Self { heading, align: Align::Left, least: None }
    }

    /// Words that are cut where there is no room, down to this width.
    pub(crate) const fn cut(heading: &'static str, least: usize) -> Self {
        Self { heading, align: Align::Left, least: Some(least) }
    }

    /// Numbers.
    pub(crate) const fn number(heading: &'static str) -> Self {
        Self { heading, align: Align::Right, least: None }
    }
}

/// A value with its tone.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    pub(crate) fn toned(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

/// A table that is being written.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Lines below rows, over all columns, by the number of the row.
    notes: Vec<(usize, String)>,
}

const GAP: usize = 2;

impl Table {
    pub(crate) fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        self.rows.push(cells.into());
    }

    /// Words below the last row, over all columns, in as many lines as they need.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push((self.rows.len(), text));
    }

    /// The table as lines of at most `width` columns, as far as cutting allows.
    pub(crate) fn render(&self, style: Style, width: usize) -> String {
        let widths = self.widths(width);
        let heading: Vec<Cell> =
            self.columns.iter().map(|c| Cell::toned(Tone::Faint, c.heading)).collect();
        let mut text = String::new();
        for (row, number) in std::iter::once(&heading).chain(&self.rows).zip(0..) {
            self.write_row(row, &widths, style, &mut text);
            for (_, note) in self.notes.iter().filter(|(below, _)| *below == number) {
                text.push_str(&style.paint(Tone::Faint, &format!("  {}", wrap(note, 2, width))));
                text.push('\n');
            }
        }
        text
    }

    fn widths(&self, width: usize) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|c| columns(c.heading)).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(columns(&cell.text));
            }
        }
        let gaps = GAP * widths.len().saturating_sub(1);
        let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        // The widest of the columns that may give way gives way first.
        while over > 0 {
            let may = self.columns.iter().zip(&mut widths);
            let widest = may
                .filter(|(column, width)| column.least.is_some_and(|least| **width > least))
                .max_by_key(|(_, width)| **width);
            let Some((_, width)) = widest else { break };
            *width -= 1;
            over -= 1;
        }
        widths
    }

    fn write_row(&self, row: &[Cell], widths: &[usize], style: Style, text: &mut String) {
        let mut line = String::new();
        let mut owed = 0;
        for ((cell, &width), column) in row.iter().zip(widths).zip(&self.columns) {
            let shown = cut(&cell.text, width);
            let space = width.saturating_sub(columns(&shown));
            let (before, after) = match column.align {
                Align::Left => (0, space),
                Align::Right => (space, 0),
            };
            if shown.is_empty() {
                owed += width + GAP;
                continue;
            }
            line.push_str(&" ".repeat(owed + before));
            line.push_str(&style.paint(cell.tone, &shown));
            owed = after + GAP;
        }
        text.push_str(&line);
        text.push('\n');
    }
}

/// How many columns of a terminal a text takes.
pub(crate) fn columns(text: &str) -> usize {
    Span::raw(text).width()
}

/// Breaks a text between words so that it ends before `width`; further lines are indented.
pub(crate) fn wrap(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let mut wrapped = String::new();
    let mut line = 0;
    for word in text.split(' ') {
        let length = columns(word);
        if line > 0 && line + 1 + length > room {
            wrapped.push('\n');
            wrapped.push_str(&" ".repeat(indent));
            line = 0;
        } else if line > 0 {
            wrapped.push(' ');
            line += 1;
        }
        wrapped.push_str(word);
        line += length;
    }
    wrapped
}

/// As much of the start of a text as fits, with `…` where it does not.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        kept.push(letter);
        if columns(&kept) + 1 > width {
            kept.pop();
            break;
        }
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_aligns_and_gives_way() {
        let mut table = Table::new([Column::cut("name", 4), Column::number("units")]);
        table.row(["Caffè arabica".into(), "1,204".into()]);
        table.row([Cell::from(""), "7".into()]);
        let wide = table.render(Style::default(), 40);
        assert_eq!(wide, "name           units\nCaffè arabica  1,204\n                   7\n");
        let narrow = table.render(Style::default(), 14);
        assert_eq!(narrow, "name     units\nCaffè …  1,204\n             7\n");
    }

    #[test]
    fn a_text_is_cut_to_the_column() {
        assert_eq!((cut("abc", 3), cut("abcd", 3)), ("abc".to_owned(), "ab…".to_owned()));
        assert_eq!((cut("abcd", 1), cut("abcd", 0)), ("…".to_owned(), String::new()));
    }
}
