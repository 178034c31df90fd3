//! The mappings that are shipped, through the command line: every line is counted, and the revenue
//! is that of a direct sum over the file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::program::Place;

const UCI: &str = "\
InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART T-LIGHT HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,\"LANTERN, WHITE \"\"METAL\"\"\",6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536366,22633,\"HAND WARMER, UNION JACK\",6,2010-12-01 08:28:00,1.85,,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom
536380,22961,JAM MAKING SET PRINTED,24,2010-12-01 09:41:00,1.455,17809.0,United Kingdom
536381,85123A,WHITE HANGING HEART T-LIGHT HOLDER,-3,2010-12-01 09:45:00,2.55,15311.0,United Kingdom
536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom
536589,21777,,-10,2010-12-01 16:50:00,0.0,,United Kingdom
A563186,B,Adjust bad debt,1,2010-12-01 17:10:00,-11062.06,,United Kingdom
536999,71053,\"LANTERN, WHITE \"\"METAL\"\"\",many,2010-12-01 17:12:00,3.39,,United Kingdom
";

/// What a direct reading of a UCI file comes to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    lines: u64,
    sales: u64,
    returns: u64,
    rejected: u64,
    revenue_cents: i64,
}

/// The fields of a CSV line, the slow and obvious way.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for letter in line.trim_end().chars() {
        match letter {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().unwrap().push(letter),
        }
    }
    fields
}

/// A decimal number in millionths.
fn millionths(text: &str) -> i64 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let part = format!("{part:0<6}");
    sign * (whole.parse::<i64>().unwrap() * 1_000_000 + part[..6].parse::<i64>().unwrap())
}

impl Sum {
    fn add(&mut self, text: &str) {
        for line in text.lines().skip(1) {
            self.lines += 1;
            let row = fields(line);
            let Ok(quantity) = row[3].parse::<i64>() else {
                self.rejected += 1;
                continue;
            };
            let price = millionths(&row[5]);
            if price <= 0 {
                self.rejected += 1;
                continue;
            }
            *(if quantity < 0 { &mut self.returns } else { &mut self.sales }) += 1;
            let exact = quantity * price;
            // Half a cent goes away from zero.
            self.revenue_cents += (exact.abs() + 5_000) / 10_000 * exact.signum();
        }
    }
}

/// Imports files with the mapping `uci`; they must come to `sum`, also the second time.
fn check_uci(place: &Place, files: &str, sum: &Sum) {
    for again in ["", " --again"] {
        let ran = place.run(&format!("import {files} --mapping uci --json{again}"));
        assert_eq!(ran.code == 6, sum.rejected > 0 && again.is_empty(), "{ran:?}");
        let report = &ran.jsons()[0];
        let count = |what: &str| report[what].as_u64().unwrap();
        let found = Sum {
            lines: count("lines"),
            sales: count("sale_lines"),
            returns: count("return_lines"),
            rejected: count("rejected_lines"),
            revenue_cents: place.json("status")["revenue_cents"].as_i64().unwrap(),
        };
        assert_eq!(found, *sum, "{files}{again}");
        let parts = found.sales + found.returns + found.rejected + count("other_lines");
        assert_eq!(found.lines, parts, "{report}");
        let refused = if again.is_empty() { sum.rejected } else { 0 };
        assert_eq!(count("quarantined"), refused, "only lines that cannot be read: {report}");
    }
}

