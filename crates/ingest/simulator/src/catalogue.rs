//! What the store sells: the assortment's table read, and each sku's own values drawn.
//!
//! Weight, price, pack, cost and brand follow from the seed alone: all stores of a chain sell the
//! same products. Capacities and visibility are each store's own.

use shelf_domain::{Category, Note, Sku, SkuIndex, Subcategory, SupplierId};

use crate::calendar::season_table;
use crate::chance::{CHAIN, Dice};

/// The facts about each subcategory.
const TABLE: &str = include_str!("assortment.txt");
/// Brands in the town.
const BRANDS: u32 = 60;

/// The skus of a category.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Its first sku.
    pub(crate) first: u32,
    /// How many skus it has.
    pub(crate) skus: u32,
}

/// One sku of the store, with what does not change.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) sku: Sku,
    pub(crate) name: Note,
    pub(crate) brand: Note,
    /// Its place in the list of groups.
    pub(crate) group: u32,
    pub(crate) fresh: bool,
    pub(crate) category: Category,
    pub(crate) subcategory: Subcategory,
    /// The skus of its subcategory: the first, and how many.
    pub(crate) kin: (u32, u32),
    pub(crate) supplier: SupplierId,
    pub(crate) price_cents: i64,
    pub(crate) cost_cents: i64,
    pub(crate) unit_g: u32,
    pub(crate) pack_units: u32,
    pub(crate) life_days: u16,
    pub(crate) shelf_units: u32,
    pub(crate) warehouse_units: u32,
    pub(crate) season: &'static [i32; 12],
    /// How much customers are drawn to it, before season and discount.
    pub(crate) pull: f64,
}

/// What the store sells, in order of the skus' numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalogue {
    pub(crate) groups: Vec<Group>,
    pub(crate) items: Vec<Item>,
}

impl Catalogue {
    /// That of one store of the chain.
    pub(crate) fn new(seed: u64, store: u32) -> Self {
        let mut made = Self::default();
        let mut chain = Dice::new(seed, CHAIN, "products", 0);
        let mut local = Dice::new(seed, store, "shelves", 0);
        let mut head = None;
        for line in TABLE.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if line.starts_with('#') {
                continue;
            }
            if let Some(rest) = line.strip_prefix('@') {
                head = GroupRow::read(rest);
                if head.is_some() {
                    let first = made.items.len() as u32;
                    made.groups.push(Group { first, skus: 0 });
                }
            } else if let (Some(group), Some(row)) = (&head, Row::read(line)) {
                made.add(group, &row, &mut chain, &mut local);
            }
        }
        made
    }

    /// The sku's number, which is part of its name.
    pub(crate) fn find(&self, sku: &Sku) -> Option<SkuIndex> {
        let text = sku.as_str();
        let number: u32 = text.get(text.len().checked_sub(4)?..)?.parse().ok()?;
        let index = SkuIndex(number.checked_sub(1)?);
        (self.item(index)?.sku == *sku).then_some(index)
    }

    pub(crate) fn item(&self, index: SkuIndex) -> Option<&Item> {
        self.items.get(index.at())
    }

    fn add(&mut self, group: &GroupRow<'_>, row: &Row<'_>, chain: &mut Dice, local: &mut Dice) {
        let first = self.items.len() as u32;
        let at = self.groups.len().saturating_sub(1) as u32;
        for number in 1..=row.skus {
            let counter = self.items.len() + 1;
            let code = [letters(group.name), letters(row.name)].concat();
            let unit_g = row.weight.draw(chain);
            let price_cents = chain.between(row.price_cents.0, row.price_cents.1);
            let pack_units = pack_units(group.name, group.fresh, unit_g, chain);
            let cost = chain.between(group.cost_percent.0, group.cost_percent.1);
            let brand = chain.below(BRANDS) + 1;
            let (shelf_units, warehouse_units) = row.capacities(pack_units, local);
            let visibility = local.span(0.05, 0.2);
            self.items.push(Item {
                sku: Sku::cut(&format!("{code}{counter:04}")),
                name: Note::cut(&format!("{} {number:02}", row.name)),
                brand: Note::cut(&format!("Brand {brand}")),
                group: at,
                fresh: group.fresh,
                category: Category::cut(group.name),
                subcategory: Subcategory::cut(row.name),
                kin: (first, row.skus),
                supplier: SupplierId::cut(group.supplier),
                price_cents,
                cost_cents: (price_cents * cost + 50) / 100,
                unit_g,
                pack_units,
                life_days: row.life_days,
                shelf_units,
                warehouse_units,
                season: row.season,
                pull: group.pull * visibility * room(shelf_units) * dearness(price_cents),
            });
        }
        if let Some(group) = self.groups.last_mut() {
            group.skus += row.skus;
        }
    }
}

