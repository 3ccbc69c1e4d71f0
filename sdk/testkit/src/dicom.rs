//! A small writer of DICOM Part 10 files. It shares nothing with the reader that it tests.

use crate::{codec, syntax::Syntax};
use std::collections::BTreeMap;

/// A tag, as `(group, element)`.
pub type Tag = (u16, u16);

/// Our implementation class, under the UUID root of PS3.5 annex B.2.
const IMPLEMENTATION: &str = "2.25.143811562862397513874626318210476223041";

/// A data set: elements in ascending order, however they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSet(BTreeMap<Tag, ([u8; 2], Value)>);

/// A value before it is known how it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Bytes(Vec<u8>),
    Words16(Vec<u16>),
    Words32(Vec<u32>),
    Words64(Vec<u64>),
    Items(Vec<DataSet>),
    /// Encapsulated frames, one fragment each (PS3.5 annex A.4).
    Frames(Vec<Vec<u8>>),
}

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) explicit: bool,
    pub(crate) big: bool,
    /// Sequences and items end with a delimiter instead of stating their length.
    pub(crate) delimited: bool,
}

const EXPLICIT_LITTLE: Encoding = Encoding { explicit: true, big: false, delimited: false };
const ITEM: Tag = (0xFFFE, 0xE000);
const ITEM_END: Tag = (0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = (0xFFFE, 0xE0DD);
const UNDEFINED: u32 = u32::MAX;
const PIXEL_DATA: Tag = (0x7FE0, 0x0010);

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
        self.set(tag, vr, Value::Bytes(even(value.as_bytes().to_vec(), pad)))
    }

    /// Sets a 16-bit number.
    pub fn short(&mut self, tag: Tag, value: u16) -> &mut Self {
        self.set(tag, *b"US", Value::Words16(vec![value]))
    }

    /// Sets a signed 16-bit number.
    pub fn signed_short(&mut self, tag: Tag, value: i16) -> &mut Self {
        self.set(tag, *b"SS", Value::Words16(vec![value.cast_unsigned()]))
    }

    /// Sets 32-bit numbers.
    pub fn longs(&mut self, tag: Tag, values: &[u32]) -> &mut Self {
        self.set(tag, *b"UL", Value::Words32(values.to_vec()))
    }

    /// Sets a tag as a value.
    pub fn attribute_tag(&mut self, tag: Tag, (group, element): Tag) -> &mut Self {
        self.set(tag, *b"AT", Value::Words16(vec![group, element]))
    }

    /// Sets double precision numbers.
    pub fn doubles(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        self.set(tag, *b"FD", Value::Words64(values.iter().map(|v| v.to_bits()).collect()))
    }

    /// Sets decimal strings, shortened to the 16 characters that DS allows.
    pub fn decimals(&mut self, tag: Tag, values: &[f64]) -> &mut Self {
        let texts: Vec<String> = values.iter().map(|v| decimal(*v)).collect();
        self.text(tag, *b"DS", &texts.join("\\"))
    }

    /// Sets a sequence of items.
    pub fn sequence(&mut self, tag: Tag, items: &[Self]) -> &mut Self {
        self.set(tag, *b"SQ", Value::Items(items.to_vec()))
    }

    /// Sets pixel data of 16-bit samples.
    pub fn pixels(&mut self, samples: &[u16]) -> &mut Self {
        self.set(PIXEL_DATA, *b"OW", Value::Words16(samples.to_vec()))
    }

    /// Sets pixel data of bytes: 8-bit samples, or bits packed from the least significant on.
    pub fn pixel_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.set(PIXEL_DATA, *b"OB", Value::Bytes(even(bytes.to_vec(), 0)))
    }

    /// Sets encapsulated pixel data, one fragment a frame, behind an offset table.
    pub fn frames(&mut self, frames: &[Vec<u8>]) -> &mut Self {
        self.set(PIXEL_DATA, *b"OB", Value::Frames(frames.iter().map(|f| even(f.clone(), 0)).collect()))
    }

    /// Takes an element away.
    pub fn remove(&mut self, tag: Tag) -> &mut Self {
        self.0.remove(&tag);
        self
    }

    fn set(&mut self, tag: Tag, vr: [u8; 2], value: Value) -> &mut Self {
        self.0.insert(tag, (vr, value));
        self
    }

    /// The elements, one after the other, in explicit VR little endian.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        self.encoded_as(EXPLICIT_LITTLE)
    }

    pub(crate) fn encoded_as(&self, encoding: Encoding) -> Vec<u8> {
        let mut out = Writer { out: Vec::new(), encoding };
        self.0.iter().for_each(|(tag, (vr, value))| out.element(*tag, *vr, value));
        out.out
    }

    /// A whole file in explicit VR little endian: preamble, file meta group and this data set.
    #[must_use]
    pub fn file(&self, sop_class: &str, sop_instance: &str) -> Vec<u8> {
        self.file_in(Syntax::ExplicitLittle, sop_class, sop_instance)
    }

    /// A whole file in a transfer syntax. Frames of a compressed one are set with [`DataSet::frames`].
    #[must_use]
    pub fn file_in(&self, syntax: Syntax, sop_class: &str, sop_instance: &str) -> Vec<u8> {
        let data = self.encoded_as(syntax.encoding());
        let data = if syntax == Syntax::Deflated { even(codec::deflate(&data), 0) } else { data };
        part10(syntax.uid(), (sop_class, sop_instance), data)
    }
}

