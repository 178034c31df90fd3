//! Values under their codes, in an order that does not change.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Values under their codes; a JSON object with the codes as keys, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyed<T>(pub Vec<(&'static str, T)>);

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Keyed<T> {
    /// The value of a code.
    pub fn get(&self, code: &str) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == code).map(|(_, value)| value)
    }

    /// All values, in order.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (code, value) in &self.0 {
            map.serialize_entry(code, value)?;
        }
        map.end()
    }
}
