//! `cleansed`: the state of stock as change rows. Each row holds from its moment until the next of
//! the same key; of rows of one moment the one with the highest offset holds.

use shelf_domain::{Day, Timestamp};

use crate::column::{Date, Money, Number, Percent, Small, Text, Time};
use crate::table::table;

/// What every change row begins with.
#[derive(Clone, Copy)]
pub(crate) struct ChangeHead<'a> {
    pub(crate) store_id: &'a str,
    pub(crate) sku: &'a str,
    pub(crate) valid_from: Timestamp,
    pub(crate) event_date: Day,
    pub(crate) log_partition: i32,
    pub(crate) log_offset: i64,
}

macro_rules! change_table {
    (
        $(#[doc = $comment:literal])+
        $constant:ident = $name:literal, $row:ident into $columns:ident
        $(, key also [$($key:literal),*])?;
        $($rest:tt)*
    ) => {
        table! {
            $(#[doc = $comment])+
            $constant = "cleansed".$name, $row into $columns,
            sorted by ["event_date", "store_id", "sku", "valid_from", "log_offset"],
            key ["log_partition", "log_offset", "sku" $($(, $key)*)?];
            /// The store.
            store_id: Text,
            /// The product.
            sku: Text,
            /// From when on it holds, until the next row of the same key.
            valid_from: Time,
            /// The store's own date of that.
            event_date: Date,
            /// The partition of the log that holds the event that changed it.
            log_partition: Small,
            /// The place of that event in its partition.
            log_offset: Number,
            $($rest)*
        }

        impl<'a> From<ChangeHead<'a>> for $row<'a> {
            fn from(head: ChangeHead<'a>) -> Self {
                Self {
                    store_id: head.store_id,
                    sku: head.sku,
                    valid_from: head.valid_from,
                    event_date: head.event_date,
                    log_partition: head.log_partition,
                    log_offset: head.log_offset,
                    ..Self::default()
                }
            }
        }
    };
}

change_table! {
    /// The floor: what lies on the shelf and in carts, and what it costs. One row for each change.
    SHELF_STATE = "shelf_state", ShelfStateRow into ShelfStates;
    /// Units on the shelf.
    floor_units: Number,
    /// Units picked and not paid.
    cart_units: Number,
    /// The most units that the shelf holds; 0 where that is not known.
    capacity_units: Number,
    /// What a unit costs the customer, before markdowns of lots.
    price: Money,
}

change_table! {
    /// The warehouse: what lies there and what is on its way to the shelf. One row for each change.
    WH_STATE = "wh_state", WhStateRow into WhStates;
    /// Units in the warehouse.
    warehouse_units: Number,
    /// Units between warehouse and shelf.
    in_transit_units: Number,
    /// The most units that the warehouse holds; 0 where that is not known.
    capacity_units: Number,
}

change_table! {
    /// Lots, wherever their units are. One row for each change; a lot that is gone has no units.
    LOTS = "lots", LotRow into Lots, key also ["lot_code"];
    /// The lot.
    lot_code: Text,
    /// When it was received.
    received_date: Date,
    /// When it expires; none where it does not.
    expiry_date: crate::column::Maybe<Date>,
    /// Units on the shelf.
    floor_units: Number,
    /// Units in the warehouse.
    warehouse_units: Number,
    /// Units between warehouse and shelf.
    in_transit_units: Number,
    /// Units in the warehouse that restock tasks have reserved.
    reserved_units: Number,
    /// The cut because of expiry, in per cent.
    markdown_percent: Percent,
}

change_table! {
    /// All units of a product, and every sum that they must agree with, since the log began:
    /// on hand = received + returned - sold - removed - unexplained. One row for each change.
    PRODUCT_TOTAL_STATE = "product_total_state", ProductTotalRow into ProductTotals;
    /// Units in the shop: shelf, carts, warehouse and between them.
    on_hand_units: Number,
    /// Units that came into the shop, opening stock included.
    received_units: Number,
    /// Units sold.
    sold_units: Number,
    /// Units that customers brought back.
    returned_units: Number,
    /// Units taken out other than by a sale.
    removed_units: Number,
    /// Units that left the books unexplained, less those that came onto them.
    unexplained_units: Number,
    /// What receipts came to.
    revenue: Money,
    /// What wasted units had cost.
    waste: Money,
}