/// The pull of a shelf grows with its room, less than in proportion: capacity to the power of 3/4.
fn room(shelf_units: u32) -> f64 {
    let root = f64::from(shelf_units).sqrt();
    root * root.sqrt()
}

/// What costs more than two euros is bought less: 1 / (1 + 2 % for each further euro).
fn dearness(price_cents: i64) -> f64 {
    1.0 / (1.0 + 0.02 * (price_cents as f64 / 100.0 - 2.0).max(0.0))
}

/// The first three letters, for a sku's code.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).take(3).collect::<String>().to_uppercase()
}

/// Units in the supplier's pack, by the reference's rules.
fn pack_units(category: &str, fresh: bool, unit_g: u32, dice: &mut Dice) -> u32 {
    const SIXES: [&str; 6] =
        ["BEVERAGES", "BEERS", "WINES", "LONG-LIFE DAIRY", "HOT BEVERAGES", "VINEGAR AND OIL"];
    let fives =
        |from: u32, until: u32, dice: &mut Dice| from + 5 * dice.below((until - from) / 5 + 1);
    let one_of = |sizes: &[u32], dice: &mut Dice| dice.one_of(sizes).copied().unwrap_or(1);
    if SIXES.contains(&category) {
        return 18 + 6 * dice.below(8);
    }
    match (category, unit_g) {
        ("FRUITS AND VEGETABLES", ..=80) => fives(20, 40, dice),
        ("FRUITS AND VEGETABLES", ..=300) => dice.between(8, 18) as u32,
        ("FRUITS AND VEGETABLES", _) => dice.between(8, 12) as u32,
        (_, ..=300) if fresh => fives(15, 40, dice),
        (_, ..=800) if fresh => one_of(&[8, 10, 11, 12, 14, 15, 16, 18, 20], dice),
        (_, ..=1_500) if fresh => one_of(&[8, 10, 11, 12, 14, 15], dice),
        _ if fresh => one_of(&[5, 6, 8, 10, 12], dice),
        (_, ..=200) => fives(20, 80, dice),
        (_, ..=500) => fives(20, 60, dice),
        (_, ..=1_000) => fives(15, 40, dice),
        (_, ..=2_000) => fives(10, 30, dice),
        _ => fives(5, 20, dice),
    }
}

/// A category's line of the table.
#[derive(Clone, Debug)]
struct GroupRow<'a> {
    name: &'a str,
    supplier: &'a str,
    fresh: bool,
    cost_percent: (i64, i64),
    pull: f64,
}

impl<'a> GroupRow<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut cells = line.split('|').map(str::trim);
        Some(Self {
            name: cells.next()?,
            supplier: cells.next()?,
            fresh: cells.next()? == "fresh",
            cost_percent: range(cells.next()?)?,
            pull: cells.next()?.parse::<f64>().ok()? / 100.0,
        })
    }
}

/// A subcategory's line of the table.
#[derive(Clone, Debug)]
struct Row<'a> {
    name: &'a str,
    skus: u32,
    shelf: (i64, i64),
    /// `None`: as the shelf.
    warehouse: Option<(i64, i64)>,
    price_cents: (i64, i64),
    weight: Weight,
    life_days: u16,
    season: &'static [i32; 12],
}

impl<'a> Row<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let mut cells = line.split('|').map(str::trim);
        Some(Self {
            name: cells.next()?,
            skus: cells.next()?.parse().ok()?,
            shelf: range(cells.next()?)?,
            warehouse: range(cells.next()?),
            price_cents: range(cells.next()?)?,
            weight: Weight::read(cells.next()?)?,
            life_days: cells.next()?.parse().ok()?,
            season: season_table(cells.next()?)?,
        })
    }

    /// The room on the shelf, at least a pack, and in the warehouse, whole packs and at least two.
    fn capacities(&self, pack_units: u32, dice: &mut Dice) -> (u32, u32) {
        let shelf = (dice.between(self.shelf.0, self.shelf.1 - 1) as u32).max(pack_units);
        let least = 2 * pack_units;
        let warehouse = match self.warehouse {
            None => shelf.max(least).div_ceil(pack_units) * pack_units,
            Some((low, high)) => {
                (dice.between(low, high - 1) as u32).max(least) / pack_units * pack_units
            }
        };
        (shelf, warehouse)
    }
}

