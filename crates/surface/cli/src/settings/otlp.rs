//! `[otlp]`: the collector that is told of requests and of what is counted.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shelf_web::OtlpOptions;

use super::range;
use super::secret::Secret;
use crate::failure::Failure;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtlpSettings {
    /// The address of the collector; empty where there is none.
    pub(crate) endpoint: String,
    /// Headers of each request as `name=value,name=value`.
    pub(crate) headers: Secret,
    /// The name under which this process is known there.
    pub(crate) service: String,
    /// How often what is counted is sent.
    pub(crate) interval_seconds: u32,
}

impl Default for OtlpSettings {
    fn default() -> Self {
        Self {
            endpoint: String::new(),
            headers: Secret::default(),
            service: "shelf".to_owned(),
            interval_seconds: 10,
        }
    }
}

impl OtlpSettings {
    pub(super) fn check(&self) -> Result<(), Failure> {
        range("otlp.interval_seconds", self.interval_seconds.into(), 1, 3_600)?;
        self.options().map(drop)
    }

    /// Where to send; `None` where nobody collects.
    pub(crate) fn options(&self) -> Result<Option<OtlpOptions>, Failure> {
        if self.endpoint.is_empty() {
            return Ok(None);
        }
        let pairs = self.headers.reveal().split(',').filter(|pair| !pair.trim().is_empty());
        let headers = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                let message = "otlp.headers has a part without \"=\"";
                Failure::new("settings", message, "write name=value, with commas between them")
            })?;
            Ok((name.trim().to_owned(), value.trim().to_owned()))
        });
        Ok(Some(OtlpOptions {
            endpoint: self.endpoint.clone(),
            headers: headers.collect::<Result<_, Failure>>()?,
            service: self.service.clone(),
            interval: Duration::from_secs(self.interval_seconds.into()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs_and_never_shown() {
        let of = |headers: &str| OtlpSettings {
            endpoint: "http://127.0.0.1:4318".to_owned(),
            headers: Secret::new(headers),
            ..Default::default()
        };
        let options = of("authorization=Bearer a=b, x-team = shop").options().unwrap().unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(options.headers, [pair("authorization", "Bearer a=b"), pair("x-team", "shop")]);
        assert!(!format!("{:?} {options:?}", of("authorization=Bearer")).contains("Bearer"));
        assert_eq!(of("no pair").check().unwrap_err().code, "settings");
        assert_eq!(OtlpSettings::default().options().unwrap(), None);
    }
}
