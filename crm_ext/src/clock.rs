//! The clock of everything that depends on dates, as `crm.now()` reads it.

use std::ffi::{CStr, CString};

use pgrx::datum::TimestampWithTimeZone;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call};

/// The setting `crm.as_of` where it is set, else the start of the transaction.
pub(crate) fn now() -> Result<TimestampWithTimeZone, ErrorReport> {
    // SAFETY: the name is NUL-terminated; a missing setting gives a null pointer, and the text of one that is
    // there is copied before anything else can change it.
    let setting: Option<CString> = unsafe {
        let value = pg_sys::GetConfigOption(c"crm.as_of".as_ptr(), true, false);
        (!value.is_null()).then(|| CStr::from_ptr(value).to_owned())
    };
    let instant = match setting.filter(|text| !text.is_empty()) {
        // SAFETY: timestamptz_in takes a C string, a type's oid it ignores and a modifier, and returns a timestamptz;
        // text that is none is raised as an ERROR.
        Some(text) => unsafe {
            direct_function_call(
                pg_sys::timestamptz_in,
                &[text.as_c_str().into_datum(), pg_sys::InvalidOid.into_datum(), (-1_i32).into_datum()],
            )
        },
        None => {
            // SAFETY: reads a value that is set at the start of every transaction.
            let start = unsafe { pg_sys::GetCurrentTransactionStartTimestamp() };
            TimestampWithTimeZone::try_from(start).ok()
        }
    };
    instant.ok_or_else(|| {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            "crm.as_of is out of range",
            "crm.now",
        )
    })
}
