//! What each line of a story means: it calls the builder of its event.

use shelf_domain::{
    Approval, Body, Category, Day, Delivery, LocalClock, LotCode, OpeningStock, OrderId, Picking,
    Place, Policy, PriceChange, ReceiptLine, Refill, RefillMode, RemovalTime, Scope, Sensor, Sku,
    StoreSettings, Subcategory, SupplierId, TaskId, Timestamp, WarehouseOut,
};

use super::acts;
use super::words::{Complaint, Words};
use crate::builders::{ProductSpec, Shop, parse_time, receipt_line};

/// Reads one line and tells `shop`.
pub(super) fn line(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    if let Some(moment) = words.moment()? {
        shop.at(&moment);
        return event(shop, words);
    }
    match words.any("first word")?.as_str() {
        "day" => day(shop, words),
        "store" => store(shop, words),
        "product" => product(shop, words),
        "policy" => policy(shop, words),
        "stock" => stock(shop, words),
        "supplier" => acts::supplier(shop, words),
        "promotion" => acts::promotion(shop, words),
        "again" => {
            shop.again();
            Ok(())
        }
        "next" => {
            words.expect("day")?;
            shop.next_day();
            Ok(())
        }
        other => Err(format!("`{other}` begins no line")),
    }
}

fn event(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let subject = words.any("subject")?;
    match subject.as_str() {
        "clock" => {
            shop.clock();
        }
        "delivery" => delivery(shop, words)?,
        "wh_out" => {
            let (units, sku) = units_of_sku(words)?;
            let lot = lot(words)?.map(|lot| LotCode::cut(&lot));
            let (sku, task) = (Sku::cut(&sku), task(words)?);
            shop.event(Body::WarehouseOut(WarehouseOut { task, sku, lot, units }));
        }
        "refill" => {
            let (units, sku) = units_of_sku(words)?;
            let lot = lot(words)?.map(|lot| LotCode::cut(&lot));
            let (sku, task) = (Sku::cut(&sku), task(words)?);
            shop.event(Body::Refill(Refill { task, sku, lot, units }));
        }
        "remove" => {
            let (units, sku) = units_of_sku(words)?;
            words.expect("from")?;
            let place = place(words)?;
            shop.removal(&sku, place, lot(words)?.as_deref(), units);
        }
        "count" => {
            let (units, sku) = units_of_sku(words)?;
            let _ = words.maybe("on") || words.maybe("in");
            let place = place(words)?;
            shop.count(&sku, place, units);
        }
        "transfer" => {
            let (units, sku) = units_of_sku(words)?;
            words.expect("to")?;
            let to = words.any("store")?;
            shop.transfer(&sku, lot(words)?.as_deref(), units, &to);
        }
        "shelf" => weight(shop, words)?,
        "price" => {
            let (sku, price_cents) = (Sku::cut(&sku(words)?), words.cents()?);
            shop.event(Body::Price(PriceChange { sku, price_cents, ..PriceChange::default() }));
        }
        "somebody" => deed(shop, words, "")?,
        customer => deed(shop, words, customer)?,
    }
    Ok(())
}

fn deed(shop: &mut Shop, words: &mut Words, customer: &str) -> Result<(), Complaint> {
    match words.any("deed")?.as_str() {
        "enters" if words.maybe("until") => {
            shop.session(customer, &words.time()?);
        }
        "enters" => {
            shop.entry(customer);
        }
        "leaves" => {
            shop.exit(customer);
        }
        "picks" => {
            let (units, sku) = units_of_sku(words)?;
            shop.pickup(customer, &sku, units);
        }
        "puts" => {
            words.expect("back")?;
            let (units, sku) = units_of_sku(words)?;
            shop.putback(customer, &sku, units);
        }
        "pays" => {
            let lines = receipt_lines(words, 1)?;
            shop.receipt_of(customer, lines);
        }
        "returns" => {
            let lines = receipt_lines(words, -1)?;
            shop.receipt_of(customer, lines);
        }
        deed => return acts::act(shop, words, customer, deed),
    }
    Ok(())
}

