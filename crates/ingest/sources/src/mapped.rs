//! Tables of a mapping as a source of events: rows to facts, facts to receipts, what is new before
//! what needs it.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shelf_domain::{Body, Event, EventId, Receipt, ReceiptLine};
use shelf_events::Defaults;
use xxhash_rust::xxh3::xxh3_128;

use crate::convert::{Fact, Plan, What};
use crate::csv_rows::CsvRows;
use crate::error::SourceError;
use crate::first_sight::{FirstSight, Known, Texts};
use crate::foreign::Foreign;
use crate::input::{ByteCount, FileKind, Progress, STDIN};
use crate::lookup::{Binder, Loaded};
use crate::mapping::Mapping;
use crate::receipts::{Draft, DraftWhat, Receipts};
use crate::rejected::{BadLine, Fault};
use crate::row::{Next, Row, Rows};
use crate::source::{LineCounts, Source, origin};

/// What the caller of a mapped source decides.
#[derive(Clone, Debug)]
pub struct MappedOptions {
    /// The time of the import, and the store of lines that name none.
    pub defaults: Defaults,
    /// Files of lookup tables that do not lie beside the files that are read, by the tables' names.
    pub lookups: HashMap<String, PathBuf>,
    /// What need not be made, because the log has it.
    pub known: Known,
    /// How lines of other systems are read in files without a mapping; `None` where they are not.
    pub foreign: Option<Foreign>,
}

impl MappedOptions {
    /// Lookup tables beside the files, and nothing known.
    pub fn new(defaults: Defaults) -> Self {
        Self { defaults, lookups: HashMap::new(), known: Known::default(), foreign: None }
    }
}

/// CSV and Parquet files read with a mapping, one after the other.
///
/// Event ids follow from the file's name without its folder, the receipt or row, and its content:
/// the same file again gives the same ids. Those of stores, products and shelves follow from their
/// content alone. Rows come in file order, or in order of time where the mapping says so, each
/// store, product and shelf right before the first event that needs it. A rejected row comes as
/// soon as it is read, and so before the receipt that it would have been part of.
pub struct MappedSource {
    mapping: Mapping,
    options: MappedOptions,
    waiting: VecDeque<PathBuf>,
    table: Option<Table>,
    /// How many files have been opened.
    file: u32,
    loaded: Loaded,
    row: Row,
    receipts: Receipts,
    first_sight: FirstSight,
    drafts: Vec<Draft>,
    ready: VecDeque<Event>,
    count: ByteCount,
    counts: LineCounts,
}

/// A file that is being read.
struct Table {
    rows: Box<dyn Rows>,
    /// What its columns mean; `None` where the file is empty.
    plan: Option<(Plan, Texts)>,
    name: Arc<str>,
}

impl MappedSource {
    /// A source over `paths`, in their order. A missing file, a missing column or a missing lookup
    /// table of any of them is an error here, not later.
    pub fn open(
        paths: Vec<PathBuf>,
        mapping: Mapping,
        options: MappedOptions,
    ) -> Result<Self, SourceError> {
        let count = ByteCount::of(&paths)?;
        let mut loaded = Loaded::new();
        for path in paths.iter().filter(|path| path.as_os_str() != STDIN) {
            Table::open(path, &ByteCount::default(), &mapping, &options, &mut loaded)?;
        }
        Ok(Self {
            waiting: paths.into(),
            table: None,
            file: 0,
            loaded,
            row: Row::default(),
            receipts: Receipts::new(&mapping.file.event),
            first_sight: FirstSight::new(options.known.clone(), options.defaults.received_at),
            drafts: Vec::new(),
            ready: VecDeque::new(),
            count,
            counts: LineCounts::default(),
            mapping,
            options,
        })
    }

