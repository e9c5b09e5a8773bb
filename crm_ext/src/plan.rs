//! Statements prepared at their first use in a session and kept.

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