#[test]
fn a_file_of_the_uci_shop_adds_up() {
    let place = Place::new();
    place.file("day.csv", UCI);
    let mut sum = Sum::default();
    sum.add(UCI);
    assert_eq!((sum.sales, sum.returns, sum.rejected), (4, 2, 4));
    assert_eq!(sum.revenue_cents, 6 * 255 + 6 * 339 + 6 * 185 - 2_750 + 3_492 - 3 * 255);
    check_uci(&place, "day.csv", &sum);
    let lantern = place.json("shelves show 71053");
    assert_eq!(lantern["name"], "LANTERN, WHITE \"METAL\"");
    let lines: Vec<u64> = place
        .jsons("quarantine list")
        .iter()
        .map(|entry| entry["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [11, 10, 9, 8]);
}

#[test]
fn real_days_of_the_uci_shop_add_up() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data");
    let folder = std::env::var_os("SHELF_SHARED_DATA").map_or(beside, PathBuf::from);
    let archive = folder.join("uci_online_retail/by_day_2010-12_2011-05.tar.xz");
    if !archive.is_file() {
        println!("skipped: there is no {}; set SHELF_SHARED_DATA to the folder", archive.display());
        return;
    }
    let place = Place::new();
    std::fs::create_dir(place.path("days")).unwrap();
    let unpacked =
        Command::new("tar").arg("xJf").arg(&archive).arg("-C").arg(place.path("days")).status();
    assert!(unpacked.unwrap().success(), "tar with xz is needed to unpack {}", archive.display());
    let days = std::fs::read_dir(place.path("days")).unwrap().map(|day| day.unwrap().path());
    let mut days: Vec<PathBuf> = days.filter(|day| day.is_file()).collect();
    days.sort();
    days.truncate(4);
    let mut sum = Sum::default();
    for day in &days {
        sum.add(&std::fs::read_to_string(day).unwrap());
    }
    let files: Vec<String> = days.iter().map(|day| day.display().to_string()).collect();
    assert!(sum.sales > 1_000 && sum.returns > 10 && sum.rejected > 1, "{sum:?}");
    check_uci(&place, &files.join(" "), &sum);
}

#[test]
fn a_parquet_file_is_imported_with_its_rows_as_lines() {
    const SCHEMA: &str = "message till {
        required int64 ticket;
        required int64 at (TIMESTAMP(MICROS,true));
        required binary item (STRING);
        required int64 qty;
        required double price;
    }";
    const MAPPING: &str = r#"
format_version = 1
description = "a till"
[time]
column = "at"
zone = "Europe/Rome"
[store]
id = { value = "S1" }
[fields]
receipt = "ticket"
sku = "item"
quantity = "qty"
unit_price = "price"
"#;
    let place = Place::new();
    place.file("till.toml", MAPPING);
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = std::fs::File::create(place.path("till.parquet")).unwrap();
    let mut file = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
    let mut group = file.next_row_group().unwrap();
    let noon = 1_767_610_800_000_000; // 2026-01-05T11:00:00Z
    let items = ["A", "B", "A"].map(ByteArray::from);
    let mut number = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match number {
            0 => column.typed::<Int64Type>().write_batch(&[7, 7, 8], None, None),
            1 => column.typed::<Int64Type>().write_batch(&[noon, noon, noon + 1], None, None),
            2 => column.typed::<ByteArrayType>().write_batch(&items, None, None),
            3 => column.typed::<Int64Type>().write_batch(&[2, 0, -1], None, None),
            _ => column.typed::<DoubleType>().write_batch(&[0.335, 1.0, 2.5], None, None),
        }
        .unwrap();
        column.close().unwrap();
        number += 1;
    }
    group.close().unwrap();
    file.close().unwrap();

    let ran = place.run("import till.parquet --mapping till.toml --json");
    assert_eq!(ran.code, 6, "{ran:?}");
    let report = &ran.jsons()[0];
    let lines = ["lines", "sale_lines", "return_lines", "other_lines", "rejected_lines"];
    assert_eq!(lines.map(|what| report[what].as_u64().unwrap()), [3, 1, 1, 0, 1]);
    assert_eq!(place.json("status")["revenue_cents"], 67 - 250);
    let entry = &place.jsons("quarantine list")[0];
    let found = (entry["reason"].as_str(), entry["source"].as_str(), entry["line"].as_u64());
    assert_eq!(found, (Some("zero_quantity"), Some("till.parquet"), Some(2)));
}
