//! A small chain in which something of everything is the matter.

use shelf_domain::{
    BasisPoints, Body, Category, Effect, Effects, Event, EventId, Note, Place, Promotion, Rejected,
    Sku, StoreId, Stores, Subcategory, Supplier, SupplierId, WeekSlot, WindowResult,
};
use shelf_events::OutputRecord;
use shelf_testkit::{ProductSpec, Shop};

use crate::EffectLine;

/// The stores, and what they published.
pub(super) struct Example {
    pub(super) stores: Stores,
    pub(super) lines: Vec<EffectLine>,
    /// The results of windows.
    pub(super) results: Vec<(StoreId, WindowResult)>,
}

/// Two stores on Monday afternoon.
pub(super) fn small_chain() -> Example {
    let (centro, porto) = (centro(), porto());
    let mut events = centro.events();
    events.extend(porto.events());
    events.push(unreadable(&centro));
    lived(&events)
}

/// The same a little later: customers pay, a window has just ended, and others are open.
pub(super) fn window_chain() -> Example {
    let (mut centro, mut porto) = (centro(), porto());
    centro.at("14:34:10").receipt("C6", &[("PASPEN0006", 2, 95), ("BREROL0004", 3, 45)]);
    centro.at("14:35:10").receipt("C7", &[("PASPEN0006", 1, 95)]);
    centro.at("14:36:30").receipt("C8", &[("FRUAPP0005", 1, 210), ("BREROL0004", 1, 45)]);
    centro.clock_to("14:36:55");
    porto.at("14:36:00").count("BEVCOL0003", Place::Floor, 9);
    porto.at("14:36:50").receipt("C8", &[("BEVCOL0003", 1, 150)]);
    let mut events = centro.events();
    events.extend(porto.events());
    lived(&events)
}

fn lived(events: &[Event]) -> Example {
    let mut stores = Stores::default();
    let (mut lines, mut results) = (Vec::new(), Vec::new());
    let mut effects = Effects::default();
    for (event, input_offset) in events.iter().zip(0..) {
        let _ = stores.step(event, &mut effects);
        for effect in &effects.items {
            if let Effect::Window(result) = effect {
                results.push((event.store, result.as_ref().clone()));
            }
        }
        let records = effects.items.drain(..).zip(0..).map(|(effect, index)| OutputRecord {
            store: event.store,
            input_offset,
            index,
            at: event.at,
            effect,
        });
        // As on a live screen: windows have a place of their own.
        let shown = records.filter(|record| !matches!(record.effect, Effect::Window(_)));
        lines.extend(shown.map(|record| EffectLine::new(&record)));
    }
    Example { stores, lines, results }
}

fn named(
    category: &'static str,
    subcategory: &'static str,
    name: &'static str,
    cents: i64,
) -> impl FnOnce(&mut ProductSpec) {
    move |spec| {
        let product = &mut spec.product;
        product.category = Category::cut(category);
        product.subcategory = Subcategory::cut(subcategory);
        product.name = Note::cut(name);
        product.price_cents = cents;
        product.cost_cents = cents * 6 / 10;
        product.supplier = Some(SupplierId::cut("fresh"));
        spec.shelf.expected_daily_milli = 7_100;
    }
}

fn perishable(change: impl FnOnce(&mut ProductSpec), days: u16) -> impl FnOnce(&mut ProductSpec) {
    move |spec| {
        change(spec);
        spec.product.shelf_life_days = days;
    }
}