/// Preamble, file meta group, and a data set that is written already.
pub(crate) fn part10(syntax: &str, (sop_class, sop_instance): (&str, &str), data: Vec<u8>) -> Vec<u8> {
    let mut meta = DataSet::new();
    meta.set((0x0002, 0x0001), *b"OB", Value::Bytes(vec![0, 1]));
    meta.text((0x0002, 0x0002), *b"UI", sop_class);
    meta.text((0x0002, 0x0003), *b"UI", sop_instance);
    meta.text((0x0002, 0x0010), *b"UI", syntax);
    meta.text((0x0002, 0x0012), *b"UI", IMPLEMENTATION);
    let meta = meta.encoded();
    let mut length = DataSet::new();
    length.longs((0x0002, 0x0000), &[length32(&meta)]);
    [vec![0; 128], b"DICM".to_vec(), length.encoded(), meta, data].concat()
}

struct Writer {
    out: Vec<u8>,
    encoding: Encoding,
}

impl Writer {
    fn element(&mut self, tag: Tag, vr: [u8; 2], value: &Value) {
        match value {
            Value::Items(items) => self.items(tag, items),
            Value::Frames(frames) => self.fragments(frames),
            _ => {
                let bytes = self.value(value);
                self.head(tag, vr, length32(&bytes));
                self.out.extend_from_slice(&bytes);
            }
        }
    }

    fn value(&self, value: &Value) -> Vec<u8> {
        let big = self.encoding.big;
        match value {
            Value::Bytes(bytes) => bytes.clone(),
            Value::Words16(words) => {
                words.iter().flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect()
            }
            Value::Words32(words) => {
                words.iter().flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect()
            }
            Value::Words64(words) => {
                words.iter().flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect()
            }
            Value::Items(_) | Value::Frames(_) => Vec::new(),
        }
    }

    fn items(&mut self, tag: Tag, items: &[DataSet]) {
        let bodies: Vec<_> = items.iter().map(|item| item.encoded_as(self.encoding)).collect();
        let delimited = self.encoding.delimited;
        let more = if delimited { 16 } else { 8 };
        let total = bodies.iter().map(|body| u64::from(length32(body)) + more).sum::<u64>();
        let total = if delimited { UNDEFINED } else { u32::try_from(total).unwrap_or(UNDEFINED) };
        self.head(tag, *b"SQ", total);
        for body in bodies {
            self.bare(ITEM, if delimited { UNDEFINED } else { length32(&body) });
            self.out.extend_from_slice(&body);
            if delimited {
                self.bare(ITEM_END, 0);
            }
        }
        if delimited {
            self.bare(SEQUENCE_END, 0);
        }
    }

