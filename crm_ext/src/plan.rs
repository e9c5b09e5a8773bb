//! Statements prepared at their first use in a session and kept.

use std::cell::RefCell;
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
