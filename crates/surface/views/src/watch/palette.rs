//! The colours of the live screen: of the 256 that every terminal has, on a dark ground. With
//! colour off, weight and shading stand in for them.

use ratatui::style::{Color, Modifier, Style};
use shelf_domain::Severity;

use super::FloorMode;
use crate::style::Colour;

/// The ground of the screen, where it is drawn as a picture.
pub(crate) const GROUND: (u8, u8, u8) = (16, 18, 22);
/// The text on it.
pub(crate) const TEXT: (u8, u8, u8) = (222, 222, 222);
/// Heat has this many levels.
pub(crate) const LEVELS: usize = 5;

const FILL: [u8; LEVELS] = [88, 94, 58, 22, 23];
const ALERTS: [u8; LEVELS] = [236, 24, 94, 94, 124];
const EXPIRY: [u8; LEVELS] = [236, 54, 90, 126, 161];
const SALES: [u8; LEVELS] = [236, 17, 18, 25, 31];
const NOTHING: u8 = 234;

/// Text without a meaning of its own.
pub(crate) const PLAIN: Style = Style::new();
/// Text that stands out.
pub(crate) const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// How things look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    colour: Colour,
}

impl Palette {
    pub(crate) fn new(colour: Colour) -> Self {
        Self { colour }
    }

    fn coloured(self, with: Style, without: Style) -> Style {
        match self.colour {
            Colour::On => with,
            Colour::Off => without,
        }
    }

    pub(crate) fn faint(self) -> Style {
        let dim = Style::new().add_modifier(Modifier::DIM);
        self.coloured(Style::new().fg(Color::Indexed(245)), dim)
    }

    pub(crate) fn good(self) -> Style {
        self.coloured(Style::new().fg(Color::Indexed(78)), STRONG)
    }

    pub(crate) fn severity(self, severity: Severity) -> Style {
        match severity {
            Severity::Info => self.coloured(Style::new().fg(Color::Indexed(75)), PLAIN),
            Severity::Warning => self.coloured(Style::new().fg(Color::Indexed(214)), PLAIN),
            Severity::Critical => self.coloured(STRONG.fg(Color::Indexed(203)), STRONG),
        }
    }

    /// The ground of a zone, and what fills it, at a level of heat; `None` where nothing is known.
    pub(crate) fn heat(self, mode: FloorMode, level: Option<usize>) -> (Style, &'static str) {
        const SHADES: [&str; LEVELS] = [" ", "░", "░", "▒", "▓"];
        let ramp = match mode {
            FloorMode::Fill => FILL,
            FloorMode::Alerts => ALERTS,
            FloorMode::Expiry => EXPIRY,
            FloorMode::Sales => SALES,
        };
        let colour = level.and_then(|level| ramp.get(level).copied()).unwrap_or(NOTHING);
        let ground = Style::new().bg(Color::Indexed(colour)).fg(Color::Indexed(255));
        match self.colour {
            Colour::On => (ground, " "),
            Colour::Off => {
                let shade = level.and_then(|level| SHADES.get(level).copied());
                (Style::new(), shade.unwrap_or("·"))
            }
        }
    }

    /// The text on a zone.
    pub(crate) fn on_zone(self, ground: Style) -> Style {
        self.coloured(ground, Style::new().add_modifier(Modifier::REVERSED))
    }
}

/// Red, green and blue of a colour; `None` where it is the default.
pub(crate) fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    match colour {
        Color::Indexed(number) => Some(indexed(number)),
        Color::Rgb(red, green, blue) => Some((red, green, blue)),
        _ => None,
    }
}

/// The xterm palette from 16 on: a cube of six steps, then greys.
fn indexed(number: u8) -> (u8, u8, u8) {
    let Some(cube) = number.checked_sub(16) else { return TEXT };
    if cube >= 216 {
        let grey = 8 + 10 * (cube - 216);
        return (grey, grey, grey);
    }
    let step = |part: u8| if part == 0 { 0 } else { 55 + 40 * part };
    (step(cube / 36), step(cube / 6 % 6), step(cube % 6))
}
