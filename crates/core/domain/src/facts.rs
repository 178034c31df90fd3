//! What each day came to, for a product, a category and the store: the sums that key figures are
//! made of. A figure is made from sums of its parts, never from other figures.

mod past;
mod period;
mod supply;

pub use period::{FactScope, Flow, PeriodFacts};

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use self::past::PastDay;
use self::supply::Supply;
use crate::event::{Receipt, ReceiptLine};
use crate::ids::{Category, SkuIndex};
use crate::store::Store;
use crate::table::Table;
use crate::time::{Day, Timestamp};
use crate::windows::{Distinct, customer_hash};

/// So many days are kept of each product and category.
pub const FACT_DAYS: i32 = 31;
/// So many days are kept of the store.
pub const STORE_FACT_DAYS: i32 = 800;

/// What one product did, in one day or in several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuFacts {
    /// Units sold.
    pub sold: u64,
    /// What its lines come to before discount, in cents.
    pub gross_cents: i64,
    /// What its lines come to, in cents.
    pub net_cents: i64,
    /// What the units sold had cost, in cents; returns are taken off.
    pub cost_cents: i64,
    /// Of the net revenue, that of units whose cost is known, in cents.
    pub costed_net_cents: i64,
    /// Units in the shop times milliseconds.
    pub stock_ms: u128,
    /// Units that customers brought back.
    pub returned: u64,
    /// Units that came into the shop.
    pub received: u64,
    /// Units taken out other than by a sale.
    pub removed: u64,
    /// Of these, all that were not sent to another store.
    pub wasted: u64,
    /// Units that left the books unexplained (positive) or came onto them.
    pub unexplained: i64,
    /// What wasted units had cost, in cents.
    pub waste_cents: i64,
    /// What unexplained units had cost, in cents.
    pub unexplained_cents: i64,
    /// Units of order lines that have ended.
    pub ordered: u64,
    /// Of these, units that came, over-delivery left out.
    pub delivered: u64,
    /// Open time, in microseconds.
    pub open_us: i64,
    /// Of that, the time in which its shelf was empty.
    pub empty_us: i64,
    /// Days with open time.
    pub shelf_days: u64,
    /// Of these, days in which its shelf stood empty at some time.
    pub empty_days: u64,
    /// Counts by a person.
    pub counts: u64,
    /// Of these, those that found what the records said.
    pub right_counts: u64,
    /// Units sold whose lot the till read.
    pub lot_sold: u64,
    /// Of these, units of a lot that was cut in price, with at least that cut on the receipt.
    pub reduced_sold: u64,
    /// What these come to before discount, in cents.
    pub reduced_gross_cents: i64,
    /// What these come to, in cents.
    pub reduced_net_cents: i64,
    /// Units that expired although their lot was cut in price.
    pub reduced_expired: u64,
}

impl SkuFacts {
    /// Adds another's facts to these.
    pub fn merge(&mut self, other: &Self) {
        self.sold += other.sold;
        self.returned += other.returned;
        self.received += other.received;
        self.removed += other.removed;
        self.wasted += other.wasted;
        self.unexplained += other.unexplained;
        self.gross_cents = self.gross_cents.saturating_add(other.gross_cents);
        self.net_cents = self.net_cents.saturating_add(other.net_cents);
        self.cost_cents = self.cost_cents.saturating_add(other.cost_cents);
        self.costed_net_cents = self.costed_net_cents.saturating_add(other.costed_net_cents);
        self.waste_cents = self.waste_cents.saturating_add(other.waste_cents);
        self.unexplained_cents = self.unexplained_cents.saturating_add(other.unexplained_cents);
        self.ordered += other.ordered;
        self.delivered += other.delivered;
        self.open_us += other.open_us;
        self.empty_us += other.empty_us;
        self.shelf_days += other.shelf_days;
        self.empty_days += other.empty_days;
        self.stock_ms += other.stock_ms;
        self.counts += other.counts;
        self.right_counts += other.right_counts;
        self.lot_sold += other.lot_sold;
        self.reduced_sold += other.reduced_sold;
        self.reduced_expired += other.reduced_expired;
        let (gross, net) = (other.reduced_gross_cents, other.reduced_net_cents);
        self.reduced_gross_cents = self.reduced_gross_cents.saturating_add(gross);
        self.reduced_net_cents = self.reduced_net_cents.saturating_add(net);
    }

