//! YBR to RGB (PS3.3 section C.7.6.3.1.2, ITU-T T.871 section 7).

/// Turns full-range YBR, pixel by pixel, to RGB: in single precision and rounded half up, as pydicom does.
pub(super) fn rgb(mut samples: Vec<u8>) -> Vec<u8> {
    for [y, b, r] in samples.as_chunks_mut::<3>().0 {
        let (luma, blue, red) = (f32::from(*y), f32::from(*b) - 128.0, f32::from(*r) - 128.0);
        *y = byte(luma + 1.402 * red);
        *b = byte(luma + GREEN_OF_BLUE * blue + GREEN_OF_RED * red);
        *r = byte(luma + 1.772 * blue);
    }
    samples
}

const GREEN_OF_BLUE: f32 = -0.114 * 1.772 / 0.587;
const GREEN_OF_RED: f32 = -0.299 * 1.402 / 0.587;

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a byte; a cast rounds down"
)]
fn byte(value: f32) -> u8 {
    (value + 0.5).clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_of_ybr_are_those_of_rgb() {
        assert_eq!(rgb(vec![76, 85, 255]), [254, 0, 0]);
        assert_eq!(rgb(vec![255, 128, 128, 0, 128, 128]), [255, 255, 255, 0, 0, 0]);
    }
}
