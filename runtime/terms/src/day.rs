use jiff::civil::Date;
use std::fmt;

/// A calendar day of a clinical table: only the distance between two of them leaves it.
///
/// Absent on purpose: serialisation and display. An absolute date reaches no guest, index or log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(Date);

impl Day {
    /// Reads `YYYY-MM-DD` (ISO 8601) or `YYYYMMDD` (DICOM's DA, PS3.5 6.2); `None` where it is no day of the calendar.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if !Self::looks_like_one(text) {
            return None;
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let (year, rest) = (digits.get(..4)?, digits.get(4..)?);
        let (month, day) = (rest.get(..2)?, rest.get(2..)?);
        Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok().map(Self)
    }

    /// Whether a text has the form of a day. Eight digits always do: nobody counts 27,000 years in days.
    #[must_use]
    pub fn looks_like_one(text: &str) -> bool {
        match text.as_bytes() {
            bytes @ [_, _, _, _, _, _, _, _] => bytes.iter().all(u8::is_ascii_digit),
            [year @ .., b'-', m1, m2, b'-', d1, d2] => {
                year.len() == 4 && year.iter().chain([m1, m2, d1, d2]).all(u8::is_ascii_digit)
            }
            _ => false,
        }
    }

    /// Days from `index` to this day: negative before it.
    #[must_use]
    pub fn since(self, index: Self) -> Option<i32> {
        index.0.until(self.0).ok().map(|span| span.get_days())
    }
}

// The year is part of a date that might name a patient.
impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Day(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_day_are_one_day() {
        assert_eq!(Day::parse("2024-02-29"), Day::parse("20240229"));
        assert!(Day::parse("2024-02-29").is_some());
    }

    #[test]
    fn what_is_no_day_of_the_calendar_is_none() {
        for bad in [
            "2023-02-29",
            "20231301",
            "2023-1-1",
            "2023/01/01",
            "230101",
            "",
            "2023-01-01T00:00",
            "１２３４5678",
        ] {
            assert_eq!(Day::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn distances_are_days_and_have_a_sign() {
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(day("2024-03-01").since(day("2024-02-28")), Some(2));
        assert_eq!(day("2023-12-31").since(day("2024-01-01")), Some(-1));
        assert_eq!(day("99991231").since(day("00010101")), Some(3_652_058));
    }

    #[test]
    fn a_day_is_not_written_anywhere() {
        assert_eq!(format!("{:?}", Day::parse("20240229").unwrap()), "Day(..)");
    }
}
