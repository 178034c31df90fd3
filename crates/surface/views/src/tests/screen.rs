//! The live screen, at several sizes and in every mode.

use expect_test::expect_file;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use shelf_domain::StoreId;

use super::example::{small_chain, window_chain};
use crate::*;

fn view(store: Option<&str>) -> WatchView {
    let example = small_chain();
    let chain = Chain::new([&example.stores]);
    let rates = Rates {
        events_per_s: Some(1_234.0),
        speed: Some(60.0),
        lag_ms: Some(12),
        data_age_ms: Some(300),
    };
    let store = store.map(StoreId::cut);
    WatchView::new(&chain, ClockKind::Simulated, store, &example.lines, rates)
}

fn screen(view: &WatchView, state: &UiState, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let rows = buffer.content.chunks(usize::from(width));
    let line = |row: &[ratatui::buffer::Cell]| {
        row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
    };
    rows.map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn small_and_large() {
    let colour = UiState { colour: Colour::On, ..UiState::default() };
    let centro = view(Some("S1"));
    expect_file!["./snapshots/watch_80x24.txt"].assert_eq(&screen(&centro, &colour, 80, 24));
    expect_file!["./snapshots/watch_120x40.txt"].assert_eq(&screen(&centro, &colour, 120, 40));
    let all = view(None);
    let json = serde_json::to_string_pretty(&all).unwrap() + "\n";
    expect_file!["./snapshots/watch.json"].assert_eq(&json);
    expect_file!["./snapshots/watch_all.txt"].assert_eq(&screen(&all, &colour, 100, 30));
}

#[test]
fn every_mode_without_colour() {
    let centro = view(Some("S1"));
    let mut screens = String::new();
    for mode in [FloorMode::Fill, FloorMode::Alerts, FloorMode::Expiry, FloorMode::Sales] {
        screens += &screen(&centro, &UiState { mode, ..UiState::default() }, 80, 24);
    }
    expect_file!["./snapshots/watch_modes.txt"].assert_eq(&screens);
}

#[test]
fn windows_in_the_place_of_the_floor() {
    let example = window_chain();
    let chain = Chain::new([&example.stores]);
    let state = UiState { windows: true, ..UiState::default() };
    let mut screens = String::new();
    for (store, width, height) in [(Some("S1"), 80, 24), (None, 120, 40)] {
        let store = store.map(StoreId::cut);
        let rates = Rates { data_age_ms: Some(300), ..Rates::default() };
        let view = WatchView::new(&chain, ClockKind::Simulated, store, &[], rates);
        screens += &screen(&view, &state, width, height);
    }
    let nothing = WatchView::new(&Chain::default(), ClockKind::Real, None, &[], Rates::default());
    screens += &screen(&nothing, &state, 80, 24);
    expect_file!["./snapshots/watch_windows.txt"].assert_eq(&screens);
    for size in 1..120 {
        let view = WatchView::new(&chain, ClockKind::Real, None, &[], Rates::default());
        screen(&view, &state, size * 2, size);
    }
}

#[test]
fn figures_and_quality_below_the_windows() {
    let example = window_chain();
    let partitions = [&example.stores];
    let chain = Chain::new(partitions);
    let now = chain.now().unwrap();
    let facts = QualityFacts { clock: ClockKind::Simulated, now, ..QualityFacts::default() };
    let figures = Some(LiveFigures::new(&partitions, &facts, None));
    let rates = Rates { data_age_ms: Some(300), ..Rates::default() };
    let view = WatchView::new(&chain, ClockKind::Simulated, None, &[], rates);
    let view = WatchView { figures, ..view };
    let state = UiState { windows: true, ..UiState::default() };
    let screens = screen(&view, &state, 80, 24) + &screen(&view, &state, 120, 40);
    expect_file!["./snapshots/watch_figures.txt"].assert_eq(&screens);
    for size in 1..120 {
        screen(&view, &state, size * 2, size);
    }
}

#[test]
fn help_nothing_and_too_small() {
    let help = UiState { help: true, ..UiState::default() };
    let mut screens = screen(&view(Some("S1")), &help, 80, 24);
    let nothing = WatchView::new(&Chain::default(), ClockKind::Real, None, &[], Rates::default());
    screens += &screen(&nothing, &UiState::default(), 80, 24);
    screens += &screen(&nothing, &UiState::default(), 40, 3);
    expect_file!["./snapshots/watch_special.txt"].assert_eq(&screens);
}

#[test]
fn every_size_is_drawn() {
    let views = [view(Some("S1")), view(None)];
    let help = UiState { help: true, ..UiState::default() };
    for (width, height) in [(1, 1), (63, 18), (64, 17), (64, 18), (79, 23), (200, 19), (65, 90)] {
        for view in &views {
            screen(view, &help, width, height);
        }
    }
    for size in 1..160 {
        screen(&views[0], &UiState::default(), size * 2, size);
    }
}

#[test]
fn the_picture_is_the_same_each_time() {
    let centro = view(Some("S1"));
    let svg = render_svg(&centro, 120, 40);
    assert_eq!(svg, render_svg(&centro, 120, 40));
    assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("Fresh &amp; Sons") || !svg.contains("Fresh & Sons"));
    expect_file!["./snapshots/watch.svg"].assert_eq(&svg);
}
