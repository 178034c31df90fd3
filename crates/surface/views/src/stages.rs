//! How long the stages of the path of an event take, and how often they fail.

use serde::Serialize;

use crate::quality::LatencyTimes;
use crate::wording;

/// How long a stage takes, and how often it has failed.
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
    /// How often it has failed since the process started.
    pub failures: u64,
}

impl StageRow {
    /// The row of a stage; `None`: nothing was measured.
    pub fn new(stage: &'static str, facts: Option<LatencyTimes>, failures: u64) -> Self {
        let ms = |of: fn(&LatencyTimes) -> u64| facts.as_ref().map(|facts| of(facts) as f64 / 1e3);
        Self {
            stage,
            count: facts.map_or(0, |facts| facts.count),
            p50_ms: ms(|facts| facts.p50_us),
            p99_ms: ms(|facts| facts.p99_us),
            max_ms: ms(|facts| facts.max_us),
            failures,
        }
    }

    /// The times as people read them: `p50 0.42 ms, p99 12.3 ms`.
    pub fn times(&self) -> String {
        let text = |ms: Option<f64>| ms.map_or_else(|| "–".to_owned(), length);
        format!("p50 {}, p99 {}", text(self.p50_ms), text(self.p99_ms))
    }

    /// The failures as people read them: `2 failures`.
    pub fn failed(&self) -> String {
        wording::counted(self.failures, "failure")
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

    const TOLD: (&str, &str) = ("p50 0.42 ms, p99 12.3 ms", "2 failures");

    #[test]
    fn a_stage_tells_what_was_measured() {
        let facts = LatencyTimes {
            count: 7,
            p50_us: 420,
            p95_us: 9_000,
            p99_us: 12_340,
            max_us: 1_234_000,
        };
        let row = StageRow::new("log", Some(facts), 2);
        let json = serde_json::to_string(&row).unwrap();
        assert_eq!(
            json,
            r#"{"stage":"log","count":7,"p50_ms":0.42,"p99_ms":12.34,"max_ms":1234.0,"failures":2}"#
        );
        assert_eq!((row.times().as_str(), row.failed().as_str()), TOLD);
        assert_eq!((length(0.42), length(1_234.0)), ("0.42 ms".to_owned(), "1.2 s".to_owned()));
        let none = StageRow::new("lake", None, 0);
        assert_eq!((none.count, none.p99_ms, none.times().as_str()), (0, None, "p50 –, p99 –"));
    }
}
