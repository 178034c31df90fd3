//! Where everything is on the live screen.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::palette::{PLAIN, Palette};
use super::{UiState, WatchView, floor, panels, windows};

/// The smallest screen that has room for the floor.
const LEAST: (u16, u16) = (64, 18);
/// One zone is a thirteenth of the floor wide: a multiple of it gives all zones the same width.
const FLOOR_STEP: u16 = 13;

/// Draws the whole screen.
pub fn draw(frame: &mut Frame<'_>, view: &WatchView, state: &UiState) {
    let area = frame.area();
    draw_into(frame.buffer_mut(), area, view, state);
}

pub(crate) fn draw_into(buffer: &mut Buffer, area: Rect, view: &WatchView, state: &UiState) {
    let palette = Palette::new(state.colour);
    let mut screen = Canvas::new(buffer, area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let need = format!("The screen needs {} x {} characters.", LEAST.0, LEAST.1);
        screen.text(0, 0, &need, PLAIN);
        screen.text(0, 1, "Make the window larger, or press q.", palette.faint());
        return;
    }
    let panes = panes(area.width, area.height);
    panels::header(&mut screen.part(panes.header), view, palette);
    panels::tiles(&mut screen.part(panes.tiles), view, palette);
    if state.windows {
        windows::draw(&mut screen.part(panes.floor), view, palette);
    } else {
        floor::draw(&mut screen.part(panes.floor), view, state.mode, palette);
    }
    panels::alerts(&mut screen.part(panes.alerts), view, palette);
    panels::effects(&mut screen.part(panes.effects), view, palette);
    panels::footer(&mut screen.part(panes.footer), view, palette);
    if state.help {
        panels::help(&mut screen, palette);
    }
}

struct Panes {
    header: Rect,
    tiles: Rect,
    floor: Rect,
    alerts: Rect,
    effects: Rect,
    footer: Rect,
}

fn panes(width: u16, height: u16) -> Panes {
    let rows = |y: u16, height: u16| Rect { x: 0, y, width, height };
    let effects_height = (height / 5).clamp(4, 14);
    let top = 4;
    let body_height = height - top - effects_height - 1;
    let steps = (u32::from(width) * 13 / 20) as u16 / FLOOR_STEP;
    let floor_width = (steps * FLOOR_STEP).max(FLOOR_STEP * 3);
    let alerts_x = floor_width + 1;
    Panes {
        header: rows(0, 1),
        tiles: rows(1, 2),
        floor: Rect { x: 0, y: top, width: floor_width, height: body_height },
        alerts: Rect { x: alerts_x, y: top, width: width - alerts_x, height: body_height },
        effects: rows(top + body_height, effects_height),
        footer: rows(height - 1, 1),
    }
}