fn receipt_lines(words: &mut Words, sign: i32) -> Result<Vec<ReceiptLine>, Complaint> {
    let mut lines = Vec::new();
    loop {
        let (units, sku) = units_of_sku(words)?;
        words.expect("at")?;
        let cents = words.cents()?;
        let units = i32::try_from(units).map_err(|_| format!("{units} units are too many"))?;
        lines.push(receipt_line(&sku, sign * units, cents, lot(words)?.as_deref()));
        if !words.maybe(",") {
            return Ok(lines);
        }
    }
}

fn weight(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let sku = sku(words)?;
    words.expect("weighs")?;
    let delta_g = words.number("g")?;
    let customer = if words.maybe("by") { words.any("customer")? } else { String::new() };
    shop.weight(&customer, &sku, delta_g);
    Ok(())
}

fn delivery(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let (units, sku) = units_of_sku(words)?;
    let mut delivery = Delivery { sku: Sku::cut(&sku), units, ..Delivery::default() };
    while !words.done() {
        match words.any("part")?.as_str() {
            "lot" => delivery.lot = LotCode::cut(&words.any("lot")?),
            "expires" => delivery.expiry_day = Some(words.expiry()?),
            "received" => delivery.received_day = Some(words.date()?),
            "for" => delivery.order = OrderId::parse(&words.any("order")?),
            other => return unknown(other),
        }
    }
    shop.event(Body::Delivery(delivery));
    Ok(())
}

fn stock(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let mut stock = OpeningStock {
        sku: Sku::cut(&sku(words)?),
        received_day: shop.day(),
        ..OpeningStock::default()
    };
    while !words.done() {
        match words.any("part")?.as_str() {
            "lot" => stock.lot = LotCode::cut(&words.any("lot")?),
            "expires" => stock.expiry_day = Some(words.expiry()?).filter(|d| *d != Day::NEVER),
            "received" => stock.received_day = words.date()?,
            "floor" => stock.floor_units = words.units()?,
            "warehouse" => stock.warehouse_units = words.units()?,
            other => return unknown(other),
        }
    }
    shop.event(Body::OpeningStock(stock));
    Ok(())
}

fn product(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let sku = sku(words)?;
    let mut result = Ok(());
    shop.product(&sku, |spec| result = product_parts(spec, words));
    result
}

fn product_parts(spec: &mut ProductSpec, words: &mut Words) -> Result<(), Complaint> {
    while !words.done() {
        let (product, shelf) = (&mut spec.product, &mut spec.shelf);
        match words.any("part")?.as_str() {
            "shelf" => shelf.capacity_units = words.units()?,
            "warehouse" => shelf.warehouse_capacity_units = words.units()?,
            "life" => product.shelf_life_days = words.number("d")? as u16,
            "price" => product.price_cents = words.cents()?,
            "cost" => product.cost_cents = words.cents()?,
            "weight" => product.unit_weight_g = words.number("g")? as u32,
            "pack" => product.pack_units = words.units()?,
            "supplier" => product.supplier = Some(SupplierId::cut(&words.any("supplier")?)),
            "daily" => shelf.expected_daily_milli = 1_000 * words.units()?,
            "category" => product.category = Category::cut(&words.any("category")?),
            "subcategory" => product.subcategory = Subcategory::cut(&words.any("subcategory")?),
            "sensor" => {
                words.expect("weight")?;
                shelf.sensor = Sensor::WeightOnly;
            }
            other => return unknown(other),
        }
    }
    Ok(())
}

fn policy(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let name = words.any("policy")?;
    let mut policy = Policy { active: true, ..Policy::default() };
    while !words.done() {
        match words.any("part")?.as_str() {
            "for" => policy.scope = scope(words)?,
            "picking" => {
                policy.picking = Some(match words.any("picking")?.as_str() {
                    "soonest-expiry" => Picking::SoonestExpiry,
                    "first-received" => Picking::FirstReceived,
                    other => return unknown(other),
                });
            }
            "removal" => {
                policy.removal = Some(match words.any("removal")?.as_str() {
                    "next-day" => RemovalTime::NextDay,
                    "same-day-evening" => RemovalTime::SameDayEvening,
                    other => return unknown(other),
                });
            }
            "travel" => policy.travel_seconds = Some(words.number("s")? as u32),
            part if acts::policy_part(&mut policy, part, words)? => {}
            "inactive" => policy.active = false,
            other => return unknown(other),
        }
    }
    shop.policy(&name, |set| *set = Policy { policy: set.policy, ..policy });
    Ok(())
}

