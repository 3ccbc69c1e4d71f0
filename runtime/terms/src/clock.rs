use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whole seconds since 1970-01-01T00:00:00Z, written in RFC 3339.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Timestamp(i64);

/// 9999-12-31T00:00:00Z: later than any policy can mean, and still written with four digits.
const LAST: i64 = 253_402_214_400;

impl Timestamp {
    /// Takes seconds since the epoch, held inside the years 1970 to 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.clamp(0, LAST))
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This time and `seconds` more, held inside the range.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_seconds(self.0.saturating_add(seconds))
    }

    /// The first multiple of `slot_seconds` at or after this time; a slot of 0 is this time itself.
    #[must_use]
    pub fn slot_ceil(self, slot_seconds: u32) -> Self {
        let past = self.0.checked_rem(i64::from(slot_seconds)).unwrap_or(0);
        if past == 0 { self } else { self.plus(i64::from(slot_seconds).saturating_sub(past)) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => fmt::Display::fmt(&time, f),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time: jiff::Timestamp = text.parse().map_err(|_| "a time is written 2026-01-31T12:00:00Z")?;
        Ok(Self::from_seconds(time.as_second()))
    }
}

impl TryFrom<String> for Timestamp {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(time: Timestamp) -> Self {
        time.to_string()
    }
}

/// Where the time comes from. The core takes a clock; it never reads one.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still, for tests.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(
    /// What it shows.
    pub Timestamp,
);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_starts_at_or_after_the_time() {
        let at = Timestamp::from_seconds;
        assert_eq!(at(0).slot_ceil(900), at(0));
        assert_eq!(at(1).slot_ceil(900), at(900));
        assert_eq!(at(900).slot_ceil(900), at(900));
        assert_eq!(at(901).slot_ceil(0), at(901));
    }

    #[test]
    fn times_are_written_in_rfc_3339() {
        let time = Timestamp::from_seconds(1_795_000_000);
        assert_eq!(time.to_string(), "2026-11-18T11:06:40Z");
        assert_eq!("2026-11-18T11:06:40Z".parse(), Ok(time));
    }
}
