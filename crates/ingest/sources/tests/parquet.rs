//! Parquet with a mapping: the same events as the same rows in CSV.

#![cfg(feature = "parquet")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail like tests")]

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use shelf_domain::{Body, Event, Timestamp};
use shelf_events::Defaults;
use shelf_sources::{MappedOptions, MappedSource, Mapping, Source, SourceError};

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

const SCHEMA: &str = "message till {
    required int64 ticket;
    required int64 at (TIMESTAMP(MICROS,true));
    required binary item (STRING);
    required int64 qty;
    required double price;
    required double unused;
}";

fn write(path: &Path, schema: &str, compression: Compression) {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut file =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
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
            4 => column.typed::<DoubleType>().write_batch(&[0.335, 1.0, 2.5], None, None),
            _ => column.typed::<DoubleType>().write_batch(&[0.0, 0.0, 0.0], None, None),
        }
        .unwrap();
        column.close().unwrap();
        number += 1;
    }
    group.close().unwrap();
    file.close().unwrap();
}

fn events(path: &Path, mapping: &str) -> Result<Vec<Event>, SourceError> {
    let received_at = Timestamp(1_800_000_000_000_000);
    let options = MappedOptions::new(Defaults { store: None, received_at });
    let paths: Vec<PathBuf> = vec![path.into()];
    let mut source = MappedSource::open(paths, Mapping::parse("test", mapping)?, options)?;
    let mut events = Vec::new();
    while source.next_batch(100, &mut events)? {}
    let progress = source.progress();
    assert_eq!(Some(progress.bytes_read), progress.bytes_total);
    Ok(events)
}

fn story(events: &[Event]) -> Vec<String> {
    let words = events.iter().filter_map(|event| match &event.body {
        Body::Receipt(receipt) => {
            let line = receipt.lines.first().unwrap();
            let at = jiff::Timestamp::from_microsecond(event.at.0).unwrap();
            let id = receipt.receipt;
            Some(format!("{id} {at} {} {} {}", line.sku, line.units, line.total_cents))
        }
        Body::Rejected(rejected) => Some(format!(
            "row {} {} {}",
            rejected.line,
            rejected.reason,
            String::from_utf8_lossy(&rejected.raw)
        )),
        _ => None,
    });
    words.collect()
}

#[test]
fn rows_become_receipts_whatever_packs_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.parquet");
    for compression in
        [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::ZSTD(ZstdLevel::default())]
    {
        write(&path, SCHEMA, compression);
        assert_eq!(
            story(&events(&path, MAPPING).unwrap()),
            [
                "row 2 zero_quantity ticket=7, at=2026-01-05T11:00:00Z, item=B, qty=0, price=1",
                "7 2026-01-05T11:00:00Z A 2 67",
                "8 2026-01-05T11:00:00.000001Z A -1 -250",
            ]
        );
    }
}

#[test]
fn times_without_a_zone_are_of_the_mapping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.parquet");
    let local = SCHEMA.replace("TIMESTAMP(MICROS,true)", "TIMESTAMP(MICROS,false)");
    write(&path, &local, Compression::UNCOMPRESSED);
    let found = story(&events(&path, MAPPING).unwrap());
    assert!(found.contains(&"7 2026-01-05T10:00:00Z A 2 67".into()), "{found:?}");
}

#[test]
fn a_file_that_is_cut_or_lacks_a_column_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.parquet");
    write(&path, SCHEMA, Compression::SNAPPY);
    let error = events(&path, &MAPPING.replace("\"qty\"", "\"quantity\"")).unwrap_err();
    assert_eq!(error.code(), "source_no_column");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    assert_eq!(events(&path, MAPPING).unwrap_err().code(), "source_not_parquet");
    std::fs::write(&path, b"").unwrap();
    assert_eq!(events(&path, MAPPING).unwrap_err().code(), "source_not_parquet");
}

/// Bytes changed in the middle of the data: no panic, no endless loop, nothing lost in silence.
#[test]
fn a_damaged_file_ends_with_a_rejected_row_or_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("till.parquet");
    write(&path, SCHEMA, Compression::SNAPPY);
    let whole = std::fs::read(&path).unwrap();
    for at in 4..whole.len() {
        let mut bytes = whole.clone();
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 0xFF);
        std::fs::write(&path, bytes).unwrap();
        if let Ok(events) = events(&path, MAPPING) {
            assert!(!events.is_empty(), "byte {at}");
        }
    }
}
