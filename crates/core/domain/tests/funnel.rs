//! Steps of visits: what they say about who is in the store, and how they are counted.

use shelf_domain::{Body, CustomerEvent, CustomerId, FunnelStep, KEPT_FUNNEL_DAYS, Sku};
use shelf_testkit::{Both, Shop};

fn step(shop: &mut Shop, customer: &str, step: FunnelStep, sku: &str) {
    let customer = Some(customer).filter(|name| !name.is_empty()).map(CustomerId::cut);
    let sku = Some(sku).filter(|sku| !sku.is_empty()).map(Sku::cut);
    shop.event(Body::CustomerEvent(CustomerEvent { customer, step, sku }));
}

#[test]
fn steps_are_counted_and_the_first_and_last_tell_who_is_in_the_store() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).at("09:00");
    step(&mut shop, "c1", FunnelStep::Entrance, "");
    step(&mut shop, "c2", FunnelStep::Entrance, "");
    step(&mut shop, "", FunnelStep::Entrance, "");
    step(&mut shop, "c1", FunnelStep::View, "MILK");
    step(&mut shop, "c1", FunnelStep::View, "NEVER-DECLARED");
    step(&mut shop, "c1", FunnelStep::CartAdd, "MILK");
    step(&mut shop, "c1", FunnelStep::CartRemove, "MILK");
    step(&mut shop, "c1", FunnelStep::Checkout, "");
    shop.at("09:10");
    step(&mut shop, "c2", FunnelStep::Abandon, "");
    let both = Both::of(&shop.events());
    let counts = FunnelStep::ALL.map(|step| both.store().funnel_today().count(step));
    assert_eq!(counts, [3, 2, 1, 1, 1, 1]);
    let (visits, stats) = (both.store().visits(), both.store().stats());
    assert_eq!((visits.present, visits.entries_today, stats.exits), (1, 3, 2));
    assert_eq!(both.shelf("MILK").cart_units, 0);
    assert_eq!(both.hash(), both.restored().hash());
}

#[test]
fn the_last_days_are_kept_and_no_more() {
    let mut shop = Shop::new("S001");
    shop.product("MILK", |_| {}).at("09:00");
    for _ in 0..40 {
        step(&mut shop, "c1", FunnelStep::View, "MILK");
        shop.next_day();
    }
    let both = Both::of(&shop.events());
    let days: Vec<_> = both.store().funnel_days().collect();
    assert_eq!(days.len(), KEPT_FUNNEL_DAYS);
    assert!(days.windows(2).all(|pair| pair[0].day.plus(1) == pair[1].day));
    assert_eq!((days[0].total(), days[30].total(), days[30].day), (1, 0, both.store().day()));
}
