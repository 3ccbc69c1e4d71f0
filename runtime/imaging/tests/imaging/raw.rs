//! Files written byte by byte: what the writer of cohorts does not write.

/// An explicit VR element of a group in ascending order.
pub(crate) fn element(tag: (u16, u16), vr: &[u8; 2], value: &[u8], big: bool) -> Vec<u8> {
    let number = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut bytes = [number(tag.0), number(tag.1)].concat();
    bytes.extend_from_slice(vr);
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == b"OB" || vr == b"UI" { 0 } else { b' ' });
    }
    if matches!(vr, b"OB" | b"OW" | b"OF" | b"OD" | b"OV" | b"SQ" | b"UN") {
        let length = u32::try_from(value.len()).unwrap();
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&if big { length.to_be_bytes() } else { length.to_le_bytes() });
    } else {
        bytes.extend_from_slice(&number(u16::try_from(value.len()).unwrap()));
    }
    bytes.extend_from_slice(&value);
    bytes
}

/// How samples are written.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) syntax: &'static str,
    pub(crate) colour: &'static str,
    pub(crate) planar: u16,
    pub(crate) frames: u32,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    pub(crate) allocated: u16,
    pub(crate) stored: u16,
    pub(crate) high: u16,
    pub(crate) signed: bool,
}

pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(crate) const BIG: &str = "1.2.840.10008.1.2.2";

impl Format {
    /// One grey frame, whose values fill their samples.
    pub(crate) fn grey(syntax: &'static str, rows: u16, columns: u16, bits: u16) -> Self {
        let colour = "MONOCHROME2";
        let (allocated, stored, high) = (bits, bits, bits - 1);
        Self { syntax, colour, planar: 0, frames: 1, rows, columns, allocated, stored, high, signed: false }
    }

    /// A file of this format, with these elements of pixels at its end.
    pub(crate) fn file(&self, pixels: &[u8]) -> Vec<u8> {
        let big = self.syntax == BIG;
        let short =
            |tag, v: u16| element(tag, b"US", &if big { v.to_be_bytes() } else { v.to_le_bytes() }, big);
        let text = |tag, vr: &[u8; 2], v: &str| element(tag, vr, v.as_bytes(), big);
        let samples = if self.colour.starts_with("MONO") || self.colour.starts_with("PAL") { 1 } else { 3 };
        let mut bytes = [vec![0; 128], b"DICM".to_vec()].concat();
        bytes.extend(element((2, 0x10), b"UI", self.syntax.as_bytes(), false));
        bytes.extend(text((8, 0x60), b"CS", "OT"));
        bytes.extend(short((0x28, 2), samples));
        bytes.extend(text((0x28, 4), b"CS", self.colour));
        if samples == 3 {
            bytes.extend(short((0x28, 6), self.planar));
        }
        bytes.extend(text((0x28, 8), b"IS", &self.frames.to_string()));
        let rest = [(0x10, self.rows), (0x11, self.columns), (0x100, self.allocated), (0x101, self.stored)];
        rest.iter().for_each(|(e, v)| bytes.extend(short((0x28, *e), *v)));
        bytes.extend(short((0x28, 0x102), self.high));
        bytes.extend(short((0x28, 0x103), self.signed.into()));
        bytes.extend_from_slice(pixels);
        bytes
    }
}

/// Pixel Data of fragments, with a basic offset table.
pub(crate) fn fragments(table: &[u32], items: &[&[u8]]) -> Vec<u8> {
    let item = |value: &[u8]| {
        let padded = value.len().next_multiple_of(2);
        let mut bytes = b"\xFE\xFF\0\xE0".to_vec();
        bytes.extend_from_slice(&u32::try_from(padded).unwrap().to_le_bytes());
        bytes.extend_from_slice(value);
        bytes.resize(8 + padded, 0);
        bytes
    };
    let offsets: Vec<u8> = table.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut bytes = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF".to_vec();
    bytes.extend(item(&offsets));
    items.iter().for_each(|value| bytes.extend(item(value)));
    bytes.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    bytes
}

/// One frame of RLE: segments of runs.
pub(crate) fn rle(segments: &[&[u8]]) -> Vec<u8> {
    let mut header = vec![u32::try_from(segments.len()).unwrap()];
    let mut at = 64;
    for segment in segments {
        header.push(at);
        at += u32::try_from(segment.len()).unwrap();
    }
    header.resize(16, 0);
    let header: Vec<u8> = header.iter().flat_map(|v| v.to_le_bytes()).collect();
    [header, segments.concat()].concat()
}
