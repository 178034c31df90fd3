//! How single values stand in messages: names, times, dates, money, weights, parts.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use shelf_domain::{BasisPoints, Day, Timestamp};

use crate::json::time::{day_text, parse_day, parse_time, time_text};
use crate::names::Name;

/// A type with one form in JSON.
pub(super) trait Form: Sized {
    /// What stands in JSON.
    type Json: Serialize + for<'de> Deserialize<'de>;
    /// Its form.
    fn form(&self) -> Self::Json;
    /// Back from it; `None` where it is none.
    fn unform(json: Self::Json) -> Option<Self>;
}

impl<T: Name> Form for T {
    type Json = String;

    fn form(&self) -> String {
        self.text().to_owned()
    }

    fn unform(json: String) -> Option<Self> {
        T::read(&json)
    }
}

macro_rules! forms {
    ($($type:ty, $json:ty, $form:expr, $unform:expr;)*) => {$(
        impl Form for $type {
            type Json = $json;

            fn form(&self) -> $json {
                $form(*self)
            }

            fn unform(json: $json) -> Option<Self> {
                $unform(json)
            }
        }
    )*};
}

forms! {
    Timestamp, String, time_text, |text: String| parse_time(&text);
    Day, String, day_text, |text: String| parse_day(&text);
    BasisPoints, f64, |part: BasisPoints| f64::from(part.0) / 10_000.0, |part: f64| {
        let scaled = (part * 10_000.0).round();
        (0.0..=f64::from(u32::MAX)).contains(&scaled).then_some(BasisPoints(scaled as u32))
    };
}

/// A value by its form.
pub(super) mod form {
    use super::{Deserialize, Deserializer, Error, Form, Serialize, Serializer};

    pub(in super::super) fn serialize<T: Form, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.form().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T: Form, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        T::unform(T::Json::deserialize(deserializer)?)
            .ok_or_else(|| D::Error::custom("no such value"))
    }
}

/// A value that may be null, by its form.
pub(super) mod maybe {
    use super::{Deserialize, Deserializer, Error, Form, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for a reference")]
    pub(in super::super) fn serialize<T: Form, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().map(Form::form).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, T: Form, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        match Option::<T::Json>::deserialize(deserializer)? {
            None => Ok(None),
            Some(json) => {
                T::unform(json).map(Some).ok_or_else(|| D::Error::custom("no such value"))
            }
        }
    }
}

/// Money: cents as a number of currency units.
pub(super) mod money {
    use super::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        cents: &i64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(*cents as f64 / 100.0)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<i64, D::Error> {
        Ok((f64::deserialize(deserializer)? * 100.0).round() as i64)
    }
}

/// Weights: grams as a number, also with a fraction.
pub(super) mod grams {
    use super::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        grams: &u32,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(*grams)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<u32, D::Error> {
        Ok(f64::deserialize(deserializer)?.round() as u32)
    }
}

/// Money that may be null.
pub(super) mod maybe_money {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for a reference")]
    pub(in super::super) fn serialize<S: Serializer>(
        cents: &Option<i64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        cents.map(|cents| cents as f64 / 100.0).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<i64>, D::Error> {
        let amount = Option::<f64>::deserialize(deserializer)?;
        Ok(amount.map(|amount| (amount * 100.0).round() as i64))
    }
}