    /// Reads one row; false when no file has more.
    fn step(&mut self) -> Result<bool, SourceError> {
        let Some(table) = &mut self.table else {
            let Some(path) = self.waiting.pop_front() else { return Ok(false) };
            let (mapping, options) = (&self.mapping, &self.options);
            let table = Table::open(&path, &self.count, mapping, options, &mut self.loaded)?;
            self.table = Some(table);
            self.file += 1;
            return Ok(true);
        };
        let next = table.rows.next_row(&mut self.row)?;
        let plan = table.plan.as_ref();
        let fact = match (next, plan) {
            (Next::End, _) => {
                self.receipts.flush(&mut self.drafts);
                self.finish_drafts();
                self.table = None;
                return Ok(true);
            }
            (Next::Bad(fault), _) => Err(fault),
            (Next::Row, Some((plan, _))) => plan.fact(&self.mapping, &self.row),
            (Next::Row, None) => Err(Fault::WrongColumnCount),
        };
        self.counts.lines += 1;
        match fact {
            Ok(fact) => {
                if let Some((_, texts)) = plan {
                    let sku = match &fact.what {
                        What::Line { line, .. } => Some(line.sku),
                        What::Other { sku, .. } => *sku,
                    };
                    self.first_sight.look(fact.store, sku, &self.row, texts);
                }
                self.count_fact(&fact);
                self.receipts.push(fact, &mut self.drafts);
                self.finish_drafts();
            }
            Err(fault) => self.reject(fault, next),
        }
        Ok(true)
    }

    fn count_fact(&mut self, fact: &Fact) {
        match &fact.what {
            What::Line { line, .. } if line.units < 0 => self.counts.return_lines += 1,
            What::Line { .. } => self.counts.sale_lines += 1,
            What::Other { .. } => self.counts.other_lines += 1,
        }
    }

    /// Keeps the row with the reason, at the store that it names where it is a row at all.
    fn reject(&mut self, fault: Fault, next: Next) {
        self.counts.rejected_lines += 1;
        let Some(Table { plan, name, .. }) = &self.table else { return };
        let mut defaults = self.options.defaults;
        if let Some((plan, _)) = plan
            && (next == Next::Row || plan.store.constant().is_some())
        {
            defaults.store = plan.store_of(&self.row).or(defaults.store);
        }
        let Row { line, raw, raw_len, .. } = &self.row;
        let bad = BadLine { fault, line: *line, raw, raw_len: *raw_len };
        self.ready.push_back(bad.event(self.file, name, &defaults));
    }

    /// Makes the events of what is complete.
    fn finish_drafts(&mut self) {
        let name = self.table.as_ref().map(|table| Arc::clone(&table.name)).unwrap_or_default();
        let mut drafts = std::mem::take(&mut self.drafts);
        for draft in drafts.drain(..) {
            self.finish(&name, draft);
        }
        self.drafts = drafts;
    }

    fn finish(&mut self, name: &str, draft: Draft) {
        let Draft { store, at, line, what } = draft;
        let id = id(name, &draft_key(store.as_str(), line, at.0, &what));
        let (mapping, ready) = (&self.mapping, &mut self.ready);
        let first = ready.len();
        let mut made = self.first_sight.store(mapping, store, at, ready);
        let body = match what {
            DraftWhat::Receipt { receipt, customer, lines } => {
                for line in &lines {
                    let (key, price) = ((store, line.sku), line.unit_price_cents);
                    made += self.first_sight.product(mapping, key, price, at, ready);
                }
                Body::Receipt(Box::new(Receipt { receipt, customer, lines, ..Receipt::default() }))
            }
            DraftWhat::Other(What::Other { sku, price_cents, body }) => {
                if let Some(sku) = sku {
                    let key = (store, sku);
                    made += self.first_sight.product(mapping, key, price_cents, at, ready);
                }
                body
            }
            DraftWhat::Other(What::Line { .. }) => return,
        };
        let received_at = self.options.defaults.received_at;
        let origin = origin(self.file, line);
        ready.push_back(Event { id, store, at, received_at, origin, body });
        // What had to be made before it comes from the same line.
        for event in ready.range_mut(first..) {
            event.origin = origin;
        }
        self.counts.reference_events += made;
    }
}

