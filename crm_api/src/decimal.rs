//! Amounts in requests: a decimal as text, since a number type could change its digits.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// Digits, at most fourteen, with at most two of them behind a point, and a sign.
#[derive(Debug, Deserialize, PartialEq, Eq, Serialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = "decimal", example = "100.00")]
pub struct Decimal(String);

#[derive(Debug, Error, PartialEq, Eq)]
#[error("not an amount, such as 100 or 99.50")]
pub struct NotAnAmount;

impl Decimal {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Decimal {
    type Error = NotAnAmount;

    fn try_from(text: String) -> Result<Self, NotAnAmount> {
        let unsigned = text.strip_prefix('-').unwrap_or(&text);
        let (whole, cents) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str, most| {
            (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if digits(whole, 12) && digits(cents, 2) { Ok(Self(text)) } else { Err(NotAnAmount) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_their_digits() {
        for amount in ["0", "7", "-7", "99.5", "-0.50", "999999999999.99"] {
            assert_eq!(Decimal::try_from(amount.to_owned()).as_ref().map(Decimal::as_str), Ok(amount));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1,5",
            "1e3",
            "NaN",
            "Infinity",
            "--1",
            "-1.-5",
            "1.005",
            "1234567890123",
            "١",
        ] {
            assert_eq!(Decimal::try_from(text.to_owned()), Err(NotAnAmount), "{text}");
        }
    }
}
