//! What one foreign line says, and the parts that several systems share.

use shelf_domain::{
    Actor, Body, Category, Count, Delivery, LotCode, Note, Place, Product, Receipt, ReceiptId,
    ReceiptLine, Refill, Removal, RemovalCause, Sku, StoreId, Timestamp, WarehouseOut,
};

use super::Broken;
use super::values::Raw;

/// What one line says.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// Where; every store that has the product where the system does not say.
    pub(crate) store: Option<StoreId>,
    pub(crate) at: Timestamp,
    /// The products that it needs.
    pub(crate) goods: Vec<Goods>,
    /// The stock before what it says, where it tells of stock.
    pub(crate) stock_before: Option<u32>,
    pub(crate) bodies: Vec<Body>,
    /// Whether what it says is of no use here but for its time.
    pub(crate) ignored: bool,
}

/// A product as a line names it.
#[derive(Clone, Debug)]
pub(crate) struct Goods {
    pub(crate) sku: Sku,
    pub(crate) name: Note,
    pub(crate) category: Category,
    /// The price of a unit, where the line tells one.
    pub(crate) price_cents: Option<i64>,
}

impl Goods {
    /// A product with the texts of a line, in its words.
    pub(crate) fn of(raw: &Raw<'_>, sku: Sku, price_cents: Option<i64>) -> Result<Self, Broken> {
        let category = match raw.name("product_category", Category::new)? {
            Some(category) => category,
            None => raw.name_or_empty("category", Category::new)?,
        };
        let name = raw.name_or_empty("product_name", Note::new)?;
        Ok(Self { sku, name, category, price_cents })
    }

    pub(crate) fn product(&self) -> Product {
        let (sku, name, category) = (self.sku, self.name, self.category);
        Product {
            sku,
            name,
            category,
            price_cents: self.price_cents.unwrap_or(0),
            ..Product::default()
        }
    }
}

impl Fact {
    pub(crate) fn new(store: StoreId, at: Timestamp, bodies: Vec<Body>) -> Self {
        let (goods, stock_before, ignored) = (Vec::new(), None, false);
        Self { store: Some(store), at, goods, stock_before, bodies, ignored }
    }

    /// A line that tells nothing but its time.
    pub(crate) fn ignored(store: StoreId, at: Timestamp) -> Self {
        Self { ignored: true, ..Self::new(store, at, vec![Body::Clock]) }
    }

    pub(crate) fn with(mut self, goods: Goods) -> Self {
        self.goods.push(goods);
        self
    }
}

/// Units that came. The systems know one stock of a store, and it is on sale: so what comes goes
/// through the warehouse onto the floor at once.
pub(crate) fn delivered(sku: Sku, lot: LotCode, units: u32) -> Vec<Body> {
    let delivery = Delivery { sku, lot, units, ..Delivery::default() };
    let lot = Some(lot);
    vec![
        Body::Delivery(delivery),
        Body::WarehouseOut(WarehouseOut { task: None, sku, lot, units }),
        Body::Refill(Refill { task: None, sku, lot, units }),
    ]
}

/// The stock is so many.
pub(crate) fn counted(sku: Sku, units: u32) -> Vec<Body> {
    vec![Body::Count(Count { sku, place: Place::Floor, units, actor: Actor::default() })]
}

/// Units left without a sale.
pub(crate) fn removed(sku: Sku, units: u32, cause: RemovalCause) -> Vec<Body> {
    let (place, actor) = (Place::Floor, Actor::default());
    vec![Body::Removal(Removal { sku, lot: None, place, units, cause, actor })]
}

/// Units came back, of which the system tells no money: a return of nothing.
pub(crate) fn brought_back(sku: Sku, receipt: ReceiptId, units: u32) -> Vec<Body> {
    let units = i32::try_from(units).map_or(i32::MIN, |units| -units);
    let line = ReceiptLine { sku, units, ..ReceiptLine::default() };
    vec![Body::Receipt(Box::new(Receipt { receipt, lines: vec![line], ..Receipt::default() }))]
}

/// What a change of stock is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StockReason {
    Sale,
    Came,
    Returned,
    Gone(RemovalCause),
    Adjusted,
}

/// A change of stock that told its reason and what the stock is after it.
pub(crate) struct StockChange {
    pub(crate) store: StoreId,
    pub(crate) at: Timestamp,
    pub(crate) goods: Goods,
    pub(crate) reason: StockReason,
    pub(crate) units: i64,
    /// The stock before, where that can be told.
    pub(crate) before: Option<u32>,
    pub(crate) after: u32,
}

impl StockChange {
    /// What it comes to; the field of its own id is `id`. A change against its own reason, such as
    /// damage that adds units, is a correction: then the stock is what it says.
    pub(crate) fn fact(self, raw: &Raw<'_>, id: &str) -> Result<Fact, Broken> {
        let Self { store, at, goods, reason, units, before, after } = self;
        let sku = goods.sku;
        let many = u32::try_from(units.unsigned_abs()).map_err(|_| Broken::INVALID_QUANTITY)?;
        let bodies = match reason {
            // The sale itself has told the units; in these systems it comes first.
            StockReason::Sale => {
                let fact = Fact::ignored(store, at).with(goods);
                return Ok(Fact { stock_before: Some(after), ..fact });
            }
            StockReason::Came if units > 0 => {
                delivered(sku, raw.need(id, LotCode::new, Broken::NULL_MOVEMENT)?, many)
            }
            StockReason::Returned if units > 0 => {
                brought_back(sku, raw.need(id, ReceiptId::new, Broken::NULL_MOVEMENT)?, many)
            }
            StockReason::Gone(cause) if units < 0 => removed(sku, many, cause),
            _ => counted(sku, after),
        };
        Ok(Fact { stock_before: before, ..Fact::new(store, at, bodies).with(goods) })
    }
}
