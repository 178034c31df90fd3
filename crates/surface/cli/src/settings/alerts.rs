//! `[[alerts.routes]]`: who gets an alert when it opens.

use serde::{Deserialize, Serialize};
use shelf_domain::{Actor, Alert, Rule, Severity, StoreId};

use super::range;
use crate::failure::Failure;

/// The most routes: each new alert is compared with all of them.
const MAX_ROUTES: u64 = 1_000;
const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];
const HINT: &str = "correct it, then run `shelf config check`";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlertSettings {
    /// The first that fits an alert says who gets it.
    routes: Vec<RouteEntry>,
}

/// One route as it stands in the settings. What is left out does not narrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteEntry {
    /// Alerts of this store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    /// Alerts under these rules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rules: Vec<String>,
    /// Alerts that are at least so bad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    severity: Option<String>,
    /// Who gets them.
    assign_to: String,
}

/// A route that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) store: Option<StoreId>,
    rules: Vec<Rule>,
    least: Severity,
    pub(crate) assign_to: Actor,
}

impl Route {
    /// Whether it says who gets an alert of a store.
    pub(crate) fn fits(&self, store: StoreId, alert: &Alert) -> bool {
        self.store.is_none_or(|own| own == store)
            && (self.rules.is_empty() || self.rules.contains(&alert.rule))
            && alert.severity >= self.least
    }
}

impl AlertSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("the number of alerts.routes", self.routes.len() as u64, 0, MAX_ROUTES)?;
        self.routes().map(drop)
    }

    /// The routes in their order.
    pub(crate) fn routes(&self) -> Result<Vec<Route>, Failure> {
        self.routes.iter().enumerate().map(|(number, entry)| entry.route(number)).collect()
    }
}

impl RouteEntry {
    fn route(&self, number: usize) -> Result<Route, Failure> {
        let wrong = |key: &str, said: String, hint: String| {
            Failure::new("alert_route", format!("alerts.routes[{number}].{key} {said}"), hint)
        };
        let store = self.store.as_deref().map(|id| match StoreId::new(id) {
            Ok(store) if !store.is_empty() => Ok(store),
            _ => Err(wrong("store", format!("is {id:?}, which is no id"), HINT.to_owned())),
        });
        let rules = self.rules.iter().map(|code| {
            let found = Rule::ALL.into_iter().find(|rule| rule.code() == code);
            let hint = || format!("the rules are {}", Rule::CODES.join(", "));
            found.ok_or_else(|| wrong("rules", format!("names {code:?}, which is none"), hint()))
        });
        let least = self.severity.as_deref().map(|code| {
            let found = SEVERITIES.into_iter().find(|severity| severity.code() == code);
            let hint = "the severities are info, warning and critical".to_owned();
            found.ok_or_else(|| wrong("severity", format!("is {code:?}"), hint))
        });
        let name = self.assign_to.as_str();
        let assign_to = match Actor::new(name) {
            Ok(actor) if !name.trim().is_empty() => actor,
            _ => {
                let hint = format!("give a name of 1 to {} bytes", Actor::LIMIT);
                return Err(wrong("assign_to", format!("is {name:?}"), hint));
            }
        };
        let rules = rules.collect::<Result<_, Failure>>()?;
        let least = least.transpose()?.unwrap_or(Severity::Info);
        Ok(Route { store: store.transpose()?, rules, least, assign_to })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(store: &str, rule: &str, severity: &str, assign_to: &str) -> RouteEntry {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        RouteEntry {
            store: given(store),
            rules: given(rule).into_iter().collect(),
            severity: given(severity),
            assign_to: assign_to.to_owned(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        let good = entry("S001", "shelf_empty", "warning", "ada");
        let of = |entry: RouteEntry| AlertSettings { routes: vec![good.clone(), entry] };
        assert!(of(entry("", "", "", "ben")).check().is_ok());
        let bad = [
            (entry(&"x".repeat(60), "", "", "ben"), "alerts.routes[1].store"),
            (entry("", "fire", "", "ben"), "alerts.routes[1].rules names \"fire\""),
            (entry("", "", "bad", "ben"), "alerts.routes[1].severity is \"bad\""),
            (entry("", "", "", " "), "alerts.routes[1].assign_to"),
            (entry("", "", "", &"b".repeat(60)), "alerts.routes[1].assign_to"),
        ];
        for (entry, said) in bad {
            let failure = of(entry).check().unwrap_err();
            assert_eq!(failure.code, "alert_route");
            assert!(failure.message.starts_with(said), "{}", failure.message);
        }
        let many = AlertSettings { routes: vec![good; 1_001] };
        assert_eq!(many.check().unwrap_err().code, "settings");
    }
}
