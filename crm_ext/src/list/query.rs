//! Statements that read under the caller's own snapshot, planned once per session.
//!
//! What is listed and what is not yet must be read as of one moment: a guest carried over between two statements would be
//! met twice or not at all. pgrx takes a new snapshot for each statement of a transaction that has written; these do not.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{FromDatum, IntoDatum};

use crate::plan::internal;

thread_local! {
    static PLANS: RefCell<HashMap<String, pg_sys::SPIPlanPtr>> = RefCell::default();
}

/// A parameter: its type and its value.
pub(super) struct Value {
    type_oid: pg_sys::Oid,
    datum: Option<pg_sys::Datum>,
}

impl Value {
    pub(super) fn of<T: IntoDatum>(value: T) -> Self {
        Self { type_oid: T::type_oid(), datum: value.into_datum() }
    }

    /// A number as a column of that type has it: integers and instants are kept the same way.
    pub(super) fn number(type_oid: pg_sys::Oid, number: i64) -> Self {
        Self { type_oid, datum: Some(number_datum(type_oid, number)) }
    }

    /// An array of numbers, as columns of that type have them.
    pub(super) fn numbers(type_oid: pg_sys::Oid, numbers: impl Iterator<Item = i64>) -> Self {
        let mut elements: Vec<pg_sys::Datum> = numbers.map(|number| number_datum(type_oid, number)).collect();
        // SAFETY: copies as many values, passed by value, of a type of this length into a new array; the oid of an array
        // type is looked up in the catalog.
        unsafe {
            let (mut length, mut by_value, mut align) = (0, false, 0);
            pg_sys::get_typlenbyvalalign(type_oid, &mut length, &mut by_value, &mut align);
            let array = pg_sys::construct_array(
                elements.as_mut_ptr(),
                i32::try_from(elements.len()).unwrap_or(0),
                type_oid,
                length.into(),
                by_value,
                align,
            );
            Self { type_oid: pg_sys::get_array_type(type_oid), datum: Some(pg_sys::Datum::from(array)) }
        }
    }
}

fn number_datum(type_oid: pg_sys::Oid, number: i64) -> pg_sys::Datum {
    if type_oid == pg_sys::INT4OID {
        pg_sys::Datum::from(i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX }))
    } else {
        pg_sys::Datum::from(number)
    }
}

/// A row that was read.
pub(super) struct Row {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl Row {
    fn datum(&self, column: i32) -> Option<pg_sys::Datum> {
        let mut is_null = true;
        // SAFETY: the row was just read and is not freed before the connection to SPI ends.
        let datum = unsafe { pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &mut is_null) };
        (!is_null).then_some(datum)
    }

    pub(super) fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        // SAFETY: the statements name the types of their columns.
        self.datum(column).and_then(|datum| unsafe { T::from_datum(datum, false) })
    }

    /// A number as `Value::number` takes it.
    pub(super) fn number(&self, column: i32, type_oid: pg_sys::Oid) -> i64 {
        let value = self.datum(column).map_or(0, |datum| datum.value());
        if type_oid == pg_sys::INT4OID { i64::from(value as i32) } else { value as i64 }
    }
}

/// Runs a statement and hands over its rows.
pub(super) fn each_row(text: &str, values: &[&Value], mut take: impl FnMut(&Row)) -> Result<(), ErrorReport> {
    Spi::connect(|_| {
        let plan = plan(text, values)?;
        let mut datums: Vec<pg_sys::Datum> =
            values.iter().map(|value| value.datum.unwrap_or(pg_sys::Datum::from(0))).collect();
        let nulls: Vec<std::ffi::c_char> = values
            .iter()
            .map(|value| (if value.datum.is_none() { b'n' } else { b' ' }) as std::ffi::c_char)
            .collect();
        // SAFETY: within a connection to SPI; the arrays have one entry for each parameter of the plan, and outlive the
        // call. Read-only: under the snapshot of the statement that called.
        unsafe {
            let status = pg_sys::SPI_execute_plan(plan, datums.as_mut_ptr(), nulls.as_ptr(), true, 0);
            Spi::check_status(status).map_err(internal)?;
            let table = pg_sys::SPI_tuptable;
            if !table.is_null() {
                for place in 0..usize::try_from(pg_sys::SPI_processed).unwrap_or(0) {
                    take(&Row { tuple: *(*table).vals.add(place), descriptor: (*table).tupdesc });
                }
            }
        }
        Ok(())
    })
}

fn plan(text: &str, values: &[&Value]) -> Result<pg_sys::SPIPlanPtr, ErrorReport> {
    if let Some(plan) = PLANS.with_borrow(|plans| plans.get(text).copied()) {
        return Ok(plan);
    }
    let source = CString::new(text).unwrap_or_default();
    let mut types: Vec<pg_sys::Oid> = values.iter().map(|value| value.type_oid).collect();
    // SAFETY: within a connection to SPI; the text is NUL-terminated, and the types are as many as said. A kept plan lives as
    // long as the session. The plan is for any parameters: made anew for each page it would take longer than the page.
    let plan = unsafe {
        let plan = pg_sys::SPI_prepare_cursor(
            source.as_ptr(),
            i32::try_from(types.len()).unwrap_or(0),
            types.as_mut_ptr(),
            pg_sys::CURSOR_OPT_GENERIC_PLAN as i32,
        );
        if plan.is_null() || pg_sys::SPI_keepplan(plan) != 0 {
            Spi::check_status(pg_sys::SPI_result).map_err(internal)?;
        }
        plan
    };
    PLANS.with_borrow_mut(|plans| plans.insert(text.to_owned(), plan));
    Ok(plan)
}
