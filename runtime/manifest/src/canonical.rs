//! Canonical JSON (RFC 8785): the bytes that digests and signatures are made of.

use serde::Serialize;

/// The value has no canonical form: a number that is not finite, or a map whose keys are not strings.
#[derive(Debug, thiserror::Error)]
#[error("no canonical JSON: {0}")]
pub struct CanonicalError(String);

impl From<serde_json::Error> for CanonicalError {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// Writes `value` as RFC 8785 says: sorted keys, shortest numbers, no spaces.
///
/// # Errors
/// A number that is not finite. A whole number beyond 2^53 would lose digits: no type of ours holds one here.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    // Through a Value first: serde_jcs sees plain numbers and strings, never a type's own raw fragments.
    Ok(serde_jcs::to_vec(&serde_json::to_value(value)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_by_utf_16_units_as_in_rfc_8785_section_3_2_3() {
        let value =
            json!({"\u{20ac}": 1, "\r": 2, "\u{fb33}": 3, "1": 4, "\u{1f600}": 5, "\u{80}": 6, "\u{f6}": 7});
        let text = String::from_utf8(json(&value).unwrap()).unwrap();
        // The order of the RFC: CR, the key 1, U+0080, U+00F6, the euro sign, the emoticon, the Hebrew letter.
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, "2_14_6_7_1_5_3".replace('_', ""));
    }

    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        let text = String::from_utf8(
            json(&json!([333_333_333.333_333_3, 1e30, 4.50, 2e-3, 1e-27, -0.0, 10.0])).unwrap(),
        );
        assert_eq!(text.unwrap(), "[333333333.3333333,1e+30,4.5,0.002,1e-27,0,10]");
    }
}
