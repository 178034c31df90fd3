//! The fields that events know, and one JSON object as a table of them. Values are slices of the
//! line.

use arrayvec::ArrayVec;
use shelf_domain::ReceiptLine;

/// A JSON value as it stands in the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// `null`, or not there.
    #[default]
    Null,
    /// `true` or `false`.
    Flag(bool),
    /// A number, as written.
    Number(&'a str),
    /// A text without escapes, without its quotes.
    Text(&'a str),
    /// A text with escapes, with its quotes.
    Escaped(&'a str),
    /// A list, with its brackets.
    List(&'a str),
    /// An object, with its braces.
    Object(&'a str),
}

macro_rules! fields {
    ($($field:ident = $name:literal),* $(,)?) => {
        /// A field of an event or of a part of one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Field {
            $(#[doc = concat!("`", $name, "`.")] $field),*
        }

        /// Every field, by its number.
        const FIELDS: &[(Field, &str)] = &[$((Field::$field, $name)),*];

        impl Field {
            /// Its name in JSON.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$field => $name),* }
            }
        }
    };
}

fields! {
    EventType = "event_type", EventId = "event_id", StoreId = "store_id",
    Timestamp = "timestamp", Time = "time", At = "at", ReceivedAt = "received_at",
    CustomerId = "customer_id", ItemId = "item_id", ShelfId = "shelf_id", Sku = "sku",
    Quantity = "quantity", Qty = "qty", Units = "units", Weight = "weight",
    UnitWeightG = "unit_weight_g", ItemWeight = "item_weight", DeltaWeight = "delta_weight",
    PlanId = "plan_id", TaskId = "task_id", OrderId = "order_id", AlertId = "alert_id",
    EntryTime = "entry_time", ExitTime = "exit_time", TransactionId = "transaction_id",
    Items = "items", UnitPrice = "unit_price", Discount = "discount", TotalPrice = "total_price",
    BatchCode = "batch_code", Lot = "lot", ExpiryDate = "expiry_date",
    ReceivedDate = "received_date", Location = "location", Cause = "cause", Actor = "actor",
    Note = "note", Notes = "notes", ToStore = "to_store", Name = "name", TimeZone = "time_zone",
    UtcOffsets = "utc_offsets", OpeningHours = "opening_hours", ClosedDays = "closed_days",
    RefillMode = "refill_mode",
    OrderApproval = "order_approval", Brand = "brand", Category = "category",
    ItemCategory = "item_category", Subcategory = "subcategory",
    ItemSubcategory = "item_subcategory", Price = "price", Cost = "cost",
    PackUnits = "pack_units", StandardBatchSize = "standard_batch_size",
    ShelfLifeDays = "shelf_life_days", SupplierId = "supplier_id",
    CapacityUnits = "capacity_units", MaximumStock = "maximum_stock",
    WarehouseCapacityUnits = "warehouse_capacity_units", Sensor = "sensor",
    ExpectedDailyUnits = "expected_daily_units", FloorUnits = "floor_units",
    WarehouseUnits = "warehouse_units", BatchQuantityStore = "batch_quantity_store",
    BatchQuantityWarehouse = "batch_quantity_warehouse", Cutoffs = "cutoffs",
    Deliveries = "deliveries", LeadMinutes = "lead_minutes", MinimumOrder = "minimum_order",
    PolicyId = "policy_id", Active = "active", ThresholdPct = "threshold_pct",
    MinQty = "min_qty", TargetPct = "target_pct", HysteresisPct = "hysteresis_pct",
    ReorderPointQty = "reorder_point_qty", CoverDays = "cover_days",
    NearExpiryFloorDays = "near_expiry_floor_days",
    NearExpiryWarehouseDays = "near_expiry_warehouse_days",
    CooldownMinutes = "cooldown_minutes", RestockDelaySeconds = "restock_delay_seconds",
    TravelSeconds = "travel_seconds", Picking = "picking", Rounding = "rounding",
    Markdown = "markdown", RemovalTime = "removal_time", UpdatedAt = "updated_at",
    CreatedAt = "created_at", FromDate = "from_date", UntilDate = "until_date", Act = "act",
    Assignee = "assignee", Until = "until", Reason = "reason", Source = "source",
    Line = "line", RawLen = "raw_len", Raw = "raw", RawBase64 = "raw_base64",
    Weekday = "weekday", Open = "open", Close = "close", From = "from",
    OffsetSeconds = "offset_seconds", WithinDays = "within_days", CutPct = "cut_pct",
    Windows = "windows", LatenessSeconds = "lateness_seconds", Measure = "measure",
    Scope = "scope", SizeSeconds = "size_seconds", SlideSeconds = "slide_seconds",
    EarlySeconds = "early_seconds", Kept = "kept", SpikeZ = "spike_z",
    SpikeMinQty = "spike_min_qty", HighValue = "high_value", LowStockQty = "low_stock_qty",
    DepletionPct = "depletion_pct", DepletionMinQty = "depletion_min_qty",
    OverstockQty = "overstock_qty", SafetyStockQty = "safety_stock_qty",
    PriceTolerance = "price_tolerance", SensorSilentMinutes = "sensor_silent_minutes",
    TillSilentMinutes = "till_silent_minutes", RulesOff = "rules_off",
    PaymentMethod = "payment_method", CustomerType = "customer_type",
    ClientType = "client_type", Step = "step",
    TripDurationMinutes = "trip_duration_minutes", TimeSlot = "time_slot", Unit = "unit",
    Fifo = "fifo",
}

const COUNT: usize = FIELDS.len();
const SLOTS: usize = 512;
const EMPTY: u8 = u8::MAX;
/// Which field may stand in which slot: open addressing, filled at compile time.
static TABLE: [u8; SLOTS] = table();

#[inline]
const fn slot(key: &[u8]) -> usize {
    let (_, tail) = key.split_at(key.len() / 2);
    let (Some(&first), Some(&middle), Some(&last)) = (key.first(), tail.first(), key.last()) else {
        return 0;
    };
    let mixed = (first as u32) ^ ((middle as u32) << 8) ^ ((last as u32) << 16);
    let mixed = (mixed ^ ((key.len() as u32) << 24)).wrapping_mul(0x9E37_79B1);
    (mixed >> 23) as usize
}

#[expect(
    clippy::indexing_slicing,
    reason = "runs at compile time, where a bad index does not compile"
)]
const fn table() -> [u8; SLOTS] {
    let mut table = [EMPTY; SLOTS];
    let mut number = 0;
    while number < COUNT {
        let mut at = slot(FIELDS[number].1.as_bytes());
        while table[at] != EMPTY {
            at = (at + 1) % SLOTS;
        }
        table[at] = number as u8;
        number += 1;
    }
    table
}

impl Field {
    /// The field of a name.
    #[inline]
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let mut at = slot(name.as_bytes());
        loop {
            let &number = TABLE.get(at)?;
            let &(field, known) = FIELDS.get(usize::from(number))?;
            if same(known.as_bytes(), name.as_bytes()) {
                return Some(field);
            }
            at = (at + 1) % SLOTS;
        }
    }
}

