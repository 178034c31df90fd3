//! Generators of arbitrary valid events and effects, for property tests here and in other crates.
//!
//! Valid means: what JSON can carry (see [`write_event`](crate::write_event)). It does not mean
//! that a shop would accept it. The large strategies are boxed: on a test's stack they would not
//! fit side by side.

mod effects;
mod events;

use proptest::prelude::*;
use shelf_domain::{
    Actor, BasisPoints, Category, CustomerId, CustomerType, Day, LotCode, Note, PaymentMethod,
    PolicyId, ReceiptId, Sku, StoreId, Subcategory, SupplierId, Timestamp,
};

pub use effects::{effects, outputs};
pub use events::{bodies, events};

/// Texts of 1 to `limit` bytes, most of them plain, some with characters that JSON escapes.
fn texts(limit: usize) -> impl Strategy<Value = String> {
    let plain = "[A-Za-z0-9_-]{1,12}";
    let odd = proptest::collection::vec(
        prop_oneof![any::<char>(), Just('"'), Just('\\'), Just('\n'), Just('é'), Just('漢')],
        1..12,
    );
    let odd = odd.prop_map(|chars| chars.into_iter().collect::<String>());
    prop_oneof![4 => plain, 1 => odd].prop_map(move |text| {
        let mut end = text.len().min(limit);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().to_owned()
    })
}

macro_rules! name_strategies {
    ($($function:ident -> $name:ident),*) => {$(
        #[doc = concat!("Any non-empty [`", stringify!($name), "`].")]
        pub fn $function() -> impl Strategy<Value = $name> {
            texts($name::LIMIT).prop_map(|text| $name::cut(&text))
        }
    )*};
}

name_strategies!(
    store_ids -> StoreId,
    skus -> Sku,
    lot_codes -> LotCode,
    customer_ids -> CustomerId,
    receipt_ids -> ReceiptId,
    supplier_ids -> SupplierId,
    policy_ids -> PolicyId,
    categories -> Category,
    subcategories -> Subcategory
);

/// Any [`Actor`], also none.
pub fn actors() -> impl Strategy<Value = Actor> {
    prop_oneof![Just(Actor::default()), texts(Actor::LIMIT).prop_map(|text| Actor::cut(&text))]
}

/// Any [`PaymentMethod`], also none.
pub fn payment_methods() -> impl Strategy<Value = PaymentMethod> {
    prop_oneof![Just(""), Just("credit_card"), Just("Cash")].prop_map(PaymentMethod::cut)
}

/// Any [`CustomerType`], also none.
pub fn customer_types() -> impl Strategy<Value = CustomerType> {
    prop_oneof![Just(""), Just("member"), Just("Premium")].prop_map(CustomerType::cut)
}

/// Any [`Note`], also none.
pub fn notes() -> impl Strategy<Value = Note> {
    prop_oneof![Just(Note::default()), texts(Note::LIMIT).prop_map(|text| Note::cut(&text))]
}

/// Any time from 1990 to 2100, half of them at a full second.
pub fn timestamps() -> impl Strategy<Value = Timestamp> {
    let micros = Timestamp::EARLIEST.0..Timestamp::LATEST.0;
    prop_oneof![
        micros.clone().prop_map(Timestamp),
        micros.prop_map(|at| Timestamp(at - at % shelf_domain::SECOND)),
    ]
}

/// Any date from 1990 to 2100.
pub fn days() -> impl Strategy<Value = Day> {
    (7_305..47_482).prop_map(Day)
}

/// Any amount of money: mostly prices, sometimes extremes.
pub fn cents() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..100_000_i64, 1 => -100_000..0_i64, 1 => -i64::MAX..=i64::MAX]
}

/// Any part of a whole.
pub fn parts() -> impl Strategy<Value = BasisPoints> {
    prop_oneof![8 => 0..=10_000_u32, 1 => any::<u32>()].prop_map(BasisPoints)
}

/// Any number of units: mostly few.
pub fn units() -> impl Strategy<Value = u32> {
    prop_oneof![8 => 0..100_u32, 1 => any::<u32>()]
}
