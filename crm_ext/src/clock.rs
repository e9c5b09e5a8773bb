//! The clock of everything that depends on dates, and why a label changed: settings that date and explain what
//! is kept as evidence.
//!
//! A plain custom setting could be written by anyone with SET, who could then date back what is kept of a guest.
//! These two are superuser-only; `crm_owner` may set them too, so that the jobs' functions can.

use std::ffi::{CStr, CString};

use pgrx::datum::TimestampWithTimeZone;
use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::{IntoDatum, direct_function_call};

static AS_OF: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static CAUSE: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub(crate) fn define_settings() {
    for (name, short, long, setting) in [
        (
            c"crm.as_of",
            c"The moment that the CRM takes for now.",
            c"Empty for the real clock. What is evidence is dated by the real clock all the same.",
            &AS_OF,
        ),
        (
            c"crm.cause",
            c"What changes of labels are noted to come from.",
            c"Set by pg_crm's own functions; empty for the order under way.",
            &CAUSE,
        ),
    ] {
        GucRegistry::define_string_guc(name, short, long, setting, GucContext::Suset, GucFlags::default());
    }
}

/// Reading the clock here rather than with `current_setting` makes sure the library, and with it the protection of
/// the setting, is loaded.
#[pg_extern(schema = "crm", name = "now", stable, parallel_safe)]
fn clock_now() -> Result<TimestampWithTimeZone, ErrorReport> {
    now()
}

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
