//! What a reader of lines remembers, as records that are kept elsewhere and given back to another.

use serde::{Deserialize, Serialize};
use shelf_domain::{Category, Note, Product, Sku, StoreId};

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum About {
    Store(StoreId),
    Product(StoreId, Sku),
}

/// What is remembered of a store or a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub(super) about: About,
    pub(super) missing: Missing,
}

/// What no line has told yet of a product that was made here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// As it was made, where its name or price is not known.
    pub(super) incomplete: Option<Product>,
    /// Whether the stock is not known.
    pub(super) unstocked: bool,
}

/// The same as JSON. All that a line can tell of a product is its name, category and price.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    incomplete: Option<ToldProduct>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unstocked: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldProduct {
    name: String,
    category: String,
    price_cents: i64,
}

const STORE: &str = "store";
const PRODUCT: &str = "product";

impl Remembered {
    /// What names the record, as a JSON array: of two with the same name the later one counts.
    pub fn key(&self) -> String {
        match &self.about {
            About::Store(store) => serde_json::json!([STORE, store.as_str()]),
            About::Product(store, sku) => {
                serde_json::json!([PRODUCT, store.as_str(), sku.as_str()])
            }
        }
        .to_string()
    }

    /// What it says, as a JSON object.
    pub fn value(&self) -> String {
        let Missing { incomplete, unstocked } = &self.missing;
        let incomplete = incomplete.as_ref().map(|product| ToldProduct {
            name: product.name.as_str().to_owned(),
            category: product.category.as_str().to_owned(),
            price_cents: product.price_cents,
        });
        serde_json::to_string(&Told { incomplete, unstocked: *unstocked }).unwrap_or_default()
    }

    /// Reads a record back; `None` where it is none.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let names: Vec<String> = serde_json::from_slice(key).ok()?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let about = match names.as_slice() {
            [STORE, store] => About::Store(StoreId::new(store).ok()?),
            [PRODUCT, store, sku] => About::Product(StoreId::new(store).ok()?, Sku::new(sku).ok()?),
            _ => return None,
        };
        let Told { incomplete, unstocked } = serde_json::from_slice(value).ok()?;
        let incomplete = match (incomplete, about) {
            (None, _) => None,
            (Some(told), About::Product(_, sku)) => Some(Product {
                sku,
                name: Note::new(&told.name).ok()?,
                category: Category::new(&told.category).ok()?,
                price_cents: told.price_cents,
                ..Product::default()
            }),
            (Some(_), About::Store(_)) => return None,
        };
        Some(Self { about, missing: Missing { incomplete, unstocked } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back() {
        let store = StoreId::cut("Edinburgh::Royal\"");
        let sku = Sku::cut("P1");
        let name = Note::cut("Whole \u{e9}ggs \"x\"");
        let category = Category::cut("Dairy");
        let product = Product { sku, name, category, price_cents: 249, ..Product::default() };
        let missing = Missing { incomplete: Some(product), unstocked: true };
        let all = [
            Remembered { about: About::Store(store), missing: Missing::default() },
            Remembered { about: About::Product(store, sku), missing },
            Remembered { about: About::Product(store, sku), missing: Missing::default() },
        ];
        for one in &all {
            let read = Remembered::read(one.key().as_bytes(), one.value().as_bytes());
            assert_eq!(read.as_ref(), Some(one));
        }
        assert_eq!(all.last().map(Remembered::value).as_deref(), Some("{}"));
        for (key, value) in [("", "{}"), ("[\"place\",\"t\"]", "{}"), ("[\"store\",\"S\"]", "1")] {
            assert_eq!(Remembered::read(key.as_bytes(), value.as_bytes()), None, "{key} {value}");
        }
    }
}
