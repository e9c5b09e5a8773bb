//! Money: PostgreSQL's numeric as an integer of hundredths.

use pgrx::IntoDatum;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// Digits of a numeric are base 10,000.
const BASE: i64 = 10_000;

/// Hundredths of a numeric, rounded where it has more decimals.
///
/// # Safety
/// The datum must be a numeric that is not null.
pub(crate) unsafe fn hundredths(datum: pg_sys::Datum) -> Result<i64, ErrorReport> {
    // SAFETY: a numeric is a varlena; unpacked where compressed, its bytes live as long as the call's memory.
    let read = unsafe {
        let varlena = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
        read(std::slice::from_raw_parts(
            pgrx::varlena::vardata_any(varlena).cast(),
            pgrx::varlena::varsize_any_exhdr(varlena),
        ))
    };
    if let Some(read) = read {
        return Ok(read);
    }
    // SAFETY: as above.
    by_arithmetic(unsafe { AnyNumeric::from_datum(datum, false) }.unwrap_or_default())
}

/// Hundredths of an amount of money, rounded where it has more decimals.
pub(crate) fn hundredths_in(amount: AnyNumeric) -> Result<i64, ErrorReport> {
    match amount.into_datum() {
        // SAFETY: the datum of a numeric.
        Some(datum) => unsafe { hundredths(datum) },
        None => Ok(0),
    }
}

fn by_arithmetic(amount: AnyNumeric) -> Result<i64, ErrorReport> {
    i64::try_from(amount * AnyNumeric::from(100)).map_err(|_| {
        ErrorReport::new(PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE, "amount out of range", "pg_crm")
    })
}

/// Hundredths of an amount of money, as the cohort reads them.
#[pg_extern(schema = "crm", sql = false)]
fn hundredths_of(fcinfo: pg_sys::FunctionCallInfo) -> Result<i64, ErrorReport> {
    // SAFETY: sql/stats/cohort.sql declares one strict argument of type numeric.
    unsafe { hundredths(pgrx::fcinfo::pg_getarg_datum_raw(fcinfo, 0)) }
}

/// Reads a numeric in PostgreSQL's own form (`NumericChoice` in its numeric.c), as its own arithmetic would take longer
/// than the rest of a pass over all guests. `None` for what is no amount in hundredths: it is left to that arithmetic.
fn read(bytes: &[u8]) -> Option<i64> {
    let word = |at: usize| bytes.get(at..at + 2).map(|two| u16::from_ne_bytes([two[0], two[1]]));
    let header = word(0)?;
    let (negative, weight, digits) = match header & 0xC000 {
        // Short form: sign, six bits of scale, seven of weight in two's complement.
        0x8000 => (header & 0x2000 != 0, ((header & 0x7F) as i32) - (((header & 0x40) as i32) << 1), 2),
        // Not a number, or infinite.
        0xC000 => return None,
        // Long form: sign and scale, then the weight.
        sign => (sign == 0x4000, i32::from(word(2)? as i16), 4),
    };
    let mut hundredths: i64 = 0;
    let mut power = weight;
    for at in (digits..bytes.len()).step_by(2) {
        let digit = i64::from(word(at)?);
        match power {
            0.. => hundredths = hundredths.checked_mul(BASE)?.checked_add(digit)?,
            // Before the point nothing, or whole units: two of the four decimals are hundredths.
            -1 if digit % 100 == 0 && at + 2 == bytes.len() => {
                return hundredths.checked_mul(100)?.checked_add(digit / 100).map(|h| sign(h, negative));
            }
            _ => return None,
        }
        power -= 1;
    }
    // Trailing zeros are not stored.
    for _ in 0..=power {
        hundredths = hundredths.checked_mul(BASE)?;
    }
    hundredths.checked_mul(100).map(|h| sign(h, negative))
}

fn sign(hundredths: i64, negative: bool) -> i64 {
    if negative { -hundredths } else { hundredths }
}
