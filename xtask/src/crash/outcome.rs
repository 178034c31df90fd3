//! What a run says about itself at its end, and how two runs are compared.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fmt;

/// The fields that must be equal whatever happened on the way.
const EQUAL: [&str; 3] = ["state_hash", "events", "units"];
const INVARIANTS: &str = "invariant_violations";

/// The object that `shelf simulate --json` prints.
#[derive(Debug)]
pub(crate) struct Outcome(Value);

impl Outcome {
    /// Every field that is compared must be there.
    pub(crate) fn parse(stdout: &str) -> Result<Self> {
        let object: Value = serde_json::from_str(stdout.trim())
            .with_context(|| format!("stdout is not one JSON object: {stdout:?}"))?;
        for field in EQUAL {
            if object.get(field).is_none_or(Value::is_null) {
                bail!("the outcome has no `{field}`");
            }
        }
        if object.get(INVARIANTS).and_then(Value::as_u64).is_none() {
            bail!("the outcome has no count `{INVARIANTS}`");
        }
        Ok(Self(object))
    }

    pub(crate) fn check_invariants(&self) -> Result<()> {
        let count = self.field(INVARIANTS);
        if count.as_u64() != Some(0) {
            bail!("{INVARIANTS} is {count}");
        }
        Ok(())
    }

    /// Names every field that differs.
    pub(crate) fn check_equal(&self, straight: &Self) -> Result<()> {
        let differences: Vec<String> = EQUAL
            .into_iter()
            .filter(|field| self.field(field) != straight.field(field))
            .map(|field| {
                format!("{field} is {}, straight {}", self.field(field), straight.field(field))
            })
            .collect();
        if !differences.is_empty() {
            bail!("the outcome differs from the straight run: {}", differences.join("; "));
        }
        Ok(())
    }

    fn field(&self, name: &str) -> &Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, state {}", self.field("events"), self.field("state_hash"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        r#"{"state_hash":"ab","events":3,"invariant_violations":0,"units":{"sold":2}}"#;

    #[test]
    fn equal_runs_may_differ_in_time() {
        let straight = Outcome::parse(GOOD).unwrap();
        let other = GOOD.replace('{', "{ ").replacen('{', "{\"wall_s\":7,", 1);
        let other = Outcome::parse(&other).unwrap();
        other.check_equal(&straight).unwrap();
        other.check_invariants().unwrap();
    }

    #[test]
    fn every_difference_is_named() {
        let straight = Outcome::parse(GOOD).unwrap();
        let other = Outcome::parse(&GOOD.replace("ab", "cd").replace(":2", ":1")).unwrap();
        let error = other.check_equal(&straight).unwrap_err().to_string();
        assert!(error.contains(r#"state_hash is "cd", straight "ab""#), "{error}");
        assert!(error.contains("units is") && !error.contains("events"), "{error}");
    }

    #[test]
    fn a_broken_invariant_is_an_error() {
        let text = GOOD.replace("violations\":0", "violations\":4");
        assert!(Outcome::parse(&text).unwrap().check_invariants().is_err());
    }

    #[test]
    fn an_incomplete_outcome_is_refused() {
        let texts = ["", "{}", "x", &GOOD.replace("units", "u"), &GOOD.replace("\"ab\"", "null")];
        for text in texts {
            assert!(Outcome::parse(text).is_err(), "{text}");
        }
    }
}
