//! Whether and how a terminal shows colour.

use shelf_domain::Severity;

/// Whether colour may be used. Who asks for it (a terminal, `NO_COLOR`) is the caller's business.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// Text alone.
    #[default]
    Off,
    /// ANSI colours.
    On,
}

/// How text for a terminal looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Whether colour may be used.
    pub colour: Colour,
}

/// What a piece of text is, which decides its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    #[default]
    Plain,
    Faint,
    Strong,
    Good,
    Of(Severity),
}

impl Style {
    /// `text`, in the colour of its tone where colour is on.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self.colour, tone) {
            (Colour::Off, _) | (_, Tone::Plain) => return text.to_owned(),
            (_, Tone::Faint) => "2",
            (_, Tone::Strong) => "1",
            (_, Tone::Good) => "32",
            (_, Tone::Of(Severity::Info)) => "36",
            (_, Tone::Of(Severity::Warning)) => "33",
            (_, Tone::Of(Severity::Critical)) => "1;31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// The symbol of a severity: a shape of its own, so that it is never told by colour alone.
pub fn symbol(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "○",
        Severity::Warning => "◆",
        Severity::Critical => "▲",
    }
}

/// Symbol and word of a severity.
pub(crate) fn severity_words(severity: Severity) -> String {
    format!("{} {}", symbol(severity), severity.code())
}