    /// Adds a line of a receipt; a unit of it had cost so many cents, 0 where that is not known;
    /// `reduced`: whether it sold from a lot that was cut in price, for that price.
    fn add_line(&mut self, line: &ReceiptLine, unit_cost_cents: i64, reduced: bool) {
        let units = i64::from(line.units);
        if units > 0 {
            self.sold += units.unsigned_abs();
            if line.lot.is_some() {
                self.lot_sold += units.unsigned_abs();
            }
        } else {
            self.returned += units.unsigned_abs();
        }
        let gross = line.unit_price_cents.saturating_mul(units);
        self.gross_cents = self.gross_cents.saturating_add(gross);
        self.net_cents = self.net_cents.saturating_add(line.total_cents);
        if reduced {
            self.reduced_sold += units.unsigned_abs();
            self.reduced_gross_cents = self.reduced_gross_cents.saturating_add(gross);
            self.reduced_net_cents = self.reduced_net_cents.saturating_add(line.total_cents);
        }
        if unit_cost_cents > 0 {
            self.cost_cents = self.cost_cents.saturating_add(unit_cost_cents * units);
            self.costed_net_cents = self.costed_net_cents.saturating_add(line.total_cents);
        }
    }
}

/// Who bought: receipts and customers, which cannot be added up from products.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyers {
    /// Receipts.
    pub receipts: u64,
    /// Different customers, where the tills know them.
    pub customers: Distinct,
    /// The last receipt that was added.
    last_receipt: u64,
}

impl Buyers {
    /// Adds other buyers to these: receipts of other times or other stores.
    pub fn merge(&mut self, other: &Self) {
        self.receipts += other.receipts;
        self.customers.merge(&other.customers);
    }

    fn add(&mut self, receipt: u64, customer: Option<u64>) {
        if self.last_receipt == receipt {
            return;
        }
        self.last_receipt = receipt;
        self.receipts += 1;
        if let Some(customer) = customer {
            self.customers.insert(customer);
        }
    }
}

/// What a store did as a whole in a day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFacts {
    /// Who bought.
    pub buyers: Buyers,
    /// Customers who came in.
    pub visits: u64,
    /// Lines of receipts.
    pub lines: u64,
    /// Units sold, those brought back taken off.
    pub units: i64,
    /// What the lines come to before discount, in cents.
    pub gross_cents: i64,
    /// What the lines come to, in cents.
    pub net_cents: i64,
    /// How long the day was known, in milliseconds.
    pub elapsed_ms: u64,
    /// How long the store was open, in microseconds.
    pub open_us: i64,
}

impl StoreFacts {
    /// Adds another's facts to these. Times of stores side by side are not times in turn: they are
    /// left to the caller.
    pub fn merge(&mut self, other: &Self) {
        self.buyers.merge(&other.buyers);
        self.visits += other.visits;
        self.lines += other.lines;
        self.units += other.units;
        self.gross_cents = self.gross_cents.saturating_add(other.gross_cents);
        self.net_cents = self.net_cents.saturating_add(other.net_cents);
        self.elapsed_ms += other.elapsed_ms;
        self.open_us += other.open_us;
    }
}

/// Days in order, the last one the present.
type Days<T> = VecDeque<(Day, T)>;

/// One product: its days, and what is there since when.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct SkuBook {
    today: SkuFacts,
    buyers: Buyers,
    since: Timestamp,
    units: u32,
    category: u32,
    past: VecDeque<PastDay>,
}

impl SkuBook {
    /// The entry of a day before the present one, made where there is none.
    fn past(&mut self, day: Day) -> Option<&mut PastDay> {
        let place = match self.past.binary_search_by_key(&day, |past| past.day) {
            Ok(place) => place,
            Err(place) => {
                let past = PastDay::new(day, &SkuFacts::default(), Buyers::default());
                self.past.insert(place, past);
                place
            }
        };
        self.past.get_mut(place)
    }
}

/// The facts of a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FactBook {
    skus: Table<SkuBook>,
    categories: Vec<(Category, Days<Buyers>)>,
    #[serde(skip)]
    category_numbers: BTreeMap<Category, u32>,
    store: Days<StoreFacts>,
    /// Days that late receipts changed, each behind the day on which they came.
    reopened: VecDeque<(Day, Day)>,
    /// The sums over the products of each day, as far back as these know their days.
    #[serde(skip)]
    supply: BTreeMap<Day, Supply>,
    today: Day,
    today_from: Timestamp,
    receipts: u64,
    counted_until: Timestamp,
    /// Of the present receipt.
    #[serde(skip)]
    customer: Option<u64>,
    #[serde(skip)]
    receipt_day: Day,
}

