//! Files of guests, in SQL.

use crm_core::import::day::{Evidence, Order};
use crm_core::import::field::{self, Field};
use crm_core::import::guest::{self, Reading};
use crm_core::import::table::{self, Layout, Table};
use crm_core::import::{Refusal, text};
use pgrx::JsonB;
use pgrx::prelude::*;

fn read(content: &[u8], encoding: Option<&str>, layout: Layout) -> Result<Table, Refusal> {
    table::read(&text::decode(content, encoding)?, layout)
}

type FileRow = (i32, i32, Vec<String>, Option<String>);

#[allow(clippy::type_complexity, reason = "pgrx reads the columns off the signature")]
#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn read_guest_file(
    content: &[u8],
    encoding: Option<&str>,
    delimiter: Option<&str>,
    header: Option<bool>,
) -> TableIterator<
    'static,
    (name!(row_no, i32), name!(line, i32), name!(cells, Vec<String>), name!(problem, Option<String>)),
> {
    let delimiter = delimiter.and_then(|delimiter| delimiter.bytes().next());
    let rows: Box<dyn Iterator<Item = FileRow>> = match read(content, encoding, Layout { delimiter, header })
    {
        Err(refusal) => Box::new(std::iter::once((
            -1,
            0,
            vec![refusal.parameter.into(), refusal.hint.into()],
            Some(refusal.message),
        ))),
        Ok(table) => {
            let named = (0, 0, table.header, Some(table.delimiter.to_string()));
            // Sizes are bounded far below an i32's.
            let rows =
                (1..).zip(table.rows).map(|(row_no, row)| (row_no, row.line as i32, row.cells, row.problem));
            Box::new(std::iter::once(named).chain(rows))
        }
    };
    TableIterator::new(rows)
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn guess_columns(header: Vec<String>, cells: Vec<String>) -> Vec<Option<&'static str>> {
    let found = field::guess(&header, cells.chunks_exact(header.len().max(1)));
    found.into_iter().map(|field| field.map(Field::name)).collect()
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn is_consent_column(name: &str) -> bool {
    field::is_consent(name)
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn day_order(cells: Vec<Option<String>>) -> Option<&'static str> {
    let mut evidence = Evidence::default();
    cells.iter().flatten().for_each(|cell| evidence.add(table::cell(cell)));
    match evidence.order() {
        Some(Order::DayFirst) => Some("day_first"),
        Some(Order::MonthFirst) => Some("month_first"),
        None => evidence.is_ambiguous().then_some("ambiguous"),
    }
}

#[pg_extern(schema = "crm", immutable, parallel_safe)]
fn read_guest_row(
    cells: Vec<String>,
    fields: Vec<Option<String>>,
    day_first: bool,
    region: Option<&str>,
    today: pgrx::datum::Date,
) -> JsonB {
    let fields: Vec<_> = fields.iter().map(|name| name.as_deref().and_then(Field::named)).collect();
    let order = if day_first { Order::DayFirst } else { Order::MonthFirst };
    let today = (today.year().unsigned_abs(), u32::from(today.month()), u32::from(today.day()));
    JsonB(guest::read(&cells, &Reading { fields: &fields, order, region, today }))
}

#[pg_extern(schema = "crm", immutable, strict, parallel_safe)]
fn csv_line(cells: Vec<Option<String>>) -> String {
    table::line(&cells.iter().map(Option::as_deref).collect::<Vec<_>>())
}
