//! Progress bars, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// A bar over so many bytes, where that is known, with what is done to them.
pub(crate) fn of_bytes(output: Output, total: Option<u64>, doing: &'static str) -> ProgressBar {
    let template = "{bar:40} {bytes} of {total_bytes}  {msg}  {bytes_per_sec}  {eta} left";
    let bar = match total {
        Some(total) => bar(output, total, template),
        None => bar(output, 0, "{spinner} {bytes}  {msg}  {bytes_per_sec}"),
    };
    bar.set_message(doing);
    bar.tick();
    bar
}

/// A bar over so many steps of something.
pub(crate) fn bar(output: Output, total: u64, template: &str) -> ProgressBar {
    if !output.progress {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
