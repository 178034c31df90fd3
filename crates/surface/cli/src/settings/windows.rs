//! The windows that a settings file declares, and what is wrong with those that a store would not
//! take.

use serde::{Deserialize, Serialize};
use shelf_domain::{
    MAX_LATENESS_US, MAX_PANES, MAX_WINDOW_US, MAX_WINDOWS, Measure, Reason, SECOND, WindowName,
    WindowPlan, WindowScope, WindowSpec,
};

use crate::failure::Failure;

/// All windows of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WindowSettings {
    /// How long after its end a window is still corrected.
    #[serde(default = "ten_minutes")]
    lateness_seconds: u32,
    /// The windows, each with a name of its own; those of the core where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<Vec<WindowEntry>>,
}

fn ten_minutes() -> u32 {
    600
}

fn kept() -> bool {
    true
}

/// One kind of window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowEntry {
    name: String,
    measure: MeasureWord,
    scope: ScopeWord,
    size_seconds: u32,
    /// From the start of one to the start of the next; the size where it is left out.
    slide_seconds: Option<u32>,
    /// How often an open window tells what it has; 0: only when it ends.
    #[serde(default)]
    early_seconds: u32,
    /// Whether its results go to the log of effects.
    #[serde(default = "kept")]
    kept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MeasureWord {
    Sales,
    Stock,
    Turnover,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScopeWord {
    Global,
    Store,
    Product,
    StoreProduct,
}

const MAX_WINDOW_S: i64 = MAX_WINDOW_US / SECOND;
const MAX_LATENESS_S: i64 = MAX_LATENESS_US / SECOND;

impl WindowSettings {
    /// The plan, where a store takes it.
    pub(crate) fn plan(&self) -> Result<WindowPlan, Failure> {
        let lateness_us = micros(self.lateness_seconds);
        if lateness_us > MAX_LATENESS_US {
            let message = format!("windows.lateness_seconds is {}", self.lateness_seconds);
            return Err(refused(message, format!("use at most {MAX_LATENESS_S}, which is a day")));
        }
        let windows = match &self.list {
            Some(list) if list.len() > MAX_WINDOWS => {
                let message = format!("windows.list declares {} windows", list.len());
                return Err(refused(message, format!("declare at most {MAX_WINDOWS}")));
            }
            Some(list) => {
                list.iter().map(WindowEntry::spec).collect::<Result<Vec<WindowSpec>, Failure>>()?
            }
            None => WindowPlan::default().windows,
        };
        let plan = WindowPlan { windows, lateness_us };
        for (spec, number) in plan.windows.iter().zip(1..) {
            let before = plan.windows.iter().take(number - 1);
            if before.into_iter().any(|other| other.name == spec.name) {
                let message = format!("two windows have the name {}", spec.name);
                return Err(refused(message, "give each window a name of its own"));
            }
            // Together the windows have more panes than any one of them: the first too many tells.
            let so_far = plan.windows.iter().take(number).copied().collect();
            if let Err(reason) = (WindowPlan { windows: so_far, lateness_us }).check() {
                let message = match reason {
                    Reason::LimitReached => format!("the window {} has too many panes", spec.name),
                    other => format!("the window {} cannot be kept: {}", spec.name, other.code()),
                };
                return Err(refused(message, panes_hint()));
            }
        }
        Ok(plan)
    }
}

fn panes_hint() -> String {
    format!(
        "the longest window and the lateness may have {MAX_PANES} panes, each as wide as the \
         greatest common divisor of the slides: use longer slides, or a shorter window"
    )
}

fn micros(seconds: u32) -> i64 {
    i64::from(seconds) * SECOND
}

fn refused(message: impl Into<String>, hint: impl Into<String>) -> Failure {
    let hint = format!("{}, then run `shelf config check`", hint.into());
    Failure::new("settings", message, hint)
}

impl WindowEntry {
    fn spec(&self) -> Result<WindowSpec, Failure> {
        let slide_seconds = self.slide_seconds.unwrap_or(self.size_seconds);
        self.check(slide_seconds)?;
        let name = WindowName::new(&self.name).map_err(|long| {
            let message = format!("the window name {:?} has {} bytes", self.name, long.len);
            refused(message, format!("use at most {}", long.limit))
        })?;
        Ok(WindowSpec {
            name,
            measure: match self.measure {
                MeasureWord::Sales => Measure::Sales,
                MeasureWord::Stock => Measure::Stock,
                MeasureWord::Turnover => Measure::Turnover,
            },
            scope: match self.scope {
                ScopeWord::Global => WindowScope::Global,
                ScopeWord::Store => WindowScope::Store,
                ScopeWord::Product => WindowScope::Product,
                ScopeWord::StoreProduct => WindowScope::StoreProduct,
            },
            size_us: micros(self.size_seconds),
            slide_us: micros(slide_seconds),
            early_us: micros(self.early_seconds),
            kept: self.kept,
        })
    }

    /// What a store says to a single window, in the words of the settings.
    fn check(&self, slide_seconds: u32) -> Result<(), Failure> {
        let (name, size) = (&self.name, self.size_seconds);
        if name.is_empty() {
            return Err(refused("a window of windows.list has an empty name", "give it a name"));
        }
        if size == 0 || i64::from(size) > MAX_WINDOW_S {
            let message = format!("the window {name} has a size of {size} seconds");
            return Err(refused(message, format!("use 1 to {MAX_WINDOW_S}, which is a day")));
        }
        if slide_seconds == 0 || size % slide_seconds != 0 {
            let message = format!(
                "the window {name} has a slide of {slide_seconds} seconds, which does not divide \
                 its size of {size}"
            );
            return Err(refused(message, "use a slide of which the size is a whole multiple"));
        }
        if self.early_seconds >= size {
            let message = format!(
                "the window {name} of {size} seconds tells early each {}",
                self.early_seconds
            );
            return Err(refused(message, "use less than its size, or 0 for not at all"));
        }
        let by_product = matches!(self.scope, ScopeWord::Product | ScopeWord::StoreProduct);
        if self.measure != MeasureWord::Sales && !by_product {
            let message = format!("the window {name} measures stock of no product");
            return Err(refused(message, "use the scope product or store_product"));
        }
        Ok(())
    }
}
