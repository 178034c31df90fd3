//! The windows of sales on the live screen: the last of the store, and what sells in the present
//! one of the products.

use std::ops::Range;

use serde::Serialize;
use shelf_domain::{Measure, StoreId, WindowName, WindowScope, WindowSpec, WindowStage};

use super::canvas::Canvas;
use super::palette::{PLAIN, Palette, STRONG};
use super::{WatchView, figures};
use crate::chain::Chain;
use crate::windows::{WindowFilter, WindowLine, WindowsView, kind_named};
use crate::wording::{count, money, second_utc, span, sparkline};

/// Windows of the store that are kept for the screen.
const OF_STORE: usize = 30;
/// The most products that the screen has room for.
const PRODUCTS: usize = 30;

/// The windows of sales that a person watches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LiveWindows {
    /// The latest windows of the whole store, all stores together, the newest last; `None` where
    /// no such window is kept.
    pub store: Option<WindowsView>,
    /// The products of the present window of products, what sells most first; `None` where no such
    /// window is kept.
    pub products: Option<WindowsView>,
}

impl LiveWindows {
    /// Those of a store, or of all together.
    pub fn new(chain: &Chain<'_>, store: Option<StoreId>) -> Self {
        let stores = chain.select(store);
        let kind = |scope| kind_named(&stores, Measure::Sales, scope);
        let recent = |spec: WindowSpec, last| {
            let filter =
                WindowFilter { store, last: Some(last), together: true, ..WindowFilter::default() };
            let name: WindowName = spec.name;
            WindowsView::recent(chain, name, &filter)
        };
        let mut products = kind(WindowScope::Product).and_then(|spec| recent(spec, 1));
        if let Some(view) = &mut products {
            view.rows.truncate(PRODUCTS);
        }
        let store = kind(WindowScope::Store).and_then(|spec| recent(spec, OF_STORE));
        Self { store, products }
    }
}

/// Draws them in the place of the floor.
pub(super) fn draw(canvas: &mut Canvas<'_>, view: &WatchView, palette: Palette) {
    let half = canvas.height() / 2;
    let below = match &view.figures {
        Some(figures) if canvas.height() > 4 * figures::LINES => {
            figures::draw(canvas, figures, palette);
            canvas.height() - figures::LINES
        }
        _ => canvas.height(),
    };
    let y = match &view.windows.store {
        Some(windows) => draw_store(canvas, windows, half, palette),
        None => {
            canvas.text(0, 0, "No window of a store's sales is declared.", palette.faint());
            2
        }
    };
    match &view.windows.products {
        Some(windows) => draw_products(canvas, windows, y..below, palette),
        None => {
            canvas.text(0, y, "No window of products is declared.", palette.faint());
        }
    }
}

/// The bars, and the latest windows as far as they go; returns the line behind them.
fn draw_store(canvas: &mut Canvas<'_>, windows: &WindowsView, rows: u16, palette: Palette) -> u16 {
    let x = canvas.text(0, 0, windows.window.as_str(), STRONG) + 1;
    let series = windows.net_series();
    let room = usize::from(canvas.width().saturating_sub(x + 14));
    let shown = series.get(series.len().saturating_sub(room.min(OF_STORE))..).unwrap_or_default();
    let x = canvas.text(x, 0, "net revenue", palette.faint()) + 1;
    canvas.text(x, 0, &sparkline(shown), palette.good());
    if windows.rows.is_empty() {
        canvas.text(0, 1, "Nothing was sold of late.", palette.faint());
        return 3;
    }
    row(canvas, 1, ["from (UTC)", "receipts", "net", "customers"], palette);
    let last = usize::from(rows.saturating_sub(3)).max(1);
    let skipped = windows.rows.len().saturating_sub(last);
    let mut y = 2;
    for line in windows.rows.iter().skip(skipped) {
        let cells = [&clock(line), &number(line.transactions), &cents(line), &customers(line)];
        row(canvas, y, cells.map(String::as_str), palette);
        y += 1;
    }
    y + 1
}

/// The products that sell, as many as there is room for.
fn draw_products(
    canvas: &mut Canvas<'_>,
    windows: &WindowsView,
    lines: Range<u16>,
    palette: Palette,
) {
    let y = lines.start;
    let x = canvas.text(0, y, windows.window.as_str(), STRONG) + 1;
    let Some(first) = windows.rows.first() else {
        canvas.text(0, y + 1, "Nothing was sold of late.", palette.faint());
        return;
    };
    let length = span(first.end.since(first.start) / shelf_domain::SECOND);
    let when = format!("from {}, {length}, {}", clock(first), first.stage.code());
    canvas.text(x, y, &when, palette.faint());
    let width = canvas.width();
    for (line, y) in windows.rows.iter().zip(y + 1..lines.end) {
        let name = line.name.as_deref().unwrap_or("");
        let figures = format!(" {:>5} {:>10}", number(line.units), cents(line));
        let room = usize::from(width.saturating_sub(figures.len() as u16));
        canvas.text(0, y, &crate::table::cut(name, room), PLAIN);
        canvas.right(y, &figures, PLAIN);
    }
}

fn row(canvas: &mut Canvas<'_>, y: u16, cells: [&str; 4], palette: Palette) {
    let [from, receipts, net, customers] = cells;
    let style = if y == 1 { palette.faint() } else { PLAIN };
    canvas.text(0, y, &format!("{from:<10} {receipts:>8} {net:>10} {customers:>9}"), style);
}

/// The time of day that a window begins, with a sign while it is open.
fn clock(line: &WindowLine) -> String {
    let text = second_utc(line.start);
    let time = text.rsplit(' ').next().unwrap_or_default();
    let open = if line.stage == WindowStage::Early { "+" } else { "" };
    format!("{time}{open}")
}

fn number(value: Option<u32>) -> String {
    value.map_or_else(|| "-".to_owned(), count)
}

fn cents(line: &WindowLine) -> String {
    line.net_cents.map_or_else(|| "-".to_owned(), money)
}

fn customers(line: &WindowLine) -> String {
    let about = if line.customers_exact == Some(false) { "~" } else { "" };
    line.customers.map_or_else(|| "-".to_owned(), |number| format!("{about}{}", count(number)))
}
