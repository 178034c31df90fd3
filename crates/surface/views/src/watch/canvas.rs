//! Writing into a part of the screen: text that does not fit is cut, never written outside.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::table;

/// A part of the screen that is being drawn.
pub(crate) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
}

impl<'a> Canvas<'a> {
    pub(crate) fn new(buffer: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area }
    }

    pub(crate) fn width(&self) -> u16 {
        self.area.width
    }

    pub(crate) fn height(&self) -> u16 {
        self.area.height
    }

    /// Writes at a place of the part; returns the column after the text.
    pub(crate) fn text(&mut self, x: u16, y: u16, text: &str, style: Style) -> u16 {
        if x >= self.area.width || y >= self.area.height {
            return x;
        }
        let room = usize::from(self.area.width - x);
        let shown = table::cut(text, room);
        let (x0, y0) = (self.area.x + x, self.area.y + y);
        let (end, _) = self.buffer.set_stringn(x0, y0, &shown, room, style);
        end - self.area.x
    }

    /// Writes so that the text ends at the right side.
    pub(crate) fn right(&mut self, y: u16, text: &str, style: Style) {
        let columns = table::columns(text) as u16;
        self.text(self.area.width.saturating_sub(columns), y, text, style);
    }

    /// Fills a rectangle of the part with a symbol.
    pub(crate) fn fill(&mut self, part: Rect, symbol: &str, style: Style) {
        let placed = Rect { x: self.area.x + part.x, y: self.area.y + part.y, ..part };
        let placed = placed.intersection(self.area);
        for position in placed.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }

    /// A part of this part.
    pub(crate) fn part(&mut self, part: Rect) -> Canvas<'_> {
        let placed = Rect { x: self.area.x + part.x, y: self.area.y + part.y, ..part };
        Canvas { area: placed.intersection(self.area), buffer: self.buffer }
    }
}
