//! The names of things. Each is a type of its own, so that a lot can never stand where a product is
//! meant.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{Text, TextTooLong};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $limit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        pub struct $name(Text<$limit>);

        impl $name {
            /// The longest that one may be, in bytes.
            pub const LIMIT: usize = $limit;

            /// Takes `text` where it fits.
            pub fn new(text: &str) -> Result<Self, TextTooLong> {
                Text::new(text).map(Self)
            }

            /// Takes as much of the start of `text` as fits.
            pub fn cut(text: &str) -> Self {
                Self(Text::cut(text))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The text's bytes.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            /// Whether it is the empty text.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

text_id!(
    /// A supermarket: the unit of partitioning.
    StoreId, 23
);
text_id!(
    /// What is sold, and the shelf that holds it: a store has one shelf per sku.
    Sku, 31
);
text_id!(
    /// A batch of one sku received together.
    LotCode, 39
);
text_id!(
    /// A customer of one visit, as the sensors and tills name them.
    CustomerId, 39
);
text_id!(
    /// A point-of-sale transaction.
    ReceiptId, 39
);
text_id!(
    /// Who delivers.
    SupplierId, 31
);
text_id!(
    /// Who acted: a person's login, a staff badge, or the name of a service.
    Actor, 39
);
text_id!(
    /// A policy, as the person who set it names it.
    PolicyId, 39
);
text_id!(
    /// A category of products; each has one zone of the floor.
    Category, 39
);
text_id!(
    /// A subcategory of products.
    Subcategory, 47
);
text_id!(
    /// A kind of window, as settings name it.
    WindowName, 31
);
text_id!(
    /// How a receipt was paid, as the till names it; empty where it does not say.
    PaymentMethod, 23
);
text_id!(
    /// What kind of customer a receipt is of, as the till names it; empty where it does not say.
    CustomerType, 23
);
text_id!(
    /// A short sentence: a person's note, the name of a product, a brand, the name of a time zone.
    Note, 119
);

/// The identity of an event: from its producer, or the hash of its content. The same id twice is
/// the same event.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct EventId(pub u128);

/// Where events come from: a file, the socket, a simulated environment. The data folder has the
/// names; 0 is none of them.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SourceId(pub u32);

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl $name {
            /// The letter that stands before the number where a person reads it.
            pub const PREFIX: &'static str = $prefix;

            /// Reads `A-12` or `12`.
            pub fn parse(text: &str) -> Option<Self> {
                let number = text.strip_prefix(concat!($prefix, "-")).unwrap_or(text);
                number.parse().ok().map(Self)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "-{}"), self.0)
            }
        }
    };
}

number_id!(
    /// One alert of a store, numbered from 1.
    AlertId, "A"
);
number_id!(
    /// One restock task of a store, numbered from 1.
    TaskId, "T"
);
number_id!(
    /// One supplier order of a store, numbered from 1.
    OrderId, "O"
);

/// The dense number of a sku inside its store, by order of first appearance.
#[derive(
    Clone, Copy, Default, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct SkuIndex(pub u32);

impl SkuIndex {
    /// As an index of a table.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}
