//! Who calls, for one transaction: a setting that only this library can write.
//!
//! A plain custom setting could be changed by anyone with SET; this one is superuser-only and is set
//! by a function that only the service's role may execute.

use std::ffi::CString;

use pgrx::guc::{GucContext, GucFlags, GucRegistry, GucSetting};
use pgrx::prelude::*;

static CALLER: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

pub(crate) fn define_setting() {
    GucRegistry::define_string_guc(
        c"crm.caller",
        c"Principal on whose behalf the current transaction acts.",
        c"Set by crm.set_caller(uuid) for one transaction.",
        &CALLER,
        GucContext::Suset,
        GucFlags::NO_SHOW_ALL | GucFlags::DISALLOW_IN_FILE,
    );
}

/// Names the principal for the rest of the transaction.
#[pg_extern(schema = "crm", volatile, strict, parallel_unsafe)]
fn set_caller(principal_id: pgrx::Uuid) {
    let value = CString::new(principal_id.to_string()).unwrap_or_default();
    // SAFETY: both strings are NUL-terminated and outlive the call, which copies them; the setting was
    // defined when this library was loaded, and a refusal is raised as an ERROR that pgrx turns into unwinding.
    unsafe {
        pg_sys::set_config_option(
            c"crm.caller".as_ptr(),
            value.as_ptr(),
            pg_sys::GucContext::PGC_SUSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// The principal named by `set_caller`, if any. Reading it here rather than with `current_setting`
/// makes sure the library, and with it the protection of the setting, is loaded.
#[pg_extern(schema = "crm", stable, parallel_safe)]
fn named_caller() -> Option<String> {
    CALLER.get().and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}
