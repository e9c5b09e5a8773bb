//! A change waits for locks so long and no longer, however often it has to wait.
//!
//! `lock_timeout` bounds each wait by itself. A row that many sessions want is waited for again and again, since who
//! gets it first makes a version that the others wait for anew. Here one deadline stands for all waits of a change; and
//! after one that waited in vain the rest of its transaction does not wait at all (`crm.put_off`).

use std::cell::RefCell;
use std::ffi::c_int;

use pgrx::datum::{DatumWithOid, Uuid};
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use pgrx::spi::OwnedPreparedStatement;

use crate::plan::{internal, kept};

unsafe extern "C-unwind" {
    // utils/timeout.h
    fn enable_timeout_after(id: c_int, delay_ms: c_int);
    fn disable_timeout(id: c_int, keep_indicator: bool);
    fn get_timeout_indicator(id: c_int, reset_indicator: bool) -> bool;
}

/// `LOCK_TIMEOUT` of utils/timeout.h.
const LOCK_TIMEOUT: c_int = 2;

/// Does what may wait for locks, as long as the setting `lock_timeout` allows for all its waits together; then it is an
/// error like that setting's.
pub(crate) fn within_lock_timeout<T>(work: impl FnOnce() -> T) -> T {
    // SAFETY: reads a plain integer of this session.
    let Ok(limit) = u64::try_from(unsafe { pg_sys::LockTimeout }) else {
        return work();
    };
    if limit == 0 {
        return work();
    }
    let _deadline = Deadline::in_milliseconds(c_int::try_from(limit).unwrap_or(c_int::MAX));
    work()
}

struct Deadline {
    lock_timeout: c_int,
}

impl Deadline {
    fn in_milliseconds(left: c_int) -> Self {
        // SAFETY: reads and writes a plain integer of this session, which its owner puts back when it is dropped. While
        // it is 0, PostgreSQL leaves this timeout alone, which is its own and registered in every session; when it runs
        // out, whatever is waited for is given up with the error of lock_timeout.
        unsafe {
            let lock_timeout = pg_sys::LockTimeout;
            pg_sys::LockTimeout = 0;
            enable_timeout_after(LOCK_TIMEOUT, left);
            Self { lock_timeout }
        }
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        // SAFETY: ends what the constructor began. A deadline that was reached after the last wait, or on the way out of
        // another error, must not cancel what the platform does next.
        unsafe {
            disable_timeout(LOCK_TIMEOUT, true);
            if get_timeout_indicator(LOCK_TIMEOUT, true) {
                pg_sys::QueryCancelPending = 0;
            }
            pg_sys::LockTimeout = self.lock_timeout;
        }
    }
}

const LOCK_GUESTS: &str = "
    SELECT FROM crm.customer_venue_stats AS t
    WHERE t.org_id = $1 AND t.venue_id = $2 AND t.customer_id = ANY ($3)
    ORDER BY t.customer_id FOR UPDATE";

thread_local! {
    static LOCK_PLAN: RefCell<Option<OwnedPreparedStatement>> = const { RefCell::new(None) };
}

/// Locks the rows of some guests of a venue in the order of their keys.
#[pg_extern(schema = "crm", volatile, parallel_unsafe)]
fn await_guests(org_id: i32, venue_id: Uuid, guests: Vec<Uuid>) -> Result<(), ErrorReport> {
    let parameters: [DatumWithOid<'_>; 3] = [org_id.into(), venue_id.into(), guests.into()];
    let types =
        [PgBuiltInOids::INT4OID, PgBuiltInOids::UUIDOID, PgBuiltInOids::UUIDARRAYOID].map(PgOid::BuiltIn);
    Spi::connect_mut(|client| {
        LOCK_PLAN.with_borrow_mut(|plan| {
            let plan = kept(plan, client, LOCK_GUESTS, &types)?;
            within_lock_timeout(|| client.update(plan, None, &parameters)).map_err(internal).map(|_| ())
        })
    })
}
