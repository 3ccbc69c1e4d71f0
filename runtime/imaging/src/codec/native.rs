//! Pixel data that is not compressed (PS3.5 section 8.1).

use super::whole;
use crate::{
    format::{Colour, Format},
    layout::Layout,
    syntax::Encoding,
    values::Values,
};

/// Bytes that a big endian file has the other way round.
pub(crate) fn swapped(encoding: Encoding, words: bool, format: &Format) -> usize {
    match (encoding, format.allocated) {
        (Encoding::ImplicitLittle | Encoding::ExplicitLittle, _) => 1,
        (Encoding::ExplicitBig, 8) if words => 2,
        (Encoding::ExplicitBig, allocated) => usize::from(allocated / 8).max(1),
    }
}

/// The samples of frame `index`; its bytes begin at or before its first bit, where the layout has aligned them.
pub(super) fn frame(layout: &Layout, format: &Format, index: usize, mut bytes: Vec<u8>) -> Option<Values> {
    swap(&mut bytes, layout.unit(format));
    let lead = layout.lead(format, index);
    if format.allocated == 1 {
        return Some(Values::U8(unpacked(&bytes, lead, format.samples())?));
    }
    let size = usize::try_from(format.native_bits() / 8).ok()?;
    let start = lead / 8;
    bytes.truncate(start.checked_add(size)?);
    bytes.drain(..start);
    if bytes.len() != size {
        return None;
    }
    if format.colour == Colour::Ybr422 {
        return Some(Values::U8(whole_pixels(&bytes)));
    }
    let values = whole::stored(bytes, format);
    Some(if format.planar { values.by_pixel(usize::from(format.colour.samples())) } else { values })
}

/// Turns each unit round. A width that the compiler knows is turned round as one number.
fn swap(bytes: &mut [u8], unit: usize) {
    match unit {
        0 | 1 => {}
        2 => bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|unit| unit.reverse()),
        4 => bytes.as_chunks_mut::<4>().0.iter_mut().for_each(|unit| unit.reverse()),
        _ => bytes.chunks_exact_mut(unit).for_each(<[u8]>::reverse),
    }
}

/// Bits, the lowest of a byte first (PS3.5 section 8.1.1).
fn unpacked(bytes: &[u8], lead: usize, count: usize) -> Option<Vec<u8>> {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.skip(lead).take(count).collect();
    (bits.len() == count).then_some(bits)
}

/// Two pixels of one colour, `Y Y B R`, to two of their own.
fn whole_pixels(bytes: &[u8]) -> Vec<u8> {
    bytes.as_chunks().0.iter().flat_map(|&[first, second, b, r]| [first, b, r, second, b, r]).collect()
}