/// The entry of a day, made where there is none and it is not too old.
fn day_of<T: Default>(days: &mut Days<T>, day: Day, kept: i32, today: Day) -> Option<&mut T> {
    if today.since(day) >= kept {
        return None;
    }
    let place = match days.back() {
        Some((last, _)) if *last == day => days.len() - 1,
        Some((last, _)) if *last > day => match days.binary_search_by_key(&day, |(d, _)| *d) {
            Ok(place) => place,
            Err(place) => {
                days.insert(place, (day, T::default()));
                place
            }
        },
        _ => {
            days.push_back((day, T::default()));
            days.len() - 1
        }
    };
    days.get_mut(place).map(|(_, facts)| facts)
}

fn forget<T>(days: &mut Days<T>, kept: i32, today: Day) {
    while days.front().is_some_and(|(day, _)| today.since(*day) >= kept) {
        days.pop_front();
    }
}

impl FactBook {
    pub(crate) fn add_sku(&mut self, category: Category) {
        let category = self.category_number(category);
        self.skus.push(SkuBook { category, ..SkuBook::default() });
    }

    pub(crate) fn set_category(&mut self, index: SkuIndex, category: Category) {
        self.skus[index].category = self.category_number(category);
    }

    fn category_number(&mut self, category: Category) -> u32 {
        if let Some(&number) = self.category_numbers.get(&category) {
            return number;
        }
        let number = self.categories.len() as u32;
        self.categories.push((category, VecDeque::new()));
        self.category_numbers.insert(category, number);
        number
    }

    /// Restores what is not in a snapshot.
    pub(crate) fn rebuild_index(&mut self) {
        let named = (0..).zip(&self.categories);
        self.category_numbers = named.map(|(number, (category, _))| (*category, number)).collect();
        self.supply.clear();
        for book in self.skus.iter() {
            for past in &book.past {
                self.supply.entry(past.day).or_default().add(&past.supply());
            }
            self.supply.entry(self.today).or_default().add(&Supply::from(&book.today));
        }
    }

    /// The present day of a sku.
    pub(crate) fn sku(&mut self, index: SkuIndex) -> &mut SkuFacts {
        &mut self.skus[index].today
    }

    /// Units of a sku were thrown away; they had cost so many cents.
    pub(crate) fn wasted(&mut self, index: SkuIndex, units: u32, cost_cents: i64) {
        let facts = self.sku(index);
        facts.wasted += u64::from(units);
        facts.waste_cents = facts.waste_cents.saturating_add(cost_cents);
        self.add_supply(Supply { waste_cents: cost_cents, ..Supply::default() });
    }

    /// An order line of a sku has ended: so many units were wanted, and so many of them came.
    pub(crate) fn supplied(&mut self, index: SkuIndex, ordered: u32, delivered: u32) {
        let (ordered, delivered) = (u64::from(ordered), u64::from(delivered));
        let facts = self.sku(index);
        facts.ordered += ordered;
        facts.delivered += delivered;
        self.add_supply(Supply { ordered, delivered, ..Supply::default() });
    }

    fn add_supply(&mut self, supply: Supply) {
        self.supply.entry(self.today).or_default().add(&supply);
    }

    pub(crate) fn store(&mut self) -> &mut StoreFacts {
        let today = self.today;
        if self.store.back().is_none_or(|(day, _)| *day != today) {
            self.store.push_back((today, StoreFacts::default()));
        }
        let last = self.store.len() - 1;
        &mut self.store[last].1
    }

    /// Notes how many units of a sku are in the shop. Returns whether that has changed.
    pub(crate) fn level(&mut self, index: SkuIndex, units: u32, now: Timestamp) -> bool {
        let book = &mut self.skus[index];
        if book.units == units {
            return false;
        }
        let (held, since) = (book.units, book.since);
        book.units = units;
        book.since = now;
        if held > 0 {
            let held_ms = (now.since(since) / 1_000).max(0) as u128;
            book.today.stock_ms += u128::from(held) * held_ms;
        }
        true
    }

