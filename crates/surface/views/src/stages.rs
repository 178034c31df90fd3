//! How long the stages of the path of an event take.

use serde::Serialize;

use crate::quality::LatencyTimes;

/// How long a stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StageRow {
    /// Which: `ingest`, `log`, `core`, `snapshot` or `lake`.
    pub stage: &'static str,
    /// How often it was measured in the last five to ten minutes.
    pub count: u64,
    /// Half of the times were no longer, in milliseconds; `None` where none was measured.
    pub p50_ms: Option<f64>,
    /// Of a hundred, 99 were no longer.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
}

impl StageRow {
    /// The row of a stage; `None`: nothing was measured.
    pub fn new(stage: &'static str, facts: Option<LatencyTimes>) -> Self {
        let ms = |of: fn(&LatencyTimes) -> u64| facts.as_ref().map(|facts| of(facts) as f64 / 1e3);
        Self {
            stage,
            count: facts.map_or(0, |facts| facts.count),
            p50_ms: ms(|facts| facts.p50_us),
            p99_ms: ms(|facts| facts.p99_us),
            max_ms: ms(|facts| facts.max_us),
        }
    }

    /// The p99 as people read it.
    pub fn p99(&self) -> String {
        self.p99_ms.map_or_else(|| "–".to_owned(), length)
    }
}

/// A length as people read it: `0.42 ms`, `12.3 ms`, `1.2 s`.
fn length(ms: f64) -> String {
    match ms {
        ..1.0 => format!("{ms:.2} ms"),
        ..1_000.0 => format!("{ms:.1} ms"),
        _ => format!("{:.1} s", ms / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_tells_what_was_measured() {
        let facts = LatencyTimes {
            count: 7,
            p50_us: 420,
            p95_us: 9_000,
            p99_us: 12_340,
            max_us: 1_234_000,
        };
        let row = StageRow::new("log", Some(facts));
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(
            json,
            r#"{"stage":"log","count":7,"p50_ms":0.42,"p99_ms":12.34,"max_ms":1234.0}"#
        );
        assert_eq!(row.p99(), "12.3 ms");
        assert_eq!((length(0.42), length(1_234.0)), ("0.42 ms".to_owned(), "1.2 s".to_owned()));
        let none = StageRow::new("lake", None);
        assert_eq!((none.count, none.p99_ms, none.p99().as_str()), (0, None, "–"));
    }
}
