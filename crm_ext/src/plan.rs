//! Statements prepared at their first use in a session and kept.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::thread::LocalKey;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiError};

/// The plan of a slot, made when it is empty.
pub(crate) fn kept<'a>(
    slot: &'a mut Option<OwnedPreparedStatement>,
    client: &SpiClient<'_>,
    query: &str,
    types: &[PgOid],
) -> Result<&'a OwnedPreparedStatement, ErrorReport> {
    match slot {
        Some(plan) => Ok(plan),
        None => {
            let plan = client.prepare_mut(query, types).map_err(internal)?.keep();
            Ok(slot.insert(plan))
        }
    }
}

/// What is no fault of the caller's.
pub(crate) fn internal(error: SpiError) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, error.to_string(), "pg_crm")
}

/// What is no fault of the caller's, in words.
pub(crate) fn internal_error(message: String) -> ErrorReport {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INTERNAL_ERROR, message, "pg_crm")
}

/// Runs a kept statement for what it does.
pub(crate) fn execute(
    slot: &'static LocalKey<RefCell<Option<OwnedPreparedStatement>>>,
    text: &str,
    given: &[DatumWithOid<'_>],
) -> Result<(), ErrorReport> {
    Spi::connect_mut(|client| {
        slot.with_borrow_mut(|slot| {
            let types: Vec<PgOid> = given.iter().map(|value| PgOid::from(value.oid())).collect();
            let plan = kept(slot, client, text, &types)?;
            client.update(plan, None, given).map_err(internal).map(|_| ())
        })
    })
}

/// Null until it is made, then kept for the session.
pub(crate) type LatestPlan = Cell<pg_sys::SPIPlanPtr>;

/// Reads rows as they are now, not as the transaction's snapshot shows them: a REPEATABLE READ transaction may be older
/// than the rules in force, and what a session keeps of them must not be older than the last message that they changed.
/// No parameter may be null.
pub(crate) fn read_latest(
    slot: &'static LocalKey<LatestPlan>,
    query: &CStr,
    parameters: &[DatumWithOid<'_>],
    mut take: impl FnMut(&LatestRow) -> Result<(), ErrorReport>,
) -> Result<(), ErrorReport> {
    let mut types: Vec<pg_sys::Oid> = parameters.iter().map(DatumWithOid::oid).collect();
    let mut values: Vec<pg_sys::Datum> =
        parameters.iter().filter_map(|value| value.datum().map(|datum| datum.sans_lifetime())).collect();
    Spi::connect_mut(|_| {
        // SAFETY: within a connection to SPI. The query is NUL-terminated, the two arrays hold one entry for each of its
        // parameters, none of them null, and outlive the calls; a kept plan lives as long as the session, and SPI itself
        // registers the snapshot.
        let table = unsafe {
            if slot.get().is_null() {
                let made = pg_sys::SPI_prepare(
                    query.as_ptr(),
                    parameters.len().try_into().unwrap_or(0),
                    types.as_mut_ptr(),
                );
                if made.is_null() || pg_sys::SPI_keepplan(made) != 0 {
                    Spi::check_status(pg_sys::SPI_result).map_err(internal)?;
                }
                slot.set(made);
            }
            let status = pg_sys::SPI_execute_snapshot(
                slot.get(),
                values.as_mut_ptr(),
                std::ptr::null(),
                pg_sys::GetLatestSnapshot(),
                std::ptr::null_mut(),
                false,
                false,
                0,
            );
            Spi::check_status(status).map_err(internal)?;
            pg_sys::SPI_tuptable
        };
        if table.is_null() {
            return Ok(());
        }
        // SAFETY: SPI has just filled the table, which lives until the connection ends.
        let (rows, descriptor) = unsafe {
            let count = usize::try_from((*table).numvals).unwrap_or(usize::MAX);
            (std::slice::from_raw_parts((*table).vals, count), (*table).tupdesc)
        };
        rows.iter().try_for_each(|tuple| take(&LatestRow { tuple: *tuple, descriptor }))
    })
}

/// A row that [`read_latest`] has just read.
pub(crate) struct LatestRow {
    tuple: pg_sys::HeapTuple,
    descriptor: pg_sys::TupleDesc,
}

impl LatestRow {
    /// The value of a column, which must be of that type.
    pub(crate) unsafe fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        let mut is_null = true;
        // SAFETY: the row was just read; the caller vouches for the type.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.descriptor, column, &mut is_null);
            T::from_datum(datum, is_null)
        }
    }
}
