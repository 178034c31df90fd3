//! The live screen as a picture: the same drawing, written as an SVG that needs nothing else.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::Modifier;

use super::palette::{GROUND, TEXT, rgb};
use super::screen::draw_into;
use super::{UiState, WatchView};
use crate::style::Colour;

/// The size of a character, in tenths of a pixel.
const CELL: (u32, u32) = (84, 180);
/// The free space around the screen, in tenths of a pixel.
const MARGIN: u32 = 120;
const FONT: &str =
    "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace";

/// The screen of a view as lines of text, `width` by `height` characters large.
pub fn render_watch(view: &WatchView, width: u16, height: u16) -> String {
    let area = Rect { x: 0, y: 0, width, height };
    let mut buffer = Buffer::empty(area);
    draw_into(&mut buffer, area, view, &UiState { store: view.store, ..UiState::default() });
    let mut text = String::new();
    for row in buffer.content().chunks(usize::from(width.max(1))) {
        let line: String = row.iter().map(Cell::symbol).collect();
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The screen of a view as a self-contained SVG, `width` by `height` characters large. The same
/// view gives the same bytes.
pub fn render_svg(view: &WatchView, width: u16, height: u16) -> String {
    let area = Rect { x: 0, y: 0, width, height };
    let mut buffer = Buffer::empty(area);
    let state = UiState { colour: Colour::On, store: view.store, ..UiState::default() };
    draw_into(&mut buffer, area, view, &state);
    write_svg(&buffer, &format!("{} {}", view.title, view.local_time))
}

fn write_svg(buffer: &Buffer, title: &str) -> String {
    let Rect { width, height, .. } = buffer.area;
    let wide = u32::from(width) * CELL.0 + 2 * MARGIN;
    let high = u32::from(height) * CELL.1 + 2 * MARGIN;
    let (w, h) = (px(wide), px(high));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" \
         height=\"{h}\" role=\"img\" font-family=\"{FONT}\" font-size=\"14\">\n\
         <title>{}</title>\n<rect width=\"{w}\" height=\"{h}\" rx=\"8\" fill=\"{}\"/>\n",
        escape(title),
        hex(GROUND)
    );
    let row = |y: u16| (0..width).filter_map(move |x| buffer.cell(Position { x, y }));
    for y in 0..height {
        write_grounds(row(y), y, &mut svg);
    }
    for y in 0..height {
        write_texts(row(y), y, &mut svg);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Something that stretches over neighbouring cells of a row.
struct Run<T> {
    look: T,
    x: u32,
    cells: u32,
    text: String,
}

/// Groups the cells of a row that look the same.
fn runs<'a, T: PartialEq>(
    cells: impl Iterator<Item = &'a Cell>,
    look: impl Fn(&Cell) -> Option<T>,
) -> Vec<Run<T>> {
    let mut runs: Vec<Run<T>> = Vec::new();
    for (cell, x) in cells.zip(0_u32..) {
        let Some(look) = look(cell) else { continue };
        match runs.last_mut() {
            Some(run) if run.look == look && run.x + run.cells == x => {
                run.cells += 1;
                run.text.push_str(cell.symbol());
            }
            _ => runs.push(Run { look, x, cells: 1, text: cell.symbol().to_owned() }),
        }
    }
    runs
}

fn write_grounds<'a>(cells: impl Iterator<Item = &'a Cell>, y: u16, svg: &mut String) {
    for run in runs(cells, |cell| rgb(cell.bg)) {
        let (x, y) = place(run.x, y);
        let (w, h) = (px(run.cells * CELL.0), px(CELL.1));
        let fill = hex(run.look);
        // A `String` takes every write.
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"{fill}\"/>"
        );
    }
}

fn write_texts<'a>(cells: impl Iterator<Item = &'a Cell>, y: u16, svg: &mut String) {
    let look = |cell: &Cell| {
        let inked = cell.symbol() != " ";
        inked.then(|| (rgb(cell.fg).unwrap_or(TEXT), cell.modifier.contains(Modifier::BOLD)))
    };
    for run in runs(cells, look) {
        let (x, _) = place(run.x, y);
        let baseline = px(MARGIN + u32::from(y) * CELL.1 + 135);
        let (fill, bold) = (hex(run.look.0), run.look.1);
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let length = px(run.cells * CELL.0);
        let text = escape(&run.text);
        // The length is given so that every font lines up.
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{baseline}\" fill=\"{fill}\"{weight} \
             textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>"
        );
    }
}

fn place(x: u32, y: u16) -> (String, String) {
    (px(MARGIN + x * CELL.0), px(MARGIN + u32::from(y) * CELL.1))
}

/// Tenths of a pixel as SVG writes them.
fn px(tenths: u32) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

fn hex((red, green, blue): (u8, u8, u8)) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
