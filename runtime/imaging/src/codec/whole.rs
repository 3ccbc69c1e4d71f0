//! Little endian bytes to the type that the file stores.

use crate::{format::Format, values::Values};

/// Samples of `format.width()` bytes; the bits that are not the value's are left out (PS3.5 section 8.1.1).
pub(super) fn stored(bytes: Vec<u8>, format: &Format) -> Values {
    if format.float {
        return floats(&bytes, format);
    }
    // Above the value, and above and below it.
    let above = u32::from(format.allocated.saturating_sub(format.bits + format.below));
    let unused = u32::from(format.allocated.saturating_sub(format.bits));
    let all = unused == 0;
    macro_rules! of {
        ($kind:ident, $type:ty) => {{
            let values = bytes.as_chunks().0.iter().map(|b| <$type>::from_le_bytes(*b));
            Values::$kind(if all { values.collect() } else { values.map(|v| v << above >> unused).collect() })
        }};
    }
    match (format.allocated, format.signed) {
        (8, false) if all => Values::U8(bytes),
        (1 | 8, false) => of!(U8, u8),
        (1 | 8, true) => of!(I8, i8),
        (16, false) => of!(U16, u16),
        (16, true) => of!(I16, i16),
        (_, false) => of!(U32, u32),
        (_, true) => of!(I32, i32),
    }
}

fn floats(bytes: &[u8], format: &Format) -> Values {
    match format.allocated {
        32 => Values::F32(bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        _ => Values::F64(bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
    }
}

/// Samples that a decoder gives as whole numbers, of which the low `bits` count where the value has a sign.
pub(super) fn narrowed(samples: impl Iterator<Item = i32>, format: &Format, bits: u32) -> Values {
    let unused = 32_u32.saturating_sub(bits);
    let signed = |v: i32| v << unused >> unused;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the bits that the file's type holds"
    )]
    match (format.allocated, format.signed) {
        (1 | 8, false) => Values::U8(samples.map(|v| v as u8).collect()),
        (1 | 8, true) => Values::I8(samples.map(|v| signed(v) as i8).collect()),
        (16, false) => Values::U16(samples.map(|v| v as u16).collect()),
        (16, true) => Values::I16(samples.map(|v| signed(v) as i16).collect()),
        (_, false) => Values::U32(samples.map(|v| v as u32).collect()),
        (_, true) => Values::I32(samples.map(signed).collect()),
    }
}
