//! Mapping files: how the columns of a foreign table become the fields of events.
//!
//! The format is described in `mappings/README.md`, beside the shipped ones. An unknown key
//! is an error.

mod file;

use std::path::Path;

pub(crate) use file::{
    Creation, CsvPart, EventPart, FieldSpec, Grouping, LookupPart, MappingFile, Order, PriceRule,
};

use crate::convert::KINDS;
use crate::decimal::NumberForm;
use crate::error::SourceError;
use crate::zone::{TimeReader, find_zone, local_clock};

/// The mappings that come with the program.
const SHIPPED: [(&str, &str); 2] = [
    ("uci", include_str!("../../../../mappings/uci.toml")),
    ("dunnhumby", include_str!("../../../../mappings/dunnhumby.toml")),
];

/// The names of the mappings that come with the program.
pub fn shipped_names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// How the columns of a table become the fields of events: checked and ready.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    pub(crate) file: MappingFile,
    pub(crate) time: TimeReader,
    pub(crate) clock: shelf_domain::LocalClock,
}

impl Mapping {
    /// A shipped mapping by its name, or the mapping file of a path.
    pub fn load(name_or_path: &str) -> Result<Self, SourceError> {
        if let Some((name, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(name, text);
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            return Err(SourceError::UnknownMapping { name: name_or_path.into() });
        }
        let text = std::fs::read_to_string(path).map_err(|error| SourceError::io(path, error))?;
        Self::parse(name_or_path, &text)
    }

    /// A mapping from the text of its file; `name` is for messages.
    pub fn parse(name: &str, text: &str) -> Result<Self, SourceError> {
        let bad = |detail: String| SourceError::BadMapping { name: name.into(), detail };
        let file: MappingFile = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        file.check().map_err(bad)?;
        if file.event.kind_column.is_none() && !KINDS.contains(&file.event.kind.as_str()) {
            return Err(bad(format!("event.kind must be one of {}", KINDS.join(", "))));
        }
        let zone = find_zone(&file.time.zone)?;
        let time = TimeReader::new(zone, file.time.format.as_deref()).map_err(bad)?;
        let clock = local_clock(&file.time.zone)?;
        Ok(Self { name: name.into(), file, time, clock })
    }

    /// Its name, as it was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says about itself.
    pub fn description(&self) -> &str {
        &self.file.description
    }

    pub(crate) fn number_form(&self) -> NumberForm {
        let numbers = &self.file.numbers;
        let byte = |text: &str| text.bytes().next();
        NumberForm {
            point: byte(&numbers.decimal_point).unwrap_or(b'.'),
            group: byte(&numbers.thousands),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        format_version = 1
        description = "a till"
        [time]
        column = "when"
        zone = "Europe/Rome"
        [store]
        id = { value = "S1" }
        [fields]
        receipt = "ticket"
        sku = "item"
        quantity = "qty"
        unit_price = "price"
    "#;

    fn detail(text: &str) -> String {
        let error = Mapping::parse("till.toml", text).unwrap_err();
        assert_eq!(error.code(), "mapping_bad");
        error.detail()
    }

    #[test]
    fn the_shipped_mappings_are_right() {
        for name in shipped_names() {
            let mapping = Mapping::load(name).unwrap();
            assert!(!mapping.description().is_empty());
        }
        assert_eq!(Mapping::load("ucl").unwrap_err().hint(), "did you mean uci?");
    }

    #[test]
    fn a_key_that_nobody_knows_is_an_error() {
        assert!(Mapping::parse("till", SMALL).is_ok());
        let wrong = SMALL.replace("unit_price", "unit_prize");
        assert!(detail(&wrong).contains("unknown field `unit_prize`"), "{}", detail(&wrong));
        let wrong = SMALL.replace("{ value = \"S1\" }", "{ valu = \"S1\" }");
        assert!(detail(&wrong).contains("unknown field `valu`"), "{}", detail(&wrong));
    }

    #[test]
    fn what_contradicts_itself_is_an_error() {
        let says = |from: &str, to: &str, sentence: &str| {
            let found = detail(&SMALL.replace(from, to));
            assert!(found.contains(sentence), "{found}");
        };
        says("format_version = 1", "format_version = 2", "format_version");
        says("unit_price = \"price\"", "", "unit_price or total");
        says("receipt = \"ticket\"", "", "receipt");
        says("{ value = \"S1\" }", "{ value = \"S1\", column = \"s\" }", "one of");
        says("{ value = \"S1\" }", "{ lookup = \"shops\", column = \"s\" }", "lookup.shops");
        says("zone =", "format = \"%H\"\nzone =", "%H");
    }

    #[test]
    fn a_zone_that_nobody_knows_is_an_error() {
        let error = Mapping::parse("till", &SMALL.replace("Rome", "Roma")).unwrap_err();
        assert_eq!(
            (error.code(), error.hint().as_str()),
            ("time_zone_unknown", "did you mean Europe/Rome?")
        );
    }
}
