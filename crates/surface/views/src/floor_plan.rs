//! Where the zones lie on the floor: the reference layout, one rectangle for each of its 29
//! categories.

use serde::Serialize;

/// A rectangle of the floor, as parts of its width and depth: 0 is left and top, 1 right and
/// bottom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Bounds {
    /// Left.
    pub x0: f64,
    /// Top.
    pub y0: f64,
    /// Right.
    pub x1: f64,
    /// Bottom.
    pub y1: f64,
}

/// One zone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zone {
    /// Its stable name.
    pub zone: &'static str,
    /// The category that lies in it.
    pub category: &'static str,
    /// Three letters, for where there is no room.
    pub code: &'static str,
    /// A word, for where there is little room.
    pub label: &'static str,
    /// Its place.
    pub bounds: Bounds,
}

const fn zone(
    zone: &'static str,
    category: &'static str,
    [code, label]: [&'static str; 2],
    [x0, y0, x1, y1]: [f64; 4],
) -> Zone {
    Zone { zone, category, code, label, bounds: Bounds { x0, y0, x1, y1 } }
}

/// The zones of the reference layout, in order of their names.
pub const FLOOR_PLAN: [Zone; 29] = [
    zone("baby_products", "BABY PRODUCTS", ["BAB", "Baby"], [0.4307, 0.3206, 0.5, 0.5361]),
    zone(
        "bath_personal",
        "BATH AND PERSONAL CARE",
        ["BAT", "Bath"],
        [0.2783, 0.3206, 0.3476, 0.5361],
    ),
    zone("beers", "BEERS", ["BEE", "Beers"], [0.5038, 0.3874, 0.573, 0.5361]),
    zone("beverages", "BEVERAGES", ["BEV", "Drink"], [0.8829, 0.5138, 0.9521, 0.7302]),
    zone(
        "bread_breadsticks",
        "BREAD AND BREADSTICKS",
        ["BRE", "Bread"],
        [0.0516, 0.5147, 0.1209, 0.7302],
    ),
    zone("canned_goods", "CANNED GOODS", ["CAN", "Cans"], [0.1423, 0.8931, 0.4207, 0.9421]),
    zone("fish", "FISH", ["FIS", "Fish"], [0.0516, 0.7462, 0.1209, 0.8744]),
    zone("flours_sugar", "FLOURS AND SUGAR", ["FLO", "Flour"], [0.2053, 0.7649, 0.2746, 0.8281]),
    zone("frozen", "FROZEN", ["FRO", "Frozen"], [0.2053, 0.2102, 0.5781, 0.2591]),
    zone(
        "fruits_veg",
        "FRUITS AND VEGETABLES",
        ["FRU", "Fruit, veg"],
        [0.403, 0.0463, 0.6385, 0.0953],
    ),
    zone("gluten_free", "GLUTEN FREE", ["GLU", "G-free"], [0.7292, 0.7631, 0.7985, 0.8272]),
    zone("hot_beverages", "HOT BEVERAGES", ["HOT", "Hot"], [0.8816, 0.3758, 0.9509, 0.4987]),
    zone(
        "house_cleaning",
        "HOUSE CLEANING PRODUCTS",
        ["CLE", "Clean"],
        [0.2783, 0.5414, 0.3476, 0.7569],
    ),
    zone("household_goods", "HOUSEHOLD GOODS", ["HOU", "House"], [0.5038, 0.5405, 0.573, 0.756]),
    zone("laundry", "LAUNDRY PRODUCTS", ["LAU", "Wash"], [0.4307, 0.5405, 0.5, 0.7569]),
    zone("long_life_dairy", "LONG-LIFE DAIRY", ["DAI", "Dairy"], [0.0516, 0.1131, 0.1209, 0.2654]),
    zone(
        "long_life_fruit",
        "LONG-LIFE FRUIT",
        ["LLF", "LL fruit"],
        [0.1448, 0.0463, 0.3791, 0.0953],
    ),
    zone("meat", "MEAT", ["MEA", "Meat"], [0.0516, 0.2832, 0.1209, 0.4987]),
    zone("pasta_rice", "PASTA AND RICE", ["PAS", "Pasta"], [0.2053, 0.5414, 0.2746, 0.7569]),
    zone("pasta_sauces", "PASTA SAUCES", ["PSA", "P-sauce"], [0.2783, 0.7649, 0.3476, 0.8281]),
    zone("pet_products", "PET PRODUCTS", ["PET", "Pets"], [0.6574, 0.5396, 0.7267, 0.7551]),
    zone("refrigerated", "REFRIGERATED", ["REF", "Chilled"], [0.2053, 0.1585, 0.5781, 0.2075]),
    zone("sauces", "SAUCES", ["SAU", "Sauce"], [0.6574, 0.7631, 0.7254, 0.8264]),
    zone("savory_snacks", "SAVORY SNACKS", ["SNA", "Snack"], [0.5038, 0.764, 0.573, 0.8281]),
    zone("spices", "SPICES", ["SPC", "Spice"], [0.4307, 0.764, 0.5, 0.8281]),
    zone("spirits", "SPIRITS AND APERITIFS", ["SPI", "Spirits"], [0.8829, 0.7453, 0.9521, 0.8744]),
    zone(
        "sweets_breakfast",
        "SWEETS AND BREAKFAST",
        ["SWE", "Sweet"],
        [0.2053, 0.3197, 0.2746, 0.5352],
    ),
    zone("vinegar_oil", "VINEGAR AND OIL", ["OIL", "Oil"], [0.4484, 0.8931, 0.7267, 0.9421]),
    zone("wines", "WINES", ["WIN", "Wines"], [0.7292, 0.5396, 0.7985, 0.7551]),
];

/// The zone of a category, whatever the case of its letters.
pub fn zone_of(category: &str) -> Option<&'static Zone> {
    FLOOR_PLAN.iter().find(|zone| zone.category.eq_ignore_ascii_case(category))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_zones_overlap_and_none_lies_outside() {
        for (at, one) in FLOOR_PLAN.iter().enumerate() {
            let b = one.bounds;
            assert!(0.0 < b.x0 && b.x0 < b.x1 && b.x1 < 1.0, "{}", one.zone);
            assert!(0.0 < b.y0 && b.y0 < b.y1 && b.y1 < 1.0, "{}", one.zone);
            for other in FLOOR_PLAN.iter().skip(at + 1) {
                let o = other.bounds;
                let apart = b.x1 <= o.x0 || o.x1 <= b.x0 || b.y1 <= o.y0 || o.y1 <= b.y0;
                assert!(apart, "{} and {}", one.zone, other.zone);
                assert_ne!(one.code, other.code);
            }
        }
    }

    #[test]
    fn a_category_finds_its_zone() {
        assert_eq!(zone_of("Fruits and vegetables").map(|zone| zone.zone), Some("fruits_veg"));
        assert_eq!(zone_of("GIFTS"), None);
    }
}