    /// The present day ends and another begins.
    pub(crate) fn change_day(&mut self, day: Day, from: Timestamp, now: Timestamp, open_us: i64) {
        let elapsed = (now.since(self.counted_until) / 1_000).max(0) as u64;
        let store = self.store();
        store.elapsed_ms += elapsed;
        store.open_us += open_us;
        self.counted_until = now;
        let today = self.today;
        for book in self.skus.iter_mut() {
            let held_ms = (now.since(book.since) / 1_000).max(0) as u128;
            book.today.stock_ms += u128::from(book.units) * held_ms;
            book.since = now;
            let facts = core::mem::take(&mut book.today);
            let buyers = core::mem::take(&mut book.buyers);
            if facts != SkuFacts::default() {
                book.past.push_back(PastDay::new(today, &facts, buyers));
            }
            while book.past.front().is_some_and(|past| day.since(past.day) >= FACT_DAYS) {
                book.past.pop_front();
            }
        }
        for (_, days) in &mut self.categories {
            forget(days, FACT_DAYS, day);
        }
        forget(&mut self.store, STORE_FACT_DAYS, day);
        forget(&mut self.reopened, FACT_DAYS, day);
        self.supply.retain(|known, _| day.since(*known) < FACT_DAYS);
        self.today = day;
        self.today_from = from;
    }

    /// The first day of a store.
    pub(crate) fn begin(&mut self, day: Day, from: Timestamp, now: Timestamp) {
        self.today = day;
        self.today_from = from;
        self.counted_until = now;
    }
}

impl Store {
    /// A receipt of a moment begins; its lines follow.
    pub(crate) fn fact_receipt(&mut self, receipt: &Receipt, at: Timestamp) {
        let customer = receipt.customer.unwrap_or_default();
        let lines = receipt.lines.len();
        let book = &mut self.facts;
        book.receipts += 1;
        let (receipt, today) = (book.receipts, book.today);
        let day = if at >= book.today_from { today } else { self.settings.clock.day(at) };
        book.customer = customer_hash(customer);
        book.receipt_day = day;
        if day < today && today.since(day) < FACT_DAYS {
            let of_today = book.reopened.iter().rev().take_while(|(on, _)| *on == today);
            if !of_today.map(|(_, of)| *of).any(|of| of == day) {
                book.reopened.push_back((today, day));
            }
        }
        let customer = book.customer;
        if let Some(store) = day_of(&mut book.store, day, STORE_FACT_DAYS, today) {
            store.buyers.add(receipt, customer);
            store.lines += lines as u64;
        }
    }

    /// A line of the present receipt.
    pub(crate) fn fact_line(&mut self, index: SkuIndex, line: &ReceiptLine) {
        let unit_cost = self.products[index].cost_cents;
        let reduced = self.reduced(index, line);
        let book = &mut self.facts;
        let (day, today, receipt) = (book.receipt_day, book.today, book.receipts);
        let units = i64::from(line.units);
        let gross = line.unit_price_cents.saturating_mul(units);
        if let Some(store) = day_of(&mut book.store, day, STORE_FACT_DAYS, today) {
            store.units += units;
            store.gross_cents = store.gross_cents.saturating_add(gross);
            store.net_cents = store.net_cents.saturating_add(line.total_cents);
        }
        let customer = book.customer;
        let sku = &mut book.skus[index];
        if day == today {
            sku.today.add_line(line, unit_cost, reduced);
            sku.buyers.add(receipt, customer);
        } else if today.since(day) < FACT_DAYS
            && let Some(past) = sku.past(day)
        {
            let mut facts = past.facts();
            facts.add_line(line, unit_cost, reduced);
            past.set(&facts);
            past.buyers.add(receipt, customer);
        }
        if let Some((_, days)) = book.categories.get_mut(sku.category as usize)
            && let Some(buyers) = day_of(days, day, FACT_DAYS, today)
        {
            buyers.add(receipt, customer);
        }
    }

    /// Whether a line sells from a lot that is cut in price, for a price with at least that cut. A
    /// receipt that does not name the lot does not say so, whatever its discount.
    fn reduced(&self, index: SkuIndex, line: &ReceiptLine) -> bool {
        let (true, Some(code)) = (line.units > 0 && line.discount.0 > 0, line.lot) else {
            return false;
        };
        let lot = self.lots[index].get(code);
        lot.is_some_and(|lot| lot.markdown.0 > 0 && line.discount >= lot.markdown)
    }
}
