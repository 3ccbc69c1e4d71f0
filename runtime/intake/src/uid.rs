use std::{fmt, str::FromStr};
use trocar_terms::Digest;

/// A DICOM unique identifier (PS3.5 section 9.1): 1 to 64 digits and dots, so it is safe in a URL's path.
///
/// Real archives have components with leading zeros, so these pass. `Debug` hides the value: an UID names a patient's study.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(String);

/// The text is not 1 to 64 digits and dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an UID is 1 to 64 digits and dots")]
pub struct UidError;

const MAX: usize = 64;

impl Uid {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The value of an element, padded to even length with NUL or, by some writers, a space.
    pub(crate) fn of_value(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        text.trim_matches(['\0', ' ']).parse().ok()
    }

    /// What the object's file is named by.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl FromStr for Uid {
    type Err = UidError;
    fn from_str(text: &str) -> Result<Self, UidError> {
        let fits = (1..=MAX).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        // `.` and `..` would walk in a URL's path.
        let has_digit = text.bytes().any(|b| b.is_ascii_digit());
        if fits && plain && has_digit { Ok(Self(text.to_owned())) } else { Err(UidError) }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Uid(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_and_dots_are_an_uid() {
        for bad in ["", "..", ".", "1.2/../3", "1.2 ", "1.2%2f", &"1".repeat(65)] {
            assert_eq!(bad.parse::<Uid>(), Err(UidError), "{bad:?}");
        }
        assert_eq!(Uid::of_value(b"1.2.840\0").unwrap().as_str(), "1.2.840");
        assert_eq!(Uid::of_value(b"1.2\\1.3"), None);
        assert_eq!(format!("{:?}", "1.2.3".parse::<Uid>().unwrap()), "Uid(..)");
    }
}
