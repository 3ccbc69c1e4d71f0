//! Encoders of frames: RLE (PS3.5 annex G), JPEG lossless (ITU-T T.81 annex H) and deflation.

use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;

/// Raw deflation (RFC 1951), without a header.
pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = packed.write_all(data);
    packed.finish().unwrap_or_default()
}

/// One RLE frame of 16-bit samples: most significant bytes first, each row by itself.
pub(crate) fn rle(samples: &[u16], columns: usize) -> Vec<u8> {
    let bytes = |of: fn(u16) -> [u8; 2], plane: usize| -> Vec<u8> {
        let plane: Vec<u8> = samples.iter().filter_map(|s| of(*s).get(plane).copied()).collect();
        plane.chunks(columns.max(1)).flat_map(pack_bits).collect()
    };
    let segments = [bytes(u16::to_be_bytes, 0), bytes(u16::to_be_bytes, 1)].map(padded);
    let [first, _] = &segments;
    let second = u32::try_from(64 + first.len()).unwrap_or(u32::MAX);
    let mut header: Vec<u8> = [2, 64, second].iter().flat_map(|v: &u32| v.to_le_bytes()).collect();
    header.resize(64, 0);
    [header, segments.concat()].concat()
}

fn padded(mut segment: Vec<u8>) -> Vec<u8> {
    if segment.len() % 2 == 1 {
        segment.push(0);
    }
    segment
}

/// PackBits: a run of 2 to 128 equal bytes as `257 - n` and the byte, others as `n - 1` and `n` bytes.
fn pack_bits(row: &[u8]) -> Vec<u8> {
    let (mut out, mut literal) = (Vec::new(), Vec::new());
    for run in row.chunk_by(u8::eq) {
        for part in run.chunks(128) {
            match part {
                [first, _, _, ..] => {
                    flush(&mut out, &mut literal);
                    out.extend([u8::try_from(257 - part.len()).unwrap_or(u8::MAX), *first]);
                }
                short => literal.extend_from_slice(short),
            }
        }
    }
    flush(&mut out, &mut literal);
    out
}

fn flush(out: &mut Vec<u8>, literal: &mut Vec<u8>) {
    for part in literal.chunks(128) {
        out.push(u8::try_from(part.len() - 1).unwrap_or_default());
        out.extend_from_slice(part);
    }
    literal.clear();
}

/// Code lengths of the 17 categories of a difference, all of 5 bits: short of optimal, and always valid.
const CATEGORIES: u8 = 17;
const CODE_BITS: u32 = 5;

/// One JPEG lossless frame with selection value 1 of samples of `bits` bits.
pub(crate) fn jpeg_lossless(samples: &[u16], columns: usize, bits: u16) -> Vec<u8> {
    let rows = samples.len() / columns.max(1);
    let size = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let ([r1, r0], [c1, c0]) = (size(rows), size(columns));
    let precision = u8::try_from(bits).unwrap_or(16);
    let mut out = vec![0xFF, 0xD8, 0xFF, 0xC3, 0, 11, precision, r1, r0, c1, c0, 1, 1, 0x11, 0];
    // One table: no code of 1 to 4 bits, all of them of 5.
    out.extend([0xFF, 0xC4, 0, 19 + CATEGORIES, 0, 0, 0, 0, 0, CATEGORIES]);
    out.extend([0; 11]);
    out.extend(0..CATEGORIES);
    out.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0]);
    out.extend(entropy(samples, columns, bits));
    out.extend([0xFF, 0xD9]);
    out
}

fn entropy(samples: &[u16], columns: usize, bits: u16) -> Vec<u8> {
    let mut stream = Bits::default();
    let half = 1_u16 << (bits - 1);
    for (at, sample) in samples.iter().enumerate() {
        let left = at % columns != 0;
        let back = if left { 1 } else { columns };
        let predicted = at.checked_sub(back).and_then(|i| samples.get(i)).copied().unwrap_or(half);
        // Modulo 2^16, as T.81 section H.1.2.1 has it.
        let difference = i32::from(sample.wrapping_sub(predicted).cast_signed());
        let category = u32::BITS - difference.unsigned_abs().leading_zeros();
        stream.push(category, CODE_BITS);
        // Category 16 stands for -32768 alone, without more bits.
        if (1..16).contains(&category) {
            let low = if difference < 0 { difference - 1 } else { difference };
            stream.push(low.cast_unsigned() & ((1 << category) - 1), category);
        }
    }
    stream.finish()
}

/// Bits, most significant first, with a zero after each byte of ones.
#[derive(Default)]
struct Bits {
    out: Vec<u8>,
    held: u64,
    count: u32,
}

impl Bits {
    fn push(&mut self, value: u32, bits: u32) {
        self.held = self.held << bits | u64::from(value);
        self.count += bits;
        while self.count >= 8 {
            self.count -= 8;
            let [byte, ..] = (self.held >> self.count).to_le_bytes();
            self.out.push(byte);
            if byte == 0xFF {
                self.out.push(0);
            }
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let rest = (8 - self.count % 8) % 8;
        self.push((1 << rest) - 1, rest);
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn unpack(mut packed: &[u8], size: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while out.len() < size {
            let (head, rest) = packed.split_first().unwrap();
            match i16::from(head.cast_signed()) {
                n @ 0.. => {
                    let (run, rest) = rest.split_at(usize::try_from(n).unwrap() + 1);
                    out.extend_from_slice(run);
                    packed = rest;
                }
                n => {
                    out.resize(out.len() + usize::try_from(1 - n).unwrap(), rest[0]);
                    packed = &rest[1..];
                }
            }
        }
        out
    }

    #[test]
    fn packed_bits_are_unpacked_to_what_they_were() {
        let rows: [&[u8]; 5] = [&[], &[1], &[1, 1], &[7; 300], &[1, 2, 3, 3, 3, 3, 4, 4, 5]];
        for row in rows {
            assert_eq!(unpack(&pack_bits(row), row.len()), row);
        }
        let long: Vec<u8> = (0..200).collect();
        assert_eq!(unpack(&pack_bits(&long), 200), long);
    }

    #[test]
    fn an_rle_frame_has_two_segments_of_even_length() {
        let frame = rle(&[0x0102, 0x0102, 0x0102, 0x0304], 2);
        assert_eq!(frame[..12], [2, 0, 0, 0, 64, 0, 0, 0, 70, 0, 0, 0]);
        assert_eq!(frame[64..], [1, 1, 1, 1, 1, 3, 1, 2, 2, 1, 2, 4]);
    }

    #[test]
    fn deflated_bytes_are_inflated_to_what_they_were() {
        let data: Vec<u8> = (0..5000_u32).map(|v| v.to_le_bytes()[0]).collect();
        let mut back = Vec::new();
        flate2::read::DeflateDecoder::new(&deflate(&data)[..]).read_to_end(&mut back).unwrap();
        assert_eq!(back, data);
    }

    #[test]
    fn a_byte_of_ones_is_followed_by_a_zero() {
        let mut bits = Bits::default();
        bits.push(0xFF, 8);
        bits.push(0, 1);
        assert_eq!(bits.finish(), [0xFF, 0, 0x7F]);
    }
}
