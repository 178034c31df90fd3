//! What the encodings need to know of the domain's small types: the texts that name things, and the
//! words and numbers of its choices. Both encodings read the same tables.

use shelf_domain::{
    Actor, Approval, Category, CustomerId, CustomerType, FunnelStep, LotCode, Measure, Note,
    PaymentMethod, Picking, Place, PolicyId, ReceiptId, RefillMode, RemovalCause, RemovalTime,
    Rounding, Sensor, Sku, StoreId, Subcategory, SupplierId, WindowName, WindowScope,
};

/// A short text of the domain.
pub(crate) trait Name: Sized + Copy {
    /// The most bytes it holds.
    const LIMIT: usize;

    /// Takes `text` where it fits.
    fn read(text: &str) -> Option<Self>;

    /// The text.
    fn text(&self) -> &str;

    /// The text's bytes, without a look at what they are.
    fn bytes(&self) -> &[u8];
}

macro_rules! names {
    ($($name:ident),*) => {$(
        impl Name for $name {
            const LIMIT: usize = $name::LIMIT;

            fn read(text: &str) -> Option<Self> {
                $name::new(text).ok()
            }

            fn text(&self) -> &str {
                self.as_str()
            }

            fn bytes(&self) -> &[u8] {
                self.as_bytes()
            }
        }
    )*};
}

names!(
    StoreId,
    Sku,
    LotCode,
    CustomerId,
    ReceiptId,
    SupplierId,
    Actor,
    PolicyId,
    Category,
    Subcategory,
    WindowName,
    PaymentMethod,
    CustomerType,
    Note
);

/// A choice without data. Its number in the log is its place in the table, so the table only grows.
pub(crate) trait Choice: Sized + Copy + PartialEq + 'static {
    /// Every choice and its word.
    const WORDS: &'static [(Self, &'static str)];

    /// Its number in the log.
    fn number(self) -> u8 {
        Self::WORDS.iter().position(|(choice, _)| *choice == self).unwrap_or(0) as u8
    }

    /// The choice of a number.
    fn of_number(number: u8) -> Option<Self> {
        Self::WORDS.get(usize::from(number)).map(|(choice, _)| *choice)
    }

    /// Its word.
    fn word(self) -> &'static str {
        Self::WORDS.get(usize::from(self.number())).map_or("", |(_, word)| *word)
    }

    /// The choice of a word.
    fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(choice, _)| *choice)
    }
}

macro_rules! choices {
    ($($name:ident { $($choice:ident = $word:literal),* })*) => {$(
        impl Choice for $name {
            const WORDS: &'static [(Self, &'static str)] = &[$(($name::$choice, $word)),*];
        }
    )*};
}

choices! {
    Place { Floor = "store", Warehouse = "warehouse" }
    RemovalCause {
        Expired = "expired", Damaged = "damaged", Recalled = "recalled",
        Transferred = "transferred", Stolen = "stolen"
    }
    FunnelStep {
        Entrance = "entrance", View = "view", CartAdd = "cart_add", CartRemove = "cart_remove",
        Checkout = "checkout", Abandon = "abandon"
    }
    RefillMode { Confirmed = "confirmed", Timed = "timed" }
    Approval { Automatic = "automatic", ByPerson = "by_person" }
    Sensor { Units = "units", WeightOnly = "weight_only" }
    Picking { SoonestExpiry = "soonest_expiry", FirstReceived = "first_received" }
    Rounding { Up = "up", Nearest = "nearest", Down = "down" }
    Measure { Sales = "sales", Stock = "stock", Turnover = "turnover" }
    WindowScope {
        Global = "global", Store = "store", Product = "product", StoreProduct = "store_product"
    }
    RemovalTime { NextDay = "next_day", SameDayEvening = "same_day_evening" }
}

/// The days of the week as JSON names them, Monday first.
pub(crate) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