#[derive(Clone, Debug)]
enum Weight {
    OneOf(Vec<u32>),
    Range(i64, i64),
}

impl Weight {
    fn read(cell: &str) -> Option<Self> {
        if let Some((low, high)) = range(cell) {
            return Some(Self::Range(low, high));
        }
        let choice: Vec<u32> = cell.split(' ').filter_map(|one| one.parse().ok()).collect();
        (!choice.is_empty()).then_some(Self::OneOf(choice))
    }

    fn draw(&self, dice: &mut Dice) -> u32 {
        match self {
            Self::OneOf(choice) => dice.one_of(choice).copied().unwrap_or(1),
            Self::Range(low, high) => dice.between(*low, high - 1) as u32,
        }
    }
}

fn range(cell: &str) -> Option<(i64, i64)> {
    let (low, high) = cell.split_once("..")?;
    Some((low.parse().ok()?, high.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty seeds, in four stores each.
    fn chains() -> impl Iterator<Item = (u64, u32, Catalogue)> {
        let seeds = (1..=18).chain([42, 1_000_003]);
        seeds.flat_map(|seed| (0..4).map(move |store| (seed, store, Catalogue::new(seed, store))))
    }

    #[test]
    fn the_counts_and_means_are_the_references_for_every_seed_and_store() {
        for (seed, store, made) in chains() {
            assert_eq!((made.items.len(), made.groups.len()), (1_142, 29));
            let zones: u32 = made.groups.iter().map(|group| group.skus).sum();
            assert_eq!(zones, 1_142);
            let mut pairs: Vec<_> =
                made.items.iter().map(|i| (i.category, i.subcategory)).collect();
            pairs.dedup();
            assert_eq!(pairs.len(), 278);
            let mean = |value: fn(&Item) -> u32| {
                made.items.iter().map(|i| f64::from(value(i))).sum::<f64>() / 1_142.0
            };
            let near = |what, mean: f64, stated: f64, part: f64| {
                let off = (mean / stated - 1.0).abs();
                assert!(off <= part, "seed {seed}, store {store}: {what} {mean}");
            };
            near("shelf", mean(|i| i.shelf_units), 48.1, 0.05);
            near("warehouse", mean(|i| i.warehouse_units), 306.0, 0.05);
            near("price", mean(|i| i.price_cents as u32), 558.0, 0.1);
            near("pack", mean(|i| i.pack_units), 35.8, 0.05);
            assert_eq!(made.items.iter().filter(|i| i.fresh).count(), 181);
        }
    }

    #[test]
    fn skus_are_named_like_the_references() {
        let made = Catalogue::new(42, 0);
        assert_eq!(made.items[0].sku.as_str(), "BEVWAT0001");
        assert_eq!(made.items[1_141].sku.as_str(), "FISSMO1142");
        for (at, item) in made.items.iter().enumerate() {
            assert_eq!(made.find(&item.sku), Some(SkuIndex(at as u32)));
            assert!(item.shelf_units >= item.pack_units);
            assert!(item.warehouse_units % item.pack_units == 0);
            assert!(item.cost_cents > 0 && item.cost_cents < item.price_cents);
        }
        assert_eq!(made.find(&Sku::cut("BEVWAT0002x")), None);
    }

    #[test]
    fn stores_share_products_and_differ_in_shelves() {
        let (one, two) = (Catalogue::new(42, 0), Catalogue::new(42, 1));
        let products = |made: &Catalogue| -> Vec<_> {
            made.items.iter().map(|i| (i.sku, i.price_cents, i.pack_units, i.unit_g)).collect()
        };
        assert_eq!(products(&one), products(&two));
        assert!(one.items.iter().zip(&two.items).any(|(a, b)| a.shelf_units != b.shelf_units));
    }
}