/// Whether two names are the same: shorter than a call to compare memory, for there are many.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let (Some(end), Some(other_end)) = (one.last_chunk::<8>(), other.last_chunk::<8>()) else {
        return one.iter().zip(other).all(|(one, other)| one == other);
    };
    let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    end == other_end && words.fold(0, |differ, (one, other)| differ | u8::from(one != other)) == 0
}

/// The most known fields that one object may have; the widest event has fewer than 30.
pub(crate) const MAX_FIELDS: usize = 40;

/// Why a field cannot be put into an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It is there already.
    Twice,
    /// The object is full.
    Full,
}

/// One JSON object: its known fields.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    /// For each field 0, or the place of its value plus one.
    places: [u8; COUNT],
    values: ArrayVec<Value<'a>, MAX_FIELDS>,
    /// The lines of a receipt, where the scanner has read them on its way.
    pub(crate) lines: Option<Vec<ReceiptLine>>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new() -> Self {
        Self { places: [0; COUNT], values: ArrayVec::new(), lines: None }
    }

    /// Empties it.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.places = [0; COUNT];
        self.values.clear();
        self.lines = None;
    }

    #[inline]
    pub(crate) fn put(&mut self, field: Field, value: Value<'a>) -> Result<(), Refused> {
        let place = self.places.get_mut(field as usize).ok_or(Refused::Full)?;
        if *place != 0 {
            return Err(Refused::Twice);
        }
        self.values.try_push(value).map_err(|_| Refused::Full)?;
        *place = self.values.len() as u8;
        Ok(())
    }

    /// The value of a field: `Null` where it is not there.
    #[inline]
    pub(crate) fn get(&self, field: Field) -> Value<'a> {
        let place = self.places.get(field as usize).copied().unwrap_or(0);
        match usize::from(place).checked_sub(1).and_then(|place| self.values.get(place)) {
            Some(value) => *value,
            None => Value::Null,
        }
    }

    /// The first of some fields that is there and not null, in order of preference.
    #[inline]
    pub(crate) fn first(&self, names: &[Field]) -> Option<(Field, Value<'a>)> {
        for &field in names {
            let value = self.get(field);
            if !matches!(value, Value::Null) {
                return Some((field, value));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found_by_its_name_and_no_other() {
        for &(field, name) in FIELDS {
            assert_eq!(Field::of_name(name), Some(field));
            assert_eq!(field.name(), name);
        }
        assert_eq!((Field::of_name(""), Field::of_name("item_idx")), (None, None));
    }

    #[test]
    fn a_field_stands_once_in_an_object() {
        let mut fields = Fields::new();
        assert_eq!(fields.put(Field::Sku, Value::Text("a")), Ok(()));
        assert_eq!(fields.put(Field::Sku, Value::Null), Err(Refused::Twice));
        assert_eq!(
            fields.first(&[Field::ItemId, Field::Sku]),
            Some((Field::Sku, Value::Text("a")))
        );
        fields.clear();
        assert_eq!(fields.get(Field::Sku), Value::Null);
    }
}
