//! Numbers without rounding: a literal becomes an integer of the field's smallest unit.

use std::fmt;

/// What a number counts, and so how many decimals it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Whole things: orders, days, a score.
    Whole,
    /// Something measured, with that many decimals.
    Decimal(u8),
    /// Money of the venue's currency, two decimals; a decimal string in JSON.
    Money,
}

impl Unit {
    /// Digits after the decimal point.
    pub fn places(self) -> u8 {
        match self {
            Unit::Whole => 0,
            Unit::Decimal(places) => places,
            Unit::Money => 2,
        }
    }
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// In units of the last decimal place: hundredths for money.
    pub minor: i64,
    /// What it counts.
    pub unit: Unit,
}

/// Why a literal is not a number of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NumberFault {
    NotANumber,
    TooPrecise,
    OutOfRange,
}

/// Numbers beyond are refused: money fits numeric(14,2), all fit a bigint.
pub(super) const MOST: i64 = 1_000_000_000_000;

impl Number {
    /// Reads a JSON number literal (RFC 8259, section 6) exactly.
    pub(super) fn read(literal: &str, unit: Unit) -> Result<Self, NumberFault> {
        let (negative, magnitude) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, exponent) = match magnitude.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent),
            None => (magnitude, "0"),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || !digits(exponent.trim_start_matches(['+', '-'])) {
            return Err(NumberFault::NotANumber);
        }
        let significant = format!("{whole}{fraction}");
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self { minor: 0, unit });
        }
        let trimmed = significant.trim_end_matches('0');
        // An exponent that is no i64 is far beyond either bound.
        let Ok(exponent) = exponent.parse::<i64>() else {
            let below_one = exponent.starts_with('-');
            return Err(if below_one { NumberFault::TooPrecise } else { NumberFault::OutOfRange });
        };
        let dropped = (significant.len() - trimmed.len()) as i64;
        let shift = exponent
            .saturating_sub(fraction.len() as i64)
            .saturating_add(dropped)
            .saturating_add(i64::from(unit.places()));
        if shift < 0 {
            return Err(NumberFault::TooPrecise);
        }
        let minor = u32::try_from(shift)
            .ok()
            .and_then(|shift| 10_i64.checked_pow(shift))
            .zip(trimmed.parse::<i64>().ok())
            .and_then(|(scale, digits)| digits.checked_mul(scale))
            .filter(|minor| *minor < Self::beyond(unit))
            .ok_or(NumberFault::OutOfRange)?;
        Ok(Self { minor: if negative { -minor } else { minor }, unit })
    }

    fn beyond(unit: Unit) -> i64 {
        MOST * 10_i64.pow(u32::from(unit.places().min(4)))
    }
}

/// A plain decimal: money with both decimals, others without trailing zeros.
impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.unit.places());
        let digits = format!("{:0width$}", self.minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let fraction = if self.unit == Unit::Money { fraction } else { fraction.trim_end_matches('0') };
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        write!(out, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_literal_is_read_to_the_last_digit() {
        for (literal, unit, expected) in [
            ("5", Unit::Whole, "5"),
            ("5.0", Unit::Whole, "5"),
            ("5e2", Unit::Whole, "500"),
            ("50000e-2", Unit::Whole, "500"),
            ("-0.0", Unit::Whole, "0"),
            ("0e999999999999999999999", Unit::Whole, "0"),
            ("0.1", Unit::Money, "0.10"),
            ("-0.05", Unit::Money, "-0.05"),
            ("999999999999.99", Unit::Money, "999999999999.99"),
            ("1.50", Unit::Decimal(3), "1.5"),
            ("0.125", Unit::Decimal(3), "0.125"),
        ] {
            assert_eq!(
                Number::read(literal, unit).map(|n| n.to_string()),
                Ok(expected.to_owned()),
                "{literal}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_not_rounded() {
        use NumberFault::*;
        for (literal, unit, expected) in [
            ("2.5", Unit::Whole, TooPrecise),
            ("0.001", Unit::Money, TooPrecise),
            ("1e-400", Unit::Money, TooPrecise),
            ("1e400", Unit::Money, OutOfRange),
            ("1e99999999999999999999999", Unit::Whole, OutOfRange),
            ("1e-99999999999999999999999", Unit::Whole, TooPrecise),
            ("1000000000000", Unit::Whole, OutOfRange),
            ("123456789012345678901234567890", Unit::Whole, OutOfRange),
            ("", Unit::Whole, NotANumber),
            ("+1", Unit::Whole, NotANumber),
            ("1.", Unit::Whole, NotANumber),
            ("٣", Unit::Whole, NotANumber),
            ("1e", Unit::Whole, NotANumber),
            ("0x10", Unit::Whole, NotANumber),
        ] {
            assert_eq!(Number::read(literal, unit), Err(expected), "{literal}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(minor in -99_999_999_999_999_i64..=99_999_999_999_999) {
            for unit in [Unit::Money, Unit::Decimal(3)] {
                let number = Number { minor, unit };
                prop_assert_eq!(Number::read(&number.to_string(), unit), Ok(number));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = Number::read(&text, Unit::Money);
        }
    }
}