/// Opened on Thursday; orders went out on Sunday.
fn centro() -> Shop {
    let slots =
        |weekdays: [u8; 3], minute| weekdays.map(|weekday| WeekSlot { weekday, minute }).to_vec();
    let mut shop = Shop::new("S1");
    shop.store(|settings| settings.name = Note::cut("Centro"))
        .policy("house", |policy| {
            policy.refill_below = Some(BasisPoints::percent(30));
            policy.target = Some(BasisPoints::percent(90));
            policy.reorder_point_units = Some(12);
        })
        .event(Body::Supplier(Box::new(Supplier {
            supplier: SupplierId::cut("fresh"),
            name: Note::cut("Fresh & Sons"),
            cutoffs: slots([6, 1, 3], 12 * 60),
            deliveries: slots([0, 2, 4], 18 * 60),
            lead_minutes: 60,
            minimum_order_cents: 0,
            ..Supplier::default()
        })))
        .product("FISALM0001", perishable(named("FISH", "Salmon", "Salmon fillet", 899), 4))
        .product("BEVWAT0002", named("BEVERAGES", "Water", "Still water", 65))
        .product("BREROL0004", perishable(named("BREAD AND BREADSTICKS", "Rolls", "Rolls", 45), 3))
        .product("FRUAPP0005", named("FRUITS AND VEGETABLES", "Apples", "Red apples", 210))
        .product("PASPEN0006", named("PASTA AND RICE", "Penne", "Penne rigate", 119))
        .product("GIFCAR0007", named("Gifts", "Cards", "Birthday card", 300))
        .opening("FISALM0001", "F1", "2026-01-04", 4, 0)
        .opening("FISALM0001", "F2", "2026-01-06", 8, 6)
        .opening("BEVWAT0002", "W1", "2027-06-01", 18, 40)
        .opening("BREROL0004", "R1", "2026-01-07", 15, 20)
        .opening("FRUAPP0005", "A1", "never", 17, 12)
        .opening("PASPEN0006", "P1", "never", 20, 60)
        .opening("GIFCAR0007", "G1", "never", 5, 0)
        .event(Body::Promotion(Promotion {
            sku: Sku::cut("PASPEN0006"),
            from_day: shop_day(0),
            until_day: shop_day(6),
            cut: BasisPoints::percent(20),
            ..Promotion::default()
        }));
    sell(&mut shop);
    shop
}

fn shop_day(ahead: i32) -> shelf_domain::Day {
    shelf_testkit::builders::parse_date("2026-01-01").unwrap().plus(ahead)
}

fn sell(shop: &mut Shop) {
    shop.at("10:00").entry("C1").pickup("C1", "PASPEN0006", 2).pickup("C1", "BEVWAT0002", 6);
    shop.at("10:20").receipt("C1", &[("PASPEN0006", 2, 95), ("BEVWAT0002", 6, 65)]).again();
    shop.exit("C1").next_day();
    shop.at("09:00").pickup("C2", "FRUAPP0005", 3).receipt("C2", &[("FRUAPP0005", 3, 210)]);
    shop.next_day().next_day().next_day();
    shop.at("08:00").entry("C3").pickup("C3", "FISALM0001", 7);
    shop.at("08:30").receipt("C3", &[("FISALM0001", 5, 899)]);
    shop.at("09:00").pickup("C4", "FRUAPP0005", 10).receipt("C4", &[("FRUAPP0005", 10, 210)]);
    shop.clock_to("09:05").wh_out("FRUAPP0005", None, 9);
    shop.at("09:30").count("PASPEN0006", Place::Floor, 15);
    shop.at("10:00").entry("C5").pickup("C5", "FISALM0001", 9);
    shop.at("10:01").pickup("C5", "NOSUCH0000", 1);
    shop.at("10:02").pickup("C5", "BEVWAT0002", 8).clock_to("14:30:05");
}

fn porto() -> Shop {
    let mut shop = Shop::new("S2");
    shop.store(|settings| settings.name = Note::cut("Porto"))
        .at("2026-01-05 06:00")
        .policy("house", |policy| policy.refill_below = Some(BasisPoints::percent(30)))
        .product("BEVCOL0003", named("BEVERAGES", "Cola", "Cola", 150))
        .opening("BEVCOL0003", "K1", "never", 3, 0)
        .at("12:10")
        .pickup("D1", "BEVCOL0003", 3)
        .at("12:15")
        .receipt("D1", &[("BEVCOL0003", 3, 150)]);
    shop
}

fn unreadable(shop: &Shop) -> Event {
    let rejected = Rejected { reason: Note::cut("invalid_json"), ..Rejected::default() };
    let at = shop.now();
    let body = Body::Rejected(Box::new(rejected));
    let (id, store) = (EventId(77), shelf_domain::StoreId::cut("S1"));
    Event { id, store, at, received_at: at, origin: shelf_domain::Origin::default(), body }
}
