//! What a change of a schema breaks, for whom.
//!
//! Documents are open: a reader passes over fields that it does not know. So a new field that need
//! not be there breaks nobody. A keyword that is not known here is an error, never a silent yes.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Schemas by name.
pub(crate) type Schemas = BTreeMap<String, Value>;

/// Who is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    /// What was written under the published schema is not read under the new one.
    Backward,
    /// What is written under the new schema is not read by those who know the published one.
    Forward,
}

/// One break: which schema, which field, what is violated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Break {
    pub(crate) schema: String,
    pub(crate) field: String,
    pub(crate) direction: Direction,
    pub(crate) rule: &'static str,
    pub(crate) detail: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = match self.direction {
            Direction::Backward => "backward, what was written before is refused",
            Direction::Forward => "forward, those who read today refuse it",
        };
        let Self { schema, field, rule, detail, .. } = self;
        let field = if field.is_empty() { "the whole" } else { field };
        write!(f, "{schema}: {field}: {detail} [{rule}; {whom}]")
    }
}

/// Keywords that say nothing about which documents fit.
const ABOUT: [&str; 4] = ["$id", "$schema", "title", "description"];
const KEYWORDS: [&str; 10] = [
    "type",
    "properties",
    "required",
    "allOf",
    "items",
    "enum",
    "const",
    "maxLength",
    "minimum",
    "pattern",
];
const FORMAT: &str = "format";

/// What the change from `published` to `current` breaks. A schema that is new breaks nobody.
pub(crate) fn breaks(published: &Schemas, current: &Schemas) -> Result<Vec<Break>> {
    let mut all = Vec::new();
    for (name, old) in published {
        let mut found = Found { schema: name, breaks: &mut all };
        match current.get(name) {
            None => found.add(
                "",
                Direction::Backward,
                "schema_removed",
                "the schema is gone".to_owned(),
            ),
            Some(new) => {
                found.compare(old, new, "").with_context(|| format!("schema {name}"))?;
            }
        }
    }
    all.sort();
    Ok(all)
}

struct Found<'a> {
    schema: &'a str,
    breaks: &'a mut Vec<Break>,
}

impl Found<'_> {
    fn add(&mut self, field: &str, direction: Direction, rule: &'static str, detail: String) {
        let (schema, field) = (self.schema.to_owned(), field.to_owned());
        self.breaks.push(Break { schema, field, direction, rule, detail });
    }

    fn compare(&mut self, old: &Value, new: &Value, field: &str) -> Result<()> {
        let (old, new) = (object(old, field)?, object(new, field)?);
        self.types(old, new, field)?;
        self.words(old, new, field)?;
        self.bounds(old, new, field);
        self.forms(old, new, field);
        self.properties(old, new, field)?;
        if let (Some(old), Some(new)) = (old.get("items"), new.get("items")) {
            self.compare(old, new, &format!("{field}[]"))?;
        }
        Ok(())
    }

    fn types(
        &mut self,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        at: &str,
    ) -> Result<()> {
        let (old, new) = (types(old, at)?, types(new, at)?);
        let lost: Vec<&str> = old.difference(&new).copied().collect();
        let gained: Vec<&str> = new.difference(&old).copied().collect();
        // A whole number is a number as well.
        let lost = lost.into_iter().filter(|one| *one != "integer" || !new.contains("number"));
        let gained = gained.into_iter().filter(|one| *one != "integer" || !old.contains("number"));
        for one in lost {
            let detail = format!("it may no longer be of type {one}");
            self.add(at, Direction::Backward, "type_narrowed", detail);
        }
        for one in gained {
            let detail = format!("it may be of type {one} as well");
            self.add(at, Direction::Forward, "type_widened", detail);
        }
        Ok(())
    }

    fn words(
        &mut self,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        at: &str,
    ) -> Result<()> {
        let (old, new) = match (words(old, at)?, words(new, at)?) {
            (None, None) => return Ok(()),
            (None, Some(_)) => {
                let detail = "only some values are allowed".to_owned();
                self.add(at, Direction::Backward, "enum_added", detail);
                return Ok(());
            }
            (Some(_), None) => {
                let detail = "any value is allowed".to_owned();
                self.add(at, Direction::Forward, "enum_removed", detail);
                return Ok(());
            }
            (Some(old), Some(new)) => (old, new),
        };
        for word in old.difference(&new) {
            let detail = format!("the value {word} is gone");
            self.add(at, Direction::Backward, "enum_value_removed", detail);
        }
        for word in new.difference(&old) {
            let detail = format!("the value {word} is new");
            self.add(at, Direction::Forward, "enum_value_added", detail);
        }
        Ok(())
    }

    fn bounds(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &str) {
        let of = |schema: &Map<String, Value>, keyword: &str, absent: f64| {
            schema.get(keyword).and_then(Value::as_f64).unwrap_or(absent)
        };
        let kinds = [("maxLength", f64::INFINITY, 1.0), ("minimum", f64::NEG_INFINITY, -1.0)];
        for (keyword, absent, sign) in kinds {
            let (was, is) = (of(old, keyword, absent), of(new, keyword, absent));
            let detail = format!("{keyword} was {was} and is {is}");
            if sign * is < sign * was {
                self.add(at, Direction::Backward, "limit_narrowed", detail);
            } else if sign * is > sign * was {
                self.add(at, Direction::Forward, "limit_widened", detail);
            }
        }
    }

    fn forms(&mut self, old: &Map<String, Value>, new: &Map<String, Value>, at: &str) {
        for keyword in ["pattern", FORMAT] {
            let (was, is) = (old.get(keyword), new.get(keyword));
            if was == is {
                continue;
            }
            let shown = |form: Option<&Value>| form.map_or("none".to_owned(), Value::to_string);
            let detail = format!("{keyword} was {} and is {}", shown(was), shown(is));
            if is.is_some() {
                self.add(at, Direction::Backward, "form_changed", detail.clone());
            }
            if was.is_some() {
                self.add(at, Direction::Forward, "form_changed", detail);
            }
        }
    }

    fn properties(
        &mut self,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
        at: &str,
    ) -> Result<()> {
        let none = Map::new();
        let of = |schema| properties(schema, &none);
        let (old_fields, new_fields) = (of(old), of(new));
        let (old_needs, new_needs) = (needs(old, at)?, needs(new, at)?);
        for (name, was) in old_fields {
            let field = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
            if let Some(is) = new_fields.get(name) {
                self.compare(was, is, &field)?;
            } else if !old_needs.iter().any(|names| names.len() == 1 && names.contains(name)) {
                let detail = "the field is gone: what is sent in it is passed over".to_owned();
                self.add(&field, Direction::Backward, "field_removed", detail);
            }
        }
        for names in new_needs.iter().filter(|names| !implied(&old_needs, names)) {
            let detail = "it must be there, and need not have been".to_owned();
            self.add(&listed(at, names), Direction::Backward, "required_field_added", detail);
        }
        for names in old_needs.iter().filter(|names| !implied(&new_needs, names)) {
            let gone = names.iter().all(|name| !new_fields.contains_key(name));
            let (rule, detail) = if gone {
                ("required_field_removed", "the field is gone, and had to be there")
            } else {
                ("required_field_optional", "it may be missing, and had to be there")
            };
            self.add(&listed(at, names), Direction::Forward, rule, detail.to_owned());
        }
        Ok(())
    }
}