impl Source for MappedSource {
    fn next_batch(
        &mut self,
        max_events: usize,
        batch: &mut Vec<Event>,
    ) -> Result<bool, SourceError> {
        let mut more = true;
        while more && self.ready.len() < max_events {
            more = self.step()?;
        }
        let take = max_events.min(self.ready.len());
        batch.extend(self.ready.drain(..take));
        Ok(more || !self.ready.is_empty())
    }

    fn progress(&self) -> Progress {
        self.count.progress()
    }

    fn counts(&self) -> LineCounts {
        self.counts
    }
}

impl Table {
    fn open(
        path: &Path,
        count: &ByteCount,
        mapping: &Mapping,
        options: &MappedOptions,
        loaded: &mut Loaded,
    ) -> Result<Self, SourceError> {
        let (rows, name) = open_rows(path, count, mapping)?;
        let columns = rows.columns().to_vec();
        if columns.is_empty() {
            return Ok(Self { rows, plan: None, name });
        }
        let binder = Binder::new(path, &columns, &mapping.file, &options.lookups, loaded)?;
        let plan = Some((Plan::new(mapping, &binder)?, Texts::new(mapping, &binder)?));
        Ok(Self { rows, plan, name })
    }
}

fn open_rows(
    path: &Path,
    count: &ByteCount,
    mapping: &Mapping,
) -> Result<(Box<dyn Rows>, Arc<str>), SourceError> {
    let stdin = path.as_os_str() == STDIN;
    match FileKind::of(path)? {
        #[cfg(feature = "parquet")]
        FileKind::Parquet => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().as_ref().into();
            let rows = crate::parquet_rows::ParquetRows::open(path, count, &mapping.file)?;
            Ok((Box::new(rows), name))
        }
        #[cfg(not(feature = "parquet"))]
        FileKind::Parquet => Err(SourceError::ParquetLeftOut { path: path.into() }),
        FileKind::Ndjson if !stdin => Err(SourceError::UnknownKind { path: path.into() }),
        FileKind::Csv | FileKind::Ndjson => {
            let rows = CsvRows::open(path, count, &mapping.file.csv)?;
            let name = Arc::clone(rows.name());
            Ok((Box::new(rows), name))
        }
    }
}

fn id(source: &str, key: &[u8]) -> EventId {
    let mut bytes = b"shelf-sources/row\0".to_vec();
    bytes.extend_from_slice(source.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(key);
    EventId(xxh3_128(&bytes))
}

/// What tells the events of a file apart, and changes with their content.
fn draft_key(store: &str, line: u64, at: i64, what: &DraftWhat) -> Vec<u8> {
    let mut key = Vec::with_capacity(256);
    let text = |key: &mut Vec<u8>, text: &str| {
        key.push(text.len() as u8);
        key.extend_from_slice(text.as_bytes());
    };
    text(&mut key, store);
    key.extend_from_slice(&line.to_le_bytes());
    key.extend_from_slice(&at.to_le_bytes());
    match what {
        DraftWhat::Receipt { receipt, customer, lines } => {
            text(&mut key, receipt.as_str());
            text(&mut key, customer.as_ref().map_or("", |customer| customer.as_str()));
            for line in lines {
                let ReceiptLine { sku, units, unit_price_cents, total_cents, .. } = line;
                text(&mut key, sku.as_str());
                key.extend_from_slice(&units.to_le_bytes());
                key.extend_from_slice(&unit_price_cents.to_le_bytes());
                key.extend_from_slice(&total_cents.to_le_bytes());
            }
        }
        DraftWhat::Other(What::Other { body, .. }) => {
            key.extend_from_slice(format!("{body:?}").as_bytes());
        }
        DraftWhat::Other(What::Line { .. }) => {}
    }
    key
}