fn scope(words: &mut Words) -> Result<Scope, Complaint> {
    match words.any("scope")?.as_str() {
        "all" => Ok(Scope::Global),
        "category" => Ok(Scope::Category(Category::cut(&words.any("category")?))),
        "subcategory" => {
            let subcategory = Subcategory::cut(&words.any("subcategory")?);
            let of = if words.maybe("of") { Some(words.any("category")?) } else { None };
            Ok(Scope::Subcategory(of.map(|of| Category::cut(&of)), subcategory))
        }
        "shelf" => Ok(Scope::Shelf(Sku::cut(&sku(words)?))),
        other => unknown(other),
    }
}

fn day(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    let date = words.date()?;
    shop.at(&format!("{} 06:00", crate::summary::date(date)));
    Ok(())
}

fn store(shop: &mut Shop, words: &mut Words) -> Result<(), Complaint> {
    if words.maybe("watchful") {
        shop.watchful();
    }
    let mut result = Ok(());
    shop.store(|settings| result = store_parts(settings, words));
    result
}

fn store_parts(settings: &mut StoreSettings, words: &mut Words) -> Result<(), Complaint> {
    while !words.done() {
        match words.any("part")?.as_str() {
            "clock" => settings.clock = LocalClock { offsets: offsets(words)? },
            "open" => settings.opening = opening(words)?,
            "closed-on" => settings.closed_days.push(words.date()?),
            "timed" => settings.refill = RefillMode::Timed,
            "by-person" => settings.approval = Approval::ByPerson,
            other => return unknown(other),
        }
    }
    Ok(())
}

/// Reads `07:00 to 22:00` or `always`.
fn opening(words: &mut Words) -> Result<Vec<(u16, u16)>, Complaint> {
    if words.maybe("always") {
        return Ok(Vec::new());
    }
    let open = words.time()?;
    words.expect("to")?;
    let close = words.time()?;
    let minute = |time: &str| parse_time(time).map_or(0, |(minute, _)| minute);
    Ok(vec![(minute(&open), minute(&close)); 7])
}

/// Reads `+1h then +2h from 2026-03-29 01:00`; the moments are in UTC.
fn offsets(words: &mut Words) -> Result<Vec<(Timestamp, i32)>, Complaint> {
    let mut offsets = vec![(Timestamp::EARLIEST, offset_seconds(words)?)];
    while words.maybe("then") {
        let seconds = offset_seconds(words)?;
        words.expect("from")?;
        let date = words.date()?;
        let time = words.time()?;
        let minute = parse_time(&time).map_or(0, |(minute, _)| minute);
        offsets.push((LocalClock::default().at(date, minute), seconds));
    }
    Ok(offsets)
}

fn offset_seconds(words: &mut Words) -> Result<i32, Complaint> {
    Ok(words.number("h")? as i32 * 3_600)
}

fn units_of_sku(words: &mut Words) -> Result<(u32, String), Complaint> {
    Ok((words.units()?, sku(words)?))
}

fn sku(words: &mut Words) -> Result<String, Complaint> {
    let word = words.any("sku")?;
    if Sku::new(&word).is_ok() { Ok(word) } else { Err(format!("`{word}` is too long a sku")) }
}

fn lot(words: &mut Words) -> Result<Option<String>, Complaint> {
    if words.maybe("lot") { words.any("lot").map(Some) } else { Ok(None) }
}

fn task(words: &mut Words) -> Result<Option<TaskId>, Complaint> {
    if words.maybe("for") { Ok(TaskId::parse(&words.any("task")?)) } else { Ok(None) }
}

fn place(words: &mut Words) -> Result<Place, Complaint> {
    match words.any("place")?.as_str() {
        "floor" => Ok(Place::Floor),
        "warehouse" => Ok(Place::Warehouse),
        other => Err(format!("`{other}` is no place")),
    }
}

pub(super) fn unknown<T>(word: &str) -> Result<T, Complaint> {
    Err(format!("unknown part `{word}`"))
}
