//! Time zones by name: the list of offsets that the core wants, and the times of foreign files.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use shelf_domain::{LocalClock, Timestamp};

use crate::error::{SourceError, nearest};

/// The store's clock of a time zone of the tz database: its offsets from 1990 to 2100, as this
/// program's own copy of the database has them.
pub fn local_clock(zone: &str) -> Result<LocalClock, SourceError> {
    let zone = find_zone(zone)?;
    let from = jiff_time(Timestamp::EARLIEST);
    let until = jiff_time(Timestamp::LATEST);
    let mut seconds = zone.to_offset(from).seconds();
    let mut offsets = vec![(Timestamp::EARLIEST, seconds)];
    for change in zone.following(from).take_while(|change| change.timestamp() < until) {
        if change.offset().seconds() != seconds {
            seconds = change.offset().seconds();
            offsets.push((Timestamp(change.timestamp().as_microsecond()), seconds));
        }
    }
    Ok(LocalClock { offsets })
}

pub(crate) fn find_zone(zone: &str) -> Result<TimeZone, SourceError> {
    TimeZone::get(zone).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
        let near = nearest(zone, known.iter().map(String::as_str)).map(String::from);
        SourceError::UnknownZone { zone: zone.into(), near }
    })
}

fn jiff_time(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at.0).unwrap_or_default()
}

/// How the times of a file are written.
#[derive(Clone, Debug)]
pub(crate) struct TimeReader {
    zone: TimeZone,
    form: TimeForm,
}

#[derive(Clone, Debug)]
enum TimeForm {
    /// RFC 3339, or the same without an offset.
    Iso,
    /// A number since 1970: so many microseconds times, over.
    Unix { times: i64, over: i64 },
    /// By directives of strftime.
    Pattern(String),
}

impl TimeReader {
    /// A reader for a format of a mapping; the error is a sentence. Times without an offset are of
    /// `zone`.
    pub(crate) fn new(zone: TimeZone, format: Option<&str>) -> Result<Self, String> {
        let form = match format {
            None | Some("iso") => TimeForm::Iso,
            Some("unix_seconds") => TimeForm::Unix { times: 1_000_000, over: 1 },
            Some("unix_millis") => TimeForm::Unix { times: 1_000, over: 1 },
            Some("unix_micros") => TimeForm::Unix { times: 1, over: 1 },
            Some("unix_nanos") => TimeForm::Unix { times: 1, over: 1_000 },
            Some(pattern) => TimeForm::Pattern(pattern.into()),
        };
        let reader = Self { zone, form };
        match &reader.form {
            TimeForm::Pattern(pattern) if !reader.reads_what_it_writes(pattern) => Err(format!(
                "time.format {pattern} does not say a date by directives such as %Y-%m-%d"
            )),
            _ => Ok(reader),
        }
    }

    /// A reader of RFC 3339, and of the same without an offset.
    pub(crate) fn iso(zone: TimeZone) -> Self {
        Self { zone, form: TimeForm::Iso }
    }

    fn reads_what_it_writes(&self, pattern: &str) -> bool {
        let sample = jiff::Timestamp::UNIX_EPOCH.to_zoned(self.zone.clone());
        strtime::format(pattern, &sample).is_ok_and(|text| self.read(&text).is_some())
    }

    /// The time that a text says; local time that a zone repeats is the first, that it skips the
    /// moment after the skip.
    pub(crate) fn read(&self, text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let at = match &self.form {
            TimeForm::Unix { times, over } => {
                let micros = text.parse::<i64>().ok()?.checked_mul(*times)?;
                return Some(Timestamp(micros.div_euclid(*over)));
            }
            TimeForm::Iso => match text.parse::<jiff::Timestamp>() {
                Ok(at) => at,
                Err(_) => self.local(text.parse().ok()?)?,
            },
            TimeForm::Pattern(pattern) => {
                let parts = strtime::parse(pattern, text).ok()?;
                if parts.offset().is_some() {
                    parts.to_timestamp().ok()?
                } else {
                    let date = parts.to_date().ok()?;
                    self.local(
                        parts.to_datetime().unwrap_or_else(|_| date.to_datetime(midnight())),
                    )?
                }
            }
        };
        Some(Timestamp(at.as_microsecond()))
    }

    fn local(&self, at: DateTime) -> Option<jiff::Timestamp> {
        Some(self.zone.to_zoned(at).ok()?.timestamp())
    }
}

fn midnight() -> jiff::civil::Time {
    jiff::civil::Time::midnight()
}

#[cfg(test)]
mod tests {
    use shelf_domain::{Day, HOUR};

    use super::*;

    #[test]
    fn a_zone_becomes_its_offsets() {
        let london = local_clock("Europe/London").unwrap();
        let noon = |y, m, d| Timestamp(i64::from(Day::from_civil(y, m, d).unwrap().0) * 24 * HOUR);
        assert_eq!(london.offset_seconds(noon(2011, 1, 15)), 0);
        assert_eq!(london.offset_seconds(noon(2011, 7, 15)), 3_600);
        assert_eq!(london.offset_seconds(noon(2099, 7, 15)), 3_600);
        assert_eq!(london.offsets.len(), 1 + 2 * 110);
        assert_eq!(local_clock("UTC").unwrap().offsets, [(Timestamp::EARLIEST, 0)]);
    }

    #[test]
    fn an_unknown_zone_is_an_error_with_the_nearest_name() {
        let error = local_clock("Europe/Lodnon").unwrap_err();
        assert_eq!(error.code(), "time_zone_unknown");
        assert_eq!(error.hint(), "did you mean Europe/London?");
        assert!(local_clock("Mars").is_err());
    }

    #[test]
    fn times_are_read_in_the_zone_of_the_file() {
        let at = |zone, format, text| {
            TimeReader::new(find_zone(zone).unwrap(), format).unwrap().read(text).map(|t| t.0)
        };
        let five = Some(1_293_880_440_000_000); // 2011-01-01T11:14:00Z
        assert_eq!(at("UTC", None, "2011-01-01T11:14:00Z"), five);
        assert_eq!(at("America/New_York", None, " 2011-01-01 06:14:00"), five);
        assert_eq!(at("Europe/London", Some("%d/%m/%Y %H:%M"), "01/01/2011 11:14"), five);
        assert_eq!(at("UTC", Some("%d/%m/%Y %H:%M %z"), "01/01/2011 12:14 +0100"), five);
        assert_eq!(at("UTC", Some("unix_seconds"), "1293880440"), five);
        assert_eq!(at("UTC", Some("%Y%m%d"), "19700102"), Some(24 * HOUR));
        assert_eq!(at("UTC", None, "yesterday"), None);
        // The hour that London skips, and the one that it repeats.
        assert_eq!(
            at("Europe/London", None, "2011-03-27 01:30:00"),
            at("UTC", None, "2011-03-27 01:30:00")
        );
        assert_eq!(
            at("Europe/London", None, "2011-10-30 01:30:00"),
            at("UTC", None, "2011-10-30 00:30:00")
        );
    }

    #[test]
    fn a_format_that_says_no_date_is_an_error() {
        let utc = || find_zone("UTC").unwrap();
        assert!(TimeReader::new(utc(), Some("%H:%M")).unwrap_err().contains("%H:%M"));
        assert!(TimeReader::new(utc(), Some("%Q")).is_err());
    }
}