    fn fragments(&mut self, frames: &[Vec<u8>]) {
        self.head(PIXEL_DATA, *b"OB", UNDEFINED);
        self.bare(ITEM, u32::try_from(frames.len() * 4).unwrap_or(UNDEFINED));
        let mut offset = 0_u32;
        for frame in frames {
            self.long(offset);
            offset = offset.saturating_add(length32(frame)).saturating_add(8);
        }
        for frame in frames {
            self.bare(ITEM, length32(frame));
            self.out.extend_from_slice(frame);
        }
        self.bare(SEQUENCE_END, 0);
    }

    /// A value that 16 bits of length cannot hold is written as UN, as PS3.5 section 6.2.2 allows.
    fn head(&mut self, tag: Tag, vr: [u8; 2], length: u32) {
        if !self.encoding.explicit {
            return self.bare(tag, length);
        }
        let vr = if !is_long(vr) && length > u32::from(u16::MAX) { *b"UN" } else { vr };
        self.short(tag.0);
        self.short(tag.1);
        self.out.extend_from_slice(&vr);
        if is_long(vr) {
            self.short(0);
            self.long(length);
        } else {
            self.short(u16::try_from(length).unwrap_or(u16::MAX));
        }
    }

    /// The head of an item, or of an element in implicit VR.
    fn bare(&mut self, tag: Tag, length: u32) {
        self.short(tag.0);
        self.short(tag.1);
        self.long(length);
    }

    fn short(&mut self, value: u16) {
        let bytes = if self.encoding.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.out.extend_from_slice(&bytes);
    }

    fn long(&mut self, value: u32) {
        let bytes = if self.encoding.big { value.to_be_bytes() } else { value.to_le_bytes() };
        self.out.extend_from_slice(&bytes);
    }
}

/// PS3.5 table 7.1-1: these have two reserved bytes and a 32-bit length.
fn is_long(vr: [u8; 2]) -> bool {
    matches!(&vr, b"OB" | b"OD" | b"OF" | b"OL" | b"OW" | b"SQ" | b"UC" | b"UN" | b"UR" | b"UT")
}

fn even(mut value: Vec<u8>, pad: u8) -> Vec<u8> {
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    value
}

fn length32(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(UNDEFINED)
}

/// The most precise text of a number that fits in 16 characters.
pub(crate) fn decimal(value: f64) -> String {
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
    fn implicit_and_big_endian_elements_differ_as_the_standard_says() {
        let mut data = DataSet::new();
        data.short((0x0028, 0x0010), 7).text((0x0010, 0x0020), *b"LO", "ab");
        let implicit = data.encoded_as(Syntax::ImplicitLittle.encoding());
        assert_eq!(implicit, b"\x10\0\x20\0\x02\0\0\0ab\x28\0\x10\0\x02\0\0\0\x07\0");
        let big = data.encoded_as(Syntax::ExplicitBig.encoding());
        assert_eq!(big, b"\0\x10\0\x20LO\0\x02ab\0\x28\0\x10US\0\x02\0\x07");
    }

    #[test]
    fn a_delimited_sequence_states_no_length() {
        let mut item = DataSet::new();
        item.short((0x0028, 0x0010), 7);
        let mut data = DataSet::new();
        data.sequence((0x0008, 0x1140), &[item]);
        let bytes = data.encoded_as(Encoding { delimited: true, ..EXPLICIT_LITTLE });
        let head = b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff";
        let tail = b"\x28\0\x10\0US\x02\0\x07\0\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0";
        assert_eq!(bytes, [&head[..], tail].concat());
    }

    #[test]
    fn frames_stand_behind_a_table_of_their_offsets() {
        let mut data = DataSet::new();
        data.frames(&[vec![1], vec![2, 3]]);
        let head = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\x08\0\0\0\0\0\0\0\x0a\0\0\0";
        let tail = b"\xfe\xff\0\xe0\x02\0\0\0\x01\0\xfe\xff\0\xe0\x02\0\0\0\x02\x03\xfe\xff\xdd\xe0\0\0\0\0";
        assert_eq!(data.encoded(), [&head[..], tail].concat());
    }

    #[test]
    fn a_value_that_its_length_cannot_hold_becomes_unknown() {
        let mut data = DataSet::new();
        data.text((0x3006, 0x0050), *b"DS", &"1".repeat(70_000));
        assert_eq!(&data.encoded()[..12], b"\x06\x30\x50\0UN\0\0\x70\x11\x01\0");
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
