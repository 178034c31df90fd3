//! Settings that nobody is shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number_or_text;

/// What stands in the place of a secret where settings are shown.
const HIDDEN: &str = "(hidden)";

/// A text that is never shown.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Secret(String);

impl Secret {
    #[cfg(test)]
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text itself, for who has to use it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(if self.0.is_empty() { "" } else { HIDDEN })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Digits alone are a password too, and an error would show them.
        number_or_text(from).map(Self)
    }
}
