//! A small writer of DICOM Part 10 files in explicit VR little endian. It shares nothing with the reader that it tests.

use std::collections::BTreeMap;

/// A tag, as `(group, element)`.
pub type Tag = (u16, u16);

const EXPLICIT_LITTLE: &str = "1.2.840.10008.1.2.1";
/// Our implementation class, under the UUID root of PS3.5 annex B.2.
const IMPLEMENTATION: &str = "2.25.143811562862397513874626318210476223041";

/// A data set: elements in ascending order, however they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSet(BTreeMap<Tag, ([u8; 2], Vec<u8>)>);

impl DataSet {
    /// A data set without elements.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a text element; several values are separated by `\`.
    pub fn text(&mut self, tag: Tag, vr: [u8; 2], value: &str) -> &mut Self {
        // UIDs are padded with a zero, all other text with a space (PS3.5 section 6.2).
        let pad = if &vr == b"UI" { 0 } else { b' ' };
        self.bytes(tag, vr, value.as_bytes().to_vec(), pad)
    }

    /// Sets a 16-bit number.
    pub fn short(&mut self, tag: Tag, value: u16) -> &mut Self {
        self.bytes(tag, *b"US", value.to_le_bytes().to_vec(), 0)
    }

    /// Sets decimal strings, shortened to the 16 characters that DS allows.
    pub fn decimals(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        let texts: Vec<String> = values.iter().map(|v| decimal(*v)).collect();
        self.text(tag, *b"DS", &texts.join("\\"))
    }

    /// Sets a sequence of items.
    pub fn sequence(&mut self, tag: Tag, items: &[Self]) -> &mut Self {
        let mut bytes = Vec::new();
        for item in items {
            let body = item.encoded();
            bytes.extend_from_slice(&[0xFE, 0xFF, 0x00, 0xE0]);
            bytes.extend_from_slice(&length32(&body));
            bytes.extend_from_slice(&body);
        }
        self.bytes(tag, *b"SQ", bytes, 0)
    }

    /// Sets pixel data of 16-bit samples.
    pub fn pixels(&mut self, samples: &[u16]) -> &mut Self {
        let bytes = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes((0x7FE0, 0x0010), *b"OW", bytes, 0)
    }

    fn bytes(&mut self, tag: Tag, vr: [u8; 2], mut value: Vec<u8>, pad: u8) -> &mut Self {
        if value.len() % 2 == 1 {
            value.push(pad);
        }
        self.0.insert(tag, (vr, value));
        self
    }

    /// The elements, one after the other.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for ((group, element), (vr, value)) in &self.0 {
            out.extend_from_slice(&group.to_le_bytes());
            out.extend_from_slice(&element.to_le_bytes());
            out.extend_from_slice(vr);
            if matches!(vr, b"OB" | b"OW" | b"SQ") {
                out.extend_from_slice(&[0, 0]);
                out.extend_from_slice(&length32(value));
            } else {
                out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
            }
            out.extend_from_slice(value);
        }
        out
    }

    /// A whole file: preamble, file meta group and this data set.
    #[must_use]
    pub fn file(&self, sop_class: &str, sop_instance: &str) -> Vec<u8> {
        let mut meta = Self::new();
        meta.bytes((0x0002, 0x0001), *b"OB", vec![0, 1], 0);
        meta.text((0x0002, 0x0002), *b"UI", sop_class);
        meta.text((0x0002, 0x0003), *b"UI", sop_instance);
        meta.text((0x0002, 0x0010), *b"UI", EXPLICIT_LITTLE);
        meta.text((0x0002, 0x0012), *b"UI", IMPLEMENTATION);
        let meta = meta.encoded();
        let mut length = Self::new();
        length.bytes((0x0002, 0x0000), *b"UL", length32(&meta).to_vec(), 0);
        [vec![0; 128], b"DICM".to_vec(), length.encoded(), meta, self.encoded()].concat()
    }
}

fn length32(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// The most precise text of a number that fits in 16 characters.
fn decimal(value: f64) -> String {
    let exact = value.to_string();
    if exact.len() <= 16 {
        return exact;
    }
    (0..=14).rev().map(|digits| format!("{value:.digits$e}")).find(|text| text.len() <= 16).unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_written_in_ascending_order_with_even_lengths() {
        let mut data = DataSet::new();
        data.short((0x0028, 0x0010), 7).text((0x0010, 0x0020), *b"LO", "abc");
        let expected = b"\x10\0\x20\0LO\x04\0abc \x28\0\x10\0US\x02\0\x07\0";
        assert_eq!(data.encoded(), expected);
    }

    #[test]
    fn a_decimal_string_never_passes_16_characters() {
        for value in [0.1, -1024.0, 1.0 / 3.0, -123_456_789.123_456_7, 1e-300, 1.234_567_890_123_456e300] {
            let text = decimal(value);
            assert!(text.len() <= 16, "{text}");
            let back: f64 = text.parse().unwrap();
            assert!((back - value).abs() <= 1e-8 * value.abs(), "{text}");
        }
    }
}