/// Whether documents with one of each of `all` have one of `names`.
fn implied(all: &[BTreeSet<String>], names: &BTreeSet<String>) -> bool {
    all.iter().any(|known| known.is_subset(names))
}

fn listed(at: &str, names: &BTreeSet<String>) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = names.join(" or ");
    if at.is_empty() { names } else { format!("{at}.{names}") }
}

/// The keywords of a schema, all of them known.
fn object<'a>(schema: &'a Value, at: &str) -> Result<&'a Map<String, Value>> {
    let schema = schema.as_object().with_context(|| format!("{at:?} is no object"))?;
    for keyword in schema.keys().map(String::as_str) {
        if !ABOUT.contains(&keyword) && !KEYWORDS.contains(&keyword) && keyword != FORMAT {
            bail!("{at:?} has {keyword}, of which the comparison knows nothing");
        }
    }
    Ok(schema)
}

fn properties<'a>(
    schema: &'a Map<String, Value>,
    none: &'a Map<String, Value>,
) -> &'a Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).unwrap_or(none)
}

/// The types of a value; one without types may be of any.
fn types<'a>(schema: &'a Map<String, Value>, at: &str) -> Result<BTreeSet<&'a str>> {
    match schema.get("type") {
        None => Ok(["any"].into()),
        Some(Value::String(one)) => Ok([one.as_str()].into()),
        Some(Value::Array(all)) => all
            .iter()
            .map(|one| one.as_str().with_context(|| format!("{at:?} has a type that is no word")))
            .collect(),
        Some(other) => bail!("{at:?} has the type {other}"),
    }
}

/// The values that are allowed, where they are listed.
fn words(schema: &Map<String, Value>, at: &str) -> Result<Option<BTreeSet<String>>> {
    match (schema.get("enum"), schema.get("const")) {
        (None, None) => Ok(None),
        (None, Some(one)) => Ok(Some([one.to_string()].into())),
        // Whether null is allowed is said by the type as well.
        (Some(Value::Array(all)), None) => {
            let words = all.iter().filter(|word| !word.is_null());
            Ok(Some(words.map(Value::to_string).collect()))
        }
        _ => bail!("{at:?} lists its values in a way that the comparison does not know"),
    }
}

/// The fields of which one has to be there, set by set.
fn needs(schema: &Map<String, Value>, at: &str) -> Result<Vec<BTreeSet<String>>> {
    let unknown = || format!("{at:?} requires fields in a way that the comparison does not know");
    let names = |list: &Value| -> Option<Vec<String>> {
        list.as_array()?.iter().map(|name| Some(name.as_str()?.to_owned())).collect()
    };
    let mut all = Vec::new();
    if let Some(required) = schema.get("required") {
        let required = names(required).with_context(unknown)?;
        all.extend(required.into_iter().map(|name| BTreeSet::from([name])));
    }
    let parts = schema.get("allOf").map(|parts| parts.as_array().with_context(unknown));
    for part in parts.transpose()?.into_iter().flatten() {
        let choices = part.get("anyOf").and_then(Value::as_array).with_context(unknown)?;
        let mut set = BTreeSet::new();
        for choice in choices {
            let one = choice.get("required").and_then(names).with_context(unknown)?;
            if one.len() != 1 {
                bail!(unknown());
            }
            set.extend(one);
        }
        all.push(set);
    }
    Ok(all)
}

#[cfg(test)]
mod tests;
