use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A non-negative decimal number held exactly: `digits / 10^scale`.
///
/// Budgets are written as decimal strings (`"0.02"`, `"1e-8"`), so that no binary fraction ever stands for them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    digits: u64,
    scale: u32,
}

/// The text is not a decimal number that is held exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a decimal is written as a string such as \"0.02\" or \"1e-8\", at most 15 digits and 1e-18 or more")]
pub struct DecimalError;

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self { digits: 0, scale: 0 };

    /// Numerator and denominator, lowest power of ten first removed.
    #[must_use]
    pub fn ratio(&self) -> (BigUint, BigUint) {
        (BigUint::from(self.digits), BigUint::from(10_u32).pow(self.scale))
    }

    /// The number in units of 10^-18: exact, since no decimal has more places.
    #[must_use]
    pub fn attos(&self) -> u128 {
        let factor = 10_u128.saturating_pow(18_u32.saturating_sub(self.scale));
        u128::from(self.digits).saturating_mul(factor)
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.digits == 0
    }

    /// The nearest binary fraction: for display and for search, never for a charge.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "at most 15 digits: exact in f64")]
    pub fn to_f64(&self) -> f64 {
        // Parsing the text is correctly rounded; dividing by a power of ten need not be.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    fn new(mut digits: u64, mut scale: u32) -> Result<Self, DecimalError> {
        while scale > 0 && digits.is_multiple_of(10) {
            digits = digits.checked_div(10).ok_or(DecimalError)?;
            scale = scale.checked_sub(1).ok_or(DecimalError)?;
        }
        if digits >= 1_000_000_000_000_000 || scale > 18 {
            return Err(DecimalError);
        }
        Ok(Self { digits, scale })
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let ((a, b), (c, d)) = (self.ratio(), other.ratio());
        #[allow(clippy::arithmetic_side_effects, reason = "big integers do not overflow")]
        let sides = (a * d, c * b);
        sides.0.cmp(&sides.1)
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;
    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, e)) => (number, e.parse::<i32>().map_err(|_| DecimalError)?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let all = [whole, fraction].concat();
        if whole.is_empty() || (number.contains('.') && fraction.is_empty()) || all.len() > 30 {
            return Err(DecimalError);
        }
        if !all.bytes().all(|b| b.is_ascii_digit()) {
            return Err(DecimalError);
        }
        let fraction_digits = i32::try_from(fraction.len()).map_err(|_| DecimalError)?;
        scaled(&all, fraction_digits.checked_sub(exponent).ok_or(DecimalError)?)
    }
}

fn scaled(digits: &str, scale: i32) -> Result<Decimal, DecimalError> {
    let value: u128 = digits.parse().map_err(|_| DecimalError)?;
    let mut value = u64::try_from(value).map_err(|_| DecimalError)?;
    if value == 0 {
        return Ok(Decimal::ZERO);
    }
    if scale < 0 {
        let factor = 10_u64.checked_pow(scale.unsigned_abs()).ok_or(DecimalError)?;
        value = value.checked_mul(factor).ok_or(DecimalError)?;
    }
    Decimal::new(value, u32::try_from(scale.max(0)).map_err(|_| DecimalError)?)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = self.scale as usize;
        if scale == 0 {
            return write!(f, "{}", self.digits);
        }
        let text = format!("{:0>width$}", self.digits, width = scale.saturating_add(1));
        let (whole, fraction) = text.split_at(text.len().saturating_sub(scale));
        write!(f, "{whole}.{fraction}")
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;
    fn try_from(text: String) -> Result<Self, DecimalError> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(d: Decimal) -> Self {
        d.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_are_one_decimal() {
        let parse = |t: &str| t.parse::<Decimal>().unwrap();
        for (text, shown) in [("0.02", "0.02"), ("2e-2", "0.02"), ("0.020", "0.02"), ("1e-8", "0.00000001")] {
            assert_eq!(parse(text).to_string(), shown);
            assert_eq!(parse(text), parse(shown));
        }
        assert_eq!(parse("3"), parse("3.0"));
        assert_eq!(parse("0e9"), Decimal::ZERO);
        assert!(parse("0.1") < parse("0.11") && parse("2") > parse("1.999"));
        assert_eq!(parse("0.1").to_f64().to_bits(), 0.1_f64.to_bits());
    }

    #[test]
    fn what_is_not_a_plain_decimal_is_refused() {
        for bad in ["", ".", "-1", "+1", "1.", ".5", "1e", "1e-19", "nan", "1,5", "1e99", "0x1", "1_0", " 1"]
        {
            assert!(bad.parse::<Decimal>().is_err(), "{bad:?} was accepted as a decimal");
        }
    }
}
